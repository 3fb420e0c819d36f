"""Task 4: LSTM over the rows. Takes --dataset, --test and --predictions; without them it reads dataset.txt."""
import argparse
import os
import time

clock = time.time()
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

for gpu in tf.config.list_physical_devices("GPU"):
    tf.config.experimental.set_memory_growth(gpu, True)  # cuDNN on the machine at home


def read(path):
    """Return images (n, 28, 28) and labels (n,), -1 where there is none."""
    images, labels = [], []
    with open(path) as file:
        for line in file:
            label, pixels = line.rstrip("\n").split("\t")
            labels.append(int(label) if label else -1)
            images.append([[int(pixel) for pixel in row] for row in pixels.split("-")])
    return np.array(images, "float32"), np.array(labels)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--dataset", default="dataset.txt")
parser.add_argument("--test")
parser.add_argument("--predictions")
arguments = parser.parse_args()

train_images, train_labels = read(arguments.dataset)
if arguments.test:
    test_images, test_labels = read(arguments.test)
else:
    half = len(train_labels) // 2
    test_images, test_labels = train_images[half:], train_labels[half:]
    train_images, train_labels = train_images[:half], train_labels[:half]

stream = (tf.data.Dataset.from_tensor_slices((train_images, train_labels))
          .cache().shuffle(len(train_labels)).batch(50).prefetch(tf.data.AUTOTUNE))

model = tf.keras.Sequential([
    tf.keras.layers.Input((28, 28)),
    tf.keras.layers.LSTM(64),  # the defaults, so that cuDNN can run it
    tf.keras.layers.BatchNormalization(),
    tf.keras.layers.Dense(10),
])
model.compile(optimizer=tf.keras.optimizers.Adam(0.02),
              loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(stream, epochs=4, verbose=0)

guesses = model.predict(test_images, verbose=0).argmax(axis=1)
if arguments.predictions:
    with open(arguments.predictions, "w") as file:
        file.writelines(f"{guess}\n" for guess in guesses)
error = 100 * np.mean(guesses != test_labels)
print(f"{error:.2f} {model.count_params()} {(time.time() - clock) / 60:.2f}")
