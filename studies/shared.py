"""What the studies share: command line, digits, tables, progress and figures, on top of the bundle's own `common`."""

import argparse
import sys
import time

import common


def parser(description):
    """Return a parser of a study's command line, with `--quick` and `--figures DIR`; a study adds its own options."""
    found = common.Parser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter,
                          allow_abbrev=False)
    found.add_argument("--quick", action="store_true", help="a trial that takes seconds; its results mean nothing")
    found.add_argument("--figures", metavar="DIR", help="save the figures in DIR (without it they are shown, if there "
                                                        "is a screen)")
    return found


def parse(found):
    """Return the options of a command line; a folder for figures is made before there is work that could be lost."""
    options = found.parse_args()
    if options.figures is not None:
        common.make_folder(options.figures)
    return options


def digits():
    """Return the bundle's training and test digits as two `common.Digits`, 1,000 each."""
    count = common.count_lines(common.DATASET)
    return common.read_digits(common.DATASET, 0, count // 2), common.read_digits(common.DATASET, count // 2, count)


def present(draw, options):
    """Call `draw`, which returns {name: Matplotlib figure}, and save the figures or show them in windows.

    Without a screen and without --figures nothing is drawn.
    """
    windows = common.has_screen() and options.figures is None
    if windows or options.figures is not None:
        common.present(draw(), options.figures, windows)


def print_table(head, rows):
    """Print a table in columns: numbers (already text) flush right, everything else flush left."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    right = [all(cell.lstrip("-")[:1].isdigit() for cell in column) for column in zip(*rows)]
    for line in (head, *rows):
        print("   ".join(cell.rjust(width) if flush else cell.ljust(width)
                         for cell, width, flush in zip(line, widths, right)).rstrip(), flush=True)


class Progress:
    """A line at a terminal that says how far a piece of work is and how long it will take; nowhere else anything.

    Used with `with`, which takes the line away when the work is done.
    """

    def __init__(self, what, total):
        self.what, self.total, self.start = what, total, time.perf_counter()
        self.terminal = sys.stderr is not None and sys.stderr.isatty()

    def __enter__(self):
        return self

    def tell(self, done, more=""):
        """Say that `done` parts of the work, at least one, are done, and something `more`."""
        if self.terminal:
            left = (time.perf_counter() - self.start) / done * (self.total - done)
            print(f"\r{self.what}: {done} of {self.total}, {left:.0f} s left{more}\033[K", end="", file=sys.stderr,
                  flush=True)

    def __exit__(self, *_):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
