"""tools/compare.py: what it says of two scripts."""

import sys

import common  # noqa: F401 (before Keras)
from measuring.folds import train
from measuring.intervals import interval

import compare
import numpy as np
import pytest
from trainings import LABELS, result_of_fold


@pytest.mark.parametrize("mean, noise, text", [
    (-3, 1, "mine.py is better: -3"), (3, 1, "mine.py is worse: +3"), (-0.2, 9, "repeats show it"),
    (0, 1, "No difference to be seen"),
])
def test_a_comparison_in_a_sentence(mean, noise, text):
    """The number of repeats that it names is one that shows the difference."""
    noise = noise * np.random.default_rng(0).normal(size=(3, 1000))
    said = compare.sentence("mine.py", noise - noise.mean() + mean)
    assert text in said and "with 95% confidence" in said
    if "repeats show it" in text:
        count = int(said.split("about ")[1].split()[0])
        more = 9 * np.random.default_rng(1).normal(size=(count, 1000))
        _, high = interval(more - more.mean() + mean)
        assert 3 < count < 100 and high - mean == pytest.approx(-mean, rel=0.3)


def test_too_few_digits_for_a_comparison():
    """The digits differ more than the runs, so that more runs do not help."""
    digits = np.random.default_rng(0).normal(size=(1, 1000))
    said = compare.sentence("mine.py", np.repeat(digits - digits.mean() + 0.02, 3, axis=0))
    assert said.startswith("No difference to be seen: +0.02 points") and "too few" in said


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that compares before.py with after.py, and returns the lines that it prints.

    result_of: takes the name of a script, repeat and fold; None: trains.
    """
    for name in "before.py", "after.py":
        (tmp_path / name).write_text("raise ImportError('no')")
    monkeypatch.setattr(compare, "training_labels", lambda folder: LABELS)

    def run(result_of, names=("before.py", "after.py")):
        monkeypatch.setattr(compare, "train", (lambda path, *job: result_of(path.name, *job)) if result_of else train)
        monkeypatch.setattr(sys, "argv", ["compare.py", *(str(tmp_path / name) for name in names), "--repeats", "2"])
        assert compare.main() == 0
        return capsys.readouterr().out.splitlines()
    return run


def test_the_same_network_twice(run):
    before, after, said = run(lambda name, repeat, fold: result_of_fold(repeat, fold, 0.01))
    assert before == "before.py: digit error 100.00% in 2 repeats of 5 folds"
    assert after == "after.py: digit error 100.00% in 2 repeats of 5 folds"
    assert said == "No difference at all: the errors are the same."


def test_reconstruction_and_digits_are_compared(run):
    def result_of(name, repeat, fold):
        after = name == "after.py"
        return result_of_fold(repeat, fold, 0.01 if after else 0.5, 3.0 + 0.1 * fold + 0.02 * repeat if after else 5.0)

    lines = run(result_of)
    assert lines[0] == "before.py: reconstruction error 5.00% in 2 repeats of 5 folds"
    assert lines[1] == "after.py: reconstruction error 3.31% in 2 repeats of 5 folds"
    assert lines[2].startswith("after.py is better: -1.69 points")
    assert lines[3:5] == ["before.py: digit error 0.00% in 2 repeats of 5 folds",
                          "after.py: digit error 100.00% in 2 repeats of 5 folds"]
    assert lines[5].startswith("after.py is worse: +100.00 points")


def test_an_autoencoder_alone(run):
    lines = run(lambda name, repeat, fold: {"reconstruction": float(fold)})
    assert len(lines) == 3 and lines[0].startswith("before.py: reconstruction error 3.00%")


def test_scripts_of_different_tasks(run, capsys):
    with pytest.raises(SystemExit):
        run(lambda name, repeat, fold: {"reconstruction": 0.0} if name == "after.py" else result_of_fold(repeat, fold))
    assert "different tasks" in capsys.readouterr().err


@pytest.mark.parametrize("name, message", [("none.py", "none.py: no such script"), ("before.py", "ImportError: no")])
def test_a_mistake_is_one_line(run, name, message, capsys):
    with pytest.raises(SystemExit):
        run(None, [name, "after.py"])
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
