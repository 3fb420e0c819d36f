"""Command lines and their errors, for all programs of the project; needs the standard library only."""

import argparse
import contextlib
import difflib
import os
import sys


def fail(message):
    """End the program with one line on standard error, `task3_cnn.py: error: message`, and exit status 2."""
    line = f"{os.path.basename(sys.argv[0])}: error: {message}"
    with contextlib.suppress(OSError):  # standard error may be a full disk
        if sys.stderr:
            print(" ".join(line.split("\n")), file=sys.stderr, flush=True)
    sys.exit(2)


class Parser(argparse.ArgumentParser):
    """An argument parser that shows a docstring unchanged and reports an error in one line.

    description: the docstring of the program. hint: what to say about an option that there is not, and that is not like
    one that there is. Options cannot be abbreviated.
    """

    def __init__(self, description, hint=""):
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter,
                         allow_abbrev=False)
        self.hint = hint

    def error(self, message):
        kind, _, rest = message.partition(": ")
        if kind == "unrecognized arguments":
            near = difflib.get_close_matches(rest.split()[0].split("=")[0], self._option_string_actions, 1)
            hint = f"did you mean {near[0]}?" if near else self.hint
            message += f" ({hint})" * bool(hint)
        fail(message)


def positive_integer(text):
    """Return the argument `text` as an integer from 1 on, for the `type` of an option."""
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"not a whole number above 0: {text}")
    return int(text)


def make_folder(folder):
    """Make a folder for figures. It is made before the training, so that no training is lost; fails in one line."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        fail(f"{folder}: {error.strerror}")
    if not os.access(folder, os.W_OK | os.X_OK):
        fail(f"{folder}: no permission to write")
