import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATASET = ROOT / "dataset.txt"
SCRIPTS = ["task1_autoencoder.py", "task2_multitask.py", "task3_cnn.py", "task4_rnn.py"]
# A script of a student, see the README, whose training does not end by itself.
ENDLESS = """import common
from keras import Sequential, layers

def build_model():
    return Sequential([layers.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, activation="softmax")])

def train(model, digits, callbacks=()):
    model.compile("adam", "sparse_categorical_crossentropy")
    while True:
        model.fit(digits.images, digits.labels, epochs=10, callbacks=list(callbacks))

def main(argv=None):
    return common.Script(__doc__, argv).run(build_model, train)

if __name__ == "__main__":
    common.run(main)
"""
# Only for the studies. pytest's workers import this again, with the environment that it leaves.
KERAS_HOME = os.environ.setdefault("STUDIES_KERAS_HOME", os.environ.pop("KERAS_HOME", os.path.expanduser("~/.keras")))
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # beside what the tests look at, and where TensorFlow writes functions
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would wait for each other on a busy machine
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore Ctrl-C

import numpy as np  # noqa: E402  (it reads that variable)


def pytest_sessionstart(session):
    """Import TensorFlow as the scripts do, unless this process only hands the tests out to others: it takes seconds."""
    if hasattr(session.config, "workerinput") or not session.config.getoption("numprocesses", None):
        import common  # noqa: F401, I001  (before Keras)
        from lean_keras import start_trainings_fast

        start_trainings_fast()
        # Several tests run at a time, on two cores: more threads would only wait. The scripts set this aside.
        os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", OMP_NUM_THREADS="1")


def run_script(script, *arguments, timeout=300, **options):
    """Run a script as a person would, without a screen, and return the finished process."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "KERAS_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run([sys.executable, str(ROOT / script), *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, **{"env": environment | options.pop("env", {})} | options)


class Seeds:
    """The same random numbers in every run, so that no test fails by chance. The programs have no seeds."""

    default_rng = staticmethod(np.random.default_rng)
    sequence = np.random.SeedSequence(0)

    def again(self):
        """Begin anew."""
        import keras

        self.sequence = np.random.SeedSequence(0)
        keras.utils.set_random_seed(0)

    def generator(self, seed=None):
        """Replace `np.random.default_rng`."""
        return self.default_rng(self.sequence.spawn(1)[0] if seed is None else seed)


SEEDS = Seeds()
np.random.default_rng = SEEDS.generator


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """Let what several tests share not depend on the tests before it."""
    if fixturedef.scope != "function":
        SEEDS.again()


@pytest.fixture(autouse=True)
def same_random_numbers():
    """Let no test depend on others."""
    SEEDS.again()


@contextlib.contextmanager
def without_graphs():
    """Run TensorFlow's functions as Python for the time of a `with`: to build a graph takes longer than some steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def with_few_copies(model):
    """Return a model that predicts from two distorted copies of a digit instead of 16, which takes less time."""
    import common

    for layer in model.layers:
        if isinstance(layer, common.Augmented):
            layer.copies = 2
            layer.copy_weights, layer.copy_thresholds = layer.copy_weights[:2], layer.copy_thresholds[:2]
    return model


@pytest.fixture(autouse=True)
def as_a_program(monkeypatch):
    """Let scripts that are run in this process end as programs do, with SystemExit, and not as in a notebook."""
    monkeypatch.setattr("support.startup.PROGRAM", True)
    monkeypatch.setattr("support.windows.DPI", 50)  # to draw and compress large pictures takes long


@pytest.fixture(scope="session")
def lines():
    return DATASET.read_bytes().splitlines()


@pytest.fixture
def write(tmp_path):
    """Return a function that writes lines (bytes) into a new file and returns its path."""

    def write_lines(lines, name="digits.txt", end=b"\n"):
        path = tmp_path / name
        path.write_bytes(b"".join(line + end for line in lines))
        return path

    return write_lines
