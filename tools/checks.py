"""Check what a person would check by reading a submission: no seeds, the right layers, the thought vector.

`check_source` reads the syntax trees of a script and of those of its modules that belong to the submission. The other
checks run the submission in a process of its own (`sandbox.py`), and this file is the program of that process:

    python checks.py FD model task3_cnn.py                 builds the model and checks it
    python checks.py FD watch task3_cnn.py --test FILE     runs the script, and watches when it opens the test file

Both write a report to the file descriptor FD, in JSON: a dictionary of findings by the name of the check. A finding is
"passed", "not checked: WHY" or "failed: WHY".
"""

import ast
import json
import os
import sys

# What makes random numbers repeat. In MODULES: functions that always do (SEEDING), functions and classes that do with a
# fixed argument (SEEDED). In any object: methods that do with a fixed number.
MODULES = {"random", "numpy", "tensorflow", "keras"}
SEEDING = {"set_seed", "set_random_seed", "from_seed", "from_state", "reset_from_seed", "setstate", "set_state",
           "enable_op_determinism"}
SEEDED = {"seed", "default_rng", "RandomState", "Random", "SeedGenerator", "SeedSequence", "PCG64", "PCG64DXSM",
          "MT19937", "Philox", "SFC64", "HeNormal", "HeUniform", "GlorotNormal", "GlorotUniform", "LecunNormal",
          "LecunUniform"}
STRICT = {"seed", "default_rng", "RandomState", "Random"}  # those of them whose argument a reader may not know
METHODS = {"seed", "reset_from_seed", "set_state"}
KEYWORDS = {"seed", "random_state"}
VARIABLES = {"PYTHONHASHSEED", "TF_DETERMINISTIC_OPS"}  # of the environment

SEEDS, TENSORFLOW = "no random seeds", "uses TensorFlow"
MODEL, CONVOLUTION, RECURRENT, NO_CONVOLUTION = ("a TensorFlow model", "a convolution layer", "a recurrent layer",
                                                 "no convolution")
SIZE, RANGE, ONLY = "thought vector of 256", "thought vector in [-1, 1]", "outputs see the thought vector only"
COUNT, LAST = "parameters as printed", "test digits read last"
OF_MODEL = {"task1": [MODEL, SIZE, RANGE, ONLY], "task2": [MODEL, SIZE, RANGE, ONLY], "task3": [MODEL, CONVOLUTION],
            "task4": [MODEL, RECURRENT, NO_CONVOLUTION]}

# ------------------------------------------------------------------------------------------------------- the source


def sources(files, script):
    """Return the syntax trees of a script and of the modules of the submission that it imports, and syntax errors.

    files: contents (bytes) by path. A module belongs to the submission if a file of that name is anywhere in it.
    Returns {path: tree} and {path: error}.
    """
    trees, broken, wanted = {}, {}, [script]
    while wanted:
        path = wanted.pop()
        if path in trees or path in broken:
            continue
        try:
            tree = ast.parse(files[path], path)
            modules = set()
            for node in ast.walk(tree):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    parent = getattr(node, "module", None)
                    modules |= {f"{parent}.{alias.name}" if parent else alias.name for alias in node.names} | {parent}
            trees[path] = tree
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            broken[path] = f"{path} cannot be read as Python: {error}"
            continue
        folder = os.path.dirname(path)
        for module in modules - {None}:
            for end in (".py", "/__init__.py"):
                name = module.replace(".", "/") + end
                near = [place for place in (os.path.join(folder, name), name) if place in files]
                wanted += near[:1] or [place for place in files if place.endswith(f"/{name}")]
    return trees, broken


