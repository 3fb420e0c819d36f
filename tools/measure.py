"""Run the task scripts again and again and print mean, standard deviation and worst of their figures.

    python tools/measure.py                              five runs of each of the four scripts
    python tools/measure.py --runs 20 task3_cnn.py       twenty runs of one
    python tools/measure.py --validation                 the five folds of the training digits in turn, no test digits

Each run is a process of its own, and nothing else heavy should run at the same time. Minutes are those of the whole
process. The histogram of each error follows the table.
"""

import sys
from collections import Counter
from statistics import mean, stdev

from measuring.runs import machine, run, run_in_turn, scripts_parser, table
from project import TASKS
from support.data_file import FOLDS


def rows(script, results):
    """Return the table rows of a script, one for each of its errors, from the Results of its runs."""
    task, minutes = TASKS[script], [result.seconds / 60 for result in results]
    for number, name in enumerate(task.errors):
        errors = [result.errors[number] for result in results]
        limit, high = task.limits[number], task.high_performance[number]
        row = [f"**{mean(errors):.2f}**{spread(errors, 2)}", f"{max(errors):.2f}",
               f"{limit} ({high})" if high else f"{limit}"]
        if number == 0:
            yield [f"`{script}`", name, *row, f"**{results[0].parameters:,}**", f"{task.parameters:,}",
                   f"**{mean(minutes):.2f}**{spread(minutes, 2)}", task.minutes]
        else:
            yield ["", name, *row, "", "", "", ""]


def spread(values, decimals):
    """Return ± and the standard deviation as text, nothing for a single value."""
    return f" ± {stdev(values):.{decimals}f}" if len(values) > 1 else ""


def histogram(errors):
    """Return a histogram of errors as lines of text, one line per value, from the least to the greatest."""
    width = max(0.1, round((max(errors) - min(errors)) / 20, 1))
    counts = Counter(round(error / width) for error in errors)
    return [f"{bin * width:6.2f}%  {'#' * counts[bin]}" for bin in range(min(counts), max(counts) + 1)]


def main():
    """Run the scripts, then print table and histograms."""
    parser = scripts_parser(__doc__, runs=5)
    parser.add_argument("--validation", action="store_true", help="measure on the folds of the training digits")
    options = parser.parse_args()

    def job(script):
        return lambda number: run(script, *(["--validation", str(number % FOLDS + 1)] if options.validation else []))

    results = run_in_turn({script: job(script) for script in options.scripts or TASKS}, options.runs)
    missing = sum(options.runs - len(runs) for runs in results.values())
    results = {script: runs for script, runs in results.items() if runs}

    several = options.runs > 1
    print(f"{f'{options.runs} runs' if several else 'One run'} of each script on {machine()}"
          f"{'; mean ± standard deviation' * several}.\n")
    split = "validation" if options.validation else "test"
    print(table(["script", "output", f"{split} error, %", "worst", "limit (high)", "parameters", "limit", "minutes",
                 "limit"],
                [row for script, runs in results.items() for row in rows(script, runs)], "ll" + 7 * "r"))
    for script, runs in results.items():
        for number, name in enumerate(TASKS[script].errors):
            print(f"\n{script}, {name}:", *histogram([result.errors[number] for result in runs]), sep="\n")
    if missing:
        print(f"\n{missing} runs failed or were not made; they are not in these figures.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
