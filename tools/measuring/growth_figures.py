"""The figures of docs/growth.md: error and time by the number of training digits and by the length of the training."""

from statistics import mean

from project import TASKS

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

TICKS = [0, 1, 2, 5, 10, 20, 50, 100]  # of errors, in %
COLOURS = ["#94a4a2", "#3f90da", "#832db6", "#bd1f01", "#ffa90e"]


def curves(points):
    """Yield label, setting: Results, and number of the error, for each error of each script in `points`."""
    for script, settings in points.items():
        names = TASKS[script].errors
        for number, name in enumerate(names):
            label = script.removesuffix(".py") + (f", {name}" if len(names) > 1 else "")
            yield label, {setting: results for setting, results in settings.items() if results}, number


def draw_digits(points):
    """Return the figure of error and time by the number of training digits: {script: {count: [Result, ...]}}."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(7, 8), sharex=True, layout="constrained")
    figure.suptitle("More training digits")
    for colour, (label, settings, number) in zip(COLOURS, curves(points)):
        errors = [[result.errors[number] for result in results] for results in settings.values()]
        _plot(above, settings, errors, label, colour)
        if number == 0:
            seconds = [[result.seconds for result in results] for results in settings.values()]
            _plot(below, settings, seconds, label, colour)
    above.set(xscale="log", xticks=sorted({count for settings in points.values() for count in settings}))
    below.set(ylabel="seconds, whole process", xlabel="training digits", ylim=(0, None))
    return _finish(figure, above, below)


def draw_steps(points):
    """Return the figure of the error by the seconds of a run: {script: {factor: [Result, ...]}}."""
    figure, panel = plt.subplots(figsize=(7, 5), layout="constrained")
    for colour, (label, settings, number) in zip(COLOURS, curves(points)):
        _plot(panel, [mean(result.seconds for result in results) for results in settings.values()],
              [[result.errors[number] for result in results] for results in settings.values()], label, colour)
    panel.set(title="Longer training", xlabel="seconds, whole process", xscale="log", xticks=[5, 10, 20, 50, 100])
    return _finish(figure, panel)


def _plot(panel, x, values, label, colour):
    """Plot lists of values at x: a line through their means, and their ranges."""
    middle = [mean(value) for value in values]
    panel.plot(list(x), middle, "o-", color=colour, label=label)
    panel.vlines(list(x), [min(value) for value in values], [max(value) for value in values], color=colour)


def _finish(figure, *panels):
    """Finish the panels of a figure, the first of which shows errors."""
    highest = panels[0].dataLim.y1
    panels[0].set(ylabel="test error, %", yscale="symlog", yticks=TICKS, ylim=(0, 1.2 * max(highest, 1)))
    for panel in panels:
        panel.xaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    panels[0].legend()
    return figure
