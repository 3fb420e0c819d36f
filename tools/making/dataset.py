"""Which digits make a data file, in which order, and how they are written."""

import os
from pathlib import Path

from support.data_file import SIZE, DatasetError, count_lines, read_digits

import numpy as np


def black_and_white(source, threshold):
    """Return the bitmaps of a Source, bool (n, 28, 28): where it is brighter than a share of the brightest possible.

    Raises DatasetError, with the place, if nothing of a digit is left.
    """
    bitmaps = source.images > 255 * threshold
    blank = ~bitmaps.any((1, 2))
    if blank.any():
        number = int(np.argmax(blank))
        most = source.images[number].max() / 255
        raise DatasetError(f"{source.places[number]}: " + (
            f"no pixel has more ink than {most:.2f}, the threshold is {threshold:g}: thicker strokes, or --threshold"
            if most else "nothing is drawn on it"))
    return bitmaps


def fingerprints(bitmaps):
    """Return each of some bitmaps, 0 or 1 (n, 28, 28), as bytes, to compare them."""
    return [row.tobytes() for row in np.packbits(np.asarray(bitmaps, bool).reshape(-1, SIZE * SIZE), axis=1)]


def known_digits(path):
    """Return the fingerprints of the digits of a data file, as a set. Raises DatasetError."""
    return set(fingerprints(read_digits(path, 0, count_lines(path), blank_labels=True).images))


def choose(bitmaps, labels, without, per_class=None):
    """Return which digits are taken, and why others are not: indices in order, and a dictionary of numbers by reason.

    without: {name: fingerprints} of what is not to be taken again. per_class: how many digits of each class, drawn at
    random; all if None. Raises DatasetError if there are too few.
    """
    seen, taken, left_out = {}, [], {}
    for number, digit in enumerate(fingerprints(bitmaps)):
        reason = next((f"in {name}" for name, digits in without.items() if digit in digits), None)
        if reason is None and digit in seen:
            same = labels[number] == seen[digit]
            reason = f"a copy of another digit{'' if same else ', with another label'}"
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            taken.append(number)
        seen.setdefault(digit, labels[number])
    taken = np.array(taken, int)
    if per_class:
        counts = np.bincount(labels[taken], minlength=10)
        if counts.min() < per_class:
            few = ", ".join(f"{count} of {label}" for label, count in enumerate(counts) if count < per_class)
            raise DatasetError(f"too few digits for {per_class} of each class: {few}")
        shuffled = np.random.default_rng().permutation(taken)
        chosen = np.concatenate([shuffled[labels[shuffled] == label][:per_class] for label in range(10)])
        if len(chosen) < len(taken):
            left_out[f"more than {per_class:,} of a class"] = len(taken) - len(chosen)
        taken = np.sort(chosen)
    if len(taken) < 2:
        raise DatasetError(f"{len(taken)} digits are too few for two halves")
    return taken, left_out


def halves(labels):
    """Return the indices of two halves of shuffled digits; of each class, they have the same number or differ by one.

    If the number of digits is odd, the second half has one more, as where the scripts split a file.
    """
    random = np.random.default_rng()
    order = random.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    return random.permutation(order[1::2]), random.permutation(order[::2])


def as_lines(bitmaps, labels):
    """Return digits in the form of a data file (bytes). bitmaps: bool (n, 28, 28). labels: int (n,)."""
    rows = np.full((len(bitmaps), SIZE, SIZE + 1), ord("-"), np.uint8)
    rows[..., :SIZE] = bitmaps + np.uint8(ord("0"))
    return b"".join(b"%d\t%s\n" % (label, image.tobytes()[:-1]) for label, image in zip(labels, rows))


def write_all(contents):
    """Write several files, {path: bytes}, or none: each first under another name beside it. Raises OSError."""
    parts = {}
    try:
        for path, content in contents.items():
            parts[path] = Path(path).with_name(f".{Path(path).name}.{os.getpid()}.part")
            with open(parts[path], "xb") as file:
                file.write(content)
        for path, part in parts.items():
            os.replace(part, path)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
