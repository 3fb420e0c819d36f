"""The report for the teacher: one page.

It is built as a tree of elements, so that nothing in a hand-in can become markup. It needs no other file, no
network, and forbids all scripts but its own, which sorts tables.
"""

import base64
import hashlib
import io
from statistics import mean
from xml.etree import ElementTree

from grading.feedback import KINDS, clean
from grading.verdicts import VALID, not_checked
from project import TASKS

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 0 1rem 4rem; color: #222; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; } h3 { margin: 2rem 0 .3rem; } h4 { margin: 1rem 0 .2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; } img { max-width: 100%; height: auto; }
th, td { padding: .2rem .45rem; text-align: right; border-bottom: 1px solid #e5e5e5; white-space: nowrap; }
th:nth-child(2), td:nth-child(2), th[data-sort]:nth-child(3), .left { text-align: left; }
th[data-sort] { cursor: pointer; }
th[data-sort]::after { content: " \\2195"; color: #999; } tr:target, h3:target { background: #fff3c4; }
.state { font-weight: 600; } .bad { color: #a40000; } .fine { color: #00602b; } .open { color: #555; }
ul { margin: .2rem 0; padding-left: 1.2rem; } li { overflow-wrap: anywhere; }
pre { background: #f4f4f4; padding: .5rem; overflow-x: auto; max-height: 15rem; }
a { color: #0a4d8c; } .note { color: #555; }
.code td { font: 12px/1.35 monospace; white-space: pre-wrap; text-align: left; vertical-align: top; width: 50%;
           min-width: 24rem; border: 0; padding: 0 .6rem; } .same { color: #666; } .new { background: #fff3c4; }
"""
SCRIPT = """
document.querySelectorAll("th[data-sort]").forEach(head => head.addEventListener("click", () => {
  const body = head.closest("table").querySelector("tbody"), column = [...head.parentNode.children].indexOf(head);
  const down = head.dataset.sort === "up"; head.dataset.sort = down ? "down" : "up";
  const value = row => { const text = row.children[column].dataset.value;
                         return text === "" ? null : isNaN(text) ? text : Number(text); };
  [...body.children].sort((one, two) => {
    const a = value(one), b = value(two);
    if (a === null || b === null) return (a === null) - (b === null);
    return (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
  }).forEach(row => body.append(row));
}));
"""
MOST_ROWS = 1000  # of a file's differences


def element(tag, *children, **attributes):
    """Return an element of a page. children: elements and texts; attributes: `class_` for class, `_` for `-`."""
    node = ElementTree.Element(tag, {name.rstrip("_").replace("_", "-"): clean(value)
                                     for name, value in attributes.items()})
    for child in children:
        if isinstance(child, ElementTree.Element):
            node.append(child)
        elif len(node):
            node[-1].tail = (node[-1].tail or "") + clean(child)
        else:
            node.text = (node.text or "") + clean(child)
    return node


def write_report(path, judged, entries, where, runs):
    """Save the report, see `page`. Raises OSError."""
    path.write_text(page(judged, entries, where, runs), "utf-8", errors="backslashreplace")


def page(judged, entries, where, runs):
    """Return the report as HTML (text).

    judged: {submission: {task: verdict}}; entries: {submission: {task: entry}}, with all records. where: a description
    of the machine. runs: of each script.
    """
    tasks = [task for task in TASKS if any(task in verdicts for verdicts in judged.values())]
    marks = {submission: f"s{number}" for number, submission in enumerate(judged)}
    hash_of_script = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hash_of_script}'"
    contents = [element("li", element("a", task, href=f"#{task}")) for task in tasks]
    body = [
        element("h1", "Grades"),
        element("p", f"{runs} runs of each script on {where}. Errors are means of the runs: ",
                element("em", "measured"), " from a script's predictions, or ", element("em", "as printed"), " by it."),
        element("ul", *contents, element("li", element("a", "The hand-ins, one by one", href="#each"))),
        *(part for task in tasks for part in _task(task, judged, marks)),
        element("h2", "The hand-ins, one by one", id="each"),
        *(part for submission in judged for part in _submission(submission, judged, entries, marks)),
        element("h2", "Not checked"),
        element("ul", *(element("li", line) for line in not_checked(judged))),
    ]
    head = [element("meta", charset="utf-8"), element("meta", http_equiv="Content-Security-Policy", content=policy),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"), element("title", "Grades"),
            element("style", STYLE)]
    script = ElementTree.Element("script")
    script.text = SCRIPT
    whole = element("html", element("head", *head), element("body", *body, script), lang="en")
    return "<!DOCTYPE html>\n" + ElementTree.tostring(whole, "unicode", method="html") + "\n"


def _task(task, judged, marks):
    """Return the elements of a task: ranking and figures."""
    verdicts = {submission: tasks[task] for submission, tasks in judged.items() if task in tasks}
    ranked = sorted((submission for submission, verdict in verdicts.items() if "mean" in verdict),
                    key=lambda name: (verdicts[name]["state"] not in VALID, scores(verdicts[name])))
    valid = [name for name in ranked if verdicts[name]["state"] in VALID]
    front = pareto({name: scores(verdicts[name]) for name in valid})
    others = [submission for submission in verdicts if submission not in ranked]
    heads = ["#", "submission", "verdict", *(f"{name} error, %" for name in TASKS[task].errors), "errors", "rank",
             "parameters", "rank", "minutes", "rank", "front", "hints"]
    ranks = [dict(zip(order, range(1, len(order) + 1))) for order in (
        sorted(valid, key=lambda name: scores(verdicts[name])[column]) for column in range(3))]
    rows = []
    for number, name in enumerate([*ranked, *others], 1):
        verdict = verdicts[name]
        place = [_cell(rank.get(name, ""), rank.get(name, "")) for rank in ranks]
        link = element("td", element("a", name, href=f"#{marks[name]}"), data_value=name.lower())
        errors = [_cell(f"{value:.2f} ± {deviation:.2f}", value) for value, deviation in
                  zip(verdict.get("mean", []), verdict.get("standard_deviation", []))]
        errors = errors or [_cell("", "")] * len(TASKS[task].errors)
        parameters, minutes = verdict.get("parameters"), verdict.get("minutes")
        rows.append(element(
            "tr", _cell(number, number), link, _state(verdict, "td"), *errors, _cell(verdict["basis"]), place[0],
            _cell("" if parameters is None else f"{parameters:,}", parameters), place[1],
            _cell("" if minutes is None else f"{minutes:.2f}", minutes), place[2],
            _cell("●" if name in front else "", int(name not in front)),
            _cell(len(verdict["hints"]) or "", -len(verdict["hints"]))))
    table = element("table", element("thead", element("tr", *(
        element("th", head, data_sort="") for head in heads))), element("tbody", *rows))
    images = _images(task, {name: verdicts[name] for name in ranked}, front) if ranked else []
    return [element("h2", task, id=task), element("div", table, class_="wide"),
            element("p", "Ranks are among the valid ones. Front: no other valid hand-in is better in one of error, "
                         "parameters and minutes without being worse in another. Click on a head to sort.",
                    class_="note"), *images]


def scores(verdict):
    """Return the mean of the mean errors in %, the parameters and the minutes of a verdict that has errors."""
    return mean(verdict["mean"]), verdict.get("parameters", float("inf")), verdict["minutes"]


def pareto(points):
    """Return the names of the points, {name: tuple}, that no other point beats: at most as much in all, less in one."""
    return {name for name, point in points.items() if not any(
        other != point and all(a <= b for a, b in zip(other, point)) for other in points.values())}


def _cell(text, value=""):
    """Return a cell of a table that sorts by `value`; what has none comes last."""
    return element("td", text, data_value="" if value is None else value)


def _state(verdict, tag):
    kind = "fine" if verdict["state"] in VALID else "bad" if verdict["state"] == "not valid" else "open"
    return element(tag, verdict["state"], class_=f"state left {kind}", data_value=verdict["state"])


def _images(task, verdicts, front):
    """Return the figures of a task, as elements: errors and parameters of all hand-ins, and the error of each run."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    def image(figure, text):
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
        plt.close(figure)
        return element("p", element("img", src="data:image/svg+xml;base64," + base64.b64encode(
            file.getvalue()).decode(), alt=text))

    limits = TASKS[task]
    names = limits.errors
    numbers = {name: number for number, name in enumerate(verdicts, 1)}
    shown = {name: verdict for name, verdict in verdicts.items() if "parameters" in verdict}
    figure, panel = plt.subplots(figsize=(9, 5), layout="constrained")
    for name, verdict in shown.items():
        error, parameters, minutes = scores(verdict)
        valid = verdict["state"] in VALID
        panel.scatter(max(parameters, 1), error, s=30 + 120 * minutes, alpha=0.7, linewidth=1.5,
                      color="#3f90da" if valid else "#b9b9b9", edgecolor="#bd1f01" if name in front else "none")
        panel.annotate(numbers[name], (max(parameters, 1), error), fontsize=7, ha="center", va="center")
    panel.set(xscale="log", xlabel="parameters", ylabel="mean error in %" if len(names) == 1 else
              "mean of the mean errors in %", title="Error, parameters, and minutes (size of the dot)\n"
              "red rim: Pareto front; grey: not valid; numbers as in the table")
    panel.margins(0.06)
    panel.grid(alpha=0.3)
    images = [image(figure, f"Error and parameters of each hand-in of {task}")]

    figure, panels = plt.subplots(1, len(names), figsize=(9, 1.6 + 0.17 * len(verdicts)), sharey=True, squeeze=False,
                                  layout="constrained")
    for column, panel in enumerate(panels[0]):
        for name, verdict in verdicts.items():
            errors = verdict["each"][column]
            panel.plot(errors, [numbers[name]] * len(errors), "|", color="#333", markersize=7)
        panel.axvline(limits.limits[column], color="#bd1f01")
        if limits.high_performance[column]:
            panel.axvline(limits.high_performance[column], color="#bd1f01", linestyle=":")
        panel.set(title=f"{names[column]}: error of each run\n(line: limit; dotted: of high performance)", xlabel="%",
                  xlim=(0, None))
        panel.grid(axis="x", alpha=0.3)
    panels[0][0].set(yticks=list(numbers.values()), ylim=(len(numbers) + 0.7, 0.3))
    panels[0][0].tick_params(axis="y", labelsize=6)
    return [*images, image(figure, f"Error of each run of each hand-in of {task}")]


def _submission(submission, judged, entries, marks):
    """Return the elements of a hand-in: verdicts, reasons, runs, checks, the end of standard error."""
    yield element("h3", submission, id=marks[submission])
    for task, verdict in judged[submission].items():
        yield element("h4", f"{task}: ", _state(verdict, "span"))
        if "overruled" in verdict:
            yield element("div", f"Overruled by the teacher: {verdict['overruled']}")
        for kind, head in KINDS.items():
            if verdict[kind]:
                yield element("div", f"{head}:", element("ul", *(element("li", text) for text in verdict[kind])))
        entry = entries.get(submission, {}).get(task, {})
        if "changes" in entry:
            yield _changes(entry["changes"])
        jobs = entry.get("jobs", {})
        if not jobs:
            continue
        rows = []
        for name in sorted(jobs, key=lambda job: (not job.startswith("run "), len(job), job)):
            job = jobs[name]
            printed = [" ".join(f"{error:.2f}" for error in job.get("errors", [])), job.get("parameters", ""),
                       job.get("minutes", ""), f"{job['seconds']:.1f}", job["reason"] or "; ".join(job["remarks"])]
            rows.append(element("tr", element("td", name, class_="left"), *(element("td", text) for text in printed)))
        heads = element("tr", *(element("th", head) for head in (
            "run", "errors, %", "parameters", "minutes", "seconds", "remarks")))
        checks = [element("li", f"{name}: {'nothing found' if finding == 'passed' else finding}")
                  for name, finding in verdict["findings"].items()]
        stderr = next((job["stderr"] for job in jobs.values() if job["stderr"].strip() and (
            job["reason"] or job["remarks"])), "")
        yield element("details", element("summary", "runs and checks"), element("div", element(
            "table", element("thead", heads), element("tbody", *rows)), class_="wide"), element("ul", *checks), *(
            [element("div", "The end of standard error:", element("pre", stderr[-2000:]))] if stderr else []))


def _changes(changes):
    """Return what was changed of what was handed out, side by side."""
    tables = []
    for name, rows in changes["differences"].items():
        cells = [element("tr", *(element("td", "…" if row is None else row[side] if row[side] is not None else "",
                                         class_="new" if row and row[0] else "same") for side in (1, 2)))
                 for row in rows[:MOST_ROWS]]
        more = [element("p", f"and {len(rows) - MOST_ROWS} rows more")] if len(rows) > MOST_ROWS else []
        tables += [element("div", f"{name}: as handed out, as handed in"),
                   element("div", element("table", element("tbody", *cells), class_="code"), class_="wide"), *more]
    return element("details", element("summary", f"what was changed: {changes['added']} lines new, {changes['gone']} "
                                                 "gone"), *tables)
