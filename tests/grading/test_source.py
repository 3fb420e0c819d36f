"""What the grader reads in the source of a hand-in."""

import contextlib
import inspect

from grading import seeds, source, watch
from measuring.runs import bundle_files

import keras
import pytest
import tensorflow as tf
from conftest import SCRIPTS
from handins import CNN

SET = "import tensorflow as tf, random\ntf.random.set_seed("
PARSED = "import tensorflow as tf\nparser.add_argument('--seed', type=int, default"
OBJECT = "import numpy as np\nclass A:\n    def __init__(self, seed"


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
    ("import tensorflow as tf\nd.shuffle(100, seed=1).batch(3)", 1),
    ("d.shuffle(100, 7)", 1),
    ("from random import *\nseed(42)", 1),
    ("import random\nr = random.Random()\nr.seed(5)", 1),
    ("import keras\nkeras.initializers.HeNormal(42)", 1),
    ("import numpy as np\ns = np.random.seed\ns(0)", 1),
    ("import functools, tensorflow as tf\nfunctools.partial(tf.random.set_seed, 3)()", 1),
    ("import keras\nSEED = 3\nkeras.layers.Dropout(0.5, seed=SEED)", 1),
    ("import keras\ndef build(seed=3):\n    keras.layers.Dropout(0.5, seed=seed)\nbuild()", 1),
    ("import keras\ndef build(seed=None):\n    keras.layers.Dropout(0.5, seed=seed)", 0),
    ("import keras\ng = keras.random.SeedGenerator()\nkeras.random.normal((2,), seed=g)", 0),
    ("import random, time\nrandom.seed(time.time_ns())", 0),
    ("import numpy as np\nfrom settings import SEED\nnp.random.seed(SEED)", 1),
    ("import numpy as np\nnp.random.default_rng(args.seed)", 1),
    ("import numpy as np\nparser.add_argument('--seed', type=int)\nnp.random.default_rng(args.seed)", 0),
    ("import numpy as np\nparser.add_argument('--seed', default=3)\nnp.random.default_rng(args.seed)", 1),
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
    ("import tensorflow as tf\nnn, rnd = tf.nn, tf.random\nrnd.set_seed(1200)", 1),
    ("import tensorflow as tf\nlib = tf\nr = lib.random\nr.set_seed(1200)", 1),
    ("import tensorflow as tf\nclass A:\n    def f(self):\n        self.r = tf.random\n        self.r.set_seed(1)", 1),
    ("import tensorflow as tf\ntf.random.truncated_normal([5], 0.0, 0.2, tf.float32, 11)", 1),
    ("import tensorflow as tf\ntf.random.truncated_normal([5], 0.0, 0.2, tf.float32, None)", 0),
    ("import tensorflow as tf\ntf.compat.v1.random_normal([5], 0, 1, tf.float32, 11)", 1),
    ("import tensorflow as tf\ntf.nn.dropout(x, 0.5, None, 7)", 1),
    ("import tensorflow as tf\ntf.split(x, 2)\ntf.random.shuffle(x)\ntf.random.uniform([2], 0, 1)", 0),
    ("from tensorflow.keras.layers import Dropout\nDropout(0.5, None, 7)", 1),
    ("import keras\nkeras.random.shuffle(x, 0)\nkeras.random.shuffle(x, 0, 3)", 1),
    ("import tensorflow as tf, time\ntf.random.set_seed(int(time.time()))", 0),
    ("import tensorflow as tf, time\nnow = int(time.time())\ntf.random.set_seed(now)", 0),
    ("import tensorflow as tf\ntf.random.set_seed(number)", 1),
    ("import tensorflow as tf\ntf.image.stateless_random_crop(x, (24, 24), seed)", 0),
    ("import tensorflow as tf\ntf.image.stateless_random_crop(x, (24, 24), (1, 2))", 1),
    ("draw.stateless_normal((3,), (1, 2))", 1),
    ("class Field:\n    def seed(self, count): pass\nField().seed(3)", 0),
    ("class Settings:\n    seed: int = 0\nSettings(seed=3)", 0),
    ("import keras\ndef noise(seed): return keras.random.normal((2,), seed=seed)\nnoise(seed=3)", 1),
    ("import numpy as np\nfor child in np.random.SeedSequence().spawn(3):\n    np.random.default_rng(child)", 0),
    ("import random\nstate = random.getstate()\nrandom.setstate(state)", 0),
    (f"{PARSED}=None)\nif args.seed is not None: tf.random.set_seed(args.seed)", 0),
    (f"{PARSED}=3)\ntf.random.set_seed(args.seed)", 1),
    (f"{SET}random.randrange(2**32))", 0), (f"import numpy as np\n{SET}np.random.randint(99))", 0), (f"{SET}None)", 0),
    (f"{SET}1)", 1), (f"s = 3\n{SET}s)", 1), (f"s = abs(3)\n{SET}s)", 1), ("game.set_state(3)", 0),
    (f"{OBJECT}=None): self.seed = seed\n    def f(self): np.random.default_rng(self.seed)", 0),
    (f"{OBJECT}=3): self.seed = seed\n    def f(self): np.random.default_rng(self.seed)", 1),
    (f"{OBJECT}=None): self.seed = seed\n    def f(self): np.random.default_rng(self.seed)\nA(3)", 1),
    ("import numpy as np\ndef demo(seed=0): pass\ndef f(seed=None): np.random.default_rng(seed)", 0),
    ("import numpy as np\ndef f(seed=None): np.random.default_rng(seed)\nf(3)", 1),
])
def test_seeds_are_found_in_the_syntax_tree(text, count):
    assert len(list(source.find_seeds(source.ast.parse(text)))) == count


