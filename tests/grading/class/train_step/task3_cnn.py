"""Task 3 with a training step of its own: mixes each batch with a shifted copy of itself."""
import time

t0 = time.time()
import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class Consistent(keras.Model):
    def __init__(self, classes=10):
        super().__init__()
        self.features = keras.Sequential([layers.Conv2D(8, 5, strides=3, activation="relu"), layers.Flatten()])
        self.classify = layers.Dense(classes)

    def call(self, images, training=False):
        return self.classify(self.features(images / 255.0))

    def train_step(self, data):
        images, labels = data
        with tf.GradientTape() as tape:
            both = [self(moved, training=True) for moved in (images, tf.roll(images, 1, axis=2))]
            loss = sum(self.compute_loss(y=labels, y_pred=logits) for logits in both)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_weights), self.trainable_weights))
        return {"loss": loss}


raw = np.genfromtxt("dataset.txt", dtype=str, delimiter="\t")
x = 255.0 * np.array([[list(row) for row in rows.split("-")] for rows in raw[:, 1]]).astype("float32")[..., None]
y = raw[:, 0].astype(int)
x_train, x_test = np.split(x, 2)
y_train, y_test = np.split(y, 2)
model = Consistent()
model.compile(optimizer=keras.optimizers.Nadam(0.01), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x_train, y_train, batch_size=20, epochs=4, verbose=0)
wrong = sum(int(np.argmax(model(x_test[i:i + 100])[j]) != y_test[i + j]) for i in range(0, len(x_test), 100)
            for j in range(len(x_test[i:i + 100])))
print(f"{100 * wrong / len(x_test):.2f} {model.count_params()} {(time.time() - t0) / 60:.2f}")
