"""What the studies share: command line, digits, tables and figures, on top of the bundle's own `common`."""

import common  # first: it starts the clock and keeps TensorFlow quiet
from support import figures
from support.command_line import Parser, make_folder, positive_integer

import keras
import numpy as np
from tabulate import tabulate
from tqdm import tqdm


def parser(description):
    """Return a parser of a study's command line, with `--quick` and `--figures DIR`. A study adds its own options."""
    parser = Parser(description)
    parser.add_argument("--quick", action="store_true", help="a trial that takes seconds; its results mean nothing")
    parser.add_argument("--figures", metavar="DIR", help="save the figures in DIR (without it they are shown, if there "
                                                         "is a screen)")
    return parser


def parse(parser, argv):
    """Return the options of a command line. The folder for figures is made before there is work that could be lost."""
    options = parser.parse_args(argv)
    if options.figures is not None:
        make_folder(options.figures)
    return options


def add_runs(parser, runs=3, validation=None):
    """Add the options of a study that repeats its trainings to a parser. validation: what --validation holds out."""
    parser.add_argument("--runs", metavar="N", type=positive_integer, default=runs,
                        help=f"train each network so many times (default: {runs})")
    if validation:
        parser.add_argument("--validation", action="store_true",
                            help=f"for tuning: hold out {validation} and measure on it instead of the test data")


def digits(validation=False):
    """Return the bundle's training and test digits as two `common.Digits`, 1,000 each.

    validation: return the training digits without the first of five folds, and that fold, instead.
    """
    count = common.count_lines(common.DATASET)
    training = common.read_digits(common.DATASET, 0, count // 2)
    return common.hold_out(training, 1) if validation else [
        training, common.read_digits(common.DATASET, count // 2, count)]


KERAS_FOLDS = 6  # of the training images of a Keras data set: --validation holds out 10,000 of 60,000


def images_of(name, options):
    """Return training and test data of a data set of Keras as two `common.Digits`, pixels in [0, 1].

    With --validation the first of six folds of the training images is held out and replaces the test images. With
    --quick there are few of both.
    """
    from studies import datasets

    training, test = (common.Digits(np.float32(images[..., None]) / 255, labels.astype(np.int32))
                      for images, labels in datasets.load_data(name))
    if options.validation:
        training, test = common.hold_out(training, 1, KERAS_FOLDS)
    counts = (500, 100) if options.quick else (None, None)
    return [common.Digits(*(array[:count] for array in data)) for data, count in zip((training, test), counts)]


def begin_with_fashion(description, argv):
    """Return the options of a study of Fashion-MNIST and its training and test images, float32 (n, 784)."""
    arguments = parser(description)
    add_runs(arguments, validation="10,000 training images")
    options = parse(arguments, argv)
    return options, *(part.images.reshape(-1, 784) for part in images_of("fashion_mnist", options))


def split(options):
    """Return what tables and titles call the data that are measured on: `validation` or `test`."""
    return "validation" if options.validation else "test"


def present(draw, options):
    """Call `draw`, which returns {name: Matplotlib figure}, and save the figures or show them in windows.

    Nothing is drawn without a screen and without --figures.
    """
    windows = figures.has_screen() and options.figures is None
    if windows or options.figures is not None:
        figures.present(draw(), options.figures, windows)


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


def mean_and_spread(values, digits):
    """Return the mean of some numbers and, if there are several, their standard deviation, as text."""
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def summaries(runs, digits):
    """Return mean and standard deviation of each column of `runs`, a row of numbers for each run, as texts.

    digits: the number of decimals, one for all columns or one for each.
    """
    columns = list(zip(*runs))
    return [mean_and_spread(column, places) for column, places in zip(columns, np.broadcast_to(digits, len(columns)))]


def progress(total):
    """Return a progress bar of epochs, shown at a terminal only, which `with` clears at the end."""
    return tqdm(total=total, unit="epoch", disable=None, leave=False)


def progress_callback(bar):
    """Return a Keras callback that counts the epochs of a training on a progress bar."""

    def on_epoch_end(_, logs):
        bar.set_postfix(loss=logs["loss"], refresh=False)
        bar.update()

    return keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end)
