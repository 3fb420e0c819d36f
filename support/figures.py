"""The figures of a trained model.

Matplotlib is imported only to draw: that takes time, and writes a font cache.
"""

import random

from support.data_file import SIZE, Digits
from support.evaluation import predict, with_thought_vector
from support.windows import COLOURS

import keras
import numpy as np

RIGHT, WRONG = "#00703c", "#c1121f"
MOST_MISCLASSIFIED = 50  # digits in one figure


def draw_training(curves):
    """Return the figure of a training as a dictionary, empty without curves. curves: {name: {epoch: value}}."""
    import matplotlib.pyplot as plt

    curves = {name: values for name, values in curves.items() if values}
    errors = [name for name in curves if name.endswith("error %")]
    losses = [name for name in curves if name not in errors]
    if not curves:
        return {}
    figure, panels = plt.subplots(1, 2 if errors and losses else 1, squeeze=False, layout="constrained",
                                  figsize=(6.5 * (1 + bool(errors and losses)), 4.5))
    figure.suptitle("The training")
    for panel, names, label in zip(panels[0], filter(None, (losses, errors)), ("loss", "error in %")):
        for name, colour in zip(names, COLOURS):
            panel.plot(list(curves[name]), list(curves[name].values()), ".-", color=colour,
                       label=name.removesuffix(" %"), clip_on=False, zorder=3)  # an error of 0 is on the axis
        panel.set(xlabel="epoch", ylabel=label if losses else "error in %")
        panel.set_ylim(bottom=0)
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend()
    return {"training": figure}


def draw_figures(model, digits, outputs, split="test"):
    """Return the figures of a trained model as a dictionary of Matplotlib figures, by the name of the file.

    model: any that predicts; a layer named `thought_vector` gets figures of its own. digits: `Digits` that it has not
    been trained on. outputs: what `with_thought_vector(model)` predicts for them. split: what the titles call them.
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
    if "thought_vector" in outputs:
        thoughts = outputs["thought_vector"].reshape(len(digits.labels), -1)
        spaces = {"Thought vectors": thoughts}
        features = last_features(model, digits.images) if predictions is not None else None
        if features is not None:
            spaces["Last features of the classifier"] = features
        figures["thought_vectors"] = _thought_vectors(sample, thoughts[chosen], split)
        figures["projection"] = _projection(spaces, digits.labels, split)
    if "thought_vector" in outputs or predictions is not None:
        maps = sensitivity(with_thought_vector(model), sample.images)
        figures["sensitivity"] = _sensitivity(sample, maps, None if predictions is None else predictions[chosen])
    return figures


def sensitivity(model, images):
    """Return the sensitivity maps of a model for images (n, 28, 28, 1): (n, 28, 28), 0 or more.

    Each pixel is flipped in turn, and the map shows by how much that changes the probability of the predicted class or,
    without a classifier, the number of the thought vector that is furthest from their mean. The latter shows which
    pixels share a number. Nothing is approximated. Of the gradient of a classifier (Simonyan, Vedaldi and Zisserman,
    2014) the rank correlation with this was 0.2 to 0.4: a flip is no small change.

    model: with the outputs of `with_thought_vector`.
    """
    maps = []
    for image in images:
        flipped = np.abs(image - np.eye(SIZE * SIZE, dtype=np.float32).reshape(-1, SIZE, SIZE, 1))
        outputs = predict(model, np.concatenate([image[None], flipped]))
        name = "digit" if "digit" in outputs else "thought_vector"
        values = outputs[name].reshape(len(flipped) + 1, -1)
        number = np.argmax(values[0] if name == "digit" else np.abs(values[0] - values[0].mean()))
        maps.append(np.abs(values[1:, number] - values[0, number]).reshape(SIZE, SIZE))
    return np.array(maps)


def last_features(model, images):
    """Return what the last layer of a model's classifier reads for images (n, 28, 28, 1), (n, k); None if unknown."""
    wrapper = next((layer for layer in model.layers if hasattr(layer, "without_last_layer")), None)
    if wrapper is None:
        return None
    return keras.Model(model.inputs, wrapper.without_last_layer()(wrapper.input)).predict(
        images, batch_size=100, verbose=0)


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


def as_grids(thoughts):
    """Return thought vectors (n, ...) as grids to draw, (n, rows, columns), and their greatest size, at least 1.

    The end of the last row is not a number if there are fewer numbers than places.
    """
    thoughts = thoughts.reshape(len(thoughts), -1)
    rows = int(np.sqrt(thoughts.shape[1]))
    columns = -(-thoughts.shape[1] // rows)
    grids = np.pad(thoughts, ((0, 0), (0, rows * columns - thoughts.shape[1])), constant_values=np.nan)
    return grids.reshape(-1, rows, columns), max(1, np.abs(thoughts).max())


def _thought_vectors(sample, thoughts, split):
    grids, bound = as_grids(thoughts)
    title = f"{split.capitalize()} digits and their thought vectors, {thoughts.shape[1]} numbers"
    figure, panels = _panels(2, len(sample.labels), title)
    for above, below, image, grid in zip(*panels, sample.images, grids):
        _draw(above, image)
        drawn = _draw(below, grid, cmap="PuOr", vmin=-bound, vmax=bound)
    figure.colorbar(drawn, ax=panels, shrink=0.8)
    return figure


def _projection(spaces, labels, split):
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(spaces), squeeze=False, figsize=(1 + 6.5 * len(spaces), 6.5),
                                  layout="constrained")
    figure.suptitle(f"The {split} digits on the first two principal components")
    for panel, (name, vectors) in zip(panels[0], spaces.items()):
        mean, components, shares = principal_components(vectors, 2)
        scatter_digits(panel, (vectors - mean) @ components.T, labels)
        panel.set(title=name, xlabel=f"first component ({shares[0]:.0%} of the variance)",
                  ylabel=f"second component ({shares[1]:.0%})")
    return figure


def _sensitivity(sample, maps, predictions):
    what = "one number of the thought vector" if predictions is None else "the probability of the predicted class"
    figure, panels = _panels(2, 5, f"How much {what} changes if a pixel is flipped", size=1.8)
    for number, (panel, image, heat) in enumerate(zip(panels.flat, sample.images, maps)):
        _draw(panel, 0.35 * image)
        _draw(panel, np.ones_like(image), cmap="autumn", vmin=1, vmax=2, alpha=heat / max(heat.max(), 1e-30))
        panel.set_xlabel(f"full red: {heat.max():.2g}")
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
