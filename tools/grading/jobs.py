"""The jobs of the grader: the runs and the audits of each script, run one after another and recorded as they end."""

import contextlib
import itertools
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean

from grading import changes, children, given, models, sandbox, source, thoughts, watch
from grading.audits import APART, BLANK, ORDINARY, TOGETHER
from grading.output import printable
from grading.records import record
from grading.results import digest, given_up
from grading.submissions import find_script
from grading.verdicts import judge
from measuring.runs import ProgressLine, bundle_files
from project import TASKS

# Files of a hand-in that no script reads: a new report changes no run.
DOCUMENTS = (".doc", ".docx", ".htm", ".html", ".ipynb", ".jpeg", ".jpg", ".md", ".odt", ".pdf", ".png", ".rtf", ".svg")
DATA = re.compile(rb"(?:\xef\xbb\xbf)?\s*\d?\t[01]{28}")  # how a data file begins
# The program of each run, a folder beside the files of a submission. Python runs it by its name.
WATCH = {"grader_watch/__main__.py": b"from grading.watch import main\n\nmain()\n",
         "grader_watch/grading/__init__.py": b""} | {
    f"grader_watch/grading/{Path(module.__file__).name}": Path(module.__file__).read_bytes()
    for module in (children, given, models, thoughts, watch)}


def describe(files, task, handed_out, data):
    """Return a new entry for a script of a submission: how it is run, and what its source says.

    files: contents (bytes) by path. task: a name in `TASKS`. handed_out: the files that were handed out, None if that
    is not known. data: a `Data`. An entry is a dictionary that JSON can hold:

    script: its path in the submission. form: how it gets the digits: APART if it takes --dataset and --test, BLANK if
    --predictions too, TOGETHER if not. source: findings, see `check_source`. hints: lines of text. changes: see
    `changes.compare`, only with `handed_out`. jobs: the records of its runs by name, none yet. Raises ValueError if the
    script is not there.
    """
    script = find_script(files, task)
    options = source.options_of(files, script)
    form = BLANK if len(options) == 3 else APART if {"--dataset", "--test"} <= options else TOGETHER
    copies = copies_of(files, data)
    read = {path: content for path, content in files.items() if path not in copies}
    known = {*bundle_files().values(), *(handed_out or {}).values()}
    entry = {"script": script, "form": form, "source": source.check_source(files, script),
             "hints": source.hints(read, script, known), "jobs": {}}
    return entry | ({"changes": changes.compare(handed_out, files, script, task)} if handed_out else {})


def digests(files, tasks):
    """Return a hash of what each script of a submission depends on, {task: text}, as far as it can be found.

    files: contents (bytes) by path. tasks: names in `TASKS`. That is all but what belongs to scripts of other tasks
    only, and documents: what a script reads while it runs cannot be known.
    """
    parts = {}
    for task in tasks:
        with contextlib.suppress(ValueError):
            trees, broken = source.sources(files, find_script(files, task))
            parts[task] = {*trees, *broken}
    result = {}
    for task, own in parts.items():
        others = set().union(*parts.values()) - own
        result[task] = digest(sorted((path, content) for path, content in files.items() if path in own or (
            path not in others and not path.lower().endswith(DOCUMENTS))))
    return result


def estimate(todo, entries, timeout):
    """Return in a line how many runs are to be made, and how long they may take.

    todo: triples of a submission, a task and a job. entries: {(submission, task): entry}. timeout: of a run in
    seconds, None if it follows from the task.
    """
    def duration(seconds):
        return (f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes" if seconds < 7200 else
                f"{seconds / 3600:.0f} hours")

    allowed = [min(60 * TASKS[task].minutes, timeout or float("inf")) for _, task, _ in todo]
    if not todo:
        return "no run to make"
    text = f"{len(todo):,} run{'s' * (len(todo) != 1)} to make: at most {duration(sum(allowed))} within the limits"
    took = {task: [job["seconds"] for (_, other), entry in entries.items() if other == task
                   for job in entry["jobs"].values()] for task in TASKS}
    if all(took[task] for _, task, _ in todo):
        text += f"; about {duration(sum(mean(took[task]) for _, task, _ in todo))} if they are like those so far"
    return text


