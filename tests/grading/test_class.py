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


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    """Grade all of them in one go, with one run each; return {name: verdict}."""
    folder = tmp_path_factory.mktemp("class")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_line, "locally", locally_warm)
        for name, task in list(TASKS.items()):
            # What is judged here is how they are made. So short a training may end at any error.
            patch.setitem(TASKS, name, task._replace(audits=[], limits=[100] * len(task.limits)))
        command_line.main("", ["--runs", "1", "--submissions", str(CLASS), "--json", str(folder / "results.json"),
                               "--dataset", str(easy_digits(folder / "easy.txt"))])
    judged = json.loads((folder / "results.json").read_text())["verdicts"]
    return {name: next(verdict for task, verdict in tasks.items() if list((CLASS / name).glob(task)))
            for name, tasks in judged.items()}


@pytest.mark.parametrize("name", sorted(path.name for path in CLASS.iterdir()))
def test_the_verdict_is_fair(name, verdicts):
    expected = [line.split(": ", 1) for line in (CLASS / name / "expected.txt").read_text().splitlines()]
    verdict = verdicts[name]
    assert verdict["state"].removesuffix(", high performance") == dict(expected)["state"], verdict
    for kind in "reason", "remark", "hint":
        said = verdict[f"{kind}s"]
        parts = [part for start, part in expected if start == kind]
        assert len(said) == len(parts) and all(any(part in text for text in said) for part in parts), (kind, said)


def test_every_reason_and_remark_comes_with_advice(verdicts):
    for name, verdict in verdicts.items():
        for text in verdict["reasons"] + verdict["remarks"]:
            assert feedback.advice(text, {}), (name, text)
