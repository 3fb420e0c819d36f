"""What a class gets, and what the grader makes of what comes back."""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize

import pytest
from conftest import ROOT, SCRIPTS

sys.path.insert(0, str(ROOT / "tools"))

import changes
import grade
import handout
import report
import runs

CNN = "task3_cnn.py"


@pytest.fixture
def handed_out(tmp_path):
    """Return a folder that tools/handout.py has written."""
    folder = tmp_path / "hand_out"
    assert subprocess.run([sys.executable, ROOT / "tools" / "handout.py", folder]).returncode == 0
    return folder


def run(script, *arguments):
    """Run a script in its folder and return the finished process."""
    return subprocess.run([sys.executable, script.name, *arguments], cwd=script.parent, capture_output=True, text=True)


def solved(text, script, **replaced):
    """Return a handed-out script (text) with what the solution has of its own, and what that needs of common.py.

    replaced: new values of constants.
    """
    solution, shared = (ast.parse((ROOT / name).read_text()) for name in (script, "common.py"))
    own = [node for node in solution.body[1:-1] if getattr(node, "name", "") != "main"]
    kept = {name for node in ast.parse(handout.shared_module()).body for name in handout._defines(node)}
    layers = [node for node in shared.body[1:] if isinstance(node, (ast.Import, ast.ImportFrom))
              or set(handout._defines(node)) - kept]
    for node in own:
        if handout._defines(node) and handout._defines(node)[0] in replaced:
            node.value = ast.Constant(replaced[handout._defines(node)[0]])
    names = {name for node in layers for name in handout._defines(node)}
    new = "\n".join(ast.unparse(node) for node in [*layers, *own])
    new = re.sub(r"\bcommon\.(\w+)", lambda match: match[1] if match[1] in names else match[0], new)
    start, end = text.index("import common"), text.index("def main(")
    return text[:start] + "import common\n\n" + new + "\n\n\n" + text[end:]


def test_the_scripts_say_what_is_not_written_yet(handed_out):
    ran = run(handed_out / CNN)
    assert (ran.returncode, ran.stdout) == (2, "") and ran.stderr == f"{CNN}: error: build_model is not written yet\n"
    for script in SCRIPTS:
        text = (handed_out / script).read_text()
        assert 'common.fail("train is not written yet")' in text
        assert "# only now are the test digits read" in text and "(batch, 28, 28, 1)" in text
    assert sorted(path.name for path in handed_out.iterdir()) == sorted([
        *SCRIPTS, "README.md", "check_my_handin.py", "common.py", "dataset.txt", "requirements.txt", "support",
        "tools"])
    assert (handed_out / "dataset.txt").read_bytes() == (ROOT / "dataset.txt").read_bytes()


def test_nothing_gives_the_solutions_away(handed_out):
    """No name, constant, sentence or comment of theirs, and none of the layers that common.py has for them."""
    texts = {path.relative_to(handed_out).as_posix(): path.read_text() for path in handed_out.rglob("*")
             if path.suffix in (".py", ".md")}
    kept = {name for node in ast.parse(texts["common.py"]).body for name in handout._defines(node)}
    secret = {"elastic", "augment", "restart", "ReNet", "Visin", "Bradbury"}
    for name in (*SCRIPTS, "common.py"):
        source = (ROOT / name).read_text()
        tree = ast.parse(source)
        secret |= {found for node in tree.body for found in handout._defines(node)} - kept - {
            "build_model", "train", "main"}
        if name != "common.py":
            secret |= set(re.split(r"(?<=\.)\s+", ast.get_docstring(tree))[1:])
            comments = [token.string.strip("# ") for token in tokenize.generate_tokens(io.StringIO(source).readline)
                        if token.type == tokenize.COMMENT]
            secret |= {text for text in comments if text.count(" ") > 2 and "only now" not in text}
    secret -= {"convolution", "batches", "first: it starts the clock and keeps TensorFlow quiet"}
    assert {"RandomDistortion", "AugmentationMean", "MinimalRecurrentCell", "WEIGHT_DECAY"} <= secret
    assert len(secret) > 80
    for name, text in texts.items():
        text = " ".join(text.split())
        found = [thing for thing in secret if re.search(rf"\b{re.escape(' '.join(thing.split()))}", text)]
        assert not found, name


def test_the_solution_fits_in(handed_out):
    """The whole of task 1, and the others with a training of some steps."""
    replaced = dict.fromkeys(SCRIPTS[1:], {"EPOCHS": 1, "STEPS_PER_EPOCH": 5})
    for script in SCRIPTS:
        path = handed_out / script
        path.write_text(solved(path.read_text(), script, **replaced.get(script, {})))
        ran = run(path)
        assert (ran.returncode, ran.stderr) == (0, ""), script
        *errors, parameters, _ = map(float, ran.stdout.split())
        assert len(errors) == len(runs.SCRIPTS[script][0])
        assert f" {parameters:.0f} " in (ROOT / script).read_text()
        assert errors[0] == 0 if script in SCRIPTS[:2] else errors[0] > 0


