"""What a class gets, and what the grader and the student's own check make of a script that is filled in."""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize

from grading import changes, command_line, handout
from grading.assignment import BASELINE, TO_WRITE
from project import TASKS

import pytest
from conftest import ROOT, SCRIPTS
from handins import CNN, defines, hand_out, locally_warm, run_warm, solved

# Of a training: epochs, and steps in each.
SHORT = {"EPOCHS": 1, "STEPS_PER_EPOCH": 100}


@pytest.fixture
def handed_out(tmp_path):
    """Return a folder that tools/handout.py has written."""
    return hand_out(tmp_path)


def test_the_scripts_say_what_is_not_written_yet(handed_out):
    ran = run_warm(handed_out, CNN)
    assert (ran.returncode, ran.stdout) == (2, "") and ran.stderr == f"{CNN}: error: build_model is not written yet\n"
    for script in SCRIPTS:
        text = (handed_out / script).read_text()
        assert 'common.fail("train is not written yet")' in text
        assert "common.Script(__doc__, argv).run(build_model, train)" in text and "(batch, 28, 28, 1)" in text
        assert text.endswith('if __name__ == "__main__":\n    model = common.run(main)\n')
    assert sorted(path.name for path in handed_out.iterdir()) == sorted([
        *SCRIPTS, ".handed_out.json", "README.md", "check_my_handin.py", "common.py", "dataset.txt", "requirements.txt",
        "support"])
    assert (handed_out / "dataset.txt").read_bytes() == (ROOT / "dataset.txt").read_bytes()


def test_nothing_gives_the_solutions_away(handed_out):
    """No name, constant, sentence or comment of theirs, and none of the layers that common.py has for them."""
    texts = {path.relative_to(handed_out).as_posix(): path.read_text() for path in handed_out.rglob("*")
             if path.suffix in (".py", ".md", ".json")}
    secret = {"elastic", "augment", "restart", "ReNet", "Visin", "Bradbury"}
    for name in (*SCRIPTS, "common.py"):
        source = (ROOT / name).read_text()
        tree = ast.parse(source)
        secret |= {found for node in tree.body for found in defines(node)} - {"__all__", "build_model", "train", "main"}
        if name != "common.py":
            secret |= set(re.split(r"(?<=\.)\s+", ast.get_docstring(tree))[1:])
            comments = [token.string.strip("# ") for token in tokenize.generate_tokens(io.StringIO(source).readline)
                        if token.type == tokenize.COMMENT]
            secret |= {text for text in comments if text.count(" ") > 2}
    secret -= {"convolution", "batches", "first: it starts the clock and keeps TensorFlow quiet"}
    assert {"Augmented", "MinimalRecurrentCell", "WEIGHT_DECAY"} <= secret
    assert len(secret) > 50
    for name, text in texts.items():
        text = " ".join(text.split())
        found = [thing for thing in secret if re.search(rf"\b{re.escape(' '.join(thing.split()))}", text)]
        assert not found, name


def test_the_commands_of_the_assignment(handed_out):
    """Scripts know the options that the sheet names."""
    commands = re.findall(r"(?m)^    \.venv/bin/python (task\S+)(.*)$", (handed_out / "README.md").read_text())
    assert any("--validation" in options for _, options in commands)
    for script, options in commands:
        ran = run_warm(handed_out, script, *options.split(), "--help")
        assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("script", [SCRIPTS[0], SCRIPTS[1], SCRIPTS[3]])  # task 3's network is in task 2
def test_the_solution_fits_in(script, handed_out):
    """The whole of task 1, and the others with a short training, which is within the limits all the same."""
    path = handed_out / script
    path.write_text(solved(path.read_text(), script, **{} if script == SCRIPTS[0] else SHORT))
    ran = run_warm(handed_out, script)
    assert (ran.returncode, ran.stderr) == (0, "")
    *errors, parameters, _ = map(float, ran.stdout.split())
    assert f" {parameters:.0f} " in ast.get_docstring(ast.parse((ROOT / script).read_text()))
    for name, error, limit in zip(TASKS[script].errors, errors, TASKS[script].limits, strict=True):
        assert error == 0 if name == "reconstruction" else error < limit


def test_secret_digits(tmp_path):
    """By the command."""
    command = [sys.executable, ROOT / "tools" / "handout.py", tmp_path / "a", "--secret", tmp_path / "test.txt"]
    assert subprocess.run(command).returncode == 0
    both = (tmp_path / "a" / "dataset.txt").read_bytes() + (tmp_path / "test.txt").read_bytes()
    assert both == (ROOT / "dataset.txt").read_bytes()
    ran = subprocess.run(command, capture_output=True, text=True)  # nothing is overwritten
    assert (ran.returncode, ran.stderr) == (2, f"handout.py: error: {tmp_path / 'a'}: File exists\n")


def test_the_baseline_is_graded_and_told_apart(tmp_path, handed_out, monkeypatch):
    """With predictions, so measured; far from the limit, and nothing was changed that was to stay."""
    folder = tmp_path / "class" / "baseline"
    folder.mkdir(parents=True)
    (folder / CNN).write_bytes(handout.files(baseline=True)[CNN])  # the shared files need not be handed in
    monkeypatch.setattr(command_line, "locally", locally_warm)
    command_line.main("", ["--submissions", str(folder.parent), "--runs", "1", "--handout", str(handed_out), "--json",
                           str(tmp_path / "r.json"), CNN])
    verdict = json.loads((tmp_path / "r.json").read_text())["verdicts"]["baseline"][CNN]
    assert verdict["state"] == "not valid" and verdict["basis"] == "measured"
    assert verdict["mean"][0] > 12 and all("is over 12%" in reason for reason in verdict["reasons"])
    assert verdict["findings"].items() >= dict.fromkeys(changes.PARTS, "passed").items() and not verdict["remarks"]
    new = sum(len(text.strip().splitlines()) for text in BASELINE[CNN].values())
    assert verdict["changed"] == [new, 2 * len(TO_WRITE)]  # a comment and `fail` make place in each function


def test_other_data(tmp_path, write, lines, capsys):
    """By the function: the class gets that file, in halves if the test digits are kept, and MNIST is not named.

    What is printed says how it is graded.
    """
    data = write([b"\xef\xbb\xbf" + lines[0], *lines[1:9], b"", b""], end=b"\r\n")
    assert handout.main("", [str(tmp_path / "a"), "--dataset", str(data)]) == 0
    assert (tmp_path / "a" / "dataset.txt").read_bytes().splitlines() == lines[:9]
    assert "MNIST" in handout.readme(False) and "MNIST" not in (tmp_path / "a" / "README.md").read_text()
    assert handout.main("", [str(tmp_path / "b"), "--dataset", str(data), "--secret", str(tmp_path / "test.txt")]) == 0
    assert (tmp_path / "b" / "dataset.txt").read_bytes().splitlines() == lines[:4]
    assert (tmp_path / "test.txt").read_bytes().splitlines() == lines[4:9]
    said = capsys.readouterr().out.replace(str(tmp_path), "").splitlines()
    assert [line.partition(": ")[2] for line in said[1::2]] == [
        f"--handout /a --dataset {str(data).removeprefix(str(tmp_path))}",
        "--handout /b --dataset /b/dataset.txt --test /test.txt"]
    for content, message in ([lines[0], lines[1][:-1]], "line 2: row 28 has 27 pixels, expected 28"), (
            lines[:1], "too few digits for two halves (1)"):
        with pytest.raises(SystemExit):
            handout.main("", [str(tmp_path / "c"), "--dataset", str(write(content))])
        assert message in capsys.readouterr().err and not (tmp_path / "c").exists()
