"""A recurrent network in NumPy that predicts the next character of a text (back-propagation through time).

    python -m studies.bptt --corpus origin_of_species.txt            trains on a book
    python -m studies.bptt                                           trains on the text of Python's own help
    python -m studies.bptt --corpus origin_of_species.txt --counts   counts only, without a network

400 ReLU units (`rnn.py`) read 150 characters of a text (27 different ones: the letters and the space) and predict the
next character at each step. The baselines are n-gram counts in the same samples (`ngrams.py`): which character was the
most frequent one after the longest context that occurs in them, and interpolated probabilities.

On the last tenth of the book it guesses 67.4% of the characters with a loss of 1.05 nats. Interpolated counts guess
69.0%, with a loss of 1.10 nats at best.
"""

from studies import shared
from studies.corpus import ALPHABET, one_hot, random_samples, read_text, simplify, tenths
from studies.ngrams import NGrams
from studies.rnn import RNN, Adam, clip_by_global_norm
from support import windows
from support.command_line import fail, positive_integer

import numpy as np

LENGTH = 150  # characters of a sample, before the last one
SEGMENT = 50  # characters after which the weights are updated; the state is carried on to the next segment
SAMPLES = 5000
CURVE = 1000  # samples that the loss is measured on after each epoch; on all of them it would take half of the time
UNITS = 400
EPOCHS = 15
LEARNING_RATE = 3e-3
PARTS = [1, 1 / 3, 1 / 30]  # of the learning rate, for three parts of the training
BATCH_SIZE = 20
DROPOUT = 0.3  # of hidden units on their way to the output
LONGEST_CONTEXT = 8  # characters before the next one, in the n-gram counts
TRAINING, HELD_OUT = "training samples", "held-out samples"
METHODS = {"counts with back-off": NGrams.backed_off, "interpolated counts": NGrams.interpolated}
INTERPOLATED = "interpolated counts"


