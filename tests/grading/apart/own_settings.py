"""With settings, checks and an average of several networks."""

import pathlib
import time
from dataclasses import dataclass

import keras
from keras import layers, ops

import numpy as np

CLOCK = time.perf_counter()


@dataclass
class Settings:
    epochs: int = 14
    members: int = 3
    dropout: float = 0.2
    rate: float = 2e-3


def parse(text):
    label, image = text.split("\t")
    grid = [[int(pixel) for pixel in row] for row in image.split("-")]
    assert len(grid) == 28 and all(len(row) == 28 for row in grid)
    return int(label), grid


def member(settings, x):
    for width, size in ((12, 7), (24, 5)):
        x = layers.Conv2D(width, size, activation="gelu")(x)
        x = layers.LayerNormalization()(x)
        x = layers.MaxPool2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(settings.dropout)(x)
    return layers.Dense(10)(x)


def ensemble(settings):
    image = layers.Input((28, 28, 1))
    votes = [member(settings, image) for _ in range(settings.members)]
    return keras.Model(image, ops.softmax(sum(votes) / settings.members))


def percent_wrong(model, images, labels):
    return float(np.mean(model.predict_on_batch(images).argmax(-1) != labels) * 100)


def run(settings):
    lines = pathlib.Path("dataset.txt").read_text().splitlines()
    labels, images = map(np.asarray, zip(*map(parse, lines)))
    images = images[..., None].astype("float32")
    cut = len(lines) // 2
    model = ensemble(settings)
    model.compile(keras.optimizers.Adamax(settings.rate), keras.losses.SparseCategoricalCrossentropy())
    model.fit(images[:cut], labels[:cut], epochs=settings.epochs, verbose=0)
    wrong = percent_wrong(model, images[cut:], labels[cut:])
    print(f"{wrong:.2f} {model.count_params()} {(time.perf_counter() - CLOCK) / 60:.2f}")


run(Settings())