def read_handout(folder):
    """Return the scripts that were handed out, and what they share: {path: bytes}.

    folder: a Path. Raises ValueError if it is not what tools/handout.py has written, OSError if it cannot be read.
    """
    files = {path.relative_to(folder).as_posix(): path.read_bytes()
             for path in sorted([*folder.glob("*.py"), *folder.glob("support/*.py")]) if path.name in TASKS
             or path.name == "common.py" or path.parent != folder}
    missing = {"common.py", *TASKS} - files.keys()
    if missing:
        raise ValueError(f"{folder}: no {', '.join(sorted(missing))}, so it is not what tools/handout.py has written")
    return files


def shared_part(handed_out):
    """Return the files that all scripts share. Students need not hand them in."""
    return {name: content for name, content in handed_out.items() if name not in TASKS}


def jobs_of(task, runs):
    """Return the names of the jobs of a script: its runs and its audits, in random order."""
    jobs = [f"run {number}" for number in range(1, runs + 1)] + TASKS[task].audits
    return random.sample(jobs, len(jobs))


def arguments_of(entry, task, job, files, data):
    """Return the files and the arguments of Python for a job, and its test digits. They are drawn anew each time."""
    drawn, test = data.draw(ORDINARY if job.startswith("run ") else job, entry["form"])
    arguments = ["grader_watch", "{report}", str(len(test.labels)), "; ".join(TASKS[task].checks), entry["script"]]
    if entry["form"] != TOGETHER:
        arguments += ["--dataset", "dataset.txt", "--test", "test.txt"]
    if entry["form"] == BLANK:
        arguments += ["--predictions", "{predictions}"]
    # Data that were handed in as well, and data beside a script that looks there.
    lines = {name: content.splitlines(keepends=True) for name, content in drawn.items()}
    count = len(data.training.labels)
    halves = lines["dataset.txt"][:count], lines.get("test.txt", lines["dataset.txt"][count:])
    copies = {path: b"".join(itertools.chain.from_iterable(itertools.compress(halves, which)))
              for path, which in copies_of(files, data).items()}
    folder = os.path.dirname(entry["script"])
    beside = {os.path.join(folder, name): content for name, content in drawn.items()}
    return files | copies | WATCH | beside | drawn, arguments, test


def copies_of(files, data):
    """Return which files of a submission are copies of the data: {path: (of training digits, of test digits)}.

    files: contents (bytes) by path. data: a `Data`. A file counts if it has the format of the data and a digit of them.
    """
    halves = [set(digits.pixels) for digits in (data.training, data.test)]
    found = {}
    for path, content in files.items():
        if DATA.match(content):
            pixels = {line.partition(b"\t")[2].strip().replace(b"-", b"").decode(errors="replace")
                      for line in content.splitlines()}
            which = tuple(bool(pixels & half) for half in halves)
            if any(which):
                found[path] = which
    return found


def fonts():
    """Return Matplotlib's font cache for a home folder. Otherwise each run would make its own in its own time.

    It is made by a process of its own.
    """
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], capture_output=True,
                       env=os.environ | {"MPLCONFIGDIR": folder})
        return {f".cache/matplotlib/{path.name}": path.read_bytes() for path in Path(folder).glob("*.json")}


def locally(jobs, started):
    """Run jobs one at a time, each in a process; yields the key of each and its Outcome, or the OSError against it.

    jobs: pairs of a key and the arguments of `sandbox.run`. started: called with the key of a job before it is run.
    """
    for key, arguments in jobs:
        started(key)
        try:
            yield key, sandbox.run(*arguments)
        except OSError as error:
            yield key, error


