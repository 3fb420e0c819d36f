"""The tables for a spreadsheet: a row for each script, and a row for each student."""

import csv

from grading.output import flat
from grading.ranking import RANKED, ranks
from project import TASKS


def write_tables(path, judged, dates):
    """Write a row for each submission and script, and beside it, as NAME_students.csv, a row for each submission.

    path: of the first, a Path. judged: {submission: {task: verdict}}. dates: {submission: when it was handed in}.
    Returns the path of the second. Raises OSError.
    """
    students = path.with_name(f"{path.stem}_students{path.suffix}")
    _write(path, _scripts(judged))
    _write(students, _students(judged, dates))
    return students


def _write(path, rows):
    """Write rows of cells that no spreadsheet takes for formulas, with the mark by which Excel knows UTF-8."""
    # The names of folders may be invalid text.
    with open(path, "w", newline="", encoding="utf-8-sig", errors="backslashreplace") as file:
        csv.writer(file).writerows([f"'{cell}" if str(cell).startswith(("=", "+", "-", "@")) else cell
                                    for cell in row] for row in rows)


def _scripts(judged):
    """Yield the head and the rows of all scripts.

    A cell of errors has those of the task, separated by spaces, in the order of the script's line of results.
    """
    yield ["submission", "script", "state", "basis", "reasons", "remarks", "hints", "runs", "mean_errors",
           "worst_errors", "standard_deviations", "parameters", "minutes", "not_checked", "overruled", "note"]
    for submission, task, verdict in flat(judged):
        deviations = verdict["standard_deviation"] if verdict.get("runs", 0) > 1 else []
        lists = [" ".join(map(_two, values)) for values in (
            verdict.get("mean", []), verdict.get("worst", []), deviations)]
        skipped = [name for name, finding in verdict["findings"].items() if finding.startswith("not checked")]
        texts = ["; ".join(verdict[kind]) for kind in ("reasons", "remarks", "hints")]
        yield [submission, task, verdict["state"], verdict["basis"], *texts, verdict.get("runs", 0), *lists,
               verdict.get("parameters", ""), _two(verdict.get("minutes")), "; ".join(skipped),
               verdict.get("overruled", ""), verdict.get("note", "")]


def _students(judged, dates):
    """Yield the head and the rows of all submissions: the date, then of each task what a mark may depend on."""
    tasks = [task for task in TASKS if any(task in verdicts for verdicts in judged.values())]
    head = ["submission", "date"]
    for task in tasks:
        head += [f"{task.removesuffix('.py')} {what}" for what in (
            "verdict", *(f"{name} error" for name in TASKS[task].errors), "parameters", "minutes",
            *(f"rank by {what}" for what in RANKED), "decision", "note")]
    yield head
    places = {task: ranks({name: verdicts[task] for name, verdicts in judged.items()}) for task in tasks}
    for submission, verdicts in judged.items():
        row = [submission, dates.get(submission, "")]
        for task in tasks:
            verdict = verdicts[task]
            row += [verdict["state"], *map(_two, verdict.get("mean", [None] * len(TASKS[task].errors))),
                    verdict.get("parameters", ""), _two(verdict.get("minutes")),
                    *places[task].get(submission, [""] * len(RANKED)), verdict.get("overruled", ""),
                    verdict.get("note", "")]
        yield row


def _two(number):
    return "" if number is None else f"{number:.2f}"
