"""Task 3 with a convolutional LSTM over the rows; says what it has to say through the logging module."""
import logging
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
start = time.time()
logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("task3")
log.setLevel(logging.INFO)

import keras
import numpy as np


class Digits:
    def __init__(self, path):
        self.images, self.labels = [], []
        with open(path, encoding="ascii") as lines:
            for line in lines:
                self.labels.append(int(line[:1]))
                self.images.append(np.frombuffer(line[2:].strip().replace("-", "").encode(), np.uint8) - 48)
        self.images = np.float32(self.images).reshape(-1, 28, 28, 1)
        self.labels = np.int32(self.labels)
        self.half = len(self.labels) // 2

    def training(self):
        moves = ((0, 0),)
        moved = [np.roll(self.images[:self.half], move, axis=(1, 2)) for move in moves]
        return np.concatenate(moved), np.tile(self.labels[:self.half], len(moves))

    def test(self):
        return self.images[self.half:], self.labels[self.half:]


digits = Digits("dataset.txt")
model = keras.Sequential([
    keras.layers.Input((28, 28, 1)),
    keras.layers.AveragePooling2D(2),
    keras.layers.ConvLSTM1D(16, 5, padding="same"),  # 14 rows are 14 steps; it convolves along the row
    keras.layers.Flatten(),
    keras.layers.Dropout(0.2),
    keras.layers.Dense(10, activation="softmax"),
])
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy")
model.fit(*digits.training(), epochs=3, batch_size=20, verbose=0)
images, labels = digits.test()
error = 100 * np.mean(model.predict(images, verbose=0).argmax(1) != labels)
log.info("%.2f %d %.2f", error, model.count_params(), (time.time() - start) / 60)
