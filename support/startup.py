"""Import TensorFlow and Keras quietly, for the CPU only, with the clock running. Imported before Keras."""

import time

START = time.perf_counter()  # the reported minutes include TensorFlow's import

import contextlib
import gc
import os
import signal
import sys
import threading

from support import ROOT
from support.command_line import fail

INSTALL = "(to install what the scripts need: pip install -r requirements.txt)"


def _exit_quietly_on_ctrl_c():
    """Let Ctrl-C end a program of this project with status 130, without a traceback from the depths of TensorFlow.

    Other programs that import this module, such as a notebook or pytest, keep their own handling of Ctrl-C.
    """
    folder = os.path.dirname(os.path.abspath(getattr(sys.modules["__main__"], "__file__", None) or os.devnull))
    if (ROOT in (folder, os.path.dirname(folder)) and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler):
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))


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


_exit_quietly_on_ctrl_c()

# TensorFlow and Keras read these variables when they are imported. Keras would also write a settings file into its home
# folder, and obey one that asks for another order of the axes; without a home it does neither. A home in KERAS_HOME
# stays: the studies choose one.
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
os.environ.setdefault("KERAS_HOME", os.devnull)
# Matplotlib cannot be imported where MPLBACKEND names a backend that it does not have, such as a notebook's.
BACKEND = os.environ.pop("MPLBACKEND", None)

# TensorFlow writes to standard error before it reads its log level. Keras would import Matplotlib, which takes time and
# writes a font cache.
with explain_missing_packages(), silent_stderr(), _hidden("matplotlib"):
    import keras  # noqa: F401
    import tensorflow as tf

tf.get_logger().setLevel("ERROR")
tf.config.set_visible_devices([], "GPU")
gc.freeze()  # the garbage collector need not look at all of this again: Python ends in 0.1 s instead of 0.5 s
