"""The networks of `transfer`: encoder, decoder and multilayer perceptron, with a latent space of 12 dimensions."""

import common  # noqa: F401  (first: it starts the clock and keeps TensorFlow quiet)

import keras
from keras import layers

LATENT = 12


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
