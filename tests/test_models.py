"""What the specification lets a checker rely on, for all four models."""

import importlib
import itertools

import common
from grading import audits
from project import TASKS
from support.data_file import write_predictions

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import DATASET, ROOT, SCRIPTS, without_graphs
from handins import run_warm


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
    measured = audits.measure(path.read_text(), truth, TASKS[f"{task.__name__}.py"].errors)
    assert measured == pytest.approx(list(common.errors(digits, outputs).values())) and any(measured)


def test_types_of_layers(task, model):
    names = [type(layer).__name__ for layer in layers_of(model)]
    convolutions = [name for name in names if "Conv" in name]
    recurrent = [name for name in names if name in ("GRU", "LSTM", "SimpleRNN", "RNN")]
    assert len(recurrent) == (4 if task.__name__.startswith("task4") else 0) and bool(convolutions) == (not recurrent)


def test_directions_of_task_4():
    """Half of the units have read the columns to the left of where they stand, the other half those to the right."""
    task4, maps = importlib.import_module("task4_rnn"), keras.Input((2, 5, 3))
    layer = keras.Model(maps, task4.renet_layer(maps))
    x = np.random.default_rng(0).normal(size=(1, 2, 5, 3)).astype("float32")
    changed = np.repeat(x, 5, axis=0)
    for column in range(5):
        changed[column, 0, column] += 1  # in the first row
    differs = np.abs(layer(changed) - layer(x)).reshape(5, 2, 5, 2, task4.UNITS) > 1e-6
    assert not differs[:, 1].any()  # rows know nothing of each other
    read_by = differs[:, 0].all(-1)  # (column that was changed, column that reads, direction)
    assert np.array_equal(read_by[..., 0], np.triu(np.ones((5, 5), bool)))
    assert np.array_equal(read_by[..., 1], np.tril(np.ones((5, 5), bool)))
    assert np.array_equal(read_by, differs[:, 0].any(-1))


def test_task_2_consists_of_tasks_1_and_3():
    """A script is read alone, so the same networks stand in two; nothing may be mended in one only."""
    one, two, three = (importlib.import_module(name).build_model() for name in (
        "task1_autoencoder", "task2_multitask", "task3_cnn"))

    def settings(layers):
        return [{name: value for name, value in layer.get_config().items() if name != "name"} for layer in layers]

    decoder = keras.Model(two.input, two.get_layer("reconstruction").output)
    assert settings(decoder.layers[1:]) == settings(one.layers[1:])
    classifiers = [layer for model in (two, three) for layer in model.layers if isinstance(layer, common.Augmented)]
    assert classifiers[0].settings == classifiers[1].settings
    of_two, of_three = (settings(classifier.layer.layers) for classifier in classifiers)
    assert of_two == of_three and len(of_two) > 10


def test_no_convolution_in_the_graph_of_task_4():
    """Neither in its layers nor in what Keras makes of them; the frames are cut out of the image without one."""
    model = importlib.import_module("task4_rnn").build_model()
    graph = tf.function(lambda images: model(images, training=False)).get_concrete_function(
        tf.TensorSpec([2, 28, 28, 1])).graph.as_graph_def()
    kinds = {node.op for nodes in (graph.node, *(function.node_def for function in graph.library.function))
             for node in nodes}
    assert "MatMul" in kinds or "BatchMatMulV2" in kinds
    assert not {kind for kind in kinds if "Conv" in kind or "Patches" in kind}


def test_frames_overlap(images):
    """Each frame is a square of 4x4 pixels, row by row, and begins 3 pixels behind the one before."""
    task4 = importlib.import_module("task4_rnn")
    frames = np.asarray(task4.cut_into_frames(images[:2, 3:25, 3:25])).reshape(2, 7, 7, 4, 4)
    for row, column in itertools.product(range(7), repeat=2):
        top, left = 3 + 3 * row, 3 + 3 * column
        assert np.array_equal(frames[:, row, column], images[:2, top : top + 4, left : left + 4, 0])


