"""tools/support_vectors.py: the support vector machines of the benchmark."""

import sys
import time

from measuring.runs import parse_line

import numpy as np
import pytest
import support_vectors
from conftest import DATASET


@pytest.fixture
def small(write):
    digits = DATASET.read_bytes().splitlines()
    return write(digits[:300] + digits[1000:1300])


def test_it_learns(small, monkeypatch, capsys):
    monkeypatch.setattr(support_vectors, "START", time.perf_counter())  # not when this process imported it
    support_vectors.main("pixels", small)
    (error,), parameters, _ = parse_line(capsys.readouterr().out, 1)
    assert 0 < error < 30 and 784 * 10 < parameters < 300 * (784 + 9) + 45


def test_the_features_are_those_of_the_name(small, monkeypatch, capsys):
    monkeypatch.setitem(support_vectors.FEATURES, "scattering", lambda images: np.zeros((len(images), 2)))
    support_vectors.main("scattering", small)
    (error,), _, _ = parse_line(capsys.readouterr().out, 1)
    assert error > 80  # nothing can be told from zeros


def test_without_kymatio(small, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "kymatio.numpy", None)
    with pytest.raises(SystemExit):
        support_vectors.main("scattering", small)
    assert capsys.readouterr().err.endswith("python -m pip install -r tools/measuring/requirements.txt\n")
