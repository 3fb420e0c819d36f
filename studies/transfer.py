"""What an encoder learns from reconstructing images, and from classifying them.

    python -m studies.transfer --figures figures                     on the bundle's 1,000 training digits
    python -m studies.transfer --data fashion_mnist --filters 16     on the 60,000 images of Fashion-MNIST
    python -m studies.transfer --data mnist --filters 16             on the 60,000 digits of MNIST

(1) Autoencoders with a latent space of 12 dimensions; (2) a classifier with the same encoder; (3) a decoder for the
frozen encoder of the classifier. Parts (4) and (5) of the sheet are in `few_labels.py`, the networks in `encoders.py`,
the measures of their latent spaces in `latent_space.py`.
"""

import itertools
from typing import NamedTuple

from studies import encoders, latent_space, shared
from studies.encoders import FILTERS, LATENT, Autoencoder, build_decoder, build_encoder, predict
from support import figures, windows
from support.command_line import positive_integer

import keras
import numpy as np
from sklearn.decomposition import PCA

SHOWN = 60  # images in the array of reconstructions


class Run(NamedTuple):
    """The networks of one run.

    autoencoders: those of (1), {(filters, dense): Autoencoder}; classifier: that of (2), encoder and perceptron;
    history: of its training; decoded: the encoder of (2) with the decoder of (3).
    """

    autoencoders: dict
    classifier: keras.Model
    history: dict
    decoded: Autoencoder


def train_run(sizes, training, test, epochs, classifier_epochs, progress):
    """Return a trained `Run`. sizes: of the autoencoders of (1), filters and whether with a dense layer."""
    autoencoders = {size: encoders.train_autoencoder(build_encoder(*size), build_decoder(*size), training, test, epochs,
                                                     progress) for size in sizes}
    encoder = build_encoder(FILTERS, True)
    classifier = keras.Sequential([encoder, encoders.build_mlp()])
    history = encoders.train(classifier, *training, test, classifier_epochs, progress)
    decoded = encoders.train_autoencoder(encoders.clone(encoder, False), build_decoder(FILTERS, True), training, test,
                                         epochs, progress)
    return Run(autoencoders, classifier, history, decoded)


def accuracy(classifier, images, labels):
    """Return the accuracy of a classifier on images (n, 28, 28, 1) with labels (n,), in %."""
    return 100 * np.mean(predict(classifier, images).argmax(1) == labels)


def describe(codes, training_codes, training, test):
    """Return the numbers in a row of the table of codes. codes: of the images `test`, training_codes: of `training`."""
    ink = test.images.mean((1, 2, 3))
    apart = latent_space.pairs(latent_space.mahalanobis_distances(codes, test.labels))
    return [latent_space.variance_within(codes, test.labels).mean(),
            latent_space.pairs(latent_space.distances(codes, test.labels)).mean(), apart.mean(), apart.min(),
            latent_space.nearest_centroid_accuracy(training_codes, training.labels, codes, test.labels),
            latent_space.explained_variance(codes, ink, test.labels),
            latent_space.explained_variance(codes, latent_space.slant(test.images), test.labels)]


def measure(run, training, test):
    """Return the results of a `Run` as a dictionary.

    reconstructions: {name: parameters, errors of training and test images, accuracy of classifier (2) on the latter};
    history: of classifier (2); codes: {name: `describe`}.
    """
    autoencoders = {}
    for (filters, dense), network in run.autoencoders.items():
        last = "a dense layer" if dense else "convolutions only"
        autoencoders[f"(1) {filters}-{2 * filters}-{4 * filters} filters, {last}"] = network
    autoencoders[f"(3) a decoder for the classifier's encoder, {FILTERS} filters"] = run.decoded
    spaces = {"the autoencoder (1)": run.autoencoders[FILTERS, True].encoder,
              "the classifier (2)": run.decoded.encoder, "an untrained encoder": build_encoder(FILTERS, True)}
    return {
        "reconstructions": {name: [network.encoder.count_params() + network.decoder.count_params(), *network.errors,
                                   accuracy(run.classifier, network.reconstruct(test.images), test.labels)]
                            for name, network in autoencoders.items()},
        "history": run.history,
        "codes": {name: describe(*(predict(encoder, images.images) for images in (test, training)), training, test)
                  for name, encoder in spaces.items()}}


def print_reconstructions(results, split):
    """Print the errors of (1) and (3), and the accuracy of classifier (2) on the images that they reconstruct."""
    rows = []
    for name, (parameters, *_) in results[0]["reconstructions"].items():
        rows.append([name, f"{parameters:,}", *shared.summaries(
            [result["reconstructions"][name][1:] for result in results], (4, 4, 1))])
    originals = [100 * result["history"]["val_accuracy"][-1] for result in results]
    rows.append([f"the {split} images themselves", "", "", "", shared.mean_and_std(originals, 1)])
    shared.print_table(["autoencoder", "parameters", "L1 error, training images", f"{split} images",
                        "of these (2) classifies correctly, %"], rows)


def print_classifiers(results, split):
    """Print accuracies and losses of the classifiers (2)."""
    values = [(100 * history["accuracy"][-1], 100 * history["val_accuracy"][-1], min(history["val_loss"]),
               history["val_loss"][-1]) for history in (result["history"] for result in results)]
    shared.print_table(["classifier", "accuracy, training images, %", f"{split} images, %",
                        "cross-entropy there: lowest", "at the end"],
                       [["(2) all training images", *shared.summaries(values, (1, 1, 3, 3))]])