def augmented(size=28, **options):
    """Return an Augmented layer around a network that returns the pixels that it sees, (n, size x size)."""
    see = keras.Sequential([keras.layers.Input((size, size, 1)), keras.layers.Flatten()])
    return common.Augmented(see, **options)


def distort(images, weights, threshold=0.5, size=28, **options):
    """Return images distorted by the fields with weights (n, 2, fields)."""
    thresholds = np.full((len(images), 1), threshold, np.float32)
    return np.asarray(augmented(size, **options).warp(images, np.float32(weights), thresholds))


def test_distortion_is_random_only_in_training(images):
    layer = augmented(deskew=False)
    first, second = (np.asarray(layer(images, training=True)).reshape(images.shape) for _ in range(2))
    assert not np.array_equal(first, second)
    assert np.minimum(np.abs(first), np.abs(first - 1)).max() < 1e-6
    assert 0.5 < first.sum() / images.sum() < 2  # they are still digits
    assert np.array_equal(layer(images), layer(images))


def test_distortion_by_nothing_changes_nothing(images):
    layer = augmented(shift=0, affine=0, elastic=0, deskew=False)
    inner = np.s_[:, :-1, :-1]  # the last row and column are read from just inside the image
    assert np.array_equal(np.reshape(layer(images, training=True), images.shape)[inner], images[inner])


def test_prediction_is_the_mean_over_distorted_copies(images):
    layer = augmented(copies=5)
    copies = [layer.warp(images, np.repeat(weights[None], 50, 0), np.repeat(threshold[None], 50, 0))
              for weights, threshold in zip(layer.copy_weights, layer.copy_thresholds)]
    assert all(not np.array_equal(copy, other) for copy, other in itertools.combinations(copies, 2))
    assert np.asarray(layer(images)) == pytest.approx(np.mean(copies, axis=0).reshape(50, 784), abs=1e-6)


def test_one_copy_is_the_deskewed_image(images):
    upright = distort(images, np.zeros((50, 2, 10)))
    assert np.array_equal(np.reshape(augmented(copies=1)(images), images.shape), upright)


def test_copies_are_spread_evenly():
    """In every dimension, and no two of them are alike: the mean over them is close to the mean over all."""
    points = common.spread_points(16, 21)
    assert points.shape == (16, 21) and points.min() > 0 and points.max() < 1
    assert np.abs(points.mean(0) - 0.5).max() < 0.1
    assert all(np.abs(np.sort(column) - (np.arange(16) + 0.5) / 16).max() < 0.2 for column in points.T)
    assert np.array_equal(points, common.spread_points(16, 21))


def test_distortion_keeps_the_middle(images):
    """A network that sees less sees the middle, whatever the distortion."""
    weights = np.random.default_rng(1).normal(size=(50, 2, 10))
    middle = distort(images, weights)[:, 3:-3, 3:-3]
    assert np.mean(distort(images, weights, size=22) != middle) < 1e-4  # rounding at the threshold


def slants(images):
    """Return the covariance of x and y of each image (n, 28, 28, 1), divided by the variance of y."""
    y, x = np.mgrid[:28, :28]
    points = [np.cov(y.ravel(), x.ravel(), aweights=image.ravel()) for image in np.asarray(images, float)]
    return np.array([covariance[0, 1] / covariance[0, 0] for covariance in points])


def test_deskewing_undoes_a_slant(images):
    """A digit is upright, whichever way it was slanted before."""
    weights = np.zeros((50, 2, 10))
    deskewed = distort(images, weights)
    assert np.abs(slants(deskewed)).mean() < 0.2 * np.abs(slants(images)).mean()
    weights[:, 1, 1] = 0.2 / 0.12  # reads each pixel 0.2 columns further to the right for each row downwards
    slanted = distort(images, weights, deskew=False)
    assert (slants(slanted) < slants(images) - 0.1).all()
    again = distort(slanted, 0 * weights)
    assert np.mean(again != deskewed) < 0.5 * np.mean(slanted != images)


