"""Import TensorFlow and Keras quietly, for the CPU only, with the clock running. Imported before Keras.

What is set aside, since settings of other projects must not change a result:

- `KERAS_BACKEND`, and limits for debugging such as `KERAS_MAX_EPOCHS`: every variable `KERAS_*` but `KERAS_HOME`, which
  the studies use for data; what a `keras.json` sets there is undone
- every variable `TF_*`, and `XLA_FLAGS`: with an unknown flag TensorFlow would abort the process
- a precision, eager execution or determinism that a start-up file of the site has switched on
- `MPLBACKEND` in a program: Matplotlib cannot be imported where it names a backend that there is not, a notebook's;
  and what a matplotlibrc sets, such as a font or LaTeX (in `windows.py`)
"""

import time

START = time.perf_counter()  # the reported minutes include TensorFlow's import

import contextlib
import gc
import itertools
import os
import signal
import sys
import threading
import warnings

from support import ROOT
from support.command_line import fail

INSTALL = "(to install what the scripts need: pip install -r requirements.txt)"
_runs = itertools.count()


def is_program():
    """Return whether this process was started to run a program of this project, and ends with it.

    If not, it is somebody's session, which must survive a run: Jupyter, IPython, Spyder, IDLE, `python -i`, pytest.
    """
    main = sys.modules["__main__"]
    path = os.path.realpath(getattr(main, "__file__", None) or os.devnull)  # the project's folder may be a link
    folder = os.path.dirname(path)
    if sys.flags.interactive or hasattr(sys, "ps1") or os.path.realpath(ROOT) not in (folder, os.path.dirname(folder)):
        return False
    started = [os.path.realpath(argument) for argument in sys.orig_argv[1:]]  # a console runs a script later
    name = getattr(getattr(main, "__spec__", None), "name", None)  # of `python -m`
    return path in started or name in sys.orig_argv[1:]


def run_began():
    """Return when a run began, in seconds of `time.perf_counter`: the first one with the import of this module.

    Later runs in the same process, as in a notebook, begin now: they need no import.
    """
    return time.perf_counter() if next(_runs) else START


@contextlib.contextmanager
def silent_stderr():
    """Drop what native code writes to standard error."""
    try:
        saved = os.dup(2)
    except OSError:  # standard error is closed
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def _hidden(module):
    """Make a module look as if it were not installed."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None
    try:
        yield
    finally:
        del sys.modules[module]


@contextlib.contextmanager
def explain_missing_packages():
    """End the program in one line if one of the packages in requirements.txt is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in ("tensorflow", "keras", "numpy", "matplotlib"):
            raise  # a broken installation: the traceback says where
        fail(f"{error} {INSTALL}")


def prepare_process(threads_per_operation=None):
    """Set what holds for the whole process, before TensorFlow is used.

    threads_per_operation: among how many cores TensorFlow divides an operation; None leaves that to TensorFlow.
    """
    if threads_per_operation:
        with contextlib.suppress(RuntimeError):  # TensorFlow has been used already, as in a notebook
            tf.config.threading.set_intra_op_parallelism_threads(threads_per_operation)
    if tf.__version__ < "2.21":  # it announces the first use of XLA on standard error, whatever the log level
        with silent_stderr():
            tf.function(tf.sin, jit_compile=True)(0.0)


def _undo_settings():
    """Undo what a keras.json or a start-up file of the site has set."""
    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_dtype_policy("float32")
    tf.config.run_functions_eagerly(False)
    with contextlib.suppress(ImportError, AttributeError):
        from tensorflow.python.framework import config

        config.disable_op_determinism()  # random numbers would need seeds; TensorFlow has no public name for it


PROGRAM = is_program()
if (PROGRAM and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
    # Ctrl-C ends a program with status 130, without a traceback from the depths of TensorFlow.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

for name in list(os.environ):
    if name.startswith(("TF_", "KERAS_")) and name != "KERAS_HOME" or name == "XLA_FLAGS":
        del os.environ[name]
if PROGRAM:
    # Keras would write a settings file into its home folder; without a home it does not. A session may need the home.
    os.environ.setdefault("KERAS_HOME", os.devnull)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
BACKEND = os.environ.pop("MPLBACKEND", None) if PROGRAM else None

# TensorFlow writes to standard error before it reads its log level. Keras would import Matplotlib, which takes time and
# writes a font cache.
with explain_missing_packages(), silent_stderr(), _hidden("matplotlib"):
    import keras
    import tensorflow as tf

if keras.config.backend() != "tensorflow":
    fail(f"Keras was imported with the backend {keras.config.backend()} before; the scripts need tensorflow")
_undo_settings()
warnings.filterwarnings("ignore", message="`shuffle=True` was passed")  # `fit` gets batches that are shuffled already
tf.get_logger().setLevel("ERROR")
with contextlib.suppress(RuntimeError):  # TensorFlow has been used already
    tf.config.set_visible_devices([], "GPU")
if PROGRAM:
    gc.freeze()  # the garbage collector need not look at all of this again when Python ends
