"""The grader: hand-ins that go wrong in every way, what a reader would check, results that survive, a cluster."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from conftest import ROOT, SCRIPTS

sys.path.insert(0, str(ROOT / "tools"))


import importlib

import checks
import distributed
import grade
import keras
import sandbox
from keras import layers

CNN = "task3_cnn.py"
LINE = "print('5.00 100 0.01')"
HANGING = {  # what a script does: (its text, a part of the reason in the verdict)
    "hangs": ("import time\ntime.sleep(1000)", "ended after 1 s"),
    "loops": ("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", "ended after 1 s"),
}
BEHAVIOURS = {  # the same for scripts that end; "" if it is valid
    "good": ("if 0: import keras\n" + LINE, ""),
    "fair": ("if 0: import keras\nprint('10.00 100 0.01')", ""),
    "crashes": ("print('5.00 100 0.01')\nraise RuntimeError('the gradient has vanished')", "ended with status 1"),
    "aborts": ("import os\nos.abort()", "as after SIGABRT"),
    "no python": ("this is no Python", "ended with status 1"),
    "floods": ("while True: print('x' * 1000)", "flooded its standard output"),
    "floods errors": ("import sys\nwhile True: print('x' * 1000, file=sys.stderr)", "flooded its standard error"),
    "silent": ("", "printed no lines"),
    "two lines": (LINE + "\n" + LINE, "printed 2 lines"),
    "nonsense": ("print('I am sure that it is 0.00')", "printed nonsense"),
    "impossible": ("print('-1.00 100 0.01')", "printed nonsense"),
    "not a number": ("print('nan 100 0.01')", "printed nonsense"),
    "greets": ("import sys\nif 0: import keras\n" + LINE + "\nprint('WARNING: All log messages before absl::Initialize"
               "Log() is called\\nI0000 00:00:1795.6 6825 port.cc:153] oneDNN is on.', file=sys.stderr)", ""),
    "complains": (LINE + "\nimport sys\nprint('warning', file=sys.stderr)", "wrote to standard error"),
    "too wrong": ("print('12.50 100 0.01')", "digits error 12.50% is over 12%"),
    "too large": ("print('5.00 1000001 0.01')", "1,000,001 parameters are over 1,000,000"),
    "too slow": ("print('5.00 100 5.50')", "5.50 minutes are over 5"),
    "seeds": ("import numpy as np\nnp.random.seed(1)\n" + LINE, "no random seeds: task3_cnn.py, line 2"),
    "by hand": ("print('5.00 100 0.01')", "uses TensorFlow: it is not imported"),
    "fills the disk": ("with open('f', 'wb') as f:\n    while True: f.write(bytes(1 << 20))", "wrote a file of more"),
    "hungry": ("x = []\nwhile True: x.append(bytearray(1 << 27))", "out of its 1 GiB of memory"),
    "destroys": ("if 0: import keras\nimport shutil\nshutil.rmtree('..', ignore_errors=True)\n" + LINE, ""),
    "digs": ("if 0: import keras\nimport os\nfor _ in range(2000):\n    os.mkdir('x')\n    os.chdir('x')\n" + LINE, ""),
    "hides": ("if 0: import keras\nimport os\nos.mkdir('x')\nfor path in 'x', '..', '.': os.chmod(path, 0)\n"
              + LINE, ""),
    "rambles": ("print('nonsense ' * 1000, ' ' * 5000, '5.00 100 0.01')", "printed nonsense"),
    "forks": ("if 0: import keras\nimport os, subprocess, sys, time\n"
              "for _ in range(5):\n"
              "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(987)'], start_new_session=True)\n"
              "    if os.fork() == 0: time.sleep(987)\n" + LINE, ""),
}


@pytest.fixture
def hand_ins(tmp_path):
    """Return a function that creates a folder of submissions: {name: text of its task 3}."""

    def make(texts):
        for name, text in texts.items():
            (tmp_path / "hand_ins" / name).mkdir(parents=True)
            (tmp_path / "hand_ins" / name / CNN).write_text(text)
        return tmp_path / "hand_ins"

    return make


def command(folder, *arguments, runs=1, timeout=100, memory=1):
    """Return a command that grades a folder; timeout: in seconds, far above what the scripts that end take."""
    return [sys.executable, ROOT / "tools" / "grade.py", "--runs", str(runs), "--submissions", folder, "--timeout",
            str(timeout), "--memory", str(memory), *map(str, arguments), CNN]


def verdicts(path):
    return {name: scripts[CNN] for name, scripts in json.loads(path.read_text())["verdicts"].items()}


def test_scripts_that_hang_are_ended(hand_ins, tmp_path):
    subprocess.run(command(hand_ins({name: text for name, (text, _) in HANGING.items()}), "--json", tmp_path / "r.json",
                           timeout=1), capture_output=True, timeout=100)
    for name, verdict in verdicts(tmp_path / "r.json").items():
        assert verdict["state"] == "not valid" and HANGING[name][1] in verdict["reasons"][0]


def test_every_behaviour_gets_its_verdict(hand_ins, tmp_path):
    """Every script of this class goes wrong in another way. One that fails stops nothing."""
    ran = subprocess.run(command(hand_ins({name: text for name, (text, _) in BEHAVIOURS.items()}),
                                 "--json", tmp_path / "r.json", "--csv", tmp_path / "r.csv"),
                         capture_output=True, text=True, timeout=300)
    assert ran.returncode == 1
    graded = verdicts(tmp_path / "r.json")
    assert graded.keys() == BEHAVIOURS.keys()
    for name, (_, reason) in BEHAVIOURS.items():
        assert reason in "; ".join(graded[name]["reasons"]), name
        assert graded[name]["state"].startswith("not valid" if reason else "valid"), name
        assert f"{name} {CNN}" in ran.stderr  # progress
    assert graded["good"]["state"] == "valid, high performance" and graded["fair"]["state"] == "valid"
    records = {name: scripts[CNN]["jobs"]["run 1"]
               for name, scripts in json.loads((tmp_path / "r.json").read_text())["submissions"].items()}
    assert "the gradient has vanished" in records["crashes"]["stderr"]
    with open(tmp_path / "r.csv", newline="") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    assert {name: row["state"] for name, row in rows.items()} == {name: verdict["state"]
                                                                  for name, verdict in graded.items()}
    assert f"| fair | {CNN} | digits | 10.00 ± 0.00 | 10.00 | 12 (9) | 100 | 1,000,000 |" in ran.stdout
    assert not sandbox.isolated() or not survivors("time.sleep(987)")


def survivors(text):
    """Return the processes with a text in their command line."""
    processes = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_text().replace("\0", " "):
                processes.append(path.parent.name)
        except OSError:  # it has ended
            pass
    return processes


@pytest.mark.skipif(not sandbox.isolated(), reason="this system has no sandbox")
def test_no_network_and_nothing_left(tmp_path):
    program = """
        import os, socket, sys, time
        try:
            socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2)
            print("connected", flush=True)
        except OSError as error:
            print("no network", flush=True)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(876)"])
    """
    files = {"a.py": textwrap.dedent(program).encode()}
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = sandbox.run(files, ["a.py", str(server.getsockname()[1])], 20, 1)
    assert (outcome.reason, outcome.stdout) == ("", "no network\n")
    assert not survivors("time.sleep(876)")


@pytest.mark.skipif(not sandbox.isolated(), reason="this system has no sandbox")
def test_writes_in_its_scratch_folder_only(tmp_path):
    program = f"open('mine', 'w').close(); open({str(tmp_path / 'theirs')!r}, 'w')"
    outcome = sandbox.run({"a.py": program.encode()}, ["a.py"], 20, 1)
    assert "Read-only file system" in outcome.stderr and not list(tmp_path.iterdir())


def test_a_class_of_thirty_interrupted_and_resumed(hand_ins, tmp_path):
    """Ctrl-C, then a kill that cannot be caught, then to the end: no result is lost, and none is measured twice."""
    names = [f"{number:02} {name}" for number, name in enumerate([*BEHAVIOURS, *BEHAVIOURS][:30])]
    folder, path = hand_ins({name: BEHAVIOURS[name[3:]][0] for name in names}), tmp_path / "results.json"

    def records():
        return {(name, job): record for name, scripts in json.loads(path.read_text())["submissions"].items()
                for job, record in scripts[CNN].get("jobs", {}).items()}

    seen = {}
    for stop, count in (signal.SIGINT, 6), (signal.SIGKILL, 20), (None, 60):
        arguments = ["--json", path, *(["--resume"] if seen else [])]
        with subprocess.Popen(command(folder, *arguments, runs=2), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            while stop and process.poll() is None and (not path.exists() or len(records()) < count):
                time.sleep(0.05)
            if stop:
                process.send_signal(stop)
            output, progress = process.communicate(timeout=300)
        now = records()
        assert count <= len(now) and (stop is None or len(now) < 60)
        assert {key: now[key] for key in seen} == seen
        new = [line.split(f" {CNN} ")[0] for line in progress.splitlines() if f" {CNN} run " in line]
        assert sorted(new)[: len(now) - len(seen)] == sorted(key[0] for key in now.keys() - seen.keys())[: len(new)]
        if stop == signal.SIGINT:
            assert process.returncode == 130 and "stopped" in progress and "not finished" in output and "| " in output
        seen = now
    assert process.returncode == 1 and len(seen) == 60
    for name, verdict in verdicts(path).items():
        assert BEHAVIOURS[name[3:]][1] in "; ".join(verdict["reasons"]), name


def test_a_changed_hand_in_is_graded_again(hand_ins, tmp_path):
    folder, path = hand_ins({"a": LINE, "b": LINE}), tmp_path / "r.json"
    subprocess.run(command(folder, "--json", path), capture_output=True, timeout=60)
    (folder / "b" / CNN).write_text("print('6.00 100 0.01')")
    ran = subprocess.run(command(folder, "--json", path, "--resume"), capture_output=True, text=True, timeout=60)
    assert [line.split(":")[0] for line in ran.stderr.splitlines() if " run " in line] == [f"b {CNN} run 1"]
    assert verdicts(path)["b"]["mean"] == [6.0]


@pytest.mark.parametrize("arguments, message", [
    (["--submissions", "nowhere"], "nowhere"),
    (["--submissions", "empty"], "no folder in it"),
    (["--dataset", "nowhere.txt"], "nowhere.txt"),
    (["--json", "nowhere/r.json"], "No such file or directory"),
    (["--csv", "nowhere/r.csv"], "no such folder"),
    (["--json", "old.json"], "use --resume to go on with it"),
    (["--json", "old.json", "--resume"], "not a file of this grader"),
    (["--json", "other.json", "--resume"], "was made with another"),
    (["--resume"], "--resume needs --json"),
    (["--runs", "0"], "not a whole number above 0"),
    (["task5.py"], "no such script"),
    (["--dask", "tcp://127.0.0.1:1"], "tcp://127.0.0.1:1"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_usage(arguments, message, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.json").write_text("[]")
    (tmp_path / "other.json").write_text(json.dumps({"version": 1, "settings": {"memory": 77}, "submissions": {}}))
    before = {path.name for path in tmp_path.iterdir()}
    quick = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"}
    ran = subprocess.run([sys.executable, ROOT / "tools" / "grade.py", *arguments], capture_output=True, text=True,
                         cwd=tmp_path, timeout=120, env=os.environ | quick)
    assert ran.returncode == 2 and ran.stdout == ""
    assert message in ran.stderr and "Traceback" not in ran.stderr
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_python_without_tensorflow_is_an_error():
    """Otherwise every hand-in would crash."""
    ran = subprocess.run([sys.executable, "-S", ROOT / "tools" / "grade.py"], capture_output=True, text=True,
                         timeout=60)
    assert (ran.returncode, ran.stdout) == (2, "") and "has no TensorFlow" in ran.stderr


def test_what_is_not_handed_in_is_reported(hand_ins, tmp_path):
    folder = hand_ins({"a": LINE})
    (folder / "a" / CNN).rename(folder / "a" / "task3.py")  # the name that the assignment gives it
    (folder / "b").mkdir()
    with open(folder / "b" / "weights.bin", "wb") as file:
        file.truncate(grade.LARGEST + 1)
    (folder / "c").mkdir()
    for path in ("d/the archive/task3.py", "e/task3_a.py", "e/task3_b.py", "d/__MACOSX/task3.py", "d/.DS_Store"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(LINE)
    subprocess.run(command(folder, "--json", tmp_path / "r.json"), capture_output=True, timeout=60)
    graded = verdicts(tmp_path / "r.json")
    assert graded["a"]["mean"] == [5.0]
    assert graded["b"]["reasons"] == ["cannot be read: larger than 20 MiB"]
    assert graded["c"]["reasons"] == ["not handed in"] and graded["d"]["mean"] == [5.0]
    assert graded["e"]["reasons"] == ["which one is it: task3_a.py, task3_b.py?"]

# ------------------------------------------------------------------------------------------- what a reader would check


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
    assert len(list(checks.find_seeds(checks.ast.parse(text)))) == count


def test_seeds_are_found_in_modules_beside_the_script():
    files = {CNN: b"import helper.nets", "x.py": b"(",
             "helper/nets.py": b"import keras\nkeras.utils.set_random_seed(1)"}
    assert "helper/nets.py, line 2" in checks.check_source(files, CNN)["no random seeds"]
    assert checks.check_source({CNN: b"import ("}, CNN)[checks.SEEDS].startswith("not checked")
    files = {CNN: b"import lib.net", "lib/net.py": b"", "old/lib/net.py": b"import random\nrandom.seed(1)"}
    assert not checks.check_source(files, CNN)[checks.SEEDS].startswith("failed")
    files = {CNN: b"if 0: import junk\nfrom lib import net", "junk.py": b"(" * 1000,
             "lib/net.py": b"from . import seeding", "lib/seeding.py": b"import random\nrandom.seed(1)"}
    assert "lib/seeding.py, line 2" in checks.check_source(files, CNN)[checks.SEEDS]
    assert "junk.py" in checks.check_source({**files, "lib/seeding.py": b""}, CNN)[checks.SEEDS]


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_bundle_passes(script):
    (files,) = grade.read_bundle().values()
    assert set(checks.check_source(files, script).values()) == {"passed"}
    assert checks.takes_test(files, script) and checks.has_build_model(files, script)
    outcome = sandbox.run(files | grade.CHECKS, [*grade.CHECKS, "{report}", "model", script], 120, 8)
    assert outcome.reason == ""
    findings = json.loads(outcome.report)
    assert findings.pop("parameters") == importlib.import_module(script[:-3]).build_model().count_params()
    assert findings == dict.fromkeys(checks.OF_MODEL[script[:5]], "passed")


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
    findings = checks.check_thought_vector(model())
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
        findings = checks.check_thought_vector(keras.Model(outer, [both(outer), layers.Dense(10)(encoder(outer))]))
        assert findings[checks.ONLY].startswith("failed" if passes_by else "passed")
        assert findings[checks.SIZE] == findings[checks.RANGE] == "passed"


def test_thought_vector_that_cannot_be_found():
    model = keras.Sequential([layers.Input((28, 28, 1)), layers.Dense(1)])
    assert all(finding.startswith("not checked") for finding in checks.check_thought_vector(model).values())


MODEL = """
import keras
from keras import layers, ops
class Own(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, 2, 2))
    def call(self, x):
        return ops.conv(x, self.kernel)
