"""The run of a task script: the command line, the digits that it names, the training, the report."""

import os
import random
import subprocess
import sys
import time
import warnings
from statistics import mean, stdev

from support import startup
from support.command_line import Parser, fail, make_folder
from support.data_file import (
    DATASET,
    FOLDS,
    NO_LABEL,
    DatasetError,
    check_file,
    count_lines,
    hold_out,
    read_digits,
    write_predictions,
)
from support.evaluation import error_heads, errors, predict, with_thought_vector

ALL_FOLDS = "all"


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
        folds = [str(fold) for fold in range(1, FOLDS + 1)]
        parser.add_argument("--validation", nargs="?", const=random.choice(folds), choices=[*folds, ALL_FOLDS],
                            metavar="FOLD", help=f"for tuning: hold out one of {FOLDS} folds of the training digits "
                            f"(1 to {FOLDS}, default: any) and report the error on it; the test digits are not read; "
                            f"{ALL_FOLDS}: one run for each fold, and the mean")
        parser.add_argument("--dataset", metavar="FILE", default=DATASET,
                            help="the digits (default: dataset.txt beside the script)")
        parser.add_argument("--test", metavar="FILE",
                            help="test digits; then all of --dataset is for training, otherwise its first half")
        parser.add_argument("--predictions", metavar="FILE",
                            help="save the prediction for each test digit there: its label, its pixels, or both, in "
                                 "the format of the data; the test digits need no labels then")
        self.arguments = sys.argv[1:] if argv is None else [str(argument) for argument in argv]
        self.options = options = parser.parse_args(self.arguments)
        if options.validation == ALL_FOLDS and (options.figures or options.predictions or options.show_analysis):
            fail(f"--validation {ALL_FOLDS} saves and shows nothing; choose one fold")
        self.training = self.validation = None  # Digits

    def run(self, build_model, train):
        """Train a model and report its errors; return the model, or None after a run for each fold.

        build_model: returns the untrained model. train: gets the model, `Digits` and a list of callbacks. A mistake in
        the files that the command line names ends the process in one line.
        """
        try:
            self.prepare()
        except DatasetError as error:
            fail(error)
        if self.options.validation == ALL_FOLDS:
            return self.run_all_folds()
        digits = self.training_digits()
        model = build_model()
        train(model, digits, self.callbacks(model))
        self.report(model)  # only now are the test digits read
        return model

    def prepare(self):
        """Find the halves of the data, and make sure before the training that results can be saved after it.

        Raises DatasetError if a file is missing or too short. It may end the process in one line.
        """
        options = self.options
        self._count = count_lines(options.dataset)
        self._training_count = self._count // 2 if options.test is None else self._count
        if self._training_count < (2 if options.validation else 1):
            raise DatasetError(f"{options.dataset}: too few digits to split ({self._count})")
        if options.test is not None and not options.validation:
            check_file(options.test)
        if options.figures is not None:
            make_folder(options.figures)
        if options.predictions is not None:
            open(options.predictions, "a").close()

    def run_all_folds(self):
        """Run this script once for each fold, as a process of its own, and print mean and standard deviation.

        What the runs print is passed on. A run that fails is the last one, and ends this process with its status.
        """
        results = []
        for fold in range(1, FOLDS + 1):
            with subprocess.Popen([sys.executable, sys.argv[0], *self.arguments, f"--validation={fold}"], text=True,
                                  stdout=subprocess.PIPE) as process:
                for line in process.stdout:
                    print(line, end="", flush=True)
            if process.returncode:
                sys.exit(process.returncode)
            results.append([float(error) for error in line.split()[:-2]])  # without parameters and minutes
        print("mean:", ", ".join(f"{mean(values):.2f} ± {stdev(values):.2f}" for values in zip(*results)), flush=True)

    def training_digits(self):
        """Return the digits to train on: the first half of the data, with --validation without the fold held out."""
        self.training = read_digits(self.options.dataset, 0, self._training_count)
        if self.options.validation:
            self.training, self.validation = hold_out(self.training, int(self.options.validation))
        return self.training

    def test_digits(self):
        """Read the test digits, once the training is over. With --validation, return the fold held out instead."""
        if self.options.validation:
            return self.validation
        blank = self.options.predictions is not None
        if self.options.test is None:
            return read_digits(self.options.dataset, self._training_count, self._count, blank)
        return read_digits(self.options.test, 0, count_lines(self.options.test), blank)

    def callbacks(self, model):
        """Return the Keras callbacks that show the training: none without --full_output."""
        if not self.options.full_output:
            return []
        from support.training_table import TrainingTable

        splits = {"train": self.training, "validation": self.validation}
        return [TrainingTable(model, {split: digits for split, digits in splits.items() if digits})]

    def report(self, model):
        """Measure the errors of the trained model, print the line of results, save predictions, show or save figures.

        Figures of digits without labels end the process in one line.
        """
        split = "validation" if self.options.validation else "test"
        digits = self.test_digits()
        draws = self.options.figures is not None or self.options.show_analysis
        outputs = predict(with_thought_vector(model) if draws else model, digits.images)
        result = errors(digits, outputs)
        minutes = (time.perf_counter() - startup.START) / 60
        if self.options.full_output:
            heads = "   ".join([*error_heads(split, result), "parameters", "minutes"])
            print("- " * (len(heads) // 2), heads, sep="\n")
        print(*(f"{error:.2f}" for error in result.values()), model.count_params(), f"{minutes:.2f}", flush=True)
        if self.options.predictions is not None:
            write_predictions(self.options.predictions, outputs)
        if draws:
            from support import figures

            if NO_LABEL in digits.labels:
                fail("there are no figures of digits without labels")
            figures.show_figures(model, digits, outputs, self.options.figures, self.options.show_analysis, split)


def run(main, threads_per_operation=None):
    """Call `main` as the program. A mistake in what the user has given ends the process in one line, no traceback.

    threads_per_operation: among how many cores TensorFlow divides an operation; None leaves that to TensorFlow.
    """
    warnings.simplefilter("ignore")
    startup.prepare_process(threads_per_operation)
    if sys.stdout:
        sys.stdout.reconfigure(errors="backslashreplace")  # for file names that the terminal's encoding does not have
    try:
        try:
            main()
        finally:
            print(end="", flush=True)  # not left to Python's own end, which would print a traceback
    except DatasetError as error:
        fail(error)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python's own end would try to write the rest again
        if isinstance(error, BrokenPipeError):  # the reader of a pipe has left: end as quietly as other programs do
            sys.exit(128 + 13)
        fail(f"{error.filename}: {error.strerror}" if error.filename else error.strerror or error)
