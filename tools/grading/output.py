"""What the grader prints."""

from collections import Counter

from grading import sandbox, verdicts
from grading.likeness import ALIKE
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

    A hint at several hand-ins is one line.

    judged: {submission: {task: verdict}}. where: a description of the machine. runs: of each script. left: {reason:
    names of files that belong to no submission}.
    """
    print(f"{f'{runs} runs' if runs > 1 else 'One run'} of each script on {where}"
          f"{'; mean ± standard deviation' * (runs > 1)}.\n")
    if not any("mean" in verdict for *_, verdict in flat(judged)):
        print(printable(nothing_graded(judged)) + "\n")
    print(printable(table(
        ["submission", "script", "error of", "in %", "worst", "limit (high)", "basis", "parameters", "limit", "minutes",
         "limit", "verdict"], [row for one in flat(judged) for row in _rows(*one)], "lll" + "rrrlrrrrl")))
    for kind, head in {"overruled": "Overruled:", "note": "Your notes:"}.items():
        lines = [f"{submission} {task}: {verdict[kind]}" for submission, task, verdict in flat(judged)
                 if kind in verdict]
        if lines:
            print(printable("\n".join(["", head, *lines])))
    for kind, head in {"reasons": "Not valid:", "remarks": "To mend:", "hints": "For a reader to look at:"}.items():
        who = {}
        for submission, task, verdict in flat(judged):
            for text in verdict[kind]:
                who.setdefault((task, text, "" if kind == "hints" else submission), []).append(submission)
        lines = [f"{task}: {text}" if ALIKE in text else f"{', '.join(names)} {task}: {text}"
                 for (task, text, _), names in who.items()]
        if lines:
            print(printable("\n".join(["", head, *lines])))
    skipped = verdicts.not_checked(judged)
    if skipped:
        print(printable("\n".join(["", "Not checked:", *skipped])))
    if left:
        print(printable("\n".join(["", "Found and not graded:", *left_out(left)])))


def nothing_graded(judged):
    """Return a text that says that no script gave a result, and the reasons, the most frequent first."""
    texts = Counter((verdict["reasons"] or [verdict["state"]])[0] for *_, verdict in flat(judged))
    return "\n".join(["Nothing could be graded: no run of any script gave a result.",
                      *(f"- {count} of {texts.total()}: {text}" for text, count in texts.most_common(3))])


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
        deviation = f" ± {verdict['standard_deviation'][number]:.2f}" if verdict["runs"] > 1 else ""
        cells = [name, f"{verdict['mean'][number]:.2f}{deviation}",
                 f"{verdict['worst'][number]:.2f}", f"{limits.limits[number]}" + (f" ({high})" if high else "")]
        if number:
            yield ["", "", *cells, *[""] * 6]
        else:
            parameters = f"{verdict['parameters']:,}" if "parameters" in verdict else "?"
            yield [submission, task, *cells, verdict["basis"], parameters, f"{limits.parameters:,}",
                   f"{verdict['minutes']:.2f}", limits.minutes, state]


def described_walls(entries):
    """Return in words whether all runs were behind walls, and who counted their memory. Starts a process to find out.

    entries: {submission: {task: entry}}.
    """
    walled = {job["walled"] for tasks in entries.values() for entry in tasks.values()
              for job in entry.get("jobs", {}).values()}
    if not walled:
        return "but no run was made"
    if walled != {True}:
        return "some of them behind walls" if True in walled else "without walls"
    return f"behind walls, memory limited {'by systemd' if sandbox.has_systemd() else 'by looking five times a second'}"
