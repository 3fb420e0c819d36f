"""Studies run as programs, for the tests that need a process of their own."""

import os
import subprocess
import sys

from conftest import KERAS_HOME, ROOT

OFFLINE = {"https_proxy": "http://127.0.0.1:9"}  # nothing can be downloaded from there


def run_python(*arguments, timeout=300, env=()):
    """Run Python in the top folder as a person would, without a screen, and return the finished process."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT, text=True, capture_output=True,
                          timeout=timeout, env=environment | {"KERAS_HOME": KERAS_HOME} | dict(env))


def run_study(name, *arguments, **options):
    """Run a study as a person would, and return the finished process."""
    return run_python("-m", f"studies.{name}", *arguments, **options)
