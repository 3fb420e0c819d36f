"""Denoising autoencoders of Fashion-MNIST: from a noisy image to the clean one (task 2 of the sheet).

    python -m studies.denoising --figures figures   trains; saves the figures

The autoencoders with three hidden layers of `fashion_autoencoder`, trained to reconstruct clean images from images with
Gaussian noise, which is drawn anew for each batch. The baselines are the noisy image itself, the noisy image clipped to
[0, 1], and an autoencoder trained without noise.

Root mean square error of test images with noise of standard deviation 0.3: 0.106 with a code of 64 numbers, 0.110 with
32, 0.129 for the autoencoder without noise. At 0.1 the bottleneck loses more of the image than the noise.
"""

from studies import datasets  # noqa: F401  isort: skip  (first: it is Keras's home folder)
import common  # first: it starts the clock and keeps TensorFlow quiet
from studies import shared
from studies.fashion_autoencoder import CODES, HIDDEN, build_autoencoder, squared_error, train

import keras
import numpy as np
from keras import layers

NOISES = [0.1, 0.2, 0.3]  # standard deviations, in units of the range from black to white
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
    """Return images with random Gaussian noise of that standard deviation on each pixel."""
    return images + np.random.default_rng().normal(0, noise, images.shape).astype(np.float32)


def main(argv=None):
    """Train a network for each code and noise several times, print the table, draw."""
    options, images, test_images = shared.begin_with_fashion(__doc__, argv)
    epochs = 1 if options.quick else EPOCHS
    noisy = {noise: corrupt(test_images, noise) for noise in NOISES}
    chosen = np.random.default_rng().choice(len(test_images), SHOWN, replace=False)
    errors, restored = {}, {}  # by row of the table and noise

    def measure(row, noise, outputs):
        errors.setdefault(row, {}).setdefault(noise, []).append(np.sqrt(squared_error(test_images, outputs)))
        restored[row, noise] = outputs[chosen]

    for noise in NOISES:
        measure("noisy image", noise, noisy[noise])
        measure("clipped to [0, 1]", noise, np.clip(noisy[noise], 0, 1))
    with shared.ProgressLine("epoch", len(CODES) * (1 + len(NOISES)) * options.runs * epochs) as progress:
        for code in CODES:
            for trained_with in (0, *NOISES):
                for _ in range(options.runs):
                    model = build_denoiser(code, trained_with)
                    train(model, images, images, epochs, [shared.progress_callback(progress)])
                    row = f"{'denoising' if trained_with else 'plain'} autoencoder, code of {code}"
                    for noise in [trained_with] if trained_with else NOISES:
                        measure(row, noise, model.predict(noisy[noise], batch_size=1000, verbose=0))
    shared.print_table([f"root mean square error, {shared.split(options)} images",
                        *(f"noise {noise}" for noise in NOISES)],
                       [[row, *(shared.mean_and_spread(of_row[noise], 4) for noise in NOISES)]
                        for row, of_row in errors.items()])
    shared.present(lambda: {f"denoising_{noise}": shared.draw_rows(
        f"Images with noise of standard deviation {noise}, and their reconstructions",
        [("original", test_images[chosen]), ("noisy", noisy[noise][chosen]),
         *((row.replace(", ", ",\n"), outputs) for (row, level), outputs in restored.items()
           if level == noise and "autoencoder" in row)]) for noise in NOISES}, options)


if __name__ == "__main__":
    common.run(main)
