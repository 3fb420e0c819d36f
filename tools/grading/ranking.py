"""The order of the hand-ins of a task: by error, parameters and minutes."""

from statistics import mean

from grading.verdicts import VALID

RANKED = ("errors", "parameters", "minutes")


def scores(verdict):
    """Return the mean of the mean errors in %, the parameters and the minutes of a verdict that has errors."""
    return mean(verdict["mean"]), verdict.get("parameters", float("inf")), verdict["minutes"]


def ranks(verdicts):
    """Return the ranks of the valid hand-ins of a task, {submission: [by errors, by parameters, by minutes]}, from 1.

    Those that are equal share a rank. verdicts: {submission: verdict}.
    """
    points = {name: scores(verdict) for name, verdict in verdicts.items()
              if verdict["state"] in VALID and "mean" in verdict}
    return {name: [1 + sum(other[column] < point[column] for other in points.values()) for column in range(3)]
            for name, point in points.items()}
