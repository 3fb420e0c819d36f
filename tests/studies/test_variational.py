"""The formulas of docs/variational.md, on the study's own functions."""

from studies import variational

import numpy as np
import pytest
import tensorflow as tf

MEAN, STD = np.array([[0.3, -1.2, 0.0]]), np.array([[0.5, 1.7, 1.0]])
LOG_VARIANCE = 2 * np.log(STD)


@pytest.fixture
def noise():
    return np.random.default_rng().normal(size=(200_000, 3))


def log_normal(x, mean, std):
    return -0.5 * ((x - mean) / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)


def gaussian_divergence(mean, std, other_mean, other_std):
    return (np.log(other_std / std) - 0.5
            + (std**2 + (mean - other_mean) ** 2) / (2 * other_std**2))


def close(samples, expected):
    """Compare a mean with what it should be: five standard errors are exceeded once in 1.7 million times."""
    error = samples.std(0) / len(samples) ** 0.5
    return np.all(np.abs(samples.mean(0) - expected) < 5 * error)


@pytest.mark.parametrize("mean, std", [(0.4, 0.6), (-2.0, 1.5), (0.0, 1.0)])
def test_1_the_bound(mean, std):
    """In a model where all is known: z normal, x = w z + b + noise of standard deviation s."""
    w, b, s, x = 1.7, -0.4, 0.8, 1.3
    evidence = log_normal(x, b, np.hypot(w, s))
    posterior_std = 1 / np.sqrt(1 + (w / s) ** 2)
    posterior_mean = posterior_std**2 * w * (x - b) / s**2

    for z in (-1.0, 0.3, 2.0):  # Bayes' rule
        assert evidence == pytest.approx(log_normal(x, w * z + b, s) + log_normal(z, 0, 1)
                                         - log_normal(z, posterior_mean, posterior_std))

    def bound(mean, std):
        likelihood = log_normal(x, w * mean + b, s) - (w * std) ** 2 / (2 * s**2)  # its mean under q
        return likelihood - float(variational.kl_divergence(np.array([[mean]]), 2 * np.log([[std]]))[0])

    gap = gaussian_divergence(mean, std, posterior_mean, posterior_std)
    assert gap > 0
    assert bound(mean, std) + gap == pytest.approx(evidence)
    assert bound(posterior_mean, posterior_std) == pytest.approx(evidence)


def test_2_reconstruction():
    random = np.random.default_rng()
    x, y = random.integers(0, 2, (5, 784)).astype("float32"), random.uniform(0.01, 0.99, (5, 784)).astype("float32")
    direct = -np.log(np.where(x == 1, y, 1 - y)).sum(1)
    assert variational.reconstruction_loss(x, y).numpy() == pytest.approx(direct, rel=1e-4)


def test_3_divergence(noise):
    divergence = variational.kl_divergence(MEAN, LOG_VARIANCE).numpy()
    points = variational.sample(MEAN, LOG_VARIANCE, noise).numpy()
    assert close((log_normal(points, MEAN, STD) - log_normal(points, 0, 1)).sum(1), divergence)
    assert divergence == pytest.approx(gaussian_divergence(MEAN, STD, 0, 1).sum(1))
    assert variational.kl_divergence(np.zeros((2, 3)), np.zeros((2, 3))).numpy().tolist() == [0, 0]


def test_the_divergence_is_that_of_the_mixture_and_that_from_it():
    """The mean divergence of n Gaussians from the prior is at most ln n more than that of their mixture."""
    means, stds, x = np.array([-3.0, 0.5, 2.0]), np.array([0.2, 1.5, 0.4]), np.linspace(-15, 15, 30_001)
    densities = np.exp(log_normal(x, means[:, None], stds[:, None]))
    mixture, prior, step = densities.mean(0), np.exp(log_normal(x, 0, 1)), x[1] - x[0]

    def divergence(p, q):
        return np.sum(np.where(p > 0, p * (np.log(p + 1e-300) - np.log(q + 1e-300)), 0), axis=-1) * step

    from_mixture = divergence(densities, mixture).mean()
    assert 0 < from_mixture < np.log(3)
    assert from_mixture + divergence(mixture, prior) == pytest.approx(
        gaussian_divergence(means, stds, 0, 1).mean(), rel=1e-6)


