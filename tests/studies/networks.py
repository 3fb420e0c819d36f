"""Small networks with the inputs and outputs of those in `studies.encoders`, for tests of what trains them."""

from studies import encoders

import keras
from keras import layers


def small_encoder():
    """Return an untrained encoder: images (n, 28, 28, 1) to the latent space (n, 12)."""
    return keras.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(encoders.LATENT)])


def small_decoder():
    """Return an untrained decoder: latent space (n, 12) to images (n, 28, 28, 1)."""
    return keras.Sequential([layers.Input((encoders.LATENT,)), layers.Dense(784, activation="sigmoid"),
                             layers.Reshape((28, 28, 1))])
