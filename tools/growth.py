"""Measure how the error falls with more training digits and with longer training, and what that costs.

    python tools/growth.py --figures docs/figures             two runs per point: half an hour on two cores
    python tools/growth.py --figures DIR --runs 1 task3_cnn.py

Trains on the first 100 to 1,000 training digits, and on all of them with 1/16 of the steps up to twice as many, and
measures the test error. Saves the plots of docs/growth.md (digits.png and steps.png) in DIR and prints their tables.
"""

import re
import sys
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from measuring.growth_figures import draw_digits, draw_steps
from measuring.runs import changed, machine, run, run_in_turn, scripts_parser, table
from project import ROOT, TASKS

COUNTS = [100, 200, 400, 700, 1000]  # of training digits
STEPS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2]  # times those of the script


def fewer_digits(script, count, folder):
    """Return a job that runs a script with the first `count` training digits and all test digits.

    Both are written to a folder, as files.
    """
    lines = (ROOT / "dataset.txt").read_text().splitlines(keepends=True)
    half = len(lines) // 2
    training, test = Path(folder) / f"{count}.txt", Path(folder) / "test.txt"
    training.write_text("".join(lines[:count]))
    test.write_text("".join(lines[half:]))
    return lambda _: run(script, "--dataset", str(training), "--test", str(test))


def other_steps(script, factor):
    """Return a job that runs a script with `factor` times its steps."""
    steps = re.search(r"^STEPS_PER_EPOCH = (\d+)", (ROOT / script).read_text(), re.MULTILINE)[1]
    new = f"STEPS_PER_EPOCH = {max(1, round(factor * int(steps)))}"

    def job(_):
        with changed(script, [(f"STEPS_PER_EPOCH = {steps}", new)]) as path:
            return run(path)
    return job


def means(results):
    """Return the mean errors and seconds of Results as cells of a table."""
    errors = zip(*(result.errors for result in results))
    return [*(f"{mean(error):.2f}" for error in errors), f"{mean(result.seconds for result in results):.1f}"]


def main():
    """Run everything in turn, print the table, draw the plots."""
    parser = scripts_parser(__doc__, runs=2)
    parser.add_argument("--figures", metavar="DIR", required=True, help="where to save the plots")
    options = parser.parse_args()
    scripts = options.scripts or list(TASKS)
    Path(options.figures).mkdir(parents=True, exist_ok=True)

    jobs, by_count, by_steps = {}, {}, {}
    with TemporaryDirectory() as folder:
        for script in scripts:
            by_count[script] = {count: f"{script} with {count} digits" for count in COUNTS}
            by_steps[script] = {factor: f"{script} with {factor:g} times the steps" for factor in STEPS}
            by_steps[script][1] = by_count[script][1000]  # the baseline, which needs no second job
            jobs |= {name: fewer_digits(script, count, folder) for count, name in by_count[script].items()}
            jobs |= {name: other_steps(script, factor) for factor, name in by_steps[script].items() if factor != 1}
        runs = run_in_turn(jobs, options.runs)
    for points in (*by_count.values(), *by_steps.values()):
        points |= {setting: runs[name] for setting, name in points.items()}

    print(f"Means of {options.runs} run{'s' * (options.runs > 1)} on {machine()}.\n")
    for head, points in (("training digits", by_count), ("steps, times the script's", by_steps)):
        for script in scripts:
            names = TASKS[script].errors
            print(table([f"`{script}`: {head}", *(f"{name} error, %" for name in names), "seconds"],
                        [[f"{setting:g}", *means(results)] for setting, results in points[script].items() if results],
                        (len(names) + 2) * "r"), end="\n\n")
    draw_digits(by_count).savefig(Path(options.figures) / "digits.png", dpi=100)
    draw_steps(by_steps).savefig(Path(options.figures) / "steps.png", dpi=100)
    return 0 if all(len(results) == options.runs for results in runs.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
