"""Back-propagation through time: the formulas of docs/bptt.md, the gradients against TensorFlow, n-gram counts."""

from studies import bptt, corpus, rnn, shared
from studies.ngrams import NGrams

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import finite_differences

INPUTS, UNITS, OUTPUTS, STEPS = 3, 5, 4, 6


class Sheet:
    """The network of the sheet with column vectors, tanh as its function and squared error as its cost."""

    def __init__(self):
        normal = np.random.default_rng().normal
        self.U, self.W = normal(size=(UNITS, INPUTS)), normal(size=(UNITS, UNITS))
        self.V = normal(size=(OUTPUTS, UNITS))
        self.b, self.c = normal(size=UNITS), normal(size=OUTPUTS)
        self.x, self.t = normal(size=(STEPS, INPUTS)), normal(size=(STEPS, OUTPUTS))
        self.nudge = np.zeros((STEPS, UNITS))  # added to the states, to find the gradient with respect to them

    def forward(self):
        """Return the states h, the outputs y and the cost."""
        h, states, outputs = np.zeros(UNITS), [], []
        for x, nudge in zip(self.x, self.nudge):
            h = np.tanh(self.U @ x + self.W @ h + self.b) + nudge
            states.append(h)
            outputs.append(np.tanh(self.V @ h + self.c))
        return np.array(states), np.array(outputs), 0.5 * np.sum((np.array(outputs) - self.t) ** 2)

    def gradient(self, name):
        """Return the gradient of the cost with respect to a weight, by finite differences."""
        return finite_differences(lambda: self.forward()[2], getattr(self, name))


@pytest.fixture
def sheet():
    return Sheet()


@pytest.fixture
def errors(sheet):
    """Return the bracket that (b), (c) and (d) share for each step, from the definition of the gradient of a state."""
    h, _, _ = sheet.forward()
    return sheet.gradient("nudge") * (1 - h**2)


def test_a_the_weights_of_the_output(sheet):
    h, y, _ = sheet.forward()
    formula = sum(np.outer((y[i] - sheet.t[i]) * (1 - y[i] ** 2), h[i]) for i in range(STEPS))
    assert formula == pytest.approx(sheet.gradient("V"), rel=1e-5, abs=1e-8)


def test_b_the_weights_of_the_input(sheet, errors):
    formula = sum(np.outer(errors[i], sheet.x[i]) for i in range(STEPS))
    assert formula == pytest.approx(sheet.gradient("U"), rel=1e-5, abs=1e-8)


def test_c_the_recurrent_weights(sheet, errors):
    h, _, _ = sheet.forward()
    formula = sum(np.outer(errors[i + 1], h[i]) for i in range(STEPS - 1))
    assert formula == pytest.approx(sheet.gradient("W"), rel=1e-5, abs=1e-8)


def test_d_the_biases(sheet, errors):
    _, y, _ = sheet.forward()
    assert errors.sum(0) == pytest.approx(sheet.gradient("b"), rel=1e-5, abs=1e-8)
    formula = sum((y[i] - sheet.t[i]) * (1 - y[i] ** 2) for i in range(STEPS))
    assert formula == pytest.approx(sheet.gradient("c"), rel=1e-5, abs=1e-8)


def test_softmax_with_cross_entropy():
    """Its gradient is y - t for all targets that add up to one, and not for others."""
    normal = np.random.default_rng().normal
    z, t = normal(size=OUTPUTS), np.abs(normal(size=OUTPUTS))
    for targets, holds in (t / t.sum(), True), (2 * t / t.sum(), False):
        def cost(targets=targets):
            return -targets @ np.log(np.exp(z) / np.exp(z).sum())

        formula = np.exp(z) / np.exp(z).sum() - targets
        assert (formula == pytest.approx(finite_differences(cost, z), rel=1e-5, abs=1e-8)) == holds


def test_the_missing_piece(sheet, errors):
    h, y, _ = sheet.forward()
    of_output = (y - sheet.t) * (1 - y**2)
    expected = sheet.gradient("nudge")
    for i in range(STEPS):
        formula = sheet.V.T @ of_output[i] + (sheet.W.T @ errors[i + 1] if i + 1 < STEPS else 0)
        assert formula == pytest.approx(expected[i], rel=1e-5, abs=1e-8)


