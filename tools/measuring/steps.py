"""Time the training steps or the prediction of a script under one condition, as a process of its own.

    python -m measuring.steps MODULE CONDITION EPOCHS     prints milliseconds

MODULE is a script of the project without its .py, CONDITION one of CONDITIONS.
"""

import common  # isort: skip  (first: it starts the clock and keeps TensorFlow quiet)

import contextlib
import importlib
import json
import sys
import time
from typing import NamedTuple
from unittest import mock

from measuring.runs import cores
from support.startup import prepare_process

import keras
import tensorflow as tf

tf_function = tf.function


class Condition(NamedTuple):
    """How a script trains or predicts: threads of an operation, and what stands in for a name in a module.

    predict: instead of training, a function of the model and the images.
    """

    threads: int = 1
    replaced: tuple = ()  # (module, name, replacement)
    predict: object = None


def shuffled_rows(arrays, batch_size):
    """Return batches like those of `common.batches`, shuffled by `Dataset.shuffle`."""
    rows = tf.data.Dataset.from_tensor_slices(tuple(arrays)).shuffle(len(arrays[0])).repeat()
    return rows.batch(batch_size, drop_remainder=True).prefetch(2)


def without_xla(*arguments, jit_compile=None, **options):
    """Return `tf.function` of something without XLA."""
    return tf_function(*arguments, **options)


WHOLE = (common, "InHalves", lambda model: model)
CONDITIONS = {
    "step, as it is: two halves of a batch, a thread each": Condition(),
    "step, whole batches, one thread": Condition(replaced=(WHOLE,)),
    "step, whole batches, all threads": Condition(cores(), (WHOLE,)),
    "step, Keras's batch normalization": Condition(
        replaced=((common, "BatchNormalization", keras.layers.BatchNormalization),)),
    "step, no XLA": Condition(replaced=((tf, "function", without_xla),)),
    "step, Dataset.shuffle": Condition(replaced=((common, "batches", shuffled_rows),)),
    "1,000 digits, batches of 100": Condition(predict=lambda model, images: model.predict(images, 100, verbose=0)),
    "1,000 digits, batches of 500": Condition(predict=lambda model, images: model.predict(images, 500, verbose=0)),
    "1,000 digits, batches of 100, no graph": Condition(
        predict=lambda model, images: [model(images[start : start + 100]) for start in range(0, len(images), 100)]),
}


def milliseconds(script, condition, epochs):
    """Return the milliseconds of a training step of a script (a module), the mean over epochs, after one for the graph.

    For a condition that predicts, those of the first prediction of the training digits. The threads are not set.
    """
    digits = common.read_digits(common.DATASET, 0, common.count_lines(common.DATASET) // 2)
    with contextlib.ExitStack() as stack:
        for module, name, replacement in condition.replaced:
            stack.enter_context(mock.patch.object(module, name, replacement))
        model = script.build_model()
        if condition.predict:
            start = time.perf_counter()
            condition.predict(model, digits.images)
            return 1000 * (time.perf_counter() - start)
        stack.enter_context(mock.patch.object(script, "EPOCHS", 1 + epochs))
        times = []
        note = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: times.append(time.perf_counter()))
        script.train(model, digits, [note])
    return 1000 * (times[-1] - times[0]) / (epochs * script.STEPS_PER_EPOCH)


if __name__ == "__main__":
    condition = CONDITIONS[sys.argv[2]]
    prepare_process(condition.threads)
    print(json.dumps(milliseconds(importlib.import_module(sys.argv[1]), condition, int(sys.argv[3]))))