def check_source(files, script):
    """Return the findings on the source: whether there are seeds, and whether TensorFlow is used."""
    trees, broken = sources(files, script)
    seeds, packages = [], set()
    for path, tree in trees.items():
        try:
            seeds += [f"{path}, line {line}: {text}" for line, text in find_seeds(tree)]
            packages |= {name.split(".")[0] for name in _names(tree).values()}
        except RecursionError as error:
            broken[path] = f"{path}: {error}"
    unread = f"not checked: {'; '.join(broken.values())}" if broken else ""
    return {SEEDS: f"failed: {'; '.join(seeds[:3])}" if seeds else unread or "passed",
            TENSORFLOW: "passed" if packages & {"tensorflow", "keras"} else unread or "failed: it is not imported"}


def takes_test(files, script):
    """Return whether a script or one of its modules contains the options --dataset and --test."""
    trees, _ = sources(files, script)
    constants = {node.value for tree in trees.values() for node in ast.walk(tree)
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {"--dataset", "--test"} <= constants


def has_build_model(files, script):
    """Return whether a script defines or imports a `build_model`."""
    tree = sources(files, script)[0].get(script)
    if tree is None:
        return False
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "build_model":
            return True
        if isinstance(node, ast.ImportFrom) and any("build_model" in (n.name, n.asname) for n in node.names):
            return True
        if isinstance(node, ast.Assign) and "build_model" in map(ast.unparse, node.targets):
            return True
    return False


def find_seeds(tree):
    """Yield the line and the text of each expression in a syntax tree that makes random numbers repeat."""
    names, values = _names(tree), _values(tree)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}

    def fixed(argument, strict=False):
        """Return whether an argument is the same in every run: None is not, and what a function returns is not.

        strict: what to return for a value that comes from elsewhere.
        """
        if isinstance(argument, ast.Name):
            return values.get(argument.id, strict)
        return _is_constant_value(argument) or strict and isinstance(argument, (ast.Attribute, ast.Subscript))

    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)):
            path = _dotted(node, names).split(".")
            always = SEEDING if id(node) in called else SEEDING | {"seed"}
            if len(path) > 1 and path[0] in MODULES and path[-1] in always:
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call):
            path = _dotted(node.func, names).split(".")
            method = isinstance(node.func, ast.Attribute) and node.func.attr
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            first, second = [*node.args, None, None][:2]
            known = (len(path) > 1 and path[0] in MODULES and path[-1] in SEEDED
                     and fixed(first, strict=path[-1] in STRICT))
            of_object = method in METHODS and path[0] not in MODULES and fixed(first) and not _is_text(first)
            shuffled = method == "shuffle" and _is_constant_value(first) and fixed(second)  # of a tf.data stream
            stateless = method and method.startswith("stateless_") and fixed(second)
            given = any(name in KEYWORDS and fixed(value) for name, value in keywords.items())
            if known or of_object or shuffled or stateless or given or VARIABLES & keywords.keys():
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in VARIABLES:
            yield node.lineno, node.value


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_constant_value(node):
    """Return whether an expression consists of constants and is not None."""
    if isinstance(node, ast.Constant):
        return node.value is not None
    parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)] if node else []
    return isinstance(node, (ast.Tuple, ast.List, ast.UnaryOp, ast.BinOp)) and all(map(_is_constant_value, parts))


def _values(tree):
    """Return for each name whether a constant other than None is assigned to it anywhere, or is its default."""
    values = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            pairs = []
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                both = zip(target.elts, node.value.elts) if several else [(target, node.value)]
                pairs += [(name.id, value) for name, value in both if isinstance(name, ast.Name)]
        elif isinstance(node, ast.arguments):
            pairs = [*zip([a.arg for a in node.args[::-1]], node.defaults[::-1]),
                     *zip([a.arg for a in node.kwonlyargs], node.kw_defaults)]
        else:
            continue
        for name, value in pairs:
            values[name] = values.get(name, False) or _is_constant_value(value)
    return values


