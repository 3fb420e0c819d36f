"""The speed of a training step of `bptt` in NumPy, compared with that in TensorFlow.

    python -m studies.rnn_benchmark
"""

import time

from studies import shared
from studies.bptt import BATCH_SIZE, UNITS
from studies.bptt import SEGMENT as STEPS
from studies.corpus import ALPHABET, one_hot
from studies.rnn import RNN, Adam, clip_by_global_norm

import keras
import numpy as np
import tensorflow as tf


def milliseconds(steps=40, rounds=5):
    """Return the milliseconds of a training step in NumPy and in TensorFlow: {name: median of rounds in turn}."""
    text = np.random.default_rng().integers(len(ALPHABET), size=(STEPS + 1, BATCH_SIZE))
    x, targets = one_hot(text[:-1]), one_hot(text[1:])
    network = RNN(len(ALPHABET), UNITS, len(ALPHABET))
    optimizer = Adam(network.weights)
    steps_of = {"NumPy": lambda: optimizer.update(clip_by_global_norm(network.bptt(x, targets)[1]), 1e-4)}

    rows = [tf.constant(values.swapaxes(0, 1)) for values in (x, targets)]  # Keras has the samples on the first axis
    for name, xla in {"TensorFlow": False, "TensorFlow with XLA": True}.items():
        model = keras.Sequential([
            keras.Input((STEPS, len(ALPHABET))),
            keras.layers.SimpleRNN(UNITS, activation="relu", return_sequences=True, unroll=True),
            keras.layers.Dense(len(ALPHABET), activation="softmax"),
        ])
        model.compile(keras.optimizers.Adam(1e-4, global_clipnorm=1.0), "categorical_crossentropy", jit_compile=xla)
        model.make_train_function()
        steps_of[name] = lambda model=model: model.train_function(iter([rows]))

    times = {name: [] for name in steps_of}
    for number in range(rounds + 1):
        for name, train_step in steps_of.items():
            start = time.perf_counter()
            for _ in range(steps):
                train_step()
            if number:  # the first round compiles
                times[name].append(1000 * (time.perf_counter() - start) / steps)
    return {name: float(np.median(of_one)) for name, of_one in times.items()}


def main(argv=None):
    """Measure, print the table. argv: the arguments, those of the process if it is None."""
    options = shared.parse(shared.parser(__doc__), argv)
    times = milliseconds(*((2, 1) if options.quick else ()))
    shared.print_table(["a training step in", "milliseconds", "NumPy takes, times"],
                       [[name, f"{time:.1f}", f"{times['NumPy'] / time:.2f}"] for name, time in times.items()])


if __name__ == "__main__":
    shared.run(main)
