"""What the grader prints, and the table for a spreadsheet."""

import csv

from grading import sandbox, verdicts
from measuring.runs import table
from project import TASKS


def flat(judged):
    """Yield the submission, the task and the verdict of each script. judged: {submission: {task: verdict}}."""
    for submission, tasks in judged.items():
        for task, verdict in tasks.items():
            yield submission, task, verdict


def printable(text):
    """Return a text without anything that could steer a terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def show(judged, where, runs, left=None):
    """Print the table, then reasons, remarks and hints, then what was not checked, then what was not graded.

    judged: {submission: {task: verdict}}. where: a description of the machine. runs: of each script. left: {reason:
    names of files that belong to no submission}.
    """
    print(f"{runs} runs of each script on {where}; mean ± standard deviation.\n")
    print(printable(table(
        ["submission", "script", "error of", "in %", "worst", "limit (high)", "basis", "parameters", "limit", "minutes",
         "limit", "verdict"], [row for one in flat(judged) for row in _rows(*one)], "lll" + "rrrlrrrrl")))
    lines = [f"{submission} {task}: {verdict['overruled']}" for submission, task, verdict in flat(judged)
             if "overruled" in verdict]
    if lines:
        print(printable("\n".join(["", "Overruled:", *lines])))
    for kind, head in {"reasons": "Not valid:", "remarks": "To mend:", "hints": "For a reader to look at:"}.items():
        lines = [f"{submission} {task}: {text}" for submission, task, verdict in flat(judged)
                 for text in verdict[kind]]
        if lines:
            print(printable("\n".join(["", head, *lines])))
    skipped = verdicts.not_checked(judged)
    if skipped:
        print(printable("\n".join(["", "Not checked:", *skipped])))
    if left:
        print(printable("\n".join(["", "Found and not graded:", *left_out(left)])))


def left_out(left):
    """Return lines that name the files that belong to no submission. left: {reason: names}."""
    return [f"left out, {reason}: {', '.join(names)}" for reason, names in left.items()]


def _rows(submission, task, verdict):
    """Yield the table rows of a script, one for each of its errors."""
    limits = TASKS[task]
    state = verdict["state"] + " (overruled)" * ("overruled" in verdict)
    if "mean" not in verdict:
        yield [submission, task, *[""] * 9, state]
        return
    for number, name in enumerate(limits.errors):
        high = limits.high_performance[number]
        cells = [name, f"{verdict['mean'][number]:.2f} ± {verdict['standard_deviation'][number]:.2f}",
                 f"{verdict['worst'][number]:.2f}", f"{limits.limits[number]}" + (f" ({high})" if high else "")]
        if number:
            yield ["", "", *cells, *[""] * 6]
        else:
            parameters = f"{verdict['parameters']:,}" if "parameters" in verdict else "?"
            yield [submission, task, *cells, verdict["basis"], parameters, f"{limits.parameters:,}",
                   f"{verdict['minutes']:.2f}", limits.minutes, state]


def write_csv(path, judged):
    """Write the verdicts, {submission: {task: verdict}}, one row per submission and script. Raises OSError.

    A cell of errors has those of the task, separated by spaces, in the order of the script's line of results.
    """
    def cell(text):
        return f"'{text}" if str(text).startswith(("=", "+", "-", "@")) else text  # no formula for a spreadsheet

    # The names of folders may be invalid text.
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(["submission", "script", "state", "basis", "reasons", "remarks", "hints", "runs", "mean_errors",
                         "worst_errors", "standard_deviations", "parameters", "minutes", "not_checked", "overruled"])
        for submission, task, verdict in flat(judged):
            lists = [" ".join(f"{value:.2f}" for value in verdict.get(key, []))
                     for key in ("mean", "worst", "standard_deviation")]
            skipped = [name for name, finding in verdict["findings"].items() if finding.startswith("not checked")]
            texts = ["; ".join(verdict[kind]) for kind in ("reasons", "remarks", "hints")]
            writer.writerow(map(cell, [
                submission, task, verdict["state"], verdict["basis"], *texts, verdict.get("runs", 0), *lists,
                verdict.get("parameters", ""), f"{verdict['minutes']:.2f}" if "minutes" in verdict else "",
                "; ".join(skipped), verdict.get("overruled", "")]))


def described_walls(entries):
    """Return in words whether all runs were behind walls, and who counted their memory. Starts a process to find out.

    entries: {submission: {task: entry}}.
    """
    walled = {job["walled"] for tasks in entries.values() for entry in tasks.values()
              for job in entry.get("jobs", {}).values()}
    if not walled:
        graded = any("jobs" in entry for tasks in entries.values() for entry in tasks.values())
        return "but no run was made" if graded else "but nothing could be graded, so no run was made"
    if walled != {True}:
        return "some of them behind walls" if True in walled else "without walls"
    return f"behind walls, memory limited {'by systemd' if sandbox.has_systemd() else 'by looking five times a second'}"