def build_model():
    return keras.Sequential([layers.Input((28, 28, 1)), {}, layers.Flatten(), layers.Dense(10, "softmax")])
"""


@pytest.mark.parametrize("script, body, name, start", [
    (CNN, "layers.Conv2D(2, 3)", "a convolution layer", "passed"),
    (CNN, "keras.Sequential([layers.SeparableConv2D(2, 3)])", "a convolution layer", "passed"),
    (CNN, "layers.Dense(3)", "a convolution layer", "failed"),
    ("task4_rnn.py", "layers.Reshape((28, 28)), layers.Bidirectional(layers.GRU(4))", "a recurrent layer", "passed"),
    ("task4_rnn.py", "layers.Dense(3)", "a recurrent layer", "failed"),
    ("task4_rnn.py", "layers.Reshape((28, 28)), layers.GRU(4)", "no convolution", "passed"),
    ("task4_rnn.py", "layers.ConvLSTM1D(2, 3)", "no convolution", "failed"),
    ("task4_rnn.py", "layers.Lambda(lambda x: ops.image.extract_patches(x, 4)), layers.Reshape((49, 16)), "
                     "layers.LSTM(4)", "no convolution", "passed"),
    ("task4_rnn.py", "layers.Dense(2), Own(), layers.Reshape((676, 2)), layers.LSTM(4)", "no convolution",
     "failed: Conv2D"),
])
def test_layers(script, body, name, start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", sys.argv)
    (tmp_path / script).write_text(MODEL.format(body))
    findings = checks.check_model(script)
    assert findings[name].startswith(start)


TRAINS = """
import sys, numpy as np, keras
def build_model():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(10)])
if __name__ == "__main__":
    test = sys.argv[sys.argv.index("--test") + 1] if "--dataset" in sys.argv else "dataset.txt"
    {early}
    model = build_model()
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 10)), verbose=0, epochs=3)
    open(test).read()
    print("5.00 {count} 0.01")
