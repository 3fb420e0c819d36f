"""The figures of `--figures` and `--show_analysis`, and the windows that show them.

Matplotlib is imported only to draw: that takes time, and writes a font cache.
"""

import logging
import os
import random
import sys

from support import startup
from support.command_line import make_folder
from support.data_file import Digits
from support.evaluation import with_thought_vector

import numpy as np
import tensorflow as tf

# Petroff (2021), "Accessible color sequences for data visualization": ten colours that the colour-blind tell apart.
COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#717581", "#b9ac70", "#92dadd"]
RIGHT, WRONG = "#00703c", "#c1121f"
MOST_MISCLASSIFIED = 50  # digits in one figure


def has_screen():
    """Return whether Matplotlib can open windows here. If it cannot, it is set to draw into files."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it would announce that it builds its font cache
    with startup.explain_missing_packages():
        import matplotlib

    matplotlib.rcdefaults()  # the user's own settings may not fit these figures
    try:
        if startup.BACKEND:
            matplotlib.use(startup.BACKEND)
        import matplotlib.pyplot as plt

        with startup.silent_stderr():
            interactive = plt.figure().canvas.required_interactive_framework
            plt.close()
        if interactive:
            return True
    except Exception:  # each toolkit fails in its own way if it is not installed, or if there is no screen
        pass
    matplotlib.use("agg", force=True)
    return False


class ErrorPlot:
    """A window with the errors of a training table, redrawn as rows come in. note: stands below the axis."""

    def __init__(self, note=""):
        import matplotlib.pyplot as plt

        self.note = note
        self.figure, self.axes = plt.subplots(layout="constrained")
        self.figure.canvas.manager.set_window_title("Training")
        self.figure.show()

    def draw(self, history):
        """Draw the rows so far: dictionaries of column head and value, the first column the epoch."""
        import matplotlib.pyplot as plt

        if not plt.fignum_exists(self.figure.number):  # the user has closed the window
            return
        self.axes.clear()
        for head, colour in zip(list(history[0])[1:], COLOURS):
            self.axes.plot([row["epoch"] for row in history], [row[head] for row in history], ".-",
                           color=colour, label=head.removesuffix(" %"))
        self.axes.set(xlabel=f"epoch{self.note}", ylabel="error in %", title="Error during training")
        self.axes.set_ylim(bottom=0)
        self.axes.legend()
        self.figure.canvas.draw_idle()
        self.figure.canvas.flush_events()


def show_figures(model, digits, outputs, folder=None, windows=False, split="test"):
    """Draw the figures of a trained model and show them in windows, or save them as PNG and print their names.

    outputs: what `with_thought_vector(model)` predicts for `digits`. folder: where to save them; if it is None,
    they are saved only if there is no screen, in figures/. split: what the titles call the digits.
    """
    if not has_screen() and windows:
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            print("no windows: this Python has no toolkit for them (such as tkinter) that works here", file=sys.stderr)
        windows, folder = False, folder or "figures"
    if windows:
        from support.drawing import DrawingWindow

        field = DrawingWindow(model, digits, outputs)  # noqa: F841 (Matplotlib does not keep it)
    present(draw_figures(model, digits, outputs, split), folder, windows)


def present(figures, folder=None, windows=False):
    """Save figures, a dictionary by name, as PNG in a folder and print the files' names; show them in windows."""
    import matplotlib.pyplot as plt

    if folder:
        make_folder(folder)
        for name, figure in figures.items():
            path = os.path.join(folder, name + ".png")
            figure.savefig(path, dpi=150)
            print(path, flush=True)
    if windows:
        for name, figure in figures.items():
            figure.canvas.manager.set_window_title(name.replace("_", " ").capitalize())
        plt.show()
    plt.close("all")


def draw_figures(model, digits, outputs, split="test"):
    """Return the figures of a trained model as a dictionary of Matplotlib figures, by the name of the file.

    model: that of one of the four tasks. digits: `Digits` that it has not been trained on. outputs: what
    `with_thought_vector(model)` predicts for them. split: what the titles call them.
    """
    chosen = one_of_each(digits.labels)
    sample = Digits(digits.images[chosen], digits.labels[chosen])
    predictions = outputs["digit"].argmax(1) if "digit" in outputs else None
    figures = {}
    if predictions is not None:
        figures["confusion"] = _confusion(digits.labels, predictions, split)
        figures["misclassified"] = _misclassified(digits, predictions, split)
    if "reconstruction" in outputs:
        figures["regeneration"] = _regeneration(sample, np.round(outputs["reconstruction"][chosen]), split)
        figures["thought_vectors"] = _thought_vectors(sample, outputs["thought"][chosen], split)
        figures["projection"] = _projection(outputs["thought"], digits.labels, split)
    _, maps = sensitivity(with_thought_vector(model), sample.images)
    figures["sensitivity"] = _sensitivity(sample, maps.numpy(),
                                          None if predictions is None else predictions[chosen])
    return figures


