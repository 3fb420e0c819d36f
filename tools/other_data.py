"""Run the scripts on another data file: as they are, with what is meant for digits left out, or on more and more of it.

    python tools/other_data.py --dataset clothes.txt       its first half is for training, the second for testing
    python tools/other_data.py --dataset train.txt --test test.txt --counts 1000 10000 60000 task3_cnn.py

Without --counts, changed copies of tasks 3 and 4 read the whole image, deskew it or do not, or both. With it, each
script is trained on the first lines of the training half; the seconds of reading them and the most memory of a run
are measured as well. make_dataset.py makes data files.
"""

import os
import subprocess
import sys
import time
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from measuring import runs
from measuring.ablation import augmented
from project import ROOT, TASKS

WHOLE, SLANTED, UPRIGHT = [("((22, 22, 1))", "((28, 28, 1))")], augmented(deskew=False), [(", deskew=False", "")]
SCRIPT = {"the script": []}
CHANGES = {  # task 2 classifies as task 3 does
    "task3_cnn.py": SCRIPT | {"the whole image": WHOLE, "not deskewed": SLANTED,
                              "the whole image, not deskewed": WHOLE + SLANTED},
    "task4_rnn.py": SCRIPT | {"the whole image": WHOLE, "deskewed": UPRIGHT,
                              "the whole image, deskewed": WHOLE + UPRIGHT},
}


def run_changed(script, changes, data, _=None):
    """Run a changed copy of a script on data (arguments), like `run`. The last argument is the round."""
    with runs.changed(script, changes) as path:
        return runs.run(path, *data)


def megabytes(script, data):
    """Run a script on data (arguments) and return the most memory that it had, in MB (10^6 bytes).

    Raises ValueError if it fails.
    """
    process = subprocess.Popen([sys.executable, ROOT / script, *data], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ValueError(f"{script} ended with status {process.returncode}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def reading_seconds(path):
    """Return the seconds that it takes to read a data file."""
    start = time.perf_counter()
    runs.read_digits(path, 0, runs.count_lines(path))
    return time.perf_counter() - start


def first_lines(path, counts, folder):
    """Write the first lines of a file, as many as `counts` says, to files in a folder; returns {lines: file}."""
    counts = sorted({min(count, runs.count_lines(path)) for count in counts})
    paths = {count: Path(folder, f"{count}.txt") for count in counts}
    for count, new in paths.items():
        with open(path, "rb") as old:
            new.write_bytes(b"".join(islice(old, count)))
    return paths


def cells(results):
    """Return the means of Results as cells of a table: errors, parameters, seconds."""
    errors = " and ".join(f"{mean(values):.2f}" for values in zip(*(result.errors for result in results)))
    return [errors, f"{results[0].parameters:,}", f"{mean(result.seconds for result in results):.1f}"]


def main():
    """Run all in turn and print a table. A mistake in the data ends the program in a line."""
    parser = runs.scripts_parser(__doc__, runs=2)
    parser.add_argument("--dataset", metavar="FILE", required=True, help="a data file", type=os.path.abspath)
    parser.add_argument("--test", metavar="FILE", type=os.path.abspath,
                        help="the test digits; the other file is then for training alone")
    parser.add_argument("--counts", type=runs.positive_integer, nargs="+", metavar="N", help="of training digits")
    options = parser.parse_args()
    if options.counts and not options.test:
        parser.error("--counts needs --test")
    if options.counts and not hasattr(os, "wait4"):
        parser.error("--counts measures memory, which needs Linux or macOS")
    scripts, jobs, more = options.scripts or list(TASKS), {}, {}
    data = ["--dataset", options.dataset, *(["--test", options.test] if options.test else [])]
    with TemporaryDirectory() as folder:
        try:
            for path in filter(None, (options.dataset, options.test)):
                runs.count_lines(path)  # a mistake in a name is better told before the first run
            for count, path in first_lines(options.dataset, options.counts or [], folder).items():
                data[1] = str(path)
                for script in scripts:
                    name = f"{script}: {count:,} lines"
                    jobs[name] = partial(run_changed, script, [], tuple(data))
                    more[name] = [f"{reading_seconds(path):.2f}", f"{megabytes(script, data):,.0f}"]
        except ValueError as error:  # DatasetError is one
            runs.fail(error)
        for script in scripts * (not jobs):
            for name, changes in CHANGES.get(script, SCRIPT).items():
                jobs[f"{script}: {name}"] = partial(run_changed, script, changes, data)
        results = runs.run_in_turn(jobs, options.runs)
    head = ["script", "on", "test error, %", "parameters", "seconds", *["reading, s", "memory, MB"] * bool(more)]
    rows = [[*name.split(": "), *cells(made), *more.get(name, [])] for name, made in results.items() if made]
    print(f"Means of {options.runs} run{'s' * (options.runs > 1)} on {runs.machine()}.\n")
    print(runs.table(head, rows, "ll" + "r" * (len(head) - 2)))
    return 0 if all(len(made) == options.runs for made in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
