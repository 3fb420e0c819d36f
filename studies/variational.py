"""A variational autoencoder of the bundle's digits (task 4 of the sheet).

    python -m studies.variational --figures figures   trains; saves the figures

An encoder makes of each digit not a place in a latent space but a Gaussian in it, a decoder makes a digit of each place
drawn from it, and all Gaussians together are to fill one of deviation 1 around the origin: so that what is decoded from
there is a digit again. The formulas are derived in docs/variational.md.

On test digits the objective is 149 nats with 2 dimensions and 91 with 16, of which 6 and 25 are the divergence.
"""

from statistics import NormalDist

import common  # first: it starts the clock and keeps TensorFlow quiet
from studies import shared

import keras
import numpy as np
from keras import layers, ops

LATENTS = [2, 16]  # dimensions of the two latent spaces
EPOCHS = 500
BATCH_SIZE = 100
LEARNING_RATE = 2e-3
ROWS = 10  # of the table of a training
DRAWS = 20  # from the code of a digit, when the objective is measured
GRID = 16  # images along each axis of the manifold
STEPS = 10  # images of a walk, and of a row of samples


def divergence(mean, log_variance):
    """Return the Kullback-Leibler divergence of Gaussians from the one of mean 0 and deviation 1, in nats, (n,).

    mean, log_variance: of each dimension, (n, dimensions). Kingma and Welling (2014), appendix B.
    """
    return 0.5 * ops.sum(mean**2 + ops.exp(log_variance) - log_variance - 1, axis=-1)


def sample(mean, log_variance, noise):
    """Return places drawn from Gaussians, (n, dimensions), as a smooth function of mean and log variance.

    noise: numbers drawn from the normal distribution, (n, dimensions).
    """
    return mean + ops.exp(log_variance / 2) * noise


def surprise(images, probabilities):
    """Return the negative logarithm of the probability of images of pixels 0 or 1, in nats, (n,).

    images, probabilities: (n, 784).
    """
    return 784 * keras.losses.binary_crossentropy(images, probabilities)


class Code(layers.Layer):
    """Draw a place from the code of each image, and add the codes' divergence to the loss of the model.

    Takes mean and log variance side by side, (n, 2 x dimensions); returns (n, dimensions).
    """

    def __init__(self, **options):
        super().__init__(**options)
        self.noise = keras.random.SeedGenerator()
        self.average = keras.metrics.Mean(name="divergence")

    def call(self, code):
        mean, log_variance = ops.split(code, 2, axis=1)
        found = ops.mean(divergence(mean, log_variance))
        self.add_loss(found)
        self.average.update_state(found)
        return sample(mean, log_variance, keras.random.normal(ops.shape(mean), seed=self.noise))


def build_model(dimensions):
    """Return the untrained encoder, decoder, and both in a row around a `Code`.

    encoder: images (n, 784) to mean and log variance, (n, 2 x dimensions). decoder: places (n, dimensions) to the
    probabilities of pixels, (n, 784).
    """
    encoder = keras.Sequential([
        layers.Input((784,)),
        layers.Dense(512, activation="relu"),
        layers.Dense(256, activation="relu"),
        layers.Dense(2 * dimensions),
    ])
    decoder = keras.Sequential([
        layers.Input((dimensions,)),
        layers.Dense(256, activation="relu"),
        layers.Dense(512, activation="relu"),
        layers.Dense(784, activation="sigmoid"),
    ])
    return encoder, decoder, keras.Sequential([encoder, Code(), decoder])


def train(model, digits, epochs, progress):
    """Fit the model to digits, `common.Digits`, and print the two parts of its objective from time to time.

    The digits are a little distorted, anew each time.
    """
    # Else it learns them by heart: with 2 dimensions 188 nats for held-back digits in place of 156, after 300 epochs.
    distortion = common.Distortion(shift=0.7, affine=0.07, elastic=0.3, stroke=0.15)

    def distorted(images):
        pixels = ops.reshape(distortion(images, training=True), (-1, 784))
        return pixels, pixels

    def print_row(epoch, logs):
        if (epoch + 1) % max(1, epochs // ROWS) == 0:
            progress.clear()
            print(f"{epoch + 1:20d} {logs['loss'] - logs['divergence']:22.1f} {logs['divergence']:18.1f}", flush=True)

    steps = len(digits.images) // BATCH_SIZE
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * steps)
    model.compile(keras.optimizers.Adam(schedule), surprise, steps_per_execution=steps)
    stream = common.batches((digits.images,), BATCH_SIZE).map(distorted)
    model.fit(stream, epochs=epochs, steps_per_epoch=steps, verbose=0,
              callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=print_row), progress.callback()])


