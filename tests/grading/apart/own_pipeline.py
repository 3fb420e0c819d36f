"""With tf.data, and layers of TensorFlow's own functions."""

import os
from time import monotonic

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
T0 = monotonic()

import tensorflow as tf


def decode(line):
    fields = tf.strings.split(line, "\t")
    digits = tf.strings.bytes_split(tf.strings.regex_replace(fields[1], "-", ""))
    picture = tf.reshape(tf.strings.to_number(digits), [28, 28, 1])
    return picture, tf.strings.to_number(fields[0], tf.int64)


def dataset(skip, take):
    return tf.data.TextLineDataset("dataset.txt").skip(skip).take(take).map(decode).cache()


class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.first = tf.keras.layers.Conv2D(16, 4, 2, activation=tf.nn.swish)
        self.second = tf.keras.layers.Conv2D(32, 4, 2, activation=tf.nn.swish)
        self.last = tf.keras.layers.Dense(10)

    def call(self, pictures):
        found = self.second(self.first(pictures))
        return self.last(tf.reshape(found, [-1, 5 * 5 * 32]))


net = Net()
sgd = tf.keras.optimizers.SGD(0.1, 0.9)
xent = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@tf.function
def step(pictures, labels):
    with tf.GradientTape() as tape:
        cost = xent(labels, net(pictures))
    gradients = tape.gradient(cost, net.trainable_weights)
    sgd.apply_gradients(zip(gradients, net.trainable_weights))


for pictures, labels in dataset(0, 1000).shuffle(1000).repeat(30).batch(40):
    step(pictures, labels)

wrong = 0
for pictures, labels in dataset(1000, 1000).batch(100):
    wrong += int(tf.math.count_nonzero(tf.argmax(net(pictures), -1) != labels))
print(wrong / 10, net.count_params(), round((monotonic() - T0) / 60, 2))