def sensitivity(outputs_of, images):
    """Return a model's outputs for images (n, 28, 28, 1), and its sensitivity maps (n, 28, 28), not negative.

    outputs_of: the result of `with_thought_vector`. A map is the size of the gradient with respect to each pixel
    (Simonyan, Vedaldi and Zisserman, 2014): of the probability of the predicted class or, without a classifier, of the
    number of the thought vector that is furthest from their mean. This shows which pixels share a number.
    """
    images = tf.convert_to_tensor(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = outputs_of(images, training=False)
        if "digit" in outputs:
            score = tf.reduce_max(outputs["digit"], axis=1)
        else:
            thoughts = outputs["thought"]
            furthest = tf.argmax(tf.abs(thoughts - tf.reduce_mean(thoughts, axis=1, keepdims=True)), axis=1)
            score = tf.gather(thoughts, furthest, batch_dims=1)
    return outputs, tf.abs(tape.gradient(score, images))[..., 0]


def one_of_each(labels):
    """Return the index of a random digit of each class in labels (n,), as a list."""
    return [random.choice(np.flatnonzero(labels == label)) for label in np.unique(labels)]


def principal_components(vectors, count):
    """Return the first principal components of vectors (n, size).

    Returns the mean (size,), the components (count, size) and the share of the variance that each explains (count,).
    """
    mean = vectors.mean(0)
    centred = vectors - mean
    variances, components = np.linalg.eigh(centred.T @ centred)  # in rising order
    return mean, components[:, :-count - 1:-1].T, variances[:-count - 1:-1] / max(variances.sum(), 1e-12)


def scatter_digits(panel, points, labels, **options):
    """Draw points (n, 2), or (n, 3) in a panel of three dimensions, as coloured digits 0 to 9."""
    for digit, colour in enumerate(COLOURS):  # each marker is its digit, for those who do not see the colours
        panel.scatter(*points[labels == digit].T, marker=f"${digit}$", color=colour,
                      **{"s": 42, "linewidths": 0.3} | options)


def _panels(rows, columns, title, size=1.1):
    """Return a figure with rows x columns empty panels and the panels, in an array."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                                  figsize=(max(size * columns, 6.5), size * rows + 0.7))
    figure.suptitle(title)
    for panel in panels.flat:
        panel.set(xticks=[], yticks=[])
        panel.set_visible(False)
    return figure, panels


def _draw(panel, image, **options):
    panel.set_visible(True)
    return panel.imshow(np.squeeze(image), **{"cmap": "gray_r", "vmin": 0, "vmax": 1} | options)


def _regeneration(sample, regenerated, split):
    title = f"{split.capitalize()} digits (above) and their regeneration (below)"
    figure, panels = _panels(2, len(sample.labels), title)
    for above, below, image, copy in zip(*panels, sample.images, regenerated):
        _draw(above, image)
        _draw(below, copy)
        wrong = int(np.sum(image != copy))
        below.set_xlabel("exact" if not wrong else f"{wrong} wrong")
    return figure


def _thought_vectors(sample, thoughts, split):
    title = f"{split.capitalize()} digits and their thought vectors, 256 numbers as 16 x 16"
    figure, panels = _panels(2, len(sample.labels), title)
    for above, below, image, thought in zip(*panels, sample.images, thoughts):
        _draw(above, image)
        drawn = _draw(below, thought.reshape(16, 16), cmap="PuOr", vmin=-1)
    figure.colorbar(drawn, ax=panels, shrink=0.8)
    return figure


def _projection(thoughts, labels, split):
    import matplotlib.pyplot as plt

    mean, components, shares = principal_components(thoughts, 2)
    figure, panel = plt.subplots(figsize=(8, 6.5), layout="constrained")
    scatter_digits(panel, (thoughts - mean) @ components.T, labels)
    panel.set(title=f"Thought vectors of the {split} digits, on their first two principal components",
              xlabel=f"first component ({shares[0]:.0%} of the variance)",
              ylabel=f"second component ({shares[1]:.0%})")
    return figure


def _sensitivity(sample, maps, predictions):
    what = "one number of the thought vector" if predictions is None else "the probability of the predicted class"
    figure, panels = _panels(2, 5, f"How strongly each pixel changes {what} (red)", size=1.8)
    if predictions is None:
        maps = maps**0.5  # so that pixels with small weights show
    for number, (panel, image, heat) in enumerate(zip(panels.flat, sample.images, maps)):
        _draw(panel, 0.35 * image)
        _draw(panel, np.ones_like(image), cmap="autumn", vmin=1, vmax=2, alpha=heat / max(heat.max(), 1e-30))
        if predictions is not None:
            right = predictions[number] == sample.labels[number]
            panel.text(0.04, 0.96, f"{predictions[number]}" + ("" if right else " ✗"), transform=panel.transAxes,
                       va="top", fontsize=16, fontweight="bold", color=RIGHT if right else WRONG)
    return figure


def _confusion(labels, predictions, split):
    import matplotlib.pyplot as plt

    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, predictions), 1)
    wrong = int(np.sum(labels != predictions))
    figure, panel = plt.subplots(figsize=(6.5, 6.5), layout="constrained")
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    panel.imshow(shares**0.4, cmap="Blues", vmin=0, vmax=1)  # the root makes single errors visible
    for (row, column), count in np.ndenumerate(counts):
        if count:
            panel.text(column, row, count, ha="center", va="center",
                       color="white" if shares[row, column] > 0.4 else "black")
    panel.set(title=f"Confusion matrix: {wrong} of {len(labels)} {split} digits are misclassified",
              xlabel="prediction", ylabel="label", xticks=range(10), yticks=range(10))
    return figure


def _misclassified(digits, predictions, split):
    wrong = np.flatnonzero(predictions != digits.labels)
    shown = wrong[:MOST_MISCLASSIFIED]
    some = f"the first {len(shown)} of " if len(shown) < len(wrong) else ""
    columns = min(max(len(shown), 1), 10)
    figure, panels = _panels(-(-max(len(shown), 1) // columns), columns, size=1.2,
                             title=f"Misclassified {split} digits, {some}{len(wrong)}: label > prediction")
    for panel, number in zip(panels.flat, shown):
        _draw(panel, digits.images[number])
        panel.set_xlabel(f"{digits.labels[number]} > {predictions[number]}", color=WRONG)
    return figure
