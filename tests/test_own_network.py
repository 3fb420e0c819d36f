"""Networks as students write them, in a copy of a script: every kind of Keras model, with every flag."""

import common
from support import drawing, windows
from support.data_file import SIZE
from support.training_table import TrainingTable

import keras
import numpy as np
import pytest
from conftest import DATASET
from keras import layers


class Subclassed(keras.Model):
    """A model that is built only by its training."""

    def __init__(self):
        super().__init__()
        self.flatten, self.dense = layers.Flatten(), layers.Dense(10, activation="softmax")

    def call(self, images):
        return self.dense(self.flatten(images))


def functional(outputs):
    """Return a function that builds a functional model; outputs: a function of the pixels and the probabilities."""
    def build():
        image = layers.Input((SIZE, SIZE, 1))
        flat = layers.Flatten()(image)
        pixels = layers.Reshape((SIZE, SIZE, 1))(layers.Dense(784, activation="sigmoid")(flat))
        return keras.Model(image, outputs(pixels, layers.Dense(10, activation="softmax")(flat)))
    return build


def small_autoencoder():
    return keras.Sequential([layers.Input((SIZE, SIZE, 1)), layers.Flatten(), layers.Dense(30, name="thought_vector"),
                             layers.Dense(784, activation="sigmoid"), layers.Reshape((SIZE, SIZE, 1))])


def sequential(*more):
    return lambda: keras.Sequential([*more, layers.Flatten(), layers.Dense(10, activation="softmax")])


THOUGHT = {"thought_vectors", "projection", "sensitivity"}
KINDS = {
    "functional": (functional(lambda pixels, classes: classes), ["digit"]),
    "sequential": (sequential(layers.Input((SIZE, SIZE, 1))), ["digit"]),
    "sequential, built by its training": (sequential(), ["digit"]),
    "subclassed": (Subclassed, ["digit"]),
    "a dictionary by other names": (functional(lambda pixels, classes: {"a": classes, "b": pixels}),
                                    ["reconstruction", "digit"]),
    "a list": (functional(lambda pixels, classes: [classes, pixels]), ["reconstruction", "digit"]),
    "an autoencoder without a thought vector": (functional(lambda pixels, classes: pixels), ["reconstruction"]),
    "an autoencoder with 30 numbers of any size": (small_autoencoder, ["reconstruction"]),
}


def train(model, digits, callbacks=()):
    """Train a step with Keras's defaults, a progress bar among them."""
    known = {(10,): (digits.labels, "sparse_categorical_crossentropy"), (SIZE, SIZE, 1): (digits.images, "mse")}
    outputs = model(digits.images)
    if isinstance(outputs, dict):
        targets, losses = ({name: known[tuple(value.shape[1:])][part] for name, value in outputs.items()}
                           for part in (0, 1))
    else:
        values = outputs if isinstance(outputs, list) else [outputs]
        targets, losses = ([known[tuple(value.shape[1:])][part] for value in values] for part in (0, 1))
        targets, losses = (targets, losses) if isinstance(outputs, list) else (targets[0], losses[0])
    model.compile("adam", losses, run_eagerly=True)
    model.fit(digits.images, targets, epochs=1, callbacks=list(callbacks))


