"""What an encoder learns from reconstructing digits, from classifying them, or from both in turn (transfer learning).

    python -m studies.transfer --figures figures   on the bundle's 1,000 training digits
    python -m studies.transfer --data mnist        on the 60,000 of MNIST, if they are available

(1) Autoencoders with a latent space of 12 dimensions; (2) a classifier with the same encoder; (3) a decoder for the
frozen encoder of the classifier; (4) a classifier trained on 100 labelled digits only; (5) the same with the encoder of
the autoencoder. The networks are in `encoders.py`.

Test digits: L1 error 0.050 for (1) and 0.076 for (3); accuracy 93% for (2), 63% for (4), 75% for (5).
"""

import itertools

from studies import datasets  # noqa: F401  isort: skip  (first: it is Keras's home folder)
import common  # first: it starts the clock and keeps TensorFlow quiet
from studies import shared
from studies.encoders import LATENT, build_decoder, build_encoder, build_mlp
from support import figures

import keras
import numpy as np

FILTERS = [8, 16, 32]  # of the autoencoders compared
# The encoder of all other networks: filters, and whether the last layer is dense. In one training of each, twice as
# many filters had an L1 error of 0.048 instead of 0.049 on held-out digits, in twice the time.
CHOSEN = 16, True
EPOCHS = {"digits": (80, 30), "mnist": (10, 5)}  # of autoencoders and of classifiers, by data
FEW = 100  # labelled digits
FEW_EPOCHS = 150
BATCH_SIZE = 50
LEARNING_RATE = 5e-3
SHOWN = 60  # digits in the array of reconstructions
NAMES = {"all": "(2) all training digits", "few": f"(4) {FEW} digits only",
         "frozen": f"(5) {FEW} digits, the autoencoder's encoder, frozen",
         "tuned": f"(5) {FEW} digits, the autoencoder's encoder, fine-tuned",
         "slowly": f"(5) {FEW} digits, the autoencoder's encoder, fine-tuned, a tenth of the learning rate"}


def train(model, inputs, targets, test, epochs, progress, learning_rate=LEARNING_RATE):
    """Fit the model to targets: images with the L1 error, labels with the cross-entropy. Returns the history.

    test: other inputs and targets, measured after each epoch. The history is a dictionary of arrays (epochs,): `loss`,
    the mean over the epoch, and `val_loss`, that of `test`; for labels also `accuracy` and `val_accuracy`.
    """
    classifies = targets.ndim == 1
    steps = epochs * -(-len(inputs) // BATCH_SIZE)
    loss, metrics = ("sparse_categorical_crossentropy", ["accuracy"]) if classifies else ("mae", None)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)), loss,
                  metrics=metrics)
    history = model.fit(inputs, targets, BATCH_SIZE, epochs, verbose=0, validation_data=test,
                        callbacks=[shared.progress_callback(progress)])
    return {name: np.array(values) for name, values in history.history.items()}


def cloned(encoder, trainable):
    """Return a copy of an encoder with weights of its own. trainable: whether they change in training."""
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    copy.trainable = trainable
    return copy


def spread(codes, labels):
    """Return the variance within each class, (classes,), and the distances of class centroids, (classes, classes).

    codes: (n, dimensions). Neither depends on the scale of the space: variances are in % of the total variance,
    distances in units of the square root of the mean variance within a class.
    """
    groups = [codes[labels == label] for label in np.unique(labels)]
    centroids = np.array([group.mean(0) for group in groups])
    within = np.array([group.var(0).sum() for group in groups])
    distances = np.linalg.norm(centroids[:, None] - centroids, axis=2)
    return 100 * within / codes.var(0).sum(), distances / np.sqrt(within.mean())


def nearest_centroid(codes, labels, queries):
    """Return the predictions, (n,), of a nearest-centroid classifier of codes (m, dimensions) with labels (m,)."""
    classes = np.unique(labels)
    centroids = np.array([codes[labels == label].mean(0) for label in classes])
    return classes[np.linalg.norm(queries[:, None] - centroids, axis=2).argmin(1)]


def explained_variance(codes, quantity, labels):
    """Return how much of the variance of a quantity within classes a linear function of the codes explains, in %.

    codes: (n, dimensions); quantity, labels: (n,).
    """
    codes, quantity = codes.copy(), quantity.copy()
    for members in (labels == label for label in np.unique(labels)):
        codes[members] -= codes[members].mean(0)
        quantity[members] -= quantity[members].mean()
    error = quantity - codes @ np.linalg.lstsq(codes, quantity, rcond=None)[0]
    return 100 * (1 - error.var() / quantity.var())


def slant(images):
    """Return the slant of images (n, 28, 28, 1): columns to the right per row up, (n,)."""
    y, x = np.mgrid[:28, :28].reshape(2, -1)
    weights = images.reshape(len(images), -1) / images.sum((1, 2, 3))[:, None]
    x, y = x - (weights @ x)[:, None], y - (weights @ y)[:, None]
    return -(weights * x * y).sum(1) / (weights * y**2).sum(1)