def random_sequences(steps, n=4):
    letters = np.random.default_rng().integers(len(corpus.ALPHABET), size=(steps + 1, n))
    return corpus.one_hot(letters[:-1]).astype(float), corpus.one_hot(letters[1:]).astype(float)


@pytest.mark.parametrize("steps", [1, 2, 7, 25])
@pytest.mark.parametrize("dropout", [False, True])
def test_bptt_agrees_with_tensorflow(steps, dropout):
    network = rnn.RNN(27, 30, 27, np.float64)
    for values in network.weights.values():
        values += np.random.default_rng().normal(0, 0.1, values.shape)
    x, targets = random_sequences(steps)
    mask = np.random.default_rng().integers(2, size=(steps, 4, 30)) * 2.0 if dropout else 1
    weights = {name: tf.Variable(values) for name, values in network.weights.items()}
    with tf.GradientTape() as tape:
        h, losses = tf.zeros((4, 30), tf.float64), []
        for i in range(steps):
            h = tf.nn.relu(x[i] @ weights["U"] + h @ weights["W"] + weights["b"])
            seen = h * (mask[i] if dropout else 1)
            losses.append(tf.nn.softmax_cross_entropy_with_logits(targets[i], seen @ weights["V"] + weights["c"]))
        expected_loss = tf.reduce_mean(losses)
    loss, gradients, _ = network.bptt(x, targets, mask)
    assert loss == pytest.approx(float(expected_loss), abs=1e-10)
    assert set(gradients) == set(weights)
    for name, expected in tape.gradient(expected_loss, weights).items():
        assert np.abs(gradients[name] - expected.numpy()).max() < 1e-6


def test_a_state_is_carried_on():
    """Two segments have the states of one sequence; the gradient of the second does not flow into the first."""
    network = rnn.RNN(27, 30, 27, np.float64)
    x, targets = random_sequences(6)
    _, _, state = network.bptt(x[:2], targets[:2])
    assert state == pytest.approx(network.hidden(x)[2])
    loss, gradients, last = network.bptt(x[2:], targets[2:], initial=state)
    assert last == pytest.approx(network.hidden(x)[-1])

    def cost():
        return network.bptt(x[2:], targets[2:], initial=state)[0]

    assert loss == pytest.approx(cost())
    assert gradients["W"] == pytest.approx(finite_differences(cost, network.weights["W"]), rel=1e-4, abs=1e-7)


def test_bptt_agrees_with_keras_layer():
    """The states are those of Keras's own recurrent layer with the same weights."""
    network = rnn.RNN(27, 30, 27)
    x, _ = random_sequences(9)
    layer = keras.layers.SimpleRNN(30, activation="relu", return_sequences=True)
    layer.build((None, None, 27))
    layer.set_weights([network.weights[name] for name in "UWb"])
    states = np.asarray(layer(np.float32(x.swapaxes(0, 1))))
    assert network.hidden(np.float32(x))[1:] == pytest.approx(states.swapaxes(0, 1), rel=1e-4, abs=1e-4)


def test_adam_is_keras_own():
    start, gradients = np.float64([1.0, -2.0, 3.0]), np.random.default_rng().normal(size=(20, 3))
    weights = {"w": start.copy()}
    ours, theirs = rnn.Adam(weights), keras.optimizers.Adam(0.01, epsilon=1e-8)
    variable = keras.Variable(start, dtype="float64")
    for gradient in gradients:
        ours.update({"w": gradient}, 0.01)
        theirs.apply([tf.constant(gradient)], [variable])
    assert weights["w"] == pytest.approx(np.asarray(variable), rel=1e-4)


