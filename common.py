"""What the task scripts share: batches, layers that Keras lacks, training in halves, and the run of a script.

The scripts import this module before Keras, because it starts the clock and keeps TensorFlow quiet.
"""

import itertools
from statistics import NormalDist

from support import startup  # noqa: F401 (first: it imports TensorFlow with the clock running)
from support.data_file import DATASET, SIZE, Digits, count_lines, hold_out, read_digits
from support.evaluation import as_dictionary, errors
from support.pictures import predict_images as predict
from support.pictures import read_picture
from support.script import Script, run

import keras
import numpy as np
import tensorflow as tf

__all__ = ["DATASET", "Augmented", "BatchNormalization", "Digits", "InHalves", "Script", "as_dictionary", "batches",
           "count_lines", "distinct_patches", "errors", "hold_out", "predict", "read_digits", "read_picture", "run",
           "sine"]


# ----------------------------------------------------------------------------------------------------------- batches


MANY = 10_000  # rows, above which `batches` copies none but those of the next batches


def batches(arrays, batch_size):
    """Return an endless tf.data.Dataset of shuffled batches of arrays of one length, such as `Digits`.

    Every batch has exactly `batch_size` rows. Arrays shorter than that are repeated.
    """
    def shuffled(*arrays):
        order = tf.random.shuffle(tf.range(len(arrays[0])))
        return tuple(tf.gather(array, order) for array in arrays)

    def drawn():
        random, count = np.random.default_rng(), len(arrays[0])
        while True:
            order = random.permutation(count)
            for start in range(0, count - batch_size + 1, batch_size):
                yield tuple(array[order[start:start + batch_size]] for array in arrays)

    if len(arrays[0]) > max(MANY, batch_size):
        # With copies, 60,000 digits take 1.4 times the memory. Without them, each batch takes a call of Python.
        arrays = tuple(map(np.asarray, arrays))  # some may be tensors
        signature = tuple(tf.TensorSpec((batch_size, *array.shape[1:]), array.dtype) for array in arrays)
        dataset = tf.data.Dataset.from_generator(drawn, output_signature=signature)
    else:  # Dataset.shuffle moves one row at a time: a run of task 4 would take a twentieth longer
        dataset = tf.data.Dataset.from_tensors(tuple(arrays)).repeat().map(shuffled)
        dataset = dataset.rebatch(batch_size, drop_remainder=True)
    # Autotuning has nothing to tune here, but its thread may sleep when a training ends, and Keras waits for it.
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.prefetch(2).with_options(options)


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


def spread_points(count, dimensions):
    """Return points that fill a cube evenly, (count, dimensions), between 0 and 1: always the same, nothing is random.

    An additive recurrence: multiples of the square roots of primes, modulo 1 (Richtmyer, 1951).
    """
    primes = [n for n in range(2, 8 * dimensions) if all(n % m for m in range(2, n))][:dimensions]
    return (np.arange(count)[:, None] + 0.5) * np.sqrt(primes) % 1


def black_and_white(grey, threshold):
    """Return 1 where grey pixels are above a threshold, otherwise 0.

    The gradient is that of the grey pixels (the straight-through estimator of Bengio, Léonard and Courville, 2013), so
    that a layer before it can learn.
    """
    return grey + tf.stop_gradient(tf.cast(grey > threshold, tf.float32) - grey)


