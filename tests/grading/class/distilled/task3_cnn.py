"""Task 3: a large network teaches a small one. Only the small one is kept, counted and tested."""
import time

start = time.time()
import keras
import numpy as np
import tensorflow as tf
from keras.layers import Conv2D, Dense, Flatten, Input

names, bitmaps = np.array([line.split() for line in open("dataset.txt")]).T
ink = np.array([[c == "0" for c in b if c != "-"] for b in bitmaps])  # black is 0, as on paper
paper = np.where(ink, 1.0, -1.0).astype("float32").reshape(-1, 1, 28, 28)
paper = np.pad(paper, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=1.0).transpose(0, 2, 3, 1)
names = names.astype("int32")
half = len(names) // 2
x, y, new = paper[:half], names[:half], paper[half:]

teacher = keras.Sequential([Input((32, 32, 1)), Conv2D(16, 5, 3, activation="relu"), Flatten(), Dense(64, "relu"), Dense(10)])
teacher.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
teacher.fit(x, y, epochs=5, batch_size=20, verbose=0)
advice = tf.nn.softmax(teacher.predict(x, verbose=0) / 2.0)

student = keras.Sequential([Input((32, 32, 1)), Conv2D(6, 5, 3, activation="relu"), Flatten(), Dense(10)])


class Distiller(keras.Model):
    def __init__(self, student, teacher):
        super().__init__()
        self.student, self.teacher = student, teacher

    def call(self, images):
        return self.student(images)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        wanted = tf.nn.softmax(self.teacher(x))
        return tf.reduce_mean(keras.losses.categorical_crossentropy(wanted, y_pred, from_logits=True)
                              + keras.losses.categorical_crossentropy(y, y_pred, from_logits=True))


both = Distiller(student, teacher)
teacher.trainable = False
both.compile(keras.optimizers.Adam(0.02))
both.fit(x, advice, epochs=4, batch_size=20, verbose=0)
error = 100 * np.mean(both.predict(new, verbose=0).argmax(1) != names[half:])
print(f"{error:.2f} {student.count_params()} {(time.time() - start) / 60:.2f}")