"""


@pytest.mark.parametrize("early, count, reasons", [
    ("", 50, ["a convolution layer: the model has none"]),
    ("open(test).read()", 51, ["a convolution layer: the model has none",
                               "parameters as printed: 51 instead of 50",
                               "test digits read last: after it was opened came 3 training steps"]),
], ids=["honest", "reads ahead"])
def test_reading_the_test_digits_early(early, count, reasons, hand_ins, tmp_path):
    folder = hand_ins({"a": TRAINS.format(early=early, count=count)})
    ran = subprocess.run([*command(folder, "--json", tmp_path / "r.json", memory=8)],
                         capture_output=True, text=True, timeout=200)
    (verdict,) = verdicts(tmp_path / "r.json").values()
    assert verdict["reasons"] == reasons, ran.stdout + ran.stderr


def test_without_build_model_nothing_is_called_passed(hand_ins, tmp_path):
    ran = subprocess.run(command(hand_ins({"a": BEHAVIOURS["good"][0]})), capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0
    for name in (*checks.OF_MODEL["task3"], checks.COUNT):
        assert f"a {CNN}: {name}: not checked: there is no build_model" in ran.stdout
    assert f"a {CNN}: {checks.LAST}: not checked: it does not take --dataset and --test," in ran.stdout


@pytest.mark.parametrize("report", ["", "[" * 100_000, "{}", '{"no random seeds": "fine", "x": 3, "parameters": "5"}'])
def test_reports_that_say_nothing(report):
    assert grade.read_report(report) == {}

# ------------------------------------------------------------------------------------------------------------ a cluster


def test_a_cluster_that_loses_a_worker(hand_ins, tmp_path):
    """A real scheduler and two workers on loopback; one is killed in the middle of a run."""
    file, path = tmp_path / "scheduler.json", tmp_path / "r.json"
    texts = {f"{number}": f"import time\ntime.sleep(1)\n{BEHAVIOURS['good'][0]}" for number in range(6)}
    base = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", file]
    work = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", file, "--no-nanny",
            "--no-dashboard", "--nthreads", "2", "--host", "127.0.0.1", "--local-directory", tmp_path]
    processes = [subprocess.Popen(line, stderr=subprocess.DEVNULL, start_new_session=True)
                 for line in (base, work, work)]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() or not file.stat().st_size:
            assert time.monotonic() < deadline, "there is no scheduler"
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        with distributed.Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        with subprocess.Popen(command(hand_ins(texts), "--dask", address, "--json", path, runs=2),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and (not path.exists() or path.read_text().count('"errors"') < 2):
                time.sleep(0.1)
            os.killpg(processes[1].pid, signal.SIGKILL)
            start, left = time.monotonic(), 12 - path.read_text().count('"errors"')
            output, progress = process.communicate(timeout=200)
        # The worker that is left has two threads, but takes one run at a time, of a second each; one may be under way.
        assert time.monotonic() - start > left - 2
        assert process.returncode == 0, output + progress
        entries = json.loads(path.read_text())["submissions"]
        jobs = [job for scripts in entries.values() for job in scripts[CNN]["jobs"].values()]
        assert len(jobs) == 12 and all(job["errors"] == [5.0] and 1 <= job["seconds"] < 15 for job in jobs)
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
