"""Solutions of the tasks as in a textbook, and the networks of Keras's own introductions."""

from support import startup  # noqa: F401  isort: skip  (before Keras: it starts the clock and keeps TensorFlow quiet)

from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import layers


class Solution(NamedTuple):
    """A solution of a task, with `build_model` and `train` as a script has them.

    build_model: returns the model, compiled. targets: returns what it learns from `Digits`. batch_size: None for the
    whole training set.
    """

    build_model: Callable
    targets: Callable
    epochs: int
    batch_size: int | None = None

    def train(self, model, digits, callbacks=()):
        """Fit the model to `digits`."""
        model.fit(digits.images, self.targets(digits), batch_size=self.batch_size or len(digits.labels),
                  epochs=self.epochs, callbacks=list(callbacks), verbose=0)


class TiedDecoder(layers.Layer):
    """The decoder of an autoencoder that uses the weights of its encoder, transposed, and a bias of its own."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def build(self, shape):
        """Create the bias."""
        self.bias = self.add_weight(shape=(self.encoder.kernel.shape[0],), initializer="zeros")

    def call(self, thought):
        """Map (batch, 256) to (batch, 784)."""
        return keras.ops.tanh(keras.ops.matmul(thought, keras.ops.transpose(self.encoder.kernel)) + self.bias)


class LearnedState(layers.Layer):
    """The learned initial state of a recurrent layer: (batch, ...) to (batch, 256), the same for all."""

    def build(self, shape):
        """Create the state."""
        self.state = self.add_weight(shape=(1, 256), initializer="zeros")

    def call(self, x):
        """Repeat the state for each element of the batch."""
        return keras.ops.repeat(self.state, keras.ops.shape(x)[0], axis=0)


def autoencoder():
    """Return task 1's model: 784-256-784, tied weights, momentum."""
    encoder = layers.Dense(256, activation="tanh", kernel_initializer=keras.initializers.RandomNormal(stddev=0.1),
                           name="thought_vector")
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Flatten(),
        layers.Rescaling(2, offset=-1),  # pixels -1 or 1
        encoder,
        TiedDecoder(encoder),
        layers.Rescaling(0.5, offset=0.5),
        layers.Reshape((28, 28, 1)),
    ])
    model.compile(keras.optimizers.SGD(4 * 1.64, momentum=0.633), "mse")  # 1.64 for pixels -1 or 1, of which it is 4
    return model


def multitask():
    """Return task 2's model: an encoder, a decoder and a classifier of one dense layer each, Adam."""
    image = layers.Input((28, 28, 1))
    thought = layers.Dense(256, activation="tanh", name="thought_vector")(layers.Flatten()(image))
    pixels = layers.Dense(784, activation="sigmoid")(thought)
    digit = layers.Dense(10, activation="softmax", name="digit")(thought)
    model = keras.Model(image, {"reconstruction": layers.Reshape((28, 28, 1), name="reconstruction")(pixels),
                                "digit": digit})
    model.compile("adam", loss_weights={"reconstruction": 1, "digit": 0.6},
                  loss={"reconstruction": "binary_crossentropy", "digit": "sparse_categorical_crossentropy"})
    return model


def cnn():
    """Return task 3's model: one convolution and a softmax layer, Adam."""
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(2, 5, activation="sigmoid"),  # 24 x 24 x 2
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def rnn():
    """Return task 4's model: a simple recurrent network that reads row after row, Adam."""
    image = layers.Input((28, 28, 1))
    state = layers.SimpleRNN(256)(layers.Reshape((28, 28))(image), initial_state=LearnedState()(image))
    model = keras.Model(image, layers.Dense(10, activation="softmax")(state))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def keras_autoencoder():
    """Return the autoencoder of blog.keras.io/building-autoencoders-in-keras.html, with 256 numbers."""
    image = layers.Input((28, 28, 1))
    thought = layers.Dense(256, activation="tanh", name="thought_vector")(layers.Flatten()(image))
    pixels = layers.Dense(784, activation="sigmoid")(thought)
    model = keras.Model(image, layers.Reshape((28, 28, 1))(pixels))
    model.compile("adam", "binary_crossentropy")
    return model


def keras_cnn():
    """Return the classifier of keras.io/examples/vision/mnist_convnet."""
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),  # 26 x 26 x 32
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),  # 11 x 11 x 64
        layers.MaxPooling2D(),
        layers.Flatten(),                         # 5 * 5 * 64
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def keras_rnn():
    """Return the LSTM over rows of keras.io/guides/working_with_rnns, with Adam instead of SGD."""
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Reshape((28, 28)),
        layers.LSTM(64),
        layers.BatchNormalization(),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def _images(digits):
    return digits.images


def _labels(digits):
    return digits.labels


def _both(digits):
    return {"reconstruction": digits.images, "digit": digits.labels}


SOLUTIONS = {
    "autoencoder": Solution(autoencoder, _images, 1268),
    "multitask": Solution(multitask, _both, 2000),
    "cnn": Solution(cnn, _labels, 1000),
    "rnn": Solution(rnn, _labels, 500),
    "keras_autoencoder": Solution(keras_autoencoder, _images, 400, 256),
    "keras_cnn": Solution(keras_cnn, _labels, 100, 128),
    "keras_rnn": Solution(keras_rnn, _labels, 100, 64),
}
