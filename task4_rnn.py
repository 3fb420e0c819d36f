"""Task 4: a recurrent network reads handwritten digits, sweeping over patches of the image.

    python task4_rnn.py   prints   2.86 17674 0.84   (test error in %, parameters, minutes)
"""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
from keras import layers

UNITS = 24
EPOCHS = 200
STEPS_PER_EPOCH = 10
BATCH_SIZE = 100
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.02


@keras.saving.register_keras_serializable()
class Sweep(layers.Layer):
    """Read each row of a map from both ends with the same recurrent units: (n, rows, columns, c) to (..., 2 units)."""

    def __init__(self, units, **options):
        super().__init__(**options)
        self.units = units
        self.reader = layers.Bidirectional(layers.GRU(units, return_sequences=True))

    def build(self, shape):
        """Make the weights."""
        self.reader.build((None, *shape[2:]))

    def get_config(self):
        """Return what makes another one like this."""
        return super().get_config() | {"units": self.units}

    def call(self, maps):
        """Take the rows of all digits as one batch of sequences."""
        rows, columns, channels = maps.shape[1:]
        read = self.reader(keras.ops.reshape(maps, (-1, columns, channels)))
        return keras.ops.reshape(read, (-1, rows, columns, 2 * self.units))


def build_model():
    """Return the untrained network: pixels 0 or 1, (batch, 28, 28, 1), to class probabilities (batch, 10)."""
    image = layers.Input((28, 28, 1))
    x = common.Distortion()(image)
    x = layers.Reshape((7, 4, 7, 4))(x)
    x = layers.Permute((1, 3, 2, 4))(x)
    x = layers.Reshape((7, 7, 16))(x)      # a patch of 4 x 4 pixels at each of 7 x 7 places
    x = Sweep(UNITS)(x)                    # 7 x 7 x 48: each place knows its row
    x = layers.Permute((2, 1, 3))(x)
    x = Sweep(UNITS)(x)                    # 7 x 7 x 48: and now the other rows
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])  # 96
    x = layers.Dense(10, activation="softmax")(x)
    return keras.Model(image, common.MeanOfViews()(x))


def train(model, digits, callbacks=()):
    """Fit the model to an endless stream of distorted `digits`, with a step size that falls along a cosine."""
    steps = EPOCHS * STEPS_PER_EPOCH
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY, global_clipnorm=1.0),
                  "sparse_categorical_crossentropy", steps_per_execution=STEPS_PER_EPOCH)
    model.fit(common.batches(digits, BATCH_SIZE), epochs=EPOCHS, steps_per_epoch=STEPS_PER_EPOCH,
              callbacks=list(callbacks), verbose=0)


def main():
    """Train, then measure."""
    task = common.Task(__doc__)
    digits = task.training_digits()
    model = build_model()
    train(model, digits, task.callbacks(model))
    task.report(model)  # only now are the test digits read


if __name__ == "__main__":
    common.run(main)
