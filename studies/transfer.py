"""What an encoder learns from what it is asked: to redraw a digit, to name it, or both in turn (the sheet on transfer).

    python -m studies.transfer --figures figures   on the bundle's 1,000 training digits
    python -m studies.transfer --data mnist        on the 60,000 of MNIST, where they can be had

(1) Autoencoders with a latent space of 12 numbers; (2) a classifier with the same encoder; (3) a decoder on top of the
classifier's frozen encoder; (4) a classifier from 100 labelled digits alone; (5) the same with the autoencoder's
encoder to start from. The networks are those of `encoders.py`.

On test digits: L1 error 0.050 for (1) and 0.076 for (3); read right are 93% in (2), 63% in (4), 75% in (5).
"""

import itertools

import common  # first: it starts the clock and keeps TensorFlow quiet
from studies import shared
from studies.encoders import LATENT, build_decoder, build_encoder, build_mlp

import keras
import numpy as np

FILTERS = [8, 16, 32]  # of the autoencoders compared,
# and the encoder of all else: filters, and whether a dense layer ends it. In one training of either, on held-back
# digits, twice as many filters had an L1 error of 0.048 in place of 0.049, in twice the time.
CHOSEN = 16, True
EPOCHS = {"digits": (80, 30), "mnist": (10, 5)}  # of autoencoders and of classifiers, by data
FEW = 100  # labelled digits
FEW_EPOCHS = 150
BATCH_SIZE = 50
LEARNING_RATE = 5e-3
SHOWN = 60  # digits in the array of reconstructions
NAMES = {"all": "(2) all training digits", "few": f"(4) {FEW} digits alone",
         "frozen": f"(5) {FEW} digits, the autoencoder's encoder, frozen",
         "tuned": f"(5) {FEW} digits, the autoencoder's encoder, fine-tuned",
         "slowly": f"(5) {FEW} digits, the autoencoder's encoder, fine-tuned by a tenth of the step"}


def train(model, inputs, targets, test, epochs, progress, learning_rate=LEARNING_RATE):
    """Fit the model to targets: images by L1 error, labels by cross-entropy; return what it was like in each epoch.

    test: other inputs and targets, to be measured on after each epoch. Returns a dictionary of arrays (epochs,):
    `loss`, on average over the epoch, and `val_loss`, of `test`; for labels also `accuracy` and `val_accuracy`.
    """
    classifies = targets.ndim == 1
    steps = epochs * -(-len(inputs) // BATCH_SIZE)
    loss, metrics = ("sparse_categorical_crossentropy", ["accuracy"]) if classifies else ("mae", None)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)), loss,
                  metrics=metrics)
    history = model.fit(inputs, targets, BATCH_SIZE, epochs, verbose=0, validation_data=test,
                        callbacks=[progress.callback()])
    return {name: np.array(values) for name, values in history.history.items()}


def copied(encoder, trainable):
    """Return a copy of an encoder, whose weights are its own and change in training or do not."""
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    copy.trainable = trainable
    return copy


def spread(codes, labels):
    """Return the variance within each class, (classes,), and the distances of class centres, (classes, classes).

    codes: (n, dimensions). No scale of the space matters: variances are shares of the whole variance, in %, distances
    in units of the root of the mean variance within a class.
    """
    groups = [codes[labels == label] for label in np.unique(labels)]
    centres = np.array([group.mean(0) for group in groups])
    within = np.array([group.var(0).sum() for group in groups])
    distances = np.linalg.norm(centres[:, None] - centres, axis=2)
    return 100 * within / codes.var(0).sum(), distances / np.sqrt(within.mean())


def nearest(codes, labels, queries):
    """Return the class, (n,), whose centre among codes (m, dimensions) with labels (m,) is nearest to each query."""
    classes = np.unique(labels)
    centres = np.array([codes[labels == label].mean(0) for label in classes])
    return classes[np.linalg.norm(queries[:, None] - centres, axis=2).argmin(1)]


def known(codes, quantity, labels):
    """Return how much of a quantity's variance within classes a linear function of the codes explains, in %.

    codes: (n, dimensions); quantity, labels: (n,).
    """
    codes, quantity = codes.copy(), quantity.copy()
    for members in (labels == label for label in np.unique(labels)):
        codes[members] -= codes[members].mean(0)
        quantity[members] -= quantity[members].mean()
    error = quantity - codes @ np.linalg.lstsq(codes, quantity, rcond=None)[0]
    return 100 * (1 - error.var() / quantity.var())


def slant(images):
    """Return how far the strokes of images (n, 28, 28, 1) lean: columns to the right for each row up, (n,)."""
    y, x = np.mgrid[:28, :28].reshape(2, -1)
    weights = images.reshape(len(images), -1) / images.sum((1, 2, 3))[:, None]
    x, y = x - (weights @ x)[:, None], y - (weights @ y)[:, None]
    return -(weights * x * y).sum(1) / (weights * y**2).sum(1)


