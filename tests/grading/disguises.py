"""Disguises of a copied script: what people do so that it looks like their own."""

import ast
import builtins
import random

KEPT = {"self", "build_model", "train", "main", "digits", "model", "callbacks", *dir(builtins)}


def _bound(node):
    """Return the names that are assigned in a node, arguments and functions included."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)} | {
        part.arg for part in ast.walk(node) if isinstance(part, ast.arg)} | {
        part.name for part in ast.walk(node) if isinstance(part, ast.FunctionDef)}


def _loaded(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)}


def renamed(tree, chance):
    """Other names of variables and functions, other numbers, other texts."""
    names = {name: f"{chance.choice('abcdefgh')}_{number}" for number, name in enumerate(sorted(_bound(tree) - KEPT))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = names.get(node.arg, node.arg)
        elif isinstance(node, ast.FunctionDef):
            node.name = names.get(node.name, node.name)
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value > 10:
            node.value += chance.randint(1, 9)
    return tree


def reordered(tree, chance):
    """Functions in another order, independent neighbours and keywords exchanged."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            chance.shuffle(node.keywords)
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for one in range(len(body) - 1):
            first, second = body[one:one + 2]
            apart = not (_bound(first) & (_bound(second) | _loaded(second)) or _loaded(first) & _bound(second))
            plain = all(isinstance(part, (ast.Assign, ast.FunctionDef)) for part in (first, second))
            if apart and plain:
                body[one:one + 2] = second, first
    return tree


def split(tree, chance):
    """The second half of each function becomes a function of its own."""
    new = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and len(node.body) > 3:
            half = len(node.body) // 2 + chance.randint(-1, 1)
            rest = node.body[half:]
            inner = ast.Module(rest, [])
            needed = sorted(_loaded(inner) & (_bound(ast.Module(node.body[:half], [])) | _bound(node.args)))
            arguments = ", ".join(needed)
            helper = ast.parse(f"def {node.name}_more({arguments}): pass").body[0]
            helper.body = rest
            node.body[half:] = ast.parse(f"def f(): return {node.name}_more({arguments})").body[0].body
            new.append(helper)
        new.append(node)
    tree.body = new
    return tree


def padded(tree, chance):
    """Dead code between the statements."""
    dead = ["unused_{n} = [{n}, 2]", "if False:\n    print('never {n}')", "for _ in range(0):\n    pass",
            "kept_{n} = str({n}) + 'a'", "def helper_{n}(value):\n    return value * {n}"]
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef)):
            body = []
            for statement in node.body:
                body.append(statement)
                if not isinstance(statement, (ast.Import, ast.ImportFrom, ast.Return)) and chance.random() < 0.35:
                    body += ast.parse(chance.choice(dead).format(n=chance.randint(1, 99))).body
            node.body = body
    return tree


DISGUISES = {"renamed": [renamed], "reordered": [reordered], "functions split": [split], "dead code": [padded],
             "all of these": [reordered, split, padded, renamed]}


def disguise(text, kind, number=0):
    """Return a script (text) in a disguise, a name in DISGUISES. Comments are gone, lines are formatted anew."""
    chance, tree = random.Random(number), ast.parse(text)
    for change in DISGUISES[kind]:
        tree = change(tree, chance)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
