"""A training loop of its own, with label smoothing and copies that are shifted."""

import tensorflow as tf

import numpy as np

RATE = 0.05
ROUNDS = 60


def build_model():
    pixels = keras.Input((28, 28, 1), name="pixels")
    edges = layers.Conv2D(12, 5, activation="elu", name="edges")(pixels)
    small = layers.AveragePooling2D(name="small")(edges)
    corners = layers.Conv2D(24, 5, activation="elu", name="corners")(small)
    flat = layers.Flatten(name="flat")(layers.AveragePooling2D(name="smaller")(corners))
    return keras.Model(pixels, layers.Dense(10, "softmax", name="digit")(flat), name="lenet")


def shifted(images):
    right, down = np.random.randint(-2, 3, 2)
    return np.roll(images, (right, down), axis=(1, 2))


def train(model, digits, callbacks=()):
    targets = np.eye(10, dtype="float32")[digits.labels] * 0.9 + 0.01
    momentum = keras.optimizers.SGD(RATE, momentum=0.9, nesterov=True)
    order = np.arange(len(targets))
    for number in range(ROUNDS):
        momentum.learning_rate = RATE * (1 - number / ROUNDS)
        np.random.shuffle(order)
        for chosen in np.array_split(order, len(order) // 25):
            with tf.GradientTape() as tape:
                guess = model(shifted(digits.images[chosen]), training=True)
                mistake = tf.reduce_mean(keras.losses.categorical_crossentropy(targets[chosen], guess))
            momentum.apply(tape.gradient(mistake, model.trainable_variables), model.trainable_variables)
