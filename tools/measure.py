"""Run the task scripts again and again and print what a README can hold: mean, spread and worst of every figure.

    python tools/measure.py                              five runs of each of the four scripts
    python tools/measure.py --runs 20 task3_cnn.py       twenty runs of one
    python tools/measure.py --validation                 the five fifths of the training digits in turn, no test digits

Each run is a fresh process; nothing else heavy should run beside it. Seconds are those of the
whole process. Below the table stands the histogram of each error.
"""

import sys
from collections import Counter
from statistics import mean, stdev

from runs import SCRIPTS, machine, run, run_in_turn, scripts_parser, table


def rows(script, results):
    """Return the table rows of a script, one for each of its errors, from the Results of its runs."""
    names, limits, high, most_parameters, most_minutes = SCRIPTS[script]
    seconds = [result.seconds for result in results]
    for number, name in enumerate(names):
        errors = [result.errors[number] for result in results]
        limit = f"{limits[number]}" + (f" ({high[number]})" if high[number] else "")
        row = [f"**{mean(errors):.2f}**{spread(errors, 2)}", f"{max(errors):.2f}", limit]
        if number == 0:
            yield [f"`{script}`", name, *row, f"**{results[0].parameters:,}**", f"{most_parameters:,}",
                   f"**{mean(seconds):.1f}**{spread(seconds, 1)}", f"{60 * most_minutes}"]
        else:
            yield ["", name, *row, "", "", "", ""]


def spread(values, digits):
    """Return the standard deviation as text, if there is one."""
    return f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""


def histogram(errors):
    """Return a histogram of errors as lines of text, a line for each value from the least to the greatest."""
    width = max(0.1, round((max(errors) - min(errors)) / 20, 1))
    counts = Counter(round(error / width) for error in errors)
    return [f"{bin * width:6.2f}%  {'#' * counts[bin]}" for bin in range(min(counts), max(counts) + 1)]


def main():
    """Run the scripts, then print table and histograms."""
    parser = scripts_parser(__doc__, runs=5)
    parser.add_argument("--validation", action="store_true", help="measure on fifths of the training digits")
    options = parser.parse_args()

    def job(script):
        return lambda number: run(script, *(["--validation", str(number % 5 + 1)] if options.validation else []))

    results = run_in_turn({script: job(script) for script in options.scripts or SCRIPTS}, options.runs)
    missing = sum(options.runs - len(found) for found in results.values())
    results = {script: found for script, found in results.items() if found}

    print(f"{options.runs} runs of each script on {machine()}; mean ± standard deviation.\n")
    kind = "validation" if options.validation else "test"
    print(table(["script", f"{kind} error of", "in %", "worst", "limit (high)", "parameters", "limit", "seconds",
                 "limit"],
                [row for script, found in results.items() for row in rows(script, found)], "ll" + 7 * "r"))
    for script, found in results.items():
        for number, name in enumerate(SCRIPTS[script][0]):
            print(f"\n{script}, {name}:", *histogram([result.errors[number] for result in found]), sep="\n")
    if missing:
        print(f"\n{missing} runs failed or were not made; they are not in these figures.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
