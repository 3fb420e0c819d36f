"""From what the runs of a hand-in have shown to a verdict: what was read and measured, reasons, remarks and hints.

A *reason* makes a hand-in not valid: it breaks a rule or is over a limit. A *remark* is what its author should mend but
did not gain by. A *hint* is for a person to read, and changes nothing.
"""

import csv
import json
import re
from statistics import mean, stdev

import sandbox
import source
import watch
from audits import AUDITS, BLOCKS, CONTRADICTION, measure
from runs import SCRIPTS

VALID = ("valid, high performance", "valid")
COUNT, STARTS = "parameters as printed", "no random seeds"
CHECKS = {task: [source.SEEDS, watch.TENSORFLOW, watch.TRAINED, *watch.OF_MODEL[task[:5]], COUNT, watch.LAST]
          for task in SCRIPTS}
# What TensorFlow writes to standard error when it is imported, whatever a script does.
GREETING = re.compile(r"WARNING: All log messages before absl|To enable the following instructions"
                      r"|([IWE]\d{4} |[\d-]+ [\d:.]+: [IWE] ).*\.cc:\d+\]")
NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+(?!\d|,\d)|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w]|\.\d)|\bnan\b")
# Right answers in % in a contradiction from which a hand-in is accused. Honest scripts with errors of 0 to 15% had at
# most 3% (docs/grading.md).
ACCUSED = 10
# An autoencoder that learned from blocks should err by this many points more on digits than one that learned digits.
# Task 1 had 1.3 to 7.3% in 36 trainings on blocks, and less than 3% in six of them. A code made by hand has 0 more.
BLOCKS_ABOVE = 1


def read_output(task, stdout, measured):
    """Return what a script printed, {"errors": [...], "parameters": n, "minutes": x} as far as there is, and remarks.

    measured: whether the errors are known from predictions, so that the printed ones do not matter. Raises ValueError,
    with the reason, if there is no line of results.
    """
    lines = [line for line in stdout.splitlines() if line.strip()]
    if not lines:
        raise ValueError("printed nothing")
    names = [f"{name} error" for name in SCRIPTS[task][0]]
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
        figures = {"minutes": number} if "." in text else {"parameters": number}
        remarks.append(f"printed {len(numbers)} numbers, expected {expected}")
    else:
        figures = dict(zip(("parameters", "minutes"), numbers[len(names):]))
    whole = figures.get("parameters", 0)
    if not measured and not all(0 <= error <= 100 for error in errors) or whole != int(whole) or not all(
            0 <= number < 1e12 for number in figures.values()):
        raise ValueError(f"printed numbers that cannot be: {line.strip()[:60]!r}")
    if "parameters" in figures:
        figures["parameters"] = int(whole)
    return figures | {"errors": errors}, remarks


def record(task, outcome, test, blank):
    """Return the record of a run from its Outcome: a dictionary that JSON can hold.

    test: the test digits as the run had them. blank: whether they had no labels, so that its predictions are measured.
    "reason" is why the run does not count, "" if it does.
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
        figures, remarks = read_output(task, outcome.stdout, blank)
        if blank:
            figures["errors"] = measure(outcome.predictions, test, task[:5])
    except ValueError as error:
        return kept | {"reason": str(error)}
    if own:
        remarks.append(f"wrote to standard error: {own[0]}")
    return kept | figures | {"remarks": remarks}


def read_report(text):
    """Return the findings in a report that a submission's process has written, without anything else in it."""
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


def judge(task, runs, entry, strict=False):
    """Return the verdict on a script after `runs` runs, a dictionary.

    state, reasons, remarks, hints; findings: {check: "passed", "failed: WHY" or "not checked: WHY"}; basis: "measured"
    or "as printed"; and the figures, if there are any. task: the bundle's name of the script. entry: see `grade.py`, or
    {"missing": why}. strict: whether remarks make it not valid.
    """
    if "missing" in entry:
        return {"state": "not valid", "reasons": [entry["missing"]], "remarks": [], "hints": [], "findings": {},
                "basis": ""}
    names, limits, high, most_parameters, most_minutes = SCRIPTS[task]
    jobs = [f"run {number}" for number in range(1, runs + 1)]
    done = {job: entry["jobs"][job] for job in jobs if job in entry["jobs"]}
    bad = {job.removeprefix("run "): run["reason"] for job, run in done.items() if run["reason"]}
    reasons = [f"run {', '.join(bad)}: {'; '.join(dict.fromkeys(bad.values()))}"] if bad else []
    good = [run for run in done.values() if "errors" in run]
    findings = combine(task, entry, list(done.values()))
    reasons += [f"{name}: {finding.removeprefix('failed: ')}" for name, finding in findings.items()
                if finding.startswith("failed") and (good or name != watch.TENSORFLOW)]  # a crash may come before it
    remarks, hints = list(dict.fromkeys(remark for run in done.values() for remark in run["remarks"])), []
    verdict = {"findings": findings, "basis": "measured" if entry["form"] == "blank" else "as printed"}
    if good:
        errors = list(zip(*(run["errors"] for run in good)))
        verdict |= {"runs": len(good), "mean": list(map(mean, errors)), "worst": list(map(max, errors)),
                    "spread": [stdev(error) if len(error) > 1 else 0.0 for error in errors],
                    "each": [list(error) for error in errors],
                    "minutes": mean(max(run.get("minutes", 0), run["spoke"] / 60) for run in good)}
        counts = [count for run in good for count in (run.get("parameters"), run["report"].get("parameters"))
                  if count is not None]
        if counts:
            verdict["parameters"] = max(counts)
        else:
            reasons.append("the number of parameters is not printed, and could not be counted")
        reasons += [f"{name} error {value:.2f}% is over {limit}%"
                    for name, value, limit in zip(names, verdict["mean"], limits) if value > limit]
        if verdict.get("parameters", 0) > most_parameters:
            reasons.append(f"{verdict['parameters']:,} parameters are over {most_parameters:,}")
        if verdict["minutes"] > most_minutes:
            reasons.append(f"{verdict['minutes']:.2f} minutes are over {most_minutes}")
        for audit in AUDITS[task[:5]]:
            ran = entry["jobs"].get(audit)
            for kind, text in audited(task, audit, ran, verdict, entry) if ran else []:
                (reasons if kind == "reason" else hints).append(text)
        if len(good) > 2 and any(errors) and len(set(zip(*errors))) == 1 and any(verdict["mean"]):
            hints.append(f"all {len(good)} runs have the same error to the last digit")
    hints += entry["hints"]
    if "changes" in entry:
        remarks += entry["changes"]["remarks"]
        verdict["changed"] = [entry["changes"]["added"], entry["changes"]["gone"]]
    if strict:
        reasons, remarks = reasons + remarks, []
    state = "not finished"
    if all(job in entry["jobs"] for job in [*jobs, *AUDITS[task[:5]]]):
        best = not reasons and all(not limit or value <= limit for value, limit in zip(verdict["mean"], high))
        state = "not valid" if reasons else VALID[0] if best else VALID[1]
    return verdict | {"state": state, "reasons": reasons, "remarks": remarks, "hints": hints}


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
            tasks = [task for task in SCRIPTS if len(row) > 1 and row[1] in (task, task[:5])]
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
    high = SCRIPTS[task][2]
    stay = [text for text in verdict["reasons"] if decision == "remark" and " over " in text]
    remarks = verdict["remarks"] + [text for text in verdict["reasons"] if text not in stay]
    state = verdict["state"]
    if state == "not valid" and not stay:
        best = "mean" in verdict and decision == "remark" and all(
            not limit or value <= limit for value, limit in zip(verdict["mean"], high))
        state = VALID[0] if best else VALID[1]
    return verdict | {"state": state, "reasons": stay, "remarks": remarks, "overruled": f"{decision}: {why}"}


