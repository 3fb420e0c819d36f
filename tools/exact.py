"""Count in how many trainings task 1 and the autoencoder of task 2 regenerate every digit exactly.

    python tools/exact.py               100 trainings of each: minutes
    python tools/exact.py --runs 10
    python tools/exact.py --candidates  also the candidates of docs/ablation.md

A training is exact if it regenerates the training digits without a wrong pixel. The test half takes no part. All take
turns; the processor time is that of the training, the mean of all but the first round.
"""

import runpy
import sys
import time
from statistics import mean

from measuring.ablation import CHANGES
from measuring.runs import changed
from support.command_line import Parser, positive_integer
from support.progress import ProgressLine

SCRIPT = "task1_autoencoder.py"
CANDIDATES = "omega_0 of 1 instead of 100", "twice the epochs", "256 restarts instead of 512"


def autoencoders(candidates):
    """Return what is trained, {name: (function that builds the model, function that trains it, name of the output)}.

    candidates: names of changes of task 1.
    """
    import task1_autoencoder  # here, so that mistakes on the command line need no TensorFlow
    import task2_multitask

    found = {"task1_autoencoder": (task1_autoencoder.build_model, task1_autoencoder.train, None),
             "task2_multitask": (task2_multitask.build_model, task2_multitask.train_autoencoder, "reconstruction")}
    for name in candidates:
        with changed(SCRIPT, CHANGES[SCRIPT][name]) as path:
            script = runpy.run_path(str(path))
        found[name] = script["build_model"], script["train"], None
    return found


def main():
    """Print how many trainings were exact. Returns 1 if one was not, otherwise 0."""
    parser = Parser(__doc__)
    parser.add_argument("--runs", type=positive_integer, default=100, metavar="N", help="of each (default: 100)")
    parser.add_argument("--candidates", action="store_true", help="train these as well")
    options = parser.parse_args()
    import common

    import keras

    digits = common.read_digits(common.DATASET, 0, common.count_lines(common.DATASET) // 2)
    trained = autoencoders(CANDIDATES if options.candidates else ())
    exact, seconds = {name: 0 for name in trained}, {name: [] for name in trained}
    with ProgressLine("training", options.runs) as progress:
        for number in range(options.runs):
            for name, (build, train, output) in trained.items():
                progress.update(number, name)
                model = build()
                start = time.process_time()
                train(model, digits)
                seconds[name].append(time.process_time() - start)
                decoder = keras.Model(model.input, model.get_layer(output).output if output else model.output)
                exact[name] += common.errors(digits, common.predict(decoder, digits.images))["reconstruction"] == 0
                keras.backend.clear_session()
    for name in trained:
        later = seconds[name][1:]
        print(f"{name}: {exact[name]} of {options.runs} exact" + (f", {mean(later):.2f} s" if later else ""))
    return int(min(exact.values()) < options.runs)


if __name__ == "__main__":
    sys.exit(main())
