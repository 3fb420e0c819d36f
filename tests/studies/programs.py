"""Studies run as programs, for the tests that need a process of their own."""

import os
import subprocess
import sys

from conftest import KERAS_HOME, ROOT


def run_study(name, *arguments, env=()):
    """Run a study in the top folder as a person would, without a screen, and return the finished process."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run([sys.executable, "-m", f"studies.{name}", *map(str, arguments)], cwd=ROOT, text=True,
                          capture_output=True, timeout=300, env=environment | {"KERAS_HOME": KERAS_HOME} | dict(env))
