"""The networks that `transfer` puts together: encoder, decoder and perceptron, which meet in a space of 12 numbers."""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
from keras import layers

LATENT = 12


def convolution(layer, filters):
    """Return a convolution of that class by 3x3 with stride 2, batch normalisation and rectifiers."""
    # Without normalisation each autoencoder learned white images and nothing else: of a pixel that is white more often
    # than not, white has the least L1 error.
    return [
        layer(filters, 3, strides=2, padding="same", use_bias=False),
        common.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
    ]


def build_encoder(filters, dense):
    """Return an untrained encoder: pixels in [0, 1], (n, 28, 28, 1), to the latent space (n, 12).

    filters: of the first convolution. dense: whether a dense layer makes the latent space of the coarsest maps, or one
    more convolution, for which each number sees a part of the image only.
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
    """Return an untrained decoder, much like the encoder backwards: latent space (n, 12) to pixels (n, 28, 28, 1)."""
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
    """Return an untrained perceptron of two layers: latent space (n, 12) to the probabilities of classes (n, 10)."""
    return keras.Sequential([
        layers.Input((LATENT,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ], name="mlp")
