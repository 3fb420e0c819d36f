"""A class in styles of public scripts, trained as shortly as may be: nobody honest is accused, the others are caught.

Each hand-in has an expected.txt: lines "state: ...", and "reason: ", "remark: " or "hint: " with a part of the text.
Audits need trainings that are longer: test_cheats.py has them.
"""

import json
from pathlib import Path

from grading import command_line, feedback
from project import TASKS

import pytest
from handins import easy_digits, locally_warm

CLASS = Path(__file__).with_name("class")


@pytest.fixture
def verdicts(tmp_path, monkeypatch):
    """Grade all of them in one go, with one run each; return {name: verdict}."""
    monkeypatch.setattr(command_line, "locally", locally_warm)
    for name, task in list(TASKS.items()):
        # What is judged here is how they are made. So short a training may end at any error.
        monkeypatch.setitem(TASKS, name, task._replace(audits=[], limits=[100] * len(task.limits)))
    command_line.main("", ["--runs", "1", "--submissions", str(CLASS), "--json", str(tmp_path / "results.json"),
                           "--dataset", str(easy_digits(tmp_path / "easy.txt"))])
    judged = json.loads((tmp_path / "results.json").read_text())["verdicts"]
    return {name: next(verdict for task, verdict in tasks.items() if list((CLASS / name).glob(task)))
            for name, tasks in judged.items()}


def differences(verdict, expected):
    """Yield what a verdict says otherwise than the lines of an expected.txt."""
    expected = [line.split(": ", 1) for line in expected.splitlines()]
    if verdict["state"].removesuffix(", high performance") != dict(expected)["state"]:
        yield verdict["state"]
    for kind in "reason", "remark", "hint":
        said, parts = verdict[f"{kind}s"], [part for start, part in expected if start == kind]
        if len(said) != len(parts) or not all(any(part in text for text in said) for part in parts):
            yield f"{kind}s: {said}"


def test_the_verdicts_are_fair(verdicts):
    """And each reason and remark comes with advice. One test, so that the class is graded once."""
    assert set(verdicts) == {path.name for path in CLASS.iterdir()}
    assert not {name: found for name, verdict in verdicts.items()
                if (found := list(differences(verdict, (CLASS / name / "expected.txt").read_text())))}
    assert not [text for verdict in verdicts.values() for text in verdict["reasons"] + verdict["remarks"]
                if not feedback.advice(text, {})]
