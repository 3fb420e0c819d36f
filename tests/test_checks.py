"""What the grader reads in the source of a hand-in, and what it sees of its models."""

import sys
from collections import Counter

import pytest
from conftest import ROOT, SCRIPTS

sys.path.insert(0, str(ROOT / "tools"))

import alike
import keras
import runs
import source
import watch
from keras import layers, ops

CNN = "task3_cnn.py"


@pytest.mark.parametrize("text, count", [
    ("import tensorflow as tf\ntf.random.set_seed(3)", 1),
    ("import keras\nkeras.utils.set_random_seed(3)", 1),
    ("from keras.utils import set_random_seed as go\ngo(3)", 1),
    ("import numpy\nnumpy.random.seed(0)", 1),
    ("from numpy import random as r\nr.seed(0)", 1),
    ("import numpy as np\nnp.random.default_rng(5)", 1),
    ("import numpy as np\nnp.random.RandomState(5)", 1),
    ("import random\nrandom.seed(2)", 1),
    ("from random import Random\nRandom('x')", 1),
    ("import keras\nkeras.layers.Dropout(0.5, seed=7)", 1),
    ("import keras\nkeras.initializers.GlorotUniform(seed=(1, 2))", 1),
    ("import tensorflow as tf\ntf.random.stateless_normal((3,), (1, 2))", 1),
    ("import tensorflow as tf\ntf.config.experimental.enable_op_determinism()", 1),
    ("import os\nos.environ['PYTHONHASHSEED'] = '0'", 1),
    ("import tensorflow as tf\nd.shuffle(100, seed=1).batch(3)", 1),
    ("d.shuffle(100, 7)", 1),
    ("from random import *\nseed(42)", 1),
    ("import random\nr = random.Random()\nr.seed(5)", 1),
    ("import keras\nkeras.initializers.HeNormal(42)", 1),
    ("import numpy as np\ns = np.random.seed\ns(0)", 1),
    ("import functools, tensorflow as tf\nfunctools.partial(tf.random.set_seed, 3)()", 1),
    ("import os\nos.environ.update(PYTHONHASHSEED='0')", 1),
    ("import keras\nSEED = 3\nkeras.layers.Dropout(0.5, seed=SEED)", 1),
    ("import keras\ndef build(seed=3):\n    keras.layers.Dropout(0.5, seed=seed)", 1),
    ("import keras\ndef build(seed=None):\n    keras.layers.Dropout(0.5, seed=seed)", 0),
    ("import keras\ng = keras.random.SeedGenerator()\nkeras.random.normal((2,), seed=g)", 0),
    ("import random, time\nrandom.seed(time.time_ns())", 0),
    ("import numpy as np\nfrom settings import SEED\nnp.random.seed(SEED)", 1),
    ("import numpy as np\nnp.random.default_rng(args.seed)", 1),
    ("import random\nSEED: int = 42\nrandom.seed(SEED)", 1),
    ("import numpy as np\nA, SEED = 1, 40 + 2\nnp.random.seed(SEED)", 1),
    ("import numpy as np\nfor seed in range(3):\n    np.random.seed(seed)", 1),
    ("rng.shuffle(x, 0)\nrng.shuffle(images, batch)", 0),
    ("from keras.layers import *\nseed = None\nDropout(0.5, seed=seed)", 0),
    ("import numpy as np\nnp.random.default_rng(np.random.SeedSequence())", 0),
    ("import tensorflow as tf\ntf.random.Generator.from_non_deterministic_state()", 0),
    ("import numpy as np\nnp.random.default_rng()\nnp.random.seed()", 0),
    ("import keras\nkeras.layers.Dropout(0.5, seed=None)", 0),
    ("# set_seed(3)\ntext = 'np.random.seed(0)'\nseed = 5\nprint(seed)", 0),
    ("plant.seed('wheat')", 0),
])
def test_seeds_are_found_in_the_syntax_tree(text, count):
    assert len(list(source.find_seeds(source.ast.parse(text)))) == count


def test_seeds_are_found_in_modules_beside_the_script():
    files = {CNN: b"import helper.nets", "x.py": b"(",
             "helper/nets.py": b"import keras\nkeras.utils.set_random_seed(1)"}
    assert "helper/nets.py, line 2" in source.check_source(files, CNN)["no random seeds"]
    assert source.check_source({CNN: b"import ("}, CNN)[source.SEEDS].startswith("not checked")
    files = {CNN: b"import lib.net", "lib/net.py": b"", "old/lib/net.py": b"import random\nrandom.seed(1)"}
    assert not source.check_source(files, CNN)[source.SEEDS].startswith("failed")
    files = {CNN: b"if 0: import junk\nfrom lib import net", "junk.py": b"(" * 1000,
             "lib/net.py": b"from . import seeding", "lib/seeding.py": b"import random\nrandom.seed(1)"}
    assert "lib/seeding.py, line 2" in source.check_source(files, CNN)[source.SEEDS]
    assert "junk.py" in source.check_source({**files, "lib/seeding.py": b""}, CNN)[source.SEEDS]