def print_codes(results, training, test, split):
    """Print the measures of the latent spaces of (1) and (2), of untrained encoders and of principal components."""
    linear = PCA(LATENT).fit(training.images.reshape(-1, 784))
    rows = {name: [result["codes"][name] for result in results] for name in results[0]["codes"]}
    rows[f"{LATENT} principal components"] = [
        describe(*(linear.transform(images.images.reshape(-1, 784)) for images in (test, training)), training, test)]
    shared.print_table(
        [f"codes of {split} images, by", "variance within a class, %", "distance of centroids: mean",
         "Mahalanobis distance: mean", "smallest", "accuracy of the nearest centroid, %",
         "explained variance of ink, %", "of slant, %"],
        [[name, *shared.summaries(values, (1, 2, 2, 2, 1, 1, 1))] for name, values in rows.items()])


def draw_reconstructions(run, test, split):
    """Return the figure of images and their reconstructions by (1), with and without a dense layer, and by (3)."""
    import matplotlib.pyplot as plt

    random = np.random.default_rng()
    chosen = np.concatenate([random.choice(np.flatnonzero(test.labels == label), SHOWN // 10, replace=False)
                             for label in range(10)])
    images = test.images[chosen]
    shown = {"original": images, "autoencoder (1)": run.autoencoders[FILTERS, True].reconstruct(images),
             "(1), convolutions only": run.autoencoders[FILTERS, False].reconstruct(images),
             "classifier's encoder (3)": run.decoded.reconstruct(images)}
    figure, panels = plt.subplots(1, len(shown), figsize=(13, 6.2), layout="constrained")
    figure.suptitle(f"{split.capitalize()} images and their reconstructions from {LATENT} numbers by three networks")
    for panel, (name, tiles) in zip(panels, shown.items()):
        panel.imshow(shared.tiled(tiles, SHOWN // 10), cmap="gray_r", vmin=0, vmax=1)
        panel.set(title=name, xticks=[], yticks=[])
    return figure


def draw_spaces(codes, labels, split):
    """Return the figures of the latent spaces, and of the variance in them. codes: {name: (n, dimensions)}."""
    import matplotlib.pyplot as plt

    spaces, panels = plt.subplots(2, 2, figsize=(12, 11), layout="constrained")
    spaces.suptitle(f"The latent spaces of {LATENT} dimensions: codes of {split} images")
    matrices = {name: latent_space.mahalanobis_distances(values, labels) for name, values in codes.items()}
    furthest = max(matrix.max() for matrix in matrices.values())
    for (name, values), (map_panel, panel) in zip(codes.items(), panels):
        shown = PCA(2).fit(values)
        figures.scatter_digits(map_panel, shown.transform(values)[:1000], labels[:1000], s=30)
        map_panel.set(title=f"{name}: two principal components, {100 * shown.explained_variance_ratio_.sum():.0f}% of "
                            "the variance", xticks=[], yticks=[])
        drawn = panel.imshow(matrices[name], cmap="Blues", vmin=0, vmax=furthest)
        panel.set(title=f"{name}: Mahalanobis distances of class centroids", xticks=range(10), yticks=range(10))
    spaces.colorbar(drawn, ax=panels[:, 1], shrink=0.6, label="standard deviations within a class")

    within, panel = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for number, (name, values) in enumerate(codes.items()):
        panel.bar(np.arange(10) + 0.4 * number - 0.2, latent_space.variance_within(values, labels), 0.4,
                  color=windows.COLOURS[number], label=name)
    panel.set(title="Variance of the codes within each class", xlabel="class", xticks=range(10),
              ylabel="% of the total variance")
    panel.legend()
    return {"spaces": spaces, "variance": within}


def draw(run, results, test, split):
    """Return the figures: of the networks of a run, or None, and the curves of all `results`."""
    curves = encoders.draw_curves({"(2) all training images": [result["history"] for result in results]},
                                  f"Classifiers of all training images: mean and range of {len(results)} runs", split)
    if run is None:
        return {"classifier": curves}
    codes = {"autoencoder (1)": predict(run.autoencoders[FILTERS, True].encoder, test.images),
             "classifier (2)": predict(run.decoded.encoder, test.images)}
    return {"reconstructions": draw_reconstructions(run, test, split), **draw_spaces(codes, test.labels, split),
            "classifier": curves}


def main(argv=None):
    """Train the networks of (1), (2) and (3), print their tables, draw.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    shared.add_runs(parser, validation="a fold of the training images")
    shared.add_results(parser)
    encoders.add_data(parser)
    parser.add_argument("--filters", type=positive_integer, nargs="+", default=[8, 16, 32], metavar="N",
                        help=f"of the first convolution of the autoencoders (default: 8 16 32; {FILTERS} always)")
    options = shared.parse(parser, argv)
    training, test = encoders.load_data(options)
    epochs, classifier_epochs = (1, 1) if options.quick else encoders.EPOCHS[options.data]
    filters = [FILTERS] if options.quick else sorted({FILTERS, *options.filters})

    sizes = list(itertools.product(filters, (True, False)))
    run = None  # the last one that was trained here; those in --results have no networks for figures
    with shared.progress(options.runs * (epochs * (len(sizes) + 1) + classifier_epochs)) as progress:
        def train_and_measure():
            nonlocal run
            run = train_run(sizes, training, test, epochs, classifier_epochs, progress)
            return measure(run, training, test)

        results = shared.repeat(options.runs, options, train_and_measure)
    split = shared.split_name(options)
    print_reconstructions(results, split)
    print()
    print_classifiers(results, split)
    print()
    print_codes(results, training, test, split)
    shared.present(lambda: draw(run, results, test, split), options)


if __name__ == "__main__":
    shared.run(main)
