"""Check the source of a submission by its syntax trees: no seeds, TensorFlow, and what a reader should look at.

Only the script and those of its modules that belong to the submission are read; nothing is run.
"""

import ast
import contextlib
import itertools
import os

from grading.seeds import SEEDING, find_doubtful, find_seeds, imported_names, used_names

SEEDS, TENSORFLOW = "no random seeds", "uses TensorFlow"
PACKAGES = {"tensorflow", "keras", "tf_keras", "tensorflow_probability"}  # that are TensorFlow, or import it
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


def _used(trees):
    """Return the names that are used in any of these syntax trees, {path: tree}."""
    return set().union(*map(used_names, trees.values()))


def check_source(files, script):
    """Return the findings on the source: whether there are seeds, and whether TensorFlow is used."""
    trees, broken = sources(files, script)
    seeds, packages = [], set()
    used = _used(trees)
    for path, tree in trees.items():
        try:
            seeds += [f"{path}, line {line}: {text}" for line, text in find_seeds(tree, used, path == script)]
            packages |= {name.split(".")[0] for name in imported_names(tree).values()}
        except RecursionError as error:
            broken[path] = f"{path}: {error}"
    unread = f"not checked: {'; '.join(broken.values())}" if broken else ""
    return {SEEDS: f"failed: {'; '.join(seeds[:3])}" if seeds else unread or "passed",
            TENSORFLOW: "passed" if packages & PACKAGES else unread or "failed: it is not imported"}


def options_of(files, script):
    """Return which of --dataset, --test and --predictions a script or one of its modules takes, each with a file.

    An option that is a switch, or takes a number, is the student's own.
    """
    trees, _ = sources(files, script)
    found, own = {}, {}
    for node in itertools.chain.from_iterable(map(ast.walk, trees.values())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found[node.value] = found.get(node.value, 0) + 1
        for name in _switches(node):
            own[name] = own.get(name, 0) + 1
    return {name for name in ("--dataset", "--test", "--predictions") if found.get(name, 0) > own.get(name, 0)}


def _switches(node):
    """Return the texts in a node that are options without a file: of argparse or click, or looked for among others."""
    if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("add_argument", "option"):
        given = {keyword.arg: getattr(keyword.value, "value", ast.unparse(keyword.value)) for keyword in node.keywords}
        action = str(given.get("action", "store"))
        if (action not in ("store", "append", "extend") or given.get("is_flag") is True or "choices" in given
                or given.get("type") in ("int", "float", "bool")):
            return [part.value for part in node.args if isinstance(part, ast.Constant)]
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        return [node.left.value] if isinstance(node.left, ast.Constant) else []
    return []


def hints(files, script, known=()):
    """Return what a reader should look at in a submission, as lines of text. None of it breaks a rule as such.

    known: contents (bytes) of files that nobody needs to look at, such as those that were handed out.
    """
    lines = []
    trees, _ = sources(files, script)
    used = _used(trees)
    for path, tree in trees.items():
        if files[path] in known:
            continue
        with contextlib.suppress(RecursionError):
            found = {}  # by line
            for line, text in sorted({*_find_hints(tree), *find_doubtful(tree, used, path == script)}):
                found.setdefault(line, []).append(text)
            lines += [f"{path}, line {line}: {'; '.join(texts)}" for line, texts in found.items()]
    for path, content in sorted(files.items()):
        if len(content) > READABLE.get(os.path.splitext(path)[1].lower(), 0):
            lines.append(f"{path}: a file of {len(content):,} bytes that is not Python")
    return lines


def _find_hints(tree):
    """Yield line and text of each thing in a syntax tree that a reader should look at."""
    keywords = {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    apart = {"save_best_only", "restore_best_weights"} if (  # of the training digits
        "validation_split" in keywords and "validation_data" not in keywords) else set()
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
            if name in SUSPECT and name not in apart:
                yield node.lineno, f"{name}, which {SUSPECT[name]}"
