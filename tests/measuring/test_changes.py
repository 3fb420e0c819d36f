"""measuring/ablation.py: the changes of the scripts."""

import common
from measuring.ablation import CHANGES
from measuring.runs import changed
from project import TASKS

import numpy as np
import pytest
from conftest import DATASET, without_graphs


@pytest.mark.parametrize("script, name", [(script, name) for script in CHANGES for name in CHANGES[script]])
def test_a_change_can_be_trained(script, name):
    with changed(script, CHANGES[script][name]) as path:
        module = {"__name__": "changed"}
        exec(compile(path.read_text(), path, "exec"), module)
    constants = {"EPOCHS": 1, "STEPS_PER_EPOCH": 1, "BATCH_SIZE": 4}
    module |= {constant: value for constant, value in constants.items() if constant in module}
    model = module["build_model"]()
    before = model.get_weights()
    digits = common.read_digits(DATASET, 0, 4)
    with without_graphs():
        module["train"](model, digits)
    assert any((old != new).any() for old, new in zip(before, model.get_weights()))
    outputs = common.as_dictionary(model(digits.images))
    assert list(outputs) == TASKS[script].errors
    assert all(len(output) == 4 and np.isfinite(output).all() for output in outputs.values())
    if name == "a recurrent weight for each gate":
        assert model.count_params() == 10_306  # of each direction


def test_every_network_has_changes():
    """Task 2 consists of the others' parts."""
    assert set(CHANGES) == set(TASKS) - {"task2_multitask.py"} and all(CHANGES.values())
