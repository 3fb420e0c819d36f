"""Run a script as the main program and see what it does. This is the program of each run behind the walls.

    python watch.py REPORT COUNT task3_cnn.py ARGUMENTS...

At the end it writes a report to the file REPORT, in JSON: findings by the name of the check ("passed", "failed: WHY" or
"not checked: WHY"), `parameters`, the weights of all Keras models that predicted at least COUNT digits after the test
file was opened, and `starts`, hashes of the weights before the training. The script shares the process and could forge
the report. So the grader uses what it says against a script only, never in its favour.
"""

import contextlib
import functools
import hashlib
import json
import os
import sys

TENSORFLOW, TRAINED, CONVOLUTION, RECURRENT, NO_CONVOLUTION = (
    "uses TensorFlow", "trains by gradients", "a convolution layer", "a recurrent layer", "no convolution")
SIZE, RANGE, ONLY = "thought vector of 256", "thought vector in [-1, 1]", "outputs see the thought vector only"
LAST = "test digits read last"
OF_MODEL = {"task1": [SIZE, RANGE, ONLY], "task2": [SIZE, RANGE, ONLY], "task3": [CONVOLUTION],
            "task4": [RECURRENT, NO_CONVOLUTION]}

# ----------------------------------------------------------------------------------------------- what a script does


class Watcher:
    """What a script has done so far. It learns that from Python's audit events and from Keras's methods.

    test: the path of the test file, None if training and test digits are in one file.
    """

    def __init__(self, test):
        self.test = test and os.path.realpath(test)
        self.opened = None  # the state of the weights at that time, or the error that prevented to read it
        self.rows = {}  # by the id of a model: the model and the number of digits that it has predicted
        self.starts, self.gradients, self.depth, self.patched = [], False, 0, set()

    def hook(self, event, details):
        """Notice imports and opened files."""
        for module, attribute, patch in ("keras", "Model", self.patch_keras), ("tensorflow", "GradientTape",
                                                                               self.patch_tensorflow):
            if module not in self.patched and hasattr(sys.modules.get(module), attribute):
                self.patched.add(module)
                patch(sys.modules[module])
        path = details[0] if event == "open" and self.opened is None else None
        if isinstance(path, (str, bytes, os.PathLike)) and os.path.realpath(os.fsdecode(path)) == self.test:
            self.opened, self.rows = [], {}  # reading the weights may open files
            try:
                self.opened = weights()
            except Exception as error:  # they cannot be read now, as while a graph is traced
                self.opened = error

    def patch_tensorflow(self, tensorflow):
        """Notice when a gradient is computed."""
        original = tensorflow.GradientTape.gradient

        @functools.wraps(original)
        def gradient(*arguments, **options):
            self.gradients = True
            return original(*arguments, **options)

        tensorflow.GradientTape.gradient = gradient

    def patch_keras(self, keras):
        """Notice when models predict, and what the weights are before an optimizer's first step."""
        for name in "fit", "train_on_batch", "predict", "predict_on_batch", "evaluate", "test_on_batch", "__call__":
            self._patch_method(keras.Model, name)
        base = next(kind for kind in reversed(keras.optimizers.Optimizer.__mro__) if "build" in vars(kind))
        original = base.build

        @functools.wraps(original)
        def build(optimizer, variables):
            with contextlib.suppress(Exception):
                self.starts.append(fingerprint(variables))
            return original(optimizer, variables)

        base.build = build

    def _patch_method(self, model, name):
        original, trains = getattr(model, name), name in ("fit", "train_on_batch")

        @functools.wraps(original)
        def method(model, *arguments, **options):
            given = [*arguments, options.get("x"), options.get("inputs")][0]
            if trains:
                build_sequential(model, given)
            elif self.depth == 0 and not options.get("training"):
                rows = self.rows.get(id(model), (model, 0))[1]
                self.rows[id(model)] = model, rows + count_rows(given)
            self.depth += 1
            try:
                return original(model, *arguments, **options)
            finally:
                self.depth -= 1

        setattr(model, name, method)

    def report(self, task, count):
        """Return the report. task: task1 to task4; count: of the test digits."""
        if "tensorflow" not in sys.modules:
            return {TENSORFLOW: "failed: it was not imported while the script ran"}
        report = {"starts": self.starts, LAST: self.check_last()}
        if not self.gradients and not any(steps for _, steps in weights()[0]):
            report[TRAINED] = "failed: none was computed while the script ran"
        models = [model for model, rows in self.rows.values() if rows >= count and model.built]
        if not models:
            why = "not checked: no Keras model predicted the test digits"
            return report | dict.fromkeys(OF_MODEL[task], why)
        variables = {id(variable): variable for model in models for variable in model.weights}
        report["parameters"] = sum(int(variable.value.shape.num_elements()) for variable in variables.values())
        return report | check_models(models, task)

    def check_last(self):
        """Return the finding whether the training was over when the test file was opened."""
        if self.test is None:
            return "not checked: it does not take --dataset and --test, but reads the file beside it"
        if self.opened is None:
            return "not checked: Python has not opened the test file"
        if isinstance(self.opened, Exception):
            return f"not checked: {self.opened}"
        optimizers, variables = self.opened
        before = {id(thing): count for thing, count in optimizers}
        after, now = weights()
        steps = sum(max(0, count - before.get(id(thing), 0)) for thing, count in after)
        changed = sum(1 for thing, value in variables if (thing.numpy() != value).any())
        came = [f"{steps} training steps"] * bool(steps) + [f"changes to {changed} weights"] * bool(changed)
        if came:
            return f"failed: after it was opened came {' and '.join(came)}"
        return "passed" if now or variables else "not checked: there are no Keras weights"


