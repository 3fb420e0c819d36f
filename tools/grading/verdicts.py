"""From what the runs of a hand-in have shown to a verdict: reasons, remarks and hints.

A *reason* makes a hand-in not valid: it breaks a rule or is over a limit. A *remark* is what its author should mend but
did not gain by. A *hint* is for a person to read, and changes nothing.
"""

from statistics import mean, stdev

from grading import models, source, watch
from grading.audits import BLOCKS, CONTRADICTION
from grading.results import given_up
from project import TASKS

VALID = ("valid, high performance", "valid")
COUNT, STARTS = "parameters as printed", "no random seeds"
CHECKS = {task: [source.SEEDS, watch.TENSORFLOW, watch.TRAINED, *TASKS[task].checks, COUNT, models.HELPED, watch.LAST]
          for task in TASKS}
# Right answers in % in a contradiction from which a hand-in is accused. Honest scripts with errors of 0 to 15% had at
# most 3% (docs/grading.md). A network that learned nothing guesses 10% right, give or take 2 of 200 digits' and 1 of
# 1,000 digits' percent.
ACCUSED = 20
# An autoencoder that learned from blocks should err by this many points more on digits than one that learned digits.
# Task 1 had 1.3 to 7.3% in 36 trainings on blocks, and less than 3% in six of them. A code made by hand has 0 more.
BLOCKS_ABOVE = 1
ROUNDED = 30  # seconds by which a printed time in minutes may be longer than the process took


