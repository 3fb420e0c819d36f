"""What a teacher has decided, and the verdicts on a class with it."""

import csv

from grading.alike import hints_of_class
from grading.verdicts import VALID, judge
from project import TASKS


def judge_class(submissions, tasks, entries, options, handed_out=None, known=None, decisions=None):
    """Return the verdicts on all scripts of a class, {submission: {task: verdict}}.

    submissions: {name: files, or why they cannot be read}. tasks: names in `TASKS`. entries: {submission: {task:
    entry}}. options: `runs` and `strict`, for `judge`. handed_out: the files that were handed out. known: {name: files}
    of other hand-ins. decisions: see `read_decisions`.
    """
    judged = {submission: {} for submission in submissions}
    for task in tasks:
        similar = hints_of_class(task, submissions, handed_out, known or {})
        for submission in submissions:
            verdict = judge(task, options.runs, entries[submission][task], options.strict)
            verdict["hints"] += similar.get(submission, [])
            if (submission, task) in (decisions or {}):
                verdict = overrule(task, verdict, *decisions[submission, task])
            judged[submission][task] = verdict
    return judged


def read_decisions(path, submissions):
    """Read what a teacher has decided: a table (CSV) of submission, script, `remark` or `valid`, and why.

    Returns {(submission, task): (decision, why)}. Raises ValueError if a line is something else, or names none of
    `submissions`, OSError if the file cannot be read.
    """
    decisions = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.reader(file), 1):
            row = [cell.strip() for cell in row]
            if not any(row) or row[:1] == ["submission"]:
                continue
            tasks = [task for task in TASKS if len(row) > 1 and row[1] in (task, task[:5])]
            if len(row) != 4 or not tasks or row[2] not in ("remark", "valid") or not row[3]:
                raise ValueError(f"{path}, line {number}: expected submission, script, remark or valid, why")
            if row[0] not in submissions:
                raise ValueError(f"{path}, line {number}: no such submission: {row[0]}")
            decisions[row[0], tasks[0]] = row[2], row[3]
    return decisions


def overrule(task, verdict, decision, why):
    """Return a verdict after a teacher's decision: what was not valid becomes remarks, and the verdict says so.

    decision: `remark`: the limits still hold; `valid`: they do not either. why: is said beside it.
    """
    high = TASKS[task].high_performance
    stay = [text for text in verdict["reasons"] if decision == "remark" and " over " in text]
    remarks = verdict["remarks"] + [text for text in verdict["reasons"] if text not in stay]
    state = verdict["state"]
    if state == "not valid" and not stay:
        best = "mean" in verdict and decision == "remark" and all(
            not limit or value <= limit for value, limit in zip(verdict["mean"], high))
        state = VALID[0] if best else VALID[1]
    return verdict | {"state": state, "reasons": stay, "remarks": remarks, "overruled": f"{decision}: {why}"}
