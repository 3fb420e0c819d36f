"""Compare a hand-in with what was handed out: what was changed that was to stay as it is, and how much in all."""

import ast
import difflib
from itertools import zip_longest

# What stays as it is: names at the top of a module, by the check that they belong to, and files by what they do.
MAIN, READING, MEASURING = "main as handed out", "digits read as handed out", "errors measured as handed out"
PARTS = {
    MAIN: {"script": ["common", "main", "__main__"]},
    READING: {"support/data_file.py": ["*"],
              "support/script.py": ["Script.__init__", "Script.prepare", "Script.training_digits", "Script.test_digits",
                                    "count_lines", "hold_out", "read_digits"]},
    MEASURING: {"common.py": ["Script", "run"], "support/evaluation.py": ["*"],
                "support/script.py": ["Script.run", "Script.run_once", "Script.report", "run", "_run", "predict",
                                      "errors", "write_predictions"]},
}
MOST_GONE = 40  # lines of what was handed out; about a dozen make place for the network and the training


def definitions(source):
    """Return the syntax trees (text) of what a module defines or imports, by its name, without comments and docstrings.

    Methods have names such as `Script.report`; what runs at the end of a script is `__main__`. Raises SyntaxError.
    """
    found = {}

    def add(node, prefix=""):
        body = getattr(node, "body", [])
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            node.body = body[1:]
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                add(part, f"{node.name}.")
            node.body = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[prefix + node.name] = ast.dump(node)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                found[prefix + ast.unparse(target)] = ast.dump(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                found[prefix + (alias.asname or alias.name)] = f"{alias.name} of {getattr(node, 'module', None)}"
        elif isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
            found["__main__"] = ast.dump(node)

    for node in ast.parse(source).body:
        add(node)
    return found


def compare(handed_out, files, script, task):
    """Compare the files of a submission, {path: bytes}, with those that were handed out.

    script: the path of the submission's script for the task. Returns a dictionary of `findings`, {check: "passed" or
    "failed: WHY"}; `remarks` on other things that were to stay; `added` and `gone`, numbers of lines; and
    `differences`, {path: rows}, for the rows see `side_by_side`.
    """
    pairs = {name: (content, files.get(name, b"")) for name, content in handed_out.items()
             if name == "common.py" or name.startswith("support/")} | {"script": (handed_out[task], files[script])}
    changed = {name: changed_names(*pair) for name, pair in pairs.items()}
    findings = {}
    for check, parts in PARTS.items():
        touched = {name: changed[name] & set(wanted) if wanted != ["*"] else changed[name]
                   for name, wanted in parts.items() if name in changed}
        texts = [f"{script if name == 'script' else name}: {', '.join(sorted(names))} changed"
                 for name, names in touched.items() if names]
        findings[check] = f"failed: {'; '.join(texts)}" if texts else "passed"
        changed = {name: names - touched.get(name, set()) for name, names in changed.items()}
    remarks = [f"{name} was not to be changed: {', '.join(sorted(names))}" for name, names in changed.items()
               if name != "script" and names]
    differences = {script if name == "script" else name: side_by_side(*pair) for name, pair in pairs.items()
                   if pair[0] != pair[1]}
    rows = [row for part in differences.values() for row in part if row and row[0]]
    added, gone = (sum(row[side] is not None for row in rows) for side in (2, 1))
    if gone > MOST_GONE:
        remarks.append(f"needless changes: {gone} lines of what was handed out are gone or changed")
    return {"findings": findings, "remarks": remarks, "added": added, "gone": gone, "differences": differences}


def changed_names(old, new):
    """Return the names that a module (bytes) defines or imports otherwise in a new version, or no more, as a set.

    "all of it" stands for a module that cannot be read. What only the new version has does not count, nor do the
    functions that students write.
    """
    try:
        before, after = definitions(old), definitions(new)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {"all of it"}
    return {name for name, text in before.items() if after.get(name) != text} - {"build_model", "train"}


def side_by_side(old, new, context=2):
    """Return the differences of two files as rows: whether it is a change, the old and the new line, None for no line.

    A row None stands for lines that are left out.
    """
    old, new = (content.decode(errors="replace").splitlines() for content in (old, new))
    rows = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context):
        rows += [None] * bool(rows)
        for kind, i, j, k, m in group:
            rows += [[kind != "equal", *pair] for pair in zip_longest(old[i:j], new[k:m])]
    return rows
