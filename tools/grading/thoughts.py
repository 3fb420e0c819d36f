"""Checks of the layer called thought_vector. It is tried: what it gives, and what the outputs do if it gives another.

A finding is "passed", "failed: WHY", "hint: WHAT" or "not checked: WHY". Needs nothing of the grader.
"""

import contextlib
import math

NAME, SIZE, PIXELS, CLASSES = "thought_vector", 256, 784, 10
THOUGHT = THOUGHT_SIZE, THOUGHT_RANGE, THOUGHT_ONLY = [
    "thought vector of 256", "thought vector in [-1, 1]", "outputs see the thought vector only"]
THOUGHT_SHARED = "both outputs read the thought vector"
ROUNDING = 1e-3  # outputs that differ by less are the same


def check_thought_vector(model, example=None, digits=False, outputs=1):
    """Return the findings on the thought vector: its shape, its range, and that the outputs see nothing else.

    example: an argument of the model, some rows; digits: whether these are test digits; outputs: of the task.
    """
    layer = next((layer for layer in model._flatten_layers() if layer.name == NAME), None)
    if layer is None:
        return dict.fromkeys(THOUGHT, f"not checked: no layer called {NAME} is in its graph")
    images = example_of(model) if example is None else example
    values, _ = _run(model, images, [layer])
    if not values:
        return dict.fromkeys(THOUGHT, f"not checked: the layer called {NAME} is not used for a prediction")
    shape = values[0].shape[1:]
    count = math.prod(shape)
    size = "passed" if count == SIZE else f"failed: its shape is {shape}, so that it has {count} numbers"
    return {THOUGHT_SIZE: size, THOUGHT_RANGE: _check_range(model, layer, images, digits),
            THOUGHT_ONLY: _check_only(model, layer, images, values[0][:1], outputs)}


def check_shared(model, example=None):
    """Return a hint if the outputs read disjoint parts of the thought vector, so that they share nothing of it.

    Each of its numbers is changed in turn, and the outputs are compared with those of before.
    """
    import keras
    import numpy as np

    layer = next((layer for layer in model._flatten_layers() if layer.name == NAME), None)
    images = example_of(model) if example is None else example
    values, outputs = _run(model, images, [layer] if layer else [])
    outputs = [number for number, output in enumerate(outputs) if _predicts(output)]
    if len(outputs) != 2 or not values:
        return f"not checked: not two outputs and a layer called {NAME}"
    generator = np.random.default_rng()
    reads = [set(), set()]
    for row in generator.permutation(len(values[0]))[:3]:
        vector = values[0][row].reshape(1, -1)
        size = vector.size
        changed = np.repeat(vector, size + 1, axis=0)
        changed[np.arange(1, size + 1), np.arange(size)] = generator.choice([-0.9, 0.9], size)
        same = keras.tree.map_structure(
            lambda leaf, row=row, count=size + 1: np.repeat(leaf[row:row + 1], count, axis=0), images)
        _, answers = _run(model, same, [], {layer: changed.reshape(-1, *values[0].shape[1:])})
        for numbers, output in zip(reads, outputs):
            answer = answers[output].reshape(size + 1, -1)
            numbers |= set(np.flatnonzero(np.abs(answer[1:] - answer[0]).max(1) > 1e-6))
    if not all(reads):
        return "not checked: an output does not change with the thought vector"
    if reads[0] & reads[1]:
        return "passed"
    return (f"hint: one output reads {min(map(len, reads))} numbers of the thought vector, the other "
            f"{max(map(len, reads))} others: is it a shared layer?")


def example_of(model):
    """Return random bits as an argument of a model whose inputs are known."""
    import keras
    import numpy as np

    generator = np.random.default_rng()
    return keras.tree.map_structure(
        lambda leaf: generator.integers(0, 2, (16, *leaf.shape[1:])).astype(leaf.dtype),
        model.inputs[0] if len(model.inputs) == 1 else model.inputs)