def test_4_the_slope_of_the_divergence():
    mean, log_variance = tf.constant(MEAN), tf.constant(LOG_VARIANCE)
    with tf.GradientTape() as tape:
        tape.watch([mean, log_variance])
        divergence = variational.kl_divergence(mean, log_variance)
    slopes = tape.gradient(divergence, [mean, log_variance])
    assert slopes[0].numpy() == pytest.approx(MEAN)
    assert slopes[1].numpy() == pytest.approx((STD**2 - 1) / 2)


def test_5_draws(noise):
    points = variational.sample(MEAN, LOG_VARIANCE, noise).numpy()
    assert close(points, MEAN[0])
    assert close((points - MEAN) ** 2, STD[0] ** 2)


@pytest.mark.parametrize("f, by_mean, by_std", [
    (tf.square, lambda m, s: 2 * m, lambda m, s: 2 * s),
    (tf.exp, lambda m, s: np.exp(m + s**2 / 2), lambda m, s: s * np.exp(m + s**2 / 2)),
    (tf.sin, lambda m, s: np.cos(m) * np.exp(-(s**2) / 2), lambda m, s: -s * np.sin(m) * np.exp(-(s**2) / 2)),
])
def test_6_the_gradient_through_a_draw(f, by_mean, by_std, noise):
    m, s = 0.4, 0.7
    mean, std = tf.fill((len(noise), 1), tf.constant(m, tf.float64)), tf.fill((len(noise), 1),
                                                                                   tf.constant(s, tf.float64))
    with tf.GradientTape() as tape:
        tape.watch([mean, std])
        value = f(variational.sample(mean, 2 * tf.math.log(std), noise[:, :1]))
    slopes = [slope.numpy()[:, 0] for slope in tape.gradient(value, [mean, std])]
    assert close(slopes[0], by_mean(m, s)) and close(slopes[1], by_std(m, s))


def test_the_loss_is_the_sum_of_both_parts():
    encoder, decoder, model = variational.build_model(2)
    pixels = np.random.default_rng().integers(0, 2, (20, 784)).astype("float32")
    model.compile("sgd", variational.reconstruction_loss)
    model.train_on_batch(pixels, pixels)  # makes the metrics
    last, first = encoder.layers[-1], decoder.layers[0]
    last.kernel.assign(0 * last.kernel)
    last.bias.assign([6, 6, 0, 0])  # all far out, so that the divergence counts: 36
    first.kernel.assign(0 * first.kernel)  # the point that is drawn makes no difference
    losses = model.evaluate(pixels, pixels, verbose=0, return_dict=True)
    reconstruction, divergence = variational.negative_elbo(encoder, decoder, pixels)
    assert losses["kl_divergence"] == pytest.approx(divergence, rel=1e-5) and divergence == pytest.approx(36)
    assert losses["loss"] == pytest.approx(reconstruction + divergence, rel=1e-5)


def test_manifold_and_interpolation():
    """With networks that do nothing: the points are in the order of a map, and between the codes."""
    points = variational.manifold(lambda points: points).reshape(variational.GRID, variational.GRID, 2)
    assert np.all(np.diff(points[..., 0], axis=1) > 0) and np.all(np.diff(points[..., 1], axis=0) < 0)
    assert points.mean((0, 1)) == pytest.approx(0, abs=1e-6)
    assert np.mean(np.abs(points[0, :, 0]) < 0.6745) == 0.5  # half of the normal distribution
    start, end = np.array([1.0, 2, 0, 0]), np.array([3.0, -2, 0, 0])
    images = variational.interpolation(lambda images: images, lambda points: points, start, end)
    assert images[[0, -1]].tolist() == [[1, 2], [3, -2]]
    steps = len(images) - 1
    assert np.diff(images, axis=0) == pytest.approx(np.tile((end - start)[:2] / steps, (steps, 1)))


def test_the_vector_between_attributes():
    """It is found in codes that have the attribute in one dimension and the class in another."""
    random = np.random.default_rng()
    labels, attribute = np.arange(1000) % 10, random.normal(size=1000)
    quantity = attribute + 5 * labels  # a class may have more of it
    codes = np.stack([labels, 2 * attribute, np.zeros(1000)], axis=1)
    vector = variational.attribute_vector(codes, quantity, labels)
    assert vector == pytest.approx([0, 2 * 2 * (2 / np.pi) ** 0.5, 0], abs=0.35)
    images = variational.shifted(lambda images: images, lambda points: points, np.array([[1.0, 2, 0, 0]]), [0, -3])
    assert images.tolist() == [[1, -1]]
