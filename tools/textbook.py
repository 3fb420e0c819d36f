"""The tasks solved as in a textbook and as in Keras's examples, to compare the bundle's scripts with (`benchmark.py`).

    python tools/textbook.py cnn     prints what task3_cnn.py prints: test error in %, parameters, minutes

The textbook's solutions are autoencoder, multitask, cnn and rnn: plain networks and plain gradient descent on the whole
training set, without batches, distortion or a schedule. keras_autoencoder, keras_cnn and keras_rnn are the networks of
Keras's own introductions, with their batches and optimizers. Those are for 60,000 digits; here they are trained until
the validation error does not fall any more. All solutions take the flags of the scripts.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import common  # first: it starts the clock and keeps TensorFlow quiet
from support.command_line import fail

import keras
from keras import layers


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


def autoencoder(digits):
    """Return task 1's model, trained: 784-256-784, tied weights, momentum."""
    encoder = layers.Dense(256, activation="tanh", kernel_initializer=keras.initializers.RandomNormal(stddev=0.1),
                           name="thought_vector")
    net = keras.Sequential([layers.Input((784,)), encoder, TiedDecoder(encoder)])
    pixels = 2 * digits.images.reshape(-1, 784) - 1  # -1 or 1
    net.compile(keras.optimizers.SGD(1.64, momentum=0.633), "mse")
    net.fit(pixels, pixels, batch_size=len(pixels), epochs=1268, verbose=0)
    return keras.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Rescaling(2, offset=-1), net,
                             layers.Rescaling(0.5, offset=0.5), layers.Reshape((28, 28, 1))])


def multitask(digits):
    """Return task 2's model, trained: an encoder, a decoder and a classifier of one dense layer each, Adam."""
    image = layers.Input((28, 28, 1))
    thought = layers.Dense(256, activation="tanh", name="thought_vector")(layers.Flatten()(image))
    pixels = layers.Dense(784, activation="sigmoid")(thought)
    digit = layers.Dense(10, activation="softmax", name="digit")(thought)
    model = keras.Model(image, {"reconstruction": layers.Reshape((28, 28, 1), name="reconstruction")(pixels),
                                "digit": digit})
    model.compile("adam", loss_weights={"reconstruction": 1, "digit": 0.6},
                  loss={"reconstruction": "binary_crossentropy", "digit": "sparse_categorical_crossentropy"})
    model.fit(digits.images, {"reconstruction": digits.images, "digit": digits.labels},
              batch_size=len(digits.labels), epochs=2000, verbose=0)
    return model


def cnn(digits):
    """Return task 3's model, trained: one convolution and a softmax layer, Adam."""
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(2, 5, activation="sigmoid"),  # 24 x 24 x 2
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, batch_size=len(digits.labels), epochs=1000, verbose=0)
    return model


def rnn(digits):
    """Return task 4's model, trained: a simple recurrent network that reads row after row, Adam."""
    image = layers.Input((28, 28, 1))
    state = layers.SimpleRNN(256)(layers.Reshape((28, 28))(image), initial_state=LearnedState()(image))
    model = keras.Model(image, layers.Dense(10, activation="softmax")(state))
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, batch_size=len(digits.labels), epochs=500, verbose=0)
    return model


def keras_autoencoder(digits):
    """Return the autoencoder of blog.keras.io/building-autoencoders-in-keras.html, trained, with 256 numbers."""
    image = layers.Input((28, 28, 1))
    thought = layers.Dense(256, activation="tanh", name="thought_vector")(layers.Flatten()(image))
    pixels = layers.Dense(784, activation="sigmoid")(thought)
    model = keras.Model(image, layers.Reshape((28, 28, 1))(pixels))
    model.compile("adam", "binary_crossentropy")
    model.fit(digits.images, digits.images, batch_size=256, epochs=400, verbose=0)
    return model


def keras_cnn(digits):
    """Return the classifier of keras.io/examples/vision/mnist_convnet, trained."""
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
    model.fit(digits.images, digits.labels, batch_size=128, epochs=100, verbose=0)
    return model


def keras_rnn(digits):
    """Return the LSTM over rows of keras.io/guides/working_with_rnns, trained with Adam instead of SGD."""
    model = keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Reshape((28, 28)),
        layers.LSTM(64),
        layers.BatchNormalization(),
        layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, batch_size=64, epochs=100, verbose=0)
    return model


SOLUTIONS = {"autoencoder": autoencoder, "multitask": multitask, "cnn": cnn, "rnn": rnn,
             "keras_autoencoder": keras_autoencoder, "keras_cnn": keras_cnn, "keras_rnn": keras_rnn}


def main():
    """Train the solution that the command line names, then measure."""
    if len(sys.argv) < 2 or sys.argv[1] not in {*SOLUTIONS, "-h", "--help"}:
        fail(f"which solution? {', '.join(SOLUTIONS)}")
    solution = SOLUTIONS.get(sys.argv[1])
    if solution:
        del sys.argv[1]
    task = common.Task(__doc__)
    task.report(solution(task.training_digits()))


if __name__ == "__main__":
    common.run(main)
