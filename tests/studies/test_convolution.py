"""The statements of docs/convolution.md, on Keras's layers; the Jacobians against tf.GradientTape."""

import itertools

import common  # noqa: F401  (first: it keeps TensorFlow quiet)

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

SIZE, CHANNELS = 12, 2
SHIFTS = [(1, 0), (0, 3), (-4, 5)]


class Circular(layers.Layer):
    """Pads images so that they go on around a circle for a filter of that size, which then leaves their size alone."""

    def __init__(self, size):
        super().__init__()
        self.before, self.after = (size - 1) // 2, size // 2

    def call(self, x):
        for axis in (1, 2):
            n = x.shape[axis]
            x = tf.gather(x, np.arange(-self.before, n + self.after) % n, axis=axis)
        return x


@pytest.fixture
def image():
    return tf.constant(np.random.default_rng().normal(size=(1, SIZE, SIZE, CHANNELS)))


@pytest.fixture(autouse=True)
def double():
    """Compute in 64 bits."""
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


def shift(x, by):
    return np.roll(x, by, axis=(1, 2))


def convolution(filters=3, size=3, **options):
    return layers.Conv2D(filters, size, bias_initializer="normal", **options)


def circular(*made):
    return keras.Sequential([layers.Input((SIZE, SIZE, CHANNELS)), *made])


