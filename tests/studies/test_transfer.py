"""What an encoder learns: the networks, and the measures of their latent spaces, on codes that are known."""

import argparse

import common
from studies import datasets, encoders, few_labels, latent_space, shared

import keras
import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("filters", [4, 8])
def test_networks(filters, dense):
    images = np.random.default_rng().random((3, 28, 28, 1), np.float32)
    encoder, decoder = encoders.build_encoder(filters, dense), encoders.build_decoder(filters, dense)
    mlp = encoders.build_mlp()
    codes = encoder(images)
    assert codes.shape == (3, 12)
    assert decoder(codes).shape == images.shape and np.all((decoder(codes) >= 0) & (decoder(codes) <= 1))
    assert np.sum(mlp(codes), axis=1) == pytest.approx(1)
    assert sum(isinstance(layer, keras.layers.Dense) for layer in mlp.layers) == 2
    for model in (encoder, decoder):
        assert any(isinstance(layer, keras.layers.Dense) for layer in model.layers) == dense


def test_what_a_number_sees():
    """Without a dense layer three numbers see the whole image, the others a half or a quarter of it."""
    encoder = keras.Sequential([layer for layer in encoders.build_encoder(8, False).layers
                                if not isinstance(layer, (keras.layers.GroupNormalization, keras.layers.Activation))])
    image = tf.Variable(tf.zeros((1, 28, 28, 1)))
    with tf.GradientTape() as tape:  # of the convolutions alone: normalization looks at the whole image
        codes = encoder(image)
    seen = tape.jacobian(codes, image).numpy().reshape(12, 784) != 0
    assert seen.mean(1).tolist() == [1] * 3 + [0.5] * 6 + [0.25] * 3


SILENT = shared.progress(100)


def test_training_and_copies():
    training, test = (common.Digits(*(part[:100] for part in digits)) for digits in shared.digits())
    encoder = encoders.build_encoder(4, True)
    before = [weights.copy() for weights in encoder.get_weights()]
    for trainable in (False, True):
        copy = encoders.cloned(encoder, trainable)
        history = encoders.train(keras.Sequential([copy, encoders.build_mlp()]), *training, test, 10, SILENT,
                                 measured=[1, 10])
        assert {name: len(values) for name, values in history.items()} == {
            "loss": 10, "accuracy": 10, "val_loss": 2, "val_accuracy": 2, "measured": 2}
        assert history["loss"][-1] < history["loss"][0]
        same = [np.array_equal(*pair) for pair in zip(copy.get_weights(), before)]
        assert not any(same) if trainable else all(same)
    assert all(np.array_equal(*pair) for pair in zip(encoder.get_weights(), before))
    autoencoder = encoders.train_autoencoder(encoders.cloned(encoder, False), encoders.build_decoder(4, True), training,
                                             test, 2, SILENT)
    error = np.mean(np.abs(autoencoder.reconstruct(test.images) - test.images))
    assert autoencoder.errors[1] == pytest.approx(error, rel=1e-3)


def test_the_learning_rate_at_the_end():
    training = common.Digits(*(part[:100] for part in shared.digits()[0]))
    for final in (0.0, 0.1):
        model = keras.Sequential([encoders.build_encoder(4, True), encoders.build_mlp()])
        encoders.train(model, *training, training, 2, SILENT, 0.01, final)
        assert float(model.optimizer.learning_rate) == pytest.approx(0.01 * final, abs=1e-6)


def two_classes():
    """Return codes of two classes of known variance, 5 apart, and the labels."""
    labels = np.repeat([0, 1], 50_000)
    deviations = np.where(labels == 0, 1, 3)[:, None]
    normal = np.random.default_rng().normal(size=(100_000, 2))
    return normal * deviations + 10 * labels[:, None] * [0.6, 0.8], labels


def test_variances_and_distances():
    """Neither scale nor offset matters."""
    codes, labels = two_classes()
    total = 10 + 25  # the mean of 2 and 18, and that of the centroids: 5^2
    for space in (codes, 7 * codes - 3):
        assert latent_space.variance_within(space, labels) == pytest.approx([200 / total, 1800 / total], rel=0.03)
        assert latent_space.distances(space, labels) == pytest.approx(np.array([[0, 1], [1, 0]]) * 10**0.5, rel=0.02)


def test_mahalanobis_distances():
    """No linear map matters: the variance along each axis is 5 before it, and the distance 10."""
    codes, labels = two_classes()
    for space in (codes, codes @ [[3.0, -1.0], [0.2, 0.1]], codes @ [[1.0, 0, 2], [0, 1, 1]]):
        distances = latent_space.mahalanobis_distances(space, labels)
        assert latent_space.pairs(distances) == pytest.approx(10 / 5**0.5, rel=0.02)


def test_pairs():
    assert latent_space.pairs(np.arange(9).reshape(3, 3)).tolist() == [1, 2, 5]


def test_explained_variance():
    random = np.random.default_rng()
    codes = random.normal(size=(20_000, 3))
    labels = np.arange(20_000) % 4
    codes[:, 0] += 10 * labels  # differences between classes do not count
    for quantity, share in ((5 - 2 * codes[:, 0] + codes[:, 2], 100), (7 * labels + random.normal(size=20_000), 0),
                            (codes[:, 1] - 3 * labels + random.normal(size=20_000), 50)):
        assert latent_space.explained_variance(codes, quantity, labels) == pytest.approx(share, abs=3)


def test_nearest_centroid():
    codes, labels = np.array([[0.0, 0], [2, 0.1], [10, 0], [12, 0.1]]), np.array([3, 3, 5, 5])
    queries, targets = np.array([[5.9, 4], [6.1, -4], [0, 0], [9, 0]]), np.array([3, 5, 3, 3])
    assert latent_space.nearest_centroid_accuracy(codes, labels, queries, targets) == 75


def test_differences_are_paired():
    accuracies, others = np.array([70.0, 75, 80, 71]), np.array([60.0, 66, 69, 61])
    margin = 3.182 * (2 / 3) ** 0.5 / 2  # the t distribution with three degrees of freedom
    assert few_labels.difference(accuracies, others) == f"+10.0 ({10 - margin:+.1f} to {10 + margin:+.1f})"
    assert few_labels.difference(accuracies[:1], others[:1]) == "+10.0"


def test_slant():
    images = np.zeros((3, 28, 28, 1))
    for row in range(5, 23):
        images[0, row, 14] = images[1, row, 28 - row] = images[2, row, 5 + row // 2] = 1
    assert latent_space.slant(images) == pytest.approx([0, 1, -0.5], abs=0.02)


MNIST = {name: (np.random.default_rng().integers(0, 256, (n, 28, 28), np.uint8), (np.arange(n) % 10).astype(np.uint8))
         for name, n in {"training": 40, "test": 20}.items()}


def test_mnist(monkeypatch):
    monkeypatch.setattr(datasets, "load_data", {"mnist": tuple(MNIST.values())}.get)
    monkeypatch.setattr(shared, "KERAS_FOLDS", 5)
    options = argparse.Namespace(data="mnist", validation=False, quick=False)
    (images, labels), (test_images, _) = encoders.load_data(options)
    assert (images.shape, test_images.shape, images.dtype) == ((40, 28, 28, 1), (20, 28, 28, 1), np.float32)
    assert images[..., 0] == pytest.approx(MNIST["training"][0] / 255)
    assert labels.tolist() == MNIST["training"][1].tolist()
    training, held_out = encoders.load_data(argparse.Namespace(data="mnist", validation=True, quick=False))
    assert np.array_equal(held_out.images, images[::5]) and len(training.images) == 32