@pytest.mark.parametrize("pixels", ["none", "a row", "a point"])
def test_deskewing_takes_any_image(pixels):
    image = np.zeros((1, 28, 28, 1), np.float32)
    image[0, 14, {"none": [], "a row": slice(5, 20), "a point": 14}[pixels]] = 1
    assert np.array_equal(distort(image, np.zeros((1, 2, 10)))[:, :27, :27], image[:, :27, :27])


def test_a_gradient_reaches_the_image(images):
    """A layer in front of the distortion can learn."""
    pixels = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        ink = tf.reduce_sum(augmented()(pixels, training=True))
    assert np.count_nonzero(tape.gradient(ink, pixels)) > 1000


def test_halves_are_the_whole(images):
    """A training in halves trains the same weights, and predicts what the model does."""
    model = importlib.import_module("task3_cnn").build_model()
    halves = common.InHalves(model)
    assert np.asarray(halves(images)) == pytest.approx(np.asarray(model(images)), abs=1e-5)
    assert [id(weight) for weight in halves.trainable_weights] == [id(weight) for weight in model.trainable_weights]


@pytest.mark.parametrize("many", [10_000, 6], ids=["few", "many"])
@pytest.mark.parametrize("size", [3, 7, 20])
def test_batches(many, size, monkeypatch):
    """Rows stay together; each is drawn about as often as the others, and not always in the same order."""
    monkeypatch.setattr(common, "MANY", many)
    rows = np.arange(7)
    batches = common.batches((tf.constant(rows, tf.float32), rows ** 2), size)  # a tensor will do as well
    drawn = [(first.numpy(), second.numpy()) for first, second in itertools.islice(batches, 14)]
    assert all(len(first) == size and np.array_equal(first ** 2, second) for first, second in drawn)
    counts = np.bincount(np.concatenate([first for first, _ in drawn]).astype(int), minlength=7)
    if many < 7 and size == 3:  # of many rows, those that do not fill a batch are left out, others each time
        assert counts.sum() == 42 and counts.min() > 0
    else:
        assert set(counts) == {2 * size}
    assert len({tuple(first) for first, _ in drawn}) > 3


def test_odd_batches_in_halves(images):
    model = importlib.import_module("task3_cnn").build_model()
    halves = common.InHalves(model)
    halves.compile("sgd", "sparse_categorical_crossentropy")
    for count in (1, 5):
        assert np.isfinite(halves.train_on_batch(images[:count], np.arange(count)))
        assert halves(images[:count]).shape == (count, 10)
    halves.fit(images[:5], np.arange(5), batch_size=4, verbose=0)  # the last batch is of one digit
    assert np.isfinite(halves(images[:5])).all()


def test_batch_normalization_is_keras_own():
    ours, theirs = common.BatchNormalization(), keras.layers.BatchNormalization(momentum=0.9)
    values = np.random.default_rng().normal(3, 2, (8, 5, 5, 4)).astype(np.float32)
    for training in (True, False):
        assert np.asarray(ours(values, training=training)) == pytest.approx(
            np.asarray(theirs(values, training=training)), abs=1e-2)  # ours keeps the unbiased variance, 200/199
    for other in {"scale": False}, {"center": False}, {"axis": 1}:
        with pytest.raises(ValueError, match="center and scale"):
            common.BatchNormalization(**other)
    for mine, yours in zip(ours.weights, theirs.weights):
        assert np.asarray(mine) == pytest.approx(np.asarray(yours), rel=1e-2)


def test_frozen_batch_normalization_does_not_change():
    layer = common.BatchNormalization()
    layer.build((None, 5, 5, 4))
    layer.trainable = False
    before = layer.get_weights()
    layer(np.ones((8, 5, 5, 4), np.float32), training=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights()))


