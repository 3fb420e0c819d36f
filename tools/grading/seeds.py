"""Find seeds in a syntax tree: what makes random numbers repeat, under whatever name it is called."""

import ast

from grading.places import SEED_AT

# What makes random numbers repeat. In MODULES: functions that always do (SEEDING), functions and classes that do with a
# fixed argument (SEEDED). In any object: methods that do with a fixed number.
MODULES = {"random", "numpy", "tensorflow", "keras"}
SEEDING = {"set_seed", "set_random_seed", "from_seed", "from_state", "reset_from_seed", "setstate", "set_state"}
RESTORING = {"from_state", "setstate", "set_state"}  # those of them that may go on where the script was before
SEEDED = {"seed", "default_rng", "RandomState", "Random", "SeedGenerator", "SeedSequence", "PCG64", "PCG64DXSM",
          "MT19937", "Philox", "SFC64", "HeNormal", "HeUniform", "GlorotNormal", "GlorotUniform", "LecunNormal",
          "LecunUniform"}
STRICT = {"seed", "default_rng", "RandomState", "Random"}  # those of them whose argument a reader may not know
METHODS = {"seed", "reset_from_seed"}
KEYWORDS = {"seed", "random_state"}
# Variables of the environment, and a function: they make operations repeat, but draw the same numbers with a seed only.
DETERMINISTIC = {"PYTHONHASHSEED", "TF_DETERMINISTIC_OPS", "enable_op_determinism"}
ANOTHER, SAME = "a seed that is another one in each run", "which makes operations repeat, but is no seed by itself"
OPEN = "whose value is None unless something else is given"
# Functions whose value is another one in each run.
CLOCKS = {"time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "now", "utcnow", "urandom",
          "getpid", "token_bytes", "token_hex", "randbits", "randbelow", "getrandbits", "SystemRandom", "uuid1",
          "uuid4", "today", "random", "randint", "randrange", "integers"}


def find_seeds(tree, used=None, run=True):
    """Yield the line and the text of each expression in a syntax tree that makes random numbers repeat.

    used: names that are used anywhere in the hand-in, None for those of this tree; run: whether it is the script that
    is run, and not a module.
    """
    return ((line, text) for line, text, doubt in _find(tree, used, run) if not doubt)


def find_doubtful(tree, used=None, run=True):
    """Yield the line and the text of each expression that looks like a seed, with the reason why it may be none."""
    return ((line, f"{text}, {doubt}") for line, text, doubt in _find(tree, used, run) if doubt)


def used_names(tree):
    """Return all names in a syntax tree, but not where a function is defined. A text may be one, for getattr."""
    found = set()
    for node in ast.walk(tree):
        found |= {getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None) if isinstance(
            node, ast.alias) else None, node.value if _is_text(node) else None}
    return found


def _find(tree, used, run):
    """Yield the line, the text, and what makes it doubtful ("" if nothing does), of each seed in a syntax tree."""
    idle = _idle(tree, used_names(tree) if used is None else used, run)
    for node, text, doubt in _expressions(tree):
        yield node.lineno, text, doubt or idle.get(id(node), "")


def _idle(tree, used, run):
    """Return {id of a node: why} of what is never run: functions that nothing calls, and the main part of a module."""
    found = {}
    methods = {id(node) for part in ast.walk(tree) if isinstance(part, ast.ClassDef) for node in part.body}
    for node in ast.walk(tree):
        why = ""
        if isinstance(node, ast.FunctionDef) and id(node) not in methods and not node.decorator_list and (
                node.name not in used):
            why = f"in a function that nothing calls, {node.name}"
        elif isinstance(node, ast.If) and not run and "__name__" in ast.unparse(node.test):
            why = "in a part that is not run when the module is imported"
        if why:
            found |= {id(part): why for part in ast.walk(node)}
    return found


