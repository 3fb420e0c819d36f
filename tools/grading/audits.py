"""The data of each run of a hand-in, altered in some runs, and what the predictions or the printed errors then say.

Every run gets the lines of each half in a new random order. In an audit run they are altered as well. A script cannot
know which run is an audit: names of files, numbers of lines and of each label are the same in all of them.

- contradiction: the labels of the training half are renamed by a permutation that maps no digit to one that looks like
  it. A network that has learned only from the training half calls the test digits by their new names, so that almost
  all of its answers are wrong. What knew the test digits before is still right.
- blocks: the training images are blocks of 4x4 random pixels, so that an autoencoder learns another code, which
  regenerates digits worse. What knew digits before regenerates them as well as ever.
"""

import itertools
import random
from pathlib import Path
from typing import NamedTuple

from measuring.runs import SIZE, DatasetError, count_lines, read_digits

import numpy as np

ORDINARY, CONTRADICTION, BLOCKS = "run", "contradiction", "blocks"
# How a script gets the data: in one file, training and test digits apart, or the latter without labels.
TOGETHER, APART, BLANK = "together", "apart", "blank"
ALIKE = [{0, 6}, {1, 7}, {2, 3}, {2, 7}, {3, 5}, {3, 8}, {3, 9}, {4, 6}, {4, 9}, {5, 6}, {5, 8}, {7, 9}, {8, 9}]
BLOCK = 4  # pixels


class Digits(NamedTuple):
    """Digits as text: labels, a list of str, and pixels, a list of str of 784 characters 0 or 1."""

    labels: list
    pixels: list

    def shuffled(self):
        """Return the same digits in a random order."""
        order = random.sample(range(len(self.labels)), len(self.labels))
        return Digits(*([part[number] for number in order] for part in self))

    def file(self, blank=False):
        """Return a data file (bytes). blank: without the labels."""
        lines = []
        for label, pixels in zip(self.labels, self.pixels):
            rows = "-".join(pixels[start:start + SIZE] for start in range(0, SIZE**2, SIZE))
            lines.append(f"{'' if blank else label}\t{rows}\n")
        return "".join(lines).encode()


class Data(NamedTuple):
    """Training and test digits, `Digits`, and whether they are in two files."""

    training: Digits
    test: Digits
    apart: bool

    @classmethod
    def read(cls, dataset, test=None):
        """Read a data file, and a test file if there is one. Raises DatasetError if there is a mistake in them."""
        def digits(path, start, stop):
            images, labels = read_digits(path, start, stop)
            pixels = images.astype(np.uint8).reshape(-1, SIZE**2) + ord("0")
            return Digits([str(label) for label in labels], [row.tobytes().decode() for row in pixels])

        count = count_lines(dataset)
        if test:
            return cls(digits(dataset, 0, count), digits(test, 0, count_lines(test)), True)
        if count < 2:
            raise DatasetError(f"{Path(dataset)}: too few digits to split ({count})")
        return cls(digits(dataset, 0, count // 2), digits(dataset, count // 2, count), False)

    def draw(self, kind, form):
        """Return the files of a run, {name: bytes}, and the test digits in the order of this run.

        kind: ORDINARY, CONTRADICTION or BLOCKS; form: TOGETHER, APART or BLANK.
        """
        training, test = self.training.shuffled(), self.test.shuffled()
        if kind == CONTRADICTION:
            names = contradiction()
            training = Digits([names[label] for label in training.labels], training.pixels)
        elif kind == BLOCKS:
            bits = np.random.default_rng().integers(0, 2, (len(training.labels), *2 * [-(-SIZE // BLOCK)]))
            images = np.kron(bits, np.ones((BLOCK, BLOCK), int))[:, :SIZE, :SIZE]
            training = Digits(training.labels, ["".join(map(str, image.flat)) for image in images])
        if form == TOGETHER and not self.apart:
            return {"dataset.txt": training.file() + test.file()}, test
        return {"dataset.txt": training.file(), "test.txt": test.file(blank=form == BLANK)}, test


def contradiction():
    """Return new names of the ten digits, {label: label}: none keeps its own, or gets that of one that looks alike."""
    while True:
        names = random.sample(range(10), 10)
        if all(old != new and {old, new} not in ALIKE for old, new in enumerate(names)):
            return {str(old): str(new) for old, new in enumerate(names)}


def measure(predictions, test, names):
    """Return the errors of predictions (text) in %, a list. names: of which, "reconstruction" or "digit".

    test: `Digits` in the order of the run. Raises ValueError, with the reason, if the predictions
    are not complete.
    """
    lines = predictions.splitlines()
    if len(lines) != len(test.labels):
        raise ValueError(f"predicted {len(lines) or 'no'} digits instead of {len(test.labels)}")
    reconstructs, classifies = "reconstruction" in names, "digit" in names
    wrong, differences = 0, 0
    for number, (line, label, image) in enumerate(zip(lines, test.labels, test.pixels), 1):
        said, _, drawn = line.partition("\t")
        drawn = drawn.replace("-", "")
        if classifies and not (len(said) == 1 and said in "0123456789"):
            raise ValueError(f"predictions, line {number}: the label is {said[:20]!r}, expected a digit 0 to 9")
        if reconstructs and (len(drawn) != SIZE**2 or drawn.strip("01")):
            raise ValueError(f"predictions, line {number}: expected {SIZE**2} pixels 0 or 1")
        wrong += said != label
        differences += sum(itertools.starmap(str.__ne__, zip(drawn, image))) if reconstructs else 0
    count = len(lines)
    errors = {"reconstruction": 100 * differences / (count * SIZE**2), "digit": 100 * wrong / count}
    return [errors[name] for name in names]