def _run(model, images, watched, replaced=None):
    """Run a model; return what layers gave, and its outputs, as lists of arrays.

    watched: layers. replaced: {layer: what it gives instead}, in the shape of what it gave, or a row of that.
    """
    import keras
    import numpy as np
    import tensorflow as tf

    given = []

    def call(original, value):
        def called(*arguments, **options):
            output = original(*arguments, **options)
            if value is None:
                given.append(np.asarray(output))
                return output
            return tf.cast(tf.broadcast_to(value, tf.shape(output)), output.dtype)

        return called

    with contextlib.ExitStack() as stack:
        for layer, value in {**dict.fromkeys(watched), **(replaced or {})}.items():
            object.__setattr__(layer, "call", call(layer.call, value))
            stack.callback(object.__delattr__, layer, "call")
        outputs = keras.tree.flatten(model(keras.tree.map_structure(tf.convert_to_tensor, images), training=False))
    return given, [np.asarray(output) for output in outputs]


def _size(output):
    return math.prod(output.shape[1:])


def _predicts(output):
    """Return whether an output may be an image or the classes, and not a thought vector or a part of it."""
    return _size(output) == CLASSES or _size(output) >= PIXELS


def _check_range(model, layer, images, digits):
    """Check that the thought vector stays in [-1, 1] for digits; for other images and larger weights it is a hint.

    A layer without weights that is all that reads it may be its activation.
    """
    import keras
    import numpy as np

    readers = {node.operation for node in getattr(layer, "_outbound_nodes", [])}
    if any(getattr(reader, "weights", ()) or not hasattr(reader, "call") for reader in readers):
        readers = set()

    def most(images):
        found = []
        for watched in [layer], [*readers]:
            values, _ = _run(model, images, watched)
            if values and (watched == [layer] or all(_size(value) == SIZE for value in values)):
                found.append(max(np.abs(value[np.isfinite(value)]).max(initial=0) for value in values))
        return min(found)

    reached = most(images)
    if reached > 1 + ROUNDING:
        return f"failed: it reaches {reached:.3g} for test digits" if digits else (
            f"hint: it reaches {reached:.3g} for images of random pixels: is it in [-1, 1] for all digits?")
    trained = model.trainable_weights
    start = [np.asarray(weight) for weight in trained]
    generator = np.random.default_rng()
    blank, huge = (keras.tree.map_structure(lambda leaf, factor=factor: (factor * leaf).astype(leaf.dtype), images)
                   for factor in (0, 100))
    try:
        for factor in (1, 10, 1000):
            for weight, value in zip(trained, start):
                value = np.asarray(factor * value + generator.normal(0, np.sqrt(factor - 1), value.shape), value.dtype)
                weight.assign(weight.constraint(value) if weight.constraint else value)
            for name, tried in ("the size", images), ("the size, and a blank image", blank), (
                    "the size, and pixels of 100 times the size", huge):
                reached = most(tried)
                if reached > 1 + ROUNDING:
                    return (f"hint: it reaches {reached:.3g} with weights of {factor} times {name}: is it in [-1, 1] "
                            "for all digits?")
    finally:
        for weight, value in zip(trained, start):
            weight.assign(value)
    return "passed"


def _check_only(model, layer, images, vector, expected):
    """Check that outputs stay the same for other images if the thought vector does."""
    import keras
    import numpy as np

    def spread(images):
        _, outputs = _run(model, images, [], {layer: vector})
        return [float(np.ptp(output.astype(float), axis=0).max()) for output in outputs if _predicts(output)]

    with_blank = keras.tree.map_structure(lambda leaf: np.concatenate([leaf, np.zeros_like(leaf[:1])]), images)
    alike = spread(keras.tree.map_structure(lambda leaf: np.repeat(leaf[:1], len(leaf), axis=0), images))
    if not alike:
        return f"not checked: no output has {PIXELS} or {CLASSES} numbers"
    if max(alike) > ROUNDING:
        return "not checked: its outputs are random"
    seen = [value > ROUNDING for value in spread(with_blank)]
    if not any(seen):
        return "passed"
    if len(seen) > expected and not all(seen):
        return "hint: an output also sees the image: is it one that predicts?"
    return "failed: an output also changes with the image while the thought vector stays the same"
