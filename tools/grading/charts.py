"""The pictures of the report: errors and parameters of all hand-ins of a task, and the error of each run."""

import base64
import io

from grading.ranking import scores
from grading.verdicts import VALID
from project import TASKS


def charts(task, verdicts, front):
    """Return the pictures of a task, pairs of a data URL and a text.

    verdicts: {submission: verdict} of those that have errors, in the order of the table. front: the names on the front.
    """
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    numbers = {name: number for number, name in enumerate(verdicts, 1)}
    names = TASKS[task].errors
    figure, panel = plt.subplots(figsize=(9, 5), layout="constrained")
    for name, verdict in verdicts.items():
        if "parameters" not in verdict:
            continue
        error, parameters, minutes = scores(verdict)
        panel.scatter(max(parameters, 1), error, s=90 + 120 * minutes, alpha=0.7, linewidth=1.5,
                      color="#3f90da" if verdict["state"] in VALID else "#b9b9b9",
                      edgecolor="#bd1f01" if name in front else "none")
        panel.annotate(numbers[name], (max(parameters, 1), error), fontsize=7, ha="center", va="center")
    panel.set(xscale="log", xlabel="parameters", ylabel="mean error in %" if len(names) == 1 else
              "mean of the mean errors in %", title="Error, parameters, and minutes (size of the dot)\n"
              "red rim: Pareto front; grey: not valid; numbers as in the table")
    panel.margins(0.06)
    panel.grid(alpha=0.3)
    yield _url(figure), f"Error and parameters of each hand-in of {task}"

    figure, panels = plt.subplots(1, len(names), figsize=(9, 1.6 + 0.17 * len(verdicts)), sharey=True, squeeze=False,
                                  layout="constrained")
    for column, panel in enumerate(panels[0]):
        for name, verdict in verdicts.items():
            errors = verdict["each"][column]
            panel.plot(errors, [numbers[name]] * len(errors), "|", color="#333", markersize=7)
        for limit, style in (TASKS[task].limits[column], "-"), (TASKS[task].high_performance[column], ":"):
            if limit:
                panel.axvline(limit, color="#bd1f01", linestyle=style)
        panel.set(title=f"{names[column]}: error of each run\n(line: limit; dotted: of high performance)", xlabel="%",
                  xlim=(-0.01 * panel.get_xlim()[1], None))  # an error of 0 is seen beside the frame
        panel.grid(axis="x", alpha=0.3)
    panels[0][0].set(yticks=list(numbers.values()), ylim=(len(numbers) + 0.7, 0.3))
    panels[0][0].tick_params(axis="y", labelsize=6)
    yield _url(figure), f"Error of each run of each hand-in of {task}"


def _url(figure):
    """Return a figure as a data URL, and close it."""
    import matplotlib.pyplot as plt

    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    plt.close(figure)
    return f"data:image/svg+xml;base64,{base64.b64encode(file.getvalue()).decode()}"
