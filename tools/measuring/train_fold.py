"""Train a script without one fold of the training digits, as a process of its own.

    python -m measuring.train_fold MODULE REPEAT FOLD     prints the result as JSON

MODULE is a script without its .py. It and what it imports, `common` and `support`, are those of the working directory.
So this module imports none of them by itself.
"""

import importlib
import json
import sys
import time

import numpy as np


def train_fold(script, repeat, fold):
    """Train a script (a module) without one fold, and predict this fold.

    Returns what JSON can hold: `parameters`, the `seconds` of the training, and for the outputs of the model
    `log_probabilities` of the fold's digits, (n, 10), and `reconstruction`, the error on the fold in %.
    """
    import common  # here, as a script imports it before TensorFlow

    digits = common.read_digits(common.DATASET, 0, common.count_lines(common.DATASET) // 2)
    training, held_out = common.hold_out(digits, fold, repeat=repeat)
    start = time.perf_counter()
    model = script.build_model()
    script.train(model, training)
    seconds = time.perf_counter() - start
    outputs = common.predict(model, held_out.images)
    result = {"parameters": model.count_params(), "seconds": round(seconds, 2)}
    if "digit" in outputs:
        result["log_probabilities"] = np.log(np.maximum(outputs["digit"], 1e-12)).round(4).tolist()
    if "reconstruction" in outputs:
        result["reconstruction"] = float(common.errors(held_out, outputs)["reconstruction"])
    return result


if __name__ == "__main__":
    module = importlib.import_module(sys.argv[1])
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    print(json.dumps(train_fold(module, *map(int, sys.argv[2:]))))
