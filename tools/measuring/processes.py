"""Processes of Python: a module of this package in one, and several of them side by side."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed

from measuring.runs import ProgressLine, cores
from project import ROOT


def run_module(module, *arguments, folder, environment=None):
    """Run a module of this package as a program in a process, and return the JSON that it prints.

    module: its name, such as "train_fold". folder: the working directory, from which it imports first. environment:
    variables to add. Raises ValueError if it fails, with the last line of its standard error.
    """
    path = os.pathsep.join([str(ROOT / "tools"), *filter(None, [os.environ.get("PYTHONPATH")])])
    ran = subprocess.run([sys.executable, "-m", f"measuring.{module}", *map(str, arguments)], text=True,
                         capture_output=True, cwd=folder, env=os.environ | (environment or {}) | {"PYTHONPATH": path})
    if ran.returncode:
        why = (ran.stderr.strip().splitlines() or [""])[-1]
        raise ValueError(f"{' '.join(map(str, arguments))} ended with status {ran.returncode}: {why}")
    return json.loads(ran.stdout)


def in_parallel(jobs):
    """Run jobs, as many at a time as there are cores; yield the number of each, from 0, and its result, as they end.

    jobs: a list of pairs of a name and a function without arguments, which waits for a process. Progress goes to
    standard error. Raises what a job raises; those that have not begun are dropped then, as at Ctrl-C.
    """
    executor = ThreadPoolExecutor(cores())
    numbers = {executor.submit(work): number for number, (_, work) in enumerate(jobs)}
    try:
        with ProgressLine("training", len(jobs)) as progress:
            for future in as_completed(numbers):
                number = numbers[future]
                yield number, future.result()
                progress.advance(jobs[number][0])
    finally:
        executor.shutdown(cancel_futures=True)
