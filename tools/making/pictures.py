"""Pictures of digits: a folder of files with their labels, and arrays of images, in the form of the data."""

import re
from pathlib import Path

from support.data_file import SIZE, DatasetError
from support.pictures import in_form, ink_of_picture

import numpy as np

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
LABEL_HELP = "expected a folder such as 3, or a name such as 3_anna.png"


def read_pictures(path):
    """Read a picture, or all pictures in a folder and below, in the order of their names.

    Returns images, uint8 (n, 28, 28), 255 where ink is; labels, int (n,); the path of each; and lines on what was left
    out. Hidden files do not count. Raises DatasetError for a picture without a label or ink, and if there is none.
    """
    top = Path(path)
    files = [top] if top.is_file() else sorted(
        (file for file in top.rglob("*") if file.is_file()
         and not any(part.startswith(".") for part in file.relative_to(top).parts)), key=_by_number)
    others = [str(file.relative_to(top)) for file in files if file.suffix.lower() not in PICTURES]
    files = [file for file in files if file.suffix.lower() in PICTURES]
    if not files:
        raise DatasetError(f"{path}: {'no pictures in this folder' if top.is_dir() else 'No such file or directory'}")
    left_out = [f"{path}: {len(others)} left out: no picture ({', '.join(others[:3])}{', …' * (len(others) > 3)})"]
    labels = np.array([label_of(file, top) for file in files])  # first, as they are known soon
    images = np.stack([np.uint8(np.round(255 * ink_of_picture(file))) for file in files])
    return images, labels, [str(file) for file in files], left_out if others else []


def _by_number(path):
    """Return what a path is sorted by: 2.png comes before 10.png."""
    return [(int(digits or -1), text) for digits, text in re.findall(r"([0-9]*)([^0-9]*)", str(path))]


def label_of(file, top):
    """Return the label of a picture: the nearest folder whose name is a digit, or the number its own name begins with.

    top: the picture itself, or a folder that it is in; no folder above counts. Raises DatasetError if it is no digit.
    """
    folder = file.parent if file == top else top
    folders = [*reversed(file.parent.relative_to(folder).parts), folder.resolve().name]
    digits = [name for name in folders if re.fullmatch("[0-9]", name)]
    label = digits[0] if digits else re.match("[0-9]*", file.name)[0]
    if len(label) != 1:
        raise DatasetError(f"{file}: {f'the label is {label[:20]!r}' if label else 'no label'}, {LABEL_HELP}")
    return int(label)


def in_one_form(images, path, places):
    """Return an array of images, 0 to 255 or 0 to 1, as uint8 (n, 28, 28), 255 where ink is.

    images: (n, height, width), with a last dimension of 1 or not, or (n, 784). They are light on dark, unless most of
    their edges are light. places: what to call each in a message. Raises DatasetError.
    """
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim == 2 and images.shape[1] == SIZE * SIZE:
        images = images.reshape(-1, SIZE, SIZE)
    if images.ndim != 3 or 0 in images.shape:
        raise DatasetError(f"{path}: images of the shape {images.shape}, expected (n, {SIZE}, {SIZE})")
    low, high = images.min(), images.max()
    if not 0 <= low <= high <= 255:  # also if one is not a number
        raise DatasetError(f"{path}: pixels from {low:g} to {high:g}, expected 0 to 255, or 0 to 1")
    images = np.uint8(np.round(255.0 * images)) if high <= 1 else images.astype(np.uint8)
    if np.median(np.concatenate([images[:, [0, -1]].ravel(), images[:, :, [0, -1]].ravel()])) > 127:
        images = 255 - images
    if images.shape[1:] == (SIZE, SIZE):
        return images
    for image, place in zip(images, places):
        if image.max() < 64:  # less would not be found as ink
            raise DatasetError(f"{place}: nothing is drawn on it")
    return np.stack([np.uint8(np.round(255 * in_form(image / 255))) for image in images])
