"""Grade the bundle or the hand-ins of a class: run each script several times and compare the means with the limits.

    python tools/grade.py                                the bundle's four scripts, five runs each
    python tools/grade.py --runs 20 task3_cnn.py         some scripts
    python tools/grade.py --submissions hand_ins/        each folder and archive in it is one submission

Each run is a process of its own behind walls (sandbox.py), with the digits in another order; in audit runs they are
altered (audits.py). What the runs have shown becomes a verdict (verdicts.py). Exit status 0: everything is valid; 1:
something is not; 2: wrong usage; 130: stopped by Ctrl-C. See docs/grading.md.
"""

import contextlib
import csv
import hashlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import alike
import changes
import report
import sandbox
import source
import verdicts
import watch
from audits import APART, AUDITS, BLANK, ORDINARY, TOGETHER, Data
from runs import ROOT, SCRIPTS, ProgressLine, bundle_files, machine, positive_integer, scripts_parser, table
from submissions import find_script, left_out, read_class
from verdicts import VALID, judge, overrule, read_decisions, record

WATCH = {"grader_watch.py": Path(watch.__file__).read_bytes()}  # added to the files of a submission
VERSION = 2  # of the JSON file

# --------------------------------------------------------------------------------------------------- scripts and jobs


def describe(files, task, handed_out):
    """Return a new entry for a script of a submission: how it is run, and what its source says.

    handed_out: the files that were handed out, None if that is not known.
    form: how it gets the digits: APART if it takes --dataset and --test, BLANK if --predictions too, TOGETHER if not.
    jobs: the records of its runs by name, none yet. Raises ValueError if the script is not there.
    """
    script = find_script(files, task)
    options = source.options_of(files, script)
    form = BLANK if len(options) == 3 else APART if {"--dataset", "--test"} <= options else TOGETHER
    known = {*bundle_files().values(), *(handed_out or {}).values()}
    entry = {"script": script, "form": form, "source": source.check_source(files, script),
             "hints": source.hints(files, script, known), "jobs": {}}
    return entry | ({"changes": changes.compare(handed_out, files, script, task)} if handed_out else {})


def read_handout(folder):
    """Return the scripts that were handed out, and what they share: {path: bytes}. Raises ValueError for others."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes()
             for path in sorted([*folder.glob("*.py"), *folder.glob("support/*.py")]) if path.name in SCRIPTS
             or path.name == "common.py" or path.parent != folder}
    missing = {"common.py", *SCRIPTS} - files.keys()
    if missing:
        raise ValueError(f"{folder}: no {', '.join(sorted(missing))}, so it is not what tools/handout.py has written")
    return files


def shared_part(handed_out):
    """Return the files that all scripts share. Students need not hand them in."""
    return {name: content for name, content in handed_out.items() if name not in SCRIPTS}


def jobs_of(task, runs):
    """Return the names of the jobs of a script: its runs and its audits, in random order."""
    jobs = [f"run {number}" for number in range(1, runs + 1)] + AUDITS[task[:5]]
    return random.sample(jobs, len(jobs))


def arguments_of(entry, job, files, data):
    """Return the files and the arguments of Python for a job, and its test digits. They are drawn anew each time."""
    given, test = data.draw(ORDINARY if job.startswith("run ") else job, entry["form"])
    arguments = [*WATCH, "{report}", str(len(test.labels)), entry["script"]]
    if entry["form"] != TOGETHER:
        arguments += ["--dataset", "dataset.txt", "--test", "test.txt"]
    if entry["form"] == BLANK:
        arguments += ["--predictions", "{predictions}"]
    return files | WATCH | given, arguments, test


def fonts():
    """Return Matplotlib's font cache for a home folder. Otherwise each run would make its own in its own time."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], capture_output=True,
                       env=os.environ | {"MPLCONFIGDIR": folder})
        return {f".cache/matplotlib/{path.name}": path.read_bytes() for path in Path(folder).glob("*.json")}

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

    def save(self, judged=None):
        """Write a new file and rename it, so that the results are complete on disk at any time."""
        if self.path is None:
            return
        whole = {"version": VERSION, "settings": self.settings, "submissions": self.entries}
        if judged:
            whole["verdicts"] = judged
        beside = self.path.with_name(self.path.name + ".new")
        with open(beside, "w") as file:
            json.dump(whole, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)


