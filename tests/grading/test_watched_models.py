"""What the grader sees of the models of a hand-in."""

from grading import models, thoughts
from project import TASKS, task_number

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

CHECKS = {f"task{task_number(task)}": entry.checks for task, entry in TASKS.items()}
IMAGES = np.random.default_rng().integers(0, 2, (8, 28, 28, 1)).astype("float32")


def autoencoder(thought, digit=None, in_one=False):
    """Return a model like task 2's; thought: a function of the image; digit: what the classifier reads.

    in_one: whether the encoder is a model of its own within this one.
    """
    image = layers.Input((28, 28, 1))
    vector = layers.Activation("linear", name="thought_vector")(thought(layers.Flatten()(image)))
    if in_one:
        encoder, image = keras.Model(image, vector), layers.Input((28, 28, 1))
        vector = encoder(image)
    reconstruction = layers.Reshape((28, 28, 1))(layers.Dense(784, activation="sigmoid")(vector))
    seen = vector if digit is None else digit(image, vector)
    return keras.Model(image, {"reconstruction": reconstruction, "digit": layers.Dense(10)(seen)})


@pytest.mark.parametrize("model, failed", [
    (lambda: autoencoder(layers.Dense(256, "tanh")), []),
    (lambda: autoencoder(lambda x: layers.BatchNormalization()(layers.Dense(256, "tanh")(x))), ["in [-1, 1]"]),
    (lambda: autoencoder(layers.Dense(256, kernel_initializer="zeros")), ["in [-1, 1]"]),
    (lambda: autoencoder(keras.Sequential([layers.Dense(256) for _ in range(12)] + [layers.Activation("tanh")])), []),
    (lambda: autoencoder(layers.Dense(256, "tanh"), in_one=True), []),
    (lambda: autoencoder(layers.Dense(100, "tanh")), ["of 256"]),
    (lambda: autoencoder(layers.Dense(256, "sigmoid"), lambda image, vector: layers.Flatten()(image)), ["only"]),
    (lambda: autoencoder(layers.Dense(256, "tanh"), lambda image, vector: layers.Concatenate()(
        [vector, layers.GlobalMaxPooling2D()(image)])), ["only"]),
], ids=["honest", "normalized", "linear", "deep", "nested", "too short", "from the image", "also from the image"])
def test_thought_vectors(model, failed):
    findings = models.check_thought_vector(model(), outputs=2)
    assert len(findings) == 3
    for name, finding in findings.items():
        start = ("failed", "hint: it reaches") if any(name.endswith(end) for end in failed) else "passed"
        assert finding.startswith(start), name


def test_thought_vector_out_of_range():
    """A reason for test digits; with images or weights that a run does not have, a person decides."""
    for activation, start in (lambda x: 2 * ops.tanh(x + 5), "failed: it reaches 2 for test digits"), (
            "relu6", "hint: it reaches"), ("sigmoid", "passed"):
        dense = layers.Dense(256, activation, kernel_initializer=keras.initializers.RandomUniform(-1e-4, 1e-4))
        found = models.check_thought_vector(autoencoder(dense), IMAGES, digits=True)[thoughts.THOUGHT_RANGE]
        assert found.startswith(start)
    found = models.check_thought_vector(autoencoder(lambda x: 2 * ops.tanh(x + 5)))[thoughts.THOUGHT_RANGE]
    assert found.startswith("hint: it reaches 2 for images of random pixels")


def test_the_activation_in_a_layer_of_its_own():
    """The layer of that name is the one before; only its activation reads it."""
    for activation, start in ("tanh", "passed"), ("softplus", "failed: it reaches"):
        image = layers.Input((28, 28, 1))
        vector = layers.Dense(256, name="thought_vector", bias_initializer="ones")(layers.Flatten()(image))
        model = keras.Model(image, layers.Dense(784)(layers.Activation(activation)(vector)))
        found = models.check_thought_vector(model, IMAGES, digits=True)
        assert found[thoughts.THOUGHT_RANGE].startswith(start)


class Subclass(keras.Model):
    """An autoencoder with a call of its own. leaks: how much of the image passes by the thought vector."""

    def __init__(self, leaks):
        super().__init__()
        self.leaks, self.flatten = leaks, layers.Flatten()
        self.thought, self.decoder = layers.Dense(256, "tanh", name="thought_vector"), layers.Dense(784)

    def call(self, images):
        image = self.flatten(images)
        self.add_loss(ops.mean(image))
        return self.decoder(self.thought(image)) + self.leaks * image


