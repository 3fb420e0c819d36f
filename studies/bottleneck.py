"""An autoencoder of digits with a bottleneck of three neurons, and what the space of its codes is like (question 1).

    python -m studies.bottleneck --figures figures --save digits.npz   trains; saves figures and network
    python -m studies.bottleneck --load digits.npz --at 5 -3 9         decodes a point of your choice

A deep autoencoder in NumPy (`network.py`), trained by stochastic gradient descent on the bundle's 1,000 training
digits. The code of a digit is a point in three dimensions. The classes form clouds, and any point can be decoded.
"""

import argparse
import functools
import itertools

from studies import datasets, shared
from studies.network import Layer, Network
from support import figures, windows
from support.command_line import check_output, fail

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

SIZES = [784, 256, 64, 3, 64, 256, 784]
CODE = 3  # the layer of three neurons
TRAININGS = {150: 5e-4, 400: 1e-3}  # epochs and learning rate; the codes of the first are explored
MOMENTUM = 0.9
BATCH_SIZE = 20
NEIGHBOURS = 10
MAPPED = [3, 97]  # percentiles of each neuron's activations between which the map shows digits: few are far out
ANGLES = [(20, -60), (20, 30), (20, 120), (60, -60)]  # degrees: elevation and azimuth of each view


def build_network():
    """Return the untrained autoencoder: pixels 0 or 1, (n, 784), to their probabilities."""
    activations = ["relu", "relu", "identity", "relu", "relu", "sigmoid"]
    layers = [Layer(*sizes, activation, np.float32) for *sizes, activation in zip(SIZES, SIZES[1:], activations)]
    return Network(layers, "binary cross-entropy")


def train(network, pixels, test_pixels, epochs, learning_rate, progress):
    """Fit the network to pixels (n, 784), with cosine decay of the learning rate.

    Returns every tenth epoch and the mean losses after it of these and of test pixels, (epochs / 10, 3).
    """
    losses = []

    def on_epoch(epoch):
        if epoch % 10 == 0 or epoch == epochs:
            losses.append([epoch, *(network.mean_loss(images, images) for images in (pixels, test_pixels))])
        progress.update()

    network.train(pixels, pixels, epochs, lambda done: learning_rate * np.cos(np.pi / 2 * done), MOMENTUM, BATCH_SIZE,
                  on_epoch)
    return np.array(losses)


def train_networks(trainings, pixels, test_pixels, progress):
    """Return a network for each of the trainings on pixels (n, 784), and its losses: {name: (network, losses)}.

    trainings: {epochs: learning rate}.
    """
    networks = {}
    for epochs, learning_rate in trainings.items():
        network = build_network()
        networks[f"autoencoder, {epochs} epochs"] = network, train(network, pixels, test_pixels, epochs, learning_rate,
                                                                   progress)
    return networks


def reconstruction_error(pixels, decoded):
    """Return the share of pixels (n, 784) that differ once the decoded ones are rounded, in %."""
    return 100 * np.mean((decoded > 0.5) != (pixels > 0.5))


def results(encode, decode, training, test):
    """Return the reconstruction errors of training and test digits, and the accuracy of the nearest neighbour, in %.

    training, test: pairs of pixels (n, 784) and labels (n,). Each test digit is classified by the nearest code of a
    training digit.
    """
    codes, queries = encode(training[0]), encode(test[0])
    nearest = KNeighborsClassifier(1).fit(codes, training[1])
    return [reconstruction_error(training[0], decode(codes)), reconstruction_error(test[0], decode(queries)),
            100 * nearest.score(queries, test[1])]


def purity(codes, labels):
    """Return which share of the nearest neighbours of each code (n, 3) is in each class, (n, classes)."""
    nearest = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(codes).kneighbors(return_distance=False)
    return (labels[nearest][:, :, None] == np.unique(labels)).mean(1)


def within_a_class(codes, labels, shares, inside):
    """Return two points far apart in a class that is widely spread but separated from others, and the class.

    shares: of `purity`; inside: which codes to take, (n,).
    """
    best = 0, None
    for label in np.unique(labels[inside]):
        members = codes[inside & (labels == label)]
        distances = cdist(members, members)
        first, second = np.unravel_index(distances.argmax(), distances.shape)
        spread = distances.max() * shares[labels == label, label].mean()
        best = max(best, (spread, (members[first], members[second], label)), key=lambda found: found[0])
    return best[1]