def test_secret_digits(tmp_path):
    command = [sys.executable, ROOT / "tools" / "handout.py", tmp_path / "a", "--secret", tmp_path / "test.txt"]
    assert subprocess.run(command).returncode == 0
    both = (tmp_path / "a" / "dataset.txt").read_bytes() + (tmp_path / "test.txt").read_bytes()
    assert both == (ROOT / "dataset.txt").read_bytes()
    ran = subprocess.run(command, capture_output=True, text=True)  # nothing is overwritten
    assert (ran.returncode, ran.stderr) == (2, f"handout.py: error: {tmp_path / 'a'}: File exists\n")


def test_the_baseline_is_graded_and_told_apart(tmp_path, handed_out):
    """With predictions, so measured; far from the limit, and nothing was changed that was to stay."""
    folder = tmp_path / "class" / "baseline"
    folder.mkdir(parents=True)
    (folder / CNN).write_bytes(handout.files(baseline=True)[CNN])  # the shared files need not be handed in
    command = [sys.executable, ROOT / "tools" / "grade.py", "--submissions", folder.parent, "--runs", "1", "--handout",
               handed_out, "--json", tmp_path / "r.json", CNN]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
    verdict = json.loads((tmp_path / "r.json").read_text())["verdicts"]["baseline"][CNN]
    assert verdict["state"] == "not valid" and verdict["basis"] == "measured", ran.stderr
    assert verdict["mean"][0] > 12 and all("is over 12%" in reason for reason in verdict["reasons"])
    assert verdict["findings"].items() >= dict.fromkeys(changes.PARTS, "passed").items() and not verdict["remarks"]
    assert verdict["changed"][0] == verdict["changed"][1] + 1 == 5


def test_a_student_checks_a_script(handed_out):
    """Once it was run for them, with nothing but what was handed out; there is no verdict, but what to mend."""
    (handed_out / CNN).write_bytes(handout.files(baseline=True)[CNN])
    ran = subprocess.run([sys.executable, "check_my_handin.py", CNN], cwd=handed_out, capture_output=True, text=True,
                         timeout=200)
    assert ran.returncode == 0 and "valid, high" not in ran.stdout, ran.stderr
    assert ran.stdout.startswith(f"{CNN}\n  digits error ") and "measured; limit 12%" in ran.stdout
    assert "is over 12%" in ran.stdout and "The network has to become better" in ran.stdout


def test_what_was_changed(handed_out):
    files = grade.read_handout(handed_out)
    solution = {CNN: solved(files[CNN].decode(), CNN).encode()}
    formatted = {CNN: ast.unparse(ast.parse(files[CNN])).encode()}
    cases = {  # what a hand-in changes: (the check that fails or None, a part of the reason or the remark)
        "the solution": (solution, None, ""),
        "formatted anew": (formatted, None, ""),
        "main": ({CNN: files[CNN].replace(b"build_model()\n    train", b"build_model()\n    x = 1\n    train")},
                 changes.MAIN, f"{CNN}: main changed"),
        "errors": ({"common.py": files["common.py"].replace(b"100 * np.mean(np.where", b"50 * np.mean(np.where")},
                   changes.MEASURING, "common.py: errors changed"),
        "report": ({"common.py": files["common.py"].replace(b"{error:.2f}", b"{error / 2:.2f}")}, changes.MEASURING,
                   "common.py: Task.report changed"),
        "halves": ({"common.py": files["common.py"].replace(b"self._count // 2", b"self._count - 9")}, changes.READING,
                   "common.py: Task.__init__ changed"),
        "reader": ({"support/data_file.py": b"broken("}, changes.READING, "support/data_file.py: all of it changed"),
        "figures": ({"support/figures.py": files["support/figures.py"].replace(b"= 50", b"= 60")}, None,
                    "support/figures.py was not to be changed: MOST_MISCLASSIFIED"),
        "comments": ({"common.py": files["common.py"].replace(b"FOLDS = 5  #", b"FOLDS = 5  # five").replace(
            b"(n, 28, 28, 1) as a", b"as a")}, None, ""),
    }
    for name, (new, check, text) in cases.items():
        assert any(files[path] != content for path, content in new.items()), name
        compared = changes.compare(files, files | new, CNN, CNN)
        failed = {check for check, finding in compared["findings"].items() if finding != "passed"}
        assert failed == ({check} if check else set()), name
        said = compared["findings"].get(check) or " ".join(compared["remarks"])
        assert text in said and (text or not said), name
        assert compared["added"] and compared["differences"].keys() == new.keys(), name
        page = report._changes(compared)
        assert page.tag == "details"


def test_lines_that_are_gone(handed_out):
    """Rows side by side; whoever throws away most of a file hears of it."""
    files = grade.read_handout(handed_out)
    rows = changes.side_by_side(b"a\nb\nc\n" + b"x\n" * 9 + b"d", b"a\nB\nb2\nc\n" + b"x\n" * 9)
    assert rows == [[False, "a", "a"], [True, "b", "B"], [True, None, "b2"], [False, "c", "c"], [False, "x", "x"], None,
                    [False, "x", "x"], [False, "x", "x"], [True, "d", None]]
    compared = changes.compare(files, files | {"support/figures.py": b""}, CNN, CNN)
    assert any(remark.startswith("needless changes: ") for remark in compared["remarks"])
