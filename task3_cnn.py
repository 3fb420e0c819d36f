"""Task 3: a small convolutional network reads handwritten digits.

    python task3_cnn.py   prints   1.82 8990 0.66   (test error in %, parameters, minutes)
"""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
from keras import layers

EPOCHS = 300
STEPS_PER_EPOCH = 10
BATCH_SIZE = 100
LEARNING_RATE = 0.005
WEIGHT_DECAY = 0.02


def convolution(x, filters, size, strides=1, padding="valid"):
    """Apply a convolution with batch normalisation and rectification."""
    x = layers.Conv2D(filters, size, strides, padding, use_bias=False)(x)
    x = common.BatchNormalization()(x)
    return layers.ReLU()(x)


def build_model():
    """Return the untrained network: pixels 0 or 1, (batch, 28, 28, 1), to class probabilities (batch, 10)."""
    image = layers.Input((28, 28, 1))
    x = common.Distortion()(image)
    x = convolution(x, 12, 5, strides=2, padding="same")  # 14 x 14 x 12
    x = convolution(x, 16, 3, padding="same")             # 14 x 14 x 16
    x = layers.MaxPooling2D()(x)                          # 7 x 7 x 16
    x = convolution(x, 20, 3)                             # 5 x 5 x 20
    x = convolution(x, 20, 3)                             # 3 x 3 x 20
    x = layers.GlobalAveragePooling2D()(x)                # 20
    x = layers.Dense(10, activation="softmax")(x)
    return keras.Model(image, common.MeanOfViews()(x))


def train(model, digits, callbacks=()):
    """Fit the model to an endless stream of distorted `digits`, with a step size that falls along a cosine."""
    steps = EPOCHS * STEPS_PER_EPOCH
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY),
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