def load_digits(options):
    """Return training and test digits as two `common.Digits`."""
    if options.data == "mnist":
        return shared.images_of("mnist", options)
    return [common.Digits(*(part[:200] for part in digits)) if options.quick else digits
            for digits in shared.digits(options.validation)]


def train_autoencoder(encoder, filters, dense, training, test, epochs, progress):
    """Train an encoder and a new decoder to reconstruct digits. Returns both and the losses on both splits."""
    decoder = build_decoder(filters, dense)
    images, test_images = training[0], test[0]
    history = train(keras.Sequential([encoder, decoder]), images, images, (test_images, test_images), epochs, progress)
    return encoder, decoder, [history[name][-1] for name in ("loss", "val_loss")]


def train_classifier(encoder, training, test, epochs, progress, learning_rate=LEARNING_RATE):
    """Train an encoder and a new perceptron to classify digits. Returns the history."""
    return train(keras.Sequential([encoder, build_mlp()]), *training, test, epochs, progress, learning_rate)


def codes_of(encode, images):
    """Return the codes (n, 12) of images (n, 28, 28, 1), a thousand at a time to save memory."""
    return np.concatenate([encode(images[start:start + 1000]) for start in range(0, len(images), 1000)])


def describe(encode, training, test):
    """Return the figures of the table about the codes of test digits. encode: images to codes (n, 12)."""
    codes, labels = codes_of(encode, test.images), test.labels
    within, distances = spread(codes, labels)
    apart = distances[np.triu_indices(len(distances), 1)]
    predictions = nearest_centroid(codes_of(encode, training.images), training.labels, codes)
    return (within.mean(), apart.mean(), apart.min(), 100 * np.mean(predictions == labels),
            explained_variance(codes, test.images.mean((1, 2, 3)), labels),
            explained_variance(codes, slant(test.images), labels))


