"""Recordings of motion sensors in the format of the sheet's task 3, read without trusting them.

A pickle is a program, which may do anything when it is loaded. What arrays of numbers need is little: this module
builds them from their bytes with functions of its own, under the names of NumPy's, and calls nothing else. (A hostile
file can still ask for more time and memory than there is.)
"""

import pickle

import numpy as np

LARGEST = 1e6  # of a number in a recording


class RecordingError(ValueError):
    """A file that does not hold recordings; its text is one line that names the file and what is wrong."""


class _Dtype:
    """Stands in for numpy.dtype: numbers only."""

    def __init__(self, name, *_):
        self.dtype = np.dtype(name) if isinstance(name, str) else None
        if self.dtype is None or self.dtype.kind not in "fiub":
            raise pickle.UnpicklingError(f"an array of {str(name)[:20]!r}")

    def __setstate__(self, state):
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """Stands in for numpy.ndarray. Arrays themselves stay out of a pickle's reach, which could write into them."""

    def __setstate__(self, state):
        _, shape, dtype, by_columns, data = state
        self.array = _filled(data, dtype, shape, "F" if by_columns else "C").array


def _filled(data, dtype, shape, order):
    data = data.encode("latin1") if isinstance(data, str) else data  # as Python 2 wrote it
    result = _Array()
    result.array = np.frombuffer(data, dtype.dtype).reshape(shape, order=order)
    return result


class _Function:
    """A function for a pickle to call. Into a plain one it could write attributes."""

    __slots__ = ("function",)

    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        return self.function(*arguments)

    def __setstate__(self, state):
        raise pickle.UnpicklingError("a state for a function")


def _encode(text, encoding):
    """Stand in for _codecs.encode, with which the oldest protocols write bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text in {str(encoding)[:20]!r}")
    return text.encode("latin1")


_ALLOWED = {("numpy", "dtype"): _Dtype, ("numpy", "ndarray"): _Array, ("_codecs", "encode"): _Function(_encode)}
for _core in ("numpy.core", "numpy._core"):  # before and since NumPy 2
    _ALLOWED |= {
        (f"{_core}.multiarray", "_reconstruct"): _Function(lambda *_: _Array()),
        (f"{_core}.multiarray", "scalar"): _Function(lambda dtype, data: _filled(data, dtype, (), "C").array.item()),
        (f"{_core}.numeric", "_frombuffer"): _Function(_filled),
    }


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it needs {module}.{name}"[:80]) from None


def load(path):
    """Read the recordings of a subject, pickled as [sequences, speeds], without running anything in the file.

    Returns sequences (n, length, 6) and speeds in km/h (n,), both float32. Raises RecordingError.
    """
    try:
        with open(path, "rb") as file:
            content = _Unpickler(file, encoding="latin1").load()
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from None
    except Exception as error:  # a pickle can go wrong in any way
        reason = ascii(str(error) or type(error).__name__)[1:-1]  # what it says must not reach a terminal as it is
        raise RecordingError(f"{path}: not recordings ({reason})") from None
    if not isinstance(content, (list, tuple)) or len(content) != 2:
        raise RecordingError(f"{path}: not recordings: expected [sequences, speeds]")
    try:
        sequences, speeds = (np.float32(_plain(part)) for part in content)
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise RecordingError(f"{path}: not recordings: expected numbers, and sequences of one length") from None
    if sequences.ndim != 3 or sequences.shape[2] != 6 or not sequences.size:
        raise RecordingError(f"{path}: sequences of shape {sequences.shape}, expected n x length x 6")
    speeds = speeds.reshape(-1)
    if len(speeds) != len(sequences):
        raise RecordingError(f"{path}: {len(sequences)} sequences, but {len(speeds)} speeds")
    if not all(np.all(np.abs(part) < LARGEST) for part in (sequences, speeds)):
        raise RecordingError(f"{path}: not all numbers are finite and below {LARGEST:,.0f}")
    return sequences, speeds


def _plain(part, levels=3):
    """Return an array, or lists of arrays or numbers in so many levels, without stand-ins."""
    if isinstance(part, (list, tuple)) and levels:
        return [_plain(inner, levels - 1) for inner in part]
    if isinstance(part, _Array):
        return part.array
    if isinstance(part, (int, float)):
        return part
    raise TypeError
