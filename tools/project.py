"""The project as its tools see it: where it is, and its tasks with their limits; needs the standard library only.

Importing this module puts the project on the path of modules, so that `common` and `support` can be imported.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))


class Task(NamedTuple):
    """A task of the assignment, by which it is handed out, checked and graded. docs/grading.md says how to add one.

    errors: what its script prints the errors of, in order: "reconstruction", of pixels, or "digit", of classes. limits,
    high_performance: of their means over the runs in %, None for none. parameters, minutes: the other limits.
    title: what the script becomes. rules: what students must keep besides the limits. checks: what the models that
    predict must be, by the names in tools/grading/models.py. audits: how the data are altered, as in
    tools/grading/audits.py.
    """

    errors: list
    limits: list
    high_performance: list
    parameters: int
    minutes: int
    title: str
    rules: list
    checks: list
    audits: list


RUNS = 5  # of each script, by the grader of the assignment: their mean counts


def task_number(task):
    """Return the number of a task. task: the name of its script, or the begin of it, such as task3."""
    return int(re.match(r"task(\d+)", task)[1])


THOUGHT_RULES = ["a layer called `thought_vector` has the output (batch, 256), always between -1 and 1",
                 "all that comes after it depends on nothing else"]
THOUGHT_CHECKS = ["thought vector of 256", "thought vector in [-1, 1]", "outputs see the thought vector only"]
TASKS = {  # by the name of the script
    "task1_autoencoder.py": Task(
        errors=["reconstruction"], limits=[8], high_performance=[4], parameters=1_100_000, minutes=3,
        title="an autoencoder that regenerates handwritten digits",
        rules=THOUGHT_RULES, checks=THOUGHT_CHECKS, audits=["blocks"]),
    "task2_multitask.py": Task(
        errors=["reconstruction", "digit"], limits=[10, 15], high_performance=[5, None],
        parameters=1_500_000, minutes=3,
        title="an autoencoder of handwritten digits whose thought vector also tells the digit",
        rules=[*THOUGHT_RULES, "the digit is read off the thought vector, by layers of its own"],
        checks=[*THOUGHT_CHECKS, "both outputs read the thought vector"], audits=["contradiction", "blocks"]),
    "task3_cnn.py": Task(
        errors=["digit"], limits=[12], high_performance=[9], parameters=1_000_000, minutes=5,
        title="a convolutional network that classifies handwritten digits",
        rules=["the network has at least one convolution layer"], checks=["a convolution layer"],
        audits=["contradiction"]),
    "task4_rnn.py": Task(
        errors=["digit"], limits=[12], high_performance=[9], parameters=100_000, minutes=5,
        title="a recurrent network that classifies handwritten digits",
        rules=["the network has at least one recurrent layer, and no convolution layer"],
        checks=["a recurrent layer", "no convolution"], audits=["contradiction"]),
}
NUMBERS = [task_number(task) for task in TASKS]
