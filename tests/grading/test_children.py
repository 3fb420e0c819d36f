"""Which processes that a script starts might do the work that the grader looks for."""

import platform
import subprocess
import sys

from grading.children import starts_process

import pytest

SEEN = []  # the audit events of processes while a test runs
WATCHING = []
sys.addaudithook(lambda event, details: WATCHING and SEEN.append(starts_process(event, details)))


@pytest.mark.parametrize("event, details, expected", [
    ("subprocess.Popen", (sys.executable, [sys.executable, "train.py"], None, None), True),
    ("subprocess.Popen", (b"/bin/sh", ["sh", "-c", "uname"], None, None), True),
    ("subprocess.Popen", ("/usr/bin/uname", ["uname", "-p"], None, None), False),
    ("os.posix_spawn", ("/sbin/ldconfig", ["ldconfig", "-p"], None), False), ("os.exec", ("train", [], None), True),
    ("os.spawn", (0, "train", [], None), True), ("os.system", (b"uname",), True), ("os.fork", (), True),
    ("import", ("multiprocessing.popen_fork", None), True), ("import", ("uname", None), False),
    ("open", (3, "r", 0), False),
])
def test_events(event, details, expected):
    assert starts_process(event, details) is expected


@pytest.mark.parametrize("start, expected", [
    (lambda: platform._Processor.from_subprocess(), False),  # as the import of TensorFlow does
    (lambda: subprocess.run([sys.executable, "-S", "-c", ""]), True),
])
def test_real_processes(start, expected):
    SEEN.clear()
    WATCHING.append(True)
    try:
        start()
    finally:
        WATCHING.clear()
    assert any(SEEN) is expected
