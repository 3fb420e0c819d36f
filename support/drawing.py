"""A window to draw a digit in with the mouse, and what a model makes of it while it is drawn."""

import random
import time

from support.data_file import SIZE
from support.evaluation import as_dictionary, with_thought_vector
from support.figures import as_grids, sensitivity
from support.pictures import BOX, CENTRE
from support.windows import COLOURS

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib.widgets import Button

RADIUS = 1.25  # of a stroke, in pixels; those of the data are 2.5 wide
LARGEST_SCALE = 4  # a dot stays a dot
REDRAWS = 30  # a second, at most


def centred(strokes):
    """Return strokes scaled and shifted as MNIST does it: into a box of 20 pixels, the centre of mass in the middle.

    strokes: a list of arrays of points (n, 2), x and y in pixels; so is what is returned.
    """
    points = np.concatenate(strokes)
    low, high = points.min(0), points.max(0)
    scale = min((BOX - 1 - 2 * RADIUS) / max((high - low).max(), 1e-9), LARGEST_SCALE)
    strokes = [(stroke - (low + high) / 2) * scale + CENTRE for stroke in strokes]
    ink = ink_of(strokes)
    rows, columns = np.nonzero(ink)
    shift = CENTRE - np.array([columns.mean(), rows.mean()]) if len(rows) else 0
    return [stroke + shift for stroke in strokes]


def ink_of(strokes):
    """Return which pixels strokes cover, (28, 28): those whose centres are within RADIUS of a line."""
    ink = np.zeros((SIZE, SIZE), bool)
    centres = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), axis=-1).reshape(-1, 1, 2)
    for stroke in strokes:
        start, way = stroke[:-1], np.diff(stroke, axis=0)
        if not len(way):
            start, way = stroke, np.zeros_like(stroke)
        along = np.sum((centres - start) * way, axis=2) / np.maximum(np.sum(way**2, axis=1), 1e-9)
        nearest = start + np.clip(along, 0, 1)[..., None] * way
        ink |= (np.linalg.norm(centres - nearest, axis=2).min(1) <= RADIUS).reshape(SIZE, SIZE)
    return ink


