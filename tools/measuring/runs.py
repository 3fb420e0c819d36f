"""What the programs in tools/ share: runs of scripts as processes, changed copies of scripts, tables."""

import os
import platform
import subprocess
import sys
import time
from argparse import ArgumentTypeError
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from project import ROOT, TASKS
from support.command_line import Parser, fail, positive_integer
from support.progress import ProgressLine

try:
    from support.data_file import SIZE, DatasetError, count_lines, read_digits
except ModuleNotFoundError as error:
    fail(f"{sys.executable}: {error}: install what the scripts need, or use a Python that has it")

__all__ = ["SIZE", "DatasetError", "Parser", "ProgressLine", "Result", "bundle_files", "changed", "cores",
           "count_lines", "fail", "machine", "parse_line", "positive_integer", "read_digits", "run", "run_in_turn",
           "scripts_parser", "table"]

TIMEOUT = 120 * max(task.minutes for task in TASKS.values())  # seconds: twice the longest limit


class Result(NamedTuple):
    """The result of a run: errors in %, in the order of the printed line, parameters, seconds of the whole process."""

    errors: list
    parameters: int
    seconds: float

    def __str__(self):
        return f"{' '.join(f'{error:.2f}%' for error in self.errors)} in {self.seconds / 60:.2f} min"


def parse_line(text, count=None):
    """Return the numbers of a line of results: errors (a list, in %), parameters, minutes.

    count: the number of errors, any if it is None. Raises ValueError if the text is anything else.
    """
    *errors, parameters, minutes = text.split()
    errors, parameters, minutes = [float(error) for error in errors], int(parameters), float(minutes)
    if not errors or count not in (None, len(errors)) or not all(0 <= error <= 100 for error in errors):
        raise ValueError("not such a line of errors")
    if parameters < 0 or not 0 <= minutes < 1e6:
        raise ValueError("no number of parameters or minutes")
    return errors, parameters, minutes


def run(script, *arguments):
    """Run a script (a path, relative to the project or absolute) in a process, and return its Result.

    Raises ValueError if it prints anything but its line, or takes longer than TIMEOUT.
    """
    start = time.perf_counter()
    try:
        ran = subprocess.run([sys.executable, str(ROOT / script), *arguments], capture_output=True, text=True,
                             timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise ValueError(f"{script} was ended after {TIMEOUT} s") from None
    seconds = time.perf_counter() - start
    lines = ran.stdout.splitlines()
    if ran.returncode or ran.stderr or len(lines) != 1 + ("--validation" in arguments):  # it says what was measured
        raise ValueError(f"{script} ended with status {ran.returncode} and printed:\n{ran.stdout}{ran.stderr}")
    errors, parameters, _ = parse_line(lines[-1])
    return Result(errors, parameters, seconds)


def bundle_files(*scripts):
    """Return what a hand-in of some scripts consists of, without the data: contents (bytes) by relative path."""
    names = ["common.py", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "support").glob("*.py"))]
    return {name: (ROOT / name).read_bytes() for name in (*scripts, *names)}


@contextmanager
def changed(script, changes):
    """Make a copy of the bundle with a changed script, for the time of a `with`; yields the path of the script.

    changes: pairs of a text that occurs exactly once in the script, and its replacement. Raises ValueError if one of
    them does not: then the script is newer than the change.
    """
    with TemporaryDirectory() as folder:
        for name, content in bundle_files(script).items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        os.symlink(ROOT / "dataset.txt", Path(folder, "dataset.txt"))
        path = Path(folder, script)
        text = path.read_text()
        for old, new in changes:
            if text.count(old) != 1:
                raise ValueError(f"{script} contains {text.count(old)} times instead of once: {old}")
            text = text.replace(old, new)
        path.write_text(text)
        yield path


def run_in_turn(jobs, rounds):
    """Run jobs in turn, round after round, so that a change in the speed of the machine affects all of them alike.

    jobs: functions by name that take the number of the round, from 0, and return a Result. Returns lists of Results by
    the same names. A job that raises ValueError is reported and left out. Ctrl-C ends the rounds, and the results so
    far are returned. Progress goes to standard error.
    """
    results, done = {name: [] for name in jobs}, 0
    with ProgressLine("run", rounds * len(jobs)) as progress:
        try:
            for number in range(rounds):
                for name, job in jobs.items():
                    progress.update(done, name)
                    try:
                        results[name].append(job(number))
                        outcome = results[name][-1]
                    except ValueError as error:
                        outcome = error
                    progress.print(f"round {number + 1} of {rounds}, {name}: {outcome}")
                    done += 1
        except KeyboardInterrupt:
            progress.print("stopped; the following is of the runs so far")
    return results


def cores():
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def machine():
    """Return a short description of the machine that the runs ran on."""
    return f"{cores()} core{'s' * (cores() > 1)} ({platform.machine()}), Python {platform.python_version()}"


def table(head, rows, align):
    """Return a table in Markdown, as text: head and rows are lists of cells, `align` has an l or r for each column."""
    rule = [{"l": "---", "r": "---:"}[letter] for letter in align]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in (head, rule, *rows))


def scripts_parser(description, runs=None):
    """Return a parser of the command line `[--runs N] [SCRIPT ...]`, N being `runs` by default; no --runs if None."""
    parser = Parser(description)
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", type=_script,
                        help="as the bundle calls them, such as task3_cnn.py (default: all)")
    if runs:
        parser.add_argument("--runs", type=positive_integer, default=runs, metavar="N",
                            help=f"of each script (default: {runs})")
    return parser


def _script(text):
    name = Path(text).name
    if name not in TASKS:
        raise ArgumentTypeError(f"no such script: {text}")
    return name
