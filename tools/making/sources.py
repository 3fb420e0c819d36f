"""Read digits from files of many kinds, each known by its content: IDX, Keras's .npz, CSV, data files, pictures."""

import gzip
import io
import math
import re
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from making.pictures import PICTURES, in_one_form, read_pictures
from support.data_file import SIZE, DatasetError, check_file, parse_lines

import numpy as np

IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
LABEL_NAMES = {"label", "class", "digit", "target", "y"}  # in the head of a CSV file


class Source(NamedTuple):
    """Digits as they were read: images, uint8 (n, 28, 28), 255 where ink is; labels, int (n,); where each is (texts).

    path: of the source. left_out: what was not read and why, a list of lines.
    """

    path: str
    images: np.ndarray
    labels: np.ndarray
    places: list
    left_out: list


def read_sources(paths):
    """Return a Source for each path, in their order; images and labels of IDX files are one. Raises DatasetError."""
    contents = {}
    for path in paths:
        if Path(path).is_dir() or Path(path).suffix.lower() in PICTURES:
            contents[path] = None
        else:
            check_file(path)
            contents[path] = _content(path)
    idx = {path: _idx(path, content) for path, content in contents.items() if content and content[:2] == b"\0\0"}
    labels_of = _pairs(idx)
    sources = []
    for path, content in contents.items():
        if content is None:
            sources.append(Source(path, *read_pictures(path)))
        elif path in labels_of:
            labels_path, labels = labels_of[path]
            sources.append(_source(path, idx[path], labels, "digit", labels_path))
        elif path not in idx:
            sources.append(_npz(path, content) if content[:2] == b"PK" else _text(path, content))
    return sources


def _content(path):
    """Return the content of a file (bytes), without the compression by gzip."""
    try:
        content = Path(path).read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise DatasetError(f"{path}: the compressed file is truncated or damaged") from None
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from None


def _source(path, images, labels, unit, labels_path=None, first=1):
    """Return a Source of arrays, after a look at both. unit, first: how a digit is called in messages: `line 2` on."""
    labels_path = labels_path or path
    if np.ndim(labels) == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if np.ndim(labels) != 1:
        raise DatasetError(f"{labels_path}: labels of the shape {labels.shape}, expected ({len(images)},)")
    if len(labels) != len(images):
        raise DatasetError(f"{path}: {len(images):,} images, but {len(labels):,} labels in {labels_path}")
    wrong = ~np.isin(labels, range(10))
    if wrong.any():
        number = int(np.argmax(wrong))
        raise DatasetError(f"{labels_path}, {unit} {number + first}: the label is {labels[number]:g}, expected a digit "
                           "0 to 9")
    places = [f"{path}, {unit} {number}" for number in range(first, len(images) + first)]
    return Source(path, in_one_form(images, path, places), labels.astype(int), places, [])


# IDX ------------------------------------------------------------------------------------------------------------------


def _idx(path, content):
    """Return the array of an IDX file, whose head is two zeros, the type, the dimensions, and the size of each."""
    kind, dimensions = (content[2], content[3]) if len(content) > 3 else (None, 0)
    if kind not in IDX_TYPES or dimensions not in (1, 2, 3, 4):
        raise DatasetError(f"{path}: not an IDX file of images or labels")
    start = 4 + 4 * dimensions
    shape = [int.from_bytes(content[place : place + 4], "big") for place in range(4, start, 4)]
    expected = start + math.prod(shape) * np.dtype(IDX_TYPES[kind]).itemsize
    if len(content) < start or len(content) != expected:
        state = "truncated" if len(content) < max(start, expected) else "too long"
        raise DatasetError(f"{path}: the IDX file is {state}: {len(content):,} bytes, expected {expected:,}")
    return np.frombuffer(content, IDX_TYPES[kind], offset=start).reshape(shape)


def _pairs(idx):
    """Return the labels of images: {path of images: (path of labels, labels)}; idx: arrays by path.

    Labels have the name of their images, as MNIST's files have, or stand in the same place among those of labels. If
    only images were given, their labels are looked for beside them.
    """
    images = [path for path, array in idx.items() if array.ndim > 1]
    labels = [path for path, array in idx.items() if array.ndim == 1]
    if len(labels) > len(images) or 0 < len(labels) < len(images):
        raise DatasetError(f"{len(images)} IDX file{'s' * (len(images) != 1)} of images, but {len(labels)} of labels")
    if not labels:
        return {path: _labels_beside(path) for path in images}
    found = {}
    for alike in (lambda path, other: _named(path, other) and Path(path).parent == Path(other).parent, _named,
                  lambda path, other: True):
        for path in images:
            other = next((other for other in labels if alike(path, other)), None)
            if other and path not in found:
                found[path] = other, idx[other]
                labels.remove(other)
    return found


