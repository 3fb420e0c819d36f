"""The command line of the grader: read what it names, grade, then print and save the results."""

import contextlib
import os
import signal
import sys
from argparse import ArgumentTypeError
from importlib.util import find_spec
from pathlib import Path

from grading import output, sandbox
from grading.audits import Data
from grading.cluster import on_cluster
from grading.dates import taken_off
from grading.decisions import judge_class, read_decisions
from grading.feedback import write_feedback
from grading.jobs import locally, read_handout, run_jobs, shared_part
from grading.known import SOLUTION, Compared, compare_class, read_known
from grading.layouts import number_of
from grading.report import write_report
from grading.results import Results, digest
from grading.spreadsheet import write_tables
from grading.submissions import read_class, renamed
from grading.verdicts import VALID
from measuring.runs import bundle_files, machine, positive_integer, scripts_parser
from project import ROOT, RUNS, TASKS, task_number


def parse(description, argv=None):
    """Return the parser and the options of the command line. Ends the program with status 2 if they are wrong."""
    parser = scripts_parser(description, runs=RUNS)
    parser.add_argument("--submissions", type=Path, metavar="DIR",
                        help="grade each folder and archive in DIR, or in an archive, instead of the bundle")
    parser.add_argument("--names", type=names, metavar="NAME=SCRIPT[,...]", default={},
                        help="what the class calls its scripts, as in task1.py=task3_cnn.py,task2.py=task4_rnn.py")
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
    parser.add_argument("--known", type=Path, metavar="PATH",
                        help="solutions and older hand-ins, as they came: tell which scripts are much like one")
    parser.add_argument("--overrule", type=Path, metavar="FILE",
                        help="your own decisions (CSV): submission, script, remark, valid, invalid or note, why")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all results there, after each run")
    parser.add_argument("--csv", type=Path, metavar="FILE",
                        help="save the verdicts there, at the end, and a row for each student beside it")
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="save a report to look at there, at the end")
    parser.add_argument("--feedback", type=Path, metavar="DIR", help="save a text for each student there, at the end")
    parser.add_argument("--resume", action="store_true", help="go on with the results in the file of --json")
    parser.add_argument("--retry", action="store_true",
                        help="with --resume: make the runs again that have failed, as where a package was missing")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on a Dask cluster (pip install distributed)")
    options = parser.parse_args(argv)
    if options.resume and not options.json:
        parser.error("--resume needs --json FILE, which holds the results so far")
    if options.retry and not options.resume:
        parser.error("--retry needs --resume")
    return parser, options


def names(text):
    """Return the names that a class gives its scripts, {name: script of the bundle}. text: as in task1.py=task3.py."""
    found = {}
    for called, _, script in (part.partition("=") for part in text.split(",")):
        found[called.strip()] = [task for task in TASKS if number_of(script) == task_number(task)]
    if not all(called and scripts for called, scripts in found.items()):
        raise ArgumentTypeError(f"expected NAME=SCRIPT, such as task1.py=task3_cnn.py: {text}")
    return {called: scripts[0] for called, scripts in found.items()}


def warn_of_walls():
    """Say on standard error what is missing between the scripts and this system. Starts a process to find out."""
    missing = sandbox.walls()
    if missing:
        print(f"{missing}. Scripts can do here what you can: read your files, reach the network.", file=sys.stderr)
    elif hasattr(os, "getuid") and os.getuid() == 0:
        print("You grade as root: better do it as an ordinary user, for whom the walls are thicker.", file=sys.stderr)


def warn_of_known(lines):
    """Say on standard error what of --known was not read or compared."""
    for line in lines:
        print(output.printable(f"--known: {line}"), file=sys.stderr)


@contextlib.contextmanager
def apart(what):
    """Let a step after the last run that fails, or is stopped by Ctrl-C, be one line: what the others give is kept."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        print(output.printable(f"{what}: {type(error).__name__}: {error}".replace("\n", " ")), file=sys.stderr)


def main(description, argv=None):
    """Grade, then print and save the results. Returns the exit status; exits with 2 if something named is wrong.

    description: for --help. argv: the arguments, those of the process if it is None.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    parser, options = parse(description, argv)
    if not hasattr(os, "fork"):
        parser.error("the grader needs Linux or macOS (on Windows its Linux subsystem)")
    if not options.dask and not find_spec("tensorflow"):  # otherwise every hand-in would crash
        parser.error(f"{sys.executable} has no TensorFlow: install what the scripts need, or start the grader "
                     "with a Python that has it")
    try:
        data = Data.read(options.dataset, options.test)
        submissions, left, dates = {"bundle": bundle_files(*TASKS)}, {}, {}
        if options.submissions:
            submissions, left = read_class(options.submissions)
            submissions, dates = taken_off(submissions)
            submissions = {name: files if isinstance(files, str) else renamed(files, options.names)
                           for name, files in submissions.items()}
            print(*map(output.printable, output.left_out(left)), sep="\n", end="\n" * bool(left), file=sys.stderr)
        handed_out = read_handout(options.handout) if options.handout else None
        if handed_out:
            submissions = {name: files if isinstance(files, str) else shared_part(handed_out) | files
                           for name, files in submissions.items()}
        known, unread = read_known(options.known) if options.known else ({}, [])
        warn_of_known(unread)
        if options.submissions:
            known |= {SOLUTION: bundle_files(*TASKS)}
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
    tasks = options.scripts or list(TASKS)
    complete = run_jobs(submissions, tasks, results, options, data, execute, handed_out)
    compared = {task: Compared([], {}, {}) for task in tasks} if known else {}
    for task in compared:
        with apart(f"{task} was not compared"):
            compared[task] = compare_class(task, submissions, known, handed_out)
    warn_of_known({f"{name}: {why}" for one in compared.values() for name, why in one.left.items()
                   if name not in submissions})
    judged = judge_class(submissions, tasks, results.entries, options, compared, decisions)
    results.save(judged)
    where = f"{where}, {output.described_walls(results.entries)}"
    with apart("not all is printed"):
        output.show(judged, where, options.runs, left)
    try:
        if options.csv:
            write_tables(options.csv, judged, dates)
        if options.report:
            write_report(options.report, judged, results.entries, where, options.runs, compared, dates)
        if options.feedback:
            write_feedback(options.feedback, judged, results.entries)
    except OSError as error:
        parser.error(str(error))
    if not complete:
        return 130
    return 0 if {verdict["state"] for *_, verdict in output.flat(judged)} <= set(VALID) else 1