@pytest.mark.parametrize("text, why", [
    ("import tensorflow as tf\ntf.config.experimental.enable_op_determinism()", "is no seed by itself"),
    ("import os\nos.environ['PYTHONHASHSEED'] = '0'", "is no seed by itself"),
    ("import os\nos.environ.update(PYTHONHASHSEED='0')", "is no seed by itself"),
    ("import random\ndef repeat():\n    random.seed(1)", "in a function that nothing calls, repeat"),
    ("import random\nstate = random.getstate()\nrandom.setstate(state)", "may go on with earlier random numbers"),
    ("import random, time\nrandom.seed(time.time())", "another one in each run"),
    (f"{SET}random.randrange(2**32))", "another one in each run"), (f"{SET}None)", "is None unless something else"),
    (f"{PARSED}=None)\ntf.random.set_seed(args.seed)", "is None unless something else"),
])
def test_what_looks_like_a_seed_is_a_hint(text, why):
    tree = source.ast.parse(text)
    assert not list(source.find_seeds(tree)) and [why in found for _, found in source.find_doubtful(tree)] == [True]


def test_a_seed_in_the_main_part_of_a_module_is_a_hint():
    files = {CNN: b"import nets", "nets.py": b"import random\nif __name__ == '__main__':\n    random.seed(1)"}
    assert source.check_source(files, CNN)[source.SEEDS] == "passed"
    assert "not run when the module is imported" in source.hints(files, CNN)[0]
    assert "nets.py, line 3" in source.check_source({**files, CNN: b"import nets\nnets.random.seed(1)"} | {
        "nets.py": b"import random\n\nrandom.seed(1)"}, CNN)[source.SEEDS]


