"""The check that students get: it runs their scripts and says how near the limits they are, without a verdict."""

import json
import subprocess
import sys

from grading import handout, records

import check_my_handin as checker
import pytest
from handins import CNN, hand_out


def write(folder, script, text):
    """Put a text in place of what a handed-out script does, so that it needs no TensorFlow."""
    path = folder / script
    path.write_text(f"{text}\nraise SystemExit\n{path.read_text()}")


@pytest.fixture
def handed_out(tmp_path):
    return hand_out(tmp_path)


def check(folder, *arguments):
    """Return what the check prints, and its status."""
    ran = subprocess.run([sys.executable, "-I", "check_my_handin.py", *arguments], cwd=folder, capture_output=True,
                         text=True, timeout=60)
    assert "Traceback" not in ran.stderr
    return ran.stdout, ran.returncode


def test_one_run_and_several(handed_out):
    """How near the limit it is; near to it, one run tells little, and several have a spread."""
    write(handed_out, CNN, "print('11.40 900 0.10')")
    said, status = check(handed_out, CNN)
    assert said.splitlines() == [
        CNN, "  digit error 11.40% in one run: 0.60 points within the limit of 12% (high performance 9%); one run "
        "tells little so near to it: try --runs 5", "  parameters 900 (limit 1,000,000)",
        "  minutes 0.10 on this machine (limit 5)", "Nothing to mend was found."]
    assert status == 0
    (handed_out / "n").write_text("")
    write(handed_out, CNN, "n = open('n', 'a'); n.write('x'); print([12.7, 10.8][n.tell() % 2], 900, '0.10')")
    said, status = check(handed_out, CNN, "--runs", "2")
    assert "digit error 11.75% ± 1.34 in 2 runs (10.80 to 12.70): 0.25 points within the limit" in said and status == 0
    assert "the mean of other runs may be on the other side" in said
    for error, near in ("5.00", False), ("20.00", False), ("12.50", True):
        write(handed_out, CNN, f"print('{error} 900 0.10')")
        said, status = check(handed_out, CNN)
        assert ("tells little" in said) == near and ("  - the digit error is over 12%\n" in said) == bool(status)
        assert "±" not in said and "1 runs" not in said


@pytest.mark.parametrize("text, said", [
    ("print(undefined)", "  - it ended with an error:\n    Traceback"),
    ("", "  - it printed nothing, expected 3 numbers"),
    ("print('Epoch 1'); print('5 9 0.1')", "  - it printed 2 lines instead of one\n"),
    ("print('5 9')", "  - its last line is '5 9', expected 3 numbers: digit error, parameters, minutes\n"),
    ("print('nan 9 0.1')", "  - its last line is 'nan 9 0.1', expected 3 numbers"),
    ("print('5 9 inf')", "  - its last line is '5 9 inf', expected 3 numbers"),
    ("print('5 9 0.1'); import sys; print('no', file=sys.stderr)", "  - it wrote to standard error: no\n"),
    ("print('5 1000001 0.1')", "  - the parameters are over 1,000,000\n"),
    ("print('5 9 6.5')", "  - the minutes are over 5\n"),
    ("import sys; print('task3_cnn.py: error: train is not written yet', file=sys.stderr); sys.exit(2)",
     f"{CNN}\n  - train is not written yet\n"),
], ids=["crash", "nothing", "lines", "numbers", "nan", "inf", "standard error", "parameters", "minutes", "not written"])
def test_what_there_is_to_mend(text, said, handed_out):
    write(handed_out, CNN, text)
    found, status = check(handed_out, CNN)
    assert said in found and status == 1
    assert "valid" not in found and "seed" not in found  # that is for the grader


@pytest.mark.parametrize("name", [CNN, f"./{CNN}", f".\\{CNN}"])
def test_nothing_to_mend(name, handed_out):
    """Blank lines, warnings of libraries in their own files and a byte-order mark are nothing to mend."""
    write(handed_out, CNN, "import sys\nsys.stderr.write('/v/site-packages/keras/a.py:3: UserWarning: x\\n  f()\\n')\n"
                           "print('\\n5 9 0.1\\n\\n')")
    for script in CNN, "common.py":
        path = handed_out / script
        path.write_text(path.read_text(), encoding="utf-8-sig")
    said, status = check(handed_out, name)
    assert said.endswith("Nothing to mend was found.\n") and status == 0


def test_digits_that_are_kept_back(tmp_path):
    """Half of the training digits stand in for them: that error says nothing about the limit."""
    handout.main("", [str(tmp_path / "a"), "--secret", str(tmp_path / "test.txt")])
    write(tmp_path / "a", CNN, "print('18.20 900 0.10')")
    said, status = check(tmp_path / "a", CNN)
    assert "  digit error 18.20% after training on half of your digits; the limit is for a training on all of" in said
    assert "12%" not in said and status == 0 and "limit 1,000,000" in said


def test_what_is_not_as_handed_out(handed_out):
    """Formatting, comments and what is the student's own do not count. A shared file stays, but for the folds."""
    known = json.loads((handed_out / ".handed_out.json").read_text())["files"]
    assert {"common.py", "support/script.py", CNN} <= known.keys()
    texts = [path.read_text() for path in handed_out.rglob("*") if path.suffix in (".py", ".json")]
    assert not [word for word in ("contradiction", "audit", "seeds =") if any(word in text for text in texts)]
    for name, was in known.items():
        script = name.startswith("task")
        new = [f"{name}: x is new: take it out, and put what is yours into your scripts"]
        assert [*checker.as_handed_out(name, was, f"# mine\n{was}\nx = 1\n", script)] == ([] if script else new)
    text = known[CNN].replace("from keras import layers\n", "").replace("common.fail(", "print(")
    assert [*checker.as_handed_out(CNN, known[CNN], text, True)] == []
    for old, new, said in (("run(build_model, train)", "run(build_model)", "main"),
                           ("import common", "import os", "import"), ("common.run(main)", "main()", "if ")):
        (found,) = checker.as_handed_out(CNN, known[CNN], known[CNN].replace(old, new), True)
        assert found.startswith(said) and found.endswith("is not as handed out: put it back")
    name = "support/data_file.py"
    assert [*checker.as_handed_out(name, known[name], known[name].replace("FOLDS = 5", "FOLDS = 4"), False)] == []
    assert [*checker.as_handed_out(name, known[name], known[name].replace("SIZE = 28", "SIZE = 20"), False)] == [
        f"{name}: SIZE is not as handed out: put it back"]
    path = handed_out / name
    path.write_text(path.read_text().replace("def hold_out(", "def hold_out_(").replace("FOLDS = 5", "FOLDS = 4"))
    (handed_out / "support" / "figures.py").unlink()
    write(handed_out, CNN, "print('5 9 0.1')")
    said, status = check(handed_out, CNN)
    assert said.splitlines()[-3:] == [f"{name}: hold_out is not as handed out: put it back",
                                      f"{name}: hold_out_ is new: take it out, and put what is yours into your scripts",
                                      "support/figures.py is missing: put it back"] and status == 1


def test_a_check_without_what_was_handed_out(handed_out):
    (handed_out / ".handed_out.json").unlink()
    assert check(handed_out) == ("", 2)


def test_the_grader_knows_the_same_warnings_of_libraries():
    """Also in a folder with a space in its name. What comes after them is the script's own."""
    warning = "/my class/.venv/lib/site-packages/keras/x.py:12: UserWarning: old\n  warnings.warn(\n"
    for module in checker, records:
        assert module.OF_LIBRARIES.sub("", f"{warning}mine").strip() == "mine"
