"""Grade the bundle or the hand-ins of a class: run each script several times and compare the means with the limits.

    python tools/grade.py                                the bundle's four scripts, five runs each
    python tools/grade.py --runs 20 task3_cnn.py         some scripts
    python tools/grade.py --submissions hand_ins/        each folder in it is one submission

Each run is a process of its own in a scratch copy, with limits (sandbox.py). What a reader would check is checked as
well (checks.py). Exit status 0: everything is valid; 1: something is not; 2: wrong usage; 130: stopped by Ctrl-C. See
docs/grading.md.
"""

import csv
import hashlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from statistics import mean, stdev
from typing import NamedTuple

import checks
import sandbox
from runs import ROOT, SCRIPTS, ProgressLine, bundle_files, machine, parse_line, positive_integer, scripts_parser, table

CHECKS = {"grader_checks.py": Path(checks.__file__).read_bytes()}  # added to the files of a submission
VERSION = 1  # of the JSON file
MODEL_SECONDS = 120  # for building a model and checking it
LARGEST = 20 * 2**20  # bytes of a submission
DATA_NAMES = {"dataset.txt", "test.txt"}  # the grader adds these
# What TensorFlow writes to standard error when it is imported, whatever a script does.
GREETING = re.compile(r"WARNING: All log messages before absl|To enable the following instructions"
                      r"|([IWE]\d{4} |[\d-]+ [\d:.]+: [IWE] ).*\.cc:\d+\]")
VALID = ("valid, high performance", "valid")

# ---------------------------------------------------------------------------------------------- submissions and jobs


def read_submission(folder):
    """Return the files of a submission as contents (bytes) by relative path; links and hidden folders are left out.

    A folder that contains only another folder, as archives often do, is replaced by that. Raises OSError if a file
    cannot be read, ValueError if the submission is too large.
    """
    def refuse(error):
        raise error

    inner = [path for path in Path(folder).iterdir() if not path.name.startswith((".", "__"))]
    if len(inner) == 1 and inner[0].is_dir() and not inner[0].is_symlink():
        return read_submission(inner[0])
    files, size = {}, 0
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        for name in names:
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            plain = path.is_file() and not path.is_symlink() and not name.startswith(".")
            if plain and relative.split("/")[0] not in DATA_NAMES:
                size += path.stat().st_size
                if size > LARGEST:
                    raise ValueError(f"larger than {LARGEST >> 20} MiB")
                files[relative] = path.read_bytes()
    return files


