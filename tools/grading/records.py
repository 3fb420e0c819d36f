"""The record of a run: what a script printed, and what the report of its process says."""

import json
import re

from grading import sandbox
from grading.audits import measure
from grading.crashes import cleaned, told
from grading.lines import NUMBERS, Impossible, Unclear, clean_lines, is_array, is_vague, read_line
from project import TASKS

# What TensorFlow writes to standard error when it is imported, whatever a script does.
GREETING = re.compile(r"WARNING: All log messages before absl|To enable the following instructions"
                      r"|([IWE]\d{4} |[\d-]+ [\d:.]+: [IWE] ).*\.cc:\d+\]")
# What libraries warn of in their own files, and the line of source below it. A script may have no part in it.
OF_LIBRARIES = re.compile(r"^(.*(site|dist)-packages.*\.py:\d+: \w+: .*(\n  .*)?"
                          r"|WARNING:tensorflow:.*(\nInstructions for updating:\n.*)?)$", re.MULTILINE)
UNWRITTEN = re.compile(r": error: (\w+ is not written yet)$")  # what the half-finished scripts say of themselves
SHOWN = 60  # characters of a line
PLAIN = re.compile(r"-?\d+(\.\d*)?([eE][-+]?\d+)?|nan")


def read_output(task, stdout, measured):
    """Return what a script printed, {"errors": [...], "parameters": n, "minutes": x} as far as there is, and remarks.

    The errors are in %, as `TASKS[task].errors` names them; the remarks are lines of text. measured: whether the errors
    are known from predictions, so that the printed ones do not matter. The last line that can be read counts. Raises
    ValueError, with the reason, if there is none, or if a later one may be meant and has two readings.
    """
    lines = clean_lines(stdout)
    if not lines:
        raise ValueError("printed nothing")
    names = [f"{name} error" for name in TASKS[task].errors]
    expected = f"{len(names) + 2}: {', '.join(names)}, parameters, minutes"
    try:
        values, line = _read_last(task, lines, measured)
    except Unclear as unclear:
        what, line = unclear.args
        count = len(NUMBERS.findall(line))
        seen = f"{count} numbers in a line" if count != len(names) + 2 else "numbers whose words say something else"
        raise ValueError(f"{what or f'printed {seen}, expected {expected}'}: {line[-60:]!r}") from None
    if values is None:
        values, line = _read_lines(task, lines, measured)
    if values is None:
        count, line = len(NUMBERS.findall(lines[-1])), lines[-1].strip()
        seen = (f"{count or 'no'} numbers in its last line" if count != len(names) + 2 else
                "numbers whose words are not understood")
        raise ValueError(f"printed {seen}, expected {expected}: {line[:SHOWN]!r}")
    remarks = [f"printed {len(lines)} lines instead of one"] if len(lines) > 1 else []
    if not all(PLAIN.fullmatch(word) for word in line.split()) or "\x1b" in stdout:
        text = line if len(line) <= SHOWN else f"…{line[1 - SHOWN:]}"
        remarks.append(f"printed more than plain numbers: {text!r}")
    if len(values) < 3:
        remarks.append(f"printed {len(values) - 1 + len(names)} numbers, expected {expected}")
    return values, remarks


def _read_last(task, lines, measured):
    """Return the results in the last line that can be read, None if there is none; and this line.

    A line that cannot be one of results, or may be a shape or labels, is passed over if one before it can be read, and
    has another number of parameters. Raises Unclear with what is wrong and the line.
    """
    held, passed = None, []  # results that may be others, and their line; lines that cannot be, and why
    for line in map(str.strip, reversed(lines)):
        try:
            values = read_line(task, line, measured)
        except Impossible as impossible:
            passed.append((str(impossible), line))
            continue
        except Unclear as unclear:
            if held and not is_array(held[1], held[0]):
                break
            raise Unclear(str(unclear), line) from None
        if not values or held and is_vague(line, values):
            continue
        vague, count = is_vague(line, values), values.get("parameters")
        again = [one for one in passed if count in [float(text.replace(",", "")) for text in NUMBERS.findall(one[1])]]
        if again:
            raise Unclear(*again[0])
        if vague:
            held = values, line
        elif not held or is_array(held[1], held[0]) and held[0].get("parameters") != count:
            return values, line
        elif held[0].get("parameters") == count:
            break
        else:
            raise Unclear("printed two lines that may be its results", held[1])
    if passed and not held and not _read_lines(task, lines, measured)[0]:
        raise Unclear(*passed[0])
    return held or (None, "")


