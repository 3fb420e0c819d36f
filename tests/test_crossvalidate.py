"""tools/crossvalidate.py: folds, predictions in their places, losses and intervals, a file of results that goes on."""

import sys

import numpy as np
import pytest
from conftest import DATASET, ROOT

sys.path.insert(0, str(ROOT / "tools"))

import common

import crossvalidate

SCRIPT = """
from keras import Model, layers

trained = []


def build_model():
    image = layers.Input((28, 28, 1))
    return Model(image, layers.Softmax()(layers.Flatten()(image)[:, 300:500:20]))


def train(model, digits, callbacks=()):
    trained.append(digits)
"""
KEY = ("task3_cnn.py", "0" * 16)


@pytest.fixture
def changes(monkeypatch):
    """Replace the training of a fold by uniform predictions; return the list of the folds that were trained."""
    trained = []

    def run_fold(script, changes, repeat, fold):
        trained.append((repeat, fold, str(changes)))
        return {"parameters": 10, "seconds": 2.0, "log_probabilities": [[np.log(0.1)] * 10] * 200}

    monkeypatch.setattr(crossvalidate, "run_fold", run_fold)
    return trained


def test_predictions_are_out_of_fold_and_in_the_order_of_the_data(tmp_path):
    path = tmp_path / "stand_in_for_a_script.py"
    path.write_text(SCRIPT)
    results = {(*KEY, 3, fold): crossvalidate.train_fold(str(path), 3, fold) for fold in range(1, 6)}
    module = sys.modules.pop(path.stem)
    digits = common.read_digits(DATASET, 0, 1000)
    images = {image.tobytes() for image in digits.images}
    for trained in module.trained:
        assert trained.images.shape == (800, 28, 28, 1)
        assert {image.tobytes() for image in trained.images} < images  # no digit of the test half
    predictions, used = crossvalidate.out_of_fold(*KEY, 5, results)
    assert list(predictions) == [3] and len(used) == 5
    probabilities = common.predict(module.build_model(), digits.images)["digit"]
    assert np.exp(predictions[3]) == pytest.approx(probabilities, abs=1e-4)
    held_out = [images - {image.tobytes() for image in trained.images} for trained in module.trained]
    assert sum(map(len, held_out)) == len(set.union(*held_out)) == len(images)  # each digit is held out once


def test_an_incomplete_repeat_is_left_out():
    results = {(*KEY, 0, fold): {"log_probabilities": [[0.0] * 10]} for fold in range(1, 5)}
    assert crossvalidate.out_of_fold(*KEY, 1, results) == ({}, [])


def test_temperature_makes_no_difference():
    rng = np.random.default_rng(0)
    labels = rng.integers(10, size=200)
    logits = 2 * rng.normal(size=(2, 200, 10)) + 4 * np.eye(10)[labels]
    wrong, loss = crossvalidate.losses(logits, labels)
    assert wrong.shape == loss.shape == (2, 200) and set(np.unique(wrong)) <= {0, 100}
    for factor in (0.5, 1.5):
        other_wrong, other_loss = crossvalidate.losses(factor * logits, labels)
        assert np.array_equal(other_wrong, wrong)
        assert other_loss.mean() == pytest.approx(loss.mean(), rel=1e-2)


@pytest.mark.parametrize("digit, repeat, noise", [(1, 0, 1), (0, 0, 5), (1, 0.1, 1)])
def test_intervals_hold_the_mean_in_95_of_100_cases(digit, repeat, noise):
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        low, high = crossvalidate.interval(digit * rng.normal(size=200) + repeat * rng.normal(size=(20, 1))
                                           + noise * rng.normal(size=(20, 200)))
        hits += low < 0 < high
    assert 0.9 < hits / 400 < 0.98


def test_an_interval_from_one_repeat():
    low, high = crossvalidate.interval(np.array([[1.0, -1.0, 1.0, -1.0]]))
    assert low == -high == pytest.approx(-1.96 / np.sqrt(3))


def test_variants_take_turns_and_trainings_are_kept(changes, tmp_path, monkeypatch, capsys):
    path, variants = tmp_path / "results", tmp_path / "variants.json"
    variants.write_text('{"short": [["STEPS = 2500", "STEPS = 10"]]}')
    arguments = ["crossvalidate.py", "task3_cnn.py", "--results", str(path), "--variants", str(variants), "--repeats"]
    monkeypatch.setattr(sys, "argv", [*arguments, "1"])
    assert crossvalidate.main() == 0
    assert len(changes) == 10 and {change for *_, change in changes[:4]} == {"[]", "[['STEPS = 2500', 'STEPS = 10']]"}
    first, second = capsys.readouterr().out.splitlines()[-3:-1]
    assert first.startswith("| baseline | 1 |") and second.startswith("| short | 1 |")
    assert "| +0.00 (+0.00 to +0.00) | 2.3026 | +0.0000 (+0.0000 to +0.0000) | 10 | 2 |" in second

    path.write_text(path.read_text()[:-9])  # ended in the middle of a line
    changes.clear()
    assert crossvalidate.main() == 0
    assert len(changes) == 1
    changes.clear()
    monkeypatch.setattr(sys, "argv", [*arguments, "2"])
    assert crossvalidate.main() == 0
    assert {repeat for repeat, *_ in changes} == {1} and len(changes) == 10

    changes.clear()
    variants.write_text('{"short": [["STEPS = 2500", "STEPS = 11"]]}')  # the same name, but not the same script
    monkeypatch.setattr(sys, "argv", [*arguments, "2", "--report"])
    capsys.readouterr()
    assert crossvalidate.main() == 0
    assert not changes and "short" not in capsys.readouterr().out


def test_a_change_that_does_not_fit_is_one_line(tmp_path, monkeypatch, capsys):
    variants = tmp_path / "variants.json"
    variants.write_text('{"none": [["no such text", ""]]}')
    monkeypatch.setattr(sys, "argv", ["crossvalidate.py", "task3_cnn.py", "--results", str(tmp_path / "results"),
                                      "--variants", str(variants)])
    with pytest.raises(SystemExit) as end:
        crossvalidate.main()
    assert end.value.code == 2 and capsys.readouterr().err.count("\n") == 1
