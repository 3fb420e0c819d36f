"""An autoencoder of digits with a bottleneck of three neurons, and what the space of its codes is like (question 1).

    python -m studies.bottleneck --figures figures --save digits.npz   trains; saves figures and network
    python -m studies.bottleneck --load digits.npz --at 5 -3 9         decodes a point of your choice

A deep autoencoder in NumPy (`network.py`), trained by stochastic gradient descent on the bundle's 1,000 training
digits. The code of a digit is a point in three dimensions. The classes form clouds, and any point can be decoded.
"""

import argparse
import os

import common
from studies import shared
from studies.network import Layer, Network
from support import figures
from support.command_line import fail

import numpy as np

SIZES = [784, 256, 64, 3, 64, 256, 784]
CODE = 3  # the layer of three neurons
EPOCHS = 150
LEARNING_RATE = 5e-4
MOMENTUM = 0.9
BATCH_SIZE = 20
NEIGHBOURS = 10
ANGLES = [(20, -60), (20, 30), (20, 120), (60, -60)]  # degrees: elevation and azimuth of each view


def build_network():
    """Return the untrained autoencoder: pixels 0 or 1, (n, 784), to their probabilities."""
    activations = ["relu", "relu", "identity", "relu", "relu", "sigmoid"]
    layers = [Layer(*sizes, activation, np.float32) for *sizes, activation in zip(SIZES, SIZES[1:], activations)]
    return Network(layers, "binary cross-entropy")


def train(network, pixels, epochs=EPOCHS):
    """Fit the network to pixels (n, 784), with cosine decay of the learning rate."""
    with shared.ProgressLine("epoch", epochs) as progress:
        network.train(pixels, pixels, epochs, lambda done: LEARNING_RATE * np.cos(np.pi / 2 * done), MOMENTUM,
                      BATCH_SIZE, on_epoch=progress.update)


def pixel_error(pixels, decoded):
    """Return the share of pixels that differ once the decoded ones are rounded, in %."""
    return 100 * np.mean((decoded > 0.5) != (pixels > 0.5))


def distances(first, second):
    """Return the distance of each point in `first` (m, 3) from each point in `second` (n, 3): (m, n)."""
    return np.linalg.norm(first[:, None] - second, axis=2)


def results(encode, decode, training, test):
    """Return the pixel errors of training and test digits, and the accuracy of the nearest neighbour, in %.

    training, test: pairs of pixels (n, 784) and labels (n,). Each test digit is classified by the nearest code of a
    training digit.
    """
    codes, queries = encode(training[0]), encode(test[0])
    predictions = training[1][distances(queries, codes).argmin(1)]
    return [pixel_error(training[0], decode(codes)), pixel_error(test[0], decode(queries)),
            100 * np.mean(predictions == test[1])]


def explore(codes, labels):
    """Find points worth decoding among codes (n, 3): {name: (point (3,), description)}.

    A and B: far apart in one class that is widely spread. C and D: close together, but each inside the cloud of a
    different class. E: where two classes overlap.
    """
    apart = distances(codes, codes)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argsort(1)[:, :NEIGHBOURS]
    np.fill_diagonal(apart, 0)
    around = labels[nearest]
    own = (around == labels[:, None]).mean(1)  # the share of a digit's neighbours that belong to its class
    inside = own >= 0.9
    if len(np.unique(labels[inside])) < 2:  # a poor map: take any digit
        inside[:] = True

    spreads = []
    for label in np.unique(labels):
        members = np.flatnonzero(inside & (labels == label))
        if len(members):
            within = apart[np.ix_(members, members)]
            a, b = members[list(np.unravel_index(within.argmax(), within.shape))]
            spreads.append((within.max() * own[labels == label].mean(), a, b))
    _, a, b = max(spreads)

    between_classes = np.where(inside & inside[:, None] & (labels != labels[:, None]), apart, np.inf)
    c, d = np.unravel_index(between_classes.argmin(), between_classes.shape)

    counts = (around[:, :, None] == np.arange(10)).sum(1)
    second = np.sort(counts, axis=1)[:, -2]
    middle = second.argmax()
    one, other = np.sort(counts[middle].argsort()[-2:])
    return {
        "A": (codes[a], f"within {labels[a]}"),
        "B": (codes[b], f"within {labels[b]}, far from A"),
        "C": (codes[c], f"within {labels[c]}"),
        "D": (codes[d], f"within {labels[d]}, close to C"),
        "E": (codes[nearest[middle]].mean(0), f"where {one} and {other} overlap"),
    }


