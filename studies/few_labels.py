"""A classifier of 100 labelled images: from scratch, and from the encoder of an autoencoder of all training images.

    python -m studies.few_labels --runs 10 --figures figures       on the bundle's digits: 100 of 1,000 have labels
    python -m studies.few_labels --data fashion_mnist              100 of 60,000

(4) trains encoder and perceptron on the 100 images only; (5) starts from the encoder of an autoencoder (`transfer.py`,
part 1), frozen or fine-tuned, the latter with three learning rates. The networks of a run have the same 100 images, so
their accuracies are compared in pairs.
"""

from studies import encoders, shared
from studies.encoders import FILTERS, LEARNING_RATE, build_decoder, build_encoder, build_mlp
from support.data_file import Digits

import keras
import numpy as np
from scipy import stats

LABELLED = 100
EPOCHS = 600
MEASUREMENTS = 40  # of the test images, more often at first: each takes longer than an epoch
FINAL = 0.1  # the last learning rate, as a share of the first: a rate of zero would end a training that is not done
SCRATCH = f"(4) {LABELLED} images only"
# Part: whether it starts from the encoder of the autoencoder, whether that is trained, and the learning rate.
PARTS = {
    SCRATCH: (False, True, LEARNING_RATE),
    "(5) frozen encoder": (True, False, LEARNING_RATE),
    "(5) fine-tuned": (True, True, LEARNING_RATE),
    "(5) fine-tuned, 0.3 of the learning rate": (True, True, 0.3 * LEARNING_RATE),
    "(5) fine-tuned, 0.1 of the learning rate": (True, True, 0.1 * LEARNING_RATE),
}


def train_run(training, test, epochs, few_epochs, progress):
    """Train an autoencoder, choose labelled images, train the classifiers on them. Returns {part: history}."""
    encoder = encoders.train_autoencoder(build_encoder(FILTERS, True), build_decoder(FILTERS, True), training, test,
                                         epochs, progress).encoder
    chosen = np.random.default_rng().choice(len(training.labels), LABELLED, replace=False)
    labelled = Digits(*(part[chosen] for part in training))
    validation_freq = np.unique(np.geomspace(1, few_epochs, MEASUREMENTS).round().astype(int)).tolist()
    histories = {}
    for part, (pretrained, trainable, rate) in PARTS.items():
        start = encoders.clone(encoder, trainable) if pretrained else build_encoder(FILTERS, True)
        histories[part] = encoders.train(keras.Sequential([start, build_mlp()]), *labelled, test, few_epochs, progress,
                                         rate, FINAL, validation_freq)
    return histories


def difference(accuracies, others):
    """Return the mean difference of paired accuracies (runs,), in %, and its 95% confidence interval, as text."""
    if len(accuracies) == 1:
        return f"{accuracies[0] - others[0]:+.1f}"
    interval = stats.ttest_rel(accuracies, others).confidence_interval()
    return f"{np.mean(accuracies - others):+.1f} ({interval.low:+.1f} to {interval.high:+.1f})"


def print_results(runs, split):
    """Print accuracies, losses, and the differences between the parts. runs: [{part: history}]."""
    accuracies = {part: np.array([100 * run[part]["val_accuracy"][-1] for run in runs]) for part in PARTS}
    rows = []
    for part in PARTS:
        values = [(100 * run[part]["accuracy"][-1], run[part]["loss"][-1], accuracy, run[part]["val_loss"].min(),
                   run[part]["val_loss"][-1]) for run, accuracy in zip(runs, accuracies[part])]
        rows.append([part, *shared.summaries(values, (1, 4, 1, 3, 3)),
                     *("" if part == other else difference(accuracies[part], accuracies[other])
                       for other in (SCRATCH, "(5) frozen encoder"))])
    shared.print_table(
        ["classifier", f"accuracy, the {LABELLED} images, %", "loss there", f"accuracy, {split} images, %",
         "cross-entropy there: lowest", "at the end", "accuracy ahead of (4)", "of the frozen encoder"], rows)


def main(argv=None):
    """Train the networks of (4) and (5), print the table, draw.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    shared.add_runs(parser, 1, "a fold of the training images")
    encoders.add_data(parser)
    options = shared.parse(parser, argv)
    training, test = encoders.load_data(options)
    epochs, few_epochs = (1, 2) if options.quick else (encoders.EPOCHS[options.data][0], EPOCHS)
    with shared.progress(options.runs * (epochs + len(PARTS) * few_epochs)) as progress:
        runs = [train_run(training, test, epochs, few_epochs, progress) for _ in range(options.runs)]
    split = shared.split_name(options)
    print_results(runs, split)
    shared.present(lambda: {"few": encoders.draw_curves({part: [run[part] for run in runs] for part in PARTS},
                                                        f"Classifiers of {LABELLED} labelled images", split, "log")},
                   options)


if __name__ == "__main__":
    shared.run(main)