def draw(autoencoder, local, decoded, histories, test, split):
    """Return the figures.

    autoencoder, local, decoded: the results of `train_autoencoder` in (1), with a dense layer and without, and in (3).
    split: what the titles call the digits `test`.
    """
    import matplotlib.pyplot as plt

    images, labels = test
    random = np.random.default_rng()
    chosen = np.concatenate([random.choice(np.flatnonzero(labels == digit), SHOWN // 10) for digit in range(10)])
    coders = {"autoencoder (1)": autoencoder, "(1), convolutions only": local, "classifier's encoder (3)": decoded}
    array, panels = plt.subplots(1, 4, figsize=(13, 6.2), layout="constrained")
    array.suptitle(f"{split.capitalize()} digits and their reconstructions from 12 numbers by three networks")
    reconstructions = {name: decoder(encoder(images[chosen])) for name, (encoder, decoder, _) in coders.items()}
    for panel, (name, shown) in zip(panels, ({"original": images[chosen]} | reconstructions).items()):
        panel.imshow(shared.tiled(shown, SHOWN // 10), cmap="gray_r", vmin=0, vmax=1)
        panel.set(title=name, xticks=[], yticks=[])

    spaces, panels = plt.subplots(2, 2, figsize=(12, 11), layout="constrained")
    spaces.suptitle(f"The latent spaces of {LATENT} dimensions: codes of {split} digits")
    names = ["autoencoder (1)", "classifier (2)"]
    codes = [codes_of(encoder, images) for encoder, *_ in (autoencoder, decoded)]
    furthest = max(spread(code, labels)[1].max() for code in codes)
    for name, code, (map_panel, panel) in zip(names, codes, panels):
        points = shared.PrincipalComponents(code, 2).encode(code)
        figures.scatter_digits(map_panel, points[:1000], labels[:1000], s=30)
        map_panel.set(title=f"{name}: first two principal components", xticks=[], yticks=[])
        drawn = panel.imshow(spread(code, labels)[1], cmap="Blues", vmin=0, vmax=furthest)
        panel.set(title=f"{name}: distances of class centroids", xticks=range(10), yticks=range(10))
    spaces.colorbar(drawn, ax=panels[:, 1], shrink=0.6, label="in standard deviations within a class")

    within, panel = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for number, (name, code) in enumerate(zip(names, codes)):
        panel.bar(np.arange(10) + 0.4 * number - 0.2, spread(code, labels)[0], 0.4, color=figures.COLOURS[number],
                  label=name)
    panel.set(title="Variance of the codes within each class", xlabel="digit", xticks=range(10),
              ylabel="% of the total variance")
    panel.legend()
    return {"reconstructions": array, "spaces": spaces, "variance": within,
            "classifier": _curves({"all": histories["all"]}, "A classifier of all training digits", split),
            "few": _curves({name: runs for name, runs in histories.items() if name != "all"},
                           f"Classifiers of {FEW} labelled digits", split)}


def _curves(histories, title, split):
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    figure.suptitle(f"{title}: one line per training, dashed on training digits, solid on {split} digits")
    for (name, runs), colour in zip(histories.items(), figures.COLOURS):
        for number, history in enumerate(runs):
            for panel, what, scale in zip(panels, ("loss", "accuracy"), (1, 100)):
                panel.plot(1 + np.arange(len(history[what])), scale * history[what], "--", color=colour, linewidth=1)
                panel.plot(1 + np.arange(len(history[what])), scale * history[f"val_{what}"], color=colour,
                           label=NAMES[name] if panel is panels[0] and number == 0 else None)
    panels[0].set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
    panels[1].set(xlabel="epoch", ylabel="accuracy, %")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def print_tables(autoencoders, decoded, histories, training, test, split):
    """Print the results. autoencoders: {(filters, dense): [result of `train_autoencoder`]}; decoded: such a list."""
    rows = []
    for (filters, dense), runs in autoencoders.items():
        what = f"{'a dense layer' if dense else 'convolutions only'}, {filters}-{2 * filters}-{4 * filters} filters"
        parameters = sum(model.count_params() for model in runs[0][:2])
        rows.append([what, f"{parameters:,}", *shared.summaries([losses for *_, losses in runs], 4)])
    shared.print_table(["(1) autoencoder", "parameters", "L1 error in training", f"{split} digits"], rows)
    print()
    shared.print_table(["(3) a decoder for the classifier's encoder", "L1 error in training", f"{split} digits"],
                       [[f"{CHOSEN[0]} filters", *shared.summaries([losses for *_, losses in decoded], 4)]])
    print()
    shared.print_table(
        ["classifier", "accuracy in training, %", f"{split} digits, %", "cross-entropy there: lowest", "at the end"],
        [[NAMES[name], *shared.summaries([(100 * history["accuracy"][-1], 100 * history["val_accuracy"][-1],
                                           history["val_loss"].min(), history["val_loss"][-1]) for history in runs],
                                         (1, 1, 3, 3))] for name, runs in histories.items()])
    print()
    linear = shared.PrincipalComponents(training.images.reshape(-1, 784), LATENT)
    encoders = {"the autoencoder (1)": [encoder for encoder, *_ in autoencoders[CHOSEN]],
                "the classifier (2)": [encoder for encoder, *_ in decoded],
                "an untrained encoder": [build_encoder(*CHOSEN) for _ in decoded],
                f"{LATENT} principal components": [lambda images: linear.encode(images.reshape(-1, 784))]}
    shared.print_table(
        [f"codes of {split} digits, by", "variance within a class, %", "distance of centroids: mean", "smallest",
         "accuracy of the nearest centroid, %", "explained variance of ink, %", "of slant, %"],
        [[name, *shared.summaries([describe(encode, training, test) for encode in runs], (1, 2, 2, 1, 1, 1))]
         for name, runs in encoders.items()])


def main(argv=None):
    """Train the networks of the five parts, print their tables, draw."""
    parser = shared.parser(__doc__)
    shared.add_runs(parser, validation="a fold of the training digits")
    parser.add_argument("--data", choices=EPOCHS, default="digits",
                        help="the bundle's digits (default) or Keras's MNIST")
    options = shared.parse(parser, argv)
    training, test = load_digits(options)
    epochs, classifier_epochs, few_epochs = (1, 1, 1) if options.quick else (*EPOCHS[options.data], FEW_EPOCHS)

    sizes = list(itertools.product([CHOSEN[0]] if options.quick else FILTERS, (True, False)))
    autoencoders, decoded = {size: [] for size in sizes}, []
    histories = {name: [] for name in NAMES}
    total = options.runs * (epochs * (len(sizes) + 1) + classifier_epochs + 4 * few_epochs)
    with shared.ProgressLine("epoch", total) as progress:
        for _ in range(options.runs):
            for size in sizes:                                                                                # (1)
                encoder = build_encoder(*size)
                autoencoders[size].append(train_autoencoder(encoder, *size, training, test, epochs, progress))
            encoder, other = autoencoders[CHOSEN][-1][0], build_encoder(*CHOSEN)
            histories["all"].append(train_classifier(other, training, test, classifier_epochs, progress))     # (2)
            decoded.append(train_autoencoder(cloned(other, False), *CHOSEN, training, test, epochs, progress))  # (3)
            chosen = np.random.default_rng().choice(len(training[1]), FEW, replace=False)
            few = [part[chosen] for part in training]
            starts = {"few": (build_encoder(*CHOSEN), LEARNING_RATE),                                         # (4)
                      "frozen": (cloned(encoder, False), LEARNING_RATE),                                      # (5)
                      "tuned": (cloned(encoder, True), LEARNING_RATE),
                      "slowly": (cloned(encoder, True), LEARNING_RATE / 10)}
            for name, (start, rate) in starts.items():
                histories[name].append(train_classifier(start, few, test, few_epochs, progress, rate))
    split = shared.split(options)
    print_tables(autoencoders, decoded, histories, training, test, split)
    shared.present(lambda: draw(autoencoders[CHOSEN][-1], autoencoders[CHOSEN[0], False][-1], decoded[-1], histories,
                                test, split), options)


if __name__ == "__main__":
    common.run(main)