def test_thought_vector_of_a_subclass():
    for leaks, start in (0, "passed"), (0.1, "failed: an output also changes with the image"):
        model = Subclass(leaks)
        model(IMAGES)
        found = models.check_thought_vector(model, IMAGES, digits=True)
        assert found[thoughts.THOUGHT_ONLY].startswith(start) and found[thoughts.THOUGHT_SIZE] == "passed"


def test_outputs_beside_those_of_the_task():
    """A variational autoencoder also gives its mean; an output more that sees the image is for a person."""
    image = layers.Input((28, 28, 1))
    flat = layers.Flatten()(image)
    mean = layers.Dense(256)(flat)
    vector = layers.Activation("tanh", name="thought_vector")(mean)
    picture = layers.Dense(784)(vector)
    for more, start in ([mean, vector], "passed"), ([layers.Dense(10)(flat)], "hint: an output also sees the image"):
        found = models.check_thought_vector(keras.Model(image, [picture, *more]), IMAGES)
        assert found[thoughts.THOUGHT_ONLY].startswith(start)


def test_thought_vector_in_another_shape():
    """4 x 4 x 16 numbers are 256 numbers."""
    image = layers.Input((28, 28, 1))
    vector = layers.Conv2D(16, 7, strides=7, activation="tanh", name="thought_vector")(image)
    model = keras.Model(image, layers.Dense(784)(layers.Flatten()(vector)))
    assert set(models.check_thought_vector(model).values()) == {"passed"}


def test_thought_vector_within_a_nested_autoencoder():
    """The decoder comes by way of a model in the model; a way past the thought vector in it is found as well."""
    for passes_by in False, True:
        vector = layers.Input((256,))
        decoder = keras.Model(vector, layers.Dense(784)(vector))
        image = layers.Input((784,))
        encoder = keras.Model(image, layers.Dense(256, "tanh", name="thought_vector")(image))
        copy = decoder(encoder(image))
        both = keras.Model(image, layers.Concatenate()([copy, image]) if passes_by else copy)
        outer = layers.Input((784,))
        model = keras.Model(outer, [both(outer), layers.Dense(10)(encoder(outer))])
        findings = models.check_thought_vector(model, outputs=2)
        assert findings[thoughts.THOUGHT_ONLY].startswith("failed" if passes_by else "passed")
        assert findings[thoughts.THOUGHT_SIZE] == findings[thoughts.THOUGHT_RANGE] == "passed"


@pytest.mark.parametrize("digit, finding", [
    (None, "passed"),
    (lambda image, vector: vector[:, 100:], "hint: one output reads 100 numbers of the thought vector, the other 156"),
    (lambda image, vector: vector[:, 99:], "passed"),
    (lambda image, vector: 0 * vector, "not checked: an output does not change"),
], ids=["one for both", "a part each", "one number in common", "a blind output"])
def test_outputs_that_share_nothing(digit, finding):
    """The decoder reads the first hundred numbers, the classifier what `digit` takes of them."""
    image = layers.Input((28, 28, 1))
    vector = layers.Activation("tanh", name="thought_vector")(layers.Dense(256)(layers.Flatten()(image)))
    pixels = layers.Reshape((28, 28, 1))(layers.Dense(784)(vector if digit is None else vector[:, :100]))
    seen = vector if digit is None else digit(image, vector)
    model = keras.Model(image, {"reconstruction": pixels, "digit": layers.Dense(10)(seen)})
    assert models.check_models([model], CHECKS["task2"])[thoughts.THOUGHT_SHARED].startswith(finding)


def test_the_bundle_shares_the_thought_vector():
    import task2_multitask

    assert models.check_shared(task2_multitask.build_model()) == "passed"


def test_thought_vector_that_cannot_be_found():
    model = keras.Sequential([layers.Input((28, 28, 1)), layers.Dense(1)])
    assert all(finding.startswith("not checked") for finding in models.check_thought_vector(model).values())


