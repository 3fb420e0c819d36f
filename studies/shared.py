"""What the studies share: command line, digits, tables, progress and figures, on top of the bundle's own `common`."""

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
import time
import zipfile
import zlib
from unittest import mock

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
import numpy as np


def parser(description):
    """Return a parser of a study's command line, with `--quick` and `--figures DIR`; a study adds its own options."""
    found = common.Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter,
                          allow_abbrev=False)
    found.add_argument("--quick", action="store_true", help="a trial that takes seconds; its results mean nothing")
    found.add_argument("--figures", metavar="DIR", help="save the figures in DIR (without it they are shown, if there "
                                                        "is a screen)")
    return found


def parse(found):
    """Return the options of a command line; a folder for figures is made before there is work that could be lost."""
    options = found.parse_args()
    if options.figures is not None:
        common.make_folder(options.figures)
    return options


def add_runs(found, runs=3, validation=None):
    """Add the options of a study that repeats its trainings to a parser; validation: what --validation would do."""
    found.add_argument("--runs", metavar="N", type=whole_number, default=runs,
                       help=f"train each network so many times (default: {runs})")
    if validation:
        found.add_argument("--validation", action="store_true", help=f"for tuning: {validation}")


def whole_number(text):
    """Return a whole number from 1 on, for a parser of command lines."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1000):
        raise argparse.ArgumentTypeError(f"not a whole number from 1 to 999: {text}")
    return int(text)


def digits(validation=False):
    """Return the bundle's training and test digits as two `common.Digits`, 1,000 each.

    validation: return the first four fifths and the last fifth of the training digits in their place.
    """
    count = common.count_lines(common.DATASET)
    first, second = (count // 2 * 4 // 5, count // 2) if validation else (count // 2, count)
    return common.read_digits(common.DATASET, 0, first), common.read_digits(common.DATASET, first, second)


HELD_BACK = 10000  # images of a data set of Keras, by --validation
WAYS_OUT = {
    "fashion_mnist": "run this once where there is a network, or install Debian's package dataset-fashion-mnist and "
                     "set KERAS_HOME=/usr/share",
    "mnist": "run this once where there is a network",
}


def load_data(name):
    """Return a data set of `keras.datasets`, such as `fashion_mnist`: two pairs of images and labels, as Keras does.

    It is looked for where Keras would keep it, in datasets/ of $KERAS_HOME or else of ~/.keras, and downloaded to there
    if it is missing. Ends the program if it cannot be had or read.
    """
    load = getattr(keras.datasets, name).load_data

    def get_file(fname, origin, cache_subdir="datasets", file_hash=None, **options):
        path = os.path.join(common.KERAS_HOME, cache_subdir, fname)
        if not os.path.exists(path):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    found = keras.utils.get_file(fname, origin, cache_dir=folder, file_hash=file_hash, **options)
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    shutil.copyfile(found, path + ".part")
                    os.replace(path + ".part", path)  # so that a part of a file is never taken for the whole
                except Exception as error:  # Keras raises that itself
                    reason = str(error).rpartition(" -- ")[2]
                    common.fail(f"{path}: not there, and cannot be downloaded ({reason}): {WAYS_OUT[name]}")
        elif file_hash is not None:
            with open(path, "rb") as file:
                if hashlib.sha256(file.read()).hexdigest() != file_hash:
                    raise ValueError(f"{fname} is not Keras's")
        return path

    # Keras takes its home from the environment when it is imported, and `common` hides it then; also, Keras does not
    # look into one that it cannot write to, such as Debian's.
    with mock.patch.dict(load.__globals__, get_file=get_file):
        try:
            return load()
        except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
            common.fail(f"{os.path.join(common.KERAS_HOME, 'datasets')}: the files of {name} cannot be read ({error})")


def images_of(name, options):
    """Return training and test data of a data set of Keras as two `common.Digits`, pixels in [0, 1].

    With --validation the last 10,000 training images stand in for the test images, with --quick there are few of both.
    """
    training, test = load_data(name)
    if options.validation:
        training, test = ([part[held_back] for part in training]
                          for held_back in (slice(-HELD_BACK), slice(-HELD_BACK, None)))
    counts = (1000, 100) if options.quick else (None, None)
    return [common.Digits(np.float32(images[:count, ..., None]) / 255, labels[:count].astype(np.int32))
            for (images, labels), count in zip((training, test), counts)]


def begin_with_fashion(description):
    """Return the options of a study of Fashion-MNIST and its training and test images, float32 (n, 784)."""
    found = parser(description)
    add_runs(found, validation="the last 10,000 training images take the place of the test images")
    options = parse(found)
    return options, *(part.images.reshape(-1, 784) for part in images_of("fashion_mnist", options))


def kind(options):
    """Return what tables and titles call the data that are measured on: `validation` or `test`."""
    return "validation" if options.validation else "test"


class PrincipalComponents:
    """The best linear code of some vectors (n, size): encode and decode by their first `count` principal components."""

    def __init__(self, vectors, count):
        self.mean = vectors.mean(0)
        centred = vectors - self.mean
        self.axes = np.linalg.eigh(centred.T @ centred)[1][:, :-count - 1:-1].T  # from rising order of variance

    def encode(self, vectors):
        """Return the codes (n, count) of vectors (n, size)."""
        return (vectors - self.mean) @ self.axes.T

    def decode(self, codes):
        """Return the vectors (n, size) for codes (n, count)."""
        return codes @ self.axes + self.mean


def present(draw, options):
    """Call `draw`, which returns {name: Matplotlib figure}, and save the figures or show them in windows.

    Without a screen and without --figures nothing is drawn.
    """
    windows = common.has_screen() and options.figures is None
    if windows or options.figures is not None:
        common.present(draw(), options.figures, windows)


def tiled(images, columns):
    """Return images (n, 784), row by row, as one image, (n / columns x 28, columns x 28)."""
    return np.reshape(images, (-1, columns, 28, 28)).swapaxes(1, 2).reshape(-1, columns * 28)


def draw_rows(title, rows):
    """Return a figure of images in rows: a row is a name and images (n, 784), pixels from 0 (white) to 1 (black)."""
    import matplotlib.pyplot as plt

    count = len(rows[0][1])
    figure, panels = plt.subplots(len(rows), count, squeeze=False, figsize=(2 + 0.9 * count, 0.7 + 0.95 * len(rows)),
                                  layout="constrained")
    figure.suptitle(title)
    for line, (name, images) in zip(panels, rows):
        for panel, image in zip(line, images):
            panel.imshow(image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
            panel.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def print_table(head, rows):
    """Print a table in columns: numbers (already text) flush right, everything else flush left."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    right = [all(cell.lstrip("-")[:1].isdigit() for cell in column) for column in zip(*rows)]
    for line in (head, *rows):
        print("   ".join(cell.rjust(width) if flush else cell.ljust(width)
                         for cell, width, flush in zip(line, widths, right)).rstrip(), flush=True)


