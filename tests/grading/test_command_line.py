"""The grader's command: wrong usage, the bundle itself, and what comes out for a small class."""

import json
import re
import signal
import subprocess
import sys

from grading import cluster, command_line, decisions, jobs, output, results, verdicts

import pytest
from conftest import ROOT, SCRIPTS
from handins import CNN, LINE, command, grade_here, hand_ins, judged


@pytest.mark.parametrize("arguments, message", [
    (["--submissions", "nowhere"], "nowhere"),
    (["--submissions", "empty"], "no folder and no archive in it"),
    (["--known", "empty"], "no Python in it"),
    (["--handout", "empty"], "so it is not what tools/handout.py has written"),
    (["--dataset", "nowhere.txt"], "nowhere.txt"),
    (["--dataset", "old.json"], "old.json, line 1: no tab"),
    (["--json", "nowhere/r.json"], "No such file or directory"),
    (["--csv", "nowhere/r.csv"], "no such folder"),
    (["--report", "nowhere/r.html"], "no such folder"),
    (["--feedback", "nowhere/texts"], "No such file or directory"),
    (["--json", "old.json"], "use --resume to go on with it"),
    (["--json", "old.json", "--resume"], "not a file of this grader"),
    (["--json", "other.json", "--resume"], "was made with another"),
    (["--resume"], "--resume needs --json"),
    (["--retry"], "--retry needs --resume"),
    (["--runs", "0"], "not a whole number above 0"),
    (["task5.py"], "no such script"),
    (["--dask", "tcp://127.0.0.1:1"], "tcp://127.0.0.1:1"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_usage(arguments, message, tmp_path, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.json").write_text("[]\n[]")
    (tmp_path / "other.json").write_text(json.dumps({"version": results.VERSION, "settings": {"memory": 77},
                                                     "submissions": {}}))
    before = {path.name for path in tmp_path.iterdir()}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cluster, "TIMEOUT", "1s")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        command_line.main("", arguments)
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "") and message in said.err
    assert {path.name for path in tmp_path.iterdir()} == before


def test_the_commands_of_a_term():
    """They stand in order on the first screen of docs/grading.md, and the grader knows their options."""
    texts = {name: (ROOT / name).read_text().replace("\\\n", " ") for name in ("README.md", "docs/grading.md")}
    commands = [line.split()[1:] for line in texts["docs/grading.md"].splitlines()[:25] if ".py " in f"{line} "
                and line.startswith("    .venv")]
    assert [command[0] for command in commands] == [
        "tools/make_dataset.py", "tools/handout.py", "check_my_handin.py", "tools/grade.py", "tools/grade.py"]
    assert "--dataset" in commands[1] and {"--overrule", "--csv", "--feedback", "--resume"} <= {*commands[4]}
    for text in texts.values():
        for line in re.findall(r"(?m)^    \S+ tools/grade\.py (.*)$", text):
            command_line.parse("", line.split())
    assert "(#give-it-to-a-class-and-grade-it)" in "".join(texts["README.md"].splitlines()[:8])


def test_a_python_without_the_packages_is_an_error():
    """Otherwise every hand-in would crash."""
    ran = subprocess.run([sys.executable, "-S", ROOT / "tools" / "grade.py"], capture_output=True, text=True,
                         timeout=60)
    assert (ran.returncode, ran.stdout) == (2, "") and "install what the scripts need" in ran.stderr


def test_the_bundle_end_to_end(tmp_path):
    """The exact autoencoder is valid, measured, and has learned its code: on blocks of pixels it learns another."""
    ran = subprocess.run([sys.executable, ROOT / "tools" / "grade.py", "--runs", "1", "--json", tmp_path / "r.json",
                          SCRIPTS[0]], capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    saved = json.loads((tmp_path / "r.json").read_text())
    verdict = saved["verdicts"]["bundle"][SCRIPTS[0]]
    assert verdict["mean"] == [0.0] and verdict["basis"] == "measured" and verdict["parameters"] == 8
    assert set(verdict["findings"].values()) == {"passed"}
    assert verdict["reasons"] == verdict["remarks"] == verdict["hints"] == []
    assert saved["submissions"]["bundle"][SCRIPTS[0]]["jobs"]["blocks"]["errors"][0] > 1


def test_a_decision_survives_and_is_seen(tmp_path):
    """In the table, the CSV file, the report and the student's text, also when the grading goes on."""
    folder, decisions = hand_ins(tmp_path, {"a": LINE, "b": LINE}), tmp_path / "decisions.csv"
    decisions.write_text("a,task3,valid,a scan was handed in\n")
    paths = ["--json", tmp_path / "r.json", "--csv", tmp_path / "r.csv", "--report", tmp_path / "r.html", "--feedback",
             tmp_path / "texts", "--overrule", decisions]
    for more in [], ["--resume"]:
        ran = subprocess.run(command(folder, *paths, *more), capture_output=True, text=True, timeout=60)
        assert "| valid (overruled) |" in ran.stdout and "a task3_cnn.py: valid: a scan was handed in" in ran.stdout
        for name in "r.csv", "r.html", "texts/a.txt":
            assert "a scan was handed in" in (tmp_path / name).read_text()
        assert "scan" not in (tmp_path / "texts" / "b.txt").read_text()
        assert {name: verdict["state"] for name, verdict in judged(tmp_path / "r.json").items()} == {
            "a": "valid", "b": "not valid"}


CHOOSES = """
def train(model, x, y, stop):
    model.fit(x, y, validation_data=(x, y), callbacks=stop(save_best_only=True))
"""


def test_seven_ordinary_hand_ins(tmp_path):
    """What their authors read: each says what there is to mend, in words that help. The loose script is Finn's."""
    folder = hand_ins(tmp_path, {"anna": "print('13.00 100 0.01')",
                       "ben": "print('epoch 1')\nprint('Error: 5.40%, parameters: 1,234, minutes: 0.02')",
                       "chris": "print('5.40 12810')",
                       "dora": "import common\n" + LINE,
                       "eva": {"cnn.ipynb": "{}"},
                       "gul": "import warnings\nwarnings.warn('learning rate 0')\n" + LINE + CHOOSES})
    (folder / "finn_task3.py").write_text(LINE)
    (folder / "notes.docx").write_text("")
    ran = subprocess.run(command(folder, "--feedback", tmp_path / "texts"), capture_output=True, text=True, timeout=100)
    assert "for want of a student and a task in the name: notes.docx" in ran.stderr
    assert re.search(r"gul task3_cnn.py: task3_cnn.py, line \d: save_best_only, which may choose by the test digits; ",
                     ran.stdout)
    said = {
        "anna": ["error 13.00% (one run", "- digit error 13.00% is over 12%\n    The network has to become better"],
        "ben": ["digit error 5.40%", "parameters 1,234 (limit", "- printed 2 lines instead of one\n    Print only"],
        "chris": ["parameters 12,810", "- printed 2 numbers, expected 3: digit error, parameters, minutes\n    Pr"],
        "dora": ["- run 1: ended with status 1: ModuleNotFoundError: No module named 'common' (task3_cnn.py, line 1)\n"
                 "    Hand in the", '\n        File "task3_cnn.py", line 1, in <module>\n          import common\n'],
        "eva": ["- not handed in, but a notebook: cnn.ipynb\n    Hand in a script"],
        "finn": ["digit error 5.00%"],
        "gul": ["learning rate 0\n    The message is a warning of Python or Keras"],
    }
    assert {path.stem for path in (tmp_path / "texts").iterdir()} == set(said)
    for name, parts in said.items():
        text = (tmp_path / "texts" / f"{name}.txt").read_text()
        assert [part for part in parts if part not in text] == [], text
        assert "save_best_only" not in text  # hints are for the teacher


@pytest.mark.parametrize("broken, error, line", [
    ("compare_class", ValueError("a\nb"), "task3_cnn.py was not compared: ValueError: a b"),
    ("compare_class", KeyboardInterrupt(), "task3_cnn.py was not compared: KeyboardInterrupt: "),
    ("show", ValueError("a\nb"), "not all is printed: ValueError: a b"),
    ("judge", ValueError("a\nb"), "b task3_cnn.py run 1: could not be judged: ValueError: a"),
])
def test_what_the_runs_have_shown_is_kept_if_a_later_step_fails(broken, error, line, tmp_path, monkeypatch, capsys):
    """Without --json as well. One hand-in that cannot be judged does not hold up the others."""
    def fails(*arguments):
        if broken == "judge" and "7.25" not in str(arguments):
            return verdicts.judge(*arguments)
        raise error

    for module in {"compare_class": [command_line], "judge": [decisions, jobs], "show": [output]}[broken]:
        monkeypatch.setattr(module, broken, fails)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    folder = hand_ins(tmp_path, {"a": LINE, "b": LINE.replace("5.00", "7.25")})
    paths = tmp_path / "r.csv", tmp_path / "r.html"
    grade_here(monkeypatch, folder, "--runs", "1", "--csv", paths[0], "--report", paths[1], CNN)
    said, saved = capsys.readouterr(), [path.read_text() for path in paths]
    assert said.err.splitlines().count(line) == 1
    for text in [*saved, said.out][:3 - (broken == "show")]:
        assert "5.00" in text and ("could not be judged" if broken == "judge" else "7.25") in text


def test_a_missing_package_is_one_line():
    program = "import sys; sys.modules['psutil'] = None; import grade"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT / "tools", capture_output=True, text=True)
    assert ran.returncode == 2 and ran.stderr.startswith("grade.py: error: ") and ran.stderr.endswith(
        " has no psutil: .venv/bin/pip install -r requirements.txt -r tools/requirements.txt\n")
