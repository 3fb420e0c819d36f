"""How small can the classifiers of tasks 3 and 4 be? Their error by the number of parameters, by cross-validation.

    python tools/sizes.py --results FILE --figures docs/figures      sizes.png; an hour on two cores
    python tools/sizes.py --results FILE --figures DIR --repeats 1 task3_cnn.py

Each size is trained in two repeats of cross-validation on the training digits, as crossvalidate.py does it: the test
half takes no part. Trainings are appended to FILE as they end: Ctrl-C stops, the same command goes on.
"""

import sys
from pathlib import Path

from measuring.crossvalidation import trained
from measuring.folds import out_of_fold, training_labels
from measuring.intervals import losses
from measuring.runs import fail, machine, positive_integer, scripts_parser, table
from measuring.sizes import SIZES, draw

import numpy as np


def points_of(script, variants, repeats, results, labels):
    """Return the points of a script that are complete, [(parameters, [error in % of a repeat, ...])].

    variants: {name: (fingerprint, changes)}. results: of `read_results`. labels: of the training digits, (n,).
    """
    points = []
    for mark, _ in variants.values():
        predictions, used = out_of_fold(repeats, labels, lambda *job, mark=mark: results.get((script, mark, *job)))
        if used:
            errors, _ = losses(np.array(list(predictions.values())), labels)
            points.append((next(iter(used.values()))[0]["parameters"], errors.mean(axis=1).tolist()))
    return points


def main():
    """Train what is missing, print the table, and draw the figure. A mistake of the user ends the program in a line."""
    parser = scripts_parser(__doc__)
    parser.add_argument("--results", required=True, metavar="FILE", help="results are read from there and appended")
    parser.add_argument("--figures", metavar="DIR", required=True, help="where to save the figure")
    parser.add_argument("--repeats", type=positive_integer, default=2, metavar="N", help="default: 2")
    options = parser.parse_args()
    points, stopped = {}, False
    for script in options.scripts or SIZES:
        if script not in SIZES:
            fail(f"{script}: only {' and '.join(SIZES)} have sizes")
        variants, results, stopped = trained(script, SIZES[script], options.repeats, options.results)
        points[script] = points_of(script, variants, options.repeats, results, training_labels())
        if stopped:
            break
    points = {script: sizes for script, sizes in points.items() if sizes}
    print(f"By cross-validation, {machine()}.\n")
    print(table(["script", "parameters", "repeats", "digit error, %"],
                [[f"`{script}`", f"{parameters:,}", len(errors), f"{np.mean(errors):.2f}"]
                 for script, sizes in points.items() for parameters, errors in sizes], "lrrr"))
    if points:
        Path(options.figures).mkdir(parents=True, exist_ok=True)
        draw(points).savefig(Path(options.figures) / "sizes.png", dpi=100)
    return 130 if stopped else 0


if __name__ == "__main__":
    sys.exit(main())