class Own(layers.Layer):
    """A convolution that is not one of Keras's layers."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, 2, 2))

    def call(self, x):
        return ops.conv(x, self.kernel)


@pytest.mark.parametrize("script, body, name, start", [
    ("task3", lambda: [layers.Conv2D(2, 3)], models.CONVOLUTION, "passed"),
    ("task3", lambda: [keras.Sequential([layers.SeparableConv2D(2, 3)])], models.CONVOLUTION, "passed"),
    ("task3", lambda: [layers.Flatten(), layers.Dense(3)], models.CONVOLUTION, "failed"),
    ("task4", lambda: [layers.Reshape((28, 28)), layers.Bidirectional(layers.GRU(4))], models.RECURRENT, "passed"),
    ("task4", lambda: [layers.Dense(3)], models.RECURRENT, "failed"),
    ("task4", lambda: [layers.Reshape((28, 28)), layers.GRU(4)], models.NO_CONVOLUTION, "passed"),
    ("task4", lambda: [layers.ConvLSTM1D(2, 3)], models.NO_CONVOLUTION, "failed"),
    ("task4", lambda: [layers.Lambda(lambda x: ops.image.extract_patches(x, 4)), layers.Reshape((49, 16)),
                       layers.LSTM(4)], models.NO_CONVOLUTION, "passed"),
    ("task4", lambda: [layers.Dense(2), Own(), layers.Reshape((676, 2)), layers.LSTM(4)], models.NO_CONVOLUTION,
     "failed: Conv2D"),
])
def test_layers(script, body, name, start):
    model = keras.Sequential([layers.Input((28, 28, 1)), *body(), layers.Flatten(), layers.Dense(10, "softmax")])
    assert models.check_models([model], CHECKS[script])[name].startswith(start)


def test_several_models():
    """A needed layer counts in any of the models that predict, a forbidden one too."""
    plain, other = (keras.Sequential([layers.Input((28, 28, 1)), *body]) for body in (
        [layers.Reshape((28, 28)), layers.GRU(3)], [layers.Conv2D(2, 3)]))
    found = models.check_models([plain, other], CHECKS["task4"])
    assert found[models.RECURRENT] == "passed" and found[models.NO_CONVOLUTION].startswith("failed")
    assert models.check_models([object()], CHECKS["task3"])[models.CONVOLUTION].startswith("not checked")


def test_a_teacher_that_was_given_other_images_late():
    """Its convolution is for a person to look at: it may not predict."""
    student, teacher = (keras.Sequential([layers.Input((28, 28, 1)), *body, layers.Dense(10)]) for body in (
        [layers.Reshape((28, 28)), layers.GRU(3)], [layers.Conv2D(2, 3), layers.Flatten()]))
    for told, start in ([student], "hint: conv2d"), ([], "hint: conv2d"), ([student, teacher], "failed: conv2d"):
        found = models.check_models([student, teacher], CHECKS["task4"], told=told)
        assert found[models.NO_CONVOLUTION].startswith(start) and found[models.RECURRENT] == "passed"


def test_the_checks_of_another_task():
    """It has those that its entry in the table of tasks names, and no others."""
    model = keras.Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)])
    assert models.check_models([model], [models.NO_CONVOLUTION]) == {models.NO_CONVOLUTION: "passed"}
    assert models.check_models([object()], [models.RECURRENT]).keys() == {models.RECURRENT}
    assert models.check_models([model], []) == {}


def by_hand(shared, steps=6, around=lambda x: x):
    """Return a network that reads the rows one by one, by one dense layer or by one for each row."""
    image = layers.Input((28, 28))
    state = layers.Dense(8, "tanh")(image[:, 0])
    cell = layers.Dense(8, "tanh")
    for row in range(1, steps):
        cell = cell if shared else layers.Dense(8, "tanh")
        state = cell(layers.Concatenate()([around(image[:, row]), state]))
    return keras.Model(image, layers.Dense(10)(state))


def hidden(x):
    """Do nothing, where no graph shows it."""
    return tf.ensure_shape(tf.numpy_function(lambda value: value, [x], tf.float32), x.shape)


@pytest.mark.parametrize("model, finding", [
    (lambda: by_hand(True), "passed"),
    (lambda: by_hand(False), "failed: there is none: the model has dense"),
    (lambda: by_hand(True, 3), "not checked: there is none by name; a weight is used twice along a path"),
    (lambda: by_hand(False, 6, layers.Lambda(hidden, output_shape=lambda shape: shape)), "not checked"),
    (lambda: keras.Sequential([layers.Input((28, 28)), layers.Lambda(lambda x: tf.scan(
        lambda state, row: state + row, tf.transpose(x, (1, 0, 2)))[-1], output_shape=(28,)), layers.Dense(10)]),
     "passed"),
    (lambda: keras.Sequential([layers.Input((28, 28)), layers.Flatten(), layers.Dense(16)]), "not checked"),
], ids=["shared", "deep", "twice", "hidden", "tf.scan", "features"])
def test_recurrent_by_hand(model, finding):
    """A weight that is used again and again along one path; what is unclear is not checked."""
    assert models.check_layers(model())[models.RECURRENT].startswith(finding)


def test_a_convolution_by_hand_is_not_checked():
    """A dense layer for each patch is a convolution; one for the whole image is none."""
    for body, start in ([layers.Reshape((4, 7, 28)), layers.Permute((1, 3, 2)), layers.Dense(4)], "not checked"), (
            [layers.Flatten(), layers.Dense(4)], "failed"):
        model = keras.Sequential([layers.Input((28, 28, 1)), *body, layers.Flatten(), layers.Dense(10)])
        assert models.check_layers(model)[models.CONVOLUTION].startswith(start)


class ByHand(layers.Layer):
    """A function of what is given (digits, 28, 28) and of weights (9, 8), that is called."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.kernel = self.add_weight(shape=(9, 8))

    def call(self, x):
        return self.function(x, self.kernel)


