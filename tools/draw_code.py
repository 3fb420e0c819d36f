"""Draw how task 1 encodes a patch of 2x2 pixels by one number, and how four sines decode it.

    python tools/draw_code.py docs/figures/code.png   trains task 1 once, and saves the figure
"""

import sys

from measuring import runs  # isort: skip  (first: it puts the project on the path of modules)
import common
import task1_autoencoder
from support import windows

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np


def draw(encoder, frequencies, patches):
    """Return the figure. encoder, frequencies: the weights of task 1, (2, 2); patches: (16, 2, 2), pixels 0 or 1."""
    numbers = np.tanh((2 * patches - 1).reshape(-1, 4) @ encoder.reshape(4))
    order = np.argsort(numbers)
    patches, numbers = patches[order], numbers[order]
    limit = 1.08 * numbers.max()
    line = np.linspace(-limit, limit, 4000)
    figure, (above, *panels) = plt.subplots(5, 1, figsize=(11, 8), layout="constrained",
                                            height_ratios=[1.5, 1, 1, 1, 1], sharex=True)
    figure.suptitle("The 16 patches of 2x2 pixels as numbers, and the four sines that decode them")
    above.set(xlim=(-limit, limit), ylim=(0, 1), yticks=[])
    for place_in_row, (patch, number) in enumerate(zip(patches, numbers)):
        x = (place_in_row + 0.5) / 16  # evenly spaced, with a line to the number
        above.plot([limit * (2 * x - 1), number], [0.5, 0], color="0.6", linewidth=0.8)
        place = above.inset_axes([x - 0.022, 0.5, 0.044, 0.48], xticks=[], yticks=[])
        place.imshow(patch, cmap="gray_r", vmin=0, vmax=1)
    names = ["upper left", "upper right", "lower left", "lower right"]
    for panel, name, frequency, pixel in zip(panels, names, frequencies.reshape(4), patches.reshape(16, 4).T):
        panel.axhline(0, color="0.7", linewidth=0.8)
        panel.plot(line, np.sin(frequency * line), color="0.6", linewidth=0.8)
        for value, colour, marker, label in ((1, "black", "s", "black"), (0, windows.COLOURS[1], "o", "white")):
            at = numbers[pixel == value]
            panel.plot(at, np.sin(frequency * at), marker, color=colour, markersize=6, label=f"the pixel is {label}")
        panel.set(ylabel=f"{name}\nsin({frequency:.1f} x)", yticks=[-1, 0, 1], ylim=(-1.25, 1.25))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower right", ncols=2)
    panels[-1].set_xlabel("x: the number of the thought vector that stands for the patch")
    return figure


def main():
    """Train, draw, save."""
    parser = runs.Parser(__doc__)
    parser.add_argument("file", metavar="FILE", help="where to save the figure")
    options = parser.parse_args()
    digits = common.read_digits(common.DATASET, 0, common.count_lines(common.DATASET) // 2)
    model = task1_autoencoder.build_model()
    task1_autoencoder.train(model, digits)
    encoder, frequencies = (weights.reshape(2, 2) for weights in model.get_weights())
    draw(encoder, frequencies, common.distinct_patches(digits.images)[..., 0]).savefig(options.file, dpi=120)


if __name__ == "__main__":
    sys.exit(main())