@pytest.fixture(scope="module")
def trained_task2():
    """Return task 2's module and its model after a training of five steps, and the digits it was trained on."""
    task2 = importlib.import_module("task2_multitask")
    model, digits = task2.build_model(), common.read_digits(DATASET, 0, 200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task2, "EPOCHS", 1)
        patch.setattr(task2, "STEPS_PER_EPOCH", 5)
        task2.train_autoencoder(model, digits)
        with without_graphs():
            task2.train_classifier(model, digits)
    return task2, model, digits


def test_the_autoencoder_of_task_2_stays_exact(trained_task2):
    """The training of the classifier, which has weight decay, does not touch it."""
    _, model, digits = trained_task2
    assert common.errors(digits, common.predict(model, digits.images))["reconstruction"] == 0


def test_both_heads_of_task_2_read_the_same_thought_vector(trained_task2):
    """What a teacher would ask: one encoder, and each number that changes one output can change the other as well."""
    _, model, digits = trained_task2
    thought = model.get_layer("thought_vector").output
    assert len([layer for layer in model.layers if layer.name == "encoder"]) == 1
    rest = keras.Model(thought, model.output)  # refused by Keras if there were another way from the image
    vector = keras.Model(model.input, thought).predict(digits.images[:1], verbose=0)
    changed = np.concatenate([vector, *(np.where(np.eye(256) > 0, value, vector) for value in (-0.9, 0.1, 0.9))])
    outputs = common.predict(rest, np.float32(changed))
    reads = {name: (np.abs(values - values[0]).reshape(1 + 3 * 256, -1)[1:].max(1) > 1e-6).reshape(3, 256).any(0)
             for name, values in outputs.items()}
    inner = np.zeros((16, 16), bool)
    inner[1:-1, 1:-1] = True  # the outer numbers encode padding, which is cropped
    assert np.array_equal(reads["reconstruction"], inner.ravel())
    assert np.array_equal(reads["digit"], reads["reconstruction"])


@pytest.mark.parametrize("script", SCRIPTS[1:])
def test_few_digits_take_the_same_steps(script, monkeypatch):
    """The number of epochs does not depend on the number of digits, even if these are fewer than a batch."""
    task, seen = importlib.import_module(script.removesuffix(".py")), []
    monkeypatch.setattr(task, "EPOCHS", 3)
    monkeypatch.setattr(task, "STEPS_PER_EPOCH", 1)
    monkeypatch.setattr(task, "AUTOENCODER_STEPS", 1, raising=False)
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    with without_graphs():
        task.train(task.build_model(), common.read_digits(DATASET, 0, 30), [count])
    assert seen == [0, 1, 2]


def test_distinct_patches(images):
    cut = images.reshape(-1, 14, 2, 14, 2).swapaxes(2, 3).reshape(-1, 4)
    patches = common.distinct_patches(images)
    assert patches.shape[1:] == (2, 2, 1)
    assert sorted(patches.reshape(-1, 4).tolist()) == np.unique(cut, axis=0).tolist()


LOAD = """
import sys, numpy, keras, common, task1_autoencoder, task2_multitask, task3_cnn, task4_rnn
images = common.read_digits(common.DATASET, 0, 10).images
for path in sys.argv[1:]:
    numpy.savez(f"{path}.npz", **common.as_dictionary(keras.models.load_model(path)(images)))
"""


def test_saved_models_predict_the_same_elsewhere(images, tmp_path):
    """They are loaded in a process that has only imported the scripts."""
    models = {script: importlib.import_module(script.removesuffix(".py")).build_model() for script in SCRIPTS}
    paths = [tmp_path / f"{script}.keras" for script in SCRIPTS]
    for path, model in zip(paths, models.values()):
        model.save(path)
    (tmp_path / "load.py").write_text(LOAD)
    run_warm(ROOT, tmp_path / "load.py", *paths).check_returncode()
    for path, model in zip(paths, models.values()):
        loaded, expected = np.load(f"{path}.npz"), outputs_of(model, images[:10])
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
