"""What an encoder learns: the networks, and the measures of their latent spaces, on codes that are known."""

import argparse

from studies import datasets, encoders, few_labels, latent_space, shared
from support.data_file import Digits, fold_of

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import small_decoder, small_encoder


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


@pytest.fixture
def progress():
    with shared.progress(100) as bar:
        yield bar


@pytest.fixture
def halves():
    """Return 100 training digits and 100 test digits."""
    return [Digits(images[:100], labels[:100]) for images, labels in datasets.load_digits()]


def weights_of(model):
    return [weights.copy() for weights in model.get_weights()]


@pytest.mark.parametrize("trainable", [False, True])
def test_a_copy_is_trained_or_frozen(trainable, halves, progress):
    training, test = halves
    encoder = small_encoder()
    before, copy = weights_of(encoder), encoders.clone(encoder, trainable)
    assert all(np.array_equal(*pair) for pair in zip(weights_of(copy), before))
    history = encoders.train(keras.Sequential([copy, encoders.build_mlp()]), *training, test, 10, progress,
                             validation_freq=[1, 10])
    assert {name: len(values) for name, values in history.items()} == {
        "loss": 10, "accuracy": 10, "val_loss": 2, "val_accuracy": 2, "val_epoch": 2}
    assert history["loss"][-1] < history["loss"][0] and history["val_epoch"].tolist() == [1, 10]
    same = [np.array_equal(*pair) for pair in zip(weights_of(copy), before)]
    assert not any(same) if trainable else all(same)
    assert all(np.array_equal(*pair) for pair in zip(weights_of(encoder), before))


def test_stages_of_a_training(monkeypatch):
    """In the first one the encoder is frozen; the second continues the count of epochs, at a lower rate."""
    encoder, calls = small_encoder(), []

    def train(model, inputs, targets, test, epochs, progress, rate, alpha, measured):
        calls.append((epochs, model.layers[0].trainable, rate))
        return {"loss": np.zeros(epochs), "val_loss": np.zeros(len(measured)), "val_epoch": np.array(measured)}

    monkeypatch.setattr(encoders, "train", train)
    stages = [(0.5, False, 0.01), (0.5, True, 0.001)]
    history = few_labels.train_stages(encoder, stages, Digits([], []), None, 8, None)
    assert calls == [(4, False, 0.01), (4, True, 0.001)]
    assert history["val_epoch"].tolist() == list(range(1, 9)) and len(history["loss"]) == len(history["val_loss"]) == 8


def test_an_autoencoder_is_trained_to_reconstruct(progress):
    """Here four random images: what is the same for all of them has an error of 0.31 at best."""
    labels = np.arange(100) % 4
    patterns = np.random.default_rng().integers(0, 2, (4, 28, 28, 1)).astype(np.float32)
    training, test = Digits(patterns[labels], labels), Digits(patterns[:3], labels[:3])
    autoencoder = encoders.train_autoencoder(small_encoder(), small_decoder(), training, test, 20, progress)
    error = np.mean(np.abs(autoencoder.reconstruct(test.images) - test.images))
    assert autoencoder.errors[1] == pytest.approx(error, rel=1e-3)
    assert error < 0.2


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_the_learning_rate_at_the_end(alpha, halves, progress):
    training, test = halves
    model = keras.Sequential([small_encoder(), encoders.build_mlp()])
    encoders.train(model, *training, test, 2, progress, 0.01, alpha)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01 * alpha, abs=1e-6)


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


def test_slant():
    images = np.zeros((3, 28, 28, 1))
    for row in range(5, 23):
        images[0, row, 14] = images[1, row, 28 - row] = images[2, row, 5 + row // 2] = 1
    assert latent_space.slant(images) == pytest.approx([0, 1, -0.5], abs=0.02)


def test_mnist(monkeypatch):
    random = np.random.default_rng()
    arrays = [(random.integers(0, 256, (count, 28, 28), np.uint8), (np.arange(count) % 10).astype(np.uint8))
              for count in (40, 20)]
    monkeypatch.setattr(datasets, "load_data", {"mnist": arrays}.get)
    monkeypatch.setattr(datasets, "KERAS_FOLDS", 5)
    options = argparse.Namespace(data="mnist", validation=False, quick=False)
    (images, labels), (test_images, _) = encoders.load_data(options)
    assert (images.shape, test_images.shape, images.dtype) == ((40, 28, 28, 1), (20, 28, 28, 1), np.float32)
    assert images[..., 0] == pytest.approx(arrays[0][0] / 255)
    assert labels.tolist() == arrays[0][1].tolist()
    options.validation = True
    training, held_out = encoders.load_data(options)
    assert np.array_equal(held_out.images, images[fold_of(labels) == 1]) and len(training.images) == 32


def test_the_bundles_digits():
    options = argparse.Namespace(data="digits", validation=False, quick=True)
    for few, whole in zip(encoders.load_data(options), datasets.load_digits()):
        assert np.array_equal(few.images, whole.images[:200]) and np.array_equal(few.labels, whole.labels[:200])
