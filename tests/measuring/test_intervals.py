"""measuring/intervals.py: losses at the best temperature, variances and intervals of paired differences."""

from measuring import intervals

import numpy as np
import pytest


def test_temperature_makes_no_difference():
    rng = np.random.default_rng(0)
    labels = rng.integers(10, size=200)
    logits = 2 * rng.normal(size=(2, 200, 10)) + 4 * np.eye(10)[labels]
    wrong, loss = intervals.losses(logits, labels)
    assert wrong.shape == loss.shape == (2, 200) and set(np.unique(wrong)) == {0, 100}
    for factor in (0.5, 1.5):
        other_wrong, other_loss = intervals.losses(factor * logits, labels)
        assert np.array_equal(other_wrong, wrong)
        assert other_loss.mean() == pytest.approx(loss.mean(), rel=1e-2)


def test_log_loss():
    _, loss = intervals.losses(np.log([[[0.5, 0.5], [0.5, 0.5]]]), np.array([0, 1]))
    assert loss == pytest.approx(np.log(2))  # at any temperature


@pytest.mark.parametrize("digit, repeat, noise", [(1, 0, 1), (0, 0, 5), (1, 0.1, 1)])
def test_intervals_hold_the_mean_in_95_of_100_cases(digit, repeat, noise):
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        low, high = intervals.interval(digit * rng.normal(size=200) + repeat * rng.normal(size=(20, 1))
                                       + noise * rng.normal(size=(20, 200)))
        hits += low < 0 < high
    assert 0.9 < hits / 400 < 0.98


def test_an_interval_from_one_repeat():
    low, high = intervals.interval(np.array([[1.0, -1.0, 1.0, -1.0]]))
    assert low == -high == pytest.approx(-1.96 / np.sqrt(3))


@pytest.mark.parametrize("digit, noise", [(1, 0.1), (1, 0.3), (0, 1)])
def test_variances_of_folds_with_other_digits_in_each_repeat(digit, noise):
    """Folds are means of 20 of 100 digits, dealt anew in each repeat; the variance of the mean is known."""
    rng, found = np.random.default_rng(0), []
    for _ in range(400):
        digits = digit * rng.normal(size=100)
        dealt = np.array([rng.permutation(digits) for _ in range(8)]).reshape(8, 5, 20).mean(2)
        found.append(intervals.fold_variances(dealt + noise * rng.normal(size=(8, 5))))
    of_digits, others = np.mean(found, axis=0)
    if digit:
        assert of_digits == pytest.approx(digit**2 / 100, rel=0.15)
    else:
        assert of_digits < 0.3 * noise**2 / 5  # not below zero, so that its mean is above it
    assert others == pytest.approx(noise**2 / 5 / 8, rel=0.15)


def test_variances_of_folds_from_one_repeat():
    assert intervals.fold_variances(np.array([[1.0, -1.0, 1.0, -1.0]])) == (pytest.approx(1 / 3), 0)
