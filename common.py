"""What the four task scripts share: data, distortion, command line, timing, report and figures.

The scripts import this module before Keras, because it starts the clock and keeps TensorFlow quiet. In the order of
the file: start-up, the data set, random distortion of digits, errors, the run of a script (`Task`), figures.
"""

import time

START = time.perf_counter()  # the minutes that are reported count TensorFlow's import

import argparse
import contextlib
import itertools
import logging
import os
import random
import signal
import stat
import sys
import threading
import warnings
from typing import NamedTuple

# ---------------------------------------------------------------------------------------------------------- start-up

# TensorFlow and Keras read these when they are imported. Keras would write a settings file into the home directory,
# and obey one that asks for another pixel order: a home that can be neither written nor read prevents both. Matplotlib
# would refuse to be imported where MPLBACKEND names a backend that it does not have, as that of a notebook.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
KERAS_HOME = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # where a study finds Keras's data sets
os.environ["KERAS_HOME"] = os.devnull
for name in ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH"):
    os.environ.pop(name, None)
BACKEND = os.environ.pop("MPLBACKEND", None)
# Python has just written this module's bytecode into a folder beside it; a script leaves nothing that nobody wanted.
sys.dont_write_bytecode = True
with contextlib.suppress(OSError, TypeError):
    os.remove(__spec__.cached)
    os.rmdir(os.path.dirname(__spec__.cached))


@contextlib.contextmanager
def _interruptible():
    """Let Ctrl-C end the process at once, with status 130 and without a traceback from the depths of TensorFlow."""
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def _silent_stderr():
    """Drop what native code writes to standard error: TensorFlow greets there before it reads its log level."""
    try:
        saved = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def _hidden(module):
    """Let an import do without a module: Keras would load Matplotlib, which takes time and writes a font cache."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None
    try:
        yield
    finally:
        del sys.modules[module]


def fail(message):
    """End the program with one line on standard error, `task3_cnn.py: error: message`, and status 2."""
    line = f"{os.path.basename(sys.argv[0])}: error: {message}"
    with contextlib.suppress(OSError):  # even standard error may be a full disk
        if sys.stderr:
            print(" ".join(line.split("\n")), file=sys.stderr, flush=True)
    sys.exit(2)


INSTALL = "(to install what the scripts need: pip install -r requirements.txt)"

with _interruptible():
    try:
        with _silent_stderr(), _hidden("matplotlib"):
            import keras
            import numpy as np
            import tensorflow as tf
    except ImportError as error:
        fail(f"{error} {INSTALL}")
    except Exception as error:  # such as an environment variable that TensorFlow cannot make sense of
        fail(error)

tf.get_logger().setLevel("ERROR")
tf.config.set_visible_devices([], "GPU")

# ------------------------------------------------------------------------------------------------------ the data set

DATASET = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dataset.txt")
SIZE = 28  # pixels, both ways
FIFTHS = 5  # --validation holds back one fifth of the training digits
LONGEST_LINE = 1000  # bytes; a valid line has at most 818


class DatasetError(ValueError):
    """A data file that cannot be used; its text is one line that names file, line and mistake."""


class Digits(NamedTuple):
    """Some digits: `images`, float32 (n, 28, 28, 1), pixels 0 or 1, and `labels`, int32 (n,), 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


def check_file(path):
    """Raise DatasetError if `path` is not a file that can be read and has something in it, without opening it."""
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: {getattr(error, 'strerror', error)}") from None
    if not stat.S_ISREG(status.st_mode):
        raise DatasetError(f"{path}: not a file")
    if not os.access(path, os.R_OK):
        raise DatasetError(f"{path}: no permission to read")
    if not status.st_size:
        raise DatasetError(f"{path}: the file is empty")


