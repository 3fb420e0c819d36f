"""What a training depends on, as a fingerprint, to tell the results of other versions apart."""

import ast
import hashlib
import itertools

from measuring.runs import changed
from project import ROOT
from support.data_file import count_lines


def fingerprint(script, changes):
    """Return a hash, as text, of a changed script, of what a training imports, and of the training digits.

    Comments, docstrings and the layout of the code do not count. Raises ValueError if a change does not fit.
    """
    with changed(script, changes) as path:
        files = imported_files(path)
        texts = [f"{file.relative_to(path.parent)}\n{_code(file)}" for file in files]
    half = count_lines(ROOT / "dataset.txt") // 2
    with open(ROOT / "dataset.txt", "rb") as file:
        digits = itertools.islice(file, half)
        return hashlib.sha256("".join(texts).encode() + b"".join(digits)).hexdigest()[:16]


def imported_files(path):
    """Return the files that the import of a script executes, sorted: itself, and those of its folder.

    What functions import when they are called, such as figures, is not among them.
    """
    files, waiting = set(), [path]
    while waiting:
        file = waiting.pop()
        if file.is_file() and file not in files:
            files.add(file)
            for name in _imports(ast.parse(file.read_text())):
                parts = name.split(".")
                for count in range(1, len(parts) + 1):
                    module = path.parent.joinpath(*parts[:count])
                    waiting += [module.with_suffix(".py"), module / "__init__.py"]
    return sorted(files)


def _imports(node):
    """Yield the names of the modules that a tree imports outside functions, and of what it takes from them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _imports(child)


def _code(file):
    """Return the code of a file without comments and docstrings."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
