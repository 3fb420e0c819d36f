"""The data of the studies: the bundle's digits, and data sets of `keras.datasets` from where Keras keeps them."""

import gzip
import os

from studies import KERAS_HOME
from support.command_line import fail
from support.data_file import DATASET, Digits, count_lines, hold_out, read_digits

import numpy as np

FOLDER = os.path.join(KERAS_HOME, "datasets")
KERAS_FOLDS = 6  # of the training images of a Keras data set: validation takes 10,000 of 60,000
HOW_TO_GET = {
    "fashion_mnist": "download it by python -c 'import keras; keras.datasets.fashion_mnist.load_data()', or install "
                     "Debian's package dataset-fashion-mnist and set KERAS_HOME=/usr/share",
    "mnist": "download it by python -c 'import keras; keras.datasets.mnist.load_data()'",
}


def load_digits(validation=False, quick=False):
    """Return the bundle's training and test digits as two `Digits`, 1,000 each.

    validation: return the training digits without the first of five folds, and that fold, instead. quick: the first 200
    of each. Raises DatasetError if the file cannot be used.
    """
    count = count_lines(DATASET)
    training = read_digits(DATASET, 0, count // 2)
    parts = hold_out(training, 1) if validation else [training, read_digits(DATASET, count // 2, count)]
    return [Digits(*(array[:200] for array in part)) for part in parts] if quick else parts


def load_images(name, validation=False, quick=False):
    """Return training and test images of a data set of `keras.datasets` as two `Digits`, pixels in [0, 1].

    validation: the first of six folds of the training images is held out and replaces the test images. quick: there
    are 500 and 100 images only. Ends the process in one line if the data set is not there; see `load_data`.
    """
    training, test = (Digits(*arrays) for arrays in load_data(name))
    if validation:
        training, test = hold_out(training, 1, KERAS_FOLDS)
    counts = (500, 100) if quick else (None, None)
    return [Digits(np.float32(images[:count, ..., None]) / 255, labels[:count].astype(np.int32))
            for (images, labels), count in zip((training, test), counts)]


def load_data(name):
    """Return the data set `fashion_mnist` or `mnist`, as Keras does, from `datasets` in $KERAS_HOME or ~/.keras.

    That is, two pairs of images, uint8 (n, 28, 28), and labels, uint8 (n,). Ends the process in one line if the files
    are missing or damaged.
    """
    try:
        return {"fashion_mnist": _fashion_mnist, "mnist": _mnist}[name]()
    except FileNotFoundError as error:
        fail(f"{error.filename} is missing: {HOW_TO_GET[name]}")
    except Exception as error:  # a damaged file raises any of a dozen exceptions of gzip, zlib, zipfile and NumPy
        fail(f"{FOLDER}: the files of {name} cannot be read ({error})")


def _fashion_mnist():
    def read(file_name, header):
        with gzip.open(os.path.join(FOLDER, "fashion-mnist", f"{file_name}-ubyte.gz")) as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    return [(read(f"{part}-images-idx3", 16).reshape(-1, 28, 28), read(f"{part}-labels-idx1", 8))
            for part in ("train", "t10k")]


def _mnist():
    with np.load(os.path.join(FOLDER, "mnist.npz")) as arrays:
        return [(arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test")]