def write_csv(path, judged):
    """Write the verdicts, one row per submission and script."""
    def cell(text):
        return f"'{text}" if str(text).startswith(("=", "+", "-", "@")) else text  # no formula for a spreadsheet

    # The names of folders may be invalid text.
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(["submission", "script", "state", "basis", "reasons", "remarks", "hints", "runs", "mean_errors",
                         "worst_errors", "spreads", "parameters", "minutes", "not_checked", "overruled"])
        for submission, task, verdict in flat(judged):
            lists = [" ".join(f"{value:.2f}" for value in verdict.get(key, [])) for key in ("mean", "worst", "spread")]
            skipped = [name for name, finding in verdict["findings"].items() if finding.startswith("not checked")]
            texts = ["; ".join(verdict[kind]) for kind in ("reasons", "remarks", "hints")]
            writer.writerow(map(cell, [
                submission, task, verdict["state"], verdict["basis"], *texts, verdict.get("runs", 0), *lists,
                verdict.get("parameters", ""), f"{verdict['minutes']:.2f}" if "minutes" in verdict else "",
                "; ".join(skipped), verdict.get("overruled", "")]))


def flat(judged):
    """Yield the submission, the task and the verdict of each script."""
    for submission, tasks in judged.items():
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
        return kept["reason"]
    text = f"{' '.join(f'{error:.2f}%' for error in kept['errors'])} in {kept['seconds']:.1f} s"
    if "mean" in verdict:
        text += f" (mean of {verdict['runs']}: {' '.join(f'{value:.2f}%' for value in verdict['mean'])})"
    return text + (f", {kept['reason']}" if kept["reason"] else "")


def grade(submissions, handed_out, known, decisions, tasks, results, options, data, execute):
    """Run the jobs that are not done yet, and record them as they end.

    submissions: {name: files, or the reason (text) why they cannot be read}. handed_out: files, None if not known.
    known: {name: files} of other hand-ins. decisions: a teacher's, see `read_decisions`. data: a `Data`. execute:
    `locally` or the like. Returns {submission: {task: verdict}} and whether all jobs were run.
    """
    entries, todo, total, pending = {}, [], 0, {}
    draws = any(b"matplotlib" in content for files in submissions.values() if isinstance(files, dict)
                for content in files.values())
    home = fonts() if draws else {}
    marks = {name: digest(sorted(files.items())) for name, files in submissions.items() if isinstance(files, dict)}
    for submission, task in itertools.product(submissions, tasks):
        files = submissions[submission]
        try:
            if isinstance(files, str):
                raise ValueError(files)
            fresh = describe(files, task, handed_out) | {"digest": marks[submission]}
        except ValueError as error:
            entries[submission, task] = results.entry(submission, task, {"missing": str(error)})
            continue
        entries[submission, task] = entry = results.entry(submission, task, fresh)
        jobs = jobs_of(task, options.runs)
        total += len(jobs)
        todo += [(submission, task, job) for job in jobs if job not in entry["jobs"]]

    def with_arguments():
        """Yield the jobs with their arguments, which are made when they are needed: each has its own data."""
        for submission, task, job in todo:
            files, arguments, test = arguments_of(entries[submission, task], job, submissions[submission], data)
            pending[submission, task, job] = test
            seconds = options.timeout or 2 * 60 * SCRIPTS[task][4]
            yield (submission, task, job), (files, arguments, seconds, options.memory, home)

    done, complete = total - len(todo), True
    with ProgressLine("job", total) as progress:
        def started(key):
            progress.update(done, printable(" ".join(key)))

        try:
            for (submission, task, job), outcome in execute(with_arguments(), started):
                entry, test = entries[submission, task], pending.pop((submission, task, job))
                if isinstance(outcome, Exception):  # not the submission's fault, so it is not recorded
                    text = f"could not be run: {outcome}"
                else:
                    entry["jobs"][job] = record(task, outcome, test, entry["form"] == BLANK)
                    results.save()
                    text = summary(entry["jobs"][job], judge(task, options.runs, entry))
                done += 1
                progress.print(printable(f"{submission} {task} {job}: {text}"))
        except (KeyboardInterrupt, OSError) as error:
            progress.print(f"stopped{f' ({error})' * bool(str(error))}; the following is of the runs so far")
            complete = False
    judged, similar = {}, {task: alike_hints(task, submissions, handed_out, known) for task in tasks}
    for (submission, task), entry in entries.items():
        verdict = judge(task, options.runs, entry, options.strict)
        verdict["hints"] += similar[task].get(submission, [])
        if (submission, task) in decisions:
            verdict = overrule(task, verdict, *decisions[submission, task])
        judged.setdefault(submission, {})[task] = verdict
    results.save(judged)
    return judged, complete



