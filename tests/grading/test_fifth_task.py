"""Another task is an entry in the table of tasks and a script, as docs/grading.md says."""

import json
import re
import shutil
import subprocess
import sys

from grading import models
from grading.assignment import TO_WRITE
from grading.audits import BLOCKS, CONTRADICTION
from project import NUMBERS, TASKS

import pytest
from conftest import ROOT
from handins import CNN

DENSE = "task5_dense.py"
ENTRY = re.search(r'(?ms)^    "task5_dense\.py": Task\(.*?\n(?=\n)', (ROOT / "docs" / "grading.md").read_text())[0]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a copy of the project with the task of docs/grading.md, and few digits."""
    folder = tmp_path_factory.mktemp("project")
    for name in "tools", "support":
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in "common.py", "requirements.txt", *TASKS:
        shutil.copy(ROOT / name, folder)
    lines = (ROOT / "dataset.txt").read_bytes().splitlines(keepends=True)
    (folder / "dataset.txt").write_bytes(b"".join(lines[:40]))
    table = folder / "tools" / "project.py"
    assert table.read_text().count("\n}\n") == 1
    table.write_text(table.read_text().replace("\n}\n", f"\n{ENTRY}}}\n"))
    script = (ROOT / CNN).read_text()
    body = f'    # {TO_WRITE["build_model"]}\n    common.fail("build_model is not written yet")\n'
    (folder / DENSE).write_text(
        re.sub(r'(?s)(def build_model\(\):\n    """.*?"""\n).*?(?=\n\ndef )', rf"\1{body}", script))
    return folder


def run(folder, tool, *arguments):
    """Return the finished process of a program in tools/."""
    return subprocess.run([sys.executable, folder / "tools" / tool, *map(str, arguments)], capture_output=True,
                          text=True, timeout=100)


def test_a_fifth_task(project, tmp_path):
    """It is handed out, checked and graded like the others, with its own limits."""
    ran = run(project, "handout.py", tmp_path / "hand_out")
    assert (ran.returncode, ran.stderr) == (0, "")
    text = (tmp_path / "hand_out" / DENSE).read_text()
    assert text.startswith('"""Task 5: a network of dense layers that classifies handwritten digits.\n')
    assert "- the network has no convolution layer;" in text and "is at most 15%, for high performance 12%;" in text
    assert "- at most 50,000 parameters, and 1 minute on the CPU" in text and "is not written yet" in text
    assert f"| `{DENSE}` | a network of dense" in (tmp_path / "hand_out" / "README.md").read_text()
    (tmp_path / "hand_out" / DENSE).write_text(f"print('14.00 60000 0.01')\nraise SystemExit\n{text}")
    ran = subprocess.run([sys.executable, "check_my_handin.py", DENSE], cwd=tmp_path / "hand_out", capture_output=True,
                         text=True, timeout=60)
    assert "1.00 points within the limit of 15%" in ran.stdout and "the parameters are over 50,000" in ran.stdout

    for name, script, line in ("anna", DENSE, "14.00 40000 0.01"), ("ben", "aufgabe5.py", "16.00 60000 0.01"), (
            "cleo", "Task_5_dense.py", "11.00 40000 0.01"):
        path = tmp_path / "hand_ins" / name / script
        path.parent.mkdir(parents=True)
        path.write_text(f"if 0: import keras\nprint('{line}')")
    (tmp_path / "decisions.csv").write_text("anna,task5,remark,agreed\ncleo,Aufgabe 5,remark,agreed\n")
    ran = run(project, "grade.py", "--submissions", tmp_path / "hand_ins", "--runs", "1", "--json", tmp_path / "r.json",
              "--overrule", tmp_path / "decisions.csv", "--csv", tmp_path / "r.csv", DENSE)
    assert ran.returncode == 1, ran.stderr
    saved = json.loads((tmp_path / "r.json").read_text())
    verdicts = {name: tasks[DENSE] for name, tasks in saved["verdicts"].items()}
    assert {name: verdict["state"] for name, verdict in verdicts.items()} == {
        "anna": "valid", "ben": "not valid", "cleo": "valid, high performance"}
    assert {"digit error 16.00% is over 15%", "60,000 parameters are over 50,000"} <= set(verdicts["ben"]["reasons"])
    assert all(set(tasks[DENSE]["jobs"]) == {"run 1", "contradiction"} for tasks in saved["submissions"].values())
    assert {"no convolution", "a convolution layer"} & set(verdicts["anna"]["findings"]) == {"no convolution"}
    assert "task5_dense digit error" in (tmp_path / "r_students.csv").read_text()


def test_the_table_names_what_there_is():
    known = {*models.THOUGHT, models.THOUGHT_SHARED, models.CONVOLUTION, models.RECURRENT, models.NO_CONVOLUTION}
    for task, entry in TASKS.items():
        assert set(entry.checks) <= known and set(entry.audits) <= {BLOCKS, CONTRADICTION}, task
        assert len(entry.errors) == len(entry.limits) == len(entry.high_performance)
        assert {"reconstruction", "digit"} >= set(entry.errors)
    assert known == {name for entry in TASKS.values() for name in entry.checks}
    assert sorted(set(NUMBERS)) == NUMBERS


def test_the_readme_has_the_limits():
    readme = (ROOT / "README.md").read_text()
    rows = {cells[1].strip("` "): [cell.strip() for cell in cells[2:-1]] for line in readme.splitlines()
            if line.startswith("| `task") and len(cells := line.split("|")) == 9}
    assert rows.keys() == TASKS.keys()
    for task, (_, errors, _, parameters, _, minutes) in rows.items():
        limits = TASKS[task]
        assert errors == ", ".join(f"{limit} ({high})" if high else str(limit)
                                   for limit, high in zip(limits.limits, limits.high_performance))
        assert (parameters, minutes) == (f"{limits.parameters:,}", str(limits.minutes))
