"""What the task scripts share: the data set, layers that Keras lacks, the errors of a model, the run of a script.

The scripts import this module before Keras, because it starts the clock and keeps TensorFlow quiet.
"""

import contextlib
import itertools
import os
import random
import sys
import time
import warnings

from support import startup  # first: it imports TensorFlow with the clock running
from support.command_line import Parser, fail, make_folder
from support.data_file import (
    NO_LABEL,
    SIZE,
    DatasetError,
    Digits,
    check_file,
    count_lines,
    read_digits,
    write_predictions,
)
from support.folds import validate_all

import keras
import numpy as np
import tensorflow as tf

# ------------------------------------------------------------------------------------------------------ the data set

DATASET = os.path.join(startup.ROOT, "dataset.txt")
FOLDS = 5  # of the training digits, for --validation


def hold_out(digits, fold, folds=FOLDS):
    """Split `Digits` into a part for training and one fold for validation, for k-fold cross-validation.

    fold: from 1 to `folds`. Every `folds`-th digit belongs to the same fold, so that all folds are alike.
    """
    held_out = np.arange(len(digits.labels)) % folds == (fold - 1) % len(digits.labels)
    return [Digits(*(array[chosen] for array in digits)) for chosen in (~held_out, held_out)]


def batches(arrays, batch_size):
    """Return an endless tf.data.Dataset of shuffled batches of arrays of one length, such as `Digits`.

    Every batch has exactly `batch_size` rows. Arrays shorter than that are repeated.
    """
    def shuffled(*arrays):
        order = tf.random.shuffle(tf.range(len(arrays[0])))
        return tuple(tf.gather(array, order) for array in arrays)

    # Dataset.shuffle moves one row at a time: a run of task 4 would take a second longer, 20.9 instead of 19.9 s.
    dataset = tf.data.Dataset.from_tensors(tuple(arrays)).repeat().map(shuffled)
    # Autotuning has nothing to tune here, but its thread may sleep when a training ends, and Keras waits for it: 4 of 9
    # trainings waited, one of them 4.6 of its 12.4 s. Without it none did.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.rebatch(batch_size, drop_remainder=True).prefetch(2).with_options(options)


