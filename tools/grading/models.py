"""What the models of a script are: thought vectors, convolutions, recurrent layers. Needs nothing of the grader.

A finding is "passed", "failed: WHY", "hint: WHAT" or "not checked: WHY", by the name of the check.
"""

import math

CONVOLUTION, RECURRENT, NO_CONVOLUTION = "a convolution layer", "a recurrent layer", "no convolution"
THOUGHT = THOUGHT_SIZE, THOUGHT_RANGE, THOUGHT_ONLY = [
    "thought vector of 256", "thought vector in [-1, 1]", "outputs see the thought vector only"]
THOUGHT_SHARED = "both outputs read the thought vector"
OF_MODEL = {"task1": THOUGHT, "task2": [*THOUGHT, THOUGHT_SHARED], "task3": [CONVOLUTION],
            "task4": [RECURRENT, NO_CONVOLUTION]}


def check_models(models, task):
    """Return the findings on the models that predicted. A check that raises an exception is "not checked"."""
    found = {}
    for model in models:
        try:
            findings = check_thought_vector(model) if task in ("task1", "task2") else check_layers(model, task)
            if task == "task2":
                findings[THOUGHT_SHARED] = check_shared(model)
        except Exception as error:
            findings = dict.fromkeys(OF_MODEL[task], f"not checked: {type(error).__name__}: {error}"[:200])
        for name, finding in findings.items():
            found.setdefault(name, []).append(finding)
    # A layer is needed in one of the models only; what is forbidden counts in each.
    order = ["passed", "failed", "hint", "not checked"], ["failed", "hint", "passed", "not checked"]
    return {name: min(results, key=lambda finding: order[name not in (CONVOLUTION, RECURRENT)].index(
        finding.split(":")[0])) for name, results in found.items()}


def check_layers(model, task):
    """Return the findings on the layers: a convolution in task 3, a recurrent layer and no convolution in task 4."""
    import keras

    layers = list(model._flatten_layers())
    convolutions = [layer.name for layer in layers if any(
        "Conv" in kind.__name__ and kind.__module__.startswith("keras.") for kind in type(layer).__mro__)]
    operations, filters = _operations(model)
    if task == "task3":
        return {CONVOLUTION: "passed" if convolutions or filters else "failed: the model has none"}
    if operations & {"While", "StatelessWhile"} or any(
            isinstance(layer, keras.layers.RNN) or hasattr(layer, "state_size") for layer in layers):
        recurrent = "passed"
    elif any(not type(layer).__module__.startswith("keras.") for layer in layers):
        recurrent = "not checked: no layer of Keras's own is recurrent, but it has layers of its own"
    else:
        recurrent = "failed: the model has no recurrent layer, cell or loop"
    convolutions += filters
    return {RECURRENT: recurrent,
            NO_CONVOLUTION: f"failed: {', '.join(convolutions[:3])}" if convolutions else "passed"}


def _operations(model):
    """Return the types of the operations in a model's graph, and the names of its convolutions with trained filters.

    Keras extracts patches from an image by a convolution with a constant filter, which does not count.
    """
    import tensorflow as tf

    graph = tf.function(lambda x: model(x, training=False)).get_concrete_function(
        tf.TensorSpec([2, *model.inputs[0].shape[1:]])).graph.as_graph_def()
    kinds, filters = set(), set()
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        by_name = {node.name: node for node in nodes}
        kinds |= {node.op for node in nodes}
        for node in nodes:
            if "Conv" in node.op and len(node.input) > 1 and not _is_constant(node.input[1], by_name):
                filters.add(node.op)
    return kinds, sorted(filters)


def _is_constant(name, by_name):
    """Return whether a node of a graph depends on constants only."""
    node = by_name.get(name.split(":")[0].lstrip("^"))
    if node is None or not node.input:
        return node is not None and node.op == "Const"
    return all(_is_constant(source, by_name) for source in node.input)


def check_thought_vector(model):
    """Return the findings on the thought vector: its shape, its range, and that the outputs see nothing else."""
    graph = _graph(model)
    thoughts, seen = _walk(graph, graph.outputs) if graph else ([], None)
    if not thoughts:
        return dict.fromkeys(THOUGHT, "not checked: no layer called thought_vector is in its graph")
    inputs, thought = thoughts[0]
    shape = tuple(thought.shape)
    if None in shape[1:]:
        size = f"not checked: its shape is {shape}"
    else:  # 4x4x16 numbers are 256 numbers
        size = "passed" if math.prod(shape[1:]) == 256 else f"failed: its shape is {shape}"
    return {THOUGHT_SIZE: size,
            THOUGHT_RANGE: _check_range(inputs, thought),
            THOUGHT_ONLY: "failed: an output also sees the image" if seen else "passed"}


