"""Autoencoders of Fashion-MNIST: their size, their training, the noise in front of them."""

from studies import denoising, fashion_autoencoder

import keras
import numpy as np
import pytest


def test_autoencoders():
    model = fashion_autoencoder.build_autoencoder(32, [256])
    assert model.count_params() == 785 * 256 + 257 * 32 + 33 * 256 + 257 * 784
    random = np.random.default_rng()
    images = np.float32(random.random((200, 3)) @ random.random((3, 784)) / 3)
    encoder = keras.Sequential(model.layers[:model.layers.index(model.get_layer("code")) + 1])
    assert encoder(images).shape == (200, 32) and np.all(encoder(images) >= 0)
    before = np.mean((images - model(images)) ** 2)
    history = fashion_autoencoder.train(model, images, images, (images, images), 20)
    after = np.mean((images - model(images)) ** 2)
    assert after < before / 2 and history["val_loss"][-1] == pytest.approx(after, rel=1e-4)
    assert len(history["loss"]) == 20


def test_noise_is_added_in_training_only():
    model = denoising.build_denoiser(32, 0.5)
    images = np.full((50, 784), 0.5, np.float32)
    assert np.array_equal(model(images), model(images))
    assert not np.allclose(model(images, training=True)[0], model(images, training=True)[1])
    assert np.std(model.layers[0](images, training=True) - images) == pytest.approx(0.5, rel=0.03)


def test_corrupted_images():
    images = np.full((50, 784), 0.5, np.float32)
    noisy = denoising.corrupt(images, 0.3)
    assert noisy.dtype == np.float32
    assert np.std(noisy - images) == pytest.approx(0.3, rel=0.03)
    assert (noisy - images).mean() == pytest.approx(0, abs=0.01)
