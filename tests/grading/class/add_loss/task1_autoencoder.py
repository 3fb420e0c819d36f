"""Task 1: a subclassed model that adds its losses itself, trained without a target."""
import time
clock = time.perf_counter()
import tensorflow as tf
import numpy as np

keras = tf.keras


class Autoencoder(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.flatten = keras.layers.Flatten()
        self.thought = keras.layers.Dense(256, activation='tanh', name='thought_vector')
        self.decoder = keras.layers.Dense(28 * 28)

    def encode(self, x):
        return self.thought(self.flatten(x))

    def call(self, x):
        z = self.encode(x)
        logits = self.decoder(z)
        self.add_loss(keras.losses.binary_crossentropy(self.flatten(x), logits, from_logits=True))
        self.add_loss(1e-4 * tf.reduce_mean(tf.square(z)))
        return tf.reshape(tf.nn.sigmoid(logits), (-1, 28, 28))


def images(lines):
    for line in lines:
        yield np.array([list(r) for r in line.split('\t')[1].strip().split('-')], dtype='float32')


lines = open('dataset.txt').readlines()
every = np.stack(list(images(lines)))
known, new = every[:len(every) // 2], every[len(every) // 2:]
model = Autoencoder()
model.compile(optimizer=keras.optimizers.Adam(2e-3))
model.fit(known, epochs=4, batch_size=20, verbose=0)
result = np.concatenate([model.predict_on_batch(batch) for batch in np.array_split(new, 4)])
print(f'{np.mean(np.round(result) != new):.2%}'.rstrip('%'), model.count_params(),
      f'{(time.perf_counter() - clock) / 60:.2f}')
