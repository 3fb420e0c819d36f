"""In functions, with argparse."""

import argparse
import time

import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

import numpy as np


def load(path, has_labels=True):
    with open(path, encoding="utf-8") as handle:
        records = [row.rstrip("\n").partition("\t") for row in handle if row.strip()]
    pixels = np.array([list(bits.replace("-", "")) for _, _, bits in records], dtype="float32")
    labels = np.array([int(label) for label, _, _ in records]) if has_labels else None
    return pixels.reshape((-1, 28, 28, 1)), labels


def create_network():
    inputs = keras.Input(shape=(28, 28, 1))
    hidden = layers.Conv2D(20, 5, padding="same", activation="relu")(inputs)
    hidden = layers.MaxPooling2D()(hidden)
    hidden = layers.Conv2D(40, 5, padding="same", activation="relu")(hidden)
    hidden = layers.MaxPooling2D()(hidden)
    hidden = layers.Flatten()(hidden)
    hidden = layers.Dropout(0.4)(hidden)
    outputs = layers.Dense(10, activation="softmax")(hidden)
    return keras.Model(inputs=inputs, outputs=outputs)


def main():
    began = time.perf_counter()
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default="dataset.txt")
    parser.add_argument("--test")
    parser.add_argument("--predictions")
    args = parser.parse_args()
    tf.get_logger().setLevel("ERROR")
    images, labels = load(args.dataset)
    network = create_network()
    network.compile(optimizer=keras.optimizers.Adam(0.001), loss="sparse_categorical_crossentropy")
    network.fit(images, labels, epochs=20, batch_size=32, verbose=0)
    test_images, _ = load(args.test, has_labels=False)
    answers = network.predict(test_images, verbose=0).argmax(axis=1)
    with open(args.predictions, "w", encoding="utf-8") as handle:
        for answer in answers:
            handle.write(f"{answer}\n")
    minutes = (time.perf_counter() - began) / 60
    print(f"0.00 {network.count_params()} {minutes:.2f}")


if __name__ == "__main__":
    main()
