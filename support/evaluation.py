"""What a model predicts and how wrong it is. Outputs and errors have the same names: `reconstruction` and `digit`."""

from support import startup  # noqa: F401 (before Keras)
from support.data_file import NO_LABEL

import keras
import numpy as np


def as_dictionary(outputs):
    """Return a model's outputs as a dictionary of `reconstruction` (n, 28, 28, 1), `digit` (n, 10), or both."""
    if isinstance(outputs, dict):
        return outputs
    return {"digit" if len(outputs.shape) == 2 else "reconstruction": outputs}


def with_thought_vector(model):
    """Return a model with the outputs of another by name, and with its `thought` vectors if it has them."""
    outputs = as_dictionary(model.output)
    if "thought_vector" in (layer.name for layer in model.layers):
        outputs = outputs | {"thought": model.get_layer("thought_vector").output}
    return keras.Model(model.inputs, outputs)


def predict(model, images):
    """Return a model's outputs for images (n, 28, 28, 1) as a dictionary of arrays, named as in `as_dictionary`."""
    return as_dictionary(model.predict(images, batch_size=100, verbose=0))  # larger batches are no faster


def errors(digits, outputs):
    """Return the errors of outputs for `digits` in %, as a dictionary of `reconstruction`, `digit`, or both.

    outputs: the result of `predict` for the images of `digits`.

    reconstruction: the share of pixels that differ from the input once the output is rounded.
    digit: the share of digits whose most probable class is wrong; not a number if a digit has no label.
    """
    result = {}
    if "reconstruction" in outputs:
        result["reconstruction"] = 100 * np.mean(np.round(outputs["reconstruction"]) != digits.images)
    if "digit" in outputs:
        wrong = outputs["digit"].argmax(1) != digits.labels
        result["digit"] = 100 * np.mean(np.where(digits.labels == NO_LABEL, np.nan, wrong))
    return result


def error_heads(split, names):
    """Return the heads of columns of errors: `test error %`, or `test digit error %` and so on if there are several."""
    return [f"{split} {name} error %" if len(names) > 1 else f"{split} error %" for name in names]
