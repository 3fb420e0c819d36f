"""Measure the bundle's scripts against the textbook solutions of the same tasks (`textbook.py`).

    python tools/benchmark.py                       five runs of each, in turn, about forty minutes on two cores
    python tools/benchmark.py --runs 2 task3_cnn.py

Each run is a process of its own. The two solutions of a task take turns, so that a change in the speed of the machine
affects both alike. Nothing else heavy should run at the same time. Prints a table of means.
"""

import sys
from statistics import mean

from runs import SCRIPTS, machine, run, run_in_turn, scripts_parser, table

TEXTBOOK = {"task1_autoencoder.py": "autoencoder", "task2_multitask.py": "multitask", "task3_cnn.py": "cnn",
            "task4_rnn.py": "rnn"}


def rows(script, textbook, bundle):
    """Return the table rows of a script, one for each of its errors, from two lists of Results."""
    for number, name in enumerate(SCRIPTS[script][0]):
        plain, ours = (mean(result.errors[number] for result in results) for results in (textbook, bundle))
        row = [f"`{script}`" if number == 0 else "", name, f"{plain:.2f}", f"**{ours:.2f}**"]
        if number:
            yield [*row, *[""] * 4]
        else:
            plain, ours = (mean(result.seconds for result in results) for results in (textbook, bundle))
            yield [*row, f"{textbook[0].parameters:,}", f"**{bundle[0].parameters:,}**", f"{plain:.0f}",
                   f"**{ours:.0f}**"]


def main():
    """Run the textbook's solutions and the bundle's in turn, then print the table."""
    options = scripts_parser(__doc__, runs=5).parse_args()
    scripts = options.scripts or list(SCRIPTS)
    jobs = {}
    for script in scripts:
        jobs[f"textbook's {TEXTBOOK[script]}"] = lambda _, name=TEXTBOOK[script]: run("tools/textbook.py", name)
        jobs[script] = lambda _, script=script: run(script)
    results = run_in_turn(jobs, options.runs)
    complete = all(len(runs) == options.runs for runs in results.values())

    if complete:
        print(f"Means of {options.runs} runs on {machine()}.\n")
    else:
        print(f"Means of at most {options.runs} runs on {machine()}; some are missing.\n")
    pairs = {script: (results[f"textbook's {TEXTBOOK[script]}"], results[script]) for script in scripts}
    print(table(["script", "test error of", "textbook, %", "bundle, %", "textbook, parameters", "bundle",
                 "textbook, seconds", "bundle"],
                [row for script, pair in pairs.items() if all(pair) for row in rows(script, *pair)], "ll" + 6 * "r"))
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