def _names(tree):
    """Return the dotted paths of the names that a module imports: {"np": "numpy"}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.split(".")[0]: alias.name if alias.asname else alias.name.split(".")[0]
                      for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if alias.name == "*":
                    every = SEEDING | SEEDED if node.module in ("random", "numpy.random") else SEEDING
                    names |= {name: f"{node.module}.{name}" for name in every}
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _dotted(node, names):
    """Return the dotted path of an expression, "" if it has none."""
    if isinstance(node, ast.Attribute):
        path = _dotted(node.value, names)
        return f"{path}.{node.attr}" if path else ""
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""

# -------------------------------------------------------------------------------- in the process of the submission


def check_model(script):
    """Build the model of a script in the working directory; return the findings on it, and its "parameters".

    A check that raises an exception is "not checked". The others are made all the same.
    """
    import importlib.util

    sys.argv = [script]
    sys.path.insert(0, os.getcwd())
    spec = importlib.util.spec_from_file_location("submission", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    import keras
    import numpy as np

    model = module.build_model()
    if not isinstance(model, keras.Model) or keras.backend.backend() != "tensorflow":
        return {MODEL: f"not checked: build_model returns a {type(model).__name__}, not a Keras model on TensorFlow"}
    findings, task = {MODEL: "passed"}, script[:5]

    def count():
        if not model.built:
            model(np.zeros((1, 28, 28, 1), np.float32))
        return {"parameters": model.count_params()}

    thought = task in ("task1", "task2")
    for check in count, lambda: check_thought_vector(model) if thought else check_layers(model, task):
        try:
            findings |= check()
        except Exception as error:
            why = f"not checked: {type(error).__name__}: {error}"[:200]
            findings = dict.fromkeys(OF_MODEL[task], why) | findings
    return findings


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


def watch(script, arguments, tell):
    """Run a script as the main program. At its end, report whether weights changed after it opened the test file."""
    import gc
    import runpy

    test, parent = os.path.realpath(arguments[arguments.index("--test") + 1]), os.getpid()
    opened = []

    def weights():
        """Return the optimizers and their numbers of steps, and the trainable weights and their values."""
        keras = sys.modules.get("keras")
        if keras is None:
            return [], []
        things = gc.get_objects()
        return ([(thing, int(thing.iterations)) for thing in things
                 if issubclass(type(thing), keras.optimizers.Optimizer)],
                [(thing, thing.numpy().copy()) for thing in things
                 if issubclass(type(thing), keras.Variable) and thing.trainable])

    def hook(event, details):
        path = details[0] if event == "open" and not opened else None
        if isinstance(path, (str, bytes, os.PathLike)) and os.path.realpath(os.fsdecode(path)) == test:
            opened.append(None)  # reading the weights may open files
            try:
                opened[0] = weights()
            except Exception as error:  # they cannot be read now, as while a graph is traced
                opened[0] = error

    def report():
        if not opened:
            finding = "not checked: Python has not opened the test file"
        elif isinstance(opened[0], Exception):
            finding = f"not checked: {opened[0]}"
        else:
            optimizers, variables = opened[0]
            before = {id(thing): count for thing, count in optimizers}
            after, now = weights()
            steps = sum(max(0, count - before.get(id(thing), 0)) for thing, count in after)
            changed = sum(1 for thing, value in variables if (thing.numpy() != value).any())
            came = [f"{steps} training steps"] * bool(steps) + [f"changes to {changed} weights"] * bool(changed)
            if came:
                finding = f"failed: after it was opened came {' and '.join(came)}"
            else:
                finding = "passed" if now or variables else "not checked: there are no Keras weights"
        tell({LAST: finding})

    def report_or_say_why():
        if os.getpid() == parent:  # and not a child that it has forked
            try:
                report()
            except Exception as error:
                tell({LAST: f"not checked: {error}"})

    sys.addaudithook(hook)
    sys.argv = [script, *arguments]
    sys.path[0] = os.getcwd()
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        report_or_say_why()


def main():
    """Run the command line."""
    descriptor, what, script, *arguments = sys.argv[1:]

    def tell(findings):
        os.lseek(int(descriptor), 0, os.SEEK_SET)
        os.write(int(descriptor), json.dumps(findings).encode())

    if what == "watch":
        watch(script, arguments, tell)
    else:
        tell(check_model(script))


if __name__ == "__main__":
    main()
