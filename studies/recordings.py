"""Recordings of a motion sensor in a file: NumPy's .npz with the arrays `sequences` and `speeds`.

The sheet has them as pickles, [sequences, ground_truth]. A pickle is a program: loading it runs what is in it. Convert
those that you trust:

    with open("Subject 1.pickle", "rb") as file:
        sequences, speeds = pickle.load(file)
    np.savez("Subject 1.npz", sequences=sequences, speeds=speeds)
"""

import numpy as np


class RecordingError(ValueError):
    """A file that does not contain recordings. The message is one line with the file and the mistake."""


def load(path):
    """Return the recordings of a subject: sequences (n, length, 6) and speeds in km/h (n,), both float32.

    Raises RecordingError.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            sequences, speeds = (np.float32(arrays[name]) for name in ("sequences", "speeds"))
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror or error}") from None
    except Exception:  # a damaged file raises any of a dozen exceptions of zipfile, zlib and NumPy
        raise RecordingError(f"{path}: not recordings: expected NumPy's .npz with sequences and speeds") from None
    speeds = speeds.reshape(-1)
    if sequences.ndim != 3 or sequences.shape[2] != 6 or len(sequences) != len(speeds) or not sequences.size:
        raise RecordingError(f"{path}: sequences of shape {sequences.shape} and {len(speeds)} speeds, expected n x "
                             "length x 6 and n")
    if not (np.isfinite(sequences).all() and np.isfinite(speeds).all()):
        raise RecordingError(f"{path}: not all numbers are finite")
    return sequences, speeds
