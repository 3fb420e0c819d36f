"""measuring/fingerprints.py: what a training depends on, and what not."""

import shutil

from measuring import fingerprints, runs

import pytest
from conftest import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a copy of the project, for which fingerprints are taken."""
    for name in (*runs.bundle_files("task3_cnn.py", "task4_rnn.py"), "dataset.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(runs, "ROOT", tmp_path)
    monkeypatch.setattr(fingerprints, "ROOT", tmp_path)
    return tmp_path


def test_what_a_training_imports():
    names = {path.relative_to(ROOT).as_posix() for path in fingerprints.imported_files(ROOT / "task3_cnn.py")}
    assert names >= {"task3_cnn.py", "common.py", "support/__init__.py", "support/data_file.py", "support/startup.py",
                     "support/evaluation.py"}
    assert not names & {f"support/{name}.py" for name in ("figures", "drawing", "training_table", "progress")}


def changed_fingerprint(path, old, new):
    """Return the fingerprint of task 3 before and after a piece of a file changed, and change it back."""
    text = path.read_text()
    assert old in text
    before = fingerprints.fingerprint("task3_cnn.py", [])
    path.write_text(text.replace(old, new, 1))
    after = fingerprints.fingerprint("task3_cnn.py", [])
    path.write_text(text)
    return before, after


@pytest.mark.parametrize("name, old, new", [
    ("task3_cnn.py", "EPOCHS = 20", "EPOCHS = 21"), ("common.py", "prefetch(2)", "prefetch(3)"),
    ("support/data_file.py", "FOLDS = 5", "FOLDS = 6"), ("support/evaluation.py", "batch_size=100", "batch_size=200"),
    ("dataset.txt", "0-0", "1-0"),
])
def test_what_counts(project, name, old, new):
    before, after = changed_fingerprint(project / name, old, new)
    assert before != after


@pytest.mark.parametrize("name, old, new", [
    ("task3_cnn.py", "a small", "A small"), ("task3_cnn.py", "EPOCHS = 20\n", "EPOCHS = 20  # passes\n"),
    ("support/figures.py", "def ", "def x"), ("task4_rnn.py", "EPOCHS = 20", "EPOCHS = 21"),
])
def test_what_does_not_count(project, name, old, new):
    before, after = changed_fingerprint(project / name, old, new)
    assert before == after


def test_the_test_half_does_not_count(project):
    lines = (project / "dataset.txt").read_text().splitlines(keepends=True)
    before = fingerprints.fingerprint("task3_cnn.py", [])
    (project / "dataset.txt").write_text("".join(lines[:1000] + lines[:1000]))
    assert fingerprints.fingerprint("task3_cnn.py", []) == before
    (project / "dataset.txt").write_text("".join(lines[1:1001] + lines[:1000]))
    assert fingerprints.fingerprint("task3_cnn.py", []) != before


def test_a_change_counts():
    before, after = (fingerprints.fingerprint("task3_cnn.py", changes) for changes in
                     ([], [("EPOCHS = 20", "EPOCHS = 10")]))
    assert before != after