def objective(encoder, decoder, pixels):
    """Return the two parts of the objective on pixels (n, 784), reconstruction and divergence, in nats a digit."""
    code = encoder(pixels)
    mean, log_variance = ops.split(code, 2, axis=1)
    draws = [sample(mean, log_variance, keras.random.normal(mean.shape)) for _ in range(DRAWS)]
    reconstruction = np.mean([surprise(pixels, decoder(places)) for places in draws])
    return float(reconstruction), float(ops.mean(divergence(mean, log_variance)))


def encode(encoder, pixels):
    """Return the means of the codes of pixels (n, 784), (n, dimensions)."""
    return np.split(np.asarray(encoder(pixels)), 2, axis=1)[0]


def manifold(decoder):
    """Return images over the 2-D space, (GRID x GRID, 784), row by row from the top left.

    They stand at quantiles of the normal distribution, so that each has an equal share of it.
    """
    quantiles = [NormalDist().inv_cdf((number + 0.5) / GRID) for number in range(GRID)]
    return np.asarray(decoder(np.float32([(x, y) for y in reversed(quantiles) for x in quantiles])))


def walk(encoder, decoder, start, end):
    """Return the images (STEPS, 784) on a straight way between the codes of two images (784,)."""
    first, last = encode(encoder, np.stack([start, end]))
    return np.asarray(decoder(np.float32(np.linspace(first, last, STEPS))))


def draw(networks, digits):
    """Return the figures. networks: {dimensions: (encoder, decoder)}; digits: `common.Digits`, not trained on."""
    import matplotlib.pyplot as plt

    random = np.random.default_rng()
    pixels = digits.images.reshape(-1, 784)
    chosen = common.one_of_each(digits.labels)
    start, end = pixels[random.choice(chosen, 2, replace=False)]
    pairs, samples = [("original", pixels[chosen])], []
    walks = [("pixels", np.linspace(start, end, STEPS))]
    for dimensions, (encoder, decoder) in networks.items():
        pairs.append((f"{dimensions} dimensions", np.asarray(decoder(encode(encoder, pixels[chosen])))))
        for _ in range(2):
            places = np.float32(random.normal(size=(STEPS, dimensions)))
            samples.append((f"{dimensions} dimensions", np.asarray(decoder(places))))
        walks.append((f"{dimensions} dimensions", walk(encoder, decoder, start, end)))

    encoder, decoder = networks[2]
    grid, panel = plt.subplots(figsize=(8, 8.4), layout="constrained")
    grid.suptitle("The space of two dimensions, decoded: each image stands for an equal share of it")
    panel.imshow(shared.tiled(manifold(decoder), GRID), cmap="gray_r", vmin=0, vmax=1)
    panel.set(xticks=[], yticks=[], xlabel="first dimension", ylabel="second dimension")

    cloud, panel = plt.subplots(figsize=(8, 7), layout="constrained")
    codes = encode(encoder, pixels)
    common.scatter_digits(panel, codes, digits.labels)
    panel.set(title="The codes of digits that it has not seen (means of their Gaussians)", aspect="equal",
              xlabel="first dimension", ylabel="second dimension")
    return {"reconstructions": shared.draw_rows("Digits that it has not seen, and their reconstructions", pairs),
            "samples": shared.draw_rows("Digits that there have never been: decoded places drawn at random", samples),
            "manifold": grid, "codes": cloud,
            "walk": shared.draw_rows("From one digit to another: pixels faded over, and a way through latent space",
                                     walks)}


def main():
    """Train a network for each latent space, print the parts of the objective, draw."""
    parser = shared.parser(__doc__)
    shared.add_runs(parser, 1, "a fifth of the training digits takes the place of the test digits")
    options = shared.parse(parser)
    training, test = shared.digits(options.validation)
    epochs = 2 if options.quick else EPOCHS
    rows, networks = [], {}
    with shared.Progress("epoch", len(LATENTS) * options.runs * epochs) as progress:
        for dimensions in LATENTS:
            results = []
            for _ in range(options.runs):
                encoder, decoder, model = build_model(dimensions)
                progress.clear()
                print(f"{dimensions:2d} dimensions: epoch   reconstruction, nats   divergence, nats", flush=True)
                train(model, training, epochs, progress)
                results.append([part for digits in (training, test)
                                for part in objective(encoder, decoder, digits.images.reshape(-1, 784))])
            networks[dimensions] = encoder, decoder
            rows.append([str(dimensions), *shared.summaries(results, 1)])
    print()
    shared.print_table(["dimensions", "training digits: reconstruction", "divergence",
                        f"{shared.kind(options)} digits: reconstruction", "divergence, nats"], rows)
    shared.present(lambda: draw(networks, test), options)


if __name__ == "__main__":
    common.run(main)
