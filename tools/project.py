"""The project as its tools see it: where it is, and its tasks with their limits; needs the standard library only.

Importing this module puts the project on the path of modules, so that `common` and `support` can be imported.
"""

import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))


class Task(NamedTuple):
    """A task of the assignment: the errors that its script prints, in order, and the limits of their means over runs.

    errors: names of the model's outputs. limits, high_performance: of these errors in %, None for none.
    """

    errors: list
    limits: list
    high_performance: list
    parameters: int
    minutes: int


TASKS = {  # by the name of the script
    "task1_autoencoder.py": Task(["reconstruction"], [8], [4], 1_100_000, 3),
    "task2_multitask.py": Task(["reconstruction", "digit"], [10, 15], [5, None], 1_500_000, 3),
    "task3_cnn.py": Task(["digit"], [12], [9], 1_000_000, 5),
    "task4_rnn.py": Task(["digit"], [12], [9], 100_000, 5),
}
