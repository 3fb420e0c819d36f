"""Measure the milliseconds of a training step, and of prediction, with what common.py does for them and without.

    python tools/milliseconds.py                              tasks 3 and 4, five rounds, about ten minutes
    python tools/milliseconds.py --runs 1 --epochs 1 task3_cnn.py

Each measurement is a process of its own, since threads are state of a process, and all take turns. Nothing else heavy
should run at the same time. Prints a table of medians.
"""

import sys
from functools import partial
from statistics import median

from measuring.processes import run_module
from measuring.runs import machine, positive_integer, run_in_turn, scripts_parser, table
from measuring.steps import CONDITIONS
from project import ROOT


def measure(script, condition, epochs, _):
    """Return the milliseconds of a script under a condition. Starts a process; raises ValueError if it fails."""
    return round(run_module("steps", script.removesuffix(".py"), condition, epochs, folder=ROOT), 2)


def main():
    """Measure in turn, print the table; return the exit status."""
    parser = scripts_parser(__doc__, runs=5)
    parser.add_argument("--epochs", type=positive_integer, default=10, metavar="N",
                        help="of a training, after one that does not count (default: 10)")
    options = parser.parse_args()
    scripts = options.scripts or ["task3_cnn.py", "task4_rnn.py"]
    jobs = {f"{script}, {condition}": partial(measure, script, condition, options.epochs)
            for condition in CONDITIONS for script in scripts}
    results = run_in_turn(jobs, options.runs)
    medians = {name: f"{median(runs):.1f}" if runs else "" for name, runs in results.items()}
    print(f"Milliseconds, medians of {options.runs} run{'s' * (options.runs > 1)} on {machine()}.\n")
    print(table(["", *(f"`{script}`" for script in scripts)],
                [[condition, *(medians[f"{script}, {condition}"] for script in scripts)] for condition in CONDITIONS],
                "l" + "r" * len(scripts)))
    return 0 if all(len(runs) == options.runs for runs in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
