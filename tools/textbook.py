"""The tasks solved as in a textbook and as in Keras's examples, to compare the bundle's scripts with (`benchmark.py`).

    python tools/textbook.py cnn     prints what task3_cnn.py prints: test error in %, parameters, minutes

The textbook's solutions are autoencoder, multitask, cnn and rnn: plain networks and plain gradient descent on the whole
training set, without batches, distortion or a schedule. keras_autoencoder, keras_cnn and keras_rnn are the networks of
Keras's own introductions, with their batches and optimizers. Those are for 60,000 digits; here they are trained until
the validation error does not fall any more. All solutions take the flags of the scripts.
"""

import sys

from measuring.solutions import SOLUTIONS  # isort: skip  (first: it puts the project on the path of modules)
import common
from support.command_line import fail


def main():
    """Train the solution that the command line names, then measure; return the trained model."""
    name, *arguments = sys.argv[1:] or [""]
    if name in ("-h", "--help"):
        return common.Script(__doc__, [name])  # which ends the program
    if name not in SOLUTIONS:
        fail(f"which solution? {', '.join(SOLUTIONS)}")
    return common.Script(__doc__, arguments).run(SOLUTIONS[name].build_model, SOLUTIONS[name].train)


if __name__ == "__main__":
    common.run(main)
