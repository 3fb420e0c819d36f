import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATASET = ROOT / "dataset.txt"
SCRIPTS = ["task1_autoencoder.py", "task2_multitask.py", "task3_cnn.py", "task4_rnn.py"]
# Only for the studies. pytest's workers import this again, with the environment that it leaves.
KERAS_HOME = os.environ.setdefault("STUDIES_KERAS_HOME", os.environ.pop("KERAS_HOME", os.path.expanduser("~/.keras")))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads would wait for each other on a busy machine
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore Ctrl-C

import common  # noqa: E402, I001  (before Keras)
import keras  # noqa: E402
import numpy as np  # noqa: E402

# Several tests run at a time, on two cores: more threads would only wait for each other. The scripts set this aside.
os.environ.update(TF_NUM_INTRAOP_THREADS="1", TF_NUM_INTEROP_THREADS="1", OMP_NUM_THREADS="1")


def run_script(script, *arguments, timeout=300, **options):
    """Run a script as a person would, without a screen, and return the finished process."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "KERAS_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run([sys.executable, str(ROOT / script), *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, **{"env": environment | options.pop("env", {})} | options)


@pytest.fixture(autouse=True)
def same_random_numbers(monkeypatch):
    """Give a test the same random numbers in every run, so that none fails by chance. The programs have no seeds."""
    default_rng, sequence = np.random.default_rng, np.random.SeedSequence(0)
    monkeypatch.setattr(np.random, "default_rng",
                        lambda seed=None: default_rng(sequence.spawn(1)[0] if seed is None else seed))
    keras.utils.set_random_seed(0)


def with_few_copies(model):
    """Return a model that predicts from two distorted copies of a digit instead of 16, which takes less time."""
    for layer in model.layers:
        if isinstance(layer, common.Augmented):
            layer.copies = 2
            layer.copy_weights, layer.copy_thresholds = layer.copy_weights[:2], layer.copy_thresholds[:2]
    return model


@pytest.fixture(autouse=True)
def as_a_program(monkeypatch):
    """Let scripts that are run in this process end as programs do, with SystemExit, and not as in a notebook."""
    monkeypatch.setattr("support.startup.PROGRAM", True)


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
