"""Count in how many trainings task 1 and the autoencoder of task 2 regenerate every digit exactly.

    python tools/exact.py               100 trainings of each: minutes
    python tools/exact.py --runs 10

A training is exact if it regenerates the training digits without a wrong pixel. The test half takes no part.
"""

import sys

import project  # noqa: F401 (first: it puts the project on the path of modules)
from support.command_line import Parser, positive_integer
from support.progress import ProgressLine


def main():
    """Print how many trainings were exact. Returns 1 if one was not, otherwise 0."""
    parser = Parser(__doc__)
    parser.add_argument("--runs", type=positive_integer, default=100, metavar="N", help="of each (default: 100)")
    runs = parser.parse_args().runs
    import common  # here, so that mistakes on the command line need no TensorFlow
    import task1_autoencoder
    import task2_multitask

    import keras

    digits = common.read_digits(common.DATASET, 0, common.count_lines(common.DATASET) // 2)
    trainings = (task1_autoencoder, task1_autoencoder.train), (task2_multitask, task2_multitask.train_autoencoder)
    missed = 0
    for task, train in trainings:
        exact = 0
        with ProgressLine("training", runs) as progress:
            for number in range(runs):
                progress.update(number, task.__name__)
                model = task.build_model()
                train(model, digits)
                reconstruction = model.get_layer("reconstruction").output if task is task2_multitask else model.output
                outputs = common.predict(keras.Model(model.input, reconstruction), digits.images)
                exact += common.errors(digits, outputs)["reconstruction"] == 0
                keras.backend.clear_session()
        print(f"{task.__name__}: {exact} of {runs} exact", flush=True)
        missed += runs - exact
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
