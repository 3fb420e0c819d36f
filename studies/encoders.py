"""The networks of `transfer` and `few_labels`, with a latent space of 12 dimensions, and their training."""

from typing import NamedTuple

from studies import datasets, shared
from support import windows

import keras
import numpy as np
from keras import layers

LATENT = 12
# The filters of the encoder that is used throughout. In one training of each, twice as many filters had an L1 error of
# 0.048 instead of 0.049 on held-out digits, in twice the time.
FILTERS = 16
BATCH_SIZE = 50
LEARNING_RATE = 5e-3
EPOCHS = {"digits": (80, 30), "mnist": (10, 5), "fashion_mnist": (10, 5)}  # of autoencoders and of classifiers


def convolution(layer, filters):
    """Return a 3x3 convolution with stride 2 of class `layer`, normalization and ReLU."""
    # Without normalization, each of nine autoencoders learned blank images only, with learning rates of 5e-4 to 5e-3.
    # Group normalization with one group is the same in training and prediction. The moving averages of batch
    # normalization lag if an epoch has two steps: its test accuracy was 10% when all of 100 digits were learned.
    return [
        layer(filters, 3, strides=2, padding="same", use_bias=False),
        layers.GroupNormalization(groups=1),
        layers.Activation("relu"),
    ]


def build_encoder(filters, dense):
    """Return an untrained encoder: pixels in [0, 1], (n, 28, 28, 1), to the latent space (n, 12).

    filters: of the first convolution. dense: whether the last layer is dense, or one more convolution. With the
    convolution, three of the numbers see the whole image, and nine see a half or a quarter of it (and all see the scale
    of its normalization).
    """
    return keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.ZeroPadding2D(2),                                                          # 32 x 32
        *convolution(layers.Conv2D, filters),                                             # 16 x 16
        *convolution(layers.Conv2D, 2 * filters),                                         # 8 x 8
        *convolution(layers.Conv2D, 4 * filters),                                         # 4 x 4
        *([] if dense else [layers.Conv2D(LATENT // 4, 3, strides=2, padding="same")]),   # 4 x 4 or 2 x 2
        layers.Flatten(),
        *([layers.Dense(LATENT)] if dense else []),                                       # 12
    ], name="encoder")


def build_decoder(filters, dense):
    """Return an untrained decoder, the reverse of the encoder: latent space (n, 12) to pixels (n, 28, 28, 1)."""
    first = [layers.Dense(4 * 4 * 4 * filters), layers.Reshape((4, 4, 4 * filters)), layers.Activation("relu")]
    return keras.Sequential([
        layers.Input((LATENT,)),
        *(first if dense else [layers.Reshape((2, 2, LATENT // 4)),
                               *convolution(layers.Conv2DTranspose, 4 * filters)]),       # 4 x 4
        *convolution(layers.Conv2DTranspose, 2 * filters),                                # 8 x 8
        *convolution(layers.Conv2DTranspose, filters),                                    # 16 x 16
        layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid"),    # 32 x 32
        layers.Cropping2D(2),                                                             # 28 x 28
    ], name="decoder")


def build_mlp():
    """Return an untrained perceptron with two layers: latent space (n, 12) to class probabilities (n, 10)."""
    return keras.Sequential([
        layers.Input((LATENT,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ], name="mlp")


def add_data(parser):
    """Add `--data` to a parser."""
    parser.add_argument("--data", choices=EPOCHS, default="digits",
                        help="the bundle's digits (default), or Keras's MNIST or Fashion-MNIST where there is a copy")


def load_data(options):
    """Return training and test images as two `Digits`. Ends the process in one line if they are not there."""
    if options.data != "digits":
        return datasets.load_images(options.data, options.validation, options.quick)
    return datasets.load_digits(options.validation, options.quick)


def train(model, inputs, targets, test, epochs, progress, learning_rate=LEARNING_RATE, alpha=0.0,
          validation_freq=None):
    """Fit the model to targets: images with the L1 error, labels with the cross-entropy. Returns the history.

    inputs: (n, ...); targets: images (n, 28, 28, 1) or labels (n,). test: other inputs and targets, measured after the
    epochs in the list `validation_freq`, or each. alpha: the last learning rate, as a share of the first. progress: a
    bar of `shared.progress`. The history is a dictionary of arrays: `loss`, the mean over each epoch; `val_loss`, that
    of `test`, and `val_epoch`, after which epochs; for labels also `accuracy` and `val_accuracy`, from 0 to 1.
    """
    validation_freq = validation_freq or list(range(1, epochs + 1))
    classifies = targets.ndim == 1
    steps = epochs * -(-len(inputs) // BATCH_SIZE)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps, alpha=alpha)
    loss, metrics = ("sparse_categorical_crossentropy", ["accuracy"]) if classifies else ("mae", None)
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=metrics)
    history = model.fit(inputs, targets, BATCH_SIZE, epochs, verbose=0, validation_data=test,
                        validation_batch_size=1000, validation_freq=validation_freq,
                        callbacks=[shared.progress_callback(progress)])
    return {name: np.array(values) for name, values in {**history.history, "val_epoch": validation_freq}.items()}


class Autoencoder(NamedTuple):
    """An encoder, a decoder, and the L1 errors of both together on training and test images."""

    encoder: keras.Model
    decoder: keras.Model
    errors: tuple

    def reconstruct(self, images):
        """Return the reconstructions of images (n, 28, 28, 1)."""
        return predict(self.decoder, predict(self.encoder, images))


def predict(model, inputs):
    """Return the outputs of a model for inputs (n, ...), a thousand images at a time to save memory."""
    return model.predict(inputs, 1000, verbose=0)


def train_autoencoder(encoder, decoder, training, test, epochs, progress):
    """Train an encoder and a decoder to reconstruct the images of `training`, `Digits`. Returns the `Autoencoder`."""
    history = train(keras.Sequential([encoder, decoder]), training.images, training.images, (test.images, test.images),
                    epochs, progress, validation_freq=[epochs])
    return Autoencoder(encoder, decoder, tuple(history[name][-1] for name in ("loss", "val_loss")))


def clone(encoder, trainable):
    """Return a copy of an encoder with weights of its own. trainable: whether they change in training."""
    copy = keras.models.clone_model(encoder)
    copy.set_weights(encoder.get_weights())
    copy.trainable = trainable
    return copy


def draw_curves(histories, title, split, xscale="linear"):
    """Return a figure of losses and accuracies by the epoch: the mean of all trainings, and a band of their range.

    histories: {name: [results of `train`]}.
    """
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(13, 8), sharex=True, layout="constrained")
    figure.suptitle(title)
    for line, prefix, images in zip(panels, ("val_", ""), (split, "training")):
        for panel, what, scale in zip(line, ("loss", "accuracy"), (1, 100)):
            for (name, of_runs), colour in zip(histories.items(), windows.COLOURS):
                curves = scale * np.array([history[prefix + what] for history in of_runs])
                epochs = of_runs[0]["val_epoch"] if prefix else np.arange(1, curves.shape[1] + 1)
                panel.plot(epochs, curves.mean(0), color=colour, label=name)
                panel.fill_between(epochs, curves.min(0), curves.max(0), color=colour, alpha=0.2, linewidth=0)
            panel.set(title=f"{what}, {images} images", xscale=xscale,
                      ylabel="cross-entropy" if what == "loss" else "accuracy, %")
            panel.grid(alpha=0.3)
    if xscale == "linear":
        panels[0, 0].xaxis.get_major_locator().set_params(integer=True)
    panels[1, 0].set_yscale("log")
    for panel in panels[1]:
        panel.set_xlabel("epoch")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
