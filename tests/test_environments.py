"""The scripts on other people's machines: settings of other projects, start-up files, encodings, screens."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT, SCRIPTS, run_script

FAST = SCRIPTS[0]
LINE = re.compile(r"0\.00 8 \d+\.\d\d\n")

# By kind; what does not get in each other's way is tried in one run. Variables of the environment, a keras.json, lines
# of a start-up file of the site.
SETTINGS_FILE = {"keras.json": {"image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.1,
                                "backend": "torch"}}
DEBUGGING_LIMITS = {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1", "KERAS_BACKEND": "jax"}
FLAGS = {"XLA_FLAGS": "--xla_no_such_flag=1", "TF_XLA_FLAGS": "--tf_no_such_flag=1"}
TENSORFLOW = {"TF_USE_LEGACY_KERAS": "1", "TF_DETERMINISTIC_OPS": "1", "TF_CPP_MIN_LOG_LEVEL": "0",
              "TF_NUM_INTRAOP_THREADS": "x", "TF_ENABLE_ONEDNN_OPTS": "0"}
PYTHON = {"PYTHONOPTIMIZE": "2", "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
START_UP = {"site": "import keras, tensorflow as tf\nkeras.config.set_dtype_policy('mixed_bfloat16')\n"
                    "tf.config.run_functions_eagerly(True)\ntf.config.experimental.enable_op_determinism()"}
SITUATIONS = {
    "settings of Keras and flags of XLA": SETTINGS_FILE | DEBUGGING_LIMITS | FLAGS,
    "variables of TensorFlow and Python": TENSORFLOW | PYTHON | {"OMP_NUM_THREADS": "x"},
    "a start-up file with mixed precision, eager execution and determinism": START_UP,
    "no home": {"HOME": None, "KERAS_HOME": None},
}


def environment(situation, folder):
    """Return the environment of a situation, with a start-up file and a home for Keras in a folder."""
    result = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "KERAS_HOME")}
    for name, value in situation.items():
        if name == "keras.json":
            (folder / "keras.json").write_text(json.dumps(value))
            result["KERAS_HOME"] = str(folder)
        elif name == "site":
            (folder / "sitecustomize.py").write_text(f"import os; os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n{value}\n")
            result["PYTHONPATH"] = str(folder)
        elif value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_usual_line(name, tmp_path):
    ran = subprocess.run([sys.executable, ROOT / FAST], capture_output=True, text=True,
                         env=environment(SITUATIONS[name], tmp_path))
    site = "site" in SITUATIONS[name]  # TensorFlow, imported there, may write to standard error itself
    assert ran.returncode == 0 and LINE.fullmatch(ran.stdout) and (site or not ran.stderr), ran.stderr


def test_settings_change_no_result():
    """With Keras's limits for debugging, task 3 had 8%: its training ended after an epoch."""
    program = "import common, task3_cnn, keras; print(keras.config.max_epochs(), keras.config.max_steps_per_epoch())"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT,
                         env=os.environ | {"KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"})
    assert ran.stdout == "None None\n"


def test_another_backend_that_is_in_use_already(tmp_path):
    """One line, where Keras cannot be had with TensorFlow any more."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types\nsys.modules['keras'] = keras = types.ModuleType('keras')\n"
        "keras.config = types.SimpleNamespace(backend=lambda: 'jax')\n")
    ran = run_script(FAST, env={"PYTHONPATH": str(tmp_path)})
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"{FAST}: error: Keras was imported with the backend jax before; the scripts need tensorflow\n"


@pytest.mark.parametrize("program", ["tools/textbook.py", "tools/grade.py"])
def test_help_without_docstrings(program):
    ran = subprocess.run([sys.executable, "-OO", ROOT / program, "--help"], capture_output=True, text=True)
    assert ran.returncode == 0 and "usage" in ran.stdout and "None" not in ran.stdout.splitlines()


def test_a_screen_that_does_not_answer(tmp_path):
    """The reason is the true one, not that no toolkit is installed. The figures are those without a matplotlibrc."""
    pytest.importorskip("tkinter")
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: nothing\nbackend: Qt5Agg\n")
    ran = run_script(FAST, "--show_analysis", cwd=tmp_path, env={"DISPLAY": ":987"})
    assert ran.returncode == 0 and len(ran.stdout.splitlines()) == 6
    assert ran.stderr == f'{FAST}: note: no windows: couldn\'t connect to display ":987"\n'


def test_a_table_in_any_encoding(tmp_path):
    """No program loses what it has measured to the encoding of a terminal."""
    ran = run_script("tools/measure.py", "--runs", "2", FAST,
                     env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"})
    assert ran.returncode == 0 and f"| `{FAST}` | reconstruction | **0.00**" in ran.stdout
