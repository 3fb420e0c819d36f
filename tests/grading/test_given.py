"""Which models predicted the test digits: told by the pixels that they were given."""

from types import SimpleNamespace

from grading import audits, given, models, watch

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import DATASET
from handins import run_warm
from keras import layers

DATA = audits.Data.read(DATASET)
PIXELS = np.array([[*map(int, row)] for row in DATA.test.pixels[:40]], "float32").reshape(-1, 28, 28)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    path = tmp_path_factory.mktemp("given") / "dataset.txt"
    path.write_bytes(DATA.training.file() + DATA.test.file())
    return given.Digits(path, None, len(DATA.test.labels))


@pytest.mark.parametrize("change", [
    lambda x: x, lambda x: 255 * x, lambda x: 2 * x - 1, lambda x: 1 - x, lambda x: x.reshape(-1, 784), lambda x: x > 0,
    lambda x: x[..., None], lambda x: x[:, None], lambda x: np.repeat(x[..., None], 3, -1), tf.constant,
    lambda x: np.pad(x, ((0, 0), (2, 2), (2, 2))), lambda x: 1 - np.pad(x, ((0, 0), (2, 2), (2, 2))),
    lambda x: (x - 0.13) / 0.34, lambda x: x.transpose(0, 2, 1), lambda x: {"image": x}, lambda x: x[::-1],
], ids=["0/1", "0/255", "-1/1", "inverted", "flat", "bool", "channel last", "channel first", "three channels", "tensor",
        "padded", "padded and inverted", "standardized", "columns", "a dictionary", "another order"])
def test_test_digits_are_told_whatever_the_scale_and_shape(change, digits):
    assert digits.tell(change(PIXELS)) == (40, 1, 0)


def test_what_else_a_model_is_given(digits):
    training = np.array([[*map(int, row)] for row in DATA.training.pixels[:40]])
    assert digits.tell(training) == (40, 0, 1)
    assert digits.tell(np.concatenate([training[:20], PIXELS[:20].reshape(20, 784)]))[1:] == (3 / 7, 4 / 7)
    assert digits.tell(PIXELS + np.random.default_rng().normal(size=PIXELS.shape)) == (40, 0, 0)
    assert digits.tell(tf.data.Dataset.from_tensors(PIXELS)) == (given.MANY, 0, 0)
    assert digits.tell(np.zeros((40, 256))) == (40, 0, 0) and digits.tell(layers.Input((784,)))[0] == 0


def asked(*arguments, units=10, digits=None, evaluated=False):
    """Return what a small model was given: (rows, share of test digits, share of training digits) each."""
    model = keras.Sequential([layers.Input((784,)), layers.Dense(units)])
    seen = given.Given(model)
    for told, began in arguments:
        seen.add(PIXELS.reshape(-1, 784), told, began, evaluated)
    return seen


def test_which_models_count():
    """Those that were given the test digits, and what comes after them; a teacher is a hint."""
    student, teacher = asked(((1000, 1, 0), False)), asked(((1000, 0, 1), False), units=20)
    decoder = asked(((1000, 0, 0), True), units=7)
    before = asked(((1000, 0, 0), False), units=30)
    chosen, told = given.those_that_predict([student, teacher, decoder, before], 1000)
    assert chosen == [student, decoder] and told == [student]
    report = models.count_weights([student, teacher, decoder, before], chosen, told)
    assert (report["parameters"], report["untrained"]) == (785 * 17, 0)
    assert report[models.HELPED].startswith("hint: 15,700, 23,550 weights of models that were given digits")


def test_where_it_cannot_be_told_all_that_predicted_count():
    one, other = asked(((1000, 0, 0), False)), asked(((1000, 0, 0), False), units=20)
    chosen, told = given.those_that_predict([one, other, asked(((1000, 0, 1), False))], 1000)
    assert chosen == [one, other] and not told
    assert models.count_weights([], chosen, told)["together"] == 785 * 30
    assert models.count_weights([], [one], told)["parameters"] == 7850


def test_models_that_are_only_evaluated_are_not_added_up():
    """Three tries, each with an error of its own, are no ensemble; three that predict may be one."""
    for evaluated, count in (True, 7850), (False, 3 * 7850):
        seen = [asked(((1000, 1, 0), False), evaluated=evaluated) for _ in range(3)]
        assert models.count_weights(seen, seen, True)["parameters"] == count


