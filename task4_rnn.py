"""Task 4: a recurrent network that classifies handwritten digits. It reads the rows and columns of a grid of frames.

    python task4_rnn.py   prints   1.90 10162 0.34   (test error in %, parameters, minutes)

Rows and columns of a digit are cut into overlapping frames of 4 pixels, as recurrent networks for speech read a sound.
The network is four ReNet layers (Visin et al., 2015): recurrent units scan all rows, or all columns, of the grid of 7x7
frames, with some weights in one direction and others in the other. There is no convolution: what the frames are
multiplied by are the input weights of these units. As in task 3, digits are distorted at random in training, and a
prediction is the mean over 16 distortions.

The units are minimal: a gate and a candidate that depend on the input only. They are the minGRU (Feng et al., 2024)
with a tanh, which is the f-pooling of the QRNN (Bradbury et al., 2017). The state is a weighted mean of all candidates
so far, and the gates are the weights: the unit keeps and forgets as a GRU does, without looking at its state. A
recurrent weight for each gate (Li et al., 2018) made no difference that cross-validation sees: on deskewed digits, a
log loss of 0.0638 instead of 0.0656, with an interval from -0.0056 to +0.0020 (docs/ablation.md).

Twenty runs: 1.88% on average, 2.10% at worst. In cross-validation on the training digits it misclassified 1.71%
(docs/ablation.md).
"""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
import numpy as np
from keras import layers, ops

FRAME, FRAME_STRIDE = 4, 3  # pixels
UNITS = 18  # in each direction
EPOCHS = 20
STEPS_PER_EPOCH = 128  # 6.4 passes over 1,000 digits
BATCH_SIZE = 50
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.05


@keras.saving.register_keras_serializable()
class MinimalRecurrentCell(layers.Layer):
    """A step of a recurrent unit whose gate z and candidate c do not depend on its state: h = (1 - z) h' + z c.

    h' is the previous state. The input (n, 2 x units) is the weighted sums of gate and candidate, before sigmoid and
    tanh. States and outputs are (n, units). It has less than half the weights of a GRU, and no matrix product with the
    state.
    """

    def __init__(self, units, **options):
        super().__init__(**options)
        self.state_size = units

    def get_config(self):
        """Return the arguments of the constructor."""
        return super().get_config() | {"units": self.state_size}

    def call(self, x, states):
        """Return the output and the new state, which are the same."""
        gate, candidate = ops.split(x, 2, axis=-1)
        state = states[0] + ops.sigmoid(gate) * (ops.tanh(candidate) - states[0])
        return state, [state]


def cut_into_frames(x):
    """Cut rows and columns of images into overlapping frames: (n, 22, 22, 1) to (n, 7, 7, 16)."""
    size = x.shape[1]
    pixels = np.arange(size * size).reshape(size, size)
    frames = np.lib.stride_tricks.sliding_window_view(pixels, (FRAME, FRAME))[::FRAME_STRIDE, ::FRAME_STRIDE]
    return ops.take(ops.reshape(x, (-1, size * size)), frames.reshape(*frames.shape[:2], FRAME * FRAME), axis=1)


def renet_layer(x):
    """Scan the rows of a map in both directions: (n, rows, columns, c) to (n, rows, columns, 36)."""
    rows, columns = x.shape[1:3]
    # The input weights of the recurrent units, for two directions, gate and candidate. They serve all positions at once
    # in one matrix product, since the units do not look at their state.
    x = layers.Dense(4 * UNITS)(x)
    x = ops.reshape(x, (-1, columns, 4 * UNITS))      # the rows of all digits are one batch of sequences
    forward, backward = ops.split(x, 2, axis=-1)
    # Both directions in one batch, since the weights are all in the layer above: it takes less time than two scans.
    x = ops.concatenate([forward, ops.flip(backward, axis=1)], axis=0)
    x = layers.RNN(MinimalRecurrentCell(UNITS), return_sequences=True, unroll=True)(x)
    forward, backward = ops.split(x, 2, axis=0)
    x = ops.concatenate([forward, ops.flip(backward, axis=1)], axis=-1)
    x = ops.reshape(x, (-1, rows, columns, 2 * UNITS))
    return common.BatchNormalization()(x)


def build_model():
    """Return the untrained network: pixels 0 or 1, (batch, 28, 28, 1), to class probabilities (batch, 10)."""
    distorted = layers.Input((22, 22, 1))   # the middle of a distorted digit
    x = cut_into_frames(distorted)          # 7 x 7 x 16
    for _ in range(2):
        x = renet_layer(x)                  # 7 x 7 x 36: along the rows
        x = layers.Permute((2, 1, 3))(x)
        x = renet_layer(x)                  # 7 x 7 x 36: along the columns
        x = layers.Permute((2, 1, 3))(x)
    x = layers.GlobalAveragePooling2D()(x)  # 36
    network = keras.Model(distorted, layers.Dense(10)(x))  # logits
    image = layers.Input((28, 28, 1))
    # More distortion than in task 3, and digits as slanted as they are, by cross-validation.
    augmented = common.Augmented(network, shift=1.5, elastic=0.4, deskew=False)
    return keras.Model(image, layers.Softmax()(augmented(image)))


def train(model, digits, callbacks=()):
    """Fit the model to randomly distorted `digits`, with cosine decay of the learning rate."""
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * STEPS_PER_EPOCH)
    halves = common.InHalves(model)
    halves.compile(keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY),
                   "sparse_categorical_crossentropy", steps_per_execution=STEPS_PER_EPOCH)
    halves.optimizer.build(halves.trainable_variables)  # or TensorFlow traces the step twice
    halves.fit(common.batches(digits, BATCH_SIZE), epochs=EPOCHS, steps_per_epoch=STEPS_PER_EPOCH,
               callbacks=list(callbacks), verbose=0)


def main(argv=None):
    """Train, then measure; return the trained model. argv: the arguments, those of the process if it is None."""
    return common.Script(__doc__, argv).run(build_model, train)


if __name__ == "__main__":
    model = common.run(main, threads_per_operation=1)  # since each batch is computed in two halves, on a core each