def reservoir(x, kernel):
    """An echo state network: its matrices are fixed."""
    state, matrix = ops.zeros((2, 200)), tf.constant(np.eye(200, dtype="float32"))
    for row in range(4):
        state = ops.tanh(state @ matrix + x[:, row] @ np.ones((28, 200), "float32"))
    return state * kernel[0, 0]


def gates(x, kernel):
    """What a minimal gated unit makes of each row: how much of the state stays, and what comes."""
    stays, comes = ops.split(x[..., :9] @ kernel, 2, axis=-1)
    stays = ops.sigmoid(stays)
    return stays, (1 - stays) * comes


def in_a_tree(x, kernel):
    stays, comes = gates(x, kernel)
    while stays.shape[1] > 1:
        half = stays.shape[1] // 2
        first, second = ([part[:, start:2 * half:2] for part in (stays, comes)] for start in (0, 1))
        stays, comes = first[0] * second[0], second[0] * first[1] + second[1]
    return comes


def doubled(x, kernel):
    stays, comes = gates(x, kernel)
    for step in 1, 2, 4, 8, 16:
        earlier = [ops.pad(part[:, :-step], [[0, 0], [step, 0], [0, 0]]) for part in (stays, comes)]
        stays, comes = stays * earlier[0], comes + stays * earlier[1]
    return comes


def one_by_one(x, kernel):
    state = 0
    for stays, comes in zip(*(ops.unstack(part, axis=1) for part in gates(x, kernel))):
        state = stays * state + comes
    return state


def shifted(x, kernel):
    """A convolution: a sum of shifted images, each by its number of the filter."""
    return sum(x[:, i:i + 26, j:j + 26] * kernel[3 * i + j, 0] for i in range(3) for j in range(3))


def two_numbers(x, kernel):
    """As few shifted images as there may be."""
    return x[:, 1:] * kernel[0, 0] + x[:, :-1] * kernel[0, 1]


@pytest.mark.parametrize("function, name", [
    (reservoir, models.RECURRENT), (in_a_tree, models.RECURRENT), (doubled, models.RECURRENT),
    (one_by_one, models.RECURRENT), (lambda x, kernel: ops.cumsum(x[..., :9] @ kernel, 1), models.RECURRENT),
    (shifted, models.CONVOLUTION), (two_numbers, models.CONVOLUTION),
    (lambda x, kernel: sum(ops.roll(x, step, 1) * one for step, one in enumerate(ops.unstack(kernel[:, 0]))),
     models.CONVOLUTION),
], ids=lambda value: getattr(value, "__name__", ""))
def test_loops_and_convolutions_in_other_words_are_not_checked(function, name):
    """In a graph they look like many small steps."""
    model = keras.Sequential([layers.Input((28, 28), batch_size=2), ByHand(function), layers.Flatten(),
                              layers.Dense(10)])
    assert models.check_layers(model)[name].startswith("not checked")


def test_plain_networks_are_neither_recurrent_nor_convolutional():
    """Gates, residues, normalization and attention to the rows are no scans, and no filters."""
    image = layers.Input((28, 28))
    x = plain = layers.Dense(16, "swish")(layers.Flatten()(image))
    for _ in range(4):
        stays, comes = ops.split(layers.Dense(32)(plain), 2, -1)
        plain = plain + ops.sigmoid(stays) * comes
    x = layers.LayerNormalization()(layers.BatchNormalization()(x))
    rows = layers.Dense(16)(image)
    for _ in range(2):
        rows = rows + layers.MultiHeadAttention(2, 8)(rows, rows)
    for last, name in (plain, models.CONVOLUTION), (x, models.CONVOLUTION), (plain, models.RECURRENT), (
            rows[:, 0], models.RECURRENT):
        assert models.check_layers(keras.Model(image, layers.Dense(10)(last)))[name].startswith("failed")


def test_what_only_other_parts_of_a_script_may_have():
    """A model that was not given the digits themselves may follow a convolution that is no layer of Keras."""
    model = keras.Sequential([layers.Input((64,)), layers.Dense(10)])
    assert models.check_layers(model, told=False)[models.CONVOLUTION].startswith("not checked")
    assert models.check_layers(model)[models.CONVOLUTION].startswith("failed")