def train(network, samples, held_out, epochs, progress, segment=SEGMENT, batch_size=BATCH_SIZE, dropout=DROPOUT,
          learning_rate=LEARNING_RATE):
    """Fit the network to samples of characters (n, length + 1), with a learning rate that falls in three parts.

    A sample is read in segments. Each begins in the state in which the one before ended, but the gradient flows back to
    its beginning only (truncated back-propagation through time; Williams and Peng, 1990).

    Returns the losses after each epoch on the last character of samples, and of samples held out: {where: (epochs,)}.
    """
    random, optimizer = np.random.default_rng(), Adam(network.weights)
    length, units = samples.shape[1] - 1, len(network.weights["b"])
    measured = {TRAINING: samples[:CURVE], HELD_OUT: held_out[:CURVE]}
    losses = {where: [] for where in measured}
    for epoch in range(epochs):
        rate = learning_rate * PARTS[epoch * len(PARTS) // epochs]
        for batch in np.array_split(random.permutation(len(samples)), max(1, len(samples) // batch_size)):
            characters, state = one_hot(samples[batch].T), 0
            for start in range(0, length, segment):
                x, targets = characters[start:min(start + segment, length)], characters[start + 1:start + 1 + segment]
                mask = (random.random((*x.shape[:2], units), np.float32) >= dropout) / np.float32(1 - dropout)
                _, gradients, state = network.bptt(x, targets, mask, state)
                optimizer.update(clip_by_global_norm(gradients), rate)
        for where, subset in measured.items():
            losses[where].append(measure(predictions(network, subset), subset)[1])
        progress.update()
    return losses


def predictions(network, samples):
    """Return the probabilities (n, 27) that the network gives the last character of samples (n, length + 1)."""
    parts = np.array_split(samples, -(-len(samples) // 500))
    return np.concatenate([network.outputs(network.hidden(one_hot(part[:, :-1].T))[-1]) for part in parts])


def ngram_predictions(ngrams, method, samples, longest):
    """Return the probabilities (n, 27) of the last character of samples by one of `METHODS` with counts `ngrams`."""
    return np.array([method(ngrams, characters[:-1], longest) for characters in map(bytes, np.uint8(samples))])


def measure(probabilities, samples):
    """Return accuracy, in %, and cross-entropy, in nats, of probabilities (n, 27) of the last character of samples."""
    targets = samples[:, -1]
    of_targets = np.maximum(probabilities[np.arange(len(targets)), targets], np.finfo(np.float32).tiny)
    return 100 * np.mean(probabilities.argmax(1) == targets), -np.mean(np.log(of_targets))


def measure_counts(training, measured, longest):
    """Return accuracy and cross-entropy of counts in samples `training`, on others: {method: {where: (contexts, 2)}}.

    measured: {where: samples}; the longest contexts are 0 to `longest` characters.
    """
    ngrams = NGrams(training, longest)
    return {name: {where: [measure(ngram_predictions(ngrams, method, samples, context), samples)
                           for context in range(longest + 1)] for where, samples in measured.items()}
            for name, method in METHODS.items()}


def generate(network, start, count):
    """Return the text `start` and `count` more characters, drawn from the probabilities that the network predicts."""
    random, state, text = np.random.default_rng(), 0, start
    for number in range(len(start) + count - 1):
        state = network.hidden(one_hot([[ALPHABET.index(text[number])]]), state)[-1]
        if number + 1 == len(text):
            probabilities = network.outputs(state)[0].astype(float)
            text += random.choice(list(ALPHABET), p=probabilities / probabilities.sum())
    return text


def run_once(text, options, progress):
    """Train a network and count on new samples of a text (n,). Returns the results as a dictionary.

    losses: see `train`; network: accuracy and loss, {where: (2,)}; texts: that it generates; counts: see
    `measure_counts`; tuning: the same on the ninth tenth of the text, with counts of the first eight. Only the last two
    with `options.counts`.
    """
    size, spacing = options.length + 1, 1 if options.overlap else options.length + 1
    count = 200 if options.quick else SAMPLES

    def sample_both(tenth):  # the tenth held out is one piece, so that no sentence is in both
        return {TRAINING: random_samples(tenths(text, 0, tenth), count, size, spacing),
                HELD_OUT: random_samples(tenths(text, tenth, tenth + 1), count, size)}

    samples, result = sample_both(8 if options.validation else 9), {}
    if not options.counts:
        network = RNN(len(ALPHABET), UNITS, len(ALPHABET))
        losses = train(network, *samples.values(), options.epochs, progress, options.segment, options.batch_size,
                       options.dropout, options.learning_rate)
        result = {"losses": losses, "texts": [generate(network, "the ", 90) for _ in range(3)],
                  "network": {where: measure(predictions(network, part), part) for where, part in samples.items()}}
    to_choose = sample_both(8)
    return result | {
        "counts": measure_counts(samples[TRAINING], samples, options.longest_context),
        "tuning": measure_counts(to_choose[TRAINING], {HELD_OUT: to_choose[HELD_OUT]}, options.longest_context)}


def print_results(runs):
    """Print the tables. runs: [`run_once`]."""
    def row(name, of_runs):
        return [name, *shared.summaries([[part[place] for place in (0, 1) for part in (run[TRAINING], run[HELD_OUT])]
                                         for run in of_runs], (1, 1, 3, 3))]

    trained, rows = [run["network"] for run in runs if "network" in run], []
    if trained:
        rows.append(row("recurrent network", trained))
    for method in METHODS:
        chosen = np.mean([run["tuning"][method][HELD_OUT] for run in runs], axis=0)[:, 0].argmax()
        of_runs = [{where: values[chosen] for where, values in run["counts"][method].items()} for run in runs]
        cells = row(f"{method}, contexts of up to {chosen}", of_runs)
        rows.append(cells if method == INTERPOLATED else cells[:3])
        if trained:
            rows[-1] += [""] * (5 - len(rows[-1])) + [shared.paired_difference(
                [run[HELD_OUT][0] for run in trained], [run[HELD_OUT][0] for run in of_runs], 1)]
    without_context = [{where: values[0] for where, values in run["counts"][INTERPOLATED].items()} for run in runs]
    rows.append(row("the most frequent character", without_context)[:3])
    shared.print_table(["next character by", "accuracy, training samples, %", "held-out samples, %",
                        "loss, training samples", "held-out samples", "network ahead by, points"],
                       [cells + [""] * (6 - len(cells)) for cells in rows])
    print()
    counts = {name: np.mean([run["counts"][name][HELD_OUT] for run in runs], axis=0) for name in METHODS}
    shared.print_table(["held-out samples: contexts of up to", *(f"{name}, %" for name in METHODS),
                        f"{INTERPOLATED}: loss"],
                       [[str(context), *(f"{values[context, 0]:.1f}" for values in counts.values()),
                         f"{counts[INTERPOLATED][context, 1]:.3f}"] for context in range(len(counts[INTERPOLATED]))])
    print()
    for line in runs[-1].get("texts", []):
        print(line)


def draw(runs):
    """Return the figures: the loss in training, and the accuracy of network and counts. runs: [`run_once`]."""
    import matplotlib.pyplot as plt

    panels = {}
    for name in ("loss", "accuracy"):
        panels[name] = plt.subplots(figsize=(7, 4.5), layout="constrained")[1]
        panels[name].grid(alpha=0.3)
    longest = len(runs[0]["counts"][INTERPOLATED][HELD_OUT])
    shown = np.arange(min(3, longest - 1), longest)  # shorter contexts are far below
    trained = [run for run in runs if "network" in run]
    for where, colour in {TRAINING: windows.COLOURS[0], HELD_OUT: windows.COLOURS[2]}.items():
        if trained:
            curves = np.transpose([run["losses"][where] for run in trained])
            lines = panels["loss"].plot(np.arange(1, len(curves) + 1), curves, color=colour, linewidth=1)
            lines[0].set_label(f"network, {where}")
            accuracies = [run["network"][where][0] for run in trained]
            panels["accuracy"].axhline(np.mean(accuracies), color=colour, label=f"network, {where}")
            panels["accuracy"].axhspan(min(accuracies), max(accuracies), color=colour, alpha=0.15, linewidth=0)
        for method, style in zip(METHODS, ("o--", "s:")):
            if method == INTERPOLATED or where == HELD_OUT:  # on training samples both are the same
                values = np.mean([run["counts"][method][where] for run in runs], axis=0)[:, 0]
                panels["accuracy"].plot(shown, values[shown], style, color=colour, label=f"{method}, {where}",
                                        fillstyle="full" if method == INTERPOLATED else "none")
    lowest = np.mean([run["counts"][INTERPOLATED][HELD_OUT] for run in runs], axis=0)[:, 1].min()
    panels["loss"].axhline(lowest, color="0.4", linestyle="--", label=f"{INTERPOLATED} at best, {HELD_OUT}")
    panels["loss"].set(title="Loss in training, a line for each run", xlabel="epoch", ylabel="cross-entropy")
    panels["accuracy"].set(title="Prediction of the next character", xlabel="longest context of the counts",
                           ylabel="accuracy, %", xticks=shown)
    for panel in panels.values():
        panel.legend()
    return {name: panel.figure for name, panel in panels.items() if trained or name == "accuracy"}


def main(argv=None):
    """Train, compare with n-gram counts and generate a few lines; or only count.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    shared.add_runs(parser, 1, "the ninth tenth of the text")
    shared.add_results(parser)
    parser.add_argument("--corpus", metavar="FILE", help="the text (default: that of Python's help)")
    parser.add_argument("--counts", action="store_true", help="only n-gram counts, no network")
    parser.add_argument("--overlap", action="store_true", help="training samples may overlap")
    for name, kind, default, what in (
            ("length", positive_integer, LENGTH, "characters of a sample"),
            ("segment", positive_integer, SEGMENT, "characters after which the weights are updated"),
            ("batch-size", positive_integer, BATCH_SIZE, "samples of a training step"),
            ("epochs", positive_integer, EPOCHS, "passes through the samples"),
            ("dropout", float, DROPOUT, "of hidden units on their way to the output"),
            ("learning-rate", float, LEARNING_RATE, "of the first third of the training"),
            ("longest-context", positive_integer, LONGEST_CONTEXT, "of the counts, in characters")):
        parser.add_argument(f"--{name}", metavar="N", type=kind, default=default, help=f"{what} (default: {default})")
    options = shared.parse(parser, argv)
    text = simplify(read_text(options.corpus))
    if options.quick:
        options.epochs = 3
    if len(text) < 20 * (options.length + 1):
        fail(f"{options.corpus}: too short: {len(text)} letters, at least {20 * (options.length + 1)} are needed")
    with shared.progress(options.runs * options.epochs) as progress:
        runs = shared.repeat(options.runs, options, lambda: run_once(text, options, progress))
    print_results(runs)
    shared.present(lambda: draw(runs), options)


if __name__ == "__main__":
    shared.run(main)
