"""The progress line that all programs of the project show at a terminal; needs the standard library only."""

import os
import shutil
import sys
import time


def is_terminal(stream):
    """Return whether a stream is a terminal. IDLE's says that it is, but would show what moves the cursor as text."""
    try:
        return stream.isatty() and os.isatty(stream.fileno())
    except (AttributeError, OSError, ValueError):  # no stream, or one without a file
        return False


class ProgressLine:
    """A line on standard error that says how much work is done and how long the rest will take.

    It is shown at a terminal only, and used with `with`, which erases it when the work is done.

    unit: what is counted, such as "epoch". total: how many there are.
    """

    def __init__(self, unit, total):
        self.unit, self.total, self.done, self.first = unit, total, 0, None
        self.shown = is_terminal(sys.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clear()

    def update(self, done, note=""):
        """Show that `done` units are done, and a note. The estimate begins with the first call."""
        self.done, now = done, time.perf_counter()
        if self.first is None:
            self.first = done, now
        before, start = self.first
        if not self.shown:
            return
        text = f"{self.unit} {done} of {self.total}"
        if done > before:
            left = (now - start) / (done - before) * (self.total - done)
            text += f", {left:.0f} s left" if left < 120 else f", {left / 60:.0f} min left"
        text = (text + (note and f"; {note}"))[: shutil.get_terminal_size().columns - 1]
        print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)

    def advance(self, note=""):
        """Show that one unit more is done, and a note."""
        self.update(self.done + 1, note)

    def clear(self):
        """Erase the line, to print something else in its place."""
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def print(self, text):
        """Print a line of text on standard error, above the progress line, also where there is no terminal."""
        self.clear()
        print(text, file=sys.stderr, flush=True)