def read_class(folder):
    """Return the submissions in a folder: {name: files, or the reason (text) why they cannot be read}."""
    submissions = {}
    for path in sorted(Path(folder).iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            try:
                submissions[path.name] = read_submission(path)
            except (OSError, ValueError) as error:
                submissions[path.name] = f"cannot be read: {error}"
    if not submissions:
        raise ValueError(f"{folder}: no folder in it")
    return submissions


def read_bundle():
    """Return this bundle as the only submission."""
    return {"bundle": bundle_files(*SCRIPTS)}


def find_script(files, script):
    """Return the name of a task's script in a submission: that of the bundle, task3.py, or another that begins so.

    Raises ValueError if there is no such file, or more than one.
    """
    for name in script, f"{script[:5]}.py":
        if name in files:
            return name
    names = [name for name in files if re.fullmatch(script[:5] + r"[^/]*\.py", name)]
    if len(names) != 1:
        raise ValueError(f"which one is it: {', '.join(names)}?" if names else "not handed in")
    return names[0]


class Data(NamedTuple):
    """The data files by name: as a script gets them, and with training and test digits in two files."""

    plain: dict
    apart: dict

    @classmethod
    def read(cls, dataset, test=None):
        """Read a data file, and a test file if there is one; raises OSError."""
        dataset, test = Path(dataset).read_bytes(), test and Path(test).read_bytes()
        if test is not None:
            both = {"dataset.txt": dataset, "test.txt": test}
            return cls(both, both)
        lines = [line + b"\n" for line in dataset.rstrip().split(b"\n")]
        half = len(lines) // 2
        apart = {"dataset.txt": b"".join(lines[:half]), "test.txt": b"".join(lines[half:])}
        return cls({"dataset.txt": dataset}, apart)


def jobs_of(entry, files, runs, data):
    """Return the jobs of a script, by name: "model" if it has a `build_model`, "run 1" and so on.

    A job is a dictionary of files and the arguments of Python. The first run of a script that takes `--test` is
    watched: it gets the training digits and the test digits in two files. entry: see `judge`.
    """
    script, jobs = entry["script"], {}
    two_files = [script, "--dataset", "dataset.txt", "--test", "test.txt"]
    if entry["has_build_model"]:
        jobs["model"] = files | CHECKS | data.plain, [*CHECKS, "{report}", "model", script]
    for number in range(1, runs + 1):
        if entry["takes_test"] and number == 1:
            jobs["run 1"] = files | CHECKS | data.apart, [*CHECKS, "{report}", "watch", *two_files]
        else:
            given = entry["takes_test"] and "test.txt" in data.plain
            jobs[f"run {number}"] = files | data.plain, two_files if given else [script]
    return jobs


def fonts():
    """Return Matplotlib's font cache for a home folder. Otherwise each run would make its own in its own time."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], capture_output=True,
                       env=os.environ | {"MPLCONFIGDIR": folder})
        return {f".cache/matplotlib/{path.name}": path.read_bytes() for path in Path(folder).glob("*.json")}

# ----------------------------------------------------------------------------------------------- records and verdicts


def read_line(script, outcome):
    """Return what a run printed, (errors, parameters, minutes), and what is wrong with it ("" if nothing).

    The first is None if there is no line of results.
    """
    if outcome.lines != 1:
        return None, f"printed {outcome.lines or 'no'} lines instead of one"
    try:
        figures = parse_line(outcome.stdout, len(SCRIPTS[script][0]))
    except ValueError:
        return None, f"printed nonsense: {outcome.stdout.strip()[:60]!r}"
    whole = len(outcome.stderr) < sandbox.KEPT  # otherwise the first line is cut
    own = [text for text in outcome.stderr.splitlines()[0 if whole else 1 :]
           if text.strip() and not GREETING.match(text)]
    return figures, "wrote to standard error" if own else ""


def record(script, job, outcome):
    """Return the record of a job from its Outcome: a dictionary that JSON can hold."""
    figures, wrong = read_line(script, outcome) if job != "model" and not outcome.reason else (None, "")
    kept = {"reason": outcome.reason or wrong, "seconds": round(outcome.seconds, 2), "stderr": outcome.stderr,
            "isolated": outcome.isolated, "report": read_report(outcome.report)}
    if figures:
        kept |= dict(zip(("errors", "parameters", "minutes"), figures))
    return kept


def read_report(text):
    """Return the findings in a report that a submission's process has written, without anything else in it."""
    try:
        report = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(report, dict):
        return {}
    findings = {name: "".join(letter if letter.isprintable() else "?" for letter in value)
                for name, value in report.items() if isinstance(value, str)
                and re.match(r"passed$|(failed|not checked): ", value)}
    if isinstance(report.get("parameters"), int):
        findings["parameters"] = report["parameters"]
    return findings


def findings(entry, runs):
    """Return the findings of all checks of a script: {check: "passed", "failed: WHY" or "not checked: WHY"}.

    runs: the records of its runs.
    """
    names = checks.OF_MODEL[entry["script"][:5]]
    model, watched = entry["jobs"].get("model"), entry["jobs"].get("run 1")
    result, report = dict(entry["source"]), model["report"] if model else {}
    if not entry["has_build_model"]:
        why = "there is no build_model"
    elif model and model["reason"]:
        why = f"build_model {model['reason']}"
    else:
        why = "there is no report"
    result |= {name: report.get(name, f"not checked: {why}") for name in names}
    printed = {run["parameters"] for run in runs if "parameters" in run}
    if "parameters" not in report or not printed:
        result[checks.COUNT] = f"not checked: {why if printed else 'nothing is printed'}"
    elif printed == {report["parameters"]}:
        result[checks.COUNT] = "passed"
    else:
        result[checks.COUNT] = f"failed: {', '.join(map(str, sorted(printed)))} instead of {report['parameters']}"
    why = ("there is no report" if entry["takes_test"] else
           "it does not take --dataset and --test, but reads the files beside it")
    result[checks.LAST] = (watched["report"] if watched else {}).get(checks.LAST, f"not checked: {why}")
    return result


def judge(task, runs, entry):
    """Return the verdict on a script after `runs` runs: a dictionary of state, reasons, findings and figures.

    task: the bundle's name of the script. entry: {"script": the submission's name of it, "has_build_model": ...,
    "takes_test": ..., "source": findings of `checks.check_source`, "jobs": {name: record}}, or {"missing": why}.
    """
    if "missing" in entry:
        return {"state": "not valid", "reasons": [entry["missing"]], "findings": {}}
    names, limits, high, most_parameters, most_minutes = SCRIPTS[task]
    done = {number: entry["jobs"][f"run {number}"] for number in range(1, runs + 1) if f"run {number}" in entry["jobs"]}
    checked = findings(entry, done.values())
    bad = {number: run["reason"] for number, run in done.items() if run["reason"]}
    reasons = [f"run {', '.join(map(str, bad))}: {'; '.join(dict.fromkeys(bad.values()))}"] if bad else []
    reasons += [f"{name}: {finding.removeprefix('failed: ')}" for name, finding in checked.items()
                if finding.startswith("failed")]
    verdict = {"state": "not finished", "reasons": reasons, "findings": checked}
    good = [run for run in done.values() if "errors" in run]
    if good:
        errors = list(zip(*(run["errors"] for run in good)))
        verdict |= {
            "runs": len(good), "mean": [mean(error) for error in errors], "worst": [max(error) for error in errors],
            "spread": [stdev(error) if len(error) > 1 else 0.0 for error in errors],
            "parameters": max(run["parameters"] for run in good),
            "minutes": mean(max(run["minutes"], run["seconds"] / 60) for run in good),
        }
        reasons += [f"{name} error {value:.2f}% is over {limit}%"
                    for name, value, limit in zip(names, verdict["mean"], limits) if value > limit]
        if verdict["parameters"] > most_parameters:
            reasons.append(f"{verdict['parameters']:,} parameters are over {most_parameters:,}")
        if verdict["minutes"] > most_minutes:
            reasons.append(f"{verdict['minutes']:.2f} minutes are over {most_minutes}")
    if len(done) == runs and ("model" in entry["jobs"] or not entry["has_build_model"]):
        best = not reasons and all(not limit or value <= limit for value, limit in zip(verdict["mean"], high))
        verdict["state"] = "not valid" if reasons else VALID[0] if best else VALID[1]
    return verdict

# ------------------------------------------------------------------------------------------------ results on disk


class Results:
    """All records, in memory and, if a file is named, on disk: it is saved after every job.

    entries: {submission: {task: entry}}, for the entries see `judge`. An entry that has jobs also has a "digest".
    Raises ValueError if the file exists and cannot be resumed, OSError if it cannot be written.
    """

    def __init__(self, path, settings, resume):
        self.path, self.settings, self.entries = path, settings, {}
        if path and path.exists():
            if not resume:
                raise ValueError(f"{path} exists; use --resume to go on with it")
            try:
                saved = json.loads(path.read_text())
                if saved["version"] != VERSION:
                    raise ValueError
                old, self.entries = saved["settings"], saved["submissions"]
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{path} is not a file of this grader") from None
            for name, value in settings.items():
                if old.get(name) != value:
                    raise ValueError(f"{path} was made with another {name}")
        self.save()

    def entry(self, submission, task, fresh):
        """Return the entry of a script: the old one if its files are the same, `fresh` if not."""
        tasks = self.entries.setdefault(submission, {})
        old = tasks.get(task, {})
        if "missing" in fresh:
            tasks[task] = old | fresh  # what has been measured stays, in case the files come back
        elif old.get("digest") != fresh["digest"]:
            tasks[task] = fresh
        else:
            old.pop("missing", None)
        return tasks[task]

    def save(self, verdicts=None):
        """Write a new file and rename it, so that the results are complete on disk at any time."""
        if self.path is None:
            return
        whole = {"version": VERSION, "settings": self.settings, "submissions": self.entries}
        if verdicts:
            whole["verdicts"] = verdicts
        beside = self.path.with_name(self.path.name + ".new")
        with open(beside, "w") as file:
            json.dump(whole, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)


def write_csv(path, verdicts):
    """Write the verdicts, one row per submission and script."""
    # The names of folders may be invalid text.
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(["submission", "script", "state", "reasons", "runs", "mean_errors", "worst_errors", "spreads",
                         "parameters", "minutes", "not_checked"])
        for submission, task, verdict in flat(verdicts):
            lists = [" ".join(f"{value:.2f}" for value in verdict.get(key, [])) for key in ("mean", "worst", "spread")]
            skipped = [name for name, finding in verdict["findings"].items() if finding.startswith("not checked")]
            writer.writerow([submission, task, verdict["state"], "; ".join(verdict["reasons"]), verdict.get("runs", 0),
                             *lists, verdict.get("parameters", ""),
                             f"{verdict['minutes']:.2f}" if "minutes" in verdict else "", "; ".join(skipped)])


def flat(verdicts):
    """Yield the submission, the task and the verdict of each script."""
    for submission, tasks in verdicts.items():
        for task, verdict in tasks.items():
            yield submission, task, verdict


def digest(thing):
    """Return a hash of some files."""
    return hashlib.sha256(repr(thing).encode()).hexdigest()

# -------------------------------------------------------------------------------------------------- running the jobs


def locally(jobs, started):
    """Run jobs one at a time; yields the key of each and its Outcome, or the OSError that prevented it.

    jobs: pairs of a key and the arguments of `sandbox.run`. started: called with the key of a job before it is run.
    """
    for key, arguments in jobs:
        started(key)
        try:
            yield key, sandbox.run(*arguments)
        except OSError as error:
            yield key, error


def on_cluster(address):
    """Return a function like `locally` that runs the jobs on the workers of a Dask cluster.

    A worker runs one job at a time, however many threads it has. The jobs of a worker that dies go to others. The
    workers need Python with TensorFlow and Dask, and nothing of this project. Raises OSError if there is no cluster.
    """
    import cloudpickle
    import distributed

    cloudpickle.register_pickle_by_value(sandbox)
    client = distributed.Client(address, timeout="10s")

    def alone(arguments):
        with distributed.Lock(distributed.get_worker().address):
            return sandbox.run(*arguments)

    def run(jobs, started):
        jobs, keys, finished = iter(jobs), {}, distributed.as_completed()
        while True:
            try:
                room = 2 * max(1, len(client.scheduler_info(n_workers=-1)["workers"])) - len(keys)
                for key, arguments in itertools.islice(jobs, max(0, room)):  # not all at once: each carries its files
                    started(key)
                    future = client.submit(alone, arguments, pure=False)
                    keys[future] = key
                    finished.add(future)
                if not keys:
                    return
                future = next(finished)
            except Exception as error:
                raise ConnectionError(f"the cluster is gone: {error}") from None
            try:
                outcome = future.result()
            except Exception as error:  # all workers that got it have died
                outcome = error
            yield keys.pop(future), outcome
    return run


def summary(kept, verdict):
    """Return the result of a job in a few words. verdict: that of the runs of its script so far."""
    if "errors" not in kept:
        return kept["reason"] or "checked"
    text = f"{' '.join(f'{error:.2f}%' for error in kept['errors'])} in {kept['seconds']:.1f} s"
    text += f" (mean of {verdict['runs']}: {' '.join(f'{value:.2f}%' for value in verdict['mean'])})"
    return text + (f", {kept['reason']}" if kept["reason"] else "")


def grade(submissions, tasks, results, options, data, execute):
    """Run the jobs that are not done yet, and record them as they end.

    submissions: {name: files, or the reason (text) why they cannot be read}. data: a `Data`. execute: `locally` or the
    like. Returns {submission: {task: verdict}} and whether all jobs were run.
    """
    entries, todo, total = {}, [], 0
    draws = any(b"matplotlib" in content for files in submissions.values() if isinstance(files, dict)
                for content in files.values())
    home = fonts() if draws else {}
    marks = {name: digest(sorted(files.items())) for name, files in submissions.items() if isinstance(files, dict)}
    for submission, task in itertools.product(submissions, tasks):
        files = submissions[submission]
        try:
            if isinstance(files, str):
                raise ValueError(files)
            script = find_script(files, task)
        except ValueError as error:
            entries[submission, task] = results.entry(submission, task, {"missing": str(error)})
            continue
        entries[submission, task] = entry = results.entry(submission, task, {
            "digest": marks[submission], "script": script, "jobs": {},
            "has_build_model": checks.has_build_model(files, script), "takes_test": checks.takes_test(files, script),
            "source": checks.check_source(files, script)})
        jobs = jobs_of(entry, files, options.runs, data)
        total += len(jobs)
        for job, arguments in jobs.items():
            seconds = MODEL_SECONDS if job == "model" else options.timeout or 2 * 60 * SCRIPTS[task][4]
            if job not in entry["jobs"]:
                todo.append(((submission, task, job), (*arguments, seconds, options.memory, home)))
    done, complete = total - len(todo), True
    with ProgressLine("job", total) as progress:
        def started(key):
            progress.update(done, " ".join(key))

        try:
            for (submission, task, job), outcome in execute(todo, started):
                entry = entries[submission, task]
                if isinstance(outcome, Exception):  # not the submission's fault, so it is not recorded
                    text = f"could not be run: {outcome}"
                else:
                    entry["jobs"][job] = record(task, job, outcome)
                    results.save()
                    text = summary(entry["jobs"][job], judge(task, options.runs, entry))
                done += 1
                progress.print(f"{submission} {task} {job}: {text}")
        except (KeyboardInterrupt, OSError) as error:
            progress.print(f"stopped{f' ({error})' * bool(str(error))}; the following is of the runs so far")
            complete = False
    verdicts = {}
    for (submission, task), entry in entries.items():
        verdicts.setdefault(submission, {})[task] = judge(task, options.runs, entry)
    results.save(verdicts)
    return verdicts, complete

# ----------------------------------------------------------------------------------------------------------- output


def rows(submission, task, verdict):
    """Yield the table rows of a script, one for each of its errors."""
    names, limits, high, most_parameters, most_minutes = SCRIPTS[task]
    if "mean" not in verdict:
        yield [submission, task, *[""] * 8, verdict["state"]]
        return
    for number, name in enumerate(names):
        limit = f"{limits[number]}" + (f" ({high[number]})" if high[number] else "")
        figures = [name, f"{verdict['mean'][number]:.2f} ± {verdict['spread'][number]:.2f}",
                   f"{verdict['worst'][number]:.2f}", limit]
        if number:
            yield ["", "", *figures, *[""] * 5]
        else:
            yield [submission, task, *figures, f"{verdict['parameters']:,}", f"{most_parameters:,}",
                   f"{verdict['minutes']:.2f}", most_minutes, verdict["state"]]


def show(verdicts, where, runs):
    """Print the table, then the reasons why something is not valid, and what was not checked."""
    print(f"{runs} runs of each script on {where}; mean ± standard deviation.\n")
    print(table(["submission", "script", "error of", "in %", "worst", "limit (high)", "parameters", "limit", "minutes",
                 "limit", "verdict"], [row for one in flat(verdicts) for row in rows(*one)], "lll" + 7 * "r" + "l"))
    print()
    for submission, task, verdict in flat(verdicts):
        for text in verdict["reasons"]:
            print(f"{submission} {task}: {text}")
        for name, finding in verdict["findings"].items():
            if finding.startswith("not checked"):
                print(f"{submission} {task}: {name}: {finding}")


def parse():
    """Return the parser and the options of the command line. Ends the program with status 2 if they are wrong."""
    parser = scripts_parser(__doc__, runs=5)
    parser.add_argument("--submissions", type=Path, metavar="DIR",
                        help="grade each folder in DIR instead of the bundle")
    parser.add_argument("--dataset", default=ROOT / "dataset.txt", metavar="FILE",
                        help="digits; the first half is for training, the second for testing (default: the bundle's)")
    parser.add_argument("--test", metavar="FILE", help="test digits; then all of --dataset is for training")
    parser.add_argument("--timeout", type=positive_integer, metavar="SECONDS",
                        help="limit of a run (default: twice the task's limit)")
    parser.add_argument("--memory", type=positive_integer, default=8, metavar="GIB",
                        help="limit of each process (default: 8)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all results there, after each run")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="save the verdicts there, at the end")
    parser.add_argument("--resume", action="store_true", help="go on with the results in the file of --json")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on a Dask cluster (pip install distributed)")
    options = parser.parse_args()
    if options.resume and not options.json:
        parser.error("--resume needs --json FILE, which holds the results so far")
    return parser, options