def alike_hints(task, submissions, handed_out, known):
    """Return the hints at scripts of a task that are much like another one, {submission: [text]}."""
    def counted(classes):
        counters = {}
        for name, files in classes.items():
            with contextlib.suppress(ValueError):  # not handed in
                if not isinstance(files, str):
                    counters[name] = alike.statements(files, find_script(files, task))
        return counters

    shared = counted({"": handed_out})[""] if handed_out else Counter()
    return alike.hints(counted(submissions), counted(known), shared)

# ----------------------------------------------------------------------------------------------------------- output


def rows(submission, task, verdict):
    """Yield the table rows of a script, one for each of its errors."""
    names, limits, high, most_parameters, most_minutes = SCRIPTS[task]
    if "mean" not in verdict:
        yield [submission, task, *[""] * 9, described(verdict)]
        return
    for number, name in enumerate(names):
        limit = f"{limits[number]}" + (f" ({high[number]})" if high[number] else "")
        figures = [name, f"{verdict['mean'][number]:.2f} ± {verdict['spread'][number]:.2f}",
                   f"{verdict['worst'][number]:.2f}", limit]
        if number:
            yield ["", "", *figures, *[""] * 6]
        else:
            parameters = f"{verdict['parameters']:,}" if "parameters" in verdict else "?"
            yield [submission, task, *figures, verdict["basis"], parameters, f"{most_parameters:,}",
                   f"{verdict['minutes']:.2f}", most_minutes, described(verdict)]


def described(verdict):
    """Return the state of a verdict, and whether a teacher has decided it."""
    return verdict["state"] + " (overruled)" * ("overruled" in verdict)


def show(judged, where, runs):
    """Print the table, then reasons, remarks and hints, then what was not checked."""
    print(f"{runs} runs of each script on {where}; mean ± standard deviation.\n")
    print(printable(table(
        ["submission", "script", "error of", "in %", "worst", "limit (high)", "basis", "parameters", "limit", "minutes",
         "limit", "verdict"], [row for one in flat(judged) for row in rows(*one)], "lll" + "rrrlrrrrl")))
    lines = [f"{submission} {task}: {verdict['overruled']}" for submission, task, verdict in flat(judged)
             if "overruled" in verdict]
    if lines:
        print(printable("\n".join(["", "Overruled:", *lines])))
    for kind in "reasons", "remarks", "hints":
        lines = [f"{submission} {task}: {text}" for submission, task, verdict in flat(judged)
                 for text in verdict[kind]]
        if lines:
            head = {"reasons": "Not valid:", "remarks": "To mend:", "hints": "For a reader to look at:"}[kind]
            print(printable("\n".join(["", head, *lines])))
    skipped = verdicts.not_checked(judged)
    if skipped:
        print(printable("\n".join(["", "Not checked:", *skipped])))


