"""What the specification lets a checker rely on, for all four models."""

import importlib
import subprocess
import sys

import common
from grading import audits
from project import TASKS
from support.data_file import write_predictions

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import DATASET, ROOT, SCRIPTS


@pytest.fixture(scope="module", params=SCRIPTS)
def task(request):
    return importlib.import_module(request.param.removesuffix(".py"))


@pytest.fixture(scope="module")
def model(task):
    return task.build_model()


@pytest.fixture(scope="module")
def images():
    return common.read_digits(DATASET, 0, 50).images


def layers_of(model):
    """Return all layers, those inside of other layers included."""
    return [layer for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]


def outputs_of(model, images, **options):
    return {name: np.asarray(value) for name, value in common.as_dictionary(model(images, **options)).items()}


def test_input_and_outputs(task, model, images):
    assert model.input_shape == (None, 28, 28, 1)
    outputs = model(images)
    if task.__name__.startswith("task1"):
        assert outputs.shape == images.shape
    elif task.__name__.startswith("task2"):
        assert set(outputs) == {"reconstruction", "digit"}
        assert outputs["reconstruction"].shape == images.shape and outputs["digit"].shape == (50, 10)
    else:
        assert outputs.shape == (50, 10)
    for name, values in outputs_of(model, images).items():
        assert values.dtype == np.float32 and values.min() >= 0 and values.max() <= 1
        if name == "digit":
            assert values.sum(1) == pytest.approx(1, abs=1e-5)


def test_parameters(task, model):
    assert 0 < model.count_params() <= TASKS[f"{task.__name__}.py"].parameters
    assert f" {model.count_params()} " in task.__doc__  # what the script says of itself is true


def test_prediction_is_deterministic(model, images):
    first, second = outputs_of(model, images), outputs_of(model, images)
    alone = outputs_of(model, images[:1])
    for name, values in first.items():
        assert np.array_equal(values, second[name])
        assert values[:1] == pytest.approx(alone[name], abs=1e-5)  # no digit depends on its neighbours in the batch


def test_two_models_differ(task):
    """No seeds: two models do not start from the same weights."""
    first, second = task.build_model(), task.build_model()
    assert any(not np.array_equal(a, b) for a, b in zip(first.get_weights(), second.get_weights()))


def test_thought_vector(task, model, images):
    if not task.__name__.startswith(("task1", "task2")):
        assert "thought_vector" not in [layer.name for layer in model.layers]
        return
    thought = model.get_layer("thought_vector").output
    assert thought.shape == (None, 256)
    encoder = keras.Model(model.input, thought)
    rng = np.random.default_rng()
    for tried in (images, 1 - images, 1000 * rng.normal(size=images.shape), -1e6 * images):
        values = np.asarray(encoder(np.float32(tried)))
        assert np.abs(values).max() <= 1
    # Keras refuses to build this model if the outputs depend on anything but the thought vector.
    rest = keras.Model(thought, model.output)
    for name, values in common.as_dictionary(rest(encoder(images))).items():
        assert np.asarray(values) == pytest.approx(outputs_of(model, images)[name], abs=1e-5)


def test_predictions_carry_the_errors(task, model, tmp_path):
    """What `--predictions` saves is enough to measure the errors elsewhere."""
    digits = common.read_digits(DATASET, 0, 50)
    path = tmp_path / "predictions.txt"
    outputs = common.predict(model, digits.images)
    write_predictions(path, outputs)
    truth = audits.Digits([str(label) for label in digits.labels],
                          ["".join(map(str, image.astype(int).flat)) for image in digits.images])
    measured = audits.measure(path.read_text(), truth, task.__name__[:5])
    assert measured == pytest.approx(list(common.errors(digits, outputs).values())) and any(measured)


def test_types_of_layers(task, model):
    types = {type(layer).__name__ for layer in layers_of(model)}
    convolutions = {name for name in types if "Conv" in name}
    recurrent = types & {"GRU", "LSTM", "SimpleRNN", "RNN"}
    if task.__name__.startswith("task3"):
        assert convolutions
    if task.__name__.startswith("task4"):
        assert recurrent and not convolutions