def main():
    """Grade, then print and save the results."""
    for stream in sys.stdout, sys.stderr:
        stream.reconfigure(errors="backslashreplace")  # for names of folders that are not valid text
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    parser, options = parse()
    if not hasattr(os, "fork"):
        parser.error("the grader needs Linux or macOS (on Windows its Linux subsystem)")
    if not options.dask and not find_spec("tensorflow"):  # otherwise every hand-in would crash
        parser.error(f"{sys.executable} has no TensorFlow: install what the scripts need, or start the grader "
                     "with a Python that has it")
    try:
        data = Data.read(options.dataset, options.test)
        submissions = read_class(options.submissions) if options.submissions else read_bundle()
        settings = {"dataset": digest(data), "timeout": options.timeout, "memory": options.memory}
        if options.dask:
            execute, where = on_cluster(options.dask), f"the workers of {options.dask}"
        else:
            execute, where = locally, machine()
            if not sandbox.isolated():
                print("This system has no sandbox: scripts can reach the network, and write where you can.",
                      file=sys.stderr)
        if options.csv and not options.csv.parent.is_dir():  # better now than after the last run
            raise ValueError(f"{options.csv.parent}: no such folder")
        results = Results(options.json, settings, options.resume)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    except ImportError as error:
        parser.error(f"--dask needs {error.name} (to install it: pip install distributed)")
    verdicts, complete = grade(submissions, options.scripts or list(SCRIPTS), results, options, data, execute)
    sandboxed = {job["isolated"] for tasks in results.entries.values() for entry in tasks.values()
             for job in entry.get("jobs", {}).values()}
    how = "sandboxed" if sandboxed == {True} else "some of them sandboxed" if True in sandboxed else "not sandboxed"
    show(verdicts, f"{where}, {how}", options.runs)
    if options.csv:
        try:
            write_csv(options.csv, verdicts)
        except OSError as error:
            parser.error(str(error))
    if not complete:
        return 130
    return 0 if {verdict["state"] for *_, verdict in flat(verdicts)} <= set(VALID) else 1


if __name__ == "__main__":
    sys.exit(main())
