"""Run the task scripts again and again and print what a README can hold: mean, spread and worst of every figure.

    python tools/measure.py                              five runs of each of the four scripts
    python tools/measure.py --runs 20 task3_cnn.py       twenty runs of one
    python tools/measure.py --validation                 the five fifths of the training digits in turn, no test digits

Each run is a fresh process; nothing else heavy should run beside it. Seconds are those of the
whole process. Below the table stands the histogram of each error.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from statistics import mean, stdev

ROOT = Path(__file__).resolve().parent.parent
# script: (names of its errors, their limits, limits of high performance, limit of parameters, of minutes)
SCRIPTS = {
    "task1_autoencoder.py": (["pixels"], [8], [4], 1_100_000, 3),
    "task2_multitask.py": (["decoder", "classifier"], [10, 15], [5, None], 1_500_000, 3),
    "task3_cnn.py": (["digits"], [12], [9], 1_000_000, 5),
    "task4_rnn.py": (["digits"], [12], [9], 100_000, 5),
}


def run(script, arguments):
    """Run a script in a process of its own; return its errors in %, its parameters and its seconds.

    Raises ValueError if it prints anything but its line, or takes longer than twice its limit.
    """
    start = time.perf_counter()
    try:
        ran = subprocess.run([sys.executable, str(ROOT / script), *arguments], capture_output=True, text=True,
                             timeout=120 * SCRIPTS[script][-1])
    except subprocess.TimeoutExpired as expired:
        raise ValueError(f"{script} was ended after {expired.timeout:.0f} s") from None
    seconds = time.perf_counter() - start
    if ran.returncode or ran.stderr or ran.stdout.count("\n") != 1:
        raise ValueError(f"{script} ended with status {ran.returncode} and printed:\n{ran.stdout}{ran.stderr}")
    *errors, parameters, _ = ran.stdout.split()
    return [float(error) for error in errors], int(parameters), seconds


def rows(script, runs):
    """Return the table rows of a script, one for each of its errors, from the results of its runs."""
    names, limits, high, most_parameters, most_minutes = SCRIPTS[script]
    seconds = [run[2] for run in runs]
    for number, name in enumerate(names):
        errors = [run[0][number] for run in runs]
        limit = f"{limits[number]}" + (f" ({high[number]})" if high[number] else "")
        yield [f"`{script}`" if not number else "", name, f"**{mean(errors):.2f}** ± {stdev(errors):.2f}",
               f"{max(errors):.2f}", limit, f"**{runs[0][1]:,}**" if not number else "",
               f"{most_parameters:,}" if not number else "",
               f"**{mean(seconds):.1f}** ± {stdev(seconds):.1f}" if not number else "",
               f"{60 * most_minutes}" if not number else ""]


def histogram(errors):
    """Return a histogram of errors as lines of text, a line for each value from the least to the greatest."""
    width = max(0.1, round((max(errors) - min(errors)) / 20, 1))
    counts = Counter(round(error / width) for error in errors)
    return [f"{bin * width:6.2f}%  {'#' * counts[bin]}" for bin in range(min(counts), max(counts) + 1)]


def main():
    """Run the scripts in turn, so that a change of the machine's speed meets all of them alike."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help="default: all four")
    parser.add_argument("--runs", type=int, default=5, help="of each script (default: 5, at least 2)")
    parser.add_argument("--validation", action="store_true", help="measure on fifths of the training digits")
    options = parser.parse_args()
    scripts = [Path(script).name for script in options.scripts] or list(SCRIPTS)
    if unknown := set(scripts) - set(SCRIPTS):
        parser.error(f"no such script: {', '.join(sorted(unknown))}")
    if options.runs < 2:
        parser.error("a spread takes at least two runs")

    results, failed = {script: [] for script in scripts}, 0
    for number in range(options.runs):
        arguments = ["--validation", str(number % 5 + 1)] if options.validation else []
        for script in scripts:
            try:
                results[script].append(run(script, arguments))
            except ValueError as error:
                failed += 1
                print(f"run {number + 1} of {options.runs}: {error}", file=sys.stderr, flush=True)
                continue
            errors, _, seconds = results[script][-1]
            print(f"run {number + 1} of {options.runs}, {script}: {' '.join(f'{error:.2f}%' for error in errors)} "
                  f"in {seconds:.1f} s", file=sys.stderr, flush=True)

    print(f"{options.runs} runs of each script on {os.cpu_count()} cores ({platform.machine()}), "
          f"Python {platform.python_version()}; mean ± standard deviation.\n")
    kind = "validation" if options.validation else "test"
    print(f"| script | {kind} error of | in % | worst | limit (high) | parameters | limit | seconds | limit |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    scripts = [script for script in scripts if len(results[script]) > 1]
    for script in scripts:
        for row in rows(script, results[script]):
            print("|", " | ".join(row), "|")
    for script in scripts:
        for number, name in enumerate(SCRIPTS[script][0]):
            errors = [run[0][number] for run in results[script]]
            print(f"\n{script}, {name}:", *histogram(errors), sep="\n")
    if failed:
        print(f"\n{failed} runs failed and are not in these figures.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
