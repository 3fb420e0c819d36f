"""A variational autoencoder of the bundle's digits (task 4 of the sheet).

    python -m studies.variational --figures figures   trains; saves the figures

The encoder maps a digit to a Gaussian distribution in the latent space. The decoder maps a point drawn from it to a
digit. All Gaussians together are to fill the standard normal distribution, so that points drawn from that decode to
digits, too. The formulas are derived in docs/variational.md.

On test digits the negative ELBO is 150 nats with 2 dimensions and 92 with 16. Of these, 6 and 25 are the KL divergence.
A vector between less and more slant, added to the codes of digits, raises the slant of what they decode to from 0.13 to
0.42 columns per row, and the ink from 13.2 to 14.0% only.
"""

from statistics import NormalDist

import common
from studies import datasets, latent_space, shared
from support import figures
from support.command_line import positive_integer

import keras
import numpy as np
from keras import layers, ops

MAP, LARGE = 2, 16  # dimensions of the two latent spaces: one that can be drawn as a map, and a larger one
EPOCHS = 500
BATCH_SIZE = 100
LEARNING_RATE = 2e-3
ROWS = 10  # of the table of a training
DRAWS = 20  # from the code of a digit, when the ELBO is measured
GRID = 16  # images along each axis of the manifold
STEPS = 10  # images of an interpolation, and of a row of samples
ATTRIBUTES = {"slant": latent_space.slant, "ink": lambda images: 100 * images.mean((1, 2, 3))}


def kl_divergence(mean, log_variance):
    """Return the Kullback-Leibler divergence of Gaussians from the standard normal distribution, in nats, (n,).

    mean, log_variance: (n, dimensions). Kingma and Welling (2014), appendix B.
    """
    return 0.5 * ops.sum(mean**2 + ops.exp(log_variance) - log_variance - 1, axis=-1)


def sample(mean, log_variance, noise):
    """Return points drawn from Gaussians, (n, dimensions), by the reparameterization trick.

    noise: drawn from the standard normal distribution, (n, dimensions).
    """
    return mean + ops.exp(log_variance / 2) * noise


def reconstruction_loss(images, probabilities):
    """Return the negative log-likelihood of images with pixels 0 or 1, in nats, (n,).

    images, probabilities: (n, 784).
    """
    return 784 * keras.losses.binary_crossentropy(images, probabilities)


class Sampling(layers.Layer):
    """Draw a point from the code of each image, and add the KL divergence of the codes to the loss of the model.

    Inputs are mean and log variance side by side, (n, 2 x dimensions); outputs are (n, dimensions).
    """

    def __init__(self, **options):
        super().__init__(**options)
        self.noise = keras.random.SeedGenerator()
        self.average = keras.metrics.Mean(name="kl_divergence")

    def call(self, code):
        mean, log_variance = ops.split(code, 2, axis=1)
        divergence = ops.mean(kl_divergence(mean, log_variance))
        self.add_loss(divergence)
        self.average.update_state(divergence)
        return sample(mean, log_variance, keras.random.normal(ops.shape(mean), seed=self.noise))


