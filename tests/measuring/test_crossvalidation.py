"""Cross-validation: predictions out of fold and in their places, a file of results that goes on, the table."""

import json
import sys

import common
from measuring import ablation, crossvalidation, folds, results, tables
from measuring.train_fold import train_fold
from project import TASKS

import numpy as np
import pytest
from conftest import DATASET
from trainings import LABELS, FirstPixels, result_of_fold

CHANGE = ["EPOCHS = 20", "EPOCHS = 1"]


@pytest.fixture
def trained(monkeypatch):
    """Replace the training of a fold by predictions, better ones for a change; return the list of what was trained."""
    trained = []

    def train_changed(script, changes, repeat, fold):
        trained.append((repeat, fold, changes))
        return result_of_fold(repeat, fold, 0.2 if changes else 0.1)

    monkeypatch.setattr(crossvalidation, "train_changed", train_changed)
    monkeypatch.setattr(crossvalidation, "training_labels", lambda: LABELS)
    return trained


@pytest.fixture
def crossvalidate(monkeypatch, tmp_path, capsys):
    """Return a function that runs the program with a change of task 3, and returns the rows that it prints."""
    def run(*arguments, change=CHANGE):
        (tmp_path / "variants.json").write_text(json.dumps({"short": [change]}))
        monkeypatch.setattr(sys, "argv", ["crossvalidate.py", "task3_cnn.py", "--results", str(tmp_path / "results"),
                                          "--variants", str(tmp_path / "variants.json"), *arguments])
        capsys.readouterr()
        assert crossvalidation.main("", choose_variants=True) == 0
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][2:]
    return run


@pytest.mark.parametrize("reconstructs", [False, True])
def test_predictions_are_out_of_fold_and_in_the_order_of_the_data(reconstructs):
    script, repeat = FirstPixels(reconstructs), 3
    parts = {(repeat, fold): json.loads(json.dumps(train_fold(script, repeat, fold))) for fold in range(1, 6)}
    digits = common.read_digits(DATASET, 0, 1000)
    images = {image.tobytes() for image in digits.images}
    held_out = []
    for training in script.trained:
        rest = {image.tobytes() for image in training.images}
        assert rest < images  # no digit of the test half
        held_out.append(images - rest)
    assert sum(map(len, held_out)) == len(set.union(*held_out)) == len(images)  # each digit is held out once
    predictions, used = folds.out_of_fold(5, folds.training_labels(), lambda *job: parts.get(job))
    assert list(predictions) == list(used) == [repeat]
    probabilities = common.predict(script.build_model(), digits.images)["digit"]
    assert np.exp(predictions[repeat]) == pytest.approx(probabilities, abs=1e-4)
    if reconstructs:  # a white image is wrong where there is ink
        assert np.mean([part["reconstruction"] for part in used[repeat]]) == pytest.approx(100 * digits.images.mean())
    else:
        assert "reconstruction" not in used[repeat][0]


def test_an_incomplete_repeat_is_left_out():
    parts = {(0, fold): result_of_fold(0, fold) for fold in range(1, 5)}
    assert folds.out_of_fold(1, LABELS, lambda *job: parts.get(job)) == ({}, {})


def test_a_process_trains_a_changed_copy(monkeypatch, tmp_path):
    """It imports what stands beside the copy, not the project's own, wherever the program was started."""
    monkeypatch.chdir(tmp_path)
    check = ("import keras\n", "import keras\nimport os, support\n"
             "assert os.path.dirname(os.path.dirname(support.__file__)) == os.path.dirname(__file__) == os.getcwd()\n")
    result = folds.train_changed("task1_autoencoder.py", [check], 0, 5)
    assert result.keys() == {"parameters", "seconds", "reconstruction"}
    assert result["parameters"] == 8 and result["reconstruction"] == 0


def test_a_training_that_fails_is_said():
    with pytest.raises(ValueError, match="task1_autoencoder 2 3 ended with status 1: AssertionError: no"):
        folds.train_changed("task1_autoencoder.py", [("import common ", "assert False, 'no'\nimport common ")], 2, 3)


def test_variants_take_turns_and_trainings_are_kept(trained, crossvalidate, tmp_path):
    first, second = crossvalidate("--repeats", "1")
    assert len(trained) == 10
    assert sorted(map(str, trained[:4])) == sorted(map(str, [(0, fold, change) for fold in (1, 2)
                                                             for change in ([], [CHANGE])]))
    assert first.startswith("| baseline | 1 |") and second.startswith("| short | 1 |")

    (tmp_path / "results").write_text((tmp_path / "results").read_text()[:-9])  # ended in the middle of a line
    trained.clear()
    assert crossvalidate("--repeats", "1") == [first, second]
    assert len(trained) == 1
    trained.clear()
    assert crossvalidate("--repeats", "2")[1].startswith("| short | 2 |")
    assert {repeat for repeat, *_ in trained} == {1} and len(trained) == 10
    lines = [json.loads(line) for line in (tmp_path / "results").read_text().splitlines()
             if line.endswith("}")]
    assert len(lines) == 20 and {frozenset(line) for line in lines} == {frozenset(
        [*results.KEY, "variant", "parameters", "seconds", "log_probabilities"])}

    trained.clear()
    (row,) = crossvalidate("--repeats", "2", "--report", change=["EPOCHS = 20", "EPOCHS = 2"])
    assert row.startswith("| baseline |") and not trained  # the same name, but not the same script


def test_the_ablation_is_the_default(trained, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(ablation, "CHANGES", {"task4_rnn.py": {"none": []}})
    monkeypatch.setattr(sys, "argv", ["ablation.py", "--results", str(tmp_path / "results"), "--repeats", "1"])
    assert crossvalidation.main("", choose_variants=False) == 0
    *_, first, second, _ = capsys.readouterr().out.splitlines()
    assert first.startswith("| baseline | 1 |") and second.startswith("| none | 1 |")


def test_a_change_that_does_not_fit_is_one_line(crossvalidate, capsys):
    with pytest.raises(SystemExit) as end:
        crossvalidate(change=["no such text", ""])
    assert end.value.code == 2 and capsys.readouterr().err.count("\n") == 1


def test_rows():
    variants, kept = {"baseline": ("0", []), "better": ("1", []), "none": ("2", [])}, {}
    for name, probability, reconstruction in (("0", 0.05, 0.5), ("1", 0.3, 0.0)):
        for repeat in range(2):
            for fold in range(1, 6):
                result = result_of_fold(repeat, fold, probability + 0.01 * repeat, reconstruction * fold)
                kept["task2_multitask.py", name, repeat, fold] = result
    first, second = tables.rows("task2_multitask.py", variants, 3, kept, LABELS)
    *left, loss, difference, parameters, seconds = first
    assert left == ["baseline", 2, "1.500", "100.00", ""] and (difference, parameters, seconds) == ("", "10", "2")
    assert len(first) == len(second) == len(tables.head("task2_multitask.py"))
    assert second[:5] == ["better", 2, "0.000", "0.00", "-100.00 (-100.00 to -100.00)"]
    assert second[6].startswith(f"{float(second[5]) - float(loss):+.3f}")


@pytest.mark.parametrize("script", TASKS)
def test_heads(script):
    head, names = tables.head(script), TASKS[script].errors
    assert [cell for cell in head if cell.endswith(" error, %")] == [f"{name} error, %" for name in names]
    assert ("log loss" in head) == ("digit" in names)
