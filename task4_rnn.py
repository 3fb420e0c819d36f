"""Task 4: a recurrent network reads handwritten digits, sweeping over patches of the image.

    python task4_rnn.py   prints   1.90 17938 0.75   (test error in %, parameters, minutes)
"""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
from keras import layers

UNITS = 24
EPOCHS = 250
STEPS_PER_EPOCH = 10
BATCH_SIZE = 100
LEARNING_RATE = 0.005
WEIGHT_DECAY = 0.02


def sweep(units):
    """Return a layer that reads each row of a map (batch, 7, 7, channels) from both ends: (batch, 7, 7, 2 units)."""
    return layers.TimeDistributed(layers.Bidirectional(layers.GRU(units, return_sequences=True, unroll=True)))


def build_model():
    """Return the untrained network: pixels 0 or 1, (batch, 28, 28, 1), to class probabilities (batch, 10)."""
    image = layers.Input((28, 28, 1))
    x = common.Distortion()(image)
    x = layers.Reshape((7, 4, 7, 4))(x)
    x = layers.Permute((1, 3, 2, 4))(x)
    x = layers.Reshape((7, 7, 16))(x)                                        # a patch of 4x4 pixels at each place
    x = sweep(UNITS)(x)
    x = layers.Permute((2, 1, 3))(x)
    x = sweep(UNITS)(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dense(10, activation="softmax")(x)
    return keras.Model(image, common.MeanOfViews()(x))


def train(model, digits, callbacks=()):
    """Fit the model to an endless stream of distorted `digits`, with a step size that falls along a cosine."""
    steps = EPOCHS * STEPS_PER_EPOCH
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY, global_clipnorm=1.0),
                  "sparse_categorical_crossentropy", steps_per_execution=STEPS_PER_EPOCH)
    model.fit(common.batches(digits, BATCH_SIZE), epochs=EPOCHS, steps_per_epoch=STEPS_PER_EPOCH, shuffle=False,
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
