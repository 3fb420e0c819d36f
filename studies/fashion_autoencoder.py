"""Autoencoders of Fashion-MNIST: 784 pixels through a code of 32 or 64 numbers (task 1 of the sheet).

    python -m studies.fashion_autoencoder --figures figures   trains; saves the figure

Dense autoencoders with one hidden layer and with three, trained with the squared error on 60,000 images of clothes. The
baseline is the best linear code of the same size: principal components.

Squared error of a test pixel with a code of 32 numbers: 0.0125 with one hidden layer, 0.0093 with three, 0.0151 with
principal components. With 64 numbers: 0.0086, 0.0079 and 0.0104.
"""

from studies import datasets, shared
from support import windows

import keras
import numpy as np
from keras import layers
from sklearn.decomposition import PCA
from sklearn.metrics import mean_squared_error

CODES = [32, 64]
HIDDEN = {"one": [], "three": [256]}  # sizes of the layers before the code, and in reverse after it
EPOCHS = 20
BATCH_SIZE = 256
LEARNING_RATE = 4e-3


def build_autoencoder(code, hidden=()):
    """Return an untrained autoencoder of images (n, 784), pixels in [0, 1]. The layer `code` has the codes."""
    return keras.Sequential([
        layers.Input((784,)),
        *(layers.Dense(size, activation="relu") for size in hidden),
        # With an initial bias of 0, 10 of 64 of these units were 0 for all images after training (one hidden layer).
        layers.Dense(code, activation="relu", bias_initializer="ones", name="code"),
        *(layers.Dense(size, activation="relu") for size in reversed(hidden)),
        layers.Dense(784, activation="sigmoid"),
    ])


def train(model, inputs, targets, test=None, epochs=EPOCHS, callbacks=()):
    """Fit the model to targets (n, 784) for inputs (n, 784), with cosine decay of the learning rate.

    test: other inputs and targets, or None. Returns the mean squared errors of each epoch, {"loss": (epochs,)}, and of
    `test` after it, `val_loss`.
    """
    steps = epochs * -(-len(inputs) // BATCH_SIZE)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)), "mse")
    return model.fit(inputs, targets, BATCH_SIZE, epochs, verbose=0, validation_data=test, validation_batch_size=1000,
                     callbacks=list(callbacks)).history


def draw_losses(runs, split):
    """Return the figure of the losses in training. runs: [{name of a network: history}]."""
    import matplotlib.pyplot as plt

    figure, panel = plt.subplots(figsize=(9, 5), layout="constrained")
    for name, colour in zip(runs[0], windows.COLOURS):
        for what, style, images in (("loss", "--", "training"), ("val_loss", "-", split)):
            curve = np.mean([run[name][what] for run in runs], axis=0)
            panel.plot(np.arange(1, len(curve) + 1), curve, style, color=colour, label=f"{name}: {images} images")
    panel.set(title=f"Loss in training, mean of {len(runs)}", xlabel="epoch", ylabel="squared error of a pixel",
              yscale="log")
    panel.grid(alpha=0.3, which="both")
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.legend(ncols=2, fontsize="small")
    return figure


def begin(description, argv):
    """Return the options of a study of Fashion-MNIST and its training and test images, float32 (n, 784).

    description: the docstring of the study. argv: the arguments, those of the process if it is None. Ends the process
    in one line if the arguments are wrong or the images are not there.
    """
    parser = shared.parser(description)
    shared.add_runs(parser, validation="10,000 training images")
    shared.add_results(parser)
    options = shared.parse(parser, argv)
    data = datasets.load_images("fashion_mnist", options.validation, options.quick)
    return options, *(images.reshape(-1, 784) for images, _ in data)


def main(argv=None):
    """Train each network several times, print the table, draw.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    options, images, test_images = begin(__doc__, argv)
    epochs = 1 if options.quick else EPOCHS
    chosen = np.random.default_rng().choice(len(test_images), 10, replace=False)
    reconstructions, rows = {}, []

    def run():
        histories = {}
        for code in CODES:
            for name, hidden in HIDDEN.items():
                model = build_autoencoder(code, hidden)
                what = f"{name} hidden layer{'s' * (name != 'one')}, code of {code}"
                histories[what] = train(model, images, images, (test_images, test_images), epochs,
                                        [shared.progress_callback(progress)])
                reconstructions[what.replace(", ", ",\n")] = model.predict(test_images[chosen], verbose=0)
        return histories

    with shared.progress(len(CODES) * len(HIDDEN) * options.runs * epochs) as progress:
        runs = shared.repeat(options.runs, options, run)
    for code in CODES:
        linear = PCA(code).fit(images)
        decoded = linear.inverse_transform(linear.transform(test_images))
        reconstructions[f"{code} principal\ncomponents"] = decoded[chosen]
        rows.append([f"{code} principal components", "", f"{mean_squared_error(test_images, decoded):.5f}",
                     f"{784 * (code + 1):,}"])
        for name, hidden in HIDDEN.items():
            what = f"{name} hidden layer{'s' * (name != 'one')}, code of {code}"
            errors = [[run[what][part][-1] for part in ("loss", "val_loss")] for run in runs]
            rows.append([what, *shared.summaries(errors, 5), f"{build_autoencoder(code, hidden).count_params():,}"])
    split = shared.split_name(options)
    shared.print_table(["reconstructed by", "squared error of a training pixel", f"of a {split} pixel", "parameters"],
                       rows)
    shared.present(lambda: {"loss": draw_losses(runs, split), "fashion": shared.draw_rows(
        f"{split.capitalize()} images and their reconstructions",
        [("original", test_images[chosen]), *reconstructions.items()])}, options)


if __name__ == "__main__":
    shared.run(main)
