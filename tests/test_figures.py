"""The figures, without a screen."""

from collections import Counter

import common
import task1_autoencoder
import task2_multitask
import task3_cnn
import task4_rnn
from support import analysis, figures, windows
from support.evaluation import with_thought_vector

import matplotlib
import numpy as np
import pytest
from conftest import DATASET, with_few_copies, without_graphs

matplotlib.use("agg")
THOUGHT = ["regeneration", "thought_vectors", "projection"]
CLASSIFICATION = ["confusion", "misclassified"]
EXPECTED = {task1_autoencoder: [*THOUGHT, "sensitivity"], task2_multitask: [*CLASSIFICATION, *THOUGHT, "sensitivity"],
            task3_cnn: [*CLASSIFICATION, "sensitivity"], task4_rnn: [*CLASSIFICATION, "sensitivity"]}


@pytest.fixture(autouse=True)
def no_graphs():
    """Most tests predict a few digits with a new model. With graphs they are drawn in test_own_network.py."""
    with without_graphs():
        yield


@pytest.fixture(scope="module")
def digits():
    """Return digits of two classes: the figures with one of each class take less time."""
    digits = common.read_digits(DATASET, 0, 300)
    chosen = digits.labels < 2
    return common.Digits(digits.images[chosen], digits.labels[chosen])


def outputs_of(model, digits):
    return common.predict(with_thought_vector(model), digits.images)


@pytest.mark.parametrize("task", EXPECTED, ids=lambda task: task.__name__)
def test_figures_are_saved(task, digits, tmp_path, capsys):
    model = with_few_copies(task.build_model())
    analysis.show_figures(model, digits, outputs_of(model, digits), {"loss": {1: 2.0, 2: 1.0}}, tmp_path / "figures")
    names = [f"{name}.png" for name in [*EXPECTED[task], "training"]]
    assert capsys.readouterr().out.split() == [str(tmp_path / "figures" / name) for name in names]
    assert {path.name for path in (tmp_path / "figures").iterdir()} == set(names)
    for path in (tmp_path / "figures").iterdir():
        pixels = matplotlib.image.imread(path)
        assert min(pixels.shape[:2]) > 100 and pixels.std() > 0.01  # something is drawn


@pytest.mark.parametrize("backend", [None, "agg", "svg", "tkagg", "no such", "module://matplotlib_inline.backend_inline"])
def test_without_a_screen(backend, monkeypatch):
    """Whatever MPLBACKEND asks for, figures can be drawn into files."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("support.startup.BACKEND", backend)
    assert not windows.has_screen() and matplotlib.get_backend().lower() == "agg"


def titles(figure):
    return [text for panel in figure.axes for text in (panel.get_title(), *(panel.get_xlabel(), panel.get_ylabel()))]


def test_titles_say_what_is_drawn(digits):
    """Each by a word of its own, so that a title on the wrong figure is seen."""
    model = with_few_copies(task2_multitask.build_model())
    drawn = figures.draw_figures(model, digits, outputs_of(model, digits)) | figures.draw_training(
        {"loss": {1: 2.0, 2: 1.0}, "train error %": {2: 5.0}})
    words = {"confusion": "Confusion matrix", "misclassified": "Misclassified test", "regeneration": "regeneration",
             "thought_vectors": "256 numbers", "projection": "principal components",
             "sensitivity": "if a pixel is flipped", "training": "training"}
    assert set(drawn) == set(words)
    for name, figure in drawn.items():
        title = figure.get_suptitle() or figure.axes[0].get_title()
        assert [other for other, word in words.items() if word in title] == [name]
    assert [panel.get_title() for panel in drawn["projection"].axes] == ["Thought vectors",
                                                                         "Last features of the classifier"]
    assert [panel.get_ylabel() for panel in drawn["training"].axes] == ["loss", "error in %"]
    scales = [panel.get_xlabel() for panel in drawn["sensitivity"].axes[:2]]
    assert all(float(scale.removeprefix("full red: ")) > 0 for scale in scales)


def test_figures_of_one_digit(digits):
    sample, model = common.Digits(digits.images[:1], digits.labels[:1]), with_few_copies(task2_multitask.build_model())
    assert list(figures.draw_figures(model, sample, outputs_of(model, sample))) == EXPECTED[task2_multitask]


def test_sensitivity_of_an_autoencoder_shows_which_pixels_share_a_number(digits):
    """In task 1 those are the 2 x 2 pixels of a patch, and the patch is not one of those that are most common."""
    images = digits.images[:10]
    maps = figures.sensitivity(with_thought_vector(task1_autoencoder.build_model()), images)
    for image, heat in zip(images[..., 0], maps, strict=True):
        rows, columns = np.nonzero(heat)
        assert len(rows) <= 4 and rows.min() % 2 == columns.min() % 2 == 0
        assert np.ptp(rows) <= 1 and np.ptp(columns) <= 1
        patch = image[rows.min() : rows.min() + 2, columns.min() : columns.min() + 2]
        assert patch.any()


def test_misclassified_digits_are_counted(digits):
    model = with_few_copies(task3_cnn.build_model())
    outputs = outputs_of(model, digits)
    predictions = outputs["digit"].argmax(1)
    drawn = figures.draw_figures(model, digits, outputs)
    panel = drawn["confusion"].axes[0]
    cells = {(text.get_position()[1], text.get_position()[0]): int(text.get_text()) for text in panel.texts}
    assert cells == Counter(zip(digits.labels.tolist(), predictions.tolist()))
    wrong = int(np.sum(predictions != digits.labels))
    assert panel.get_title() == f"Confusion matrix: {wrong} of {len(predictions)} test digits are misclassified"
    assert sum(panel.get_visible() for panel in drawn["misclassified"].axes) == min(wrong, figures.MOST_MISCLASSIFIED)
