"""The texts of the assignment: the sheet, and what stands in the half-finished scripts."""

SHARED_RULES = ["a run trains from scratch, by gradient descent or an extension of it, without random seeds",
                "the test digits influence nothing, and are read when the training is over",
                "`main`, how the digits are read and how the error is measured stay as they are"]
TRAIN = '''"""Train `model` on `digits`: images (n, 28, 28, 1), pixels 0 or 1, and labels (n,), 0 to 9.

    callbacks: those of `--full_output`, for `model.fit`.
    """'''
TO_WRITE = {"build_model": "Write the network here: begin with layers.Input((28, 28, 1)), return a keras.Model.",
            "train": "Write the training here: model.compile and model.fit, with verbose=0."}
# Networks that may be given: they run, and are far from the limits. A task without one stays half-finished.
BASELINE = {
    "task1_autoencoder.py": {
        "build_model": """
            image = layers.Input((28, 28, 1))
            thought = layers.Dense(256, activation="tanh", name="thought_vector")(layers.Flatten()(image))
            x = layers.Dense(784, activation="sigmoid")(thought)
            return keras.Model(image, layers.Reshape((28, 28, 1))(x))""",
        "train": """
            model.compile("sgd", "binary_crossentropy")
            model.fit(digits.images, digits.images, epochs=10, callbacks=list(callbacks), verbose=0)"""},
    "task2_multitask.py": {
        "build_model": """
            image = layers.Input((28, 28, 1))
            thought = layers.Dense(256, activation="tanh", name="thought_vector")(layers.Flatten()(image))
            x = layers.Dense(784, activation="sigmoid")(thought)
            digit = layers.Dense(10, activation="softmax")(thought)
            return keras.Model(image, {"reconstruction": layers.Reshape((28, 28, 1))(x), "digit": digit})""",
        "train": """
            model.compile("sgd", {"reconstruction": "binary_crossentropy", "digit": "sparse_categorical_crossentropy"})
            model.fit(digits.images, {"reconstruction": digits.images, "digit": digits.labels}, epochs=10,
                      callbacks=list(callbacks), verbose=0)"""},
    "task3_cnn.py": {
        "build_model": """
            image = layers.Input((28, 28, 1))
            x = layers.Conv2D(4, 5, strides=4, activation="relu")(image)
            return keras.Model(image, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))""",
        "train": """
            model.compile("sgd", "sparse_categorical_crossentropy")
            model.fit(digits.images, digits.labels, epochs=10, callbacks=list(callbacks), verbose=0)"""},
    "task4_rnn.py": {
        "build_model": """
            image = layers.Input((28, 28, 1))
            x = layers.SimpleRNN(32)(layers.Reshape((28, 28))(image))
            return keras.Model(image, layers.Dense(10, activation="softmax")(x))""",
        "train": """
            model.compile("sgd", "sparse_categorical_crossentropy")
            model.fit(digits.images, digits.labels, epochs=10, callbacks=list(callbacks), verbose=0)"""},
}

# common.py as it is handed out: all that `main` needs, and none of the layers.
COMMON = '''"""What the scripts share: the run of a script, from the command line to the line of results.

The scripts import this module before Keras, because it starts the clock and keeps TensorFlow quiet.
"""

from support.command_line import fail
from support.script import Script, run

__all__ = ["Script", "fail", "run"]
'''

# The assignment. LIMITS and TEST_DIGITS are replaced.
SHEET = """# Networks for handwritten digits

You get half-finished scripts and `dataset.txt`, black-and-white digits from MNIST. Complete `build_model` and
`train` in each script, so that it learns its task with the lowest error, the fewest parameters and in the shortest
time that you can reach:

LIMITS

The limits hold for the mean of five runs on the CPU, those in brackets for high performance. The docstring of each
script has the rules of its task.

## Begin

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python task3_cnn.py

On Windows the second line begins with `.venv\\Scripts\\python`. A script prints one line: the error in % (task 2:
of the reconstruction, then of the digit), the number of parameters, the minutes. `--full_output` shows the training,
`--show_analysis` draws figures, and `--help` lists all options.

## Rules

- A run trains from scratch, by gradient descent or an extension of it. No random seeds: it has to work in every
  run. No weights that were trained before, and no other data.
- The *thought vector* of tasks 1 and 2 is the code of an image between encoder and decoder: 256 numbers between -1
  and 1, the output of a layer called `thought_vector`. Task 1 regenerates the image from it. Task 2 regenerates the
  image and classifies the digit, by separate layers that know nothing else of the image.
- Change as little as you need: `build_model`, `train`, and constants, functions and layers of your own in the
  script. `main`, the other files, and how digits are read and errors are measured stay as they are.
- Without flags a script prints its line and nothing else, no warnings either.
- The test digits influence nothing. TEST_DIGITS

## Tune honestly

A choice made by looking at test errors is fitted to the test digits. Compare by validation instead, which trains on
four fifths of the training digits and measures the error on the fifth, for each fifth in turn:

    .venv/bin/python task3_cnn.py --validation

One training differs from the next. A difference smaller than the standard deviation of the runs means nothing, so
repeat it.

## Hand in

    .venv/bin/python check_my_handin.py

runs each script, and says whether it prints its line, how near the limits it is, and what is not as handed out. One run
tells little about a script that is near a limit: `--runs 5` runs it as often as the grader does.

The scripts, with their names, in one folder or `.zip` archive. The grader adds the digits itself and runs each
script five times. It gives your script the test digits without their labels and measures its predictions, counts
the weights that predict, and compares your files with these. It also runs your script on altered digits, where one
that has not learned from the training digits shows.
"""
GIVEN = "The first half of `dataset.txt` is for training, the second for testing."
KEPT = ("`dataset.txt` has training digits only. So that the scripts run, half of them stand in for test digits; you "
        "are graded with all of them for training, and with other test digits.")
