"""The scripts on other people's machines: settings of other projects, start-up files, encodings, screens."""

import io
import os
import re
import signal
import subprocess
import sys

from measuring.runs import Result

import measure
import pytest
from conftest import ROOT, SCRIPTS, run_script

FAST = SCRIPTS[0]
LINE = re.compile(r"0\.00 8 \d+\.\d\d\n")

# By kind; what does not get in each other's way is tried in one run, as each takes seconds. Variables of the
# environment, lines of a start-up file of the site. A keras.json: `test_scripts.test_any_place_and_environment`.
DEBUGGING_LIMITS = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1", "KERAS_BACKEND": "jax"}
FLAGS = {"XLA_FLAGS": "--xla_no_such_flag=1", "TF_XLA_FLAGS": "--tf_no_such_flag=1"}
TENSORFLOW = {"TF_USE_LEGACY_KERAS": "1", "TF_DETERMINISTIC_OPS": "1", "TF_CPP_MIN_LOG_LEVEL": "0",
              "TF_NUM_INTRAOP_THREADS": "x", "TF_ENABLE_ONEDNN_OPTS": "0"}
PYTHON = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
START_UP = {"site": "import keras, tensorflow as tf\nkeras.config.set_dtype_policy('mixed_bfloat16')\n"
                    "tf.config.run_functions_eagerly(True)\ntf.config.experimental.enable_op_determinism()"}
SITUATIONS = {
    "variables of Keras, XLA, TensorFlow and Python, and no home": DEBUGGING_LIMITS | FLAGS | TENSORFLOW | PYTHON | {
        "OMP_NUM_THREADS": "x", "HOME": None, "KERAS_HOME": None},
    "a start-up file with mixed precision, eager execution and determinism": START_UP,
}


def environment(situation, folder):
    """Return the environment of a situation, with a start-up file in a folder."""
    result = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "KERAS_HOME")}
    for name, value in situation.items():
        if name == "site":
            (folder / "sitecustomize.py").write_text(f"import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n{value}\n")
            result["PYTHONPATH"] = str(folder)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_usual_line(name, tmp_path):
    """Also the usual result: with Keras's limits for debugging it would be another."""
    ran = subprocess.run([sys.executable, ROOT / FAST], capture_output=True, text=True,
                         env=environment(SITUATIONS[name], tmp_path))
    site = "site" in SITUATIONS[name]  # TensorFlow, imported there, may write to standard error itself
    assert ran.returncode == 0 and LINE.fullmatch(ran.stdout) and (site or not ran.stderr), ran.stderr


def test_what_keras_sees(tmp_path):
    """With its limits for debugging, task 3 had 8%: its training ended after an epoch."""
    (tmp_path / "keras.py").write_text("import os\nraise SystemExit(' '.join(sorted(name for name in os.environ if "
                                       "name.startswith(('KERAS_', 'TF_', 'XLA_')))))")
    ran = run_script(SCRIPTS[2], env=DEBUGGING_LIMITS | FLAGS | TENSORFLOW | {"PYTHONPATH": str(tmp_path)})
    assert (ran.stdout, ran.stderr) == ("", "KERAS_BACKEND KERAS_HOME TF_CPP_MIN_LOG_LEVEL\n")


def test_another_backend_that_is_in_use_already(tmp_path):
    """One line, where Keras cannot be had with TensorFlow any more."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types\nsys.modules['keras'] = keras = types.ModuleType('keras')\n"
        "keras.config = types.SimpleNamespace(backend=lambda: 'jax')\n")
    ran = run_script(FAST, env={"PYTHONPATH": str(tmp_path)})
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"{FAST}: error: Keras was imported with the backend jax before; the scripts need tensorflow\n"


# What else `python -OO` could change: nothing else reads a docstring, or has an assertion.
@pytest.mark.parametrize("program", sorted({path.name for path in (ROOT / "tools").glob("*.py")} - {
    "project.py", "check_my_handin.py"}))  # the help of the latter is its docstring
def test_help_without_docstrings(program, monkeypatch, capsys):
    """As with `python -OO`, under which Python would compile all of TensorFlow again."""
    path = ROOT / "tools" / program
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the grader takes SIGTERM for Ctrl-C
    with pytest.raises(SystemExit) as end:
        exec(compile(path.read_text(), path, "exec", optimize=2), {"__name__": "__main__", "__file__": str(path)})
    output = capsys.readouterr().out
    assert end.value.code == 0 and "usage" in output and "None" not in output.splitlines()


def test_a_table_in_any_encoding(monkeypatch):
    """No program loses what it has measured to the encoding of a terminal."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    monkeypatch.setattr(sys, "argv", ["measure.py", "--runs", "2", FAST])
    monkeypatch.setattr(measure, "run", lambda *_: Result([0.0], 8, 4.0))
    assert measure.main() == 0
    sys.stdout.flush()
    assert rb"| `task1_autoencoder.py` | reconstruction | **0.00** \xb1 0.00 |" in written.getvalue()
