"""The figures, without a screen."""

from collections import Counter

import common
import task1_autoencoder
import task2_multitask
import task3_cnn
import task4_rnn
from support import figures
from support.evaluation import with_thought_vector

import matplotlib
import numpy as np
import pytest
from conftest import DATASET

matplotlib.use("agg")
THOUGHT = ["regeneration", "thought_vectors", "projection"]
CLASSIFICATION = ["confusion", "misclassified"]
EXPECTED = {task1_autoencoder: [*THOUGHT, "sensitivity"], task2_multitask: [*CLASSIFICATION, *THOUGHT, "sensitivity"],
            task3_cnn: [*CLASSIFICATION, "sensitivity"], task4_rnn: [*CLASSIFICATION, "sensitivity"]}


@pytest.fixture(scope="module")
def digits():
    return common.read_digits(DATASET, 0, 60)


def outputs_of(model, digits):
    return common.predict(with_thought_vector(model), digits.images)


@pytest.mark.parametrize("task", EXPECTED, ids=lambda task: task.__name__)
def test_figures_are_saved(task, digits, tmp_path, capsys):
    model = task.build_model()
    figures.show_figures(model, digits, outputs_of(model, digits), tmp_path / "figures")
    names = [f"{name}.png" for name in EXPECTED[task]]
    assert capsys.readouterr().out.split() == [str(tmp_path / "figures" / name) for name in names]
    assert {path.name for path in (tmp_path / "figures").iterdir()} == set(names)
    for path in (tmp_path / "figures").iterdir():
        pixels = matplotlib.image.imread(path)
        assert min(pixels.shape[:2]) > 150 and pixels.std() > 0.01  # something is drawn


@pytest.mark.parametrize("backend", [None, "agg", "svg", "tkagg", "no such", "module://matplotlib_inline.backend_inline"])
def test_without_a_screen(backend, monkeypatch):
    """Whatever MPLBACKEND asks for, figures can be drawn into files."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("support.startup.BACKEND", backend)
    assert not figures.has_screen() and matplotlib.get_backend().lower() == "agg"


@pytest.mark.parametrize("few", [1, 3])
def test_figures_of_few_digits(digits, few):
    sample, model = common.Digits(digits.images[:few], digits.labels[:few]), task2_multitask.build_model()
    assert list(figures.draw_figures(model, sample, outputs_of(model, sample))) == EXPECTED[task2_multitask]


def test_sensitivity_is_the_gradient_of_the_predicted_class():
    """For a classifier that is a softmax of weighted pixels, the gradient is known."""
    import keras

    image = keras.Input((28, 28, 1))
    model = keras.Model(image, keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(image)))
    images = common.read_digits(DATASET, 0, 5).images
    weights = model.get_weights()[0]
    probabilities = np.asarray(model(images))
    for heat, share in zip(figures.sensitivity(with_thought_vector(model), images)[1].numpy(), probabilities):
        predicted = share.argmax()
        expected = share[predicted] * (weights[:, predicted] - weights @ share)
        assert heat.ravel() == pytest.approx(np.abs(expected), rel=1e-3, abs=1e-6)


def test_sensitivity_of_an_autoencoder_shows_which_pixels_share_a_number(digits):
    """In task 1 those are the 2 x 2 pixels of a patch, and the patch is not one of those that are most common."""
    model = task1_autoencoder.build_model()
    _, maps = figures.sensitivity(with_thought_vector(model), digits.images)
    for image, heat in zip(digits.images[..., 0], maps.numpy()):
        rows, columns = np.nonzero(heat)
        assert len(rows) <= 4 and rows.min() % 2 == columns.min() % 2 == 0
        assert np.ptp(rows) <= 1 and np.ptp(columns) <= 1
        patch = image[rows.min() : rows.min() + 2, columns.min() : columns.min() + 2]
        assert patch.any()


def test_misclassified_digits_are_counted(digits):
    model = task3_cnn.build_model()
    outputs = outputs_of(model, digits)
    predictions = outputs["digit"].argmax(1)
    drawn = figures.draw_figures(model, digits, outputs)
    panel = drawn["confusion"].axes[0]
    cells = {(text.get_position()[1], text.get_position()[0]): int(text.get_text()) for text in panel.texts}
    assert cells == Counter(zip(digits.labels.tolist(), predictions.tolist()))
    wrong = int(np.sum(predictions != digits.labels))
    assert panel.get_title() == f"Confusion matrix: {wrong} of 60 test digits are misclassified"
    assert sum(panel.get_visible() for panel in drawn["misclassified"].axes) == min(wrong, figures.MOST_MISCLASSIFIED)