def mean_and_spread(values, digits):
    """Return the mean of some numbers and, where there are several, their standard deviation, as text."""
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def summaries(runs, digits):
    """Return mean and spread of each column of `runs`, a row of numbers for each run, as texts.

    digits: after the point, one number for all columns, or one for each.
    """
    columns = list(zip(*runs))
    return [mean_and_spread(column, places) for column, places in zip(columns, np.broadcast_to(digits, len(columns)))]


class Progress:
    """A line at a terminal that says how far a piece of work is and how long it will take; nowhere else anything.

    Used with `with`, which takes the line away when the work is done.
    """

    def __init__(self, what, total):
        self.what, self.total, self.start, self.steps = what, total, time.perf_counter(), 0
        self.terminal = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self):
        return self

    def tell(self, done, more=""):
        """Say that `done` parts of the work, at least one, are done, and something `more`."""
        if self.terminal:
            left = (time.perf_counter() - self.start) / done * (self.total - done)
            print(f"\r{self.what}: {done} of {self.total}, {left:.0f} s left{more}\033[K", end="", file=sys.stderr,
                  flush=True)

    def callback(self):
        """Return a Keras callback that counts the epochs of a training as parts of the work."""

        def count(epoch, logs):
            self.steps += 1
            self.tell(self.steps, f"; loss {logs['loss']:.4g}")

        return keras.callbacks.LambdaCallback(on_epoch_end=count)

    def __exit__(self, *_):
        self.clear()

    def clear(self):
        """Take the line away, to print something in its place."""
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
