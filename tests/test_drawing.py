"""The window to draw a digit in, with mouse events as a screen would send them."""

import common
import task2_multitask
import task3_cnn
from support import analysis, drawing, figures, windows
from support.evaluation import with_thought_vector

import numpy as np
import pytest
from conftest import DATASET, with_few_copies, without_graphs
from matplotlib.backend_bases import KeyEvent, MouseEvent

ONE = np.array([[20.0, 2.0], [20.0, 9.0]])  # a short stroke in a corner


@pytest.fixture(autouse=True)
def no_graphs():
    """Most tests predict a few digits with a new model. With graphs they are drawn in test_own_network.py."""
    with without_graphs():
        yield


@pytest.fixture(scope="module")
def digits():
    digits = common.read_digits(DATASET, 0, 100)
    chosen = digits.labels < 3  # of few classes, as there is a sensitivity map for one digit of each
    return common.Digits(digits.images[chosen], digits.labels[chosen])


def window_of(model, digits):
    return drawing.DrawingWindow(model, digits, common.predict(model, digits.images))


@pytest.fixture
def window(digits):
    """Return a window with everything in it; the model has not learned anything."""
    windows.has_screen()  # where there is none, figures are drawn into files
    made = window_of(with_few_copies(task2_multitask.build_model()), digits)
    made.figure.canvas.draw()
    yield made
    drawing.plt.close(made.figure)


def send(window, kind, x, y, button=1):
    canvas = window.figure.canvas
    options = {"buttons": {button} if button else set()} if kind == "motion_notify" else {"button": button}
    canvas.callbacks.process(f"{kind}_event", MouseEvent(f"{kind}_event", canvas,
                                                         *window.field.transData.transform((x, y)), **options))


def draw(window, points, button=1):
    send(window, "button_press", *points[0], button)
    for point in points[1:]:
        send(window, "motion_notify", *point, button)
    send(window, "button_release", *points[-1], button)


def test_drawing(window):
    draw(window, ONE)
    assert np.allclose(window.strokes[0], ONE)
    field = np.asarray(window.drawn.get_array())
    assert field[2:10, 20].all() and not field[:, :18].any()
    image = window.image()
    rows, columns = np.nonzero(image)
    assert np.ptp(rows) in (18, 19) and abs(rows.mean() - 14) < 0.6 and abs(columns.mean() - 14) < 0.6
    assert 2 <= image[14].sum() <= 3  # as wide as the strokes of the data, although it was scaled
    assert sum(bar.get_width() for bar in window.bars) == pytest.approx(1, abs=1e-5)
    assert np.asarray(window.thought.get_array()).any() and np.asarray(window.heat.get_alpha()).max() == 1
    for x, y, button in (5, 5, 0), (60, 5, 1):  # without a button, and outside of the field
        send(window, "motion_notify", x, y, button)
    assert len(window.strokes) == 1 and len(window.strokes[0]) == 2


def test_rubbing_out_and_clearing(window):
    draw(window, [(5.0, 5.0), (10.0, 5.0), (15.0, 5.0)])
    draw(window, [(10.0, 5.0), (10.0, 6.0)], button=3)
    assert [len(stroke) for stroke in window.strokes] == [1, 1]
    window.figure.canvas.callbacks.process("key_press_event", KeyEvent("key_press_event", window.figure.canvas, "c"))
    assert not window.strokes and not window.image().any() and not sum(bar.get_width() for bar in window.bars)


def test_digits_to_draw_on(window, digits):
    """They stay where they are; the wrong ones are wrong."""
    for key in "n", "m", "n":
        number = window.queues[key][0]
        window.press(key)
        assert np.array_equal(window.image(), digits.images[number, ..., 0])
        assert window.label.get_text() == f"label {digits.labels[number]}"
        assert window.queues[key][-1] == number
    rows, columns = np.nonzero(window.image())
    draw(window, [(columns[0], rows[0])], button=3)
    draw(window, [(1.0, 1.0), (1.0, 3.0)])
    image = window.image()
    assert not image[rows[0], columns[0]] and image[1, 1] and image.sum() > 10


def test_it_sees_what_the_model_says(digits):
    """Also where there is a classifier only."""
    model = with_few_copies(task3_cnn.build_model())
    window = window_of(model, digits)
    window.press("n")
    image = digits.images[window.queues["n"][-1]][None]
    assert np.allclose([bar.get_width() for bar in window.bars], common.predict(model, image)["digit"][0], atol=1e-4)
    expected = figures.sensitivity(with_thought_vector(model), image)[0]
    assert np.allclose(window.heat.get_alpha(), expected / expected.max(), atol=1e-4)
    assert [text.get_text() for text in window.numbers if text.get_text()]
    window.figure.canvas.callbacks.process("key_press_event", KeyEvent("key_press_event", window.figure.canvas, "q"))
    assert drawing.plt.fignum_exists(window.figure.number)  # a drawing is not lost with a key
    drawing.plt.close(window.figure)


@pytest.mark.parametrize("strokes", [[np.array([[3.0, 3.0]])], [np.array([[3.0, 3.0], [3.0, 3.0]])],
                                     [np.array([[0.0, 0.0], [27.0, 27.0]]), np.array([[27.0, 0.0]])]])
def test_centred(strokes):
    ink = drawing.ink_of(drawing.centred(strokes))
    rows, columns = np.nonzero(ink)
    assert len(rows) >= 1 and abs(rows.mean() - 14) < 1 and abs(columns.mean() - 14) < 1
    assert max(np.ptp(rows), np.ptp(columns)) <= 20


def test_it_opens_with_the_figures(digits, monkeypatch):
    """One window more than figures, where there is a screen."""
    numbers = []
    drawing.plt.close("all")
    monkeypatch.setattr(analysis, "has_screen", lambda: True)
    monkeypatch.setattr(drawing.plt, "show", lambda: numbers.extend(drawing.plt.get_fignums()))
    model = with_few_copies(task3_cnn.build_model())
    analysis.show_figures(model, digits, common.predict(model, digits.images), {}, windows=True)
    assert len(numbers) == 4
