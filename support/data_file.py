"""Data files: read digits, explain what is wrong with a file, write predictions. Needs NumPy only."""

import hashlib
import os
import stat
from typing import NamedTuple

from support import ROOT

import numpy as np

DATASET = os.path.join(ROOT, "dataset.txt")
SIZE = 28  # pixels, both ways
FOLDS = 5  # of the training digits, for --validation
LONGEST_LINE = 1000  # bytes; a valid line has at most 818
CHUNK = 1000  # lines that are read at once: of a large file, memory holds the images and little else
NO_LABEL = -1


FORM = f"a line is a label, a tab and {SIZE} rows of {SIZE} characters 0 or 1, joined by -"


class DatasetError(ValueError):
    """A data file that cannot be used. The message is one line with the file, the line and the mistake."""


class Digits(NamedTuple):
    """Some digits: `images`, float32 (n, 28, 28, 1), pixels 0 or 1, and `labels`, int32 (n,), 0 to 9 or NO_LABEL."""

    images: np.ndarray
    labels: np.ndarray


def check_file(path):
    """Raise DatasetError if `path` is not a readable file with something in it. The file is not opened."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise DatasetError(f"{path}: not a file")
    if not os.access(path, os.R_OK):
        raise DatasetError(f"{path}: no permission to read")
    if not status.st_size:
        raise DatasetError(f"{path}: the file is empty")


def same_file(path, other):
    """Return whether two paths name the same file, under whatever names; False if one of them does not exist."""
    try:
        return os.path.samefile(path, other)
    except OSError:
        return os.path.abspath(path) == os.path.abspath(other)


def count_lines(path):
    """Return the number of lines of a file, without blank lines at its end.

    Lines are counted by their line ends only, to find the halves of the file: what the lines contain is not used.
    Raises DatasetError if the file cannot be read.
    """
    check_file(path)
    lines = ends = 0
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                if text := chunk.rstrip():
                    lines = ends + text.count(b"\n") + 1
                ends += chunk.count(b"\n")
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from None
    return lines


def read_digits(path, start, stop, blank_labels=False):
    """Read the lines from `start` up to `stop` (counted from 0, `stop` not included) of a data file.

    A line is a label, a tab and 784 characters 0 or 1, in 28 rows joined by `-` or without any `-`. No other line is
    kept. blank_labels: whether nothing before the tab is a label too, NO_LABEL. Returns `Digits`. Raises DatasetError
    for anything else.
    """
    count = max(0, stop - start)
    digits = Digits(np.empty((count, SIZE, SIZE, 1), np.float32), np.empty(count, np.int32))
    try:
        with open(path, "rb") as file:
            for _ in range(start):
                file.readline(LONGEST_LINE)
            for first in range(start, stop, CHUNK):
                lines = [file.readline(LONGEST_LINE) for _ in range(min(CHUNK, stop - first))]
                if first == 0:
                    lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")  # a byte-order mark
                part = slice(first - start, first - start + len(lines))
                digits.images[part], digits.labels[part] = parse_lines(lines, path, first, blank_labels)
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from None
    if not count:
        raise DatasetError(f"{path}: no digits")
    return digits


def parse_lines(lines, path, first=0, blank_labels=False):
    """Return the pixels, uint8 (n, 28, 28, 1), and the labels, int32 (n,), of lines (bytes) of a data file.

    Raises DatasetError for a line that is not a digit, with the path and the number of the line. first: the number of
    the first line, from 0. blank_labels: as in `read_digits`.
    """
    labels, bitmaps = [], []
    for line in lines:
        label, _, bitmap = line.rstrip(b"\r\n").partition(b"\t")
        if len(bitmap) == SIZE * (SIZE + 1) - 1 and bitmap[SIZE :: SIZE + 1] == b"-" * (SIZE - 1):
            bitmap = bitmap.replace(b"-", b"")
        labels.append(label)
        bitmaps.append(bitmap)
    known = [b"%d" % label for label in range(10)] + [b""] * blank_labels
    mistakes = [label not in known or len(bitmap) != SIZE * SIZE for label, bitmap in zip(labels, bitmaps)]
    if not any(mistakes):
        pixels = np.frombuffer(b"".join(bitmaps), np.uint8).reshape(-1, SIZE, SIZE, 1) - ord("0")
        mistakes = (pixels > 1).any((1, 2, 3))
    if any(mistakes):
        number = int(np.argmax(mistakes))
        raise DatasetError(f"{path}, line {first + number + 1}: {_explain(lines[number])}")
    return pixels, np.int32([label or NO_LABEL for label in labels])


def _explain(line):
    """Return what is wrong with a line (bytes) that is not a digit."""
    if len(line) == LONGEST_LINE:
        return f"the line is too long: {FORM}"
    try:
        line = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} is not text: {FORM}"
    label, tab, bitmap = line.partition("\t")
    if not line.strip():
        return "the line is blank"
    if not tab:
        return f"no tab between label and pixels: {FORM}"
    if label not in list("0123456789"):
        return f"the label is {label[:20]!r}, expected a digit 0 to 9"
    rows = bitmap.split("-")
    for number, row in enumerate(rows, 1):
        if wrong := row.strip("01"):
            return f"row {number} has the character {wrong[0]!r}, expected 0 or 1"
    if len(rows) == 1:
        return f"{len(bitmap)} pixels, expected {SIZE * SIZE}"
    for number, row in enumerate(rows, 1):
        if len(row) != SIZE:
            return f"row {number} has {len(row)} pixels, expected {SIZE}"
    return f"{len(rows)} rows, expected {SIZE}"


def fold_of(labels, folds=FOLDS, repeat=0):
    """Return to which of several folds each digit belongs, int (n,), from 1 to `folds`. labels: int (n,).

    The folds are stratified: of each class, and in all, two folds have the same number of digits or one more. Before,
    the digits are shuffled by a fixed rule, without random numbers: in the order of hashes. repeat: another rule.
    """
    hashes = [hashlib.sha256(b"%d %d" % (repeat, number)).digest() for number in range(len(labels))]
    order = np.array(sorted(range(len(labels)), key=hashes.__getitem__))
    result = np.empty(len(labels), int)
    result[order[np.argsort(labels[order], kind="stable")]] = np.arange(len(labels)) % folds + 1
    return result


def hold_out(digits, fold, folds=FOLDS, repeat=0):
    """Split `Digits` into a part for training and one fold for validation, for k-fold cross-validation.

    fold: from 1 to `folds`. repeat: as in `fold_of`. Raises DatasetError if there are fewer digits than folds.
    """
    if len(digits.labels) < folds:
        raise DatasetError(f"{len(digits.labels)} digits are too few for {folds} folds")
    held_out = fold_of(digits.labels, folds, repeat) == fold
    return [Digits(*(array[chosen] for array in digits)) for chosen in (~held_out, held_out)]


def write_predictions(path, outputs):
    """Write the outputs of a model, one line per digit, in the format of a data file: label, tab, pixels.

    outputs: a dictionary of `reconstruction` (n, 28, 28, 1), `digit` (n, 10), or both. A part that the model does not
    predict is left out: the label before the tab, or the tab and the pixels. Raises OSError.
    """
    lines = [str(label) for label in outputs["digit"].argmax(1)] if "digit" in outputs else None
    if "reconstruction" in outputs:
        pixels = np.round(outputs["reconstruction"]).astype(int).reshape(-1, SIZE, SIZE)
        rows = ["-".join("".join(map(str, row)) for row in image) for image in pixels]
        lines = [f"{label}\t{image}" for label, image in zip(lines or [""] * len(rows), rows)]
    with open(path, "w") as file:
        file.writelines(f"{line}\n" for line in lines)