def test_positions_of_seeds_are_those_of_the_signatures():
    """The grader imports no TensorFlow, so it has them in a table."""
    v1, real = tf.compat.v1, {}
    modules = {"": [tf, v1], "random": [tf.random, v1.random], "nn": [tf.nn, v1.nn], "image": [tf.image, v1.image],
               "experimental": [tf.random.experimental, tf.nn.experimental], "keras.random": [keras.random],
               "initializers": [keras.initializers, v1.initializers], "layers": [keras.layers]}
    for module, name in ((module, name) for module, parts in modules.items() for part in parts for name in dir(part)):
        for function in (getattr(part, name, None) for part in modules[module]):
            with contextlib.suppress(TypeError, ValueError):  # it is no function, or has no signature
                names = list(inspect.signature(function).parameters)
                if "seed" in names and not name.startswith("_"):
                    real.setdefault((module, name), set()).add(names.index("seed"))
    table = {(module, name): {place} for module, places in seeds.SEED_AT.items() for place, names in places.items()
             for name in names.split()}
    assert table == {key: places for key, places in real.items() if len(places) == 1}


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
    ("stop = EarlyStopping(restore_best_weights=True)\nmodel.fit(x, y, validation_split=0.2, callbacks=[stop])", ""),
    ("getattr(np.random, 'seed')(0)", "the text 'seed'"),
    ("layers.Dropout(0.5, **{'seed': 1})", "the text 'seed'"),
    ("exec('import random; random.' + 'seed(1)')", "exec, which may run code"),
    ("model.compile('adam')", ""),
    ("import pickle", "pickle, which may bring trained weights"),
    ("w = np.load('w.npz')", "np.load"),
    ("w = '" + "qAx" * 1000 + "'", "a text of 3,000 characters"),
    ("w = [" + "0.5, " * 3000 + "]", "3,000 numbers"),
    ("rates = [0.1, 0.01]", ""),
    ("tf.random.set_seed(int(time.time()))".replace("tf", "import tensorflow as tf\ntf", 1),
     "set_seed(int(time.time())), a seed that is another one in each run"),
])
def test_hints(text, part):
    found = source.hints({CNN: text.encode()}, CNN)
    assert any(part in line for line in found) if part else found == []


@pytest.mark.parametrize("text, found", [
    ("p.add_argument('--dataset')\np.add_argument('--test', type=Path)", {"--dataset", "--test"}),
    ("p.add_argument('--dataset')\np.add_argument('--test', action='store_true')", {"--dataset"}),
    ("p.add_argument('--test', action=argparse.BooleanOptionalAction)", set()),
    ("p.add_argument('--test', '-t', type=int)", set()),
    ("@click.option('--test', is_flag=True)\ndef f(): pass", set()),
    ("if '--test' in sys.argv: check()", set()),
    ("if '--test' in sys.argv: test = sys.argv[sys.argv.index('--test') + 1]", {"--test"}),
])
def test_options_that_are_not_the_graders(text, found):
    assert source.options_of({CNN: text.encode()}, CNN) == found


@pytest.mark.parametrize("content", [
    b"# \xe4\nprint('\xfc')", "print('\xfc')".encode("utf-16"), "print(1)".encode("utf-16-le"),
], ids=["Windows-1252", "UTF-16", "UTF-16 without a mark"])
def test_scripts_that_are_not_utf_8(content, tmp_path):
    """Python refuses them, and the grader goes on."""
    (tmp_path / CNN).write_bytes(content)
    with pytest.raises(SyntaxError, match="save as UTF-8"):
        watch.read_script(tmp_path / CNN)
    assert source.check_source({CNN: content}, CNN)[source.SEEDS] in ("passed", source.check_source(
        {CNN: content}, CNN)[source.TENSORFLOW]) and source.options_of({CNN: content}, CNN) == set()


def test_scripts_in_a_declared_encoding(tmp_path):
    for content in "# coding: cp1252\nx = '\xe4'".encode("cp1252"), "\ufeffx = '\xe4'".encode():
        (tmp_path / CNN).write_bytes(content)
        assert "x = '\xe4'" in watch.read_script(tmp_path / CNN)


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
    files["support/script.py"] += b"import subprocess\n"  # known is what is the same to the last byte
    changed = source.hints(files, script, shared)
    assert changed and all(hint.startswith("support/script.py, line ") for hint in changed)
    assert any("subprocess, which may run code that is not there to read" in hint for hint in changed)
