"""What a teacher has decided, and the verdicts on a class with it."""

import csv
import io
import re
from difflib import get_close_matches
from typing import NamedTuple

from grading import layouts
from grading.verdicts import VALID, judge
from project import TASKS, task_number

NOTE = "note"
DECISIONS = {"remark", "valid", "invalid", NOTE}
LIMIT = re.compile(r"(\w+ error [\d.]+% is|[\d,]+ parameters are|[\d.]+ minutes are) over [\d,.]+%?"
                   r"( \(by the grader's clock.*\))?")  # a reason of verdicts.py
EXPECTED = "expected submission, script, decision (remark, valid, invalid or note), why"


class Decision(NamedTuple):
    """What a teacher has decided on a script. kind: remark, valid, invalid, "" for none. note: not for the student."""

    kind: str = ""
    why: str = ""
    note: str = ""


def judge_class(submissions, tasks, entries, options, compared=None, decisions=None):
    """Return the verdicts on all scripts of a class, {submission: {task: verdict}}.

    submissions: {name: files, or why they cannot be read}. tasks: names in `TASKS`. entries: {submission: {task:
    entry}}. options: `runs` and `strict`, for `judge`. compared: {task: `known.Compared`}. decisions: see
    `read_decisions`. What cannot be judged is "not finished", and a hint says why: the others are judged.
    """
    judged = {submission: {} for submission in submissions}
    for task in tasks:
        groups, _, left = (compared or {}).get(task, ([], {}, {}))
        for submission in submissions:
            try:
                verdict = judge(task, options.runs, entries[submission][task], options.strict)
            except Exception as error:  # a mistake of the grader
                verdict = {"state": "not finished", "reasons": [], "remarks": [], "findings": {}, "basis": "",
                           "hints": [f"could not be judged: {type(error).__name__}: {error}"]}
            verdict["hints"] += [str(group) for group in groups if submission in group.names]
            verdict["hints"] += [left[submission]] if submission in left else []
            if (submission, task) in (decisions or {}):
                verdict = overrule(task, verdict, decisions[submission, task])
            judged[submission][task] = verdict
    return judged


def read_decisions(path, submissions):
    """Read what a teacher has decided: a table (CSV) of submission, script, what is decided, and why.

    Cells are separated by commas, semicolons or tabs. Returns {(submission, task): Decision}. Raises ValueError if a
    line is something else, names none of `submissions`, or decides what another line has decided, OSError if the file
    cannot be read.
    """
    decisions = {}
    for number, row in _rows(path):
        if not row or row[0].casefold() == "submission" or row[0].startswith("sep="):
            continue
        where = f"{path}, line {number}"
        if len(row) > 4:
            raise ValueError(f"{where}: {EXPECTED}, but there are {len(row)} cells; a cell with a comma or a semicolon "
                             'in it needs quotation marks: "so, and so"')
        tasks = [task for task in TASKS if len(row) == 4 and layouts.number_of(row[1]) == task_number(task)]
        if not tasks or row[2].casefold() not in DECISIONS:
            raise ValueError(f"{where}: {EXPECTED}, found {', '.join(row)}")
        names = [name for name in submissions if name == row[0]] or [
            name for name in submissions if layouts.same(name) == layouts.same(row[0])]
        if len(names) != 1:
            near = get_close_matches(row[0], submissions, n=3, cutoff=0.4) or [*submissions][:3]
            raise ValueError(f"{where}: no such submission: {row[0]}; the report has their names, such as "
                             f"{', '.join(near)}")
        key, kind, why = (names[0], tasks[0]), row[2].casefold(), row[3]
        old = decisions.get(key, Decision())
        if kind == NOTE:
            decisions[key] = old._replace(note=f"{old.note}; {why}" if old.note else why)
        elif old.kind:
            raise ValueError(f"{where}: {names[0]}, {tasks[0]} is decided in another line: {old.kind}: {old.why}")
        else:
            decisions[key] = old._replace(kind=kind, why=why)
    return decisions


def _rows(path):
    """Return the rows of a table as spreadsheets save it, pairs of a line number and cells. Raises ValueError, OSError.

    Empty cells at the end are left out. The text is UTF-8, UTF-16 with a byte-order mark, or else Windows-1252.
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
            tables.append([(reader.line_num, _cells(row)) for row in reader])
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.line_num}: not a table (CSV): {error}") from None
    return max(tables, key=lambda rows: (sum(len(row) == 4 and row[2].casefold() in DECISIONS for _, row in rows),
                                         sum(len(row) == 4 for _, row in rows)))


def _cells(row):
    """Return the cells of a row without space around them, and without empty ones at the end."""
    cells = [cell.strip() for cell in row]
    return cells[:max((number for number, cell in enumerate(cells, 1) if cell), default=0)]


def overrule(task, verdict, decision):
    """Return a verdict after a teacher's Decision, which it tells in `overruled`, and a note in `note`.

    remark: what was not valid becomes remarks, but the limits still hold; valid: they do not either; invalid: it is not
    valid, whatever it was.
    """
    if decision.note:
        verdict = verdict | {"note": decision.note}
    if not decision.kind:
        return verdict
    told = {"overruled": f"{decision.kind}: {decision.why}"}
    if decision.kind == "invalid":
        return verdict | told | {"state": "not valid", "reasons": [*verdict["reasons"], decision.why]}
    high = TASKS[task].high_performance
    stay = [text for text in verdict["reasons"] if decision.kind == "remark" and LIMIT.fullmatch(text)]
    remarks = verdict["remarks"] + [text for text in verdict["reasons"] if text not in stay]
    state = verdict["state"]
    if state == "not valid" and not stay:
        best = "mean" in verdict and decision.kind == "remark" and all(
            not limit or value <= limit for value, limit in zip(verdict["mean"], high))
        state = VALID[0] if best else VALID[1]
    return verdict | told | {"state": state, "reasons": stay, "remarks": remarks}