@pytest.mark.parametrize("text, part", [
    ("model.fit(x, y, validation_data=(u, v))", "line 1: validation_data, which may choose by the test digits"),
    ("keras.callbacks.ModelCheckpoint('w', save_best_only=True)", "save_best_only"),
    ("keras.callbacks.EarlyStopping(restore_best_weights=False)", ""),
    ("getattr(np.random, 'seed')(0)", "the text 'seed'"),
    ("layers.Dropout(0.5, **{'seed': 1})", "the text 'seed'"),
    ("exec('import random; random.' + 'seed(1)')", "exec, which may run code"),
    ("model.compile('adam')", ""),
    ("import pickle", "pickle, which may bring trained weights"),
    ("w = np.load('w.npz')", "np.load"),
    ("w = '" + "qAx" * 1000 + "'", "a text of 3,000 characters"),
    ("w = [" + "0.5, " * 3000 + "]", "3,000 numbers"),
    ("rates = [0.1, 0.01]", ""),
])
def test_hints(text, part):
    found = source.hints({CNN: text.encode()}, CNN)
    assert any(part in line for line in found) if part else found == []


def test_files_that_are_not_python_are_hints():
    files = {CNN: b"", "README.md": b"how to run it", "notes.txt": bytes(5000), "w.npz": b"x"}
    assert source.hints(files, CNN) == ["notes.txt: a file of 5,000 bytes that is not Python",
                                        "w.npz: a file of 1 bytes that is not Python"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_source_of_the_bundle_passes(script):
    files = runs.bundle_files(*SCRIPTS)
    assert set(source.check_source(files, script).values()) == {"passed"}
    assert source.options_of(files, script) == {"--dataset", "--test", "--predictions"}
    shared = set(runs.bundle_files().values())
    assert source.hints(files, script, shared) == []
    files["support/folds.py"] += b"#"  # known is what is the same to the last byte
    assert source.hints(files, script, shared) == [
        "support/folds.py, line 3: subprocess, which may run code that is not there to read"]

# ------------------------------------------------------------------------------------------------------------- models


def autoencoder(thought, digit=None, in_one=False):
    """Return a model like task 2's; thought: a function of the image; digit: what the classifier reads.

    in_one: whether the encoder is a model of its own within this one.
    """
    image = layers.Input((28, 28, 1))
    vector = layers.Activation("linear", name="thought_vector")(thought(layers.Flatten()(image)))
    if in_one:
        encoder, image = keras.Model(image, vector), layers.Input((28, 28, 1))
        vector = encoder(image)
    reconstruction = layers.Reshape((28, 28, 1))(layers.Dense(784, activation="sigmoid")(vector))
    seen = vector if digit is None else digit(image, vector)
    return keras.Model(image, {"reconstruction": reconstruction, "digit": layers.Dense(10)(seen)})


@pytest.mark.parametrize("model, failed", [
    (lambda: autoencoder(layers.Dense(256, "tanh")), []),
    (lambda: autoencoder(lambda x: layers.BatchNormalization()(layers.Dense(256, "tanh")(x))), ["in [-1, 1]"]),
    (lambda: autoencoder(layers.Dense(256, kernel_initializer="zeros")), ["in [-1, 1]"]),
    (lambda: autoencoder(keras.Sequential([layers.Dense(256) for _ in range(12)] + [layers.Activation("tanh")])), []),
    (lambda: autoencoder(layers.Dense(256, "tanh"), in_one=True), []),
    (lambda: autoencoder(layers.Dense(100, "tanh")), ["of 256"]),
    (lambda: autoencoder(layers.Dense(256, "sigmoid"), lambda image, vector: layers.Flatten()(image)), ["only"]),
    (lambda: autoencoder(layers.Dense(256, "tanh"), lambda image, vector: layers.Concatenate()(
        [vector, layers.GlobalMaxPooling2D()(image)])), ["only"]),
], ids=["honest", "normalized", "linear", "deep", "nested", "too short", "from the image", "also from the image"])
def test_thought_vectors(model, failed):
    findings = watch.check_thought_vector(model())
    assert len(findings) == 3
    for name, finding in findings.items():
        assert finding.startswith("failed" if any(name.endswith(end) for end in failed) else "passed"), name


def test_thought_vector_within_a_nested_autoencoder():
    """The decoder comes by way of a model in the model; a way past the thought vector in it is found as well."""
    for passes_by in False, True:
        vector = layers.Input((256,))
        decoder = keras.Model(vector, layers.Dense(784)(vector))
        image = layers.Input((784,))
        encoder = keras.Model(image, layers.Dense(256, "tanh", name="thought_vector")(image))
        copy = decoder(encoder(image))
        both = keras.Model(image, layers.Concatenate()([copy, image]) if passes_by else copy)
        outer = layers.Input((784,))
        findings = watch.check_thought_vector(keras.Model(outer, [both(outer), layers.Dense(10)(encoder(outer))]))
        assert findings[watch.ONLY].startswith("failed" if passes_by else "passed")
        assert findings[watch.SIZE] == findings[watch.RANGE] == "passed"


def test_thought_vector_that_cannot_be_found():
    model = keras.Sequential([layers.Input((28, 28, 1)), layers.Dense(1)])
    assert all(finding.startswith("not checked") for finding in watch.check_thought_vector(model).values())


class Own(layers.Layer):
    """A convolution that is not one of Keras's layers."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, 2, 2))

    def call(self, x):
        return ops.conv(x, self.kernel)


@pytest.mark.parametrize("script, body, name, start", [
    ("task3", lambda: [layers.Conv2D(2, 3)], watch.CONVOLUTION, "passed"),
    ("task3", lambda: [keras.Sequential([layers.SeparableConv2D(2, 3)])], watch.CONVOLUTION, "passed"),
    ("task3", lambda: [layers.Dense(3)], watch.CONVOLUTION, "failed"),
    ("task4", lambda: [layers.Reshape((28, 28)), layers.Bidirectional(layers.GRU(4))], watch.RECURRENT, "passed"),
    ("task4", lambda: [layers.Dense(3)], watch.RECURRENT, "failed"),
    ("task4", lambda: [layers.Reshape((28, 28)), layers.GRU(4)], watch.NO_CONVOLUTION, "passed"),
    ("task4", lambda: [layers.ConvLSTM1D(2, 3)], watch.NO_CONVOLUTION, "failed"),
    ("task4", lambda: [layers.Lambda(lambda x: ops.image.extract_patches(x, 4)), layers.Reshape((49, 16)),
                       layers.LSTM(4)], watch.NO_CONVOLUTION, "passed"),
    ("task4", lambda: [layers.Dense(2), Own(), layers.Reshape((676, 2)), layers.LSTM(4)], watch.NO_CONVOLUTION,
     "failed: Conv2D"),
])
def test_layers(script, body, name, start):
    model = keras.Sequential([layers.Input((28, 28, 1)), *body(), layers.Flatten(), layers.Dense(10, "softmax")])
    assert watch.check_models([model], script)[name].startswith(start)


def test_several_models():
    """A needed layer counts in any of the models that predict, a forbidden one too."""
    plain, other = (keras.Sequential([layers.Input((28, 28, 1)), *body]) for body in (
        [layers.Reshape((28, 28)), layers.GRU(3)], [layers.Conv2D(2, 3)]))
    found = watch.check_models([plain, other], "task4")
    assert found[watch.RECURRENT] == "passed" and found[watch.NO_CONVOLUTION].startswith("failed")
    assert watch.check_models([object()], "task3")[watch.CONVOLUTION].startswith("not checked")

# -------------------------------------------------------------------------------------------------- the same as others


def test_scripts_that_are_alike():
    """Names, numbers and comments aside; what was handed out does not count, and short scripts are left alone."""
    script = "\n".join(f"model.layer_{number}(units, {number})" for number in range(20))
    renamed = script.replace("model", "net").replace("units", "width") + "\n# mine\nnet.more()"
    scripts = {"original": script, "renamed": renamed, "other": script.replace("layer", "block"), "short": "f()\n" * 9,
               "broken": "def ("}
    counted = {name: alike.statements({CNN: text.encode()}, CNN) for name, text in scripts.items()}
    found = alike.hints(counted, {"solution": counted["other"]}, Counter())
    assert found["original"] == ["100% of its 20 statements are as in renamed (names and numbers aside)"]
    assert found["renamed"] == ["95% of its 21 statements are as in original (names and numbers aside)"]
    assert found["other"] == ["100% of its 20 statements are as in the known solution (names and numbers aside)"]
    assert found["short"] == found["broken"] == []
    assert not any(alike.hints(counted, {}, counted["original"] + counted["other"]).values())