def test_a_network_learns_a_short_text():
    text = corpus.simplify("the quick brown fox jumps over the lazy dog and runs away from it " * 200)
    samples = corpus.random_samples(text, 400, 31, 31)
    network = rnn.RNN(27, 100, 27)
    losses = bptt.train(network, samples, samples[:50], 20, shared.progress(20), segment=12)  # the last one is shorter
    assert all(len(of_part) == 20 and of_part[-1] < of_part[0] / 2 for of_part in losses.values()) and len(losses) == 2
    accuracy, loss = bptt.measure(bptt.predictions(network, samples), samples)
    assert accuracy > 90 and loss < 1
    generated = bptt.generate(network, "the quick", 30)
    assert len(generated) == 39 and generated.startswith("the quick") and set(generated) <= set(corpus.ALPHABET)


def test_simplified_text():
    text = corpus.simplify("A b--C,\n\nz! É 7")
    assert "".join(corpus.ALPHABET[letter] for letter in text) == "a b c z "


def test_samples_are_of_the_text():
    size = 151
    text = np.arange(20 * size + 3)
    samples = corpus.random_samples(text, 10, size, spacing=size)
    assert samples.shape == (10, size) and np.all(np.diff(samples, axis=1) == 1)
    assert len(np.unique(samples)) == samples.size  # they do not overlap
    assert len(corpus.random_samples(text, 5000, size, spacing=size)) == 20
    starts = corpus.random_samples(text, 5000, size)[:, 0]
    assert sorted(starts) == list(range(len(text) - size + 1))


def test_parts_of_a_text():
    text = np.arange(1003)
    parts = [corpus.tenths(text, 0, 8), corpus.tenths(text, 8, 9), corpus.tenths(text, 9, 10)]
    assert np.array_equal(np.concatenate(parts), text) and [len(part) for part in parts] == [802, 100, 101]


def test_measured_predictions():
    probabilities, samples = np.full((4, 27), 0.01), np.array([[9, 0], [9, 1], [9, 2], [9, 3]])
    probabilities[[0, 1, 2, 3], [0, 1, 2, 0]] = 0.5
    accuracy, loss = bptt.measure(probabilities, samples)
    assert accuracy == 75 and loss == pytest.approx(-(3 * np.log(0.5) + np.log(0.01)) / 4)


def test_backed_off_counts():
    samples = np.array([[1, 2, 1, 2, 1, 3, 3, 1, 2]])
    others = np.array([[5, 5, 1, 2], [5, 5, 1, 3], [5, 5, 2, 1], [5, 1, 3, 3], [9, 9, 9, 1]])
    measured = bptt.measure_counts(samples, {"others": others}, 2)["counts with back-off"]["others"]
    accuracies = [accuracy for accuracy, _ in measured]
    assert accuracies[0] == 40  # 1, the most frequent, is right twice
    assert accuracies[1] == 60  # after 9, which is new, the prediction is 1 all the same
    assert accuracies[2] == 80


def test_interpolated_counts():
    """Worked out by hand after Witten and Bell: counts c of k different characters, and k times what is shorter."""
    counts = NGrams(np.array([[1, 2, 1, 2, 1, 3]]), 1)
    shorter = (np.bincount([1, 2, 1, 2, 1, 3], minlength=27) + 3 / 27) / (6 + 3)
    after_1 = (np.bincount([2, 2, 3], minlength=27) + 2 * shorter) / (3 + 2)
    assert counts.interpolated(bytes([9, 1]), 0) == pytest.approx(shorter)
    assert counts.interpolated(bytes([9, 1]), 1) == pytest.approx(after_1)
    assert counts.interpolated(bytes([9, 9]), 1) == pytest.approx(shorter)  # 9 has not been seen
    assert after_1.sum() == pytest.approx(1)


def test_clip_by_global_norm():
    gradients = {"a": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    assert rnn.clip_by_global_norm(gradients, 5.0) is gradients
    short = rnn.clip_by_global_norm(gradients, 1.0)
    assert short["a"].tolist() == pytest.approx([0.6, 0.0]) and short["b"].item() == pytest.approx(0.8)


def test_a_book_without_what_its_publisher_adds(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text("Licence\n*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***\nIt begins.\n"
                    "*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***\nLicence")
    assert corpus.read_text(path).strip() == "It begins."
    path.write_text("*** It begins. ***")
    assert corpus.read_text(path) == "*** It begins. ***"
