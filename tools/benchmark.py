"""Measure the bundle's scripts against other solutions of the same tasks.

Textbook solutions and Keras's examples are in `textbook.py`. Task 3's classifier is also held against support vector
machines, on pixels and on scattering coefficients (`support_vectors.py`): what people take for a thousand digits.

    python tools/benchmark.py                       five runs of each, in turn, about forty minutes on two cores
    python tools/benchmark.py --runs 2 task3_cnn.py

Each run is a process of its own. The solutions of a task take turns, so that a change in the speed of the machine
affects all alike. Nothing else heavy should run at the same time. Prints a table of means.
"""

import sys
from statistics import mean

from measuring.runs import machine, run, run_in_turn, scripts_parser, table
from project import TASKS

# The others' solutions of each task, programs in tools/ and their argument, by how the table calls them.
OTHERS = {
    "task1_autoencoder.py": {"textbook": ("textbook.py", "autoencoder"),
                             "Keras's example": ("textbook.py", "keras_autoencoder")},
    "task2_multitask.py": {"textbook": ("textbook.py", "multitask")},
    "task3_cnn.py": {"textbook": ("textbook.py", "cnn"), "Keras's example": ("textbook.py", "keras_cnn"),
                     "support vector machine": ("support_vectors.py", "pixels"),
                     "scattering and support vector machine": ("support_vectors.py", "scattering")},
    "task4_rnn.py": {"textbook": ("textbook.py", "rnn"), "Keras's example": ("textbook.py", "keras_rnn")},
}


def rows(script, results):
    """Yield the table rows of a script, one for each solution; results: a list of Results by the solution's name."""
    for name, runs in results.items():
        errors = [f"{mean(errors):.2f}" for errors in zip(*(result.errors for result in runs))]
        minutes = mean(result.seconds for result in runs) / 60
        figures = [" and ".join(errors), f"{runs[0].parameters:,}", f"{minutes:.2f}"]
        yield [f"`{script}`", name, *(figures if name != "bundle" else [f"**{text}**" for text in figures])]


def main():
    """Run all solutions of each task in turn, then print the table."""
    options = scripts_parser(__doc__, runs=5).parse_args()
    jobs = {}
    for script in options.scripts or TASKS:
        for name, (program, solution) in OTHERS[script].items():
            jobs[f"{script}, {name}"] = lambda _, words=(f"tools/{program}", solution): run(*words)
        jobs[f"{script}, bundle"] = lambda _, script=script: run(script)
    results = run_in_turn(jobs, options.runs)
    complete = all(len(runs) == options.runs for runs in results.values())
    count = f"{options.runs} run{'s' * (options.runs > 1)}"
    print(f"Means of {count} on {machine()}.\n" if complete else f"Means of at most {count}; some are missing.\n")
    by_script = {}
    for job, runs in results.items():
        script, _, name = job.partition(", ")
        if runs:
            by_script.setdefault(script, {})[name] = runs
    print(table(["script", "solution", "test error, %", "parameters", "minutes"],
                [row for script, runs in by_script.items() for row in rows(script, runs)], "llrrr"))
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
