"""Denoising autoencoders of Fashion-MNIST: from a noisy image to the clean one (task 2 of the sheet).

    python -m studies.denoising --figures figures   trains; saves the figures

The autoencoders with three hidden layers of `fashion_autoencoder`, trained to reconstruct clean images from images with
Gaussian noise, which is drawn anew for each batch. The baselines are the noisy image itself, the noisy image clipped to
[0, 1], and an autoencoder trained without noise.

Root mean square error of test images with noise of standard deviation 0.3: 0.107 with a code of 64 numbers, 0.110 with
32, 0.129 for the autoencoder without noise. At 0.1 the bottleneck loses more of the image than the noise.
"""

import collections
import itertools

from studies import shared
from studies.fashion_autoencoder import CODES, HIDDEN, begin, build_autoencoder, train

import keras
import numpy as np
from keras import layers
from sklearn.metrics import mean_squared_error

NOISES = [0.1, 0.2, 0.3]  # standard deviations, in units of the range from black to white
CLEAN = 0.0
EPOCHS = 20
SHOWN = 8  # images in the figure


def build_denoiser(code, noise):
    """Return an untrained autoencoder of images (n, 784) that adds noise of that standard deviation in training."""
    return keras.Sequential([
        layers.Input((784,)),
        layers.GaussianNoise(noise),
        *build_autoencoder(code, HIDDEN["three"]).layers,
    ])


def corrupt(images, noise):
    """Return images (n, 784) with random Gaussian noise of that standard deviation on each pixel."""
    return images + np.random.default_rng().normal(0, noise, images.shape).astype(np.float32)


def train_all(images, epochs, progress):
    """Yield trained autoencoders: the name of the row of the table, the noises that it is measured with, the model.

    images: (n, 784), clean. The models trained without noise are measured with each noise and on clean images, which
    tells how much the bottleneck alone loses; the others with the noise that they are trained with.
    """
    for code, noise in itertools.product(CODES, (CLEAN, *NOISES)):
        model = build_denoiser(code, noise)
        train(model, images, images, None, epochs, [shared.progress_callback(progress)])
        name = f"{'denoising' if noise else 'plain'} autoencoder, code of {code}"
        yield name, [noise] if noise else [CLEAN, *NOISES], model


def draw(noise, original, noisy, restored):
    """Return the figure of images (n, 784) with noise and restored: {name: (n, 784)}."""
    return shared.draw_rows(f"Images with noise of standard deviation {noise}, and their reconstructions", [
        ("original", original), ("noisy", noisy),
        *((name.replace(", ", ",\n"), outputs) for name, outputs in restored.items())])


def main(argv=None):
    """Train a network for each code and noise several times, print the table, draw.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    options, images, test_images = begin(__doc__, argv)
    epochs = 1 if options.quick else EPOCHS
    noisy = {noise: corrupt(test_images, noise) for noise in (CLEAN, *NOISES)}
    chosen = np.random.default_rng().choice(len(test_images), SHOWN, replace=False)
    restored = {noise: {} for noise in NOISES}

    def run():
        errors = []  # row of the table, noise, error
        for name, noises, model in train_all(images, epochs, progress):
            for noise in noises:
                outputs = model.predict(noisy[noise], batch_size=1000, verbose=0)
                errors.append([name, noise, mean_squared_error(test_images, outputs) ** 0.5])
                if noise:
                    restored[noise][name] = outputs[chosen]
        return errors

    with shared.progress(len(CODES) * len(noisy) * options.runs * epochs) as progress:
        runs = shared.repeat(options.runs, options, run)
    errors = collections.defaultdict(list)  # by row of the table and noise
    for noise in noisy:
        errors["noisy image", noise] = [mean_squared_error(test_images, noisy[noise]) ** 0.5]
        errors["clipped to [0, 1]", noise] = [mean_squared_error(test_images, np.clip(noisy[noise], 0, 1)) ** 0.5]
    for name, noise, error in itertools.chain(*runs):
        errors[name, noise].append(error)
    names = dict.fromkeys(name for name, _ in errors)
    shared.print_table([f"root mean square error, {shared.split_name(options)} images", "clean",
                        *(f"noise {noise}" for noise in NOISES)],
                       [[name, *(shared.mean_and_std(errors[name, noise], 4) if (name, noise) in errors else ""
                                 for noise in noisy)] for name in names])
    shared.present(lambda: {f"denoising_{noise}": draw(noise, test_images[chosen], noisy[noise][chosen], outputs)
                            for noise, outputs in restored.items()}, options)


if __name__ == "__main__":
    shared.run(main)
