"""The training as `--full_output` shows it: a table, a progress line at a terminal, a plot where there is a screen."""

from support.command_line import output
from support.evaluation import error_heads, errors, predict
from support.progress import ProgressLine
from support.windows import ErrorPlot, has_screen

import keras


class TrainingTable(keras.callbacks.Callback):
    """Record a training: the loss of each epoch and, at most ten times, the errors of a model.

    model: the model whose errors are measured. splits: `Digits` by the name of the split, such as "train". shown:
    whether the errors are printed, and plotted where there is a screen. If not, the weights are kept, and the errors
    measured when `curves` is called, so that the training takes no longer.
    """

    ROWS = 10

    def __init__(self, model, splits, shown=True):
        super().__init__()
        self.network, self.splits, self.shown = model, splits, shown
        self.history, self.losses, self.weights = [], {}, {}  # rows by the heads of columns; the others by the epoch
        self.plot, self.epochs = None, 0  # epochs are counted on where a script calls `fit` more than once

    def on_train_begin(self, logs=None):
        self.before, self.every = self.epochs, max(1, -(-self.params["epochs"] // self.ROWS))
        self.progress = ProgressLine("epoch", self.before + self.params["epochs"])
        if self.shown and self.plot is None and has_screen():
            self.plot = ErrorPlot()

    def on_epoch_end(self, epoch, logs=None):
        self.epochs = self.before + epoch + 1
        if "loss" in (logs or {}):
            self.losses[self.epochs] = logs["loss"]
        last = epoch + 1 == self.params["epochs"]
        if (epoch + 1) % self.every == 0 or last:
            if self.shown:
                self._print(self._measure(self.epochs))
            else:
                self.weights[self.epochs] = self.network.get_weights()
        if self.shown and not last:
            self.progress.update(self.epochs)

    def _measure(self, epoch):
        """Return the row of an epoch, with the errors of the model as it is now, and add it to the history."""
        row = {"epoch": epoch}
        for split, digits in self.splits.items():
            measured = errors(digits, predict(self.network, digits.images))
            row |= dict(zip(error_heads(split, measured), measured.values()))
        self.history.append(row)
        return row

    def _print(self, row):
        """Print a row, the first one below the heads of the columns, and plot all rows."""
        self.progress.clear()
        with output():
            if len(self.history) == 1:
                print("   ".join(row))
            print("   ".join(f"{value:{len(head)}{'d' if head == 'epoch' else '.2f'}}" for head, value in row.items()),
                  flush=True)
        if self.plot:
            self.plot.draw(self.history)

    def curves(self):
        """Return the loss and the errors, {name: {epoch: value}}. The model keeps the weights that it has."""
        final = self.network.get_weights()
        try:
            for epoch in list(self.weights):
                self.network.set_weights(self.weights.pop(epoch))
                self._measure(epoch)
        finally:
            self.network.set_weights(final)
        heads = list(self.history[0])[1:] if self.history else []
        return {"loss": self.losses} | {head: {row["epoch"]: row[head] for row in self.history} for head in heads}
