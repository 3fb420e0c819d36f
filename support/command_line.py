"""Command lines and their errors, for all programs of the project; needs the standard library only."""

import argparse
import contextlib
import difflib
import os
import sys


def fail(message):
    """End the program with one line on standard error, `task3_cnn.py: error: message`, and exit status 2."""
    _write("error", message)
    sys.exit(2)


def note(message):
    """Write one line on standard error, `task3_cnn.py: note: message`, and go on."""
    _write("note", message)


def _write(kind, message):
    """Write one line on standard error, if there is one. A console that runs no script is not named as the program."""
    name = os.path.basename(sys.argv[0])
    program = f"{name}: " if name.endswith(".py") and name not in ("ipykernel_launcher.py", "__main__.py") else ""
    with contextlib.suppress(OSError):  # standard error may be a full disk
        if sys.stderr:
            print(f"{program}{kind}: {' '.join(str(message).splitlines())}", file=sys.stderr, flush=True)


class OutputError(Exception):
    """Standard output or a file that the user named cannot be written. Its argument is the OSError."""


@contextlib.contextmanager
def output():
    """Turn the OSErrors of what is written inside into OutputError, to tell them from those of a student's code."""
    try:
        yield
    except OSError as error:
        raise OutputError(error) from error


class Parser(argparse.ArgumentParser):
    """An argument parser that shows a docstring unchanged and reports an error in one line.

    description: the docstring of the program. hint: what to say about an option that there is not, and that is not like
    one that there is. Options cannot be abbreviated.
    """

    def __init__(self, description, hint=""):
        super().__init__(description=description or "", formatter_class=argparse.RawDescriptionHelpFormatter,
                         allow_abbrev=False)
        self.hint = hint
        for stream in sys.stdout, sys.stderr:  # no result is lost to a terminal whose encoding lacks a character
            if hasattr(stream, "reconfigure"):  # which the streams of consoles do not have
                stream.reconfigure(errors="backslashreplace")

    def error(self, message):
        kind, _, rest = message.partition(": ")
        if kind == "unrecognized arguments":
            near = difflib.get_close_matches(rest.split()[0].split("=")[0], self._option_string_actions, 1)
            hint = f"did you mean {near[0]}?" if near else self.hint
            message += f" ({hint})" * bool(hint)
        fail(message)


def arguments():
    """Return the arguments of the process, as a list; none where they are those of a console, such as Jupyter's."""
    script = getattr(sys.modules["__main__"], "__file__", None)  # what `%run` sets as well
    return sys.argv[1:] if script and os.path.abspath(script) == os.path.abspath(sys.argv[0]) else []


def positive_integer(text):
    """Return the argument `text` as an integer from 1 on, for the `type` of an option."""
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"not a whole number above 0: {text}")
    return int(text)


def make_folder(folder):
    """Make a folder for figures, unless it is there; fails in one line."""
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        fail(f"{folder}: {error.strerror}")
    if not os.access(folder, os.W_OK | os.X_OK):
        fail(f"{folder}: no permission to write")


def check_folder(folder):
    """Fail in one line if a folder could not be made or written to. It is better known before a training than after."""
    above = os.path.abspath(folder) if folder else ""
    while above and not os.path.lexists(above):
        above = os.path.dirname(above)
    if not above:
        fail(f"{folder}: No such file or directory")
    if not os.path.isdir(above):
        fail(f"{folder}: {'File exists' if above == os.path.abspath(folder) else 'Not a directory'}")
    if not os.access(above, os.W_OK | os.X_OK):
        fail(f"{folder}: no permission to write")


def check_output(path):
    """Fail in one line if a file could not be written. It is not made, and not changed."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        fail(f"{path}: Is a directory")
    if not path or not os.path.isdir(folder):
        fail(f"{path}: No such file or directory")
    if not os.access(path if os.path.exists(path) else folder, os.W_OK):
        fail(f"{path}: no permission to write")
