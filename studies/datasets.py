"""The data of the studies: the bundle's digits, and data sets of `keras.datasets` from where the user keeps them."""

import os
import shutil
import zipfile
import zlib

from studies import KERAS_HOME, TEMPORARY_HOME
from support import startup  # noqa: F401 (before Keras)
from support.command_line import fail
from support.data_file import DATASET, Digits, count_lines, hold_out, read_digits

import keras
import numpy as np

FOLDER = os.path.join(KERAS_HOME, "datasets")
LINKS = os.path.join(TEMPORARY_HOME, "datasets")  # where Keras looks
HOW_TO_GET = {
    "fashion_mnist": "run this once where there is a network, or install Debian's package dataset-fashion-mnist and "
                     "set KERAS_HOME=/usr/share",
    "mnist": "run this once where there is a network",
}
KERAS_FOLDS = 6  # of the training images of a Keras data set: validation takes 10,000 of 60,000


def load_digits(validation=False):
    """Return the bundle's training and test digits as two `Digits`, 1,000 each.

    validation: return the training digits without the first of five folds, and that fold, instead. Raises DatasetError
    if the file cannot be used.
    """
    count = count_lines(DATASET)
    training = read_digits(DATASET, 0, count // 2)
    return hold_out(training, 1) if validation else [training, read_digits(DATASET, count // 2, count)]


def load_images(name, validation=False, quick=False):
    """Return training and test images of a data set of `keras.datasets` as two `Digits`, pixels in [0, 1].

    validation: the first of six folds of the training images is held out and replaces the test images. quick: there
    are 500 and 100 images only. Ends the process in one line if the data set cannot be had; see `load_data`.
    """
    training, test = (Digits(*arrays) for arrays in load_data(name))
    if validation:
        training, test = hold_out(training, 1, KERAS_FOLDS)
    counts = (500, 100) if quick else (None, None)
    return [Digits(np.float32(images[:count, ..., None]) / 255, labels[:count].astype(np.int32))
            for (images, labels), count in zip((training, test), counts)]


def load_data(name):
    """Return a data set of `keras.datasets`, `fashion_mnist` or `mnist`, as Keras does.

    That is, two pairs of images, uint8 (n, 28, 28), and labels, uint8 (n,). They are read from `datasets` in
    $KERAS_HOME or ~/.keras, and downloaded to that folder if they are missing. Ends the process in one line if they
    are not available or damaged.
    """
    _link_files()
    try:
        data = getattr(keras.datasets, name).load_data()
        _keep_downloads()
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        fail(f"{FOLDER}: the files of {name} cannot be read or written ({error})")
    except Exception as error:  # Keras raises that itself if a download fails
        reason = str(error).rpartition(" -- ")[2]
        fail(f"{FOLDER}: {name} is not there and cannot be downloaded ({reason}): {HOW_TO_GET[name]}")
    return data


def _link_files():
    """Make a link to each file of the user's data sets where Keras looks for them."""
    for parent, _, files in os.walk(os.path.abspath(FOLDER)):
        links = os.path.join(LINKS, os.path.relpath(parent, os.path.abspath(FOLDER)))
        os.makedirs(links, exist_ok=True)
        for file in files:
            if not os.path.lexists(os.path.join(links, file)):
                os.symlink(os.path.join(parent, file), os.path.join(links, file))


def _keep_downloads():
    """Move what Keras has just downloaded, which is no link, to the user's folder."""
    for parent, _, files in os.walk(LINKS):
        for path in (os.path.join(parent, file) for file in files):
            if not os.path.islink(path):
                kept = os.path.join(FOLDER, os.path.relpath(path, LINKS))
                os.makedirs(os.path.dirname(kept), exist_ok=True)
                shutil.move(path, kept + ".part")
                os.replace(kept + ".part", kept)  # so that a part of a file is never taken for the whole
