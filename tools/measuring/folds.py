"""Cross-validation on the training digits: the trainings of a script's folds, and the predictions put together."""

from functools import partial

from measuring.processes import run_module
from measuring.runs import changed
from project import ROOT
from support.data_file import FOLDS, count_lines, fold_of, read_digits

import numpy as np

__all__ = ["FOLDS", "out_of_fold", "train", "train_changed", "training_labels"]

def train(path, repeat, fold):
    """Train the script at a path without one fold, in a process with one thread; return `train_fold`'s dictionary.

    The script stands beside `common.py`, `support/` and `dataset.txt`. Raises ValueError if the process fails.
    """
    return run_module("train_fold", path.stem, repeat, fold, folder=path.parent, environment={"OMP_NUM_THREADS": "1"})


def train_changed(script, changes, repeat, fold):
    """Train a changed copy of a script without one fold, like `train`. Raises ValueError if a change does not fit."""
    with changed(script, changes) as path:
        return train(path, repeat, fold)


def training_labels(folder=ROOT):
    """Return the labels of the training half of the data set in a folder, (n,). Raises DatasetError."""
    path = folder / "dataset.txt"
    return read_digits(path, 0, count_lines(path) // 2).labels


def out_of_fold(repeats, labels, results_of):
    """Put the predictions of the folds together, in the order of the data.

    labels: of the training digits, (n,). results_of: a function from repeat and fold to `train_fold`'s dictionary, None
    if there is none. Returns the log-probabilities of the repeats that are complete, {repeat: (n, 10)}, with None in
    place of the array for an autoencoder; and the dictionaries of these repeats, {repeat: [...]}, by fold.
    """
    predictions, used = {}, {}
    for repeat in range(repeats):
        parts = list(map(partial(results_of, repeat), range(1, FOLDS + 1)))
        if None in parts:
            continue
        used[repeat], predictions[repeat] = parts, None
        if "log_probabilities" in parts[0]:
            predictions[repeat], folds = np.empty((len(labels), 10)), fold_of(labels, FOLDS, repeat)
            for fold, part in enumerate(parts, 1):
                predictions[repeat][folds == fold] = part["log_probabilities"]
    return predictions, used
