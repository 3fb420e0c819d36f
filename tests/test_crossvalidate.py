"""tools/crossvalidate.py: folds, predictions in their places, losses and intervals, a file of results that goes on."""

import sys

import numpy as np
import pytest
from conftest import DATASET, ROOT

sys.path.insert(0, str(ROOT / "tools"))

import common

import compare
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
    variants.write_text('{"short": [["EPOCHS = 20", "EPOCHS = 1"]]}')
    arguments = ["crossvalidate.py", "task3_cnn.py", "--results", str(path), "--variants", str(variants), "--repeats"]
    monkeypatch.setattr(sys, "argv", [*arguments, "1"])
    assert crossvalidate.main() == 0
    assert len(changes) == 10
    assert {change for *_, change in changes[:4]} == {"[]", "[['EPOCHS = 20', 'EPOCHS = 1']]"}
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
    variants.write_text('{"short": [["EPOCHS = 20", "EPOCHS = 2"]]}')  # the same name, but not the same script
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
        low, high = crossvalidate.interval(more - more.mean() + mean)
        assert 3 < count < 100 and high - mean == pytest.approx(-mean, rel=0.3)


def test_too_few_digits_for_a_comparison():
    """The digits differ more than the runs, so that more runs do not help."""
    digits = np.random.default_rng(0).normal(size=(1, 1000))
    said = compare.sentence("mine.py", np.repeat(digits - digits.mean() + 0.02, 3, axis=0))
    assert said.startswith("No difference to be seen: +0.02 points") and "too few" in said


def test_compare_two_scripts(tmp_path, monkeypatch, capsys):
    paths = [tmp_path / "task3_cnn.py", tmp_path / "mine.py"]
    for path in paths:
        path.write_text(SCRIPT)
    right = np.log(np.full((200, 10), 0.1)).tolist()
    monkeypatch.setattr(compare, "run_path", lambda path, repeat, fold: {"log_probabilities": right})
    monkeypatch.setattr(sys, "argv", ["compare.py", *map(str, paths), "--repeats", "2"])
    assert compare.main() == 0
    before, after, said = capsys.readouterr().out.splitlines()
    assert before == "task3_cnn.py: 90.00% in 2 repeats of 5 folds" and after.startswith("mine.py: 90.00%")
    assert said.startswith("No difference to be seen: +0.00 points")
    for broken, message in (tmp_path / "none.py", "none.py: no such script"), (tmp_path / "b.py", "b.py ended with"):
        (tmp_path / "b.py").write_text("raise ImportError('no')")
        monkeypatch.setattr(compare, "run_path", crossvalidate.run_path)
        monkeypatch.setattr(sys, "argv", ["compare.py", str(broken), str(broken)])
        with pytest.raises(SystemExit):
            compare.main()
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
