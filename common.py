"""What the task scripts share: batches, layers that Keras lacks, training in halves, and the run of a script.

The scripts import this module before Keras, because it starts the clock and keeps TensorFlow quiet.
"""

import itertools

from support import startup  # noqa: F401 (first: it imports TensorFlow with the clock running)
from support.data_file import DATASET, SIZE, Digits, count_lines, hold_out, read_digits
from support.evaluation import as_dictionary, errors, predict
from support.script import Script, run

import keras
import numpy as np
import tensorflow as tf

__all__ = ["DATASET", "AugmentationMean", "BatchNormalization", "Digits", "InHalves", "RandomDistortion", "Script",
           "as_dictionary", "batches", "count_lines", "distinct_patches", "errors", "hold_out", "predict",
           "read_digits", "run", "sine"]

# ----------------------------------------------------------------------------------------------------------- batches


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