@pytest.fixture
def few_digits(lines, write):
    """Return a file with ten digits of two classes."""
    return write([line for line in lines if line[:1] in b"01"][:10])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_model_with_every_flag(kind, few_digits, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("support.startup.BACKEND", "agg")
    build_model, names = KINDS[kind]
    script = common.Script("", ["--dataset", few_digits, "--full_output", "--figures", tmp_path / "figures",
                                "--predictions", tmp_path / "predictions.txt", "--save", tmp_path / "model.keras"])
    model = script.run(build_model, train)
    output = capsys.readouterr().out.splitlines()
    rule = next(number for number, line in enumerate(output) if line.startswith("- -"))
    assert len(output[:rule]) == 2 and output[0].startswith("epoch   train")  # the table, and no progress bar in it
    *errors, parameters, _ = output[rule + 2].split()
    assert len(errors) == len(names) and int(parameters) == model.count_params()
    saved = {path.stem for path in (tmp_path / "figures").iterdir()}
    assert saved == ({"training"} | ({"confusion", "misclassified", "sensitivity"} if "digit" in names else set())
                     | ({"regeneration"} if "reconstruction" in names else set())
                     | (THOUGHT if build_model is small_autoencoder else set()))
    assert len((tmp_path / "predictions.txt").read_text().splitlines()) == 5 and (tmp_path / "model.keras").exists()


@pytest.mark.parametrize("kind", ["a list", *list(KINDS)[-2:]])
def test_every_kind_of_model_can_be_drawn_for(kind):
    """The window to draw in has a panel for what the model says."""
    digits, (build_model, names) = common.read_digits(DATASET, 0, 10), KINDS[kind]
    windows.has_screen()
    window = drawing.DrawingWindow(model := build_model(), digits, common.predict(model, digits.images))
    window.press("n")
    titles = [panel.get_title() for panel in window.figure.axes if panel.get_title()]
    drawing.plt.close(window.figure)
    thought = build_model is small_autoencoder
    assert titles == ["Draw here"] + ["How pixels matter"] * ("digit" in names or thought) + [
        "Its regeneration"] * ("reconstruction" in names) + ["The thought vector"] * thought + [
        "Which digit?"] * ("digit" in names)


def test_errors_for_the_figure_are_measured_after_the_training(monkeypatch):
    """So that the training takes no longer; the epochs are counted on from one `fit` to the next."""
    digits, measured = common.read_digits(DATASET, 0, 20), []
    monkeypatch.setattr("support.training_table.predict",
                        lambda *arguments: measured.append(arguments) or common.predict(*arguments))
    model = sequential(layers.Input((SIZE, SIZE, 1)))()
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    table = TrainingTable(model, {"train": digits}, shown=False)
    for _ in range(2):
        model.fit(digits.images, digits.labels, epochs=2, callbacks=[table], verbose=0)
    error, weights = common.errors(digits, common.predict(model, digits.images))["digit"], model.get_weights()
    assert not measured
    curves = table.curves()
    assert list(curves["loss"]) == list(curves["train error %"]) == [1, 2, 3, 4]
    assert curves["train error %"][4] == error
    assert all(np.array_equal(*pair) for pair in zip(weights, model.get_weights()))


@pytest.mark.parametrize("units, shape", [(784, "(n, 784)"), (11, "(n, 11)")])
def test_outputs_of_another_form(units, shape, few_digits, capsys):
    """They are refused before the training, in one line that says what is expected."""
    def build_model():
        return keras.Sequential([layers.Input((SIZE, SIZE, 1)), layers.Flatten(), layers.Dense(units)])

    def main():
        return common.Script("", ["--dataset", few_digits]).run(build_model, None)

    with pytest.raises(SystemExit):
        common.run(main)
    assert capsys.readouterr().err.endswith(f"error: the model has an output of the shape {shape}; expected class "
                                            "probabilities (n, 10), pixels (n, 28, 28, 1), or one of each\n")


def test_logits_are_noticed(few_digits, capsys):
    def build_model():
        return keras.Sequential([layers.Input((SIZE, SIZE, 1)), layers.Flatten(), layers.Dense(10)])

    common.Script("", ["--dataset", few_digits]).run(build_model, lambda model, digits, callbacks: None)
    output, errors = capsys.readouterr()
    assert len(output.splitlines()) == 1
    assert errors.endswith("the probabilities of a digit's classes do not add up to 1: is the softmax missing?\n")


def test_ink_at_the_edges_is_noticed(lines, write, capsys, monkeypatch):
    """The networks of the bundle read the middle; data that fill the image lose something."""
    task3 = __import__("task3_cnn")
    monkeypatch.setattr(task3, "train", lambda model, digits, callbacks: None)
    full = [line[:2] + b"1" * 28 + line[30:] for line in lines[:20]]
    for data, noted in (full, True), (lines[:20], False):
        task3.main(["--dataset", str(write(data)), "--full_output"])
        assert ("of the ink is at the edges of the images" in capsys.readouterr().err) is noted


def test_the_traceback_of_a_students_own_file_is_theirs(few_digits):
    def train(model, digits, callbacks):
        np.loadtxt("my_weights.txt")

    with pytest.raises(FileNotFoundError):
        common.run(lambda: common.Script("", ["--dataset", few_digits]).run(KINDS["functional"][0], train))


@pytest.mark.parametrize("batch_size", [1, 7])
def test_odd_batches_train(batch_size, monkeypatch):
    """A student changes batch sizes first of all."""
    task3 = __import__("task3_cnn")
    for name, value in {"EPOCHS": 1, "STEPS_PER_EPOCH": 2, "BATCH_SIZE": batch_size}.items():
        monkeypatch.setattr(task3, name, value)
    model, digits = task3.build_model(), common.read_digits(DATASET, 0, 30)
    before = model.get_weights()
    task3.train(model, digits)
    for weights, others in zip(model.get_weights(), before, strict=True):
        assert np.isfinite(weights).all() and np.any(weights != others)