def combine(task, entry, runs):
    """Return the findings of all checks of a script from its source and the reports of its runs.

    A report comes from the process of the script, which may have forged it: one that accuses in any run counts.
    """
    reports = [run["report"] for run in runs]
    result = entry["source"] | entry.get("changes", {}).get("findings", {})
    for name in CHECKS[task]:
        said = [report[name] for report in reports if name in report]
        failed = [text for text in [result.get(name, ""), *said] if text.startswith("failed")]
        if failed or name not in result:
            others = sorted(said, key=lambda text: not text.startswith("not checked"))
            result[name] = (failed or others or ["not checked: there is no report"])[0]
    if watch.TRAINED not in {name for report in reports for name in report} and any(reports):
        result[watch.TRAINED] = "passed"
    starts = [set(report["starts"]) for report in reports if report.get("starts")]
    if len(starts) > 1 and set.intersection(*starts) and not result[STARTS].startswith("failed"):
        result[STARTS] = f"failed: the weights before the training are the same to the last bit in {len(starts)} runs"
    result[COUNT] = count_parameters(runs)
    return result


def not_checked(judged):
    """Return what was not checked as lines of text; what is the same for several hand-ins is said once.

    judged: {submission: {task: verdict}}.
    """
    by_text = {}
    for submission, tasks in judged.items():
        for task, verdict in tasks.items():
            for name, finding in verdict["findings"].items():
                if finding.startswith("not checked"):
                    text = f"{name}: {finding.removeprefix('not checked: ')}"
                    by_text.setdefault((task, text), []).append(submission)
    count = len(judged)
    return [f"{who[0] if len(who) == 1 else f'{len(who)} of {count}'}, {task}: {text}"
            for (task, text), who in by_text.items()]


def count_parameters(runs):
    """Return the finding whether fewer parameters are printed than the models that predicted have."""
    counted = {run["report"]["parameters"] for run in runs if "parameters" in run["report"]}
    printed = {run["parameters"] for run in runs if "parameters" in run}
    if not counted:
        return "not checked: no Keras model predicted the test digits"
    if not printed:
        return "not checked: nothing is printed"
    if min(printed) < max(counted):
        return f"failed: {min(printed):,} are printed, but the models that predicted have {max(counted):,}"
    return "passed"


def audited(task, audit, run, verdict, entry):
    """Yield what an audit run says: pairs of "reason" or "hint", and a text that says what was expected and what came.

    verdict: with the mean errors of the ordinary runs.
    """
    number = -1 if audit == CONTRADICTION else 0  # of the classifier's error, of the decoder's
    usual = verdict["mean"][number]
    if "errors" not in run:
        yield "hint", f"not audited ({audit}): {run['reason']}"
        return
    error = run["errors"][number]
    if audit == CONTRADICTION:
        right, expected = 100 - error, 1 + usual / 5
        text = (f"after training with the labels renamed, {right:.1f}% of the test digits still get their old labels "
                f"(expected: at most {expected:.1f}%): it did not learn these labels from the training digits alone")
        if right > max(ACCUSED, expected):
            yield "reason", text
        elif right > expected:
            yield "hint", text
    elif audit == BLOCKS and error < usual + BLOCKS_ABOVE:
        text = (f"after training on blocks of random pixels its error is {error:.2f}%, in other runs {usual:.2f}% "
                f"(expected: {BLOCKS_ABOVE} points more): did it learn from the training digits?")
        trains = not verdict["findings"][watch.TRAINED].startswith("failed")
        yield "hint" if trains else "reason", text