def read(options):
    """Return training and test digits as two `common.Digits`."""
    if options.data == "mnist":
        return shared.images_of("mnist", options)
    return [common.Digits(*(part[:500] for part in digits)) if options.quick else digits
            for digits in shared.digits(options.validation)]


def train_to_redraw(encoder, filters, dense, training, test, epochs, progress):
    """Train an encoder and a new decoder to redraw digits; return both and the losses in training and on `test`."""
    decoder = build_decoder(filters, dense)
    images, test_images = training[0], test[0]
    history = train(keras.Sequential([encoder, decoder]), images, images, (test_images, test_images), epochs, progress)
    return encoder, decoder, [history[name][-1] for name in ("loss", "val_loss")]


def train_to_name(encoder, training, test, epochs, progress, learning_rate=LEARNING_RATE):
    """Train an encoder and a new perceptron to name digits; return what they were like in each epoch."""
    return train(keras.Sequential([encoder, build_mlp()]), *training, test, epochs, progress, learning_rate)


def codes_of(encode, images):
    """Return the codes (n, 12) of images (n, 28, 28, 1), a thousand at a time for the sake of memory."""
    return np.concatenate([encode(images[start:start + 1000]) for start in range(0, len(images), 1000)])


def describe(encode, training, test):
    """Return what stands in the table about the codes of test digits. encode: images to codes (n, 12)."""
    codes, labels = codes_of(encode, test.images), test.labels
    within, distances = spread(codes, labels)
    apart = distances[np.triu_indices(len(distances), 1)]
    read = nearest(codes_of(encode, training.images), training.labels, codes)
    return (within.mean(), apart.mean(), apart.min(), 100 * np.mean(read == labels),
            known(codes, test.images.mean((1, 2, 3)), labels), known(codes, slant(test.images), labels))