def check_shared(model):
    """Return a hint if the outputs read disjoint parts of the thought vector, so that they share nothing of it.

    Each of its numbers is changed in turn, and the outputs are compared with those of before.
    """
    import keras
    import numpy as np

    graph = _graph(model)
    thoughts, _ = _walk(graph, graph.outputs) if graph else ([], None)
    if not thoughts or len(graph.outputs) != 2:
        return "not checked: not two outputs of a layer called thought_vector"
    inputs, thought = thoughts[0]
    try:
        heads = keras.Model(thought, list(graph.outputs))
    except ValueError:
        return "not checked: the thought vector is inside of another model"
    generator = np.random.default_rng()
    reads = [set(), set()]
    for images in generator.integers(0, 2, (3, 1, *inputs[0].shape[1:])).astype(np.float32):
        vector = np.asarray(keras.Model(inputs, thought)([images], training=False))
        size = vector[0].size
        changed = np.repeat(vector, size + 1, axis=0).reshape(size + 1, size)
        changed[np.arange(1, size + 1), np.arange(size)] = generator.choice([-0.9, 0.9], size)
        outputs = heads.predict(changed.reshape(-1, *vector.shape[1:]), verbose=0)
        for numbers, values in zip(reads, outputs):
            values = values.reshape(size + 1, -1)
            numbers |= set(np.flatnonzero(np.abs(values[1:] - values[0]).max(1) > 1e-6))
    if not all(reads):
        return "not checked: an output does not change with the thought vector"
    if reads[0] & reads[1]:
        return "passed"
    return (f"hint: one output reads {min(map(len, reads))} numbers of the thought vector, the other "
            f"{max(map(len, reads))} others: is it a shared layer?")


def _graph(model):
    """Return the functional model that a model is or has, None if there is none."""
    model = getattr(model, "_functional", None) or model
    return model if getattr(model, "outputs", None) else None


def _walk(graph, outputs):
    """Walk from outputs of a functional model back to thought vectors and inputs.

    Returns the thought vectors, each with the inputs of the model that it is in, and the numbers of the inputs that are
    reached otherwise. A model within the model is walked through as well.
    """
    import keras

    inputs = [id(tensor) for tensor in graph.inputs]
    thoughts, reached, seen, wanted = [], set(), set(), keras.tree.flatten(outputs)
    while wanted:
        tensor = wanted.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        history = tensor._keras_history
        if history.operation.name == "thought_vector":
            thoughts.append((graph.inputs, tensor))
        elif id(tensor) in inputs:
            reached.add(inputs.index(id(tensor)))
        else:
            before = history.operation._inbound_nodes[history.node_index].input_tensors
            inner = _graph(history.operation)
            if inner:
                more, numbers = _walk(inner, inner.outputs[history.tensor_index])
                thoughts += more
                before = [before[number] for number in numbers]
            wanted += before
    return thoughts, reached


def _check_range(inputs, thought):
    """Check that the thought vector stays in [-1, 1] for various images, and for weights as after a training.

    With images and weights that a run does not have it is a hint: the author may say that they do not come up.
    """
    import keras
    import numpy as np

    encoder = keras.Model(inputs, thought)
    generator = np.random.default_rng()
    bits = generator.integers(0, 2, (64, *inputs[0].shape[1:])).astype(np.float32)
    trained = encoder.trainable_weights
    start = [np.asarray(weight) for weight in trained]
    try:
        for factor in (1, 10, 1000):
            for weight, value in zip(trained, start):
                noise = generator.normal(0, np.sqrt(factor - 1), value.shape)
                value = np.asarray(factor * value + noise, value.dtype)
                weight.assign(weight.constraint(value) if weight.constraint else value)
            for images in (bits, 0 * bits[:1], 0 * bits[:1] + 1, 100 * (2 * bits - 1)):
                values = np.asarray(encoder([images], training=False))
                most = np.abs(values[np.isfinite(values)]).max(initial=0)
                if most > 1 + 1e-5:
                    real = factor == 1 and np.abs(images).max() <= 1
                    return f"failed: it reaches {most:.3g}" if real else (
                        f"hint: it reaches {most:.3g} with {'weights' if factor > 1 else 'pixels'} of "
                        f"{factor if factor > 1 else 100} times the size: is it in [-1, 1] for all digits?")
    finally:
        for weight, value in zip(trained, start):
            weight.assign(value)
    return "passed"