def count_lines(path):
    """Count a file's lines by their ends; blank lines at the end of the file do not count.

    That is how the halves of a file are found: nothing of what stands in the lines is looked at or kept.
    Raises DatasetError if the file cannot be read.
    """
    check_file(path)
    lines = ends = 0
    try:
        with open(path, "rb") as file:
            while chunk := file.read(1 << 20):
                if text := chunk.rstrip():
                    lines = ends + text.count(b"\n") + 1
                ends += chunk.count(b"\n")
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from None
    return lines


def read_digits(path, start, stop):
    """Read lines `start` to `stop` (counted from 0, `stop` not included) of a data file; no other line is kept.

    A line is a label, a tab and 784 characters 0 or 1, in 28 rows joined by `-` or without any `-`.
    Returns `Digits`. Raises DatasetError for anything else.
    """
    try:
        with open(path, "rb") as file:
            lines = [file.readline(LONGEST_LINE) for _ in range(stop)][start:]
    except OSError as error:
        raise DatasetError(f"{path}: {error.strerror}") from None
    if not lines:
        raise DatasetError(f"{path}: no digits")
    if start == 0:
        lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")  # a byte-order mark
    labels, bitmaps = [], []
    for line in lines:
        label, _, bitmap = line.rstrip(b"\r\n").partition(b"\t")
        if len(bitmap) == SIZE * (SIZE + 1) - 1 and bitmap[SIZE :: SIZE + 1] == b"-" * (SIZE - 1):
            bitmap = bitmap.replace(b"-", b"")
        labels.append(label)
        bitmaps.append(bitmap)
    mistakes = [len(label) != 1 or not label.isdigit() or len(bitmap) != SIZE * SIZE
                for label, bitmap in zip(labels, bitmaps)]
    if not any(mistakes):
        pixels = np.frombuffer(b"".join(bitmaps), np.uint8).reshape(-1, SIZE, SIZE, 1) - ord("0")
        mistakes = (pixels > 1).any((1, 2, 3))
    if any(mistakes):
        number = int(np.argmax(mistakes))
        raise DatasetError(f"{path}, line {start + number + 1}: {_explain(lines[number])}")
    return Digits(pixels.astype(np.float32), np.array(labels).astype(np.int32))


def _explain(line):
    """Say what is wrong with a line (bytes) that is not a digit."""
    if len(line) == LONGEST_LINE:
        return "the line is too long"
    try:
        line = line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} is not text"
    label, tab, bitmap = line.partition("\t")
    if not line.strip():
        return "the line is blank"
    if not tab:
        return "no tab between label and pixels"
    if label not in list("0123456789"):
        return f"the label is {label[:20]!r}, expected a digit 0 to 9"
    rows = bitmap.split("-")
    for number, row in enumerate(rows, 1):
        if wrong := row.strip("01"):
            return f"row {number} has the character {wrong[0]!r}, expected 0 or 1"
    if len(rows) == 1:
        return f"{len(bitmap)} pixels, expected {SIZE * SIZE}"
    for number, row in enumerate(rows, 1):
        if len(row) != SIZE:
            return f"row {number} has {len(row)} pixels, expected {SIZE}"
    return f"{len(rows)} rows, expected {SIZE}"


def batches(arrays, batch_size):
    """Return an endless tf.data stream of shuffled batches of arrays of one length, such as `Digits`.

    Every batch has exactly `batch_size` rows; an array shorter than that is repeated.
    """
    stream = tf.data.Dataset.from_tensor_slices(tuple(arrays)).shuffle(len(arrays[0])).repeat()
    # tf.data's own tuning has nothing to tune here, but may be asleep when a training ends, and is waited for: 4 of 9
    # trainings waited, one of them 4.6 of its 12.4 s; without it none did.
    options = tf.data.Options()
    options.autotune.enabled = False
    return stream.batch(batch_size, drop_remainder=True).prefetch(2).with_options(options)