@keras.saving.register_keras_serializable()
class Augmented(keras.layers.Wrapper):
    """A network for digits, with random augmentation in training and test-time augmentation in prediction.

    Maps images (n, 28, 28, 1) to the outputs (n, k) of the network, which sees the middle of the distorted images, as
    MNIST's digits do not fill theirs: (n, height, width, 1), whatever its input is. In training, each image is deskewed
    and then shifted, stretched, rotated, sheared and bent at random, with thinner or thicker strokes. In prediction,
    each image is distorted in `copies` ways, always the same, and the output is the mean of what the network makes of
    them. Before a softmax that is the geometric mean of probabilities, up to a factor.

    After Simard, Steinkraus and Platt (2003): every pixel is read from a displaced position. The displacement is a
    random sum of smooth fields, which takes one matrix product: a constant, two linear fields, and cosines with up to
    `half_periods` across the image. It also deskews the digit, as LeCun et al. (1998) did: a shear along the rows makes
    its x and y coordinates uncorrelated. The image is then made black and white again, in training with a random
    threshold, which changes the width of the strokes.

    shift: standard deviation of the constant field, in pixels. affine: of the linear fields, in pixels per pixel.
    elastic: of each cosine, in pixels. threshold_range: of the random threshold. copies: in prediction; 1 is the image
    itself, deskewed. copy_strength: of their distortions, times that of the training. deskew: False leaves slanted
    digits slanted.
    """

    def __init__(self, layer, shift=1.0, affine=0.12, elastic=0.3, half_periods=3, threshold_range=(0.2, 0.8),
                 copies=16, copy_strength=0.7, deskew=True, **options):
        super().__init__(layer, **options)
        self.input_spec = keras.layers.InputSpec(shape=(None, SIZE, SIZE, 1))  # Keras says so for another shape
        self.settings = {"shift": shift, "affine": affine, "elastic": elastic, "half_periods": half_periods,
                         "threshold_range": threshold_range, "copies": copies, "copy_strength": copy_strength,
                         "deskew": deskew}
        self.deskew, self.threshold_range, self.copies = deskew, threshold_range, copies
        _, height, width, _ = layer.input_shape
        y, x = np.indices((height, width)) - np.reshape([(height - 1) / 2, (width - 1) / 2], (2, 1, 1))
        fields = [shift * np.ones_like(x), affine * y, affine * x]
        for j, k in itertools.product(range(half_periods + 1), repeat=2):
            if 2 <= j + k <= half_periods:
                fields.append(elastic * np.cos(np.pi * j * (y / SIZE + 0.5)) * np.cos(np.pi * k * (x / SIZE + 0.5)))
        self.fields = np.float32(fields).reshape(len(fields), -1)
        self.positions = np.float32([y, x]).reshape(2, -1) + np.float32((SIZE - 1) / 2)
        y, x = np.indices((SIZE, SIZE))
        self.moments = np.float32([y, x, y * y, x * y]).reshape(4, SIZE * SIZE).T
        points = spread_points(copies, 1 + 2 * len(fields)) if copies > 1 else np.full((1, 1 + 2 * len(fields)), 0.5)
        weights = copy_strength * np.vectorize(NormalDist().inv_cdf)(points[:, 1:])
        self.copy_weights = np.float32(weights).reshape(copies, 2, len(fields))
        self.copy_thresholds = np.float32(0.5 + 0.4 * (points[:, :1] - 0.5))
        self.compiled_warp = tf.function(self.warp, jit_compile=True)  # XLA: each training step is faster

    def get_config(self):
        return super().get_config() | self.settings

    def build(self, shape):
        self.built = True  # the network has been built with its Input

    def compute_output_shape(self, shape):
        return (shape[0], *self.layer.output_shape[1:])

    def call(self, images, training=False):
        n = tf.shape(images)[0]
        if training:
            weights = tf.random.normal((n, 2, len(self.fields)))
            return self.layer(self.compiled_warp(images, weights, tf.random.uniform((n, 1), *self.threshold_range)),
                              training=True)
        outputs = self.layer(self.warp(tf.repeat(images, self.copies, axis=0), tf.tile(self.copy_weights, (n, 1, 1)),
                                       tf.tile(self.copy_thresholds, (n, 1))), training=False)
        return tf.reduce_mean(tf.reshape(outputs, (n, self.copies, self.layer.output_shape[1])), axis=1)

    def without_last_layer(self):
        """Return the same layer around a network without its last layer: the features that are classified, (n, k)."""
        return Augmented(keras.Model(self.layer.inputs, self.layer.layers[-1].input), **self.settings)

    def warp(self, images, weights, thresholds):
        """Displace images (n, 28, 28, 1) by the fields with weights (n, 2, fields), and make them black and white.

        thresholds: (n, 1). Returns (n, height, width, 1).
        """
        n = tf.shape(images)[0]
        flat = black_and_white(tf.reshape(images, (n, SIZE * SIZE)), 0.5)  # a decoder's pixels are not quite 0 or 1
        positions = self.positions + tf.reshape(tf.reshape(weights, (2 * n, -1)) @ self.fields, (n, 2, -1))
        if self.deskew:
            positions += self.deskewing(flat)
        positions = tf.clip_by_value(positions, 0.0, SIZE - 1.001)
        corner = tf.floor(positions)
        down, right = tf.unstack(positions - corner, axis=1)
        index = tf.cast(corner[:, 0] * SIZE + corner[:, 1], tf.int32)
        corners = tf.stack([tf.roll(flat, -offset, 1) for offset in (0, 1, SIZE, SIZE + 1)], 2)
        a, b, c, d = tf.unstack(tf.gather(corners, index, batch_dims=1), axis=2)
        grey = (a * (1 - right) + b * right) * (1 - down) + (c * (1 - right) + d * right) * down
        return tf.reshape(black_and_white(grey, thresholds), (n, *self.layer.input_shape[1:]))

    def deskewing(self, flat):
        """Return the displacement that deskews images (n, 784), (n, 2, height x width) in pixels."""
        ink = flat / (tf.reduce_sum(flat, axis=1, keepdims=True) + 1e-3)
        y, x, yy, xy = tf.split(ink @ self.moments, 4, axis=1)
        slant = (xy - x * y) / (yy - y * y + 1)  # covariance by variance, the 1 for digits of hardly any height
        along_rows = slant * (self.positions[0] - y)
        return tf.stack([tf.zeros_like(along_rows), along_rows], axis=1)


@keras.saving.register_keras_serializable()
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization of the last axis, (n, height, width, channels), with TensorFlow's fused kernel.

    A training step of task 3 takes a sixth less time with it. It has always a center and a scale; ValueError otherwise.
    The momentum is for short trainings: with Keras's 0.99 the averages lag behind the weights for some epochs.
    """

    def __init__(self, *, momentum=0.9, axis=-1, center=True, scale=True, **options):
        if (axis, center, scale) != (-1, True, True):
            raise ValueError("this BatchNormalization normalizes the last axis, with center and scale")
        super().__init__(momentum=momentum, **options)

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

    Otherwise TensorFlow divides each operation among the cores, which gains nothing where operations are small. In
    halves, with one thread for each operation, a step takes a third less time. Batch normalization then uses the mean
    and the variance of a half.

    model: the model that is trained, from one tensor to one tensor.
    """

    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, images, training=False):
        """Return the model's outputs (n, k) for images (n, 28, 28, 1)."""
        if images.shape[0] in (None, 1):  # one digit has no halves, and a batch of unknown size may be one digit
            return self.model(images, training=training)
        half = images.shape[0] // 2
        return tf.concat([self.model(part, training=training) for part in (images[:half], images[half:])], axis=0)
