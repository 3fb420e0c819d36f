"""What a model predicts and how wrong it is. Outputs and errors have the same names: `reconstruction` and `digit`."""

from support import startup  # noqa: F401 (before Keras)
from support.data_file import NO_LABEL, SIZE

import keras
import numpy as np

SHAPES = {"reconstruction": (SIZE, SIZE, 1), "digit": (10,)}


class ModelError(ValueError):
    """A model with outputs that cannot be measured. The message is one line that says what is expected."""


def as_dictionary(outputs):
    """Return a model's outputs as a dictionary of `reconstruction` (n, 28, 28, 1), `digit` (n, 10), or both.

    outputs: one, a list, or a dictionary by any names: they are known by their shapes. `thought_vector` is passed on.
    Raises ModelError for an output of another shape.
    """
    if not isinstance(outputs, dict):
        outputs = dict(enumerate(outputs if isinstance(outputs, (list, tuple)) else [outputs]))
    result = {"thought_vector": outputs["thought_vector"]} if "thought_vector" in outputs else {}
    for value in (value for name, value in outputs.items() if name != "thought_vector"):
        shape = tuple(value.shape[1:])
        name = next((name for name in SHAPES if SHAPES[name] == shape and name not in result), None)
        if name is None:
            raise ModelError(f"the model has an output of the shape (n, {', '.join(map(str, shape))}); expected class "
                             f"probabilities (n, 10), pixels (n, {SIZE}, {SIZE}, 1), or one of each")
        result[name] = value
    return {name: result[name] for name in (*SHAPES, "thought_vector") if name in result}


def with_thought_vector(model):
    """Return a model with its `thought_vector` as another output, if it has that layer; otherwise the model itself."""
    if not getattr(model, "inputs", None) or "thought_vector" not in (layer.name for layer in model.layers):
        return model
    return keras.Model(model.inputs, as_dictionary(list(model.outputs))
                       | {"thought_vector": model.get_layer("thought_vector").output})


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