def _expressions(tree):
    """Yield the node, the text and what makes it doubtful, of each expression that sets a seed."""
    names, values = imported_names(tree), _values(tree)
    local = _of_parameters(tree, values)
    attributes = _of_attributes(tree, values, local)
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    clocks = {target.id for node in ast.walk(tree) if isinstance(node, ast.Assign) and _has_clock(node.value, ())
              for target in node.targets if isinstance(target, ast.Name) and not values.get(target.id)}
    own = {node.name: node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    spawns = any(getattr(node.func, "attr", "") == "spawn" for node in called.values())  # numpy.random.SeedSequence

    def fixed(argument, strict=False):
        """Return whether an argument is the same in every run: None is not, and what a function returns is not.

        strict: what to return for a value that comes from elsewhere.
        """
        if isinstance(argument, ast.Name):
            return local.get(id(argument), values.get(argument.id, strict))
        if isinstance(argument, ast.Attribute) and f".{argument.attr}" in values:
            return values[f".{argument.attr}"]
        if isinstance(argument, ast.Attribute) and attributes.get(argument.attr, strict) is None:
            return False
        return _is_constant_value(argument) or strict and isinstance(argument, (ast.Attribute, ast.Subscript))

    def left_open(argument):
        """Return whether an argument is None as far as the source says."""
        if isinstance(argument, ast.Name):
            return local.get(id(argument), values.get(argument.id, False)) is None
        if isinstance(argument, ast.Attribute):
            return values.get(f".{argument.attr}", attributes.get(argument.attr, False)) is None
        return isinstance(argument, ast.Constant) and argument.value is None

    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)):
            path = _dotted(node, names).split(".")
            always = SEEDING if id(node) in called else SEEDING | {"seed"}
            if len(path) > 1 and path[0] in MODULES and path[-1] in always:
                call = called.get(id(node))
                given = [*call.args, *(keyword.value for keyword in call.keywords)] if call else []
                doubt = ANOTHER if any(_has_clock(part, clocks) for part in given) else (
                    OPEN if given and all(map(left_open, given)) else
                    "which may go on with earlier random numbers" if path[-1] in RESTORING and call and not any(
                        map(fixed, given)) else "")
                yield node, ast.unparse(call if doubt else node), doubt
            elif len(path) > 1 and path[0] in MODULES and path[-1] in DETERMINISTIC:
                yield node, ast.unparse(node), SAME
        elif isinstance(node, ast.Call):
            path = _dotted(node.func, names).split(".")
            method = isinstance(node.func, ast.Attribute) and node.func.attr
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            first, second = [*node.args, None, None][:2]
            known = (len(path) > 1 and path[0] in MODULES and path[-1] in SEEDED
                     and fixed(first, strict=path[-1] in STRICT and not (spawns and path[-1] != "seed")))
            of_object = (method in METHODS - own.keys() and path[0] not in MODULES and fixed(first)
                         and not _is_text(first))
            shuffled = method == "shuffle" and _is_constant_value(first) and fixed(second)  # of a tf.data stream
            given = any(name in KEYWORDS and fixed(value) for name, value in keywords.items()) and _passed_on(
                own.get(method or path[-1]))
            place = _seed_at(path)
            if place is None and method and method.startswith("stateless_"):  # of a module under an unknown name
                place = next((place for places in SEED_AT.values() for place, names_there in places.items()
                              if method in names_there.split()), 1)
            placed = place is not None and len(node.args) > place and fixed(node.args[place]) and not any(
                isinstance(part, ast.Starred) for part in node.args)
            if known or of_object or shuffled or given or placed:
                yield node, ast.unparse(node), ""
            elif len(path) > 1 and path[0] in MODULES and path[-1] in STRICT and _has_clock(first, clocks):
                yield node, ast.unparse(node), ANOTHER
            elif DETERMINISTIC & keywords.keys():
                yield node, ast.unparse(node), SAME
        elif _is_text(node) and node.value in DETERMINISTIC:
            yield node, node.value, SAME


def _passed_on(definition):
    """Return whether a function or class of the hand-in gives its seed to another call. definition: None for others."""
    return definition is None or any(
        isinstance(node, ast.Call) and any(getattr(part, "id", getattr(part, "attr", "")) in KEYWORDS
                                           for value in [*node.args, *(keyword.value for keyword in node.keywords)]
                                           for part in ast.walk(value)) for node in ast.walk(definition))


def _seed_at(path):
    """Return which positional argument of a function is a seed, None if none is. path: its dotted path, split."""
    if path[0] not in ("tensorflow", "keras"):
        return None
    parts = [part for part in path[1:] if part not in ("keras", "compat", "v1", "v2")]
    module = parts[-2] if len(parts) > 1 else ""
    module = "keras.random" if module == "random" and "keras" in path else module
    places = SEED_AT.get(module, {}).items() if parts and parts[-1] not in SEEDING else ()  # that are found as they are
    return next((place for place, names in places if parts[-1] in names.split()), None)


