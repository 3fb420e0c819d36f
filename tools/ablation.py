"""Measure what each choice in the scripts buys: every row of a table is a script with one change.

    python tools/ablation.py                     all rows, five runs each: hours on two cores
    python tools/ablation.py task3_cnn.py        those of one script

A change replaces pieces of the script's text in a copy (`CHANGES`). The rows of a script are run in turn with the
baseline, the script without a change, on the folds of the training digits (`--validation`): the test digits take no
part. Prints the tables of docs/ablation.md.
"""

import sys
from statistics import mean

from measure import spread
from runs import SCRIPTS, changed, machine, run, run_in_turn, scripts_parser, table

NO_TEST_TIME_AUGMENTATION = ("import keras\n", "import keras\ncommon.RandomDistortion.AUGMENTATIONS = 1\n")
# script: {name of the change: [(text, replacement), ...]}
CHANGES = {
    "task1_autoencoder.py": {
        "1 restart instead of 512": [("RESTARTS = 512", "RESTARTS = 1")],
        "32 restarts": [("RESTARTS = 512", "RESTARTS = 32")],
        "no training": [("EPOCHS = 10", "EPOCHS = 1"), ("LEARNING_RATE = 0.01", "LEARNING_RATE = 0.0")],
        "initial frequencies at random": [("np.pi / (2 * weights.T)", "np.pi / (2 * random.permutation(weights.T))")],
        "initial weights not above 0.1": [("LARGEST = 0.01, 0.8", "LARGEST = 0.01, 0.1")],
        "omega_0 of 1 instead of 100": [("OMEGA_0 = 100.0", "OMEGA_0 = 1.0")],
        "twice the epochs": [("EPOCHS = 10", "EPOCHS = 20")],
    },
    "task2_multitask.py": {
        "no distortion": [("        common.RandomDistortion(),", ""), ("        common.AugmentationMean(),", "")],
        "no test-time augmentation": [NO_TEST_TIME_AUGMENTATION],
        "half of the steps": [("\nSTEPS = 2000", "\nSTEPS = 1000")],
    },
    "task3_cnn.py": {
        "8-16-20-24 filters, no 1x1 convolution": [("x = convolution(x, 48, 1) ", "#"),
                                                   ("convolution(x, 20, 3) ", "convolution(x, 24, 3) "),
                                                   ("convolution(x, 16, 3) ", "convolution(x, 20, 3) ")],
        "no distortion": [("common.RandomDistortion()(image)", "image"), ("common.AugmentationMean()(x)", "x")],
        "no elastic distortion": [("common.RandomDistortion()", "common.RandomDistortion(elastic=0)")],
        "no change of the stroke width": [("common.RandomDistortion()", "common.RandomDistortion(stroke=0)")],
        "no test-time augmentation": [NO_TEST_TIME_AUGMENTATION],
        "no label smoothing": [("LABEL_SMOOTHING = 0.1", "LABEL_SMOOTHING = 0.0")],
        "max pooling instead of strides": [
            ('x = convolution(x, 16, 3, strides=2, padding="same")',
             'x = layers.MaxPooling2D()(convolution(x, 16, 3, padding="same"))')],
        "Keras's own batch normalization": [("common.BatchNormalization()", "layers.BatchNormalization()")],
        "half of the steps": [("STEPS = 2500", "STEPS = 1250")],
    },
    "task4_rnn.py": {
        "no distortion": [("common.RandomDistortion()(image)", "image"),
                          ("common.AugmentationMean()(layers.Dense(10)(x))", "layers.Dense(10)(x)")],
        "no test-time augmentation": [NO_TEST_TIME_AUGMENTATION],
        "GRU instead of the minimal unit": [
            ("    x = layers.Dense(4 * UNITS)(x)                    # for two directions, gate and candidate\n", ""),
            ("4 * UNITS", "x.shape[-1]"),
            ("    forward, backward = ops.split(x, 2, axis=-1)\n", ""),
            ("layers.RNN(MinimalRecurrentCell(UNITS), return_sequences=True, unroll=True)(forward)",
             "layers.GRU(UNITS, return_sequences=True, unroll=True)(x)"),
            ("layers.RNN(MinimalRecurrentCell(UNITS), return_sequences=True, unroll=True, go_backwards=True)(backward)",
             "layers.GRU(UNITS, return_sequences=True, unroll=True, go_backwards=True)(x)")],
        "maximum beside the mean, no 48 features": [
            ("    x = layers.Dense(48, activation=\"tanh\")(x)\n", ""),
            ("layers.GlobalAveragePooling2D()(x)",
             "layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])")],
        "1,200 steps with batches of 100": [("STEPS = 2400", "STEPS = 1200"), ("BATCH_SIZE = 50", "BATCH_SIZE = 100")],
        "two ReNet layers instead of four": [("range(2)", "range(1)")],
        "no batch normalization": [("return common.BatchNormalization()(x)", "return x")],
        "half of the steps": [("STEPS = 2400", "STEPS = 1200")],
    },
}


def rows(script, results):
    """Return the rows of a script's table from lists of Results by the name of the change."""
    for name, runs in results.items():
        if runs:
            errors = zip(*(result.errors for result in runs))
            seconds = [result.seconds for result in runs]
            yield [name, *(f"{mean(error):.2f}{spread(error, 2)}" for error in errors), f"{runs[0].parameters:,}",
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
        jobs = {"baseline": job(script, [])} | {name: job(script, change) for name, change in CHANGES[script].items()}
        results = run_in_turn(jobs, options.runs)
        complete &= all(len(runs) == options.runs for runs in results.values())
        names = SCRIPTS[script][0]
        print(f"`{script}`, {options.runs} runs per row on {machine()}:\n")
        print(table([f"`{script}`", *(f"{name}, error in %" for name in names), "parameters", "seconds"],
                    rows(script, results), "l" + (len(names) + 2) * "r"), flush=True)
        print()
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
