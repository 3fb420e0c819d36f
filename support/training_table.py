"""The training as `--full_output` shows it: a table, a progress line at a terminal, a plot where there is a screen."""

from support.command_line import output
from support.evaluation import error_heads, errors, predict
from support.progress import ProgressLine
from support.windows import ErrorPlot, has_screen

import keras


class TrainingTable(keras.callbacks.Callback):
    """Print the errors of a model about ten times during a training, and plot them where there is a screen.

    model: the model whose errors are shown. splits: `Digits` by the name of the split, such as "train".
    """

    ROWS = 10

    def __init__(self, model, splits):
        super().__init__()
        self.measured, self.splits = model, splits
        self.history, self.plot = [], None

    def on_train_begin(self, logs=None):
        self.every = max(1, self.params["epochs"] // self.ROWS)
        self.progress = ProgressLine("epoch", self.params["epochs"])
        self.plot = ErrorPlot() if has_screen() else None

    def on_epoch_end(self, epoch, logs=None):
        epoch += 1
        if epoch % self.every == 0 or epoch == self.params["epochs"]:
            self._add_row(epoch)
        if epoch < self.params["epochs"]:
            self.progress.update(epoch)

    def _add_row(self, epoch):
        row = {"epoch": epoch}
        for split, digits in self.splits.items():
            measured = errors(digits, predict(self.measured, digits.images))
            row |= dict(zip(error_heads(split, measured), measured.values()))
        self.progress.clear()
        with output():
            if not self.history:
                print("   ".join(row))
            print("   ".join(f"{value:{len(head)}{'d' if head == 'epoch' else '.2f'}}" for head, value in row.items()),
                  flush=True)
        self.history.append(row)
        if self.plot:
            self.plot.draw(self.history)
