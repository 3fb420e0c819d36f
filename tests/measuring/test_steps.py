"""tools/milliseconds.py: what it times."""

import sys

import common
import task3_cnn
from measuring import steps
from project import ROOT

import milliseconds
import pytest
from conftest import without_graphs


@pytest.mark.parametrize("name", steps.CONDITIONS)
def test_a_condition(name, monkeypatch):
    """What it replaces is used."""
    used = []

    def noting(replacement):
        def note(*arguments, **options):
            used.append((arguments, options))
            return replacement(*arguments, **options)
        return note

    condition = steps.CONDITIONS[name]
    replaced = [(module, attribute, noting(replacement)) for module, attribute, replacement in condition.replaced]
    monkeypatch.setattr(task3_cnn, "STEPS_PER_EPOCH", 2)
    monkeypatch.setattr(task3_cnn, "BATCH_SIZE", 4)
    digits = common.read_digits(common.DATASET, 0, 200)
    monkeypatch.setattr(common, "read_digits", lambda *_: digits)
    with without_graphs():
        assert 0 < steps.milliseconds(task3_cnn, condition._replace(replaced=tuple(replaced)), 1) < 60_000
    assert bool(used) == bool(replaced)
    if name.endswith("XLA"):
        assert any(options.get("jit_compile") for _, options in used)


def test_the_table(monkeypatch, capsys):
    ran = []

    def run_module(module, *arguments, folder):
        ran.append((module, *arguments, folder))
        return 4.0 + len(ran)

    monkeypatch.setattr(milliseconds, "run_module", run_module)
    monkeypatch.setattr(sys, "argv", ["milliseconds.py", "--runs", "3", "task3_cnn.py"])
    assert milliseconds.main() == 0
    count = len(steps.CONDITIONS)
    assert len(ran) == 3 * count and ran[0] == ("steps", "task3_cnn", next(iter(steps.CONDITIONS)), 10, ROOT)
    assert f"| {next(iter(steps.CONDITIONS))} | {5 + count:.1f} |" in capsys.readouterr().out
