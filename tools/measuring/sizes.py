"""Tasks 3 and 4 in other sizes, and the figure of their errors, for sizes.py."""

from statistics import mean

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt

# The least that is known to us: 98% of MNIST's test digits after training on 60,000 grey ones.
ANCHOR = 575, 2.0, "after 60,000 grey digits\n(NeuralGolfing)"
COLOURS = {"task3_cnn.py": "#3f90da", "task4_rnn.py": "#bd1f01"}


def filters(*counts):
    """Return the change that gives the five convolutions of task 3 other numbers of filters."""
    begins = "8, 5", "16, 3, strides", "16, 3)", "20, 3", "48, 1"
    return [(f"convolution({begin}", f"convolution({count},{begin.partition(',')[2]}")
            for begin, count in zip(begins, counts)]


def units(count):
    """Return the change that gives the recurrent layers of task 4 another number of units."""
    return [("UNITS = 18", f"UNITS = {count}")]


SIZES = {  # {script: {name: change}}, from the smallest to the largest; the script itself is one of them
    "task3_cnn.py": {"a twelfth": filters(2, 4, 4, 4, 12), "a sixth": filters(3, 6, 6, 8, 18),
                     "a quarter": filters(4, 8, 8, 10, 24), "half": filters(6, 11, 11, 14, 34), "baseline": [],
                     "twice": filters(11, 23, 23, 28, 68)},
    "task4_rnn.py": {"a sixteenth": units(3), "an eighth": units(5), "a quarter": units(8), "half": units(12),
                     "baseline": [], "twice": units(26)},
}


def draw(points):
    """Return the figure of the error by parameters. points: {script: [(parameters, [error in % of a repeat, ...])]}."""
    figure, panel = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for script, sizes in points.items():
        parameters, errors = zip(*sizes)
        panel.plot(parameters, list(map(mean, errors)), "o-", color=COLOURS[script], label=script.removesuffix(".py"))
        panel.vlines(parameters, list(map(min, errors)), list(map(max, errors)), color=COLOURS[script])
    panel.plot(*ANCHOR[:2], "x", color="black")
    panel.annotate(ANCHOR[2], ANCHOR[:2], xytext=(6, -4), textcoords="offset points", fontsize=8, va="top")
    panel.set(title="How small?", xlabel="parameters", ylabel="digit error in cross-validation, %", xscale="log",
              yscale="log", xticks=[500, 1000, 2000, 5000, 10_000, 20_000], yticks=[1, 2, 5, 10, 20])
    panel.xaxis.set_major_formatter("{x:,g}")
    panel.yaxis.set_major_formatter("{x:g}")
    panel.minorticks_off()
    panel.grid(alpha=0.3)
    panel.legend()
    return figure