def test_distortion_is_random_only_in_training(images):
    distortion = common.RandomDistortion(28, deskew=False)
    first, second = np.asarray(distortion(images, training=True)), np.asarray(distortion(images, training=True))
    assert first.shape == images.shape and not np.array_equal(first, second)
    assert np.minimum(np.abs(first), np.abs(first - 1)).max() < 1e-6
    assert 0.5 < first.sum() / images.sum() < 2  # they are still digits
    count = common.RandomDistortion.AUGMENTATIONS
    augmented = np.asarray(distortion(images)).reshape(50, count, *images.shape[1:])
    assert np.array_equal(augmented, np.asarray(distortion(images)).reshape(augmented.shape))
    inner = np.s_[:, :-1, :-1]  # the last row and column are read from just inside the image
    assert np.array_equal(augmented[:, 0][inner], images[inner])
    assert all(not np.array_equal(augmented[:, number], images) for number in range(1, count))


def test_distortion_by_nothing_changes_nothing(images):
    distortion = common.RandomDistortion(28, shift=0, affine=0, elastic=0, stroke=0.4, deskew=False)
    inner = np.s_[:, :-1, :-1]
    assert np.array_equal(np.asarray(distortion(images, training=True))[inner], images[inner])


def test_distortion_keeps_the_middle(images):
    """A smaller result is the middle of the larger one, whatever the distortion."""
    small, large = common.RandomDistortion(), common.RandomDistortion(28)
    assert small(images, training=True).shape == small.compute_output_shape(images.shape) == (50, 22, 22, 1)
    weights = np.random.default_rng(1).normal(size=(50, 2, len(small.fields))).astype(np.float32)
    middle = np.asarray(large.warp(images, weights, 0.5))[:, 3:-3, 3:-3]
    assert np.mean(np.asarray(small.warp(images, weights, 0.5)) != middle) < 1e-4  # rounding at the threshold


def slants(images):
    """Return the covariance of x and y of each image (n, 28, 28, 1), divided by the variance of y."""
    y, x = np.mgrid[:28, :28]
    points = [np.cov(y.ravel(), x.ravel(), aweights=image.ravel()) for image in np.asarray(images, float)]
    return np.array([covariance[0, 1] / covariance[0, 0] for covariance in points])


def test_deskewing_undoes_a_slant(images):
    """The identity among the augmentations is upright, whichever way a digit was slanted before."""
    upright = common.RandomDistortion(28)
    count = common.RandomDistortion.AUGMENTATIONS
    deskewed = np.asarray(upright(images))[::count]
    assert np.abs(slants(deskewed)).mean() < 0.2 * np.abs(slants(images)).mean()
    weights = np.zeros((len(images), 2, len(upright.fields)), np.float32)
    weights[:, 1, 1] = 0.2 / 0.12  # reads each pixel 0.2 columns further to the right for each row downwards
    slanted = common.RandomDistortion(28, deskew=False).warp(images, weights, 0.5)
    assert (slants(slanted) < slants(images) - 0.1).all()
    again = np.asarray(upright(slanted))[::count]
    assert np.mean(again != deskewed) < 0.5 * np.mean(np.asarray(slanted) != images)


def test_a_distorted_pixel_depends_on_four_pixels(images):
    """In the sensitivity maps, no pixel counts for what it does to the deskewing of all others."""
    pixels = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        one = common.RandomDistortion()(pixels)[:: common.RandomDistortion.AUGMENTATIONS, 4, 11, 0]
    counts = np.count_nonzero(tape.gradient(one, pixels), axis=(1, 2, 3))
    assert counts.min() >= 1 and counts.max() <= 4


@pytest.mark.parametrize("pixels", ["none", "a row", "a point"])
def test_deskewing_takes_any_image(pixels):
    image = np.zeros((1, 28, 28, 1), np.float32)
    image[0, 14, {"none": [], "a row": slice(5, 20), "a point": 14}[pixels]] = 1
    assert np.array_equal(np.asarray(common.RandomDistortion()(image))[0], image[0, 3:-3, 3:-3])


def test_halves_are_the_whole(images):
    """A training in halves trains the same weights, and predicts what the model does."""
    model = importlib.import_module("task3_cnn").build_model()
    halves = common.InHalves(model)
    assert np.asarray(halves(images)) == pytest.approx(np.asarray(model(images)), abs=1e-5)
    assert [id(weight) for weight in halves.trainable_weights] == [id(weight) for weight in model.trainable_weights]


