"""The network in NumPy: gradients against finite differences and TensorFlow, training, files."""

import os
import pickle
import random

from studies import network
from studies.network import Layer, Network

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import finite_differences

TENSORFLOW = {"identity": "linear", "sigmoid": "sigmoid"}  # other activations have the same name there

# Logarithms are taken of probabilities only.
PAIRS = [(activation, loss) for activation in network.ACTIVATIONS for loss in network.LOSSES
         if loss == "squared error" or activation in ("sigmoid", "softmax")]


def build(activation, loss, hidden="tanh"):
    """Return a network with that activation at its output, and inputs and targets for it."""
    rng = np.random.default_rng()
    layers = [Layer(4, 6, hidden), Layer(6, 5, "relu"), Layer(5, 3, activation)]
    for layer in layers:
        layer.biases += rng.normal(0, 0.3, layer.biases.shape)
    targets = rng.random((7, 3))
    return Network(layers, loss), rng.normal(size=(7, 4)), targets / targets.sum(1, keepdims=True)


@pytest.mark.parametrize("activation, loss", PAIRS)
def test_gradients_are_those_of_finite_differences(activation, loss):
    net, x, targets = build(activation, loss)
    for layer, (weights, biases) in zip(net.layers, net.gradients(x, targets)):
        for parameter, gradient in ((layer.weights, weights), (layer.biases, biases)):
            expected = finite_differences(lambda: net.mean_loss(x, targets), parameter)
            assert gradient == pytest.approx(expected, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("activation", network.ACTIVATIONS)
def test_gradients_of_every_hidden_layer(activation):
    net, x, targets = build("softmax", "categorical cross-entropy", hidden=activation)
    weights = net.layers[0].weights
    expected = finite_differences(lambda: net.mean_loss(x, targets), weights)
    assert net.gradients(x, targets)[0][0] == pytest.approx(expected, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("activation, loss", PAIRS)
def test_gradients_are_those_of_tensorflow(activation, loss):
    net, x, targets = build(activation, loss)
    parameters = [tf.Variable(array) for layer in net.layers for array in (layer.weights, layer.biases)]
    with tf.GradientTape() as tape:
        y = tf.constant(x)
        for number, layer in enumerate(net.layers):
            z = y @ parameters[2 * number] + parameters[2 * number + 1]
            y = keras.activations.get(TENSORFLOW.get(layer.activation, layer.activation))(z)
        t = tf.constant(targets)
        value = {"squared error": lambda: 0.5 * tf.reduce_sum((y - t) ** 2, axis=1),
                 "binary cross-entropy": lambda: -tf.reduce_sum(t * tf.math.log(y) + (1 - t) * tf.math.log(1 - y), 1),
                 "categorical cross-entropy": lambda: -tf.reduce_sum(t * tf.math.log(y), 1)}[loss]()
        value = tf.reduce_mean(value)
    assert net.mean_loss(x, targets) == pytest.approx(float(value), rel=1e-12)
    found = [array for pair in net.gradients(x, targets) for array in pair]
    for ours, theirs in zip(found, tape.gradient(value, parameters)):
        assert ours == pytest.approx(theirs.numpy(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("activation, loss", [("softmax", "categorical cross-entropy"),
                                              ("sigmoid", "binary cross-entropy")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sure_and_wrong_still_learns(activation, loss, dtype):
    """Where the probability of what is right is zero in floating point, its gradient is not."""
    net = Network([Layer(2, 2, activation, dtype)], loss)
    net.layers[0].weights[:] = [[2000, -2000], [0, 0]]
    weights, _ = net.gradients(np.array([[1, 0]], dtype), np.array([[0, 1]], dtype))[0]
    assert weights[0].tolist() == [1, -1]
    assert np.isfinite(net.mean_loss(np.array([[1, 0]], dtype), np.array([[0, 1]], dtype)))


def test_feed_forward_from():
    net, x, _ = build("softmax", "squared error")
    whole = net.forward(x)
    for number in range(len(net.layers) + 1):
        assert np.array_equal(net.forward_from(number, net.activation(number, x)), whole)
    assert np.array_equal(net.activation(0, x), x)


def test_training_learns():
    rng = np.random.default_rng()
    x = rng.normal(size=(300, 2))
    targets = np.eye(2)[(x[:, 0] * x[:, 1] > 0).astype(int)]  # no single layer can tell these apart
    net = Network([Layer(2, 20, "tanh"), Layer(20, 2, "softmax")], "categorical cross-entropy")
    epochs = []
    net.train(x, targets, 200, lambda share: 0.2 * (1 - share), 0.9, 20, on_epoch=epochs.append)
    assert epochs == list(range(1, 201))
    assert np.mean(net.forward(x).argmax(1) == targets.argmax(1)) > 0.95


def test_a_step_with_momentum_is_what_it_should_be():
    net, x, targets = build("identity", "squared error")
    weights = net.layers[1].weights.copy()
    first = net.gradients(x, targets)[1][0]
    net.train(x, targets, 1, 0.1, 0.5, len(x))
    assert net.layers[1].weights == pytest.approx(weights - 0.1 * first)
    net.layers[1].weights[:] = weights  # the velocity starts anew with each call
    again = Network(net.layers, net.loss)
    first, seen = again.gradients(x, targets)[1][0], []
    again.train(x, targets, 2, 0.1, 0.5, len(x),
                on_epoch=lambda _: seen.append((again.layers[1].weights.copy(), again.gradients(x, targets)[1][0])))
    assert seen[1][0] == pytest.approx(seen[0][0] - 0.1 * seen[0][1] - 0.5 * 0.1 * first)


@pytest.mark.parametrize("activation, loss", PAIRS)
def test_saved_and_loaded(tmp_path, activation, loss):
    net, x, _ = build(activation, loss)
    net.save(tmp_path / "a network")
    assert os.listdir(tmp_path) == ["a network"]
    loaded = Network.load(tmp_path / "a network")
    assert loaded.loss == loss and np.array_equal(loaded.forward(x), net.forward(x))


def test_misfits_are_told():
    with pytest.raises(ValueError, match="3 inputs after 5 units"):
        Network([Layer(4, 5), Layer(3, 2)])
    with pytest.raises(ValueError, match="no such loss"):
        Network([Layer(4, 5)], "perplexity")
    with pytest.raises(ValueError, match="no such activation"):
        Layer(4, 5, "swish")


class Bomb:
    """What a stranger's pickle could do."""

    def __reduce__(self):
        return os.mkdir, ("bombed",)


@pytest.mark.parametrize("arrays", [
    {}, {"loss": np.array("squared error")},
    {"activations": np.array([], str), "loss": np.array("squared error")},
    {"activations": np.array(["swish"]), "loss": np.array("squared error"), "weights0": np.ones((2, 2)),
     "biases0": np.ones(2)},
    {"activations": np.array(["tanh"]), "loss": np.array("none"), "weights0": np.ones((2, 2)), "biases0": np.ones(2)},
    {"activations": np.array(["tanh"]), "loss": np.array("squared error"), "weights0": np.ones((2, 2)),
     "biases0": np.ones(3)},
    {"activations": np.array(["tanh"]), "loss": np.array("squared error"), "weights0": np.ones((2, 2), complex),
     "biases0": np.ones(2)},
    {"activations": np.array(["tanh"]), "loss": np.array("squared error"), "weights0": np.full((2, 2), np.nan),
     "biases0": np.ones(2)},
    {"activations": np.array(["tanh"]), "loss": np.array("squared error"), "weights0": np.array([[Bomb()]]),
     "biases0": np.ones(1)},
], ids=["nothing", "no layers", "empty", "activation", "loss", "shapes", "complex", "nan", "pickle"])
def test_files_that_hold_no_network(arrays, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("file.npz", **arrays)
    with pytest.raises(ValueError, match=r"file\.npz: not a saved network \(") as error:
        Network.load("file.npz")
    assert "unsafely" not in str(error.value)
    assert os.listdir(tmp_path) == ["file.npz"]


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps([1]), b"\x93NUMPY\x01\x00"])
def test_files_of_another_kind(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a saved network") as error:
        Network.load(path)
    assert "unsafely" not in str(error.value)


def test_a_file_that_would_unfold_is_refused(tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, loss=np.array("squared error"), activations=np.array(["tanh"]),
                        weights0=np.zeros((1000, 1000)), biases0=np.zeros(1000))
    with pytest.raises(ValueError, match="it is compressed"):
        Network.load(path)


def test_damaged_files(tmp_path):
    """Five hundred files with bytes changed, left out or cut off: a network or a ValueError, never anything else."""
    path = tmp_path / "network.npz"
    build("softmax", "squared error")[0].save(path)
    whole = path.read_bytes()
    refused = 0
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(random.choice([1, 1, 2, 30])):
            data[random.randrange(len(data))] = random.randrange(256)
        if random.random() < 0.2:
            del data[random.randrange(len(data)):]
        path.write_bytes(data)
        try:
            Network.load(path)
        except ValueError as error:
            assert str(error).startswith(f"{path}: not a saved network")
            refused += 1
    assert refused > 250


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Network.load(tmp_path / "nowhere")
