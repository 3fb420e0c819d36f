"""What the studies share: command line, results in a file, tables, figures, progress."""

import json
import os

from support import script, windows
from support.command_line import Parser, check_folder, fail, output, positive_integer

import keras
import numpy as np
from scipy import stats
from tabulate import tabulate
from tqdm import tqdm


def parser(description):
    """Return a `Parser` of a study's command line, with `--quick` and `--figures DIR`, for further options."""
    parser = Parser(description)
    parser.add_argument("--quick", action="store_true", help="a trial that takes seconds; its results mean nothing")
    parser.add_argument("--figures", metavar="DIR", help="save the figures in DIR (without it they are shown, if there "
                                                         "is a screen)")
    return parser


def parse(parser, argv):
    """Return the options of a command line `argv`, that of the process if it is None.

    It ends the process in one line if there is a mistake in them, or if the folder for figures could not be made.
    """
    options = parser.parse_args(argv)
    if options.figures is not None:
        check_folder(options.figures)
    return options


def run(main):
    """Call `main` as the program. A file or a folder that cannot be read or written ends it in one line."""
    def call():
        with output():  # whatever a study opens was named by the user
            main()

    script.run(call)


def add_runs(parser, runs=3, validation=None):
    """Add the options of a study that repeats its trainings to a parser. validation: what --validation holds out."""
    parser.add_argument("--runs", metavar="N", type=positive_integer, default=runs,
                        help=f"train each network so many times (default: {runs})")
    if validation:
        parser.add_argument("--validation", action="store_true",
                            help=f"for tuning: hold out {validation} and measure on it instead of the test data")


def add_results(parser):
    """Add `--results FILE` to the parser of a study that calls `repeat`."""
    parser.add_argument("--results", metavar="FILE", help="keep the results of each run in FILE, and go on from those "
                                                          "that are there")


def repeat(count, options, run):
    """Return `count` results of the function `run`, without arguments, from `--results FILE` as far as they are there.

    A result consists of dictionaries, lists, arrays, numbers and text; arrays come back as lists. Each becomes a line
    of JSON in the file at once, so a study that was stopped goes on where it was. Ends the process in one line if the
    file is of other options.
    """
    settings = {name: value for name, value in vars(options).items()
                if name not in ("figures", "results", "runs", "people")}
    results = []
    if options.results and os.path.exists(options.results):
        try:
            with open(options.results, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            results = [line["result"] for line in lines if line["settings"] == settings]
        except (ValueError, KeyError, TypeError):
            fail(f"{options.results}: not the results of a study")
        if len(results) < len(lines):
            fail(f"{options.results}: results of other options")
    while len(results) < count:
        line = json.dumps({"settings": settings, "result": run()}, default=lambda array: array.tolist())
        results.append(json.loads(line)["result"])
        if options.results:
            with open(options.results, "a", encoding="utf-8") as file:
                print(line, file=file)
    return results[:count]


def split_name(options):
    """Return what tables and titles call the data that are measured on: `validation` or `test`."""
    return "validation" if options.validation else "test"


def present(draw, options):
    """Call `draw`, which returns {name: Matplotlib figure}, and save the figures or show them in windows.

    Nothing is drawn without a screen and without --figures. An error of the disk raises OSError.
    """
    shown = windows.has_screen() and options.figures is None
    if shown or options.figures is not None:
        windows.present(draw(), options.figures, shown)


def tiled(images, columns):
    """Return images (n, 784) as one image, row by row: (n / columns x 28, columns x 28)."""
    return np.reshape(images, (-1, columns, 28, 28)).swapaxes(1, 2).reshape(-1, columns * 28)


def draw_rows(title, rows):
    """Return a figure of images in rows. A row is a name and images (n, 784), pixels from 0 (white) to 1 (black)."""
    import matplotlib.pyplot as plt

    count = len(rows[0][1])
    figure, panels = plt.subplots(len(rows), count, squeeze=False, figsize=(2 + 0.9 * count, 0.7 + 0.95 * len(rows)),
                                  layout="constrained")
    figure.suptitle(title)
    for line, (name, images) in zip(panels, rows):
        for panel, image in zip(line, images):
            panel.imshow(image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
            panel.set(xticks=[], yticks=[])
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def print_table(head, rows):
    """Print a table of text in Markdown, the first column aligned left, all others right."""
    print(tabulate(rows, head, "pipe", disable_numparse=True, colalign=["left"] + ["right"] * (len(head) - 1)),
          flush=True)


def mean_and_std(values, decimals):
    """Return the mean of some numbers (n,) and, if there are several, their standard deviation: "1.5 ± 0.2"."""
    std = f" ± {np.std(values, ddof=1):.{decimals}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{decimals}f}{std}"


def summaries(runs, decimals):
    """Return mean and standard deviation of each column of `runs`, a row of numbers for each run, as texts.

    decimals: how many, one number for all columns or one for each.
    """
    columns = list(zip(*runs))
    return [mean_and_std(column, number) for column, number in zip(columns, np.broadcast_to(decimals, len(columns)))]


def paired_difference(values, others, decimals):
    """Return the mean difference of paired numbers (n,), and its 95% confidence interval: "+1.5 (+0.2 to +2.8)"."""
    differences = np.subtract(values, others)
    text = f"{differences.mean():+.{decimals}f}"
    if len(differences) == 1:
        return text
    interval = stats.ttest_1samp(differences, 0).confidence_interval()
    return f"{text} ({interval.low:+.{decimals}f} to {interval.high:+.{decimals}f})"


def progress(total):
    """Return a progress bar of epochs, shown at a terminal only, which `with` clears at the end."""
    return tqdm(total=total, unit="epoch", disable=None, leave=False)


def progress_callback(bar):
    """Return a Keras callback that counts the epochs of a training on a progress bar."""

    def on_epoch_end(_, logs):
        bar.set_postfix(loss=logs["loss"], refresh=False)
        bar.update()

    return keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end)