def judge(task, runs, entry, strict=False):
    """Return the verdict on a script after `runs` runs, a dictionary.

    state: in words; reasons, remarks, hints: lists of text; findings: {check: "passed", "failed: WHY" or "not checked:
    WHY"}; basis of the errors: "measured" or "as printed", "" if it is not there. If there are errors: `runs`, their
    number; `mean`, `worst` and `standard_deviation`, lists in %, as `TASKS[task].errors` names them; `each`, the same
    with a list of all runs; `minutes`, the mean; `parameters`, if they are known. With a hand-out `changed`, the
    numbers of lines that are new and gone.

    task: a name in `TASKS`. entry: see `jobs.describe`, or {"missing": why}. strict: whether remarks make it not valid.
    """
    if "missing" in entry:
        return {"state": "not valid", "reasons": [entry["missing"]], "remarks": [], "hints": [], "findings": {},
                "basis": ""}
    limits = TASKS[task]
    jobs = [f"run {number}" for number in range(1, runs + 1)]
    done = {job: entry["jobs"][job] for job in jobs if job in entry["jobs"]}
    bad = {job.removeprefix("run "): run["reason"] for job, run in done.items() if run["reason"]}
    reasons = [f"run {', '.join(bad)}: {'; '.join(dict.fromkeys(bad.values()))}"] if bad else []
    if given_up(entry, runs) and len(done) < runs:
        reasons[0] += " (so it was not run again)"
    good = [run for run in done.values() if "errors" in run]
    findings = combine(task, entry, list(done.values()))
    said = {kind: [f"{name}: {finding.removeprefix(f'{kind}: ')}" for name, finding in findings.items()
                   if finding.startswith(f"{kind}: ")] for kind in ("failed", "remark", "hint")}
    if not good and not entry["source"].get(watch.TENSORFLOW, "").startswith("failed"):  # a crash may come before it
        said["failed"] = [text for text in said["failed"] if not text.startswith(watch.TENSORFLOW)]
    early, unseen = ([text for text in said["failed"] if text.startswith(name)] for name in (
        watch.LAST, watch.TRAINED))
    reasons += [text for text in said["failed"] if text not in early + unseen]
    remarks = list(dict.fromkeys(remark for run in done.values() for remark in run["remarks"])) + said["remark"]
    hints = sorted(said["hint"], key=lambda text: not text.startswith(STARTS))  # a seed comes first
    verdict = {"findings": findings, "basis": "measured" if entry["form"] == "blank" else "as printed"}
    if good:
        errors = list(zip(*(run["errors"] for run in good)))
        false = [run for run in good if 60 * run.get("minutes", 0) > run["seconds"] + ROUNDED]
        times = [(0 if run in false else run.get("minutes", 0), run["spoke"] / 60) for run in good]
        counted, clock = map(mean, zip(*times))
        printed = mean(run.get("minutes", 0) for run in good)
        remarks += [f"printed {run['minutes']:.2f} minutes, but ran for {run['seconds']:.0f} s: are they seconds? The "
                    "grader's clock counts" for run in false[:1]]
        verdict |= {"runs": len(good), "mean": list(map(mean, errors)), "worst": list(map(max, errors)),
                    "standard_deviation": [stdev(error) if len(error) > 1 else 0.0 for error in errors],
                    "each": [list(error) for error in errors],
                    "minutes": mean(map(max, times))}
        counts = [count for run in good for count in (run.get("parameters"), run["report"].get("parameters"))
                  if count is not None]
        if counts:
            verdict["parameters"] = max(counts)
        else:
            reasons.append("the number of parameters is not printed, and could not be counted")
        reasons += [f"{name} error {value:.2f}% is over {limit}%"
                    for name, value, limit in zip(limits.errors, verdict["mean"], limits.limits) if value > limit]
        if verdict.get("parameters", 0) > limits.parameters:
            reasons.append(f"{verdict['parameters']:,} parameters are over {limits.parameters:,}")
        if verdict["minutes"] > limits.minutes:
            reasons.append(f"{verdict['minutes']:.2f} minutes are over {limits.minutes}" + (
                f" (by the grader's clock, until its last line; {printed:.2f} are printed)" if counted < clock else ""))
        for audit in TASKS[task].audits:
            ran = entry["jobs"].get(audit)
            for kind, text in audited(task, audit, ran, verdict, entry) if ran else []:
                (reasons if kind == "reason" else hints).append(text)
                if kind == "reason":  # what was read early was used as well, and what was not seen is not there
                    reasons, early, unseen = reasons + early + unseen, [], []
        if len(good) > 2 and any(errors) and len(set(zip(*errors))) == 1 and any(verdict["mean"]):
            hints.append(f"all {len(good)} runs have the same error to the last digit")
    remarks += early  # to read is not to use
    hints += [f"{text}: is it gradient descent?" for text in unseen]  # such as one that is written out by hand
    hints += entry["hints"]
    if "changes" in entry:
        remarks += entry["changes"]["remarks"]
        hints += entry["changes"].get("hints", [])
        verdict["changed"] = [entry["changes"]["added"], entry["changes"]["gone"]]
    if strict:
        reasons, remarks = reasons + remarks, []
    state = "not finished"
    if given_up(entry, runs) or all(job in entry["jobs"] for job in [*jobs, *TASKS[task].audits]):
        best = not reasons and all(not limit or value <= limit
                                   for value, limit in zip(verdict["mean"], limits.high_performance))
        state = "not valid" if reasons else VALID[0] if best else VALID[1]
    return verdict | {"state": state, "reasons": reasons, "remarks": remarks, "hints": hints}


def combine(task, entry, runs):
    """Return the findings of all checks of a script from its source and the reports of its runs.

    A report comes from the process of the script, which may have forged it: one that accuses in any run counts.
    """
    reports = [run["report"] for run in runs]
    result = entry["source"] | entry.get("changes", {}).get("findings", {})
    used = any("errors" in run for run in runs) and not any(watch.TENSORFLOW in report for report in reports)
    if used and result[watch.TENSORFLOW].startswith("failed"):
        result[watch.TENSORFLOW] = "hint: no import of it was found in the source, but it was there in the runs"
    for name in CHECKS[task]:
        said = [report[name] for report in reports if name in report]
        failed = [text for start in ("failed", "remark", "hint") for text in [result.get(name, ""), *said]
                  if text.startswith(start)]
        if failed or name not in result:
            others = sorted(said, key=lambda text: not text.startswith("not checked"))
            nothing = "passed" if name == models.HELPED else "not checked: there is no report"
            result[name] = (failed or others or [nothing])[0]
    if watch.TRAINED not in {name for report in reports for name in report} and any(reports):
        result[watch.TRAINED] = "passed"
    starts = [report for report in reports if report.get("starts")]
    if not result[STARTS].startswith("failed") and len(starts) > 1 and set.intersection(
            *(set(report["starts"]) for report in starts)):
        same = set.intersection(*(set(report.get("states", [])) for report in starts))
        text = f"the weights before the training are the same to the last bit in {len(starts)} runs"
        names = " and ".join(sorted(state.split()[0] for state in same if state.split()))
        result[STARTS] = (f"failed: {text}, and so are the random numbers of {names}" if names else
                          f"hint: {text}: a seed, or a start by formula?")
    result[COUNT] = count_parameters(runs)
    return result


