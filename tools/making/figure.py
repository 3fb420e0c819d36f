"""A figure of all digits of a data file, class by class, in which a wrong label is seen."""

import io

from support.data_file import SIZE

import numpy as np

COLUMNS, MOST = 40, 400  # digits in a row, and of a class
PAPER, LINE = 255, 215  # grey


def draw(bitmaps, labels):
    """Return a Matplotlib figure of digits, each class in the order of its digits.

    bitmaps: bool (n, 28, 28). labels: int (n,).
    """
    from matplotlib.figure import Figure

    counts = np.bincount(labels, minlength=10)
    columns = max(10, min(COLUMNS, counts.max()))
    classes = [label for label in range(10) if counts[label]]
    heights = [-(-min(counts[label], MOST) // columns) for label in classes]
    step = SIZE + 2  # pixels from a digit to the next
    figure = Figure(figsize=(1.2 + columns * step / 100, 0.7 + sum(heights) * step / 100 + 0.12 * len(classes)),
                    layout="constrained")
    missing = ", ".join(str(label) for label in range(10) if not counts[label])
    figure.suptitle(f"{len(labels):,} digits by their labels" + (f"; none of {missing}" if missing else ""))
    for label, rows, axes in zip(classes, heights,
                                 figure.subplots(len(classes), 1, squeeze=False, height_ratios=heights)[:, 0]):
        digits = bitmaps[labels == label][:MOST]
        page = np.full((rows * step, columns * step), PAPER, np.uint8)
        for number, digit in enumerate(digits):
            y, x = step * (number // columns), step * (number % columns)
            page[y : y + step, x : x + step] = LINE
            page[y + 1 : y + 1 + SIZE, x + 1 : x + 1 + SIZE] = np.where(digit, 0, PAPER)
        axes.imshow(page, cmap="gray", vmin=0, vmax=255, aspect="equal", interpolation="antialiased")
        axes.set_yticks([step * (row + 0.5) for row in range(rows)],
                        [f"{row * columns + 1}" for row in range(rows)], fontsize=7)  # the number of its first digit
        axes.set_xticks([])
        axes.set_ylabel(f"{label}", fontsize=16, fontweight="bold", rotation=0, ha="right", va="center", labelpad=12)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        if counts[label] > MOST:
            axes.set_xlabel(f"the first {MOST} of {counts[label]:,}", fontsize=8)
    return figure


def as_file(figure, path):
    """Return a figure as the bytes of a file, of the kind that the end of `path` says. Raises ValueError for others."""
    file = io.BytesIO()
    figure.savefig(file, format=path.rpartition(".")[2].lower(), dpi=100, bbox_inches="tight", pad_inches=0.15)
    return file.getvalue()
