"""What a hand-in changed of what was handed out."""

import ast
from pathlib import Path

from grading import changes, jobs, report, verdicts

import pytest
from conftest import SCRIPTS
from handins import CNN, entry, hand_out, solved

MEASURES, READS = "support/evaluation.py", "support/script.py"


@pytest.fixture
def files(tmp_path):
    """Return the files that were handed out, {path: bytes}."""
    return jobs.read_handout(hand_out(tmp_path))


def check(files, new, failing, text):
    """Check what is said of new files: the check that fails, None for none, and a text of the reason or the remark."""
    assert all(files[path] != content for path, content in new.items())
    compared = changes.compare(files, files | new, CNN, CNN)
    failed = {check for check, finding in compared["findings"].items() if finding != "passed"}
    assert failed == ({failing} if failing else set()), compared["findings"]
    said = compared["findings"].get(failing) or " ".join(compared["remarks"])
    assert said.endswith(text) if text.startswith("common.py was") else text in said and (text or not said)
    assert compared["added"] and compared["differences"].keys() == new.keys()
    assert all(any(hunk and hunk[0] for hunk in report.hunks(rows)) for rows in compared["differences"].values())


def test_the_solution_changes_nothing_that_stays(files):
    check(files, {CNN: solved(files[CNN].decode(), CNN).encode()}, None, "")


def test_format_does_not_count(files):
    check(files, {CNN: ast.unparse(ast.parse(files[CNN])).encode()}, None, "")


@pytest.mark.parametrize("path, old, new, failing, text", [
    (CNN, b"run(build_model, train)", b"run(build_model, train and train)", changes.MAIN, f"{CNN}: main changed"),
    (CNN, b"common.run(main)", b"main()", changes.MAIN, f"{CNN}: __main__ changed"),
    (CNN, b"import common ", b"import mine as common ", changes.MAIN, f"{CNN}: common changed"),
    (MEASURES, b"100 * np.mean(np.where", b"50 * np.mean(np.where", changes.MEASURING, f"{MEASURES}: errors changed"),
    (READS, b"{error:.2f}", b"{error / 2:.2f}", changes.MEASURING, f"{READS}: Script.report changed"),
    (READS, b"error_heads, errors, predict", b"error_heads, none as errors, predict", changes.MEASURING,
     f"{READS}: errors changed"),
    ("common.py", b"import Script, run", b"import run\nclass Script: pass", changes.MEASURING,
     "common.py: Script changed"),
    (READS, b"self._count // 2", b"self._count - 9", changes.READING, f"{READS}: Script.prepare changed"),
    ("support/data_file.py", b"import os", b"import (os", changes.READING, "support/data_file.py: all of it changed"),
    ("support/figures.py", b"MOST_MISCLASSIFIED = 50", b"MOST_MISCLASSIFIED = 60", None,
     "support/figures.py was not to be changed: MOST_MISCLASSIFIED"),
    ("support/data_file.py", b"FOLDS = 5  #", b"FOLDS = 5  # five", None, ""),
    ("support/data_file.py", b"FOLDS = 5  #", b"FOLDS = 10  #", None, ""),
    ("support/data_file.py", b"== fold", b"!= fold", None, "support/data_file.py was not to be changed: hold_out"),
    ("support/figures.py", b"\nimport keras", b"\nimport keras\nprint()", None,
     "support/figures.py was not to be changed: statements at its top added"),
    ("common.py", b"from support.script", b"def block(x): return x\nfrom support.script", None,
     "common.py was not to be changed: block added"),
    ("common.py", b"from support.script", b"class Block:\n    x = 1\n    y = 2\nfrom support.script", None,
     "common.py was not to be changed: Block added"),
    ("common.py", b"from support.script", b"a = b = c = d = e = f = g = 1\nfrom support.script", None,
     "common.py was not to be changed: a added, b added, c added, d added, e added, f added and 1 more"),
    (CNN, b"import keras", b"keras.utils.disable_interactive_logging()\nimport keras", None, ""),
    (MEASURES, b"(n, 28, 28, 1) as a", b"as a", None, ""),
], ids=["main", "at the end", "another module", "errors", "printed errors", "imported errors", "another run", "halves",
        "reader", "figures", "comment", "folds", "held out", "statements", "added", "class", "many", "in the script",
        "docstring"])
def test_what_was_changed(path, old, new, failing, text, files):
    assert old in files[path]
    check(files, {path: files[path].replace(old, new)}, failing, text)


@pytest.mark.parametrize("own", [{}, {"common.py": b"def run(): pass"}], ids=["alone", "with a module of that name"])
def test_a_script_of_its_own_is_told_apart(own, files):
    """It follows what a class is told that got something else: no main is missing, and the hint says what it is."""
    script = b"import common\nimport keras\n" * bool(own) + (Path(__file__).parent / "apart/own_class.py").read_bytes()
    compared = changes.compare(files, files | own | {CNN: script}, CNN, CNN)
    assert all(finding.startswith("not checked: not made of") for finding in compared["findings"].values())
    assert compared["hints"] == [changes.APART] and not compared["remarks"] and not compared["differences"]
    verdict = verdicts.judge(CNN, 1, entry([5.0], changes=compared))
    assert verdict["state"] == "valid, high performance" and changes.APART in verdict["hints"]


def test_what_cannot_be_read_is_not_accused(files):
    compared = changes.compare(files, files | {CNN: files[CNN] + b"\ndef ("}, CNN, CNN)
    assert compared["findings"][changes.MAIN] == f"not checked: {CNN} cannot be read as Python"


@pytest.mark.parametrize("check", changes.PARTS)
def test_what_stays_is_in_what_is_handed_out(check, files):
    """A name that has become another one would stay for ever."""
    for name, parts in changes.PARTS[check].items():
        for script in SCRIPTS if name == "script" else [name]:
            assert set(parts) - {"*"} <= changes.definitions(files[script]).keys()


def test_lines_that_are_gone(files):
    """Rows side by side; whoever throws away most of a file hears of it."""
    rows = changes.side_by_side(b"a\nb\nc\n" + b"x\n" * 9 + b"d", b"a\nB\nb2\nc\n" + b"x\n" * 9)
    assert rows == [[False, "a", "a"], [True, "b", "B"], [True, None, "b2"], [False, "c", "c"], [False, "x", "x"], None,
                    [False, "x", "x"], [False, "x", "x"], [True, "d", None]]
    compared = changes.compare(files, files | {"support/figures.py": b""}, CNN, CNN)
    assert any(remark.startswith("needless changes: ") for remark in compared["remarks"])