class DrawingWindow:
    """A window with a field to draw in; beside it what a model makes of the drawing, at once.

    The left button draws, the right one rubs out. Keys or buttons clear the field (c), and load the next digit (n) or
    the next misclassified one (m) to draw on. Strokes on an empty field are centred as the data are.

    model: any that predicts; without an output, its panel is left out. digits: `Digits` that can be loaded. outputs:
    what the model predicts for them, as `evaluation.predict` returns it.
    """

    def __init__(self, model, digits, outputs):
        order = random.sample(range(len(digits.labels)), len(digits.labels))
        wrong = outputs["digit"].argmax(1) != digits.labels if "digit" in outputs else np.zeros(len(order), bool)
        self.digits = digits
        self.queues = {"n": order, "m": [number for number in order if wrong[number]]}
        self.model = with_thought_vector(model)
        self.look = look_at(self.model)
        self.last_time, self.background, self.held = 0.0, None, None  # held: the mouse button that draws or rubs out
        self._build(self.look(digits.images[:1]) | outputs)
        self.clear()

    def _build(self, outputs):
        """Make the figure, a panel for each of the outputs, and the buttons."""
        matters = "digit" in outputs or "thought_vector" in outputs
        count = 1 + matters + sum(name in outputs for name in ("reconstruction", "thought_vector", "digit"))
        self.figure = plt.figure(figsize=(2.6 * count, 3.6))
        self.figure.canvas.manager.set_window_title("Draw a digit")
        # Keys are those below only: Matplotlib's own would close the window with q, and a drawing with it.
        self.figure.canvas.mpl_disconnect(self.figure.canvas.manager.key_press_handler_id)
        panels = iter(self.figure.subplots(1, count, squeeze=False)[0])
        self.figure.subplots_adjust(0.02, 0.2, 0.98, 0.86, 0.12)
        self.artists = []

        def image(title, **options):
            panel = next(panels)
            panel.set(title=title, xticks=[], yticks=[])
            drawn = panel.imshow(np.zeros((SIZE, SIZE)), animated=True, **{"cmap": "gray_r", "vmin": 0, "vmax": 1}
                                 | options)
            self.artists.append(drawn)
            return drawn

        self.drawn = image("Draw here")
        self.field = self.drawn.axes
        self.field.set_xlabel("read scaled and centred, as the data are", fontsize=8)
        self.label = self.field.text(0.04, 0.96, "", transform=self.field.transAxes, va="top", animated=True)
        self.artists.append(self.label)
        self.heat = None
        if matters:
            self.seen = image("How pixels matter")
            self.heat = self.seen.axes.imshow(np.ones((SIZE, SIZE)), cmap="autumn", vmin=1, vmax=2, animated=True)
            self.artists.append(self.heat)
        if "reconstruction" in outputs:
            self.regenerated = image("Its regeneration")
        if "thought_vector" in outputs:
            grids, bound = as_grids(outputs["thought_vector"])
            self.thought = image("The thought vector", cmap="PuOr", vmin=-bound, vmax=bound)
            rows, columns = grids.shape[1:]
            self.thought.set(extent=(0, columns, rows, 0))
            self.thought.axes.set(xlim=(0, columns), ylim=(rows, 0))
        if "digit" in outputs:
            panel = next(panels)
            panel.set(title="Which digit?", xlim=(0, 1), ylim=(9.6, -0.6), xticks=[0, 1], yticks=range(10))
            panel.set_box_aspect(1)
            self.bars = panel.barh(range(10), np.zeros(10), color=COLOURS[0], animated=True)
            self.numbers = [panel.text(0.98, digit, "", ha="right", va="center", fontsize=8, animated=True)
                            for digit in range(10)]
            self.artists += [*self.bars, *self.numbers]
        self.buttons = []
        names = {"c": "clear (c)", "n": "next digit (n)", "m": "next wrong (m)"}
        for number, key in enumerate(key for key in names if self.queues.get(key, True)):
            button = Button(self.figure.add_axes((0.02 + 0.19 * number, 0.03, 0.18, 0.1)), names[key])
            button.on_clicked(lambda _, key=key: self.press(key))
            self.buttons.append(button)  # Matplotlib does not keep them
        for event, method in {"button_press_event": self._on_press, "motion_notify_event": self._on_move,
                              "button_release_event": self._on_release, "draw_event": self._on_draw,
                              "key_press_event": lambda event: self.press(event.key)}.items():
            self.figure.canvas.mpl_connect(event, method)

    def press(self, key):
        """Clear the field (c), or load the next digit (n) or the next misclassified one (m)."""
        if key == "c":
            self.clear()
        elif self.queues.get(key):
            number = self.queues[key].pop(0)
            self.queues[key].append(number)
            self.clear(self.digits.images[number, ..., 0] > 0, f"label {self.digits.labels[number]}")

    def clear(self, ink=None, label=""):
        """Begin anew with an empty field, or with the pixels `ink` (28, 28) of a digit that is labelled so."""
        self.strokes, self.ink = [], ink
        self.label.set_text(label)
        self.update()

    def image(self):
        """Return the digit in the field as the model sees it, (28, 28), pixels 0 or 1."""
        if self.ink is not None:
            return np.float32(self.ink | ink_of(self.strokes))
        return np.float32(ink_of(centred(self.strokes) if self.strokes else []))

    def _on_press(self, event):
        if event.inaxes is self.field and event.button in (1, 3):
            self.held = event.button
            if self.held == 1:
                self.strokes.append(np.empty((0, 2)))
            self._on_move(event)

    def _on_move(self, event):
        if event.inaxes is not self.field or not self.held:
            return
        point = np.array([[event.xdata, event.ydata]])
        if self.held == 3:
            self._rub_out(point)
        elif self.strokes:  # a key may have cleared them
            self.strokes[-1] = np.concatenate([self.strokes[-1], point])
        if time.perf_counter() - self.last_time > 1 / REDRAWS:
            self.update()

    def _on_release(self, event):
        self.held = None
        self.update()

    def _rub_out(self, point):
        """Take away what is near a point (1, 2)."""
        parts = []
        for stroke in self.strokes:
            near = np.linalg.norm(stroke - point, axis=1) < 2 * RADIUS
            cuts = np.flatnonzero(np.diff(near)) + 1  # where it becomes near, or is so no more
            parts += [part for start, part in zip([0, *cuts], np.split(stroke, cuts)) if not near[start]]
        self.strokes = parts
        if self.ink is not None:
            self.ink = self.ink & ~ink_of([point])

    def update(self):
        """Show the field, and what the model makes of it."""
        image = self.image()
        seen = self.look(image[None, ..., None])
        self.drawn.set_data(image if self.ink is not None else ink_of(self.strokes))
        if self.heat:
            self.seen.set_data(0.35 * image)
            heat = np.zeros((SIZE, SIZE))
            if image.any() and not self.held:  # each pixel is flipped in turn: too long while the mouse moves
                heat = sensitivity(self.model, image[None, ..., None])[0]
            self.heat.set_alpha(heat / max(heat.max(), 1e-30))
        if "reconstruction" in seen:
            self.regenerated.set_data(np.round(seen["reconstruction"][0, ..., 0]))
        if "thought_vector" in seen:
            self.thought.set_data(as_grids(seen["thought_vector"])[0][0])
        if "digit" in seen:
            probabilities = seen["digit"][0] if image.any() else np.zeros(10)
            for bar, number, probability in zip(self.bars, self.numbers, probabilities):
                bar.set_width(probability)
                number.set_text(f"{probability:.0%}" if probability > 0.005 else "")
        self._redraw()
        self.last_time = time.perf_counter()

    def _on_draw(self, event):
        self.background = self.figure.canvas.copy_from_bbox(self.figure.bbox)
        for artist in self.artists:
            artist.axes.draw_artist(artist)

    def _redraw(self):
        """Draw only what changes: everything would take several times as long."""
        canvas = self.figure.canvas
        if self.background is None:
            canvas.draw_idle()
            return
        canvas.restore_region(self.background)
        for artist in self.artists:
            artist.axes.draw_artist(artist)
        canvas.blit(self.figure.bbox)
        canvas.flush_events()


def look_at(model):
    """Return a function of one image (1, 28, 28, 1) to what a model makes of it, a dictionary of arrays.

    As the model has them, `digit` (1, 10), `reconstruction` (1, 28, 28, 1) and `thought_vector` (1, ...).
    """
    look = tf.function(lambda image: as_dictionary(model(image, training=False)),
                       input_signature=[tf.TensorSpec((1, SIZE, SIZE, 1))])  # a tenth of the time of `predict`
    return lambda image: {name: value.numpy() for name, value in look(tf.constant(image)).items()}
