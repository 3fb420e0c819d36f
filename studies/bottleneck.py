"""Digits through a bottleneck of three neurons, and a walk through the space behind it (question 1 of the sheet).

    python -m studies.bottleneck --figures figures --save digits.npz   trains; saves figures and network
    python -m studies.bottleneck --load digits.npz --at 5 -3 9         decodes a place of your choice

A deep autoencoder in NumPy (`network.py`), trained by stochastic gradient descent on the bundle's 1,000 training
digits. Three numbers a digit are a place in space: the classes are clouds there, and any place can be decoded.
"""

import argparse
import os

import common
from studies import shared
from studies.network import Layer, Network

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
    activations = ["relu", "relu", "identity", "relu", "relu", "logistic"]
    layers = [Layer(*sizes, activation, np.float32) for *sizes, activation in zip(SIZES, SIZES[1:], activations)]
    return Network(layers, "binary cross-entropy")


def train(network, pixels, epochs=EPOCHS):
    """Fit the network to pixels (n, 784), with a step size that falls along a cosine."""
    with shared.Progress("epoch", epochs) as progress:
        network.train(pixels, pixels, epochs, lambda share: LEARNING_RATE * np.cos(np.pi / 2 * share), MOMENTUM,
                      BATCH_SIZE, on_epoch=progress.tell)


def wrong(pixels, decoded):
    """Return the share of pixels that differ once the decoded ones are rounded, in %."""
    return 100 * np.mean((decoded > 0.5) != (pixels > 0.5))


def distances(first, second):
    """Return the distance of each place in `first` (m, 3) from each in `second` (n, 3): (m, n)."""
    return np.linalg.norm(first[:, None] - second, axis=2)


def results(encode, decode, training, test):
    """Return pixels wrong on training and test digits, and test digits that their nearest neighbour reads right, in %.

    training, test: pairs of pixels (n, 784) and labels (n,). The neighbours are the codes of training digits.
    """
    codes, queries = encode(training[0]), encode(test[0])
    read = training[1][distances(queries, codes).argmin(1)]
    return [wrong(training[0], decode(codes)), wrong(test[0], decode(queries)), 100 * np.mean(read == test[1])]


def explore(codes, labels):
    """Find places worth decoding in a map of codes (n, 3): {name: (place (3,), what it is)}.

    A and B: far apart within a class that is widely spread. C and D: close together, each within the cloud of another
    class. E: where two classes overlap.
    """
    apart = distances(codes, codes)
    np.fill_diagonal(apart, np.inf)
    nearest = apart.argsort(1)[:, :NEIGHBOURS]
    np.fill_diagonal(apart, 0)
    around = labels[nearest]
    own = (around == labels[:, None]).mean(1)  # the share of a digit's neighbours that are of its class
    inside = own >= 0.9
    if len(np.unique(labels[inside])) < 2:  # a poor map: any digit has to do
        inside[:] = True

    spreads = []
    for label in np.unique(labels):
        members = np.flatnonzero(inside & (labels == label))
        if len(members):
            within = apart[np.ix_(members, members)]
            a, b = members[list(np.unravel_index(within.argmax(), within.shape))]
            spreads.append((within.max() * own[labels == label].mean(), a, b))
    _, a, b = max(spreads)

    strangers = np.where(inside & inside[:, None] & (labels != labels[:, None]), apart, np.inf)
    c, d = np.unravel_index(strangers.argmin(), strangers.shape)

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