def distinct_patches(images):
    """Return the different patches of 2x2 pixels in images (n, 28, 28, 1): (at most 16, 2, 2, 1), pixels 0 or 1."""
    corners = [images[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    numbers = np.unique(sum(corner * 2**place for place, corner in enumerate(corners)).astype(int))
    return np.float32(numbers[:, None] >> np.arange(4) & 1).reshape(-1, 2, 2, 1)

# ---------------------------------------------------------------------------------- layers and such that Keras lacks


@keras.saving.register_keras_serializable()
def sine(x):
    """Return the sine of x, an activation."""
    return keras.ops.sin(x)


@keras.saving.register_keras_serializable()
class Distortion(keras.layers.Layer):
    """Shift, stretch, turn, slant and bend each image: at random while training, in `VIEWS` fixed ways otherwise.

    While training, images (n, 28, 28, 1) become other images of that shape. Afterwards each becomes 13 in a row:
    itself, and changed by one deviation in each of the ways that leave lines straight, there and back. `MeanOfViews`
    takes together again what the network makes of them.

    Every pixel is read from a place that is displaced by a sum of smooth fields: a constant, two linear ones, and the
    cosines of up to `waves` half waves across the image. Then the image is made black and white again, while training
    with a threshold that makes strokes thinner or thicker. After Simard, Steinkraus and Platt (2003), but with smooth
    fields added up instead of noise smoothed: one matrix product does it.

    shift: deviation of the constant field, in pixels. affine: deviation of the linear fields, in pixels a pixel.
    elastic: deviation of each cosine, in pixels. stroke: how far the threshold goes from a half, both ways.
    """

    VIEWS = 13

    def __init__(self, shift=1.5, affine=0.14, elastic=0.6, waves=3, stroke=0.3, **options):
        super().__init__(**options)
        self.settings = {"shift": shift, "affine": affine, "elastic": elastic, "waves": waves, "stroke": stroke}
        self.stroke = stroke
        across = np.arange(SIZE) - (SIZE - 1) / 2
        y, x = np.meshgrid(across, across, indexing="ij")
        fields = [shift * np.ones_like(x), affine * y, affine * x]
        for j, k in itertools.product(range(waves + 1), repeat=2):
            if 2 <= j + k <= waves:
                fields.append(elastic * np.outer(*(np.cos(np.pi * n * (across / SIZE + 0.5)) for n in (j, k))))
        self.fields = np.float32(fields).reshape(-1, SIZE * SIZE)
        self.places = np.float32(np.indices((SIZE, SIZE))).reshape(2, SIZE * SIZE)
        # Six views have one of the first three fields (shift and stretch) along one of the two axes; six the opposite.
        one_each = np.eye(6, 2 * len(fields)).reshape(6, len(fields), 2).swapaxes(1, 2)
        self.views = np.float32([np.zeros_like(one_each[0]), *one_each, *-one_each])[: self.VIEWS]
        # XLA takes 18% off a training step of task 3 (12.5 ms in place of 15.3).
        self.warp_compiled = tf.function(self.warp, jit_compile=True)

    def get_config(self):
        return super().get_config() | self.settings

    def compute_output_shape(self, shape):
        return shape

    def call(self, images, training=False):
        n = tf.shape(images)[0]
        if training:
            weights = tf.random.normal((n, 2, len(self.fields)))
            return self.warp_compiled(images, weights, 0.5 + tf.random.uniform((n, 1), -self.stroke, self.stroke))
        return self.warp(tf.repeat(images, self.VIEWS, axis=0), tf.tile(self.views, (n, 1, 1)), 0.5)

    def warp(self, images, weights, threshold):
        """Displace images (n, 28, 28, 1) by the fields with weights (n, 2, fields), and make them black and white.

        threshold: a number, or one for each image, (n, 1).
        """
        n = tf.shape(images)[0]
        places = self.places + tf.reshape(tf.reshape(weights, (2 * n, -1)) @ self.fields, (n, 2, SIZE * SIZE))
        places = tf.clip_by_value(places, 0.0, SIZE - 1.001)
        corner = tf.floor(places)
        down, right = tf.unstack(places - corner, axis=1)
        index = tf.cast(corner[:, 0] * SIZE + corner[:, 1], tf.int32)
        flat = tf.reshape(images, (n, SIZE * SIZE))
        corners = tf.stack([tf.roll(flat, -shift, 1) for shift in (0, 1, SIZE, SIZE + 1)], 2)
        a, b, c, d = tf.unstack(tf.gather(corners, index, batch_dims=1), axis=2)
        grey = (a * (1 - right) + b * right) * (1 - down) + (c * (1 - right) + d * right) * down
        black = tf.cast(grey > threshold, tf.float32)
        black = grey + tf.stop_gradient(black - grey)  # it has the gradient of grey, for `sensitivity`
        return tf.reshape(black, (n, SIZE, SIZE, 1))

@keras.saving.register_keras_serializable()
class MeanOfViews(keras.layers.Layer):
    """Take the mean over the views that `Distortion` makes of a digit when it does not train: (n, k) to (n, k).

    Before the softmax, not after it: the mean of logits is the geometric mean of probabilities, in which a view that
    excludes a class counts for more.
    """

    def call(self, values, training=False):
        if training:
            return values
        return tf.reduce_mean(tf.reshape(values, (-1, Distortion.VIEWS, values.shape[1])), axis=1)


@keras.saving.register_keras_serializable()
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation of images (n, height, width, channels), with TensorFlow's fused kernel in training.

    In a network of four such layers, much like task 3's, that took 28% off a training step (95 ms in place of 133 for
    ten batches of 100, without distortion).
    """

    def call(self, inputs, training=False):
        if not (training and self.trainable):
            return super().call(inputs, training=False)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True)
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1 - self.momentum))
        return outputs

# ------------------------------------------------------------------------------------------------------------ errors


def as_dictionary(outputs):
    """Name a model's outputs: `reconstruction` (n, 28, 28, 1) and `digit` (n, 10), whichever of the two it has."""
    if isinstance(outputs, dict):
        return outputs
    return {"digit" if len(outputs.shape) == 2 else "reconstruction": outputs}


def predict(model, images):
    """Return a model's outputs for images (n, 28, 28, 1) as a dictionary of arrays, named as in `as_dictionary`."""
    # Not by Keras's own predict: it first traces the model, and took 2.6 s in place of 2.1 for 1,000 digits in task 4.
    parts = [as_dictionary(model(images[start:start + 500], training=False)) for start in range(0, len(images), 500)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def errors(model, digits):
    """Return the errors of a model on digits in %, by what is wrong: `decoder` and `classifier`, or just one of them.

    decoder: the share of pixels that differ from the input once the output is rounded.
    classifier: the share of digits whose most probable class is wrong.
    """
    outputs, result = predict(model, digits.images), {}
    if "reconstruction" in outputs:
        result["decoder"] = 100 * np.mean(np.round(outputs["reconstruction"]) != digits.images)
    if "digit" in outputs:
        result["classifier"] = 100 * np.mean(outputs["digit"].argmax(1) != digits.labels)
    return result

# ------------------------------------------------------------------------------------------------ the run of a script


class Parser(argparse.ArgumentParser):
    """A parser of command lines whose errors are one line, as all others."""

    def error(self, message):
        fail(message)


class Task:
    """One run of a task script: its command line, its digits, its progress and its report.

    description: the script's docstring, for --help.
    """

    def __init__(self, description):
        parser = Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter,
                        allow_abbrev=False)
        parser.add_argument("--full_output", "--full-output", action="store_true",
                            help="show the training table, and a live plot where there is a screen")
        parser.add_argument("--show_analysis", "--show-analysis", action="store_true",
                            help="show figures in windows; without a screen, save them in figures/")
        parser.add_argument("--figures", metavar="DIR", help="save the figures in DIR")
        parser.add_argument("--validation", nargs="?", const=random.randint(1, FIFTHS), type=int,
                            choices=range(1, FIFTHS + 1), metavar="FIFTH",
                            help="for tuning: hold back a fifth of the training digits (1 to 5, or any) and report the "
                                 "error on it; the test digits are not read")
        parser.add_argument("--dataset", metavar="FILE", default=DATASET,
                            help="the digits (default: dataset.txt beside the script)")
        parser.add_argument("--test", metavar="FILE",
                            help="test digits; then all of --dataset is for training, otherwise its first half")
        self.options = options = parser.parse_args()
        self.kind = "validation" if options.validation else "test"
        self.training = self.validation = None  # Digits
        try:
            self._count = count_lines(options.dataset)
            self._training_count = self._count // 2 if options.test is None else self._count
            if self._training_count < (2 if options.validation else 1):
                raise DatasetError(f"{options.dataset}: too few digits to split ({self._count})")
            if options.test is not None and not options.validation:
                check_file(options.test)  # a mistake in its name is better told before the training than after it
        except DatasetError as error:
            fail(error)
        if options.figures is not None:
            make_folder(options.figures)

    def training_digits(self):
        """Return the digits to train on: the first half of the data, or four fifths of it with --validation."""
        digits = read_digits(self.options.dataset, 0, self._training_count)
        if self.options.validation:
            held_back = np.arange(len(digits.labels)) % FIFTHS == (self.options.validation - 1) % len(digits.labels)
            self.validation = Digits(*(array[held_back] for array in digits))
            digits = Digits(*(array[~held_back] for array in digits))
        self.training = digits
        return digits

    def test_digits(self):
        """Read the test digits: not before training is over. With --validation, return the fifth held back instead."""
        if self.options.validation:
            return self.validation
        if self.options.test is None:
            return read_digits(self.options.dataset, self._training_count, self._count)
        return read_digits(self.options.test, 0, count_lines(self.options.test))

    def callbacks(self, model):
        """Return the Keras callbacks that show a training: none without --full_output."""
        return [Progress(model, self.training, self.validation)] if self.options.full_output else []

    def report(self, model):
        """Measure the error of the trained model, print the line of results, and show or save the figures."""
        digits = self.test_digits()
        result = errors(model, digits)
        minutes = (time.perf_counter() - START) / 60
        if self.options.full_output:
            heads = "   ".join([*(column_head(self.kind, name, result) for name in result), "parameters", "minutes"])
            print("- " * (len(heads) // 2), heads, sep="\n")
        print(*(f"{error:.2f}" for error in result.values()), model.count_params(), f"{minutes:.2f}", flush=True)
        if self.options.figures is not None or self.options.show_analysis:
            show_figures(model, digits, self.options.figures, self.options.show_analysis, self.kind)


def run(main):
    """Call `main` as the program: what goes wrong for the user's part ends in one line, never in a traceback."""
    warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        if stream:
            stream.reconfigure(errors="backslashreplace")  # file names that the terminal cannot show
    with _interruptible():
        try:
            status = _status(main)
        except SystemExit as end:
            status = end.code
            with contextlib.suppress(OSError):
                if sys.stdout:
                    sys.stdout.flush()  # --help in a pipe, or a table before what went wrong
        # The interpreter's own end would only take time, for TensorFlow is large to take apart.
        os._exit(status or 0)


def _status(main):
    try:
        main()
        if sys.stdout:
            sys.stdout.flush()
    except DatasetError as error:
        fail(error)
    except ImportError as error:
        fail(f"{error} {INSTALL}")
    except BrokenPipeError:  # the reader of a pipe has left: end as quietly as other programs do
        return 128 + 13
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error)
    except MemoryError:
        fail("not enough memory")
    return 0


class Progress(keras.callbacks.Callback):
    """The training as a table; at a terminal also a line that counts down, with a screen also a plot that grows.

    model: the model whose errors are shown. training, validation: `Digits` (validation may be None).
    """

    ROWS = 10

    def __init__(self, model, training, validation=None):
        super().__init__()
        self.measured, self.sets = model, {"train": training, "validation": validation}
        self.terminal = sys.stderr is not None and sys.stderr.isatty()
        self.history, self.plot = [], None

    def on_train_begin(self, logs=None):
        self.started = time.perf_counter()
        self.every = max(1, self.params["epochs"] // self.ROWS)
        self.plot = ErrorPlot() if has_screen() else None

    def on_epoch_end(self, epoch, logs=None):
        done, epochs = epoch + 1, self.params["epochs"]
        if done % self.every == 0 or done == epochs:
            self._row(done)
        if self.terminal and done < epochs:
            left = (time.perf_counter() - self.started) / done * (epochs - done)
            print(f"\repoch {done} of {epochs}, {left:.0f} s left\033[K", end="", file=sys.stderr, flush=True)

    def _row(self, epoch):
        row = {"epoch": epoch}
        for kind, digits in self.sets.items():
            if digits:
                found = errors(self.measured, digits)
                row |= {column_head(kind, name, found): error for name, error in found.items()}
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        if not self.history:
            print("   ".join(row))
        print("   ".join(f"{value:{len(head)}{'d' if head == 'epoch' else '.2f'}}" for head, value in row.items()),
              flush=True)
        self.history.append(row)
        if self.plot:
            self.plot.draw(self.history)


def column_head(kind, name, found):
    """Name a column of errors: `test error %`, or `test decoder error %` where several errors are found."""
    return f"{kind} {name} error %" if len(found) > 1 else f"{kind} error %"

# ----------------------------------------------------------------------------------------------------------- figures

# Petroff (2021), "Accessible color sequences for data visualization": ten colours that the colour-blind tell apart.
COLOURS = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#717581", "#b9ac70", "#92dadd"]
RIGHT, WRONG = "#00703c", "#c1121f"
MOST_MISTAKES = 50  # that one figure shows


def has_screen():
    """Tell whether Matplotlib can open windows here; where it cannot, let it draw into files."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it would announce that it builds its font cache
    import matplotlib

    matplotlib.rcdefaults()  # a person's own settings may not fit these figures
    try:
        if BACKEND:
            matplotlib.use(BACKEND)
        import matplotlib.pyplot as plt

        with _silent_stderr():
            interactive = plt.figure().canvas.required_interactive_framework
            plt.close()
        if interactive:
            return True
    except Exception:  # each toolkit fails in its own way when it is not installed, or when there is no screen
        pass
    matplotlib.use("agg", force=True)
    return False


class ErrorPlot:
    """A window with the errors of a training table, redrawn as rows come in."""

    def __init__(self):
        import matplotlib.pyplot as plt

        self.figure, self.axes = plt.subplots(layout="constrained")
        self.figure.canvas.manager.set_window_title("Training")
        self.figure.show()

    def draw(self, history):
        """Draw the rows so far: dictionaries of column head and value, the first column the epoch."""
        import matplotlib.pyplot as plt

        if not plt.fignum_exists(self.figure.number):  # the window has been closed
            return
        self.axes.clear()
        for head, colour in zip(list(history[0])[1:], COLOURS):
            self.axes.plot([row["epoch"] for row in history], [row[head] for row in history], ".-",
                           color=colour, label=head.removesuffix(" %"))
        self.axes.set(xlabel="epoch", ylabel="error in %", title="Error during training")
        self.axes.set_ylim(bottom=0)
        self.axes.legend()
        self.figure.canvas.draw_idle()
        self.figure.canvas.flush_events()


def make_folder(folder):
    """Make the folder for figures, or fail in one line: before the training, so that no training is lost."""
    try:
        os.makedirs(folder, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(None, "no permission to write", folder)
    except OSError as error:
        fail(f"{folder}: {error.strerror}")
    except ValueError as error:
        fail(f"{folder!r}: {error}")


def show_figures(model, digits, folder=None, windows=False, kind="test"):
    """Draw the figures of a trained model and show them in windows, or save them as PNG and print their names.

    folder: where to save them, None to save them only if there is no screen, in figures/. kind: what the titles call
    the digits.
    """
    if not has_screen() and windows:
        windows, folder = False, folder or "figures"
    present(draw_figures(model, digits, kind), folder, windows)


def present(figures, folder=None, windows=False):
    """Save figures, a dictionary by name, as PNG in a folder and print the files' names; show them in windows."""
    import matplotlib.pyplot as plt

    if folder:
        make_folder(folder)
        for name, figure in figures.items():
            path = os.path.join(folder, name + ".png")
            figure.savefig(path, dpi=150)
            print(path, flush=True)
    if windows:
        plt.show()
    plt.close("all")


def draw_figures(model, digits, kind="test"):
    """Return the figures of a trained model as a dictionary of Matplotlib figures, by the name of the file.

    model: one of the four tasks'; digits: `Digits` that it has not been trained on; kind: what the titles call them.
    """
    outputs = predict(model, digits.images)
    chosen = one_of_each(digits.labels)
    some = Digits(digits.images[chosen], digits.labels[chosen])
    figures = {}
    if "reconstruction" in outputs:
        encoder = keras.Model(model.inputs, model.get_layer("thought_vector").output)
        thoughts = encoder.predict(digits.images, batch_size=500, verbose=0)
        figures["regeneration"] = _regeneration(some, np.round(outputs["reconstruction"][chosen]), kind)
        figures["thought_vectors"] = _thought_vectors(some, thoughts[chosen], kind)
        figures["projection"] = _projection(thoughts, digits.labels, kind)
    winners = outputs["digit"].argmax(1) if "digit" in outputs else None
    figures["sensitivity"] = _sensitivity(some, sensitivity(model, some.images),
                                          None if winners is None else winners[chosen])
    if winners is not None:
        figures["confusion"] = _confusion(digits.labels, winners, kind)
        figures["mistakes"] = _mistakes(digits, winners, kind)
    return figures


def sensitivity(model, images):
    """Return how strongly each pixel of images (n, 28, 28, 1) sways what the model says of them, (n, 28, 28) >= 0.

    The size of the gradient of the winning class's probability (Simonyan, Vedaldi and Zisserman, 2014), or, without a
    classifier, of the squared error of the reconstruction.
    """
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = as_dictionary(model(images, training=False))
        if "digit" in outputs:
            score = tf.reduce_max(outputs["digit"], axis=1)
        else:
            score = tf.reduce_sum(tf.square(outputs["reconstruction"] - tf.stop_gradient(images)), axis=(1, 2, 3))
    return np.abs(tape.gradient(score, images).numpy()[..., 0])


def one_of_each(labels):
    """Return the places of a random digit of each class in labels (n,), a list."""
    return [random.choice(np.flatnonzero(labels == label)) for label in np.unique(labels)]


def scatter_digits(panel, places, labels, **options):
    """Draw places (n, 2), or (n, 3) in a panel of three dimensions, as digits 0 to 9 in colours."""
    for digit, colour in enumerate(COLOURS):  # each point is its digit, for those who see no colours
        panel.scatter(*places[labels == digit].T, marker=f"${digit}$", color=colour,
                      **{"s": 42, "linewidths": 0.3} | options)


def _panels(rows, columns, title, size=1.1):
    """Return a figure with rows x columns empty panels and the panels, in an array."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                                  figsize=(max(size * columns, 6.5), size * rows + 0.7))
    figure.suptitle(title)
    for panel in panels.flat:
        panel.set(xticks=[], yticks=[])
        panel.set_visible(False)
    return figure, panels


def _draw(panel, image, **options):
    panel.set_visible(True)
    return panel.imshow(np.squeeze(image), **{"cmap": "gray_r", "vmin": 0, "vmax": 1} | options)


def _regeneration(some, regenerated, kind):
    figure, panels = _panels(2, len(some.labels), f"{kind.capitalize()} digits (above) and their regeneration (below)")
    for above, below, image, copy in zip(*panels, some.images, regenerated):
        _draw(above, image)
        _draw(below, copy)
        wrong = int(np.sum(image != copy))
        below.set_xlabel("exact" if not wrong else f"{wrong} wrong")
    return figure


def _thought_vectors(some, thoughts, kind):
    title = f"{kind.capitalize()} digits and their thought vectors, 256 numbers as 16 x 16"
    figure, panels = _panels(2, len(some.labels), title)
    for above, below, image, thought in zip(*panels, some.images, thoughts):
        _draw(above, image)
        drawn = _draw(below, thought.reshape(16, 16), cmap="PuOr", vmin=-1)
    figure.colorbar(drawn, ax=panels, shrink=0.8)
    return figure


def _projection(thoughts, labels, kind):
    import matplotlib.pyplot as plt

    centred = thoughts - thoughts.mean(0)
    variances, axes = np.linalg.eigh(centred.T @ centred)  # in rising order
    places = centred @ axes[:, :-3:-1]
    share = 100 * variances[:-3:-1] / max(variances.sum(), 1e-12)
    title = f"Thought vectors of the {kind} digits, on their first two principal components"
    figure, panel = plt.subplots(figsize=(8, 6.5), layout="constrained")
    scatter_digits(panel, places, labels)
    panel.set(title=title, xlabel=f"first component ({share[0]:.0f}% of the variance)",
              ylabel=f"second component ({share[1]:.0f}%)")
    return figure


def _sensitivity(some, maps, winners):
    what = "the reconstruction error" if winners is None else "the winning class's probability"
    figure, panels = _panels(2, 5, f"How strongly each pixel sways {what} (red)", size=1.8)
    for number, (panel, image, heat) in enumerate(zip(panels.flat, some.images, maps)):
        _draw(panel, 0.35 * image)
        _draw(panel, np.ones_like(image), cmap="autumn", vmin=1, vmax=2, alpha=heat / max(heat.max(), 1e-30))
        if winners is not None:
            right = winners[number] == some.labels[number]
            panel.text(0.04, 0.96, f"{winners[number]}" + ("" if right else " ✗"), transform=panel.transAxes,
                       va="top", fontsize=16, fontweight="bold", color=RIGHT if right else WRONG)
    return figure


def _confusion(labels, winners, kind):
    import matplotlib.pyplot as plt

    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, winners), 1)
    wrong = int(np.sum(labels != winners))
    title = f"Confusion matrix: {wrong} of {len(labels)} {kind} digits are misread"
    figure, panel = plt.subplots(figsize=(6.5, 6.5), layout="constrained")
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    panel.imshow(shares**0.4, cmap="Blues", vmin=0, vmax=1)  # the root makes single mistakes visible
    for (row, column), count in np.ndenumerate(counts):
        if count:
            panel.text(column, row, count, ha="center", va="center",
                       color="white" if shares[row, column] > 0.4 else "black")
    panel.set(title=title, xlabel="read as", ylabel="digit", xticks=range(10), yticks=range(10))
    return figure


def _mistakes(digits, winners, kind):
    wrong = np.flatnonzero(winners != digits.labels)
    shown = wrong[:MOST_MISTAKES]
    some = f"the first {len(shown)} of " if len(shown) < len(wrong) else ""
    title = f"Misread {kind} digits, {some}{len(wrong)}: digit > what it is read as"
    columns = min(max(len(shown), 1), 10)
    figure, panels = _panels(-(-max(len(shown), 1) // columns), columns, title, size=1.2)
    for panel, number in zip(panels.flat, shown):
        _draw(panel, digits.images[number])
        panel.set_xlabel(f"{digits.labels[number]} > {winners[number]}", color=WRONG)
    return figure
