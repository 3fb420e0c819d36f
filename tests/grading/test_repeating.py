"""No run is wasted: what fails is not run on and on, and only what has changed is run again."""

import json
import re

from grading import jobs

import pytest
from handins import CNN, LINE, grade_here, hand_ins, judged

RNN = "task4_rnn.py"


@pytest.fixture
def grade(tmp_path, monkeypatch, capsys):
    """Return a function that grades a folder on, and returns the runs that it made and all that it said."""
    def grade_on(folder, *arguments):
        path = tmp_path / "r.json"
        grade_here(monkeypatch, folder, "--json", path, *["--resume"] * path.exists(), *arguments)
        said = capsys.readouterr()
        return re.findall(r"(?m)^(\w+ task\d_\w+\.py [^:\n]+): ", said.err), said.out + said.err

    return grade_on


def test_what_fails_twice_is_not_run_again(tmp_path, grade):
    folder = hand_ins(tmp_path, {"crashes": "x = 1\nprint(y)", "silent": "", "fine": LINE})
    made, said = grade(folder, "--runs", "5", CNN)
    for name in "crashes", "silent":
        own = [job for job in made if job.startswith(f"{name} ")]
        assert sum(" run " in job for job in own) == 2 and len(own) <= 3, own
    assert sum(job.startswith("fine ") for job in made) == 6
    verdict = judged(tmp_path / "r.json")["crashes"]
    assert verdict["state"] == "not valid" and re.fullmatch(
        r"run \d, \d: ended with status 1: NameError: name 'y' is not defined \(task3_cnn.py, line 2\) "
        r"\(so it was not run again\)", verdict["reasons"][0])
    assert "18 runs to make: at most 90 minutes within the limits\n" in said  # of 5 minutes each
    assert grade(folder, "--runs", "5", CNN)[0] == []


def test_one_failure_is_not_enough(tmp_path, grade, monkeypatch):
    numbers = iter(range(100))
    monkeypatch.setattr(jobs, "jobs_of", lambda task, runs: [f"run {number}" for number in range(1, runs + 1)])
    monkeypatch.setitem(__builtins__, "count_of_runs", lambda: next(numbers))
    folder = hand_ins(tmp_path, {"a": f"{LINE}\nif count_of_runs() == 1: raise RuntimeError"})
    assert len(grade(folder, "--runs", "5", CNN)[0]) == 5
    assert judged(tmp_path / "r.json")["a"]["runs"] == 4


def test_failed_runs_are_made_again_if_asked(tmp_path, grade):
    """As where the machine was at fault. The same hand-in would not be run again otherwise."""
    folder = hand_ins(tmp_path, {"a": "raise RuntimeError", "b": LINE})
    grade(folder, "--runs", "3", CNN)
    path = tmp_path / "r.json"
    saved = json.loads(path.read_text())
    for job in saved["submissions"]["a"][CNN]["jobs"].values():
        job["reason"] = "no bubblewrap"
    path.write_text(json.dumps(saved))
    made, said = grade(folder, "--runs", "3", "--retry", CNN)
    assert made and all(job.startswith("a ") for job in made)
    assert "4 runs to make" in said and "RuntimeError" in judged(path)["a"]["reasons"][0]


def test_mending_a_script_repeats_that_script(tmp_path, grade):
    texts = {CNN: f"if 0: import shared, cnn\n{LINE}", RNN: f"if 0: import shared\n{LINE}",  # they run here: no modules
             "cnn.py": "", "shared.py": "", "weights.bin": "1", "report.pdf": "1"}
    folder = hand_ins(tmp_path, {"a": texts})

    def repeated(name):
        (folder / "a" / name).write_text("# mended\n" + texts[name])
        return {job.split()[1] for job in grade(folder, "--runs", "1", CNN, RNN)[0]}

    assert {job.split()[1] for job in grade(folder, "--runs", "1", CNN, RNN)[0]} == {CNN, RNN}
    assert [repeated(name) for name in texts] == [{CNN}, {RNN}, {CNN}, {CNN, RNN}, {CNN, RNN}, set()]


def test_an_estimate_by_the_runs_so_far(tmp_path, grade):
    folder = hand_ins(tmp_path, {name: LINE for name in "abc"})
    assert "6 runs to make: at most 30 minutes within the limits\n" in grade(folder, "--runs", "1", CNN)[1]
    assert ("27 runs to make: at most 2 hours within the limits; about 27 seconds if they are like those so far\n"
            in grade(folder, "--runs", "10", CNN)[1])  # of a second each
