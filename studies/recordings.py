"""Recordings of motion sensors in the format of the sheet's task 3, read without trust in the files.

A pickle is a program that can do anything when it is loaded. Arrays of numbers need little of that: this module builds
them from their bytes with its own functions under NumPy's names, and calls nothing else. (A hostile file can still use
more time and memory than there is.)
"""

import pickle
import pickletools

from support.data_file import DatasetError, check_file

import numpy as np

LARGEST = 1e6  # of a number in a recording
# What a pickle of arrays and lists needs. It does not need dictionaries and sets: with a dictionary, a pickle could set
# attributes of the functions below, and the hash of a tuple that is nested a million times crashes Python.
OPCODES = set("""APPEND APPENDS BINBYTES BINBYTES8 BINFLOAT BINGET BININT BININT1 BININT2 BINPUT BINSTRING BINUNICODE
    BUILD BYTEARRAY8 EMPTY_LIST EMPTY_TUPLE FLOAT FRAME GET GLOBAL INT LIST LONG LONG1 LONG_BINGET LONG_BINPUT MARK
    MEMOIZE NEWFALSE NEWTRUE NONE POP POP_MARK PROTO PUT REDUCE SHORT_BINBYTES SHORT_BINSTRING SHORT_BINUNICODE
    STACK_GLOBAL STOP STRING TUPLE TUPLE1 TUPLE2 TUPLE3 UNICODE""".split())  # noqa: SIM905


class RecordingError(ValueError):
    """A file that does not contain recordings. The message is one line with the file and the mistake."""


class _Dtype:
    """A substitute for numpy.dtype: numbers only."""

    def __init__(self, name, *_):
        self.dtype = np.dtype(name) if isinstance(name, str) else None
        if self.dtype is None or self.dtype.kind not in "fiub":
            raise pickle.UnpicklingError(f"an array of {name if isinstance(name, str) else type(name).__name__!r}")

    def __setstate__(self, state):
        if state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """A substitute for numpy.ndarray: a pickle gets no real array, because it could write into it."""

    def __setstate__(self, state):
        _, shape, dtype, by_columns, data = state
        self.array = _filled(data, dtype, shape, "F" if by_columns else "C").array


def _filled(data, dtype, shape, order):
    data = data.encode("latin1") if isinstance(data, str) else data  # as Python 2 wrote it
    result = _Array()
    result.array = np.frombuffer(data, dtype.dtype).reshape(shape, order=order)
    return result


def _encode(text, encoding):
    """A substitute for _codecs.encode, with which the oldest protocols write bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError("text in another encoding than latin1")
    return text.encode("latin1")


_ALLOWED = {("numpy", "dtype"): _Dtype, ("numpy", "ndarray"): _Array, ("_codecs", "encode"): _encode}
for _core in ("numpy.core", "numpy._core"):  # before and since NumPy 2
    _ALLOWED |= {
        (f"{_core}.multiarray", "_reconstruct"): lambda *_: _Array(),
        (f"{_core}.multiarray", "scalar"): lambda dtype, data: _filled(data, dtype, (), "C").array.item(),
        (f"{_core}.numeric", "_frombuffer"): _filled,
    }


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it needs {module}.{name}"[:80]) from None


def load(path):
    """Read the recordings of a subject, pickled as [sequences, speeds], without running code in the file.

    Returns sequences (n, length, 6) and speeds in km/h (n,), both float32. Raises RecordingError.
    """
    try:
        check_file(path)
        with open(path, "rb") as file:
            for opcode, *_ in pickletools.genops(file):
                if opcode.name not in OPCODES:
                    raise pickle.UnpicklingError(f"the opcode {opcode.name}")
            file.seek(0)
            content = _Unpickler(file, encoding="latin1").load()
    except DatasetError as error:
        raise RecordingError(error) from None
    except Exception as error:  # a damaged pickle can raise anything
        # Control characters of a file must not reach a terminal.
        reason = ascii(str(error) or type(error).__name__)[1:80].rstrip("'")
        raise RecordingError(f"{path}: not recordings ({reason})") from None
    if not isinstance(content, (list, tuple)) or len(content) != 2:
        raise RecordingError(f"{path}: not recordings: expected [sequences, speeds]")
    try:
        sequences, speeds = (np.float32(_plain(part)) for part in content)
    except (TypeError, ValueError, AttributeError, OverflowError, MemoryError):
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
    """Return an array, or lists of arrays or numbers nested up to `levels` deep, without substitutes."""
    if isinstance(part, (list, tuple)) and levels:
        return [_plain(inner, levels - 1) for inner in part]
    if isinstance(part, _Array):
        return part.array
    if isinstance(part, (int, float)):
        return part
    raise TypeError
