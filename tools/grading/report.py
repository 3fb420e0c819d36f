"""The report for the teacher: one page, made of the templates beside this file.

It needs no other file and no network, and forbids all scripts but its own. Jinja2 escapes what is put into it, so that
nothing in a hand-in can become markup.
"""

import base64
import hashlib
from itertools import groupby
from pathlib import Path

from grading import likeness
from grading.audits import BLOCKS, CONTRADICTION
from grading.charts import charts
from grading.feedback import KINDS, clean
from grading.ranking import ranks, scores
from grading.verdicts import VALID, not_checked
from project import TASKS

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")
MOST_LINES = 1000  # of a file's differences, and of what two scripts have in common
AUDITED = {
    CONTRADICTION: "an audit: the labels of the training digits were renamed, so that a network that learned from them "
                   "gets nearly all test digits wrong. An error near 100% is right here",
    BLOCKS: "an audit: the training images were blocks of random pixels, so that an autoencoder that learned from them "
            "errs more than in the runs above",
}


def write_report(path, *arguments):
    """Save the report of some arguments, see `page`. Raises OSError."""
    path.write_text(page(*arguments), "utf-8", errors="backslashreplace")


def page(judged, entries, where, runs, compared=None, dates=None):
    """Return the report as HTML (text).

    judged: {submission: {task: verdict}}; entries: {submission: {task: entry}}, with all records. where: a description
    of the machine. runs: of each script. compared: {task: `known.Compared`}. dates: {submission: when it was handed
    in}.
    """
    tasks = [task for task in TASKS if any(task in verdicts for verdicts in judged.values())]
    style, script = (Markup((TEMPLATES / name).read_text("utf-8")) for name in ("report.css", "report.js"))
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True,
                              finalize=_plain)
    return environment.get_template("report.html").render(
        style=style, script=script, hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        where=where, runs=runs, dates=dates or {}, tasks=tasks, all_tasks=TASKS, judged=judged, entries=entries,
        valid=VALID, kinds=KINDS, audited=AUDITED, not_checked=not_checked(judged),
        marks={submission: f"s{number}" for number, submission in enumerate(judged)},
        rankings={task: ranking(task, judged) for task in tasks},
        alike=[(task, group, [alike(task, pair, compared[task].prints) for pair in group.pairs])
               for task in tasks for group in (compared[task].groups if compared else [])],
        much_alike=likeness.ALIKE, in_order=in_order, hunks=hunks)


def _plain(value):
    """Return something that is put into a template as text that a page can hold."""
    return value if isinstance(value, Markup) else clean(str(value).expandtabs(4))


def ranking(task, judged):
    """Return the order, the ranks, the front and the pictures of a task, a dictionary. judged: see `page`."""
    verdicts = {submission: tasks[task] for submission, tasks in judged.items() if task in tasks}
    ranked = sorted((submission for submission, verdict in verdicts.items() if "mean" in verdict),
                    key=lambda name: (verdicts[name]["state"] not in VALID, scores(verdicts[name])))
    front = pareto({name: scores(verdicts[name]) for name in ranked if verdicts[name]["state"] in VALID})
    return {"order": [*ranked, *(submission for submission in verdicts if submission not in ranked)],
            "ranks": ranks(verdicts), "front": front,
            "charts": list(charts(task, {name: verdicts[name] for name in ranked}, front)) if ranked else []}


def pareto(points):
    """Return the names of the points, {name: tuple}, that no other point beats: at most as much in all, less in one."""
    return {name for name, point in points.items() if not any(
        other != point and all(a <= b for a, b in zip(other, point)) for other in points.values())}


def in_order(jobs):
    """Return the names of jobs in the order in which they are read: the runs by number, then the audits."""
    return sorted(jobs, key=lambda job: (not job.startswith("run "), len(job), job))


def alike(task, pair, prints):
    """Return what two scripts have in common: names, share, pairs of passages, whether there are more."""
    one, other, share = pair
    shown, left = [], MOST_LINES
    for passage in likeness.passages(prints[one], prints[other]):
        left -= max(len(lines) for *_, lines in passage)
        if left > 0:
            shown.append(passage)
    return {"names": (one, other), "share": share, "passages": shown, "more": left <= 0}


def hunks(rows):
    """Return differences in pieces: None for lines left out, or whether it is a change, and the lines on both sides.

    rows: see `changes.side_by_side`.
    """
    for kind, part in groupby(rows[:MOST_LINES], key=lambda row: row and row[0]):
        if kind is None:
            yield None
        else:
            old, new = zip(*((row[1], row[2]) for row in part))
            yield kind, *("\n".join(line for line in side if line is not None) for side in (old, new))