def _has_clock(node, names):
    """Return whether an expression depends on the clock or on what is random, by a call or by one of the names."""
    return node is not None and any(
        isinstance(part, ast.Call) and ast.unparse(part.func).split(".")[-1] in CLOCKS
        or isinstance(part, ast.Name) and part.id in names for part in ast.walk(node))


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_constant_value(node):
    """Return whether an expression consists of constants and is not None."""
    if isinstance(node, ast.Constant):
        return node.value is not None
    parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)] if node else []
    return isinstance(node, (ast.Tuple, ast.List, ast.UnaryOp, ast.BinOp)) and all(map(_is_constant_value, parts))


def _merged(old, value):
    """Return True if any value is a constant other than None, None if all are None, otherwise False.

    old: the same for those before, None for none. value: an expression.
    """
    nothing = isinstance(value, ast.Constant) and value.value is None
    return True if old or _is_constant_value(value) else None if old is None and nothing else False


def _values(tree):
    """Return for each name that is assigned to what its values are, as `_merged` tells.

    Options of the command line are there as ".seed".
    """
    values = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            pairs = []
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                several = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
                both = zip(target.elts, node.value.elts) if several else [(target, node.value)]
                pairs += [(name.id, value) for name, value in both if isinstance(name, ast.Name)]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            default = next((keyword.value for keyword in node.keywords if keyword.arg == "default"), ast.Constant(None))
            pairs = [(f".{part.value.lstrip('-').replace('-', '_')}", default) for part in node.args if _is_text(part)]
        else:
            continue
        for name, value in pairs:
            values[name] = _merged(values.get(name), value)
    return values


def _of_parameters(tree, values):
    """Return what the values are, as `_merged` tells, of names that are parameters with defaults, by id.

    A function gets its default, what calls of it by its name give, and what is assigned to a variable of that name.
    """
    found, given = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given.setdefault(getattr(node.func, "id", getattr(node.func, "attr", "")), []).append(node)
    classes = {id(part): node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for part in node.body}
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            continue
        known, parameters = {}, [*node.args.posonlyargs, *node.args.args]
        for one, value in [*zip(parameters[::-1], node.args.defaults[::-1]),
                           *zip(node.args.kwonlyargs, node.args.kw_defaults)]:
            if value:
                known[one.arg] = _merged(values.get(one.arg), value)
        name = getattr(node, "name", "")
        for call in given.get(classes.get(id(node), "") if name == "__init__" else name, []):
            for one, value in zip(parameters[id(node) in classes:], call.args):
                if one.arg in known and _is_constant_value(value):
                    known[one.arg] = True
        found |= {id(part): known[part.id] for part in ast.walk(node)
                  if isinstance(part, ast.Name) and part.id in known}
    return found


def _of_attributes(tree, values, local):
    """Return what the values of attributes are, as `_merged` tells, by their names."""
    found = {}
    for node in ast.walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else []:
            if isinstance(target, ast.Attribute):
                name, old = node.value, found.get(target.attr)
                known = local.get(id(name), values.get(name.id, False)) if isinstance(name, ast.Name) else _merged(
                    None, name)
                found[target.attr] = True if old or known else None if old is None and known is None else False
    return found


def imported_names(tree):
    """Return the dotted paths of the names that a module imports, or gives to these: {"np": "numpy"}."""
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
    for _ in range(3):  # rnd = tf.random; r = rnd
        for target, value in _assigned(tree):
            path, name = _dotted(value, names), _dotted(target, {})
            root, last = path.split(".")[0], path.split(".")[-1]
            if name and name != path and root in MODULES and last not in SEEDING | {"seed"}:  # these are found at once
                names[name] = path
    return names


def _assigned(tree):
    """Yield the targets of assignments and their values, where both are names or attributes."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                several = isinstance(target, (ast.Tuple, ast.List)) and isinstance(node.value, (ast.Tuple, ast.List))
                for pair in zip(target.elts, node.value.elts) if several else [(target, node.value)]:
                    if all(isinstance(part, (ast.Name, ast.Attribute)) for part in pair):
                        yield pair


def _dotted(node, names):
    """Return the dotted path of an expression, "" if it has none."""
    if isinstance(node, ast.Attribute):
        path = _dotted(node.value, names)
        return names.get(f"{path}.{node.attr}", f"{path}.{node.attr}") if path else ""
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""