def build_model(dimensions):
    """Return the untrained encoder, decoder, and the model of both with `Sampling` between them.

    encoder: images (n, 784) to mean and log variance, (n, 2 x dimensions). decoder: points (n, dimensions) to the
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
    return encoder, decoder, keras.Sequential([encoder, Sampling(), decoder])


def train(model, digits, epochs, progress, distort=True):
    """Fit the model to `Digits`, slightly distorted if `distort`, and print the parts of the negative ELBO, in nats."""
    # Without distortion it overfits: with 2 dimensions, 188 nats on held-out digits instead of 156 after 300 epochs.
    flatten = keras.Sequential([layers.Input((28, 28, 1)), layers.Flatten()])
    distortion = common.Augmented(flatten, shift=0.7, affine=0.07, elastic=0.3, threshold_range=(0.35, 0.65),
                                  deskew=False)

    def distorted(images):
        pixels = distortion(images, training=True) if distort else flatten(images)
        return pixels, pixels

    def print_row(epoch, logs):
        if (epoch + 1) % max(1, epochs // ROWS) == 0:
            divergence = logs["kl_divergence"]
            progress.write(f"{epoch + 1:20d} {logs['loss'] - divergence:22.1f} {divergence:21.1f}")

    steps = len(digits.images) // BATCH_SIZE
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * steps)
    model.compile(keras.optimizers.Adam(schedule), reconstruction_loss, steps_per_execution=steps)
    stream = common.batches((digits.images,), BATCH_SIZE).map(distorted)
    model.fit(stream, epochs=epochs, steps_per_epoch=steps, verbose=0,
              callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=print_row), shared.progress_callback(progress)])


def negative_elbo(encoder, decoder, pixels):
    """Return reconstruction loss and KL divergence, the parts of the negative ELBO, of pixels (n, 784), in nats."""
    code = encoder(pixels)
    mean, log_variance = ops.split(code, 2, axis=1)
    draws = [sample(mean, log_variance, keras.random.normal(mean.shape)) for _ in range(DRAWS)]
    reconstruction = np.mean([reconstruction_loss(pixels, decoder(points)) for points in draws])
    return float(reconstruction), float(ops.mean(kl_divergence(mean, log_variance)))


def encode(encoder, pixels):
    """Return the means of the codes of pixels (n, 784), (n, dimensions)."""
    return np.split(np.asarray(encoder(pixels)), 2, axis=1)[0]


def manifold(decoder):
    """Return images over the 2-D space, (GRID x GRID, 784), row by row from the top left.

    They are at quantiles of the normal distribution, so that each stands for the same probability.
    """
    quantiles = [NormalDist().inv_cdf((number + 0.5) / GRID) for number in range(GRID)]
    return np.asarray(decoder(np.float32([(x, y) for y in reversed(quantiles) for x in quantiles])))


def interpolation(encoder, decoder, start, end):
    """Return the decoded images (STEPS, 784) of a linear interpolation between the codes of two images (784,)."""
    first, last = encode(encoder, np.stack([start, end]))
    return np.asarray(decoder(np.float32(np.linspace(first, last, STEPS))))


def attribute_vector(codes, quantity, labels):
    """Return the vector between an attribute and its opposite, (dimensions,): the difference of two means of codes.

    codes: (n, dimensions). The means are those of the digits that have more of the quantity (n,), and less, than the
    median of their class (labels, (n,)), so that the digit itself plays no part.
    """
    classes, members = np.unique(labels, return_inverse=True)
    medians = np.array([np.median(quantity[labels == label]) for label in classes])
    more = quantity > medians[members]
    return codes[more].mean(0) - codes[~more].mean(0)


def attribute_vectors(encoder, training):
    """Return the vector of each of `ATTRIBUTES` from training digits, `Digits`: {name: (dimensions,)}."""
    codes = encode(encoder, training.images.reshape(-1, 784))
    return {name: attribute_vector(codes, measure(training.images), training.labels)
            for name, measure in ATTRIBUTES.items()}


def shifted(encoder, decoder, pixels, vector):
    """Return the decoded images (n, 784) of the codes of pixels (n, 784) plus a vector (dimensions,)."""
    return np.asarray(decoder(np.float32(encode(encoder, pixels) + vector)))


def print_attributes(encoder, decoder, vectors, digits):
    """Print by how much each vector, added to or taken from the codes of digits, changes each attribute."""
    pixels = digits.images.reshape(-1, 784)

    def measured(vector):
        images = shifted(encoder, decoder, pixels, vector).reshape(-1, 28, 28, 1)
        return np.array([measure(images).mean() for measure in ATTRIBUTES.values()])

    shared.print_table(
        ["vector", *(f"{name}, {how}" for name in ATTRIBUTES for how in ("subtracted", "unchanged", "added"))],
        [[f"between less and more {name}", *(f"{value:.2f}" for value in np.transpose(
            [measured(sign * vector) for sign in (-1, 0, 1)]).ravel())] for name, vector in vectors.items()])


def draw_attributes(encoder, decoder, vectors, pixels):
    """Return the figure of digits (n, 784), and of what they decode to plus and minus each vector."""
    return shared.draw_rows("Digits decoded after a vector between two attributes is subtracted or added", [
        ("original", pixels), ("decoded", shifted(encoder, decoder, pixels, 0)),
        *((f"{'less' if sign < 0 else 'more'} {name}", shifted(encoder, decoder, pixels, sign * vector))
          for name, vector in vectors.items() for sign in (-1, 1))])


def draw(networks, digits):
    """Return the figures but that of attributes.

    networks: {dimensions: (encoder, decoder)}; digits: `Digits`, not trained on.
    """
    import matplotlib.pyplot as plt

    random = np.random.default_rng()
    pixels = digits.images.reshape(-1, 784)
    chosen = figures.one_of_each(digits.labels)
    start, end = pixels[random.choice(chosen, 2, replace=False)]
    pairs, samples = [("original", pixels[chosen])], []
    interpolations = [("pixels", np.linspace(start, end, STEPS))]
    for dimensions, (encoder, decoder) in networks.items():
        pairs.append((f"{dimensions} dimensions", np.asarray(decoder(encode(encoder, pixels[chosen])))))
        for _ in range(2):
            points = np.float32(random.normal(size=(STEPS, dimensions)))
            samples.append((f"{dimensions} dimensions", np.asarray(decoder(points))))
        interpolations.append((f"{dimensions} dimensions", interpolation(encoder, decoder, start, end)))

    encoder, decoder = networks[MAP]
    grid, panel = plt.subplots(figsize=(8, 8.4), layout="constrained")
    grid.suptitle("The space of two dimensions, decoded: each image stands for the same probability")
    panel.imshow(shared.tiled(manifold(decoder), GRID), cmap="gray_r", vmin=0, vmax=1)
    panel.set(xticks=[], yticks=[], xlabel="first dimension", ylabel="second dimension")

    cloud, panel = plt.subplots(figsize=(8, 7), layout="constrained")
    codes = encode(encoder, pixels)
    figures.scatter_digits(panel, codes, digits.labels)
    panel.set(title="The codes of digits outside of the training set (means of their Gaussians)", aspect="equal",
              xlabel="first dimension", ylabel="second dimension")
    return {"reconstructions": shared.draw_rows("Digits outside of the training set, and their reconstructions", pairs),
            "samples": shared.draw_rows("Generated digits: points drawn at random, decoded", samples),
            "manifold": grid, "codes": cloud,
            "interpolation": shared.draw_rows("From one digit to another: interpolation of pixels and of codes",
                                              interpolations)}


def main(argv=None):
    """Train a network for each latent space, print the parts of the negative ELBO, draw.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    shared.add_runs(parser, 1, "a fold of the training digits")
    parser.add_argument("--no-distortion", action="store_true", help="train on the digits as they are")
    parser.add_argument("--epochs", metavar="N", type=positive_integer, default=EPOCHS,
                        help=f"passes through the digits (default: {EPOCHS})")
    options = shared.parse(parser, argv)
    training, test = datasets.load_digits(options.validation, options.quick)
    epochs = 2 if options.quick else options.epochs
    rows, networks = [], {}
    with shared.progress(2 * options.runs * epochs) as progress:
        for dimensions in (MAP, LARGE):
            results = []
            for _ in range(options.runs):
                encoder, decoder, model = build_model(dimensions)
                progress.write(f"{dimensions:2d} dimensions: epoch   reconstruction, nats   KL divergence, nats")
                train(model, training, epochs, progress, not options.no_distortion)
                results.append([part for digits in (training, test)
                                for part in negative_elbo(encoder, decoder, digits.images.reshape(-1, 784))])
            networks[dimensions] = encoder, decoder
            rows.append([str(dimensions), *shared.summaries(results, 1)])
    print()
    shared.print_table(["dimensions", "training digits: reconstruction loss", "KL divergence",
                        f"{shared.split_name(options)} digits: reconstruction loss", "KL divergence, nats"], rows)
    print()
    encoder, decoder = networks[LARGE]
    vectors = attribute_vectors(encoder, training)
    print_attributes(encoder, decoder, vectors, test)

    def draw_all():
        sample_digits = test.images.reshape(-1, 784)[figures.one_of_each(test.labels)]
        return draw(networks, test) | {"attributes": draw_attributes(encoder, decoder, vectors, sample_digits)}

    shared.present(draw_all, options)


if __name__ == "__main__":
    shared.run(main)
