"""The table of a cross-validation: a row for each variant, with its differences to the baseline."""

from measuring.folds import out_of_fold
from measuring.intervals import interval, losses
from project import TASKS

import numpy as np


def head(script):
    """Return the head of a script's table."""
    cells = [f"`{script}`", "repeats"]
    for name in TASKS[script].errors:
        cells += [f"{name} error, %"]
        cells += ["difference", "log loss", "difference"] * (name == "digit")
    return [*cells, "parameters", "seconds"]


def rows(script, variants, repeats, results, labels):
    """Yield the rows of the table.

    variants: {name: (fingerprint, changes)}, the first is the baseline. results: of `read_results`. labels: of the
    training digits, (n,). A variant without a complete repeat is left out.
    """
    baseline = None
    for name, (mark, _) in variants.items():
        predictions, used = out_of_fold(repeats, labels, lambda *job, mark=mark: results.get((script, mark, *job)))
        if not used:
            continue
        parts = sum(used.values(), [])
        cells = [name, len(used)]
        if "reconstruction" in parts[0]:
            cells.append(f"{np.mean([part['reconstruction'] for part in parts]):.3f}")
        if "log_probabilities" in parts[0]:
            measured = dict(zip(predictions, zip(*losses(np.array(list(predictions.values())), labels))))
            baseline = baseline or measured
            cells += _with_difference(measured, baseline, 0, decimals=2)
            cells += _with_difference(measured, baseline, 1, decimals=4)
        yield [*cells, f"{parts[0]['parameters']:,}", f"{np.mean([part['seconds'] for part in parts]):.0f}"]


def _with_difference(measured, baseline, which, decimals):
    """Return a mean and its difference to the baseline as cells; both: {repeat: (errors, log losses)}, (n,) each."""
    mean = f"{np.mean([pair[which] for pair in measured.values()]):.{decimals}f}"
    paired = [repeat for repeat in measured if repeat in baseline]
    if measured is baseline or not paired:
        return [mean, ""]
    differences = np.array([measured[repeat][which] - baseline[repeat][which] for repeat in paired])
    low, high = interval(differences)
    return [mean, f"{differences.mean():+.{decimals}f} ({low:+.{decimals}f} to {high:+.{decimals}f})"]
