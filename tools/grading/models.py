"""What the models of a script are: layers, weights, thought vectors. Needs nothing of the grader but its neighbours.

A finding is "passed", "failed: WHY", "hint: WHAT" or "not checked: WHY", by the name of the check.
"""

from grading.thoughts import CLASSES, THOUGHT, THOUGHT_SHARED, check_shared, check_thought_vector

CONVOLUTION, RECURRENT, NO_CONVOLUTION = "a convolution layer", "a recurrent layer", "no convolution"
HELPED = "other models"
LAYERS = [CONVOLUTION, RECURRENT, NO_CONVOLUTION]
LISTED = 6  # layers that a text names
# Operations that hide others.
HIDING = {"PartitionedCall", "StatefulPartitionedCall", "PyFunc", "PyFuncStateless", "EagerPyFunc", "If", "StatelessIf",
          "Case", "StatelessCase", "XlaCallModule"}
ASKED = 100  # digits that a model was given, from which it may have helped another
AGAIN = 3  # times that a weight is used along one path, from which a graph is recurrent for sure
SLICES = {"StridedSlice", "Slice", "Split", "SplitV", "Unpack", "GatherV2", "Roll"}  # operations that give parts
SCANS = {"Cumsum", "Cumprod", "CumulativeLogsumexp"}
JOINS = {"Mul", "Add", "AddV2", "AddN", "Sub", "Maximum", "Minimum"}


def check_models(models, checks, examples=None, told=None):
    """Return the findings on the models that predicted. A check that raises an exception is "not checked".

    checks: their names, of THOUGHT, THOUGHT_SHARED and LAYERS. examples: {id of a model: some rows that it was given}.
    told: those of the models that were given the test digits for sure, all if None.
    """
    found = {}
    for model in models:
        example, sure = (examples or {}).get(id(model)), told is None or any(model is one for one in told)
        try:
            findings = {}
            if {*THOUGHT} & {*checks}:
                outputs = 2 if THOUGHT_SHARED in checks else 1
                findings |= check_thought_vector(model, example, sure and example is not None, outputs)
            if THOUGHT_SHARED in checks:
                findings[THOUGHT_SHARED] = check_shared(model, example)
            if {*LAYERS} & {*checks}:
                findings |= check_layers(model, example, sure)
        except Exception as error:
            findings = dict.fromkeys(checks, f"not checked: {type(error).__name__}: {error}"[:200])
        for name in checks:
            found.setdefault(name, []).append(findings[name])
    # A layer is needed in one of the models only; what is forbidden counts in each.
    order = ["passed", "not checked", "failed", "hint"], ["failed", "hint", "passed", "not checked"]
    return {name: min(results, key=lambda finding: order[name not in (CONVOLUTION, RECURRENT)].index(
        finding.split(":")[0])) for name, results in found.items()}


def check_layers(model, example=None, told=True):
    """Return the findings on the layers: whether there is a convolution, a recurrent layer, and no convolution.

    What the graph does not show for sure, or a part of the script that is no Keras model may do, is not checked. told:
    whether the model was given the test digits for sure; else it may be a teacher, and its convolution is a hint.
    """
    import keras

    layers = list(model._flatten_layers(include_self=False))
    names = list(dict.fromkeys(layer.name for layer in layers if not isinstance(
        layer, (keras.Model, keras.layers.InputLayer))))
    seen = f"the model has {', '.join(names[:LISTED])}{' ...' * (len(names) > LISTED)}"
    named = [layer.name for layer in layers if any(
        "Conv" in kind.__name__ and kind.__module__.startswith("keras.") for kind in type(layer).__mro__)]
    try:
        graph, unseen = trace(model, example), ""
    except Exception as error:  # such as a model that needs other arguments
        graph, unseen = None, f"its graph cannot be made: {type(error).__name__}"
    operations = graph.get_operations() if graph else []
    kinds = _kinds(graph) if graph else set()
    filters = _convolutions(graph) if graph else []
    if not unseen and kinds & HIDING:
        unseen = f"the graph has parts that cannot be seen ({', '.join(sorted(kinds & HIDING))})"
    if not unseen and (not told or graph.structured_outputs is None or not _has_classes(graph)):
        unseen = "another part of the script, which is no Keras model, may have it"
    joined = "parts of what a layer gives are joined one after another" if kinds & SCANS or _most_parts(
        operations) >= AGAIN else ""
    by_hand = "layers are applied to several parts of the image" if _shares_places(operations) else joined
    if named or filters:
        needed = "passed"
    elif unseen or by_hand:
        needed = f"not checked: there is none by name; {unseen or by_hand}"
    else:
        needed = f"failed: there is none: {seen}, and no convolution in its graph"
    often = _most_uses(operations)
    if kinds & {"While", "StatelessWhile"} or often >= AGAIN or any(
            isinstance(layer, keras.layers.RNN) or hasattr(layer, "state_size") for layer in layers):
        recurrent = "passed"
    elif unseen or often > 1 or joined or _has_fixed_matrix(operations):
        why = unseen or ("a weight is used twice along a path" if often > 1 else joined or "a matrix is constant")
        recurrent = f"not checked: there is none by name; {why}"
    else:
        recurrent = f"failed: there is none: {seen}, no loop, and no weight that is used again along a path"
    convolutions = (named if graph is None or filters else []) + filters
    listed = ", ".join(convolutions[:3])
    forbidden = f"failed: {listed}" if told else f"hint: {listed} in a model of which it cannot be told if it predicts"
    return {CONVOLUTION: needed, RECURRENT: recurrent, NO_CONVOLUTION: forbidden if convolutions else "passed"}