def distinct_patches(images):
    """Return the different patches of 2x2 pixels in images (n, 28, 28, 1): (at most 16, 2, 2, 1), pixels 0 or 1."""
    corners = [images[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    numbers = np.unique(sum(corner * 2**place for place, corner in enumerate(corners)).astype(int))
    return np.float32(numbers[:, None] >> np.arange(4) & 1).reshape(-1, 2, 2, 1)

# ------------------------------------------------------------------------------------------- layers that Keras lacks

@keras.saving.register_keras_serializable()
def sine(x):
    """Return the sine of x, as an activation (Sitzmann et al., 2020)."""
    return keras.ops.sin(x)


@keras.saving.register_keras_serializable()
class RandomDistortion(keras.layers.Layer):
    """Random augmentation of digits in training, test-time augmentation in prediction.

    In training, each image (n, 28, 28, 1) is shifted, stretched, rotated, sheared and bent at random, with thinner or
    thicker strokes. In prediction, each image becomes 13: itself, and one for each shift and linear distortion of one
    standard deviation, in either direction. `AugmentationMean` takes the mean of what the network makes of them.
    The result is the middle of the distorted image, (n, size, size, 1), as the digits of MNIST do not fill theirs.

    After Simard, Steinkraus and Platt (2003): every pixel is read from a displaced position. The displacement is a
    random sum of smooth fields, which takes one matrix product: a constant, two linear fields, and cosines with up to
    `half_periods` across the image. It also deskews the digit, as LeCun et al. (1998) did: a shear along the rows, the
    same in training and prediction, makes its x and y coordinates uncorrelated. The image is then made black and white
    again, in training with a random threshold, which changes the width of the strokes.

    size: height and width of the result, in pixels, even. shift: standard deviation of the constant field, in pixels.
    affine: of the linear fields, in pixels per pixel. elastic: of each cosine, in pixels. stroke: the threshold is 0.5,
    give or take up to `stroke`. deskew: False leaves slanted digits slanted.
    """

    AUGMENTATIONS = 13

    def __init__(self, size=22, shift=1.5, affine=0.12, elastic=0.4, half_periods=3, stroke=0.3, deskew=True,
                 **options):
        super().__init__(**options)
        self.settings = {"size": size, "shift": shift, "affine": affine, "elastic": elastic,
                         "half_periods": half_periods, "stroke": stroke, "deskew": deskew}
        across = np.arange(size) - (size - 1) / 2
        y, x = np.meshgrid(across, across, indexing="ij")
        fields = [shift * np.ones_like(x), affine * y, affine * x]
        for j, k in itertools.product(range(half_periods + 1), repeat=2):
            if 2 <= j + k <= half_periods:
                fields.append(elastic * np.outer(*(np.cos(np.pi * n * (across / SIZE + 0.5)) for n in (j, k))))
        self.fields = np.float32(fields).reshape(-1, size * size)
        self.positions = np.float32([y, x]).reshape(2, size * size) + np.float32((SIZE - 1) / 2)
        y, x = np.indices((SIZE, SIZE))
        self.moments = np.float32([y, x, y * y, x * y]).reshape(4, SIZE * SIZE).T
        # Six augmentations take one of the first three fields along one of the two axes, six take the opposite.
        one_each = np.eye(6, 2 * len(fields)).reshape(6, len(fields), 2).swapaxes(1, 2)
        self.fixed = np.float32([np.zeros_like(one_each[0]), *one_each, *-one_each])[: self.AUGMENTATIONS]
        startup.start_xla()
        # XLA makes a training step of task 3 about a tenth faster.
        self.compiled_warp = tf.function(self.warp, jit_compile=True)

    def get_config(self):
        return super().get_config() | self.settings

    def compute_output_shape(self, shape):
        return (shape[0], self.settings["size"], self.settings["size"], 1)

    def call(self, images, training=False):
        n = tf.shape(images)[0]
        if training:
            weights, stroke = tf.random.normal((n, 2, len(self.fields))), self.settings["stroke"]
            return self.compiled_warp(images, weights, 0.5 + tf.random.uniform((n, 1), -stroke, stroke))
        return self.warp(tf.repeat(images, self.AUGMENTATIONS, axis=0), tf.tile(self.fixed, (n, 1, 1)), 0.5)

    def warp(self, images, weights, threshold):
        """Displace images (n, 28, 28, 1) by the fields with weights (n, 2, fields), and make them black and white.

        threshold: a number, or one for each image, (n, 1).
        """
        n = tf.shape(images)[0]
        flat = tf.reshape(images, (n, SIZE * SIZE))
        positions = self.positions + tf.reshape(tf.reshape(weights, (2 * n, -1)) @ self.fields, (n, 2, -1))
        if self.settings["deskew"]:
            positions += self.shear(flat)
        positions = tf.clip_by_value(positions, 0.0, SIZE - 1.001)
        corner = tf.floor(positions)
        down, right = tf.unstack(positions - corner, axis=1)
        index = tf.cast(corner[:, 0] * SIZE + corner[:, 1], tf.int32)
        corners = tf.stack([tf.roll(flat, -shift, 1) for shift in (0, 1, SIZE, SIZE + 1)], 2)
        a, b, c, d = tf.unstack(tf.gather(corners, index, batch_dims=1), axis=2)
        grey = (a * (1 - right) + b * right) * (1 - down) + (c * (1 - right) + d * right) * down
        black = tf.cast(grey > threshold, tf.float32)
        black = grey + tf.stop_gradient(black - grey)  # a straight-through gradient, for the sensitivity maps
        return tf.reshape(black, (n, self.settings["size"], self.settings["size"], 1))

    def shear(self, flat):
        """Return the displacement that deskews images (n, 784), (n, 2, size x size) in pixels."""
        ink = flat / (tf.reduce_sum(flat, axis=1, keepdims=True) + 1e-3)
        y, x, yy, xy = tf.split(ink @ self.moments, 4, axis=1)
        slant = (xy - x * y) / (yy - y * y + 1)  # covariance by variance, the 1 for digits of hardly any height
        along_rows = slant * (self.positions[0] - y)
        # Sensitivity maps take it as fixed: otherwise each pixel would move the digit, far from the ink the most.
        return tf.stop_gradient(tf.stack([tf.zeros_like(along_rows), along_rows], axis=1))


@keras.saving.register_keras_serializable()
class AugmentationMean(keras.layers.Layer):
    """The mean over the test-time augmentations of a digit, in prediction: (13 n, k) to (n, k).

    It comes before the softmax, in task 2 before the linear layer as well: the mean of logits is the geometric mean of
    probabilities, up to a factor.
    """

    def call(self, values, training=False):
        if training:
            return values
        return tf.reduce_mean(tf.reshape(values, (-1, RandomDistortion.AUGMENTATIONS, values.shape[1])), axis=1)


@keras.saving.register_keras_serializable()
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization of images (n, height, width, channels), with TensorFlow's fused kernel in training.

    A training step of task 3 takes 4.0 ms with it, and 4.8 ms with Keras's own.

    Early in a training its moving averages lag behind the weights, so `--full_output` shows errors that are too high.
    In task 3 the first five rows showed 25, 24, 20, 12 and 1.0% of the training digits as misclassified; with averages
    computed anew it was 1.4, 0.9, 0.5, 0.4 and 0.3%. At the end there is no difference.
    """

    def call(self, inputs, training=False):
        if not (training and self.trainable):
            return super().call(inputs, training=False)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True)
        for moving, current in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + current * (1 - self.momentum))
        return outputs


class InHalves(keras.Model):
    """A model for training: it computes the two halves of a batch side by side, on a core each.

    Otherwise TensorFlow divides each operation among the cores, which gains nothing where operations are small: a step
    of task 3 would take 6.4 ms on two cores and 6.0 ms on one. In halves, with `one_thread_per_operation`, it takes 4.0
    ms; in task 4 it is 9.1, 5.8 and 4.9 ms, if nothing else runs. Batch normalization then uses the mean and the
    variance of a half.

    model: the model that is trained, from one tensor to one tensor. Batches must be even.
    """

    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, images, training=False):
        return tf.concat([self.model(half, training=training) for half in tf.split(images, 2)], axis=0)


def one_thread_per_operation():
    """Keep TensorFlow from dividing operations among the cores. It must be called before TensorFlow is used."""
    with contextlib.suppress(RuntimeError):  # too late, as in a test; then the training is only slower
        tf.config.threading.set_intra_op_parallelism_threads(1)

# ------------------------------------------------------------------------------------------------------------ errors


def as_dictionary(outputs):
    """Return a model's outputs as a dictionary of `reconstruction` (n, 28, 28, 1), `digit` (n, 10), or both."""
    if isinstance(outputs, dict):
        return outputs
    return {"digit" if len(outputs.shape) == 2 else "reconstruction": outputs}


def predict(model, images):
    """Return a model's outputs for images (n, 28, 28, 1) as a dictionary of arrays, named as in `as_dictionary`."""
    # In task 4, 1,000 digits take 1.7 s in batches of 100 or 500, and 10 s without a graph.
    return as_dictionary(model.predict(images, batch_size=100, verbose=0))


def errors(model, digits, outputs=None):
    """Return the errors of a model on `digits` in %, as a dictionary of `decoder`, `classifier`, or both.

    outputs: the result of `predict`, if it is there already.

    decoder: the share of pixels that differ from the input once the output is rounded.
    classifier: the share of digits whose most probable class is wrong; not a number if a digit has no label.
    """
    outputs, result = outputs or predict(model, digits.images), {}
    if "reconstruction" in outputs:
        result["decoder"] = 100 * np.mean(np.round(outputs["reconstruction"]) != digits.images)
    if "digit" in outputs:
        wrong = outputs["digit"].argmax(1) != digits.labels
        result["classifier"] = 100 * np.mean(np.where(digits.labels == NO_LABEL, np.nan, wrong))
    return result


def column_head(split, name, errors):
    """Return the head of a column of errors: `test error %`, or `test decoder error %` if there are several errors."""
    return f"{split} {name} error %" if len(errors) > 1 else f"{split} error %"

# ------------------------------------------------------------------------------------------------ the run of a script


class Task:
    """One run of a task script: its command line, its digits, its progress and its report.

    description: the script's docstring, for --help. argv: the arguments, those of the process if it is None.
    """

    def __init__(self, description, argv=None):
        parser = Parser(description, "steps, epochs and the like are constants at the top of the script")
        parser.add_argument("--full_output", "--full-output", action="store_true",
                            help="show the training table, and a live plot where there is a screen; otherwise "
                                 "nothing is printed until the end")
        parser.add_argument("--show_analysis", "--show-analysis", action="store_true",
                            help="show figures in windows; without a screen, save them in figures/")
        parser.add_argument("--figures", metavar="DIR", help="save the figures in DIR")
        folds = [str(fold) for fold in range(1, FOLDS + 1)]
        parser.add_argument("--validation", nargs="?", const=random.choice(folds), choices=[*folds, "all"],
                            metavar="FOLD", help=f"for tuning: hold out one of {FOLDS} folds of the training digits "
                            f"(1 to {FOLDS}, default: any) and report the error on it; the test digits are not read; "
                            "all: one run for each fold, and the mean")
        parser.add_argument("--dataset", metavar="FILE", default=DATASET,
                            help="the digits (default: dataset.txt beside the script)")
        parser.add_argument("--test", metavar="FILE",
                            help="test digits; then all of --dataset is for training, otherwise its first half")
        parser.add_argument("--predictions", metavar="FILE",
                            help="save the prediction for each test digit there: its label, its pixels, or both, in "
                                 "the format of the data; the test digits need no labels then")
        self.options = options = parser.parse_args(argv)
        self.training = self.validation = None  # Digits
        try:
            self._count = count_lines(options.dataset)
            self._training_count = self._count // 2 if options.test is None else self._count
            if self._training_count < (2 if options.validation else 1):
                raise DatasetError(f"{options.dataset}: too few digits to split ({self._count})")
            if options.test is not None and not options.validation:
                check_file(options.test)  # better before the training than after it
        except DatasetError as error:
            fail(error)
        if options.validation == "all":
            if options.figures or options.predictions or options.show_analysis:
                fail("--validation all saves and shows nothing; choose one fold")
            validate_all(sys.argv[1:] if argv is None else argv, FOLDS)
        if options.figures is not None:
            make_folder(options.figures)
        if options.predictions is not None:
            open(options.predictions, "a").close()  # fails before the training, not after it

    def training_digits(self):
        """Return the digits to train on: the first half of the data, with --validation without the fold held out."""
        self.training = read_digits(self.options.dataset, 0, self._training_count)
        if self.options.validation:
            self.training, self.validation = hold_out(self.training, int(self.options.validation))
        return self.training

    def test_digits(self):
        """Read the test digits, once the training is over. With --validation, return the fold held out instead."""
        if self.options.validation:
            return self.validation
        blank = self.options.predictions is not None
        if self.options.test is None:
            return read_digits(self.options.dataset, self._training_count, self._count, blank)
        return read_digits(self.options.test, 0, count_lines(self.options.test), blank)

    def callbacks(self, model):
        """Return the Keras callbacks that show the training: none without --full_output."""
        if not self.options.full_output:
            return []
        from support.training_table import TrainingTable

        splits = {"train": self.training, "validation": self.validation}
        return [TrainingTable(model, {split: digits for split, digits in splits.items() if digits})]

    def report(self, model):
        """Measure the error of the trained model, print the line of results, save predictions, show or save figures."""
        split = "validation" if self.options.validation else "test"
        digits = self.test_digits()
        outputs = predict(model, digits.images)
        result = errors(model, digits, outputs)
        minutes = (time.perf_counter() - startup.START) / 60
        if self.options.full_output:
            heads = "   ".join([*(column_head(split, name, result) for name in result), "parameters", "minutes"])
            print("- " * (len(heads) // 2), heads, sep="\n")
        print(*(f"{error:.2f}" for error in result.values()), model.count_params(), f"{minutes:.2f}", flush=True)
        if self.options.predictions is not None:
            write_predictions(self.options.predictions, outputs)
        if self.options.figures is not None or self.options.show_analysis:
            from support import figures

            if NO_LABEL in digits.labels:
                fail("there are no figures of digits without labels")
            figures.show_figures(model, digits, self.options.figures, self.options.show_analysis, split)


def run(main):
    """Call `main` as the program. A mistake in what the user has given ends in one line, without a traceback."""
    warnings.simplefilter("ignore")
    if sys.stdout:
        sys.stdout.reconfigure(errors="backslashreplace")  # for file names that the terminal's encoding does not have
    try:
        try:
            main()
        finally:
            print(end="", flush=True)  # not left to Python's own end, which would print a traceback
    except DatasetError as error:
        fail(error)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python's own end would try to write the rest again
        if isinstance(error, BrokenPipeError):  # the reader of a pipe has left: end as quietly as other programs do
            sys.exit(128 + 13)
        fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error)
