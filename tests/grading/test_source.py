"""What the grader reads in the source of a hand-in."""

from grading import source
from measuring.runs import bundle_files

import pytest
from conftest import SCRIPTS
from handins import CNN


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
    files = bundle_files(*SCRIPTS)
    assert set(source.check_source(files, script).values()) == {"passed"}
    assert source.options_of(files, script) == {"--dataset", "--test", "--predictions"}
    shared = set(bundle_files().values())
    assert source.hints(files, script, shared) == []
    files["support/script.py"] += b"#"  # known is what is the same to the last byte
    changed = source.hints(files, script, shared)
    assert changed and all(hint.startswith("support/script.py, line ") for hint in changed)
    assert any("subprocess, which may run code that is not there to read" in hint for hint in changed)
