"""What the programs in tools/ share: runs of scripts in processes of their own, changed copies of scripts, progress."""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from support.command_line import Parser, positive_integer
from support.progress import ProgressLine

# script: (names of its errors, their limits in %, limits of high performance, limit of parameters, of minutes)
SCRIPTS = {
    "task1_autoencoder.py": (["pixels"], [8], [4], 1_100_000, 3),
    "task2_multitask.py": (["decoder", "classifier"], [10, 15], [5, None], 1_500_000, 3),
    "task3_cnn.py": (["digits"], [12], [9], 1_000_000, 5),
    "task4_rnn.py": (["digits"], [12], [9], 100_000, 5),
}
TIMEOUT = 600  # seconds: twice the longest limit


class Result(NamedTuple):
    """What a run came to: errors in %, in the order of the printed line, parameters, seconds of the whole process."""

    errors: list
    parameters: int
    seconds: float

    def __str__(self):
        return f"{' '.join(f'{error:.2f}%' for error in self.errors)} in {self.seconds:.1f} s"


def run(script, *arguments):
    """Run a script (a path, relative to the project or absolute) and return its Result.

    Raises ValueError if it prints anything but its line, or takes longer than TIMEOUT.
    """
    start = time.perf_counter()
    try:
        ran = subprocess.run([sys.executable, str(ROOT / script), *arguments], capture_output=True, text=True,
                             timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise ValueError(f"{script} was ended after {TIMEOUT} s") from None
    seconds = time.perf_counter() - start
    if ran.returncode or ran.stderr or ran.stdout.count("\n") != 1:
        raise ValueError(f"{script} ended with status {ran.returncode} and printed:\n{ran.stdout}{ran.stderr}")
    *errors, parameters, _ = ran.stdout.split()
    return Result([float(error) for error in errors], int(parameters), seconds)


def bundle_files(*scripts):
    """Return what a hand-in of some scripts consists of, without the data: contents (bytes) by relative path."""
    names = ["common.py", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "support").glob("*.py"))]
    return {name: (ROOT / name).read_bytes() for name in (*scripts, *names)}


@contextmanager
def changed(script, changes):
    """Make a copy of the bundle in which a script is changed, for the time of a `with`; yields the script's path.

    changes: pairs of a text that stands in the script exactly once and what replaces it. Raises ValueError if one of
    them does not: then the script has moved on, and the caller must follow.
    """
    with TemporaryDirectory() as folder:
        for name, content in bundle_files(script).items():
            path = Path(folder, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        os.symlink(ROOT / "dataset.txt", Path(folder, "dataset.txt"))
        path = Path(folder) / script
        text = path.read_text()
        for old, new in changes:
            if text.count(old) != 1:
                raise ValueError(f"{script} has {text.count(old)} times in place of once: {old}")
            text = text.replace(old, new)
        path.write_text(text)
        yield path


def run_in_turn(jobs, rounds):
    """Do jobs in turn, round after round, so that a change of the machine's speed meets all of them alike.

    jobs: names and functions that take the number of the round, from 0, and return a Result. Returns a dictionary of
    lists of Results by the same names. A job that raises ValueError is told of and left out; Ctrl-C ends the rounds,
    and what there is is returned. Progress goes to standard error.
    """
    results = {name: [] for name in jobs}
    start, done, total, terminal = time.perf_counter(), 0, rounds * len(jobs), sys.stderr.isatty()

    def tell(text, end="\n"):
        print(f"\r\033[K{text}" if terminal else text, end=end, file=sys.stderr, flush=True)

    try:
        for number in range(rounds):
            for name, job in jobs.items():
                if terminal:
                    left = (time.perf_counter() - start) / max(done, 1) * (total - done) / 60
                    tell(f"{done} of {total} runs done" + (f", {left:.0f} min left" if done else "") + f"; now {name}",
                         end="")
                try:
                    results[name].append(job(number))
                    tell(f"round {number + 1} of {rounds}, {name}: {results[name][-1]}")
                except ValueError as error:
                    tell(f"round {number + 1} of {rounds}, {name}: {error}")
                done += 1
    except KeyboardInterrupt:
        tell("stopped; what follows is of the runs so far")
    return results


def machine():
    """Say in a few words what the runs ran on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} core{'s' * (cores > 1)} ({platform.machine()}), Python {platform.python_version()}"


def table(head, rows, align):
    """Return a table in Markdown, as text: head and rows are lists of cells, `align` has an l or r for each column."""
    rule = [{"l": "---", "r": "---:"}[letter] for letter in align]
    return "\n".join(f"| {' | '.join(map(str, cells))} |" for cells in (head, rule, *rows))


def scripts_parser(description, runs):
    """Return a parser of the command line `[--runs N] [SCRIPT ...]`; N is `runs` unless told."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", type=_script,
                        help="as the bundle calls them, such as task3_cnn.py (default: all four)")
    parser.add_argument("--runs", type=positive_integer, default=runs, metavar="N", help=f"of each script (default: {runs})")
    return parser


def _script(text):
    name = Path(text).name
    if name not in SCRIPTS:
        raise argparse.ArgumentTypeError(f"no such script: {text}")
    return name
