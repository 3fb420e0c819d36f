"""Compare a hand-in with what was handed out: what was changed that was to stay as it is, and how much in all."""

import ast
import difflib
from itertools import zip_longest

from grading import source

# What stays as it is: names at the top of a module, by the check that they belong to, and files by what they do.
MAIN, READING, MEASURING = "main as handed out", "digits read as handed out", "errors measured as handed out"
PARTS = {
    MAIN: {"script": ["common", "main", "__main__"]},
    READING: {"support/data_file.py": ["*"],
              "support/script.py": ["Script.__init__", "Script.prepare", "Script.training_digits", "Script.test_digits",
                                    "count_lines", "read_digits"]},
    MEASURING: {"common.py": ["Script", "run"], "support/evaluation.py": ["*"],
                "support/script.py": ["Script.run", "Script.run_once", "Script.report", "run", "_run", "predict",
                                      "errors", "write_predictions"]},
}
OWN = {"build_model", "train", "FOLDS"}  # what students write; how many folds they tune with is theirs as well
VALIDATION = {"fold_of", "hold_out"}  # no graded run uses them, so that a change is no more than needless
STATEMENTS = "statements at its top"
UNREAD = "all of it"
APART = ("it is not made of what was handed out, but a script of its own: its main, and how it reads and measures, "
         "were not compared")
SHOWN = 6  # names that are changed in a file
MOST_GONE = 40  # lines of what was handed out; about a dozen make place for the network and the training


def definitions(source):
    """Return the syntax trees (text) of what a module defines or imports, by its name, without comments and docstrings.

    Methods have names such as `Script.report`; what runs at the end of a script is `__main__`, and what else runs when
    it is imported STATEMENTS. Raises SyntaxError.
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
        elif not prefix and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            found[STATEMENTS] = found.get(STATEMENTS, "") + ast.dump(node)

    for node in ast.parse(source).body:
        add(node)
    return found


def compare(handed_out, files, script, task):
    """Compare the files of a submission, {path: bytes}, with those that were handed out.

    script: the path of the submission's script for the task. Returns a dictionary of `findings`, {check: "passed",
    "failed: WHY" or "not checked: WHY"}; `remarks` on other things that were to stay; `hints`; `added` and `gone`,
    numbers of lines; and `differences`, {path: rows}, for the rows see `side_by_side`.
    """
    if not _is_made_of(handed_out, files, script, task):
        return {"findings": dict.fromkeys(PARTS, "not checked: not made of what was handed out"), "remarks": [],
                "hints": [APART], "added": files[script].count(b"\n"), "gone": 0, "differences": {}}
    pairs = {name: (content, files.get(name, b"")) for name, content in handed_out.items()
             if name == "common.py" or name.startswith("support/")} | {"script": (handed_out[task], files[script])}
    changed = {name: changed_names(*pair) for name, pair in pairs.items()}
    findings = {}
    for check, parts in PARTS.items():
        touched = {name: changed[name] & set(wanted) if wanted != ["*"] else changed[name] - VALIDATION
                   for name, wanted in parts.items() if name in changed}
        texts = [f"{script if name == 'script' else name}: {_listed(sorted(names))} changed"
                 for name, names in touched.items() if names]
        findings[check] = f"failed: {'; '.join(texts)}" if texts else "passed"
        changed = {name: names - touched.get(name, set()) for name, names in changed.items()}
    if UNREAD in changed["script"]:
        findings[MAIN] = f"not checked: {script} cannot be read as Python"
    others = {name: sorted(changed[name]) + [f"{new} added" for new in sorted(added_names(*pairs[name]))]
              for name in pairs if name != "script"}
    remarks = [f"{name} was not to be changed: {_listed(names)}" for name, names in others.items() if names]
    differences = {script if name == "script" else name: side_by_side(*pair) for name, pair in pairs.items()
                   if pair[0] != pair[1]}
    rows = [row for part in differences.values() for row in part if row and row[0]]
    added, gone = (sum(row[side] is not None for row in rows) for side in (2, 1))
    if gone > MOST_GONE:
        remarks.append(f"needless changes: {gone} lines of what was handed out are gone or changed")
    return {"findings": findings, "remarks": remarks, "hints": [], "added": added, "gone": gone,
            "differences": differences}


def _is_made_of(handed_out, files, script, task):
    """Return whether a script has the main that was handed out, or imports what was; or cannot be read."""
    trees, broken = source.sources(files, script)
    main = {name: text for name, text in _names(handed_out[task]).items() if name in ("main", "__main__")}
    pairs = [(main, _names(files[script])), *((_names(handed_out[path]), _names(files[path])) for path in trees
                                              if path in handed_out and path != script)]
    return script in broken or any(old.items() & new.items() for old, new in pairs)


def _names(content):
    """Return the `definitions` of a module (bytes), that it is unread for one that is not Python."""
    try:
        return definitions(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {UNREAD: content}


def changed_names(old, new):
    """Return the names that a module (bytes) defines or imports otherwise in a new version, or no more, as a set.

    UNREAD stands for a module that cannot be read. The functions that students write do not count.
    """
    before, after = _names(old), _names(new)
    if UNREAD in after:
        return {UNREAD}
    return {name for name, text in before.items() if after.get(name) != text} - OWN


def added_names(old, new):
    """Return the names that only the new version of a module (bytes) defines or imports, as a set.

    What is in a class that is added is not named by itself.
    """
    added = _names(new).keys() - _names(old).keys() - {UNREAD}
    return {name for name in added if name.partition(".")[0] not in added - {name}}


def _listed(names):
    """Return names as text, the first of many."""
    return ", ".join(names[:SHOWN]) + f" and {len(names) - SHOWN} more" * (len(names) > SHOWN)


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
