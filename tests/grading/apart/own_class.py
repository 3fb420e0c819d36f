"""A class that does everything."""

import sys
from timeit import default_timer as timer

import keras

import numpy as np


class DigitClassifier:
    WIDTH = 28

    def __init__(self, filename="dataset.txt", batch=20):
        self.begin = timer()
        self.filename = filename
        self.batch = batch
        self.network = None

    def read(self):
        raw = np.loadtxt(self.filename, dtype=str, delimiter="\t")
        y = raw[:, 0].astype(np.uint8)
        x = np.stack([np.frombuffer(s.replace("-", "").encode(), dtype=np.uint8) - 48 for s in raw[:, 1]])
        x = x.astype(np.float32).reshape(len(x), self.WIDTH, self.WIDTH, 1)
        middle = len(y) // 2
        self.train_x, self.test_x = x[:middle], x[middle:]
        self.train_y, self.test_y = keras.utils.to_categorical(y[:middle], 10), y[middle:]

    def build(self):
        self.network = keras.models.Sequential(name="digits")
        for depth in (8, 16, 32):
            self.network.add(keras.layers.Conv2D(depth, (3, 3), padding="same"))
            self.network.add(keras.layers.BatchNormalization())
            self.network.add(keras.layers.LeakyReLU())
            self.network.add(keras.layers.MaxPooling2D())
        self.network.add(keras.layers.Flatten())
        self.network.add(keras.layers.Dense(10))
        self.network.add(keras.layers.Softmax())

    def learn(self, passes=18):
        self.network.compile(loss=keras.losses.categorical_crossentropy, optimizer=keras.optimizers.Nadam())
        for _ in range(passes):
            self.network.fit(self.train_x, self.train_y, batch_size=self.batch, epochs=1, shuffle=True, verbose=0)

    def error(self):
        chosen = np.argmax(self.network.predict(self.test_x, verbose=0), axis=-1)
        return 100 * np.count_nonzero(chosen != self.test_y) / self.test_y.size


if __name__ == "__main__":
    task = DigitClassifier(*sys.argv[1:2])
    task.read()
    task.build()
    task.learn()
    print("%.2f %d %.2f" % (task.error(), task.network.count_params(), (timer() - task.begin) / 60))