def draw(network, pixels, labels, points):
    """Return the figures: reconstructions, the map from several angles, the points and what they decode to."""
    import matplotlib.pyplot as plt

    codes = network.activation(CODE, pixels)
    chosen = figures.one_of_each(labels)
    pairs = shared.draw_rows("Digits and their reconstructions from a bottleneck of three neurons", [
        ("original", pixels[chosen]), ("reconstruction", network.forward_from(CODE, codes[chosen]))])

    angles = plt.figure(figsize=(11, 10), layout="constrained")
    angles.suptitle("The activations of the three neurons for 1,000 digits, from four sides")
    for number, (elevation, azimuth) in enumerate(ANGLES, 1):
        panel = angles.add_subplot(2, 2, number, projection="3d")
        _scatter(panel, codes, labels)
        panel.view_init(elevation, azimuth)

    tour = plt.figure(figsize=(12, 6.5), layout="constrained")
    tour.suptitle("Points in the space of the three neurons, decoded")
    grid = tour.add_gridspec(2, 6)
    panel = tour.add_subplot(grid[:, :3], projection="3d")
    _scatter(panel, codes, labels, alpha=0.4)
    for number, (name, (point, what)) in enumerate(points.items()):
        panel.scatter(*point, color="black", s=30, depthshade=False)
        panel.text(*point, f" {name}", fontsize=14, fontweight="bold", zorder=100)
        cell = tour.add_subplot(grid[number // 3, 3 + number % 3])
        cell.imshow(network.forward_from(CODE, np.float32(point)[None]).reshape(28, 28), cmap="gray_r", vmin=0,
                    vmax=1)
        cell.set(xticks=[], yticks=[])
        cell.set_title(f"{name}: {what}", fontsize=9)
    return {"reconstructions": pairs, "map": angles, "points": tour}


def _scatter(panel, codes, labels, **options):
    figures.scatter_digits(panel, codes, labels, s=26, linewidths=0.2, depthshade=False, **options)
    panel.set(xlabel="first", ylabel="second", zlabel="third")
    panel.set_box_aspect(None, zoom=0.85)  # otherwise the labels are cut off


def as_text(pixels):
    """Return an image (784,) as 28 lines of text, for those without a screen."""
    return "\n".join("".join("##" if pixel > 0.5 else "  " for pixel in row).rstrip() for row in pixels.reshape(28, 28))


def load(path):
    """Return a saved autoencoder, or end the program with one line that says why it cannot be used."""
    try:
        network = Network.load(path)
    except ValueError as error:
        fail(error)
    sizes = [network.layers[0].weights.shape[0], *(layer.weights.shape[1] for layer in network.layers)]
    if len(sizes) <= CODE or (sizes[0], sizes[CODE], sizes[-1]) != (784, 3, 784):
        fail(f"{path}: not such an autoencoder: {'-'.join(map(str, sizes))}")
    return network


def coordinate(text):
    """Return a coordinate of a point, for the `type` of an option. It is limited to what a code can be."""
    if not abs(number := float(text)) < 1e6:
        raise argparse.ArgumentTypeError(f"not a coordinate: {text}")
    return number


def check_output(path):
    """End the program if a file cannot be written. It is checked before the training, so that none is lost."""
    target = path if os.path.lexists(path) else os.path.dirname(path) or "."
    if not path or os.path.isdir(path) or not os.access(target, os.W_OK):
        fail(f"{path}: cannot be written")


def main(argv=None):
    """Train or load, print the table, find the points, draw."""
    parser = shared.parser(__doc__)
    parser.add_argument("--save", metavar="FILE", help="save the trained network in FILE")
    parser.add_argument("--load", metavar="FILE", help="use the network in FILE instead of training one")
    parser.add_argument("--at", nargs=3, type=coordinate, metavar=("X", "Y", "Z"), help="decode this point as well")
    options = shared.parse(parser, argv)
    if options.save is not None:
        check_output(options.save)
    (images, labels), (test_images, test_labels) = shared.digits()
    pixels, test_pixels = images.reshape(-1, 784), test_images.reshape(-1, 784)

    if options.load is not None:
        network = load(options.load)
    else:
        network = build_network()
        train(network, pixels, 3 if options.quick else EPOCHS)
    linear = shared.PrincipalComponents(pixels, 3)
    coders = {"autoencoder": (lambda x: network.activation(CODE, x), lambda code: network.forward_from(CODE, code)),
              "principal components": (linear.encode, linear.decode)}
    shared.print_table(
        ["three numbers by", "pixel error in training, %", "in testing, %", "accuracy of the nearest neighbour, %"],
        [[name, *(f"{value:.2f}" for value in results(*coder, (pixels, labels), (test_pixels, test_labels)))]
         for name, coder in coders.items()])
    if options.save is not None:
        network.save(options.save)

    points = explore(network.activation(CODE, pixels), labels)
    if options.at:
        points["F"] = (np.array(options.at), "your choice")
    print()
    shared.print_table(["point", "first", "second", "third", "description"],
                       [[name, *(f"{number:.2f}" for number in point), what]
                        for name, (point, what) in points.items()])
    if options.at:
        print(as_text(network.forward_from(CODE, np.float32(options.at)[None])[0]))
    shared.present(lambda: draw(network, pixels, labels, points), options)


if __name__ == "__main__":
    common.run(main)
