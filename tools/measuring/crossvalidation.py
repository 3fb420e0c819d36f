"""The cross-validation of variants of scripts, from command line to table, for crossvalidate.py and ablation.py."""

import json
import sys
from functools import partial
from pathlib import Path

from measuring import ablation
from measuring.fingerprints import fingerprint
from measuring.folds import FOLDS, train_changed, training_labels
from measuring.processes import in_parallel
from measuring.results import KEY, appending, read_results
from measuring.runs import fail, machine, positive_integer, scripts_parser, table
from measuring.tables import head, rows

BASELINE = "baseline"


def train_missing(script, variants, repeats, results, path):
    """Run the trainings that `results` does not have yet, and add them to `results` and to the file at a path.

    variants: {name: (fingerprint, changes)}. The variants take turns, so that each is at the same repeat. Starts
    processes, one per core. Raises ValueError if a training fails, OSError.
    """
    jobs = [(name, repeat, fold) for repeat in range(repeats) for fold in range(1, FOLDS + 1) for name in variants
            if (script, variants[name][0], repeat, fold) not in results]
    work = [(name, partial(train_changed, script, variants[name][1], repeat, fold)) for name, repeat, fold in jobs]
    with appending(path) as append:
        for number, result in in_parallel(work):
            name, repeat, fold = jobs[number]
            key = script, variants[name][0], repeat, fold
            results[key] = dict(zip(KEY, key)) | {"variant": name} | result
            append(results[key])


def trained(script, changes, repeats, path, train=True):
    """Return the variants of a script, {name: (fingerprint, changes)}, all results, and whether Ctrl-C stopped it.

    changes: {name: changes of the script}. path: of the file of results. train: whether those that are missing are
    trained, see `train_missing`. A mistake of the user ends the program in one line.
    """
    try:
        variants = {name: (fingerprint(script, change), change) for name, change in changes.items()}
        results = read_results(path)
        if train:
            train_missing(script, variants, repeats, results, path)
    except (OSError, ValueError) as error:
        fail(error)
    except KeyboardInterrupt:
        print("stopped; the following is of the trainings so far", file=sys.stderr)
        return variants, results, True
    return variants, results, False


def main(description, choose_variants):
    """Train what is missing, then print the table of each script; return the exit status.

    description: the docstring of the program. choose_variants: whether it takes --variants. A mistake of the user ends
    the program in one line.
    """
    parser = scripts_parser(description)
    parser.add_argument("--results", required=True, metavar="FILE", help="results are read from there and appended")
    parser.add_argument("--repeats", type=positive_integer, default=10, metavar="N", help="default: 10")
    parser.add_argument("--report", action="store_true", help="only print the tables")
    if choose_variants:
        parser.add_argument("--variants", metavar="FILE",
                            help="JSON: {name: [[text in the script, new text], ...], ...} (default: the ablation)")
    options = parser.parse_args()
    for script in options.scripts or ablation.CHANGES:
        if script not in ablation.CHANGES and not (choose_variants and options.variants):
            fail(f"{script}: no changes are listed; its parts are those of tasks 1 and 3")
        try:
            changes = (json.loads(Path(options.variants).read_text()) if choose_variants and options.variants
                       else ablation.CHANGES[script])
            labels = training_labels()
        except (OSError, ValueError) as error:
            fail(error)
        variants, results, stopped = trained(script, {BASELINE: []} | changes, options.repeats, options.results,
                                             train=not options.report)
        print(f"`{script}`, on {machine()}, one thread per training:\n")
        table_rows = list(rows(script, variants, options.repeats, results, labels))
        print(table(head(script), table_rows, "l" + "r" * (len(head(script)) - 1)) + "\n", flush=True)
        if stopped:
            return 130
    return 0
