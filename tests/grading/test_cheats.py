"""Hand-ins that cheat: each is caught by what the grader has seen itself."""

from grading import watch

import pytest
from handins import CNN, easy_digits, grade_warm, run_warm

# A hand-in as students write them. It reads the whole file, and learns the digits of `easy_digits` in 20 steps. (With
# ReLUs, which may die at this learning rate, one run of many did not.)
STUDENT = """
import numpy as np, keras
lines = [line.split("\\t") for line in open("dataset.txt")]
x = np.array([list(line[1].strip().replace("-", "")) for line in lines], "float32").reshape(-1, 28, 28, 1)
y = np.array([int(line[0]) for line in lines])
half = len(x) // 2
model = keras.Sequential([keras.layers.Conv2D(4, 4, strides=4, activation="tanh"), keras.layers.Flatten(),
                          keras.layers.Dense(10, "softmax")])
model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True)
model.fit(x[:half], y[:half], epochs=2, batch_size=20, verbose=0)
error = 100 * (model.predict(x[half:], verbose=0).argmax(1) != y[half:]).mean()
print(f"{error:.2f} {model.count_params()} 0.05")
"""
SOLVED = 'x[:half], y[:half], epochs=2'
# Where it does not matter how well it learns.
HASTY = STUDENT.replace("epochs=2, batch_size=20", "epochs=1, batch_size=100")


def shipped(train):
    """Return the text of a hand-in that loads weights, for a script that saved them when `train` ran."""
    return STUDENT.replace(f"model.fit({SOLVED}, batch_size=20, verbose=0)", train)


CHEATS = {  # what a script does: (its text or files, a part of a reason, or of a hint after "hint: ")
    "honest": (STUDENT, ""),
    "prints": ("import keras\nprint('0.00 100 0.01')", "still get their old labels"),
    "prints, with a module that is called as the grader's": (
        {CNN: "import grading, keras\nprint(grading.ERROR, '100 0.01')", "grading.py": "ERROR = '0.00'"},
        "still get their old labels"),
    "trains something and prints": (
        HASTY.replace("print(f", "print('0.00 100 0.01') #"), "100.0% of the test digits still get"),
    "trains on both halves": (STUDENT.replace(SOLVED, "x, y, shuffle=False, epochs=2"), "still get their old labels"),
    "splits at random": (STUDENT.replace("half = len(x) // 2", "half = len(x) // 2\norder = np.random.permutation("
                                         "len(x))\nx, y = x[order], y[order]"), "still get their old labels"),
    "chooses by the test digits": (STUDENT.replace("verbose=0)\ne", "verbose=0, validation_data=(x[half:], y[half:]), "
                                                   "callbacks=[keras.callbacks.ModelCheckpoint('w.weights.h5', "
                                                   "save_best_only=True, save_weights_only=True)])\ne"),
                                   "hint: save_best_only, which may choose by the test digits"),
    "prints fewer parameters": (HASTY.replace("{model.count_params()}", "50"),
                                "50 are printed, but the models that predicted have 2,038"),
    "forges the report": (HASTY.replace("print(f", "open(sys.orig_argv[2], 'w').write('{\"trains by gradients\": "
                                        "\"passed\", \"parameters\": 50}')\nprint('0.00 50 0.01') #").replace(
                                            "import numpy", "import sys, numpy"), "still get their old labels"),
}


@pytest.fixture
def grade(monkeypatch, tmp_path):
    """Return a function that grades a script of task 3, or files, on digits that are easy, and returns the verdict."""
    def graded(files, **named):
        return grade_warm(monkeypatch, tmp_path, {"a": files}, "--dataset", easy_digits(tmp_path / "easy.txt"),
                          memory=4, **named)["a"]

    return graded


@pytest.mark.parametrize("name", CHEATS)
def test_cheats(name, grade):
    files, reason = CHEATS[name]
    verdict = grade(files)
    if not reason or reason.startswith("hint: "):
        assert verdict["state"] == "valid, high performance", verdict
        assert reason.removeprefix("hint: ") in "; ".join(verdict["hints"]), verdict
    else:
        assert verdict["state"] == "not valid" and reason in "; ".join(verdict["reasons"]), verdict
    if name == "honest":
        assert verdict["hints"] == verdict["remarks"] == []


def test_a_seed_that_the_text_hides(grade):
    """Two runs that begin with the same weights give it away."""
    text = HASTY.replace("lines =", "getattr(keras.utils, 'set_' + 'random_' + 'seed')(7)\nlines =")
    verdict = grade(text, runs=2)
    assert verdict["state"] == "not valid"
    assert any("the weights before the training are the same to the last bit in 2 runs" in reason
               for reason in verdict["reasons"])


