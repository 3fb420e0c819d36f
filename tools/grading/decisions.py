"""What a teacher has decided, and the verdicts on a class with it."""

import csv
import io

from grading import layouts
from grading.alike import hints_of_class
from grading.verdicts import VALID, judge
from project import TASKS

DECISIONS = {"remark", "valid"}


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

    Cells are separated by commas, semicolons or tabs. Returns {(submission, task): (decision, why)}. Raises ValueError
    if a line is something else, or names none of `submissions`, OSError if the file cannot be read.
    """
    decisions = {}
    for number, row in _rows(path):
        if not any(row) or row[0].casefold() == "submission" or row[0].startswith("sep="):
            continue
        where = f"{path}, line {number}"
        if len(row) != 4:
            raise ValueError(f"{where}: expected submission, script, remark or valid, why, but there are {len(row)} "
                             'cells; a cell with a comma or a semicolon in it needs quotation marks: "so, and so"')
        tasks = [task for task in TASKS if layouts.number_of(row[1]) == int(task[4])]
        decision = row[2].casefold()
        if not tasks or decision not in DECISIONS or not row[3]:
            raise ValueError(f"{where}: expected submission, script, remark or valid, why, found {', '.join(row)}")
        names = [name for name in submissions if name == row[0]] or [
            name for name in submissions if layouts.same(name) == layouts.same(row[0])]
        if len(names) != 1:
            raise ValueError(f"{where}: no such submission: {row[0]}")
        decisions[names[0], tasks[0]] = decision, row[3]
    return decisions


def _rows(path):
    """Return the rows of a table as spreadsheets save it, pairs of a line number and cells. Raises ValueError, OSError.

    The text is UTF-8, UTF-16 with a byte-order mark, or else Windows-1252.
    """
    with open(path, "rb") as file:
        data = file.read()
    for encoding in ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "windows-1252"]:
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ValueError(f"{path}: not a text that can be read: save it as CSV in UTF-8")
    tables = []
    for delimiter in ",;\t":
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        try:
            tables.append([(reader.line_num, [cell.strip() for cell in row]) for row in reader])
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line_num}: not a table (CSV): {error}") from None
    return max(tables, key=lambda rows: (sum(len(row) == 4 and row[2].casefold() in DECISIONS for _, row in rows),
                                         sum(len(row) == 4 for _, row in rows)))


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
