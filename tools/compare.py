"""Compare two scripts of a task: did a change help? Cross-validation on the training digits, and a sentence.

    python tools/compare.py task3_cnn.py task3_mine.py                 three repeats of five folds: 30 trainings
    python tools/compare.py task3_cnn.py task3_mine.py --repeats 10

Both train on the same folds, in turn, and the predictions are compared digit by digit, regenerated images fold by fold.
The test digits take no part. The scripts have `build_model` and `train`, and stand beside common.py, in one folder.
`crossvalidate.py` compares more than two.
"""

import sys
from functools import partial
from pathlib import Path

from measuring.folds import FOLDS, out_of_fold, train, training_labels
from measuring.intervals import fold_variances, losses, variances
from measuring.processes import in_parallel
from measuring.runs import Parser, fail, positive_integer

import numpy as np

MOST_REPEATS = 1000  # that are worth a word


def errors_of(paths, repeats):
    """Train scripts and return the errors of each in %, by the names of the outputs.

    `digit` is the error of each digit, (repeats, n), `reconstruction` that of each fold, (repeats, folds). Starts
    processes, one per core. Raises ValueError if one fails.
    """
    jobs = [(path, repeat, fold) for repeat in range(repeats) for fold in range(1, FOLDS + 1) for path in paths]
    results = {jobs[number]: result
               for number, result in in_parallel([(job[0].name, partial(train, *job)) for job in jobs])}
    return [_errors(repeats, training_labels(path.parent), lambda *job, path=path: results[(path, *job)])
            for path in paths]


def _errors(repeats, labels, results_of):
    predictions, used = out_of_fold(repeats, labels, results_of)
    errors = {}
    if "reconstruction" in used[0][0]:
        errors["reconstruction"] = np.array([[part["reconstruction"] for part in parts] for parts in used.values()])
    if "log_probabilities" in used[0][0]:
        errors["digit"] = losses(np.array(list(predictions.values())), labels)[0]
    return errors


def shapes(errors):
    """Return the shapes of a dictionary of errors, which scripts must share to be compared."""
    return {name: values.shape for name, values in errors.items()}


def sentence(name, differences, variances=variances):
    """Return what differences of the errors of two scripts say, (repeats, n).

    name: of the script that is compared. variances: the function that estimates those of the mean.
    """
    if not differences.any():
        return "No difference at all: the errors are the same."
    of_digits, others = variances(differences)
    mean, margin = differences.mean(), 1.96 * np.sqrt(of_digits + others)
    figures = f"{mean:+.2f} points, with 95% confidence {mean - margin:+.2f} to {mean + margin:+.2f}"
    if margin < abs(mean):
        return f"{name} is {'worse' if mean > 0 else 'better'}: {figures}."
    text = f"No difference to be seen: {figures}."
    room = (mean / 1.96)**2 - of_digits
    needed = np.ceil(len(differences) * others / room) if room > 0 else np.inf
    if needed <= MOST_REPEATS:
        return f"{text} If it is of that size, about {needed:.0f} repeats show it."
    return f"{text} If it is of that size, these digits are too few to show it, however often you repeat it."


def main():
    """Compare the two scripts of the command line; return the exit status. A mistake of the user is one line."""
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
    if shapes(before) != shapes(after):
        fail("these are scripts of different tasks")
    trained = f"in {options.repeats} repeat{'s' * (options.repeats > 1)} of {FOLDS} folds"
    for name in before:
        for path, errors in zip(paths, (before, after)):
            print(f"{path.name}: {name} error {errors[name].mean():.2f}% {trained}")
        print(sentence(paths[1].name, after[name] - before[name], variances if name == "digit" else fold_variances))
    return 0


if __name__ == "__main__":
    sys.exit(main())