def not_checked(judged):
    """Return what was not checked as lines of text; what is the same for several hand-ins is said once.

    Of a script that gave no result nothing is said: that it was not checked follows. judged: {submission: {task:
    verdict}}.
    """
    by_text = {}
    for submission, tasks in judged.items():
        for task, verdict in tasks.items():
            for name, finding in verdict["findings"].items():
                if finding.startswith("not checked") and "mean" in verdict:
                    text = f"{name}: {finding.removeprefix('not checked: ')}"
                    by_text.setdefault((task, text), []).append(submission)
    count = len(judged)
    return [f"{who[0] if len(who) == 1 else f'{len(who)} of {count}'}, {task}: {text}"
            for (task, text), who in by_text.items()]


def count_parameters(runs):
    """Return the finding whether fewer parameters are printed than the models that predicted have.

    What is not trained, such as the averages of batch normalization, is often forgotten, and little: it is to mend.
    """
    counted = {run["report"]["parameters"] for run in runs if "parameters" in run["report"]}
    printed = {run["parameters"] for run in runs if "parameters" in run}
    together = max((run["report"].get("together", 0) for run in runs), default=0)
    if printed and together > min(printed):
        return (f"hint: {min(printed):,} are printed; several models predicted, and have {together:,} together. Which "
                "of them were given the test digits cannot be told")
    if not counted:
        return "not checked: no Keras model predicted the test digits"
    if not printed:
        return "not checked: nothing is printed"
    least, most = min(printed), max(counted)
    if least >= most:
        return "passed"
    text = f"{least:,} are printed, but the models that predicted have {most:,}"
    untrained = max(run["report"].get("untrained", 0) for run in runs if run["report"].get("parameters") == most)
    if most - least > untrained:
        return f"failed: {text}"
    missing = "" if most - least == untrained else f"{most - least:,} of "
    return f"remark: {text}: {missing}the {untrained:,} that are not trained, such as averages, are missing"


def audited(task, audit, run, verdict, entry):
    """Yield what an audit run says: pairs of "reason" or "hint", and a text that says what was expected and what came.

    verdict: with the mean errors of the ordinary runs. What is over the limit anyway has gained nothing: it is not
    accused.
    """
    number = TASKS[task].errors.index("digit" if audit == CONTRADICTION else "reconstruction")
    usual = verdict["mean"][number]
    gained = usual <= TASKS[task].limits[number]
    if "errors" not in run:
        yield "hint", f"not audited ({audit}): {run['reason']}"
        return
    error = run["errors"][number]
    own = [hint.partition(": a file of ")[0] for hint in entry["hints"] if hint.endswith("that is not Python")]
    has = f"; it has files of its own: {', '.join(own[:3])}" if own else ""
    if audit == CONTRADICTION:
        right, expected = 100 - error, 1 + usual / 5
        text = (f"after training with the labels renamed, {right:.1f}% of the test digits still get their old labels "
                f"(expected: at most {expected:.1f}%): it did not learn these labels from the training digits alone"
                + has)
        if gained and right > max(ACCUSED, expected):
            yield "reason", text
        elif right > expected:
            yield "hint", text
    elif audit == BLOCKS and error < usual + BLOCKS_ABOVE:
        text = (f"after training on blocks of random pixels its error is {error:.2f}%, in other runs {usual:.2f}% "
                f"(expected: {BLOCKS_ABOVE} points more): did it learn from the training digits?{has}")
        accused = gained and any(
            verdict["findings"].get(name, "").startswith("failed") for name in (watch.TRAINED, watch.LAST))
        yield "reason" if accused else "hint", text