def test_mean_over_augmentations(images):
    augmented = np.asarray(common.RandomDistortion(28)(images[:3])).reshape(-1, 784)
    means = np.asarray(common.AugmentationMean()(augmented))
    assert means == pytest.approx(augmented.reshape(3, -1, 784).mean(1), abs=1e-6)
    assert np.array_equal(common.AugmentationMean()(augmented, training=True), augmented)


def test_batch_normalization_is_keras_own():
    ours, theirs = common.BatchNormalization(), keras.layers.BatchNormalization()
    values = np.random.default_rng().normal(3, 2, (8, 5, 5, 4)).astype(np.float32)
    for training in (True, False):
        assert np.asarray(ours(values, training=training)) == pytest.approx(
            np.asarray(theirs(values, training=training)), abs=1e-2)  # ours keeps the unbiased variance, 200/199
    for mine, yours in zip(ours.weights, theirs.weights):
        assert np.asarray(mine) == pytest.approx(np.asarray(yours), rel=1e-2)


def test_frozen_batch_normalization_does_not_change():
    layer = common.BatchNormalization()
    layer.build((None, 5, 5, 4))
    layer.trainable = False
    before = layer.get_weights()
    layer(np.ones((8, 5, 5, 4), np.float32), training=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights()))


def test_the_parts_of_task_2_do_not_disturb_each_other(monkeypatch):
    """The image part is still exact after the training of the digit part, which has weight decay."""
    task2 = importlib.import_module("task2_multitask")
    monkeypatch.setattr(task2, "EPOCHS", 1)
    monkeypatch.setattr(task2, "STEPS_PER_EPOCH", 5)
    model = task2.build_model()
    digits = common.read_digits(DATASET, 0, 200)
    task2.train(model, digits)
    assert common.errors(digits, common.predict(model, digits.images))["reconstruction"] == 0


@pytest.mark.parametrize("script", SCRIPTS[1:])
def test_few_digits_take_the_same_steps(script, monkeypatch):
    """The number of epochs does not depend on the number of digits, even if these are fewer than a batch."""
    task, seen = importlib.import_module(script.removesuffix(".py")), []
    monkeypatch.setattr(task, "EPOCHS", 3)
    monkeypatch.setattr(task, "STEPS_PER_EPOCH", 1)
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    task.train(task.build_model(), common.read_digits(DATASET, 0, 30), [count])
    assert seen == [0, 1, 2]


def test_distinct_patches(images):
    cut = images.reshape(-1, 14, 2, 14, 2).swapaxes(2, 3).reshape(-1, 4)
    patches = common.distinct_patches(images)
    assert patches.shape[1:] == (2, 2, 1)
    assert sorted(patches.reshape(-1, 4).tolist()) == np.unique(cut, axis=0).tolist()


LOAD = """
import sys, importlib, numpy, {script}, common, keras
model = keras.models.load_model(sys.argv[1])
numpy.savez(sys.argv[2], **common.predict(model, common.read_digits(common.DATASET, 0, 50).images))
"""


def test_a_saved_model_predicts_the_same_elsewhere(task, model, images, tmp_path):
    """It is loaded in a process that has only imported the script."""
    model.save(tmp_path / "model.keras")
    subprocess.run([sys.executable, "-c", LOAD.format(script=task.__name__), tmp_path / "model.keras",
                    tmp_path / "outputs.npz"], check=True, cwd=ROOT)
    loaded = np.load(tmp_path / "outputs.npz")
    expected = outputs_of(model, images)
    assert set(loaded) == set(expected)
    for name, values in expected.items():
        assert loaded[name] == pytest.approx(values, abs=1e-5)


def test_task_1_is_exact_and_learns():
    """No restart is exact before the training; after it the best one is, for every pattern."""
    task1 = importlib.import_module("task1_autoencoder")
    patches = np.float32(np.arange(16)[:, None] >> np.arange(4) & 1)
    wrong = np.round(task1.build_restarts()(patches)) != patches[:, None]
    assert wrong.any((0, 2)).all()
    model = task1.build_model()
    task1.train(model, common.read_digits(DATASET, 0, 100))
    canvas = np.zeros((16, 28, 28, 1), np.float32)
    canvas[:, 10:12, 10:12, 0] = patches.reshape(16, 2, 2)
    assert np.array_equal(np.round(model(canvas)), canvas)