def draw(network, pixels, labels, places):
    """Return the figures: reconstructions, the map from several angles, the places and what they decode to."""
    import matplotlib.pyplot as plt

    codes = network.activity(CODE, pixels)
    chosen = common.one_of_each(labels)
    pairs = shared.draw_rows("Digits and what is left of them after a bottleneck of three neurons", [
        ("original", pixels[chosen]), ("redrawn", network.feed_forward_from(CODE, codes[chosen]))])

    angles = plt.figure(figsize=(11, 10), layout="constrained")
    angles.suptitle("The activity of the three neurons for 1,000 digits, from four sides")
    for number, (elevation, azimuth) in enumerate(ANGLES, 1):
        panel = angles.add_subplot(2, 2, number, projection="3d")
        _scatter(panel, codes, labels)
        panel.view_init(elevation, azimuth)

    tour = plt.figure(figsize=(12, 6.5), layout="constrained")
    tour.suptitle("Places in the space of the three neurons, decoded")
    grid = tour.add_gridspec(2, 6)
    panel = tour.add_subplot(grid[:, :3], projection="3d")
    _scatter(panel, codes, labels, alpha=0.4)
    for number, (name, (place, what)) in enumerate(places.items()):
        panel.scatter(*place, color="black", s=30, depthshade=False)
        panel.text(*place, f" {name}", fontsize=14, fontweight="bold", zorder=100)
        cell = tour.add_subplot(grid[number // 3, 3 + number % 3])
        cell.imshow(network.feed_forward_from(CODE, np.float32(place)[None]).reshape(28, 28), cmap="gray_r", vmin=0,
                    vmax=1)
        cell.set(xticks=[], yticks=[])
        cell.set_title(f"{name}: {what}", fontsize=9)
    return {"reconstructions": pairs, "map": angles, "places": tour}


def _scatter(panel, codes, labels, **options):
    common.scatter_digits(panel, codes, labels, s=26, linewidths=0.2, depthshade=False, **options)
    panel.set(xlabel="first", ylabel="second", zlabel="third")
    panel.set_box_aspect(None, zoom=0.85)  # or the labels would be cut off


def as_text(pixels):
    """Return an image (784,) as 28 lines of text, for those without a screen."""
    return "\n".join("".join("##" if pixel > 0.5 else "  " for pixel in row).rstrip() for row in pixels.reshape(28, 28))


def load(path):
    """Return a saved autoencoder, or end the program with one line that says why it cannot be used."""
    try:
        network = Network.load(path)
    except ValueError as error:
        common.fail(error)
    sizes = [network.layers[0].weights.shape[0], *(layer.weights.shape[1] for layer in network.layers)]
    if len(sizes) <= CODE or (sizes[0], sizes[CODE], sizes[-1]) != (784, 3, 784):
        common.fail(f"{path}: not such an autoencoder: {'-'.join(map(str, sizes))}")
    return network


def coordinate(text):
    """Return a coordinate of a place, for a parser of command lines; no more than any code could be."""
    if not abs(number := float(text)) < 1e6:
        raise argparse.ArgumentTypeError(f"no place: {text}")
    return number


def check_output(path):
    """End the program if a file cannot be written: before the training, so that none is lost."""
    target = path if os.path.lexists(path) else os.path.dirname(path) or "."
    if not path or os.path.isdir(path) or not os.access(target, os.W_OK):
        common.fail(f"{path}: cannot be written")


def main():
    """Train or load, print the table, find the places, draw."""
    parser = shared.parser(__doc__)
    parser.add_argument("--save", metavar="FILE", help="write the trained network to FILE")
    parser.add_argument("--load", metavar="FILE", help="use the network in FILE instead of training one")
    parser.add_argument("--at", nargs=3, type=coordinate, metavar=("X", "Y", "Z"), help="decode this place as well")
    options = shared.parse(parser)
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
    coders = {"autoencoder": (lambda x: network.activity(CODE, x), lambda code: network.feed_forward_from(CODE, code)),
              "principal components": (linear.encode, linear.decode)}
    shared.print_table(
        ["three numbers by", "pixels wrong in training, %", "in testing, %", "read right by nearest neighbour, %"],
        [[name, *(f"{value:.2f}" for value in results(*coder, (pixels, labels), (test_pixels, test_labels)))]
         for name, coder in coders.items()])
    if options.save is not None:
        network.save(options.save)

    places = explore(network.activity(CODE, pixels), labels)
    if options.at:
        places["F"] = (np.array(options.at), "your choice")
    print()
    shared.print_table(["place", "first", "second", "third", "what it is"],
                       [[name, *(f"{number:.2f}" for number in place), what]
                        for name, (place, what) in places.items()])
    if options.at:
        print(as_text(network.feed_forward_from(CODE, np.float32(options.at)[None])[0]))
    shared.present(lambda: draw(network, pixels, labels, places), options)


if __name__ == "__main__":
    common.run(main)