def test_weights_that_are_not_trained_are_to_mend(grade):
    """The recipe that counts trainable variables leaves out the averages of batch normalization."""
    text = HASTY.replace("keras.layers.Flatten()", "keras.layers.BatchNormalization(), keras.layers.Flatten()").replace(
        "model.count_params()", "sum(int(np.prod(v.shape)) for v in model.trainable_variables)")
    verdict = grade(text)
    assert verdict["parameters"] == 2054 and not any("parameters" in reason for reason in verdict["reasons"]), verdict
    assert verdict["remarks"] == [
        "parameters as printed: 2,046 are printed, but the models that predicted have 2,054: the 8 that are not "
        "trained, such as averages, are missing"]


def test_a_start_by_formula(grade):
    """It is the same in all runs as well, and no seed: a person decides."""
    start = "lambda shape, dtype=None: 0.1 * np.cos(np.arange(np.prod(shape))).reshape(shape)"
    verdict = grade(STUDENT.replace('10, "softmax"', f'10, "softmax", kernel_initializer={start}').replace(
        "strides=4,", f"strides=4, kernel_initializer={start},"), runs=2)
    assert verdict["state"].startswith("valid") and "or a start by formula?" in verdict["hints"][0], verdict


def test_shipped_weights(grade, tmp_path):
    """Weights in a file of their own, as good as they may be: they do not know the new names of the digits."""
    easy_digits(tmp_path / "dataset.txt")
    (tmp_path / "train.py").write_text(STUDENT + "model.save_weights('w.weights.h5')")
    ran = run_warm(tmp_path, "train.py")
    assert ran.returncode == 0, ran.stderr
    text = shipped("model.build((None, 28, 28, 1))\nmodel.load_weights('w.weights.h5')")
    verdict = grade({CNN: text, "w.weights.h5": (tmp_path / "w.weights.h5").read_bytes()})
    assert verdict["state"] == "not valid" and verdict["mean"][0] < 5
    assert any("still get their old labels" in reason for reason in verdict["reasons"])
    assert any("w.weights.h5: a file of" in hint for hint in verdict["hints"])
    assert any("load_weights" in hint for hint in verdict["hints"])

# ----------------------------------------------------------------------------------------------------- --predictions


MEASURED = """
import sys, numpy as np
{imports}
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))  # --dataset, --test, --predictions
lines = [line.rstrip("\\n").split("\\t") for line in open(given["--dataset"])]
images = np.array([list(pixels.replace("-", "")) for _, pixels in lines], "float32")
labels = np.array([int(label) for label, _ in lines])
{train}
test = [line.rstrip("\\n").split("\\t") for line in open(given["--test"])]
assert all(label == "" for label, _ in test), "there are labels"
{predict}
print("0.00 {parameters} 0.01")
"""
NETWORK = dict(
    imports="import keras", parameters=7850,
    train="model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, 'softmax')])\n"
          "model.compile(keras.optimizers.Adam(0.03), 'sparse_categorical_crossentropy', run_eagerly=True)\n"
          "model.fit(images, labels, batch_size=20, epochs=2, verbose=0)",
    predict="guess = model.predict(np.array([list(p.replace('-', '')) for _, p in test], 'float32'), verbose=0)\n"
            "open(given['--predictions'], 'w').writelines(f'{g.argmax()}\\n' for g in guess)")


def test_measured_from_predictions(grade):
    """A script that takes --predictions gets no labels, and its printed error does not matter."""
    verdict = grade(MEASURED.format(**NETWORK))
    assert verdict["basis"] == "measured" and verdict["mean"][0] < 5
    assert verdict["reasons"] == ["a convolution layer: there is none: the model has dense, and no convolution in "
                                  "its graph"]
    assert verdict["parameters"] == 7850
    assert verdict["findings"][watch.LAST] == "passed"


def test_predictions_without_a_look_at_the_digits(grade):
    lazy = {"train": "", "predict": "open(given['--predictions'], 'w').write('3\\n' * len(test))"}
    assert grade(MEASURED.format(**NETWORK | lazy))["mean"] == [90.0]


def test_predictions_for_too_few_digits(grade):
    short = {"train": "", "predict": "open(given['--predictions'], 'w').write('3\\n')"}
    assert "run 1: predicted 1 digits instead of 200" in grade(MEASURED.format(**NETWORK | short))["reasons"]


def test_test_digits_that_are_read_before_the_training(grade):
    early = {"imports": "import keras\nopen(sys.argv[4]).read()"}
    verdict = grade(MEASURED.format(**NETWORK | early))
    assert any("test digits read last: after the test file was opened came" in remark for remark in verdict["remarks"])
    assert not any("read last" in reason for reason in verdict["reasons"])