def _labels_beside(path):
    """Return the path and the content of the file of labels that stands beside one of images."""
    others = [other for other in Path(path).parent.iterdir() if _named(path, other) and _bare(other) != _bare(path)]
    if not others:
        raise DatasetError(f"{path}: no labels: give their file as well")
    other = min(others, key=lambda other: other.suffix != Path(path).suffix)
    labels = _idx(other, _content(other))
    if labels.ndim != 1:
        raise DatasetError(f"{other}: not labels, but images")
    return other, labels


def _bare(path):
    return Path(path).name.removesuffix(".gz")


def _named(path, other):
    """Return whether `other` has the name of the labels that belong to the images in `path`."""
    return _bare(other) == _bare(path).replace("images", "labels").replace("idx3", "idx1")


# Others ---------------------------------------------------------------------------------------------------------------


def _npz(path, content):
    """Read `x_train` and `y_train`, then `x_test` and `y_test`, as Keras stores MNIST."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("x_train", "y_train", "x_test", "y_test") if name in file.files}
            names = ", ".join(file.files[:5])
    except (OSError, ValueError, EOFError, KeyError, MemoryError, RuntimeError, zipfile.BadZipFile, zlib.error):
        raise DatasetError(f"{path}: the .npz file is truncated or damaged, or not one of numbers") from None
    parts = []
    for part in ("train", "test"):
        x, y = arrays.get(f"x_{part}"), arrays.get(f"y_{part}")
        if (x is None) != (y is None):
            raise DatasetError(f"{path}: x_{part} or y_{part} is missing")
        if x is not None:
            if not (x.ndim and np.issubdtype(x.dtype, np.number) and np.issubdtype(y.dtype, np.number)):
                raise DatasetError(f"{path}: x_{part} and y_{part} are not arrays of numbers")
            parts.append(_source(path, x, np.atleast_1d(y), f"x_{part}", first=0))
    if not parts:
        raise DatasetError(f"{path}: no x_train and y_train, but {names or 'nothing'}")
    _, images, labels, places, _ = zip(*parts)
    return Source(path, np.concatenate(images), np.concatenate(labels), sum(places, []), [])


def _text(path, content):
    """Read a data file of the project, or CSV."""
    if b"\0" in content[:1000]:
        raise DatasetError(f"{path}: no picture and no file of digits that is known")
    lines = content.rstrip().removeprefix(b"\xef\xbb\xbf").splitlines()
    if not lines:
        raise DatasetError(f"{path}: no digits")
    if re.match(rb"[^\t,;]*\t[^\t,; ]*$", lines[0]):
        images, labels = parse_lines(lines, path)
        return _source(path, images, labels, "line")
    return _csv(path, lines)


def _csv(path, lines):
    """Read CSV (lines, bytes): a label and 784 pixels, 0 to 255 or 0 to 1.

    A head may say that another column than the first has the labels.
    """
    column, first = 0, 1
    separator = max(",;\t ", key=lines[0].decode(errors="replace").count)
    images, labels = np.empty((len(lines), SIZE * SIZE), np.float32), np.empty(len(lines))
    for number, line in enumerate(lines, 1):
        cells = line.decode(errors="replace").replace('"', "").split(separator)
        if number == 1:
            names = [cell.strip().lower() for cell in cells]
            named = [place for place, name in enumerate(names) if name in LABEL_NAMES]
            if named or (len(names) > 1 and not _is_number(names[1])):
                column, first = (named or [0])[0], 2
                continue
        if len(cells) != SIZE * SIZE + 1:
            raise DatasetError(f"{path}, line {number}: {len(cells)} values, expected a label and {SIZE * SIZE} pixels")
        label = cells.pop(column).strip()
        if not _is_number(label) or float(label) not in range(10):
            raise DatasetError(f"{path}, line {number}: the label is {label[:20]!r}, expected a digit 0 to 9")
        try:
            images[number - first], labels[number - first] = cells, float(label)
        except ValueError:
            raise DatasetError(f"{path}, line {number}: a pixel is no number") from None
    count = len(lines) - first + 1
    if not count:
        raise DatasetError(f"{path}: no digits")
    return _source(path, images[:count], labels[:count], "line", first=first)


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
