"""Task 4: a recurrent network as a tf.Module. tf.scan goes over the rows; settings stand in a data class."""
import dataclasses
import time

import numpy as np
import tensorflow as tf


@dataclasses.dataclass
class Settings:
    units: int = 16
    rate: float = 0.01
    epochs: int = 6
    batch: int = 20
    data: str = "dataset.txt"


class Network(tf.Module):
    def __init__(self, settings):
        super().__init__()
        n, start = settings.units, tf.initializers.GlorotUniform()
        self.into = tf.Variable(start((28, n)))
        self.again = tf.Variable(0.5 * tf.eye(n))
        self.bias = tf.Variable(tf.zeros(n))
        self.out = tf.Variable(start((28 * n, 10)))

    @tf.function
    def logits(self, images):
        rows = tf.transpose(images, (1, 0, 2))
        states = tf.scan(lambda state, row: tf.tanh(row @ self.into + state @ self.again + self.bias), rows,
                         initializer=tf.zeros((tf.shape(images)[0], self.again.shape[0])))
        states = tf.reshape(tf.transpose(states, (1, 0, 2)), (-1, self.out.shape[0]))  # the answer is from all states
        return states @ self.out


def main(settings, begin):
    with open(settings.data) as file:
        labels, pixels = zip(*(line.split() for line in file))
    images = np.array([[*map(int, p.replace("-", ""))] for p in pixels], np.float32).reshape(-1, 28, 28)
    labels = np.array(labels, np.int64)
    half = len(labels) // 2
    network = Network(settings)
    moments = [tf.Variable(tf.zeros_like(v)) for v in network.trainable_variables]
    stream = tf.data.Dataset.from_tensor_slices((images[:half], labels[:half])).shuffle(half).batch(settings.batch)
    for batch, answers in stream.repeat(settings.epochs):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(answers, network.logits(batch)))
        slopes = tape.gradient(loss, network.trainable_variables)
        for v, m, g in zip(network.trainable_variables, moments, slopes):
            m.assign(0.9 * m + 0.1 * g * g)
            v.assign_sub(settings.rate * g / (tf.sqrt(m) + 1e-6))
    wrong = np.mean(np.argmax(network.logits(images[half:]), 1) != labels[half:])
    count = sum(int(tf.size(v)) for v in network.trainable_variables)
    print(round(100 * wrong, 2), count, round((time.perf_counter() - begin) / 60, 2))


if __name__ == "__main__":
    main(Settings(), time.perf_counter())
