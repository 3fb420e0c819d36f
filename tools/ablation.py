"""Measure what each choice in the scripts buys: every row of a table is a script with one thing changed.

    python tools/ablation.py                     all rows, five runs each: hours on two cores
    python tools/ablation.py task3_cnn.py        one script's

A change is a piece of the script's text and what stands in its place, applied to a copy (`CHANGES`). All rows of a
script run in turn with the script as it is, on the fifths of the training digits (`--validation`): the test digits
take no part. Prints the tables of docs/ablation.md.
"""

import sys
from statistics import mean

from measure import spread
from runs import SCRIPTS, changed, machine, run, run_in_turn, scripts_parser, table

ONE_VIEW = ("import keras\n", "import keras\ncommon.Distortion.VIEWS = 1\n")
# script: {what is changed: [(text, what takes its place), ...]}
CHANGES = {
    "task1_autoencoder.py": {
        "1 candidate in place of 64": [("CANDIDATES = 64", "CANDIDATES = 1")],
        "8 candidates": [("CANDIDATES = 64", "CANDIDATES = 8")],
        "3 waves in place of 4": [("WAVES = 4", "WAVES = 3")],
        "8 waves": [("WAVES = 4", "WAVES = 8")],
        "waves of a tenth of the frequency": [("HIGHEST_FREQUENCY = 100.0", "HIGHEST_FREQUENCY = 10.0")],
        "a third of the epochs": [("EPOCHS = 10", "EPOCHS = 3")],
    },
    "task2_multitask.py": {
        "no distortion": [("        common.Distortion(),\n", ""), ("        common.MeanOfViews(),\n", "")],
        "one view at prediction": [ONE_VIEW],
        "16 waves in place of 48": [("WAVES = 48", "WAVES = 16")],
        "half of the epochs": [("EPOCHS = 200", "EPOCHS = 100")],
    },
    "task3_cnn.py": {
        "no distortion": [("common.Distortion()(image)", "image"), ("common.MeanOfViews()(x)", "x")],
        "no bending": [("common.Distortion()", "common.Distortion(elastic=0)")],
        "no thinner and thicker strokes": [("common.Distortion()", "common.Distortion(stroke=0)")],
        "one view at prediction": [ONE_VIEW],
        "labels not smoothed": [("LABEL_SMOOTHING = 0.1", "LABEL_SMOOTHING = 0.0")],
        "maximum of 2 x 2 in place of every second place": [
            ('x = convolution(x, 16, 3, strides=2, padding="same")',
             'x = layers.MaxPooling2D()(convolution(x, 16, 3, padding="same"))')],
        "Keras's own batch normalisation": [("common.BatchNormalization()", "layers.BatchNormalization()")],
        "half of the epochs": [("EPOCHS = 250", "EPOCHS = 125")],
    },
    "task4_rnn.py": {
        "no distortion": [("common.Distortion()(image)", "image"),
                          ("common.MeanOfViews()(layers.Dense(10)(x))", "layers.Dense(10)(x)")],
        "one view at prediction": [ONE_VIEW],
        "GRU in place of the minimal unit": [
            ("layers.RNN(MinimalGRUCell(UNITS), return_sequences=True, unroll=True)",
             "layers.GRU(UNITS, return_sequences=True, unroll=True)")],
        "two sweeps in place of four": [("range(2)", "range(1)")],
        "no batch normalisation": [("return common.BatchNormalization()(x)", "return x")],
        "half of the epochs": [("EPOCHS = 150", "EPOCHS = 75")],
    },
}


def rows(script, results):
    """Return the table's rows from a dictionary of lists of Results by the name of the change; the first is none."""
    for name, found in results.items():
        if found:
            errors = zip(*(result.errors for result in found))
            seconds = [result.seconds for result in found]
            yield [name, *(f"{mean(error):.2f}{spread(error, 2)}" for error in errors), f"{found[0].parameters:,}",
                   f"{mean(seconds):.0f}"]


def main():
    """Run the changed scripts of each table in turn, then print it."""
    options = scripts_parser(__doc__, runs=5).parse_args()

    def job(script, changes):
        def run_changed(number):
            with changed(script, changes) as path:
                return run(path, "--validation", str(number % 5 + 1))
        return run_changed

    complete = True
    for script in options.scripts or CHANGES:
        jobs = {"as it is": job(script, [])} | {name: job(script, change) for name, change in CHANGES[script].items()}
        results = run_in_turn(jobs, options.runs)
        complete &= all(len(found) == options.runs for found in results.values())
        names = SCRIPTS[script][0]
        print(f"`{script}`, {options.runs} runs a row on {machine()}:\n")
        print(table([f"`{script}`", *(f"{name}, % wrong" for name in names), "parameters", "seconds"],
                    rows(script, results), "l" + (len(names) + 2) * "r"), flush=True)
        print()
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