def is_invariant(f, x, shifts=SHIFTS, factor=1):
    """Tell whether a shift of the input is a shift of the output, `factor` times shorter."""
    return all(np.allclose(f(shift(x, by)), shift(f(x), tuple(step // factor for step in by))) for by in shifts)


def test_1_convolution(image):
    """By its definition, as a layer computes it with the filter reversed, and with several channels."""
    x, h = image.numpy()[0, 0, :, 0], np.random.default_rng().normal(size=SIZE)
    places = np.arange(SIZE)

    def convolve(x):
        return np.array([sum(h[k] * x[(i - k) % SIZE] for k in places) for i in places])

    for step in (1, 5):
        assert convolve(np.roll(x, step)) == pytest.approx(np.roll(convolve(x), step))
    layer = layers.Conv1D(1, SIZE, use_bias=False)
    twice = np.concatenate([x, x])[None, 1:, None]  # from place 1 on: the reversed filter begins with h at SIZE - 1
    layer.build(twice.shape)
    layer.set_weights([h[::-1, None, None]])
    assert layer(twice).numpy()[0, :, 0] == pytest.approx(convolve(x))
    assert is_invariant(circular(Circular(3), convolution()), image)
    assert is_invariant(circular(Circular(4), convolution(size=4)), image)


def test_1_a_shift_invariant_linear_map_is_a_convolution():
    f = circular(Circular(5), convolution(1, 5, use_bias=False))
    impulses = np.zeros((CHANNELS, SIZE, SIZE, CHANNELS))
    for channel in range(CHANNELS):
        impulses[channel, 0, 0, channel] = 1
    answers = f(impulses).numpy()[..., 0]
    x = np.random.default_rng().normal(size=(SIZE, SIZE, CHANNELS))
    sums = sum(x[row, column, channel] * np.roll(answers[channel], (row, column), (0, 1))
               for row, column, channel in np.ndindex(x.shape))
    assert f(x[None]).numpy()[0, ..., 0] == pytest.approx(sums)
    # Any matrix that shifts do not change: here the mean of a random one over all shifts of inputs and outputs.
    n = 7
    matrix = np.mean([np.roll(random, (step, step), (0, 1)) for random in [np.random.default_rng().normal(size=(n, n))]
                      for step in range(n)], axis=0)
    h, places = matrix[:, 0], np.arange(n)  # the answer to an impulse at place 0
    assert matrix == pytest.approx(h[(places[:, None] - places) % n])


def test_1_a_border(image):
    f = circular(convolution(padding="same"))
    assert not is_invariant(f, image)
    alone = np.zeros_like(image)
    alone[:, 4:7, 4:7] = image[:, 4:7, 4:7]
    assert is_invariant(f, alone, [(1, 0), (-2, 3)])  # neither filter nor image reach across the border


class PlaceBias(layers.Layer):
    """Adds a number of its own at each place."""

    def call(self, x):
        return x + np.arange(SIZE * SIZE, dtype=float).reshape(1, SIZE, SIZE, 1)


def test_2_a_a_constant(image):
    assert is_invariant(lambda x: x + np.array([0.5, -2.0]), image)
    assert not is_invariant(PlaceBias(), image)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "tanh"])
def test_2_b_a_pointwise_nonlinearity(name, image):
    assert is_invariant(layers.Activation(name), image)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("make", [layers.MaxPooling2D, layers.AveragePooling2D])
def test_2_c_pooling(make, size, image):
    f = circular(make(size))
    assert is_invariant(f, image, [(size, 0), (-2 * size, size)], factor=size)
    outputs = f(image).numpy()
    other = f(shift(image, (1, 0))).numpy()
    every = itertools.product(range(SIZE // size), repeat=2)
    assert not any(np.allclose(other, shift(outputs, by)) for by in every)


def test_2_c_the_example():
    pool = layers.MaxPooling1D(2)
    x = np.array([1.0, 1, 0, 0])
    assert pool(x[None, :, None]).numpy().ravel().tolist() == [1, 0]
    assert pool(np.roll(x, 1)[None, :, None]).numpy().ravel().tolist() == [1, 1]


def test_2_d_the_counterexample():
    """An impulse as filter, a constant, ReLU and pooling; with a filter of zero the network is invariant."""
    convolution = layers.Conv1D(1, 1)
    network = keras.Sequential([layers.Input((4, 1)), convolution, layers.ReLU(), layers.MaxPooling1D(2)])
    x = np.array([1.0, 1, 0, 0])
    for weight, outputs in (1.0, [[1, 0], [1, 1]]), (0.0, [[0, 0], [0, 0]]):
        convolution.set_weights([np.full((1, 1, 1), weight), np.zeros(1)])
        assert network(np.stack([x, np.roll(x, 1)])[..., None]).numpy()[..., 0].tolist() == outputs


def test_2_c_strides(image):
    f = circular(Circular(3), convolution(strides=2))
    assert is_invariant(f, image, [(2, 4)], factor=2)
    outputs, other = f(image).numpy(), f(shift(image, (1, 0))).numpy()
    assert not any(np.allclose(other, shift(outputs, by)) for by in itertools.product(range(SIZE // 2), repeat=2))


def test_2_d_a_network(image):
    invariant = [Circular(3), convolution(4), layers.Activation("relu"), Circular(3), convolution(4)]
    assert is_invariant(circular(*invariant, layers.Activation("tanh")), image)
    maps = circular(*invariant, layers.MaxPooling2D(2), Circular(3), convolution(5), layers.ReLU(),
                    layers.AveragePooling2D(3))
    assert maps.output_shape == (None, 2, 2, 5)
    assert is_invariant(maps, image, [(6, 0), (-6, 6)], factor=6)
    for by in [(1, 0), (2, 2), (3, 0)]:
        assert not any(np.allclose(maps(shift(image, by)), shift(maps(image), to))
                       for to in itertools.product(range(2), repeat=2))
    for last in (layers.GlobalAveragePooling2D(), layers.GlobalMaxPooling2D()):
        pooled = keras.Sequential([maps, last])
        assert np.allclose(pooled(shift(image, (6, 0))), pooled(image))
        assert not np.allclose(pooled(shift(image, (1, 0))), pooled(image))
    dense = keras.Sequential([maps, layers.Flatten(), layers.Dense(3)])
    assert not np.allclose(dense(shift(image, (6, 0))), dense(image))


def jacobian(f, x):
    """Return the Jacobian of f at x, outputs by inputs, from TensorFlow."""
    x = tf.Variable(x)
    with tf.GradientTape() as tape:
        y = f(x)
    return tape.jacobian(y, x).numpy().reshape(tf.size(y), -1)


def test_3_a_bias():
    x, b = np.random.default_rng().normal(size=(2, 7))
    assert np.array_equal(jacobian(lambda x: x + b, x), np.eye(7))
    assert np.array_equal(jacobian(lambda b: x + b, b), np.eye(7))
    maps, channels, g = np.zeros((5, 3)), np.zeros(3), np.random.default_rng().normal(size=(5, 3))
    by_b = jacobian(lambda b: maps + b, channels)
    assert np.array_equal(by_b, np.tile(np.eye(3), (5, 1)))
    assert by_b.T @ g.ravel() == pytest.approx(g.sum(0))


def test_3_b_matrix():
    random = np.random.default_rng()
    W, x, g = random.normal(size=(4, 6)), random.normal(size=6), random.normal(size=4)
    by_x = jacobian(lambda x: tf.linalg.matvec(W, x), x)
    by_W = jacobian(lambda W: tf.linalg.matvec(W, x), W)
    assert by_x == pytest.approx(W)
    assert by_W == pytest.approx(np.kron(np.eye(4), x))
    assert by_x.T @ g == pytest.approx(W.T @ g)
    assert (by_W.T @ g).reshape(4, 6) == pytest.approx(np.outer(g, x))


def test_3_c_convolution_around_a_circle():
    random, n = np.random.default_rng(), 7
    x, h, places = random.normal(size=n), random.normal(size=n), np.arange(n)

    def convolve(h, x):
        return tf.stack([tf.reduce_sum(h * tf.gather(x, (i - places) % n)) for i in places])

    differences = (places[:, None] - places) % n
    by_x = jacobian(lambda x: convolve(h, x), x)
    assert by_x == pytest.approx(h[differences])
    assert by_x == pytest.approx(np.roll(by_x, (1, 1), (0, 1)))  # circulant
    assert jacobian(lambda h: convolve(h, x), h) == pytest.approx(x[differences])


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_3_c_a_layer(stride, padding):
    """In two dimensions, with channels, strides and a border."""
    random, n, size, inputs, outputs = np.random.default_rng(), 6, 3, 2, 2
    x, h = random.normal(size=(n, n, inputs)), random.normal(size=(size, size, inputs, outputs))

    def convolve(h, x):
        return tf.nn.conv2d(x[None], h, stride, padding)[0]

    shape = convolve(h, x).shape
    before = max(0, (shape[0] - 1) * stride + size - n) // 2 if padding == "SAME" else 0
    by_x, by_h = np.zeros((*shape, *x.shape)), np.zeros((*shape, *h.shape))
    for row, column, c, d in itertools.product(range(shape[0]), range(shape[1]), range(outputs), range(inputs)):
        for j, k in itertools.product(range(n), repeat=2):
            at = j - (stride * row - before), k - (stride * column - before)  # j - p i
            if all(0 <= place < size for place in at):
                by_x[row, column, c, j, k, d] = h[(*at, d, c)]
        for j, k in itertools.product(range(size), repeat=2):
            at = stride * row - before + j, stride * column - before + k  # p i + k
            if all(0 <= place < n for place in at):
                by_h[row, column, c, j, k, d, c] = x[(*at, d)]
    by_x, by_h = by_x.reshape(np.prod(shape), -1), by_h.reshape(np.prod(shape), -1)
    assert jacobian(lambda x: convolve(h, x), x) == pytest.approx(by_x)
    assert jacobian(lambda h: convolve(h, x), h) == pytest.approx(by_h)
    g = random.normal(size=shape)
    transposed = tf.nn.conv2d_transpose(g[None], h, (1, *x.shape), stride, padding)
    assert (by_x.T @ g.ravel()).reshape(x.shape) == pytest.approx(transposed.numpy()[0])
    reached = np.pad(x, [(before, size)] * 2 + [(0, 0)])
    for j, k in itertools.product(range(size), repeat=2):
        seen = reached[j : j + stride * shape[0] : stride, k : k + stride * shape[1] : stride]
        correlation = np.einsum("rsd,rsc->dc", seen, g)
        assert (by_h.T @ g.ravel()).reshape(h.shape)[j, k] == pytest.approx(correlation)


def test_3_c_the_layer_of_the_decoders_is_a_transposed_convolution():
    forward = layers.Conv2D(2, 3, strides=2, padding="same", use_bias=False)
    back = layers.Conv2DTranspose(4, 3, strides=2, padding="same", use_bias=False)
    x, g = np.random.default_rng().normal(size=(1, 8, 8, 4)), np.random.default_rng().normal(size=(1, 4, 4, 2))
    forward.build(x.shape)
    back.build(g.shape)
    back.set_weights(forward.get_weights())  # for both of shape (3, 3, 4, 2)
    assert jacobian(forward, x).T @ g.ravel() == pytest.approx(back(g).numpy().ravel())
