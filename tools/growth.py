"""Measure how the error falls with more training digits and with longer training, and what that costs.

    python tools/growth.py --figures docs/figures             two runs per point: half an hour on two cores
    python tools/growth.py --figures DIR --runs 1 task3_cnn.py

Trains on the first 100 to 1,000 training digits, and on all of them with 1/16 of the steps up to twice as many, and
measures the test error. Saves the plots of docs/growth.md (digits.png and training.png) in DIR and prints their tables.
"""

import re
import sys
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import matplotlib
from measuring.runs import changed, machine, run, run_in_turn, scripts_parser, table
from project import ROOT, TASKS

matplotlib.use("agg")
import matplotlib.pyplot as plt

DIGITS = [100, 200, 400, 700, 1000]
STEPS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2]  # times those of the script
TICKS = [0, 1, 2, 5, 10, 20, 50, 100]  # of errors, in %
COLOURS = ["#94a4a2", "#3f90da", "#832db6", "#bd1f01", "#ffa90e"]


def fewer_digits(script, count, folder):
    """Return a job that runs a script with the first `count` training digits and all test digits."""
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


def curves(points):
    """Yield label, setting: Results, and number of the error, for each error of each script in `points`."""
    for script, settings in points.items():
        names = TASKS[script].errors
        for number, name in enumerate(names):
            label = script.removesuffix(".py") + (f", {name}" if len(names) > 1 else "")
            yield label, {setting: results for setting, results in settings.items() if results}, number


def draw_digits(points):
    """Return the figure of error and time by the number of training digits: {script: {digits: [Result, ...]}}."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 8), sharex=True, layout="constrained")
    figure.suptitle("More training digits")
    for colour, (label, settings, number) in zip(COLOURS, curves(points)):
        errors = [[result.errors[number] for result in results] for results in settings.values()]
        _plot(above, settings, errors, label, colour)
        if number == 0:
            seconds = [[result.seconds for result in results] for results in settings.values()]
            _plot(below, settings, seconds, label, colour)
    above.set(xscale="log", xticks=DIGITS)
    below.set(ylabel="seconds, whole process", xlabel="training digits", ylim=(0, None))
    return _finish(figure, above, below)


def draw_training(points):
    """Return the figure of the error by the seconds of a run: {script: {factor: [Result, ...]}}."""
    figure, panel = plt.subplots(figsize=(7, 5), layout="constrained")
    for colour, (label, settings, number) in zip(COLOURS, curves(points)):
        _plot(panel, [mean(result.seconds for result in results) for results in settings.values()],
              [[result.errors[number] for result in results] for results in settings.values()], label, colour)
    panel.set(title="Longer training", xlabel="seconds, whole process", xscale="log", xticks=[5, 10, 20, 50, 100])
    return _finish(figure, panel)


def _plot(panel, x, values, label, colour):
    middle = [mean(value) for value in values]
    panel.plot(list(x), middle, "o-", color=colour, label=label)
    panel.vlines(list(x), [min(value) for value in values], [max(value) for value in values], color=colour)


def _finish(figure, *panels):
    """Finish the panels of a figure, the first of which shows errors."""
    highest = panels[0].dataLim.y1
    panels[0].set(ylabel="test error in %", yscale="symlog", yticks=TICKS, ylim=(0, 1.2 * max(highest, 1)))
    for panel in panels:
        panel.xaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    panels[0].legend()
    return figure


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

    jobs, digits, training = {}, {}, {}
    with TemporaryDirectory() as folder:
        for script in scripts:
            digits[script] = {count: f"{script} with {count} digits" for count in DIGITS}
            training[script] = {factor: f"{script} with {factor:g} times the steps" for factor in STEPS}
            training[script][1] = digits[script][1000]  # the baseline, which needs no second job
            jobs |= {name: fewer_digits(script, count, folder) for count, name in digits[script].items()}
            jobs |= {name: other_steps(script, factor) for factor, name in training[script].items() if factor != 1}
        runs = run_in_turn(jobs, options.runs)
    for points in (*digits.values(), *training.values()):
        points |= {setting: runs[name] for setting, name in points.items()}

    print(f"Means of {options.runs} runs on {machine()}.\n")
    for head, points in (("training digits", digits), ("steps, times the script's", training)):
        for script in scripts:
            names = TASKS[script].errors
            print(table([f"`{script}`: {head}", *(f"{name}, error in %" for name in names), "seconds"],
                        [[f"{setting:g}", *means(results)] for setting, results in points[script].items() if results],
                        (len(names) + 2) * "r"), end="\n\n")
    draw_digits(digits).savefig(Path(options.figures) / "digits.png", dpi=100)
    draw_training(training).savefig(Path(options.figures) / "training.png", dpi=100)
    return 0 if all(len(results) == options.runs for results in runs.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
