"""Check the source of a submission by its syntax trees: no seeds, TensorFlow, and what a reader should look at.

Only the script and those of its modules that belong to the submission are read; nothing is run.
"""

import ast
import contextlib
import os

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
# What a reader should look at: functions, methods, keywords and modules, each with the reason why.
SUSPECT = {name: why for why, names in {
    "may choose by the test digits": ["validation_data", "save_best_only", "restore_best_weights"],
    "may bring trained weights": ["load_weights", "load_model", "np.load", "numpy.load", "b64decode", "b85decode",
                                  "unhexlify", "fromhex", "decompress", "pickle", "marshal"],
    "may run code that is not there to read": ["exec", "eval", "compile", "__import__", "import_module", "ctypes",
                                               "subprocess", "os.system", "os.popen"],
}.items() for name in names}
NAMES = {*SEEDING, "seed", "default_rng", "RandomState"}  # as text, they may be for getattr or for ** and a dictionary
LITERAL = 2000  # characters of a text, numbers in a list, from which they may be weights
READABLE = {".md": 4000, ".txt": 4000, ".py": 10**9}  # bytes up to which a file needs no look

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


def options_of(files, script):
    """Return which of --dataset, --test and --predictions a script or one of its modules contains."""
    trees, _ = sources(files, script)
    constants = {node.value for tree in trees.values() for node in ast.walk(tree)
                 if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return constants & {"--dataset", "--test", "--predictions"}


def hints(files, script, known=()):
    """Return what a reader should look at in a submission, as lines of text. None of it breaks a rule as such.

    known: contents (bytes) of files that nobody needs to look at, such as those that were handed out.
    """
    lines = []
    for path, tree in sources(files, script)[0].items():
        if files[path] in known:
            continue
        with contextlib.suppress(RecursionError):
            found = {}  # by line
            for line, text in sorted(set(_find_hints(tree))):
                found.setdefault(line, []).append(text)
            lines += [f"{path}, line {line}: {'; '.join(texts)}" for line, texts in found.items()]
    for path, content in sorted(files.items()):
        if len(content) > READABLE.get(os.path.splitext(path)[1].lower(), 0):
            lines.append(f"{path}: a file of {len(content):,} bytes that is not Python")
    return lines


def _find_hints(tree):
    """Yield line and text of each thing in a syntax tree that a reader should look at."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Call):
            dotted = ast.unparse(node.func) if isinstance(node.func, (ast.Name, ast.Attribute)) else ""
            method = isinstance(node.func, ast.Attribute) and node.func.attr not in ("compile", "eval")
            names = [dotted, *([node.func.attr] if method else []), *(keyword.arg for keyword in node.keywords if not (
                isinstance(keyword.value, ast.Constant) and keyword.value.value in (False, None)))]
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)):
            if node.value in NAMES:
                yield node.lineno, f"the text {node.value!r}, which may make random numbers repeat"
            elif len(node.value) > LITERAL and "\n" not in str(node.value)[:200]:
                yield node.lineno, f"a text of {len(node.value):,} characters, which may be trained weights"
        elif isinstance(node, (ast.List, ast.Tuple)):
            count = sum(isinstance(part, ast.Constant) for part in ast.walk(node))
            if count > LITERAL:
                yield node.lineno, f"{count:,} numbers, which may be trained weights"
        for name in names:
            if name in SUSPECT:
                yield node.lineno, f"{name}, which {SUSPECT[name]}"


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