def trace(model, example=None):
    """Return the graph of a model's prediction, a FuncGraph. example: some rows of its argument, if known."""
    import keras
    import tensorflow as tf

    given = example
    if given is None:
        given = model.inputs[0] if len(model.inputs) == 1 else model.inputs
    specs = keras.tree.map_structure(
        lambda leaf: tf.TensorSpec([2, *leaf.shape[1:]][:len(leaf.shape)], leaf.dtype), given)
    return tf.function(lambda given: model(given, training=False)).get_concrete_function(specs).graph


def weights_of(model, example=None):
    """Return the weights (tf.Variable) that a model uses to predict; all that it has if its graph cannot be made."""
    try:
        return list(trace(model, example).variables)
    except Exception:
        return [weight.value for weight in model.weights]


def count_weights(seen, chosen, told):
    """Return how many weights the models have that predicted, and the finding on the others, as a part of the report.

    seen: what all models were given, a list of `Given`; chosen: of those that predicted; told: whether these were given
    the test digits for sure. `parameters`: weights with which they predict, `untrained`: those of them that are not
    trained. Models that predict are taken together. Of those that were only evaluated the smallest counts, since errors
    cannot be combined. If it is not told, and there are several that share no weights, only one of them may predict:
    then there is `together` instead.
    """
    def size(variables, trainable=(True, False)):
        return sum(variable.shape.num_elements() for variable in variables.values() if variable.trainable in trainable)

    each = [{variable.ref(): variable for variable in weights_of(given.model, given.example)} for given in chosen]
    combined = {}
    for given, variables in zip(chosen, each):
        if given.combined or not told:
            combined |= variables
    counted = combined or min(each, key=size)
    unsure = not told and size(counted) > max(map(size, each))
    report = {"together": size(counted)} if unsure else {
        "parameters": size(counted), "untrained": size(counted, (False,))}
    others = {id(given.model): {weight.value.ref(): weight.value for weight in given.model.weights} for given in seen
              if given.rows() >= ASKED}
    sizes = [size(variables) for variables in others.values() if variables and not counted.keys() & variables.keys()]
    listed = ", ".join(f"{count:,}" for count in sizes[:3])
    return report | {HELPED: f"hint: {listed} weights of models that were given digits as well are not counted: did "
                             "one of them teach the network, or were these other tries?" if sizes else "passed"}


def _has_classes(graph):
    import keras

    return any(getattr(output, "shape", [None])[-1] == CLASSES for output in keras.tree.flatten(
        graph.structured_outputs))


def _kinds(graph):
    """Return the types of the operations in a graph and in the functions that it calls."""
    definition = graph.as_graph_def()
    return {node.op for nodes in (definition.node, *(function.node_def for function in definition.library.function))
            for node in nodes}