def weights():
    """Return the optimizers and their numbers of steps, and the trainable weights and their values."""
    import gc

    keras = sys.modules.get("keras")
    if not hasattr(keras, "Variable"):
        return [], []
    things = gc.get_objects()
    return ([(thing, int(thing.iterations)) for thing in things if issubclass(type(thing), keras.optimizers.Optimizer)],
            [(thing, thing.numpy().copy()) for thing in things
             if issubclass(type(thing), keras.Variable) and thing.trainable])


def count_rows(given):
    """Return how many digits an argument of a model holds: many if that cannot be seen, none while a graph is built."""
    import keras

    leaves = keras.tree.flatten(given)
    shape = getattr(leaves[0], "shape", None) if leaves else None
    if shape is None:
        return 10**9  # a generator or a tf.data.Dataset
    return shape[0] if len(shape) and isinstance(shape[0], int) else 0


def build_sequential(model, given):
    """Build a sequential model for the data that it is trained on, as Keras is about to do.

    Keras does it within the first training step, where the weights before that step cannot be read.
    """
    import keras

    if isinstance(model, keras.Sequential) and not model.built:
        with contextlib.suppress(Exception):
            shape = keras.tree.flatten(getattr(given, "element_spec", given))[0].shape
            model.build((None, *shape[1:]))


def fingerprint(variables):
    """Return a hash of the values of variables, without those that are constant; None if all are."""
    import numpy as np
    import tensorflow as tf

    with tf.init_scope():
        values = [np.asarray(variable.value if hasattr(variable, "value") else variable) for variable in variables]
    values = [value.tobytes() for value in values if value.size > 1 and value.min() != value.max()]
    return hashlib.sha256(b"".join(values)).hexdigest()[:16] if values else None

# ------------------------------------------------------------------------------------------------- what its models are


def check_models(models, task):
    """Return the findings on the models that predicted. A check that raises an exception is "not checked"."""
    found = {}
    for model in models:
        try:
            findings = check_thought_vector(model) if task in ("task1", "task2") else check_layers(model, task)
        except Exception as error:
            findings = dict.fromkeys(OF_MODEL[task], f"not checked: {type(error).__name__}: {error}"[:200])
        for name, finding in findings.items():
            found.setdefault(name, []).append(finding)
    # A layer is needed in one of the models only; what is forbidden counts in each.
    order = ["passed", "failed", "not checked"], ["failed", "passed", "not checked"]
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
        return dict.fromkeys((SIZE, RANGE, ONLY), "not checked: no layer called thought_vector is in its graph")
    inputs, thought = thoughts[0]
    shape = tuple(thought.shape)
    return {SIZE: "passed" if shape == (None, 256) else f"failed: its shape is {shape}",
            RANGE: _check_range(inputs, thought),
            ONLY: "failed: an output also sees the image" if seen else "passed"}


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
    """Check that the thought vector stays in [-1, 1] for various images, and for weights as after a training."""
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
                    return f"failed: it reaches {most:.3g}" + (f" with weights of {factor} times the size"
                                                               if factor > 1 else "")
    finally:
        for weight, value in zip(trained, start):
            weight.assign(value)
    return "passed"


def main():
    """Run the command line."""
    import runpy

    report, count, script, *arguments = sys.argv[1:]
    watcher = Watcher(arguments[arguments.index("--test") + 1] if "--test" in arguments else None)
    parent = os.getpid()
    sys.addaudithook(watcher.hook)
    sys.argv = [script, *arguments]
    sys.path[0] = os.getcwd()
    with open(report, "w") as file:
        try:
            runpy.run_path(script, run_name="__main__")
        finally:
            if os.getpid() == parent:  # and not a child that it has forked
                try:
                    findings = watcher.report(os.path.basename(script)[:5], int(count))
                except Exception as error:
                    findings = {LAST: f"not checked: {error}"}
                json.dump(findings, file)


if __name__ == "__main__":
    main()
