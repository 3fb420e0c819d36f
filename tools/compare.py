"""Compare two scripts of a task: did a change help? Cross-validation on the training digits, and a sentence.

    python tools/compare.py task3_cnn.py task3_mine.py                 three repeats of five folds: 30 trainings
    python tools/compare.py task3_cnn.py task3_mine.py --repeats 10

Both train on the same folds, in turn, and the predictions are compared digit by digit. The test digits take no part.
The scripts have `build_model` and `train`, and stand beside common.py. `crossvalidate.py` compares more than two.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from crossvalidate import FOLDS, losses, out_of_fold, run_path, training_labels, variances
from measuring.runs import Parser, ProgressLine, fail, positive_integer

LARGEST = 1000  # repeats that are worth a word


def errors_of(paths, repeats):
    """Train scripts and return the errors of each, (repeats, n) in %: of each digit, or of a fold of an autoencoder."""
    jobs = [(path, repeat, fold) for repeat in range(repeats) for fold in range(1, FOLDS + 1) for path in paths]
    with ProgressLine("training", len(jobs)) as progress, ThreadPoolExecutor(os.cpu_count()) as executor:
        results = {}
        try:
            for (path, repeat, fold), result in zip(jobs, executor.map(lambda job: run_path(*job), jobs)):
                results[path, "", repeat, fold] = result
                progress.advance(path.name)
        finally:
            executor.shutdown(cancel_futures=True)
    for path in paths:
        predictions, used = out_of_fold(path, "", repeats, results)
        if "log_probabilities" in used[0]:
            yield losses(np.array(list(predictions.values())), training_labels())[0]
        else:
            yield np.reshape([part["decoder"] for part in used], (repeats, FOLDS))


def sentence(name, differences):
    """Return what differences (repeats, n) of the errors of two scripts say. name: of the script that is compared."""
    digits, others = variances(differences)
    mean, margin = differences.mean(), 1.96 * np.sqrt(digits + others)
    figures = f"{mean:+.2f} points, with 95% confidence {mean - margin:+.2f} to {mean + margin:+.2f}"
    if margin < abs(mean):
        return f"{name} is {'worse' if mean > 0 else 'better'}: {figures}."
    text = f"No difference to be seen: {figures}."
    room = (mean / 1.96)**2 - digits
    needed = np.ceil(len(differences) * others / room) if room > 0 else np.inf
    if mean and needed <= LARGEST:
        return f"{text} If it is of that size, about {needed:.0f} repeats show it."
    return f"{text} If it is of that size, these digits are too few to show it, however often you repeat it."


def main():
    """Compare the two scripts of the command line."""
    parser = Parser(__doc__)
    parser.add_argument("scripts", nargs=2, metavar="SCRIPT", type=Path, help="the first is what the other changes")
    parser.add_argument("--repeats", type=positive_integer, default=3, metavar="N", help="default: 3")
    options = parser.parse_args()
    paths = [path.resolve() for path in options.scripts]
    for path in paths:
        if not path.is_file():
            fail(f"{path.name}: no such script")
    try:
        before, after = errors_of(paths, options.repeats)
    except ValueError as error:
        fail(error)
    if before.shape != after.shape:
        fail("these are scripts of different tasks")
    for path, errors in zip(paths, (before, after)):
        print(f"{path.name}: {errors.mean():.2f}% in {options.repeats} repeats of {FOLDS} folds")
    print(sentence(paths[1].name, after - before))
    return 0


if __name__ == "__main__":
    sys.exit(main())