def draw(autoencoder, local, decoded, histories, test, kind):
    """Return the figures.

    autoencoder, local, decoded: what `train_to_redraw` returned in (1), with a dense layer and without, and in (3).
    kind: what the titles call the digits `test`.
    """
    import matplotlib.pyplot as plt

    images, labels = test
    random = np.random.default_rng()
    chosen = np.concatenate([random.choice(np.flatnonzero(labels == digit), SHOWN // 10) for digit in range(10)])
    coders = {"autoencoder (1)": autoencoder, "(1), convolutions only": local, "classifier's encoder (3)": decoded}
    array, panels = plt.subplots(1, 4, figsize=(13, 6.2), layout="constrained")
    array.suptitle("Digits that they have not seen, as three networks redraw them from 12 numbers")
    redrawn = {name: decoder(encoder(images[chosen])) for name, (encoder, decoder, _) in coders.items()}
    for panel, (name, shown) in zip(panels, ({"original": images[chosen]} | redrawn).items()):
        panel.imshow(shared.tiled(shown, SHOWN // 10), cmap="gray_r", vmin=0, vmax=1)
        panel.set(title=name, xticks=[], yticks=[])

    spaces, panels = plt.subplots(2, 2, figsize=(12, 11), layout="constrained")
    spaces.suptitle(f"The latent spaces of {LATENT} dimensions: codes of {kind} digits")
    names = ["autoencoder (1)", "classifier (2)"]
    codes = [codes_of(encoder, images) for encoder, *_ in (autoencoder, decoded)]
    furthest = max(spread(code, labels)[1].max() for code in codes)
    for name, code, (map_panel, panel) in zip(names, codes, panels):
        places = shared.PrincipalComponents(code, 2).encode(code)
        common.scatter_digits(map_panel, places[:1000], labels[:1000], s=30)
        map_panel.set(title=f"{name}: first two principal components", xticks=[], yticks=[])
        drawn = panel.imshow(spread(code, labels)[1], cmap="Blues", vmin=0, vmax=furthest)
        panel.set(title=f"{name}: distances of class centres", xticks=range(10), yticks=range(10))
    spaces.colorbar(drawn, ax=panels[:, 1], shrink=0.6, label="in deviations within a class")

    within, panel = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for number, (name, code) in enumerate(zip(names, codes)):
        panel.bar(np.arange(10) + 0.4 * number - 0.2, spread(code, labels)[0], 0.4, color=common.COLOURS[number],
                  label=name)
    panel.set(title="Variance of the codes within each class", xlabel="digit", xticks=range(10),
              ylabel="% of the whole variance")
    panel.legend()
    return {"reconstructions": array, "spaces": spaces, "variance": within,
            "classifier": _curves({"all": histories["all"]}, "A classifier of all training digits", kind),
            "few": _curves({name: found for name, found in histories.items() if name != "all"},
                           f"Classifiers of {FEW} labelled digits", kind)}


def _curves(histories, title, kind):
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    figure.suptitle(f"{title}: each line a training, dashed on training digits, solid on {kind} digits")
    for (name, found), colour in zip(histories.items(), common.COLOURS):
        for number, history in enumerate(found):
            for panel, what, scale in zip(panels, ("loss", "accuracy"), (1, 100)):
                panel.plot(1 + np.arange(len(history[what])), scale * history[what], "--", color=colour, linewidth=1)
                panel.plot(1 + np.arange(len(history[what])), scale * history[f"val_{what}"], color=colour,
                           label=NAMES[name] if panel is panels[0] and number == 0 else None)
    panels[0].set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
    panels[1].set(xlabel="epoch", ylabel="digits read right, %")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def print_tables(autoencoders, decoded, histories, training, test, kind):
    """Print the results. autoencoders: {(filters, dense): [what `train_to_redraw` returned]}; decoded: such a list."""
    rows = []
    for (filters, dense), found in autoencoders.items():
        what = f"{'a dense layer' if dense else 'convolutions only'}, {filters}-{2 * filters}-{4 * filters} filters"
        parameters = sum(model.count_params() for model in found[0][:2])
        rows.append([what, f"{parameters:,}", *shared.summaries([losses for *_, losses in found], 4)])
    shared.print_table(["(1) autoencoder", "parameters", "L1 error in training", f"{kind} digits"], rows)
    print()
    shared.print_table(["(3) a decoder on the classifier's encoder", "L1 error in training", f"{kind} digits"],
                       [[f"{CHOSEN[0]} filters", *shared.summaries([losses for *_, losses in decoded], 4)]])
    print()
    shared.print_table(
        ["classifier", "right in training, %", f"{kind} digits, %", "cross-entropy there: lowest", "at the end"],
        [[NAMES[of], *shared.summaries([(100 * history["accuracy"][-1], 100 * history["val_accuracy"][-1],
                                         history["val_loss"].min(), history["val_loss"][-1]) for history in found],
                                       (1, 1, 3, 3))] for of, found in histories.items()])
    print()
    linear = shared.PrincipalComponents(training.images.reshape(-1, 784), LATENT)
    encoders = {"the autoencoder (1)": [encoder for encoder, *_ in autoencoders[CHOSEN]],
                "the classifier (2)": [encoder for encoder, *_ in decoded],
                "an untrained encoder": [build_encoder(*CHOSEN) for _ in decoded],
                f"{LATENT} principal components": [lambda images: linear.encode(images.reshape(-1, 784))]}
    shared.print_table(
        [f"codes of {kind} digits, by", "variance within a class, %", "distance of centres: mean", "least",
         "right by nearest centre, %", "known of ink, %", "of slant, %"],
        [[of, *shared.summaries([describe(encode, training, test) for encode in found], (1, 2, 2, 1, 1, 1))]
         for of, found in encoders.items()])


def main():
    """Carry out the five parts, print their tables, draw."""
    parser = shared.parser(__doc__)
    shared.add_runs(parser, validation="a fifth of the training digits takes the place of the test digits")
    parser.add_argument("--data", choices=EPOCHS, default="digits",
                        help="the bundle's digits (default) or Keras's MNIST")
    options = shared.parse(parser)
    training, test = read(options)
    epochs, classifier_epochs, few_epochs = (2, 2, 2) if options.quick else (*EPOCHS[options.data], FEW_EPOCHS)

    sizes = list(itertools.product(FILTERS, (True, False)))
    autoencoders, decoded = {size: [] for size in sizes}, []
    histories = {of: [] for of in NAMES}
    total = options.runs * (epochs * (len(sizes) + 1) + classifier_epochs + 4 * few_epochs)
    with shared.Progress("epoch", total) as progress:
        for _ in range(options.runs):
            for size in sizes:                                                                                # (1)
                encoder = build_encoder(*size)
                autoencoders[size].append(train_to_redraw(encoder, *size, training, test, epochs, progress))
            encoder, namer = autoencoders[CHOSEN][-1][0], build_encoder(*CHOSEN)
            histories["all"].append(train_to_name(namer, training, test, classifier_epochs, progress))        # (2)
            decoded.append(train_to_redraw(copied(namer, False), *CHOSEN, training, test, epochs, progress))  # (3)
            chosen = np.random.default_rng().choice(len(training[1]), FEW, replace=False)
            few = [part[chosen] for part in training]
            starts = {"few": (build_encoder(*CHOSEN), LEARNING_RATE),                                         # (4)
                      "frozen": (copied(encoder, False), LEARNING_RATE),                                      # (5)
                      "tuned": (copied(encoder, True), LEARNING_RATE),
                      "slowly": (copied(encoder, True), LEARNING_RATE / 10)}
            for of, (start, rate) in starts.items():
                histories[of].append(train_to_name(start, few, test, few_epochs, progress, rate))
    kind = shared.kind(options)
    print_tables(autoencoders, decoded, histories, training, test, kind)
    shared.present(lambda: draw(autoencoders[CHOSEN][-1], autoencoders[CHOSEN[0], False][-1], decoded[-1], histories,
                                test, kind), options)


if __name__ == "__main__":
    common.run(main)