def summary(job, kept, verdict):
    """Return the result of a job in a few words. kept: its record. verdict: that of the runs of its script so far."""
    if "errors" not in kept:
        return kept["reason"]
    text = f"{' '.join(f'{error:.2f}%' for error in kept['errors'])} in {kept['seconds']:.1f} s"
    if not job.startswith("run "):
        return f"{text} (an audit: the data are altered, and the error is to be large)"
    if verdict.get("runs", 0) > 1:
        text += f" (mean of {verdict['runs']}: {' '.join(f'{value:.2f}%' for value in verdict['mean'])})"
    return text


def run_jobs(submissions, tasks, results, options, data, execute, handed_out=None):
    """Run the jobs that `results` does not have yet, and record them there as they end.

    A script of which two runs have failed is not run any more.

    submissions: {name: files, or the reason (text) why they cannot be read}. tasks: names in `TASKS`. results: a
    `Results`. options: `runs`, of each script; `timeout`, in seconds, None for twice the limit of the task; `memory`,
    in GiB; `retry`, whether runs that have failed are made again. data: a `Data`. execute: `locally` or the like.
    handed_out: files, None if not known.

    Progress goes to standard error. Returns whether all jobs were run: Ctrl-C ends them, and so does an OSError, which
    is reported.
    """
    entries, todo, total, pending = {}, [], 0, {}
    draws = any(b"matplotlib" in content for files in submissions.values() if isinstance(files, dict)
                for content in files.values())
    home = fonts() if draws else {}
    marks = {name: digests(files, TASKS) for name, files in submissions.items() if isinstance(files, dict)}
    for submission, task in itertools.product(submissions, tasks):
        files = submissions[submission]
        try:
            if isinstance(files, str):
                raise ValueError(files)
            fresh = describe(files, task, handed_out, data) | {
                "digest": marks[submission][task]}
        except ValueError as error:
            results.entry(submission, task, {"missing": str(error)})
            continue
        entries[submission, task] = entry = results.entry(submission, task, fresh)
        if options.retry:
            entry["jobs"] = {name: job for name, job in entry["jobs"].items() if not job["reason"]}
        jobs = jobs_of(task, options.runs)
        total += len(jobs)
        if not given_up(entry, options.runs):
            todo += [(submission, task, job) for job in jobs if job not in entry["jobs"]]

    def with_arguments():
        """Yield the jobs with their arguments, which are made when they are needed: each has its own data."""
        nonlocal done
        for submission, task, job in todo:
            if given_up(entries[submission, task], options.runs):
                done += 1
                continue
            files, arguments, test = arguments_of(entries[submission, task], task, job, submissions[submission], data)
            pending[submission, task, job] = test
            seconds = options.timeout or 2 * 60 * TASKS[task].minutes
            yield (submission, task, job), (files, arguments, seconds, options.memory, home)

    done = total - len(todo)
    print(estimate(todo, entries, options.timeout), file=sys.stderr)
    with ProgressLine("job", total) as progress:
        def started(key):
            progress.update(done, printable(" ".join(key)))

        try:
            for (submission, task, job), outcome in execute(with_arguments(), started):
                entry, test = entries[submission, task], pending.pop((submission, task, job))
                if isinstance(outcome, Exception):  # not the submission's fault, so it is not recorded
                    text = f"could not be run: {outcome}"
                else:
                    try:
                        entry["jobs"][job] = record(task, outcome, test, entry["form"] == BLANK)
                        text = summary(job, entry["jobs"][job], judge(task, options.runs, entry))
                    except Exception as error:  # a mistake of the grader, which must not end the runs of a night
                        text = f"could not be judged: {type(error).__name__}: {error}"
                    results.save()
                done += 1
                progress.print(printable(f"{submission} {task} {job}: {text}"))
        except (KeyboardInterrupt, OSError) as error:
            progress.print(f"stopped{f' ({error})' * bool(str(error))}; the following is of the runs so far")
            return False
    return True
