"""How much of a script is the same as another one, whatever the names: solutions, last year's hand-ins, the class."""

import ast
import contextlib
import copy
import functools
from collections import Counter

from grading import source
from grading.submissions import find_script

SHARE = 0.6  # of a script's statements, from which a reader should look
FEWEST = 12  # statements of its own that a script must have for that


def statements(files, script):
    """Return the statements of a script and of its own modules, by their syntax trees without names: a Counter.

    Names of variables and functions, texts and numbers do not count; the names of attributes and keywords do, so that
    what is called remains. Statements with others inside count by their heads.
    """
    return sum((_statements(files[path]) for path in source.sources(files, script)[0]), Counter())


@functools.cache
def _statements(content):
    """Return the statements of a module (bytes); the same module is often in many hand-ins."""
    return Counter(ast.dump(_Anonymous().visit(_head(node))) for node in ast.walk(ast.parse(content)) if isinstance(
        node, ast.stmt) and not isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)))


def _head(node):
    """Return a copy of a statement without the statements inside of it."""
    node = copy.copy(node)
    for field in "body", "orelse", "finalbody", "handlers", "decorator_list":
        if hasattr(node, field):
            setattr(node, field, [])
    return copy.deepcopy(node)


class _Anonymous(ast.NodeTransformer):
    """Takes names and constants out of a syntax tree."""

    def visit_Name(self, node):
        return ast.Name("x", ast.Load())

    def visit_arg(self, node):
        return ast.arg("x")

    def visit_Constant(self, node):
        return ast.Constant(0)

    def visit_FunctionDef(self, node):
        node.name = "x"
        return self.generic_visit(node)

    visit_ClassDef = visit_FunctionDef


def hints(scripts, known, handed_out):
    """Return hints at scripts that are much like another one: {submission: [text]}.

    scripts, known: {name: Counter}, the class and what it is held against as well. handed_out: a Counter of what all
    have got, which does not count.
    """
    own = {name: counter - handed_out for name, counter in scripts.items()}
    others = {f"the known {name}": counter - handed_out for name, counter in known.items()}
    found = {}
    for name, counter in own.items():
        count = counter.total()
        shares = {other: (counter & theirs).total() / count for other, theirs in {**own, **others}.items()
                  if other != name and count >= FEWEST}
        most = sorted((other for other in shares if shares[other] >= SHARE), key=shares.get, reverse=True)
        found[name] = [f"{shares[other]:.0%} of its {count} statements are as in {other} (names and numbers aside)"
                       for other in most[:3]]
    return found


def hints_of_class(task, submissions, handed_out, known):
    """Return the hints at scripts of a task that are much like another one, {submission: [text]}.

    submissions, known: {name: files, or why they cannot be read}. handed_out: files, None if not known.
    """
    def counted(classes):
        counters = {}
        for name, files in classes.items():
            with contextlib.suppress(ValueError):  # not handed in
                if not isinstance(files, str):
                    counters[name] = statements(files, find_script(files, task))
        return counters

    shared = counted({"": handed_out})[""] if handed_out else Counter()
    return hints(counted(submissions), counted(known), shared)
