"""The command line of tools/make_dataset.py."""

import argparse
import os

from making import figure
from making.dataset import as_lines, black_and_white, choose, halves, known_digits, write_all
from making.sources import read_sources
from support.command_line import Parser, check_output, fail, positive_integer
from support.data_file import DatasetError, same_file

import numpy as np

FIGURES = (".png", ".pdf", ".svg", ".jpg")


def main(description, argv=None):
    """Make the files that the command line asks for, and return 0. A mistake ends it in one line with exit status 2.

    description: for --help. argv: the arguments, those of the process if it is None.
    """
    options = _parser(description).parse_args(argv)
    outputs = [path for path in (options.out, options.test, options.figure) if path]
    for number, path in enumerate(outputs):
        check_output(path)
        if os.path.lexists(path):  # a SOURCE, if OUT was forgotten
            fail(f"{path}: File exists")
        if any(same_file(path, other) for other in outputs[:number]):
            fail(f"{path}: named twice as a file to write")
    try:
        lines, contents = make(options)
        write_all(contents)
    except DatasetError as error:
        fail(error)
    except OSError as error:
        fail(f"{error.filename or options.out}: {error.strerror}")
    except KeyboardInterrupt:
        return 130
    print(*lines, sep="\n")
    return 0


def _parser(description):
    """Return the parser of the command line."""
    parser = Parser(description)
    parser.add_argument("out", metavar="OUT", help="the data file to make; it must not exist yet")
    parser.add_argument("sources", nargs="+", metavar="SOURCE", help="where the digits come from")
    parser.add_argument("--first", type=positive_integer, metavar="N",
                        help="take the first N digits of each source only")
    parser.add_argument("--per-class", type=positive_integer, metavar="N",
                        help="draw N digits of each class at random (default: take all)")
    parser.add_argument("--threshold", type=_share, default=0.5, metavar="SHARE",
                        help="a pixel is black if more than this share of it is ink (default: 0.5)")
    parser.add_argument("--test", metavar="FILE", help="write the second half there instead of in OUT")
    parser.add_argument("--without", metavar="FILE", action="append", default=[],
                        help="take no digit that is in this data file, to the last pixel; may be given again")
    parser.add_argument("--figure", metavar="FILE", type=_figure, help="draw the digits there, class by class")
    return parser


def _share(text):
    try:
        if 0 < float(text) < 1:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"not a number between 0 and 1: {text}")


def _figure(text):
    if not text.lower().endswith(FIGURES):
        raise argparse.ArgumentTypeError(f"the name of a figure ends in {', '.join(FIGURES)}: {text}")
    return text


def make(options):
    """Return what to tell (a list of lines), and the files to write, {path: bytes}. Raises DatasetError."""
    without = {path: known_digits(path) for path in options.without}
    lines, bitmaps, labels = [], [], []
    for source in read_sources(options.sources):
        count = len(source.labels)
        lines += source.left_out
        if options.first and options.first < count:
            lines.append(f"{count - options.first:,} left out: after the first {options.first:,} of {source.path}")
            source = source._replace(images=source.images[: options.first], labels=source.labels[: options.first])
        bitmaps.append(black_and_white(source, options.threshold))
        labels.append(source.labels)
    bitmaps, labels = np.concatenate(bitmaps), np.concatenate(labels)
    taken, left_out = choose(bitmaps, labels, without, options.per_class)
    bitmaps, labels = bitmaps[taken], labels[taken]
    lines += [f"{count:,} left out: {reason}" for reason, count in left_out.items()]

    training, test = halves(labels)
    parts = {options.out: training, options.test: test} if options.test else {
        options.out: np.concatenate([training, test])}
    contents = {path: as_lines(bitmaps[part], labels[part]) for path, part in parts.items()}
    lines += [f"{path}: {_counts(labels[part])}" for path, part in parts.items()]
    if options.figure:
        contents[options.figure] = figure.as_file(figure.draw(bitmaps, labels), options.figure)
        lines.append(options.figure)
    return lines, contents


def _counts(labels):
    """Return in words how many digits there are, and how many of each class."""
    counts = np.bincount(labels, minlength=10)
    each = (f"{counts[0]:,} of each class" if np.ptp(counts) == 0 else
            ", ".join(f"{count:,} of {label}" for label, count in enumerate(counts)))
    return f"{len(labels):,} digits, {each}"