def between_neighbours(codes, labels, shares, inside):
    """Return two close points in the clouds of two classes that are neighbours but well delineated, and the classes.

    Well delineated are, of all pairs of classes, the half with the smallest share of neighbours in the other class.
    """
    pairs = []
    for one, other in itertools.combinations(np.unique(labels[inside]), 2):
        first, second = (codes[inside & (labels == label)] for label in (one, other))
        distances = cdist(first, second)
        a, b = np.unravel_index(distances.argmin(), distances.shape)
        overlap = shares[labels == one, other].mean() + shares[labels == other, one].mean()
        pairs.append((overlap, distances.min(), (first[a], second[b], one, other)))
    delineated = sorted(pairs, key=lambda pair: pair[0])[:(len(pairs) + 1) // 2]
    return min(delineated, key=lambda pair: pair[1])[2]


def where_classes_overlap(codes, shares):
    """Return a point among codes of two classes in equal parts, and the two classes. shares: of `purity`."""
    middle = np.sort(shares, axis=1)[:, -2].argmax()
    return codes[middle], *np.sort(shares[middle].argsort()[-2:])


def explore(codes, labels):
    """Find points worth decoding among codes (n, 3): {name: (point (3,), description)}.

    A and B: far apart in one class that is widely spread. C and D: close together, but inside the clouds of different
    classes. E: where two classes overlap.
    """
    shares = purity(codes, labels)
    inside = shares[np.arange(len(labels)), labels] >= 0.9  # nearly all neighbours belong to its own class
    if len(np.unique(labels[inside])) < 2:  # a poor map: take any digit
        inside[:] = True
    a, b, label = within_a_class(codes, labels, shares, inside)
    c, d, one, other = between_neighbours(codes, labels, shares, inside)
    e, first, second = where_classes_overlap(codes, shares)
    return {"A": (a, f"within {label}"), "B": (b, f"within {label}, far from A"),
            "C": (c, f"within {one}"), "D": (d, f"within {other}, close to C"),
            "E": (e, f"where {first} and {second} overlap")}


def typical_digits(network, pixels, labels):
    """Return which digit of each class has the median reconstruction error of its class, (10,)."""
    errors = np.mean((network.forward(pixels) - pixels) ** 2, axis=1)
    members = [np.flatnonzero(labels == label) for label in range(10)]
    return [of_class[errors[of_class].argsort()[len(of_class) // 2]] for of_class in members]


def draw_reconstructions(networks, pixels, labels):
    """Return the figure of a training digit of each class and its reconstruction by networks, {name: network}."""
    chosen = typical_digits(list(networks.values())[-1], pixels, labels)
    return shared.draw_rows("Training digits with the median error of their class, and their reconstructions from a "
                            "bottleneck of three neurons", [
        ("original", pixels[chosen]),
        *((name.replace(", ", ",\n"), network.forward(pixels[chosen])) for name, network in networks.items())])


def draw_losses(losses):
    """Return the figure of the losses in training, {name: what `train` returns}."""
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for (name, of_one), colour in zip(losses.items(), windows.COLOURS):
        for column, style, digits in zip(of_one.T[1:], ("-", "--"), ("training", "test")):
            panel.plot(of_one[:, 0], column, style, color=colour, label=f"{name}: {digits} digits")
    panel.set(title="Loss in training", xlabel="epoch", ylabel="cross-entropy of a digit")
    panel.grid(alpha=0.3)
    panel.legend()
    return figure


def draw_codes(network, codes, labels, points):
    """Return the figures of codes (n, 3): the map from several angles, the points and what they decode to."""
    import matplotlib.pyplot as plt
    from mpl_toolkits.mplot3d.proj3d import proj_transform

    low, high = np.percentile(codes, MAPPED, axis=0)
    mapped = np.all((codes >= low) & (codes <= high), axis=1)
    angles = plt.figure(figsize=(12, 10.5))
    angles.suptitle(f"The activations of the three neurons for {mapped.sum()} of {len(codes):,} digits, from four "
                    "sides; the others are further out", y=0.98)
    angles.subplots_adjust(left=0.02, right=0.96, bottom=0.03, top=0.97, wspace=0.05, hspace=0)
    for number, (elevation, azimuth) in enumerate(ANGLES, 1):
        panel = angles.add_subplot(2, 2, number, projection="3d")
        _scatter(panel, codes[mapped], labels[mapped], zoom=1)
        panel.view_init(elevation, azimuth)

    tour = plt.figure(figsize=(12, 8), layout="constrained")
    tour.suptitle("Points in the space of the three neurons, decoded")
    grid = tour.add_gridspec(3, 5)
    panel = tour.add_subplot(grid[:, :3], projection="3d")
    _scatter(panel, codes, labels, alpha=0.4)
    # Letters stand aside, on lines that go out from the middle of the points.
    places = {name: np.array(proj_transform(*point, panel.get_proj())[:2]) for name, (point, _) in points.items()}
    middle = np.mean(list(places.values()), axis=0)
    for number, (name, (point, what)) in enumerate(points.items()):
        panel.scatter(*point, facecolors="none", edgecolors="black", s=60, linewidths=1.5, depthshade=False)
        away = (places[name] - middle) / np.linalg.norm(places[name] - middle)
        panel.annotate(name, places[name], 40 * away, textcoords="offset points", fontsize=14, fontweight="bold",
                       ha="center", va="center", arrowprops={"arrowstyle": "-", "shrinkB": 5})
        cell = tour.add_subplot(grid[number // 2, 3 + number % 2])
        cell.imshow(network.forward_from(CODE, np.float32(point)[None]).reshape(28, 28), cmap="gray_r", vmin=0,
                    vmax=1)
        cell.set(xticks=[], yticks=[], xlabel=f"({', '.join(f'{number:.1f}' for number in point)})")
        cell.set_title(f"{name}: {what}", fontsize=9)
    return {"map": angles, "points": tour}


def _scatter(panel, codes, labels, zoom=0.85, **options):
    figures.scatter_digits(panel, codes, labels, s=26, linewidths=0.2, depthshade=False, **options)
    panel.set(xlabel="neuron 1", ylabel="neuron 2", zlabel="neuron 3")
    panel.set_box_aspect(None, zoom=zoom)  # beside a grid of panels, larger boxes have their labels cut off


def as_text(pixels):
    """Return an image (784,), pixels in [0, 1], as 28 lines of text, for those without a screen."""
    return "\n".join("".join("##" if pixel > 0.5 else "  " for pixel in row).rstrip() for row in pixels.reshape(28, 28))


def load(path):
    """Return a saved autoencoder, or end the process in one line that says why it cannot be used."""
    try:
        network = Network.load(path)
    except ValueError as error:
        fail(error)
    sizes = [network.layers[0].weights.shape[0], *(layer.weights.shape[1] for layer in network.layers)]
    if len(sizes) <= CODE or (sizes[0], sizes[CODE], sizes[-1]) != (784, 3, 784):
        fail(f"{path}: not such an autoencoder: {'-'.join(map(str, sizes))}")
    return network


def coordinate(text):
    """Return the argument `text` as a coordinate, for the `type` of an option. It is limited to what a code can be."""
    if not abs(number := float(text)) < 1e6:
        raise argparse.ArgumentTypeError(f"not a coordinate: {text}")
    return number


def print_results(results_of_runs):
    """Print the table. results_of_runs: {name: [the results of a run]}."""
    shared.print_table(
        ["three numbers by", "reconstruction error, training digits, %", "test digits, %",
         "accuracy of the nearest neighbour, test digits, %"],
        [[name, *shared.summaries(of_runs, (2, 2, 1))] for name, of_runs in results_of_runs.items()])


def main(argv=None):
    """Train or load, print the table, find the points, draw.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    shared.add_runs(parser, 1)
    parser.add_argument("--save", metavar="FILE", help="save the trained network in FILE")
    parser.add_argument("--load", metavar="FILE", help="use the network in FILE instead of training one")
    parser.add_argument("--at", nargs=3, type=coordinate, metavar=("X", "Y", "Z"), help="decode this point as well")
    options = shared.parse(parser, argv)
    if options.save is not None:
        check_output(options.save)
    training, test = ((digits.images.reshape(-1, 784), digits.labels) for digits in datasets.load_digits())
    pixels, labels = training

    linear = PCA(SIZES[CODE]).fit(pixels)
    measured = {"principal components": [results(linear.transform, linear.inverse_transform, training, test)]}

    def measure(name, network):
        coders = functools.partial(network.activation, CODE), functools.partial(network.forward_from, CODE)
        measured.setdefault(name, []).append(results(*coders, training, test))

    losses = {}
    if options.load is not None:
        networks = {"autoencoder": load(options.load)}
        measure(*next(iter(networks.items())))
    else:
        trainings = {3: 5e-4} if options.quick else TRAININGS
        with shared.progress(options.runs * sum(trainings)) as progress:
            for _ in range(options.runs):
                trained = train_networks(trainings, pixels, test[0], progress)
                networks, losses = ({name: pair[place] for name, pair in trained.items()} for place in (0, 1))
                for name, network in networks.items():
                    measure(name, network)
    print_results(measured)

    network = next(iter(networks.values()))
    if options.save is not None:
        network.save(options.save)
    codes = network.activation(CODE, pixels)
    points = explore(codes, labels)
    if options.at:
        points["F"] = (np.array(options.at), "your choice")
    print()
    shared.print_table(["point", "neuron 1", "neuron 2", "neuron 3", "description"],
                       [[name, *(f"{number:.1f}" for number in point), what]
                        for name, (point, what) in points.items()])
    if options.at:
        print(as_text(network.forward_from(CODE, np.float32(options.at)[None])[0]))
    shared.present(lambda: {"reconstructions": draw_reconstructions(networks, pixels, labels),
                            **({"loss": draw_losses(losses)} if losses else {}),
                            **draw_codes(network, codes, labels, points)}, options)


if __name__ == "__main__":
    shared.run(main)
