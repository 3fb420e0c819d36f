"""The record of a run: what a script printed, and what the report of its process says."""

import json
import re

from grading import sandbox
from grading.audits import measure
from project import TASKS

# What TensorFlow writes to standard error when it is imported, whatever a script does.
GREETING = re.compile(r"WARNING: All log messages before absl|To enable the following instructions"
                      r"|([IWE]\d{4} |[\d-]+ [\d:.]+: [IWE] ).*\.cc:\d+\]")
NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+(?!\d|,\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w]|\.\d)|\bnan\b")


def read_output(task, stdout, measured):
    """Return what a script printed, {"errors": [...], "parameters": n, "minutes": x} as far as there is, and remarks.

    The errors are in %, as `TASKS[task].errors` names them; the remarks are lines of text. measured: whether the errors
    are known from predictions, so that the printed ones do not matter. Raises ValueError, with the reason, if there is
    no line of results.
    """
    lines = [line for line in stdout.splitlines() if line.strip()]
    if not lines:
        raise ValueError("printed nothing")
    names = [f"{name} error" for name in TASKS[task].errors]
    expected = f"{len(names) + 2}: {', '.join(names)}, parameters, minutes"
    line, remarks = lines[-1], []
    if len(lines) > 1:
        remarks.append(f"printed {len(lines)} lines instead of one")
    numbers = [float(text.replace(",", "")) for text in NUMBER.findall(line)]
    texts = NUMBER.findall(line)
    if len(numbers) not in (len(names) + 1, len(names) + 2):
        raise ValueError(f"printed {len(numbers) or 'no'} numbers in its last line, expected {expected}: {line[:60]!r}")
    errors, rest = numbers[: len(names)], dict(zip(texts[len(names):], numbers[len(names):]))
    if line.split() != texts or any("," in text for text in texts):
        remarks.append(f"printed more than plain numbers: {line.strip()[:60]!r}")
    if len(numbers) == len(names) + 1:  # only parameters are a whole number
        (text, number), = rest.items()
        values = {"minutes": number} if "." in text else {"parameters": number}
        remarks.append(f"printed {len(numbers)} numbers, expected {expected}")
    else:
        values = dict(zip(("parameters", "minutes"), numbers[len(names):]))
    whole = values.get("parameters", 0)
    if not measured and not all(0 <= error <= 100 for error in errors) or whole != int(whole) or not all(
            0 <= number < 1e12 for number in values.values()):
        raise ValueError(f"printed numbers that cannot be: {line.strip()[:60]!r}")
    if "parameters" in values:
        values["parameters"] = int(whole)
    return values | {"errors": errors}, remarks


def record(task, outcome, test, blank):
    """Return the record of a run from its `sandbox.Outcome`: a dictionary that JSON can hold.

    test: the test digits as the run had them, `audits.Digits`. blank: whether they had no labels, so that its
    predictions are measured.

    reason: why the run does not count, "" if it does; only then there are `errors` (a list, in %), `parameters` and
    `minutes`, the latter two as far as they are printed. remarks: lines of text. seconds, walled, spoke, stdout (its
    end), stderr: as in the Outcome. report: see `read_report`.
    """
    kept = {"reason": outcome.reason, "remarks": [], "seconds": round(outcome.seconds, 2), "walled": outcome.walled,
            "spoke": round(outcome.spoke, 2), "stdout": outcome.stdout[-sandbox.KEPT:], "stderr": outcome.stderr,
            "report": read_report(outcome.report)}
    whole = len(outcome.stderr) < sandbox.KEPT  # otherwise the first line is cut
    own = [text.strip()[:100] for text in outcome.stderr.splitlines()[0 if whole else 1 :]
           if text.strip() and not GREETING.match(text)]
    if outcome.reason:
        error = own[-1] if own and outcome.reason == "ended with status 1" else ""  # the last line of a traceback
        return kept | {"reason": f"{outcome.reason}: {error}" if error else outcome.reason}
    try:
        values, remarks = read_output(task, outcome.stdout, blank)
        if blank:
            values["errors"] = measure(outcome.predictions, test, task[:5])
    except ValueError as error:
        return kept | {"reason": str(error)}
    if own:
        remarks.append(f"wrote to standard error: {own[0]}")
    return kept | values | {"remarks": remarks}


def read_report(text):
    """Return what is in a report (JSON) that a submission's process has written: findings by the name of the check.

    Also `parameters` and `starts`, see watch.py, and nothing else. Returns {} for a report that cannot be read.
    """
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(report, dict):
        return {}
    kept = {name: "".join(letter if letter.isprintable() else "?" for letter in value[:300])
            for name, value in report.items() if isinstance(value, str)
            and re.match(r"passed$|(failed|not checked): ", value)}
    if isinstance(report.get("parameters"), int):
        kept["parameters"] = report["parameters"]
    if isinstance(report.get("starts"), list):
        kept["starts"] = [start for start in report["starts"][:100] if isinstance(start, str) and len(start) == 16]
    return kept