def test_weights_that_a_prediction_does_not_use_do_not_count():
    """A distiller has its teacher as a part."""
    class Distiller(keras.Model):
        def __init__(self):
            super().__init__()
            self.student, self.teacher = layers.Dense(10), layers.Dense(99)

        def call(self, x):
            return self.student(x)

    model = Distiller()
    model.teacher.build((None, 784))
    model(PIXELS.reshape(-1, 784))
    seen = SimpleNamespace(model=model, example=PIXELS.reshape(-1, 784), combined=True, rows=lambda: 1000)
    assert model.count_params() == 785 * 109 and models.count_weights([seen], [seen], True)["parameters"] == 7850



def test_a_number_beside_the_images(digits):
    """It has no rows, wherever it stands, and the graph is made with it."""
    class Weighed(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(10)

        def call(self, pair):
            return pair[1] * self.dense(pair[0]) if pair[0].shape.rank else pair[0] * self.dense(pair[1])

    images, half = tf.constant(PIXELS.reshape(-1, 784)), tf.constant(0.5)
    for argument in (images, half), (half, images):
        model = Weighed()
        model(argument)
        seen = given.Given(model)
        seen.add(argument, digits.tell(argument), False, False)
        assert seen.test == 40 and sorted(leaf.ndim for leaf in seen.example) == [0, 2]
        assert len(models.trace(model, seen.example).variables) == 2


def test_nothing_that_watches_raises_within_the_script():
    class Broken:
        def __fspath__(self):
            raise ValueError

        def __call__(self, images):
            return images

    watcher = watch.Watcher("test.txt", None)  # no digits, so that nothing can be told
    watcher.patched = {"keras", "tensorflow"}  # as they are here they stay
    watcher.hook("open", [Broken()])
    watcher._patch_method(Broken, "__call__")
    assert Broken()(7) == 7

# -------------------------------------------------------------------------------------------------------- gradients


WAYS = {
    "a tape": "with tf.GradientTape() as t: y = v * v\nt.gradient(y, v)",
    "a tape in a function": "@tf.function\ndef f():\n  with tf.GradientTape() as t: y = v * v\n"
                            "  return t.gradient(y, v)\nf()",
    "jacobian": "with tf.GradientTape() as t: y = v * v\nt.jacobian(y, v)",
    "forward mode": "x = tf.constant(1.0)\nwith tf.autodiff.ForwardAccumulator(x, x) as a: y = x * x\na.jvp(y)",
    "tf.gradients": "with tf.Graph().as_default():\n  x = v1.placeholder(tf.float32)\n  tf.gradients(x * x, x)",
    "tf.gradients of tf.scan": "with tf.Graph().as_default():\n  x = v1.placeholder(tf.float32, [3])\n"
                               "  tf.gradients(tf.scan(lambda a, b: a * b, x), x)",
    "tf.gradients of tf.while_loop": "with tf.Graph().as_default():\n  x = v1.placeholder(tf.float32)\n"
                                     "  tf.gradients(tf.while_loop(lambda y: y < 9., lambda y: y * y, [x]), x)",
    "v1 optimizer": "with tf.Graph().as_default():\n  x = v1.get_variable('x', [])\n"
                    "  v1.train.AdagradOptimizer(1.).minimize(x * x)",
    "v1 optimizer in eager code": "v1.train.MomentumOptimizer(0.1, 0.9).minimize(lambda: v * v, var_list=[v])",
    "none": "v.assign_sub(0.1 * v)",
}


def test_every_way_to_a_gradient_is_noticed(tmp_path):
    """All of them in one process, which is forked: TensorFlow stays as it is here."""
    ways = ["import sys", f"sys.path.insert(0, {str(watch.__file__).rpartition('/grading/')[0]!r})",
            "from grading import watch", "import tensorflow as tf", "v1 = tf.compat.v1", "v = tf.Variable(2.0)",
            "watcher = watch.Watcher(None, None)", "watcher.patch_tensorflow(tf)",
            f"for name, way in {WAYS!r}.items():", "    watcher.gradients = False",
            "    exec(way, dict(globals()))", "    print(name, watcher.gradients, sep=': ')"]
    (tmp_path / "ways.py").write_text("\n".join(ways))
    ran = run_warm(tmp_path, "ways.py")
    assert ran.stdout.splitlines() == [f"{name}: {name != 'none'}" for name in WAYS], ran.stderr
