"""The run of a task script: the command line, the digits that it names, the training, the report."""

import contextlib
import os
import sys
import time
import warnings
from statistics import mean, stdev

from support import startup
from support.command_line import OutputError, Parser, arguments, check_folder, check_output, fail, note, output
from support.data_file import (
    DATASET,
    FOLDS,
    NO_LABEL,
    DatasetError,
    check_file,
    count_lines,
    hold_out,
    read_digits,
    same_file,
    write_predictions,
)
from support.evaluation import ModelError, as_dictionary, error_heads, errors, predict, with_thought_vector

import keras
import numpy as np

ALL_FOLDS = 0
FEW = 100  # digits; with fewer the error is hardly more than chance


class Script:
    """One run of a task script. The constructor parses the command line and touches no file; `run` does the rest.

    description: the script's docstring, for --help. argv: the arguments, those of the process if it is None. A mistake
    in them ends the process in one line, as --help does.
    """

    def __init__(self, description, argv=None):
        parser = Parser(description, "steps, epochs and the like are constants at the top of the script")
        parser.add_argument("--full_output", "--full-output", action="store_true",
                            help="show the training table, and a live plot where there is a screen; otherwise "
                                 "nothing is printed until the end")
        parser.add_argument("--show_analysis", "--show-analysis", action="store_true",
                            help="show figures in windows; without a screen, save them in figures/")
        parser.add_argument("--figures", metavar="DIR", help="save the figures in DIR")
        parser.add_argument("--validation", nargs="?", const=ALL_FOLDS, type=int, choices=range(1, FOLDS + 1),
                            metavar="FOLD", help="for tuning: hold out a fold of the training digits "
                            f"(1 to {FOLDS}; without a number each in turn, and their mean), and report the error on "
                            "it; the test digits are not read")
        parser.add_argument("--dataset", metavar="FILE", default=DATASET,
                            help="the digits (default: dataset.txt beside the script)")
        parser.add_argument("--test", metavar="FILE",
                            help="test digits; then all of --dataset is for training, otherwise its first half")
        parser.add_argument("--predictions", metavar="FILE",
                            help="save the prediction for each test digit there: its label, its pixels, or both, in "
                                 "the format of the data; the test digits need no labels then")
        parser.add_argument("--save", metavar="FILE.keras", help="save the trained network there")
        self.options = options = parser.parse_args(arguments() if argv is None else list(map(str, argv)))
        self.draws = options.figures is not None or options.show_analysis
        if options.validation == ALL_FOLDS and (self.draws or options.predictions or options.save):
            fail(f"--validation without a fold saves and shows nothing; choose one, 1 to {FOLDS}")
        if options.save is not None and not options.save.endswith(".keras"):
            fail(f"argument --save: the name must end in .keras: {options.save}")
        self.fold = options.validation
        self.training = self.validation = None  # Digits
        self.table = None  # the TrainingTable

    def run(self, build_model, train):
        """Train a model, print the line of results, save and show what the command line asks for; return the model.

        Without a fold, --validation does so for each in turn; the last model is returned. build_model: returns the
        untrained model. train: gets the model, `Digits` and a list of callbacks. Raises DatasetError for a mistake in
        the files that the command line names, ModelError for outputs of another form, and OutputError. Ends the process
        in one line if a result could not be saved.
        """
        self.prepare()
        if self.options.validation != ALL_FOLDS:
            return self.run_once(build_model, train)[0]
        results = []
        for self.fold in range(1, FOLDS + 1):
            model, measured = self.run_once(build_model, train)
            results.append(measured)
        with output():
            print(f"mean and standard deviation of {FOLDS} folds: {', '.join(error_heads('validation', results[0]))}")
            print(*(f"{mean(values):.2f} ± {stdev(values):.2f}" for values in zip(*(r.values() for r in results))),
                  sep=", ", flush=True)
        return model

    def run_once(self, build_model, train):
        """Train and measure once; return the model and its errors."""
        began = startup.run_began()
        digits = self.training_digits()
        model = build_model()
        if getattr(model, "outputs", None):  # not of a model that only its training builds
            as_dictionary(list(model.outputs))  # another form is better found before the training than after it
        with quiet_keras():
            train(model, digits, self.callbacks(model))
        return model, self.report(model, began)  # only now are the test digits read

    def prepare(self):
        """Find the halves of the data, and make sure before the training that results can be saved after it.

        Raises DatasetError if a file is missing, too short or would be overwritten, and ends the process in one line
        if a file or a folder could not be written. Nothing is written.
        """
        options = self.options
        self._count = count_lines(options.dataset)
        self._training_count = self._count // 2 if options.test is None else self._count
        if self._training_count < (1 if options.validation is None else FOLDS):
            raise DatasetError(f"{options.dataset}: too few digits to split ({self._count})")
        if options.test is not None and options.validation is None:
            check_file(options.test)
            if same_file(options.test, options.dataset):
                raise DatasetError(f"--test {options.test}: these are the digits to train on")
        for name, path in ("--predictions", options.predictions), ("--save", options.save):
            if path is None:
                continue
            code = [getattr(module, "__file__", None) for module in list(sys.modules.values())]  # of what runs here
            for kept in (options.dataset, options.test, DATASET, sys.argv[0], *code):
                if kept and same_file(path, kept):
                    raise DatasetError(f"{name} {path}: this would overwrite {kept}")
            check_output(path)
        if options.predictions and options.save and same_file(options.predictions, options.save):
            raise DatasetError(f"--predictions and --save name the same file: {options.save}")
        if options.figures is not None:
            check_folder(options.figures)

    def training_digits(self):
        """Return the digits to train on: the first half of the data, with --validation without the fold held out.

        Raises DatasetError for a mistake in them.
        """
        self.training = read_digits(self.options.dataset, 0, self._training_count)
        if self.fold:
            self.training, self.validation = hold_out(self.training, self.fold)
        return self.training

    def test_digits(self):
        """Read the test digits, once the training is over. With --validation, return the fold held out instead.

        Raises DatasetError for a mistake in them.
        """
        if self.fold:
            return self.validation
        blank = self.options.predictions is not None
        if self.options.test is None:
            return read_digits(self.options.dataset, self._training_count, self._count, blank)
        return read_digits(self.options.test, 0, count_lines(self.options.test), blank)

    def callbacks(self, model):
        """Return the Keras callbacks: one that shows the training with --full_output, and records it for figures."""
        if not (self.options.full_output or self.draws):
            return []
        from support.training_table import TrainingTable

        splits = {"train": self.training, "validation": self.validation}
        self.table = TrainingTable(model, {split: digits for split, digits in splits.items() if digits},
                                   shown=self.options.full_output)
        return [self.table]

    def report(self, model, began=startup.START):
        """Measure the errors of the trained model, print the line of results, save and show what was asked for.

        began: when the run began, in seconds of `time.perf_counter`. Returns the errors, as a dictionary.
        """
        options, split = self.options, "validation" if self.fold else "test"
        digits = self.test_digits()
        outputs = predict(with_thought_vector(model) if self.draws else model, digits.images)
        result = errors(digits, outputs)
        minutes = (time.perf_counter() - began) / 60
        heads = "   ".join([*error_heads(split, result), "parameters", "minutes"])
        if self.fold:
            heads = f"fold {self.fold} of {FOLDS}: {heads}"
        with output():
            if options.full_output:
                print("- " * (len(heads) // 2))
            if options.full_output or self.fold:
                print(heads)
            print(*(f"{error:.2f}" for error in result.values()), model.count_params(), f"{minutes:.2f}", flush=True)
            if options.save is not None:
                model.save(options.save)
            if options.predictions is not None:
                write_predictions(options.predictions, outputs)
        self.explain(model, digits, outputs)
        if self.draws:
            from support.analysis import show_figures

            if NO_LABEL in digits.labels:
                raise DatasetError("there are no figures of digits without labels")
            curves = self.table.curves()
            with output():
                show_figures(model, digits, outputs, curves, options.figures, options.show_analysis, split)
        return result

    def explain(self, model, digits, outputs):
        """Write notes on standard error on what makes an error meaningless. Those on the data need --full_output."""
        if "digit" in outputs and np.abs(outputs["digit"].sum(1) - 1).max() > 0.01:
            note("the probabilities of a digit's classes do not add up to 1: is the softmax missing?")
        if not self.options.full_output:
            return
        classes = len(np.unique(self.training.labels))
        if min(len(self.training.labels), len(digits.labels)) < FEW or classes < 2:
            note(f"trained on {len(self.training.labels)} digits of {classes} class{'es' * (classes != 1)}, measured "
                 f"on {len(digits.labels)}: too few to say how good the network is")
        lost = ink_outside(model, self.training.images)
        if lost > 0.05:
            note(f"{lost:.0%} of the ink is at the edges of the images, which the network does not see")


def ink_outside(model, images):
    """Return the share of the ink of images (n, 28, 28, 1) outside of the middle that the network sees."""
    seen = next((layer.layer.input_shape[1:3] for layer in model.layers if hasattr(layer, "without_last_layer")), None)
    if seen is None or not images.any():
        return 0.0
    top, left = ((whole - part) // 2 for whole, part in zip(images.shape[1:3], seen))
    return 1 - images[:, top : top + seen[0], left : left + seen[1]].sum() / images.sum()


@contextlib.contextmanager
def quiet_keras():
    """Keep Keras's own progress bars, which `fit` shows unless it is told otherwise, out of the output."""
    shown = keras.config.is_interactive_logging_enabled()
    keras.config.disable_interactive_logging()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if shown:
            keras.config.enable_interactive_logging()


def run(main, threads_per_operation=None):
    """Call `main` as the program and return what it returns, the trained model.

    A mistake in what the user has given ends the process in one line, without a traceback. In a console, such as
    IPython's, the line comes as well, but the session goes on, and None is returned.

    threads_per_operation: among how many cores TensorFlow divides an operation; None leaves that to TensorFlow.
    """
    startup.prepare_process(threads_per_operation)
    try:
        return _run(main)
    except SystemExit:
        if startup.PROGRAM:
            raise
        return None


def _run(main):
    """Call `main`; a mistake of the user becomes SystemExit, after one line."""
    try:
        result = main()
        with output():
            print(end="", flush=True)  # not left to Python's own end, which would print a traceback
        return result
    except (DatasetError, ModelError) as error:
        fail(error)
    except OutputError as error:
        cause = error.args[0]  # Keras's `fit` drops the `__cause__`
        if startup.PROGRAM:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python's own end would try to write the rest again
        if isinstance(cause, BrokenPipeError):  # the reader of a pipe has left: end as quietly as other programs do
            sys.exit(128 + 13)
        fail(f"{cause.filename}: {cause.strerror}" if cause.filename else cause.strerror or cause)
