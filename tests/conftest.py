import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATASET = ROOT / "dataset.txt"
SCRIPTS = ["task1_autoencoder.py", "task2_multitask.py", "task3_cnn.py", "task4_rnn.py"]
sys.path.insert(0, str(ROOT))
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore Ctrl-C


def run_script(script, *arguments, timeout=300, **options):
    """Run a script as a person would, without a screen, and return the finished process."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run([sys.executable, str(ROOT / script), *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, **{"env": environment | options.pop("env", {})} | options)


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