def printable(text):
    """Return a text without anything that could steer a terminal."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text)


def parse():
    """Return the parser and the options of the command line. Ends the program with status 2 if they are wrong."""
    parser = scripts_parser(__doc__, runs=5)
    parser.add_argument("--submissions", type=Path, metavar="DIR",
                        help="grade each folder and .zip archive in DIR, or in a .zip archive, instead of the bundle")
    parser.add_argument("--dataset", default=ROOT / "dataset.txt", metavar="FILE",
                        help="digits; the first half is for training, the second for testing (default: the bundle's)")
    parser.add_argument("--test", metavar="FILE", help="test digits; then all of --dataset is for training")
    parser.add_argument("--timeout", type=positive_integer, metavar="SECONDS",
                        help="limit of a run (default: twice the task's limit)")
    parser.add_argument("--memory", type=positive_integer, default=8, metavar="GIB",
                        help="limit of all processes of a run together (default: 8)")
    parser.add_argument("--handout", type=Path, metavar="DIR",
                        help="what was handed out (tools/handout.py): compare the hand-ins with it")
    parser.add_argument("--strict", action="store_true", help="what is to be mended makes a hand-in not valid, too")
    parser.add_argument("--known", type=Path, metavar="DIR",
                        help="solutions and older hand-ins: tell which scripts are much like one of them")
    parser.add_argument("--overrule", type=Path, metavar="FILE",
                        help="your own decisions (CSV): submission, script, remark or valid, why")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all results there, after each run")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="save the verdicts there, at the end")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="save a report to look at there, at the end")
    parser.add_argument("--feedback", type=Path, metavar="DIR", help="save a text for each student there, at the end")
    parser.add_argument("--resume", action="store_true", help="go on with the results in the file of --json")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on a Dask cluster (pip install distributed)")
    options = parser.parse_args()
    if options.resume and not options.json:
        parser.error("--resume needs --json FILE, which holds the results so far")
    return parser, options


def warn_of_walls():
    """Say on standard error what is missing between the scripts and this system."""
    missing = sandbox.walls()
    if missing:
        print(f"{missing}. Scripts can do here what you can: read your files, reach the network.", file=sys.stderr)
    elif hasattr(os, "getuid") and os.getuid() == 0:
        print("You grade as root: better do it as an ordinary user, for whom the walls are thicker.", file=sys.stderr)


def described_walls(results):
    """Return in words whether the runs in `Results` were behind walls, and who counted their memory."""
    walled = {job["walled"] for tasks in results.entries.values() for entry in tasks.values()
              for job in entry.get("jobs", {}).values()}
    if walled != {True}:
        return "some of them behind walls" if True in walled else "without walls"
    return f"behind walls, memory limited {'by systemd' if sandbox.has_systemd() else 'by looking five times a second'}"


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
        submissions = read_class(options.submissions) if options.submissions else {"bundle": bundle_files(*SCRIPTS)}
        if options.submissions and (names := left_out(options.submissions)):
            print(f"left out, for want of a student and a task in the name: {', '.join(names)}", file=sys.stderr)
        handed_out = read_handout(options.handout) if options.handout else None
        if handed_out:
            submissions = {name: files if isinstance(files, str) else shared_part(handed_out) | files
                           for name, files in submissions.items()}
        known = read_class(options.known) if options.known else {}
        decisions = read_decisions(options.overrule, submissions) if options.overrule else {}
        settings = {"dataset": digest(data), "timeout": options.timeout, "memory": options.memory,
                    "handout": handed_out and digest(sorted(handed_out.items()))}
        if options.dask:
            execute, where = on_cluster(options.dask), f"the workers of {options.dask}"
        else:
            execute, where = locally, machine()
            warn_of_walls()
        for path in options.csv, options.report:
            if path and not path.parent.is_dir():  # better now than after the last run
                raise ValueError(f"{path.parent}: no such folder")
        if options.feedback:
            options.feedback.mkdir(exist_ok=True)
        results = Results(options.json, settings, options.resume)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    except ImportError as error:
        parser.error(f"--dask needs {error.name} (to install it: pip install distributed)")
    judged, complete = grade(submissions, handed_out, known, decisions, options.scripts or list(SCRIPTS), results,
                             options, data, execute)
    where = f"{where}, {described_walls(results)}"
    show(judged, where, options.runs)
    try:
        if options.csv:
            write_csv(options.csv, judged)
        if options.report:
            options.report.write_text(report.page(judged, results.entries, where, options.runs), "utf-8",
                                      errors="backslashreplace")
        if options.feedback:
            report.write_feedback(options.feedback, judged)
    except OSError as error:
        parser.error(str(error))
    if not complete:
        return 130
    return 0 if {verdict["state"] for *_, verdict in flat(judged)} <= set(VALID) else 1


if __name__ == "__main__":
    sys.exit(main())