def _convolutions(graph):
    """Return the types of the convolutions in a graph, also within loops, that have filters which are not constant.

    Keras extracts patches from an image by a convolution with a constant filter.
    """
    definition, found = graph.as_graph_def(), set()
    for nodes in (definition.node, *(function.node_def for function in definition.library.function)):
        by_name = {node.name: node for node in nodes}
        found |= {node.op for node in nodes if "Conv" in node.op and len(node.input) > 1
                  and not _is_constant(node.input[1], by_name)}
    return sorted(found)


def _is_constant(name, by_name):
    """Return whether a node of a graph depends on constants only."""
    node = by_name.get(name.split(":")[0].lstrip("^"))
    if node is None or not node.input:
        return node is not None and node.op == "Const"
    return all(_is_constant(source, by_name) for source in node.input)


def _of_weights(operations):
    """Return {name of an operation: ids of the weights in it} of what depends on weights and constants alone."""
    pure = {}
    for operation in operations:  # in the order in which they were made: inputs come first
        if operation.type == "ReadVariableOp":
            pure[operation.name] = {operation.inputs[0].op.name}
        elif operation.type == "Const" or operation.inputs and all(
                tensor.op.name in pure for tensor in operation.inputs):
            pure[operation.name] = set().union(*(pure[tensor.op.name] for tensor in operation.inputs))
    return pure


def _most_uses(operations):
    """Return how many times a weight is used along one path of a graph, at most: once per step if it is recurrent."""
    pure, uses, most = _of_weights(operations), {}, 0
    for operation in operations:
        if operation.name not in pure:
            counts = {}
            for tensor in operation.inputs:
                for weight, count in uses.get(tensor.op.name, {}).items():
                    counts[weight] = max(count, counts.get(weight, 0))
            for weight in set().union(*(pure.get(tensor.op.name, ()) for tensor in operation.inputs)):
                counts[weight] = counts.get(weight, 0) + 1
            uses[operation.name] = counts
            most = max(most, *counts.values(), 0)
    return most


def _most_parts(operations):
    """Return how many parts of an image, or of what one layer gives, are joined at most without a matrix between them.

    So does a scan, whether one after another or in a tree, and a convolution made of shifted images. A join takes parts
    that differ from one another. Parts from before a matrix do not count after it, even if a way leads around it.
    """
    pure, depths, parts, most = _of_weights(operations), {}, {}, 0
    for operation in operations:
        if operation.name in pure or operation.type == "Shape":
            continue
        sources = [tensor for tensor in operation.inputs if tensor.op.name in parts]
        depth = max((depths[tensor.op.name] for tensor in sources), default=0) + _is_matrix(operation)
        found = [parts[tensor.op.name] | ({tensor.name} if tensor.op.type in SLICES else set())
                 if depths[tensor.op.name] == depth else set() for tensor in sources]
        depths[operation.name], parts[operation.name] = depth, set().union(*found)
        if operation.type in JOINS and any(one != found[0] for one in found):
            most = max(most, len(parts[operation.name]))
    return most


def _is_matrix(operation):
    return "MatMul" in operation.type or "Conv" in operation.type or operation.type == "Einsum"


def _has_fixed_matrix(operations):
    """Return whether a matrix that is no weight is multiplied with what depends on the digits."""
    pure = _of_weights(operations)
    fixed = {name for name, weights in pure.items() if not weights} | {
        tensor.op.name for tensor in (operations[0].graph.internal_captures if operations else [])
        if tensor.dtype.name != "resource"}
    return any(_is_matrix(operation) and "Conv" not in operation.type and any(
        tensor.op.name in fixed for tensor in operation.inputs) for operation in operations
        if operation.name not in pure)


def _shares_places(operations):
    """Return whether a weight is multiplied with several parts of a digit, as in a convolution made by hand.

    The graph is of two digits. A part of a weight is one of a filter.
    """
    pure, filters = _of_weights(operations), set()
    for operation in operations:
        weights = [tensor for tensor in operation.inputs if pure.get(tensor.op.name)]
        if operation.name in pure:
            if weights and operation.type in SLICES or any(tensor.op.name in filters for tensor in weights):
                filters.add(operation.name)
        elif operation.type == "Mul" and any(tensor.op.name in filters for tensor in weights):
            return True
        elif weights and operation.type in ("MatMul", "BatchMatMulV2", "Einsum"):
            shape = operation.outputs[0].shape
            if shape.rank is None or None in shape[:-1] or shape[:-1].num_elements() > 2:
                return True
    return False