def _read_lines(task, lines, measured):
    """Return the results if each of the last lines with numbers has one of them, otherwise None; and these lines."""
    parts = [line.strip() for line in lines if NUMBERS.search(line)][-len(TASKS[task].errors) - 2:]
    line = ", ".join(parts)
    if any(len(NUMBERS.findall(part)) != 1 for part in parts):
        return None, line
    try:
        return read_line(task, line, measured), line
    except Unclear:
        return None, line


def record(task, outcome, test, blank):
    """Return the record of a run from its `sandbox.Outcome`: a dictionary that JSON can hold.

    test: the test digits as the run had them, `audits.Digits`. blank: whether they had no labels, so that its
    predictions are measured.

    reason: why the run does not count, "" if it does; only then there are `errors` (a list, in %), `parameters` and
    `minutes`, the latter two as far as they are printed. remarks: lines of text. seconds, walled, spoke, stdout (its
    end): as in the Outcome. stderr: the end of it, as `crashes.cleaned` tells it. report: see `read_report`; a run that
    crashed or was ended has none, since what it did not do yet says nothing.
    """
    whole = len(outcome.stderr) < sandbox.STDERR  # otherwise the first line is cut
    lines = [text for text in cleaned(outcome.stderr)[0 if whole else 1 :] if not GREETING.match(text)]
    own = [text.strip()[:100] for text in cleaned(OF_LIBRARIES.sub("", outcome.stderr))[0 if whole else 1 :]
           if text.strip() and not GREETING.match(text)]
    kept = {"reason": outcome.reason, "remarks": [], "seconds": round(outcome.seconds, 2), "walled": outcome.walled,
            "spoke": round(outcome.spoke, 2), "stdout": outcome.stdout[-sandbox.KEPT:],
            "stderr": "\n".join(lines)[-sandbox.KEPT:], "report": read_report(outcome.report)}
    # It may have ended all but a thread, a window or a queue: then it says nothing more until it is ended.
    stayed = outcome.reason.startswith("ended after") and outcome.seconds - outcome.spoke > outcome.seconds / 20
    if outcome.reason and not stayed:
        error = told(lines) if outcome.reason.startswith("ended with") else ""
        if unwritten := UNWRITTEN.search(error):
            return kept | {"reason": unwritten[1], "report": {}}
        return kept | {"reason": f"{outcome.reason}: {error}" if error else outcome.reason, "report": {}}
    try:
        values, remarks = read_output(task, outcome.stdout, blank)
        if blank:
            values["errors"] = measure(outcome.predictions, test, TASKS[task].errors)
    except ValueError as error:
        return kept | {"reason": outcome.reason or str(error)}
    if stayed:
        remarks.append(f"did not end by itself after its line of results: {outcome.reason} (a thread, a window or a "
                       "queue that stays?)")
    if own:
        remarks.append(f"wrote to standard error: {own[0]}")
    return kept | values | {"reason": "", "remarks": remarks}


def read_report(text):
    """Return what is in a report (JSON) that a submission's process has written: findings by the name of the check.

    Also `parameters`, `untrained`, `together`, `starts` and `states`, see watch.py, and nothing else. Returns {} for a
    report that cannot be read.
    """
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(report, dict):
        return {}
    kept = {name: "".join(letter if letter.isprintable() else "?" for letter in value[:300])
            for name, value in report.items() if isinstance(value, str)
            and re.match(r"passed$|(failed|hint|remark|not checked): ", value)}
    for name in "parameters", "untrained", "together":
        if isinstance(report.get(name), int):
            kept[name] = report[name]
    for name in "starts", "states":
        if isinstance(report.get(name), list):
            kept[name] = [text for text in report[name][:100] if isinstance(text, str) and len(text) <= 40]
    return kept
