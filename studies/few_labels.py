"""A classifier of 100 labelled images: from scratch, and from the encoder of an autoencoder of all training images.

    python -m studies.few_labels --runs 10 --figures figures       on the bundle's digits: 100 of 1,000 have labels
    python -m studies.few_labels --data fashion_mnist              100 of 60,000

(4) trains encoder and perceptron on the 100 images only; (5) starts from the encoder of an autoencoder (`transfer.py`,
part 1): frozen; fine-tuned with the perceptron from the start; or fine-tuned at a lower rate after the perceptron has
been trained on the frozen encoder. All have the same number of epochs. The networks of a run have the same 100 images,
so their accuracies are compared in pairs.
"""

from studies import encoders, shared
from studies.encoders import FILTERS, LEARNING_RATE, build_decoder, build_encoder, build_mlp
from support.data_file import Digits

import keras
import numpy as np

LABELLED = 100
EPOCHS = 600
MEASUREMENTS = 40  # of the test images in a stage, more often at first: each takes longer than an epoch
FINAL = 0.1  # the last learning rate, as a share of the first: a rate of zero would end a training that is not done
LOWER = 0.1  # the learning rate of fine-tuning after the perceptron has been trained, as a share of the usual one
SCRATCH, FROZEN = f"(4) {LABELLED} images only", "(5) frozen encoder"
# Part: whether it starts from the encoder of the autoencoder, and for each stage of the training its share of the
# epochs, whether the encoder is trained, and the learning rate.
PARTS = {
    SCRATCH: (False, [(1, True, LEARNING_RATE)]),
    FROZEN: (True, [(1, False, LEARNING_RATE)]),
    "(5) fine-tuned from the start": (True, [(1, True, LEARNING_RATE)]),
    "(5) fine-tuned after the perceptron": (True, [(0.5, False, LEARNING_RATE), (0.5, True, LOWER * LEARNING_RATE)]),
}


def train_stages(encoder, stages, labelled, test, epochs, progress):
    """Train a classifier with that encoder, and a new perceptron, on labelled `Digits`. Returns its history.

    stages: share of the epochs, whether the encoder is trained, and learning rate of each. test: `Digits` that are
    measured now and then.
    """
    classifier, history = keras.Sequential([encoder, build_mlp()]), {}
    for share, trainable, rate in stages:
        encoder.trainable = trainable
        count = max(1, round(share * epochs))
        measured = np.unique(np.geomspace(1, count, MEASUREMENTS).round().astype(int)).tolist()
        stage = encoders.train(classifier, *labelled, test, count, progress, rate, FINAL, measured)
        stage["val_epoch"] = stage["val_epoch"] + len(history.get("loss", []))
        history = {name: np.concatenate([history.get(name, []), values]) for name, values in stage.items()}
    return history


def train_run(training, test, epochs, few_epochs, progress):
    """Train an autoencoder, choose labelled images, train the classifiers on them. Returns {part: history}."""
    encoder = encoders.train_autoencoder(build_encoder(FILTERS, True), build_decoder(FILTERS, True), training, test,
                                         epochs, progress).encoder
    chosen = np.random.default_rng().choice(len(training.labels), LABELLED, replace=False)
    labelled = Digits(*(part[chosen] for part in training))
    return {part: train_stages(encoders.clone(encoder, True) if pretrained else build_encoder(FILTERS, True), stages,
                               labelled, test, few_epochs, progress)
            for part, (pretrained, stages) in PARTS.items()}


def print_results(runs, split):
    """Print accuracies, losses, and the differences between the parts. runs: [{part: history}]."""
    accuracies = {part: [100 * run[part]["val_accuracy"][-1] for run in runs] for part in PARTS}
    rows = []
    for part in PARTS:
        values = [(100 * run[part]["accuracy"][-1], accuracy, min(run[part]["val_loss"]), run[part]["val_loss"][-1])
                  for run, accuracy in zip(runs, accuracies[part])]
        rows.append([part, *shared.summaries(values, (1, 1, 3, 3)),
                     *("" if part == other else shared.paired_difference(accuracies[part], accuracies[other], 1)
                       for other in (SCRATCH, FROZEN))])
    shared.print_table(
        ["classifier", f"accuracy, the {LABELLED} images, %", f"{split} images, %", "cross-entropy there: lowest",
         "at the end", "accuracy ahead of (4)", "of the frozen encoder"], rows)


def main(argv=None):
    """Train the networks of (4) and (5), print the table, draw.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    shared.add_runs(parser, 1, "a fold of the training images")
    shared.add_results(parser)
    encoders.add_data(parser)
    options = shared.parse(parser, argv)
    training, test = encoders.load_data(options)
    epochs, few_epochs = (1, 2) if options.quick else (encoders.EPOCHS[options.data][0], EPOCHS)
    with shared.progress(options.runs * (epochs + len(PARTS) * few_epochs)) as progress:
        runs = shared.repeat(options.runs, options,
                             lambda: train_run(training, test, epochs, few_epochs, progress))
    split = shared.split_name(options)
    print_results(runs, split)
    shared.present(lambda: {"few": encoders.draw_curves(
        {part: [run[part] for run in runs] for part in PARTS},
        f"Classifiers of {LABELLED} labelled images: mean and range of {len(runs)} runs", split, "log")}, options)


if __name__ == "__main__":
    shared.run(main)
