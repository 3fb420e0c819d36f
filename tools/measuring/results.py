"""The results of trainings on disk: a file of JSON lines, which grows as trainings end, and from which they go on."""

import contextlib
import json
from pathlib import Path

KEY = ["script", "fingerprint", "repeat", "fold"]


def read_results(path):
    """Return the results in a file by their key, {(script, fingerprint, repeat, fold): result}; none if it is missing.

    A line that was cut off is left out. Raises OSError; ValueError if the file begins with anything but a result.
    """
    results = {}
    for number, line in enumerate(Path(path).read_text().splitlines() if Path(path).exists() else []):
        try:
            result = json.loads(line)
            results[tuple(result[name] for name in KEY)] = result
        except (ValueError, TypeError, KeyError):
            if line.strip() and not number:
                raise ValueError(f"{path}: not a file of results") from None
    return results


@contextlib.contextmanager
def appending(path):
    """Open a file of results for the time of a `with`; yields a function that appends a result. Raises OSError."""
    with open(path, "a") as file:
        file.write("\n" if file.tell() else "")  # the last line may be cut off

        def append(result):
            print(json.dumps(result), file=file, flush=True)

        yield append
