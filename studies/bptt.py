"""A recurrent network in NumPy that predicts the next character of a text (back-propagation through time).

    python -m studies.bptt --corpus origin_of_species.txt   trains on a book
    python -m studies.bptt                                  trains on the text of Python's own help
    python -m studies.bptt --benchmark                      compares its speed with that of TensorFlow

400 ReLU units read 150 characters of a text (27 different ones: the letters and the space) and predict the next
character at each step. The baselines are n-gram counts in the same samples: which character was the most frequent one
after the longest context that occurs in them, and interpolated probabilities. Derivations: docs/bptt.md.

On the last tenth of the book it guesses 67.4% of the characters with a loss of 1.05 nats. Interpolated counts guess
69.0%, with a loss of 1.10 nats at best.
"""

import collections
import re
import time

from studies import shared
from support import windows
from support.command_line import fail

import numpy as np

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
LENGTH = 150  # characters of a sample; see the README for samples of 25 and 50
SEGMENT = 50  # characters after which the weights are updated; the state is carried on to the next segment
SAMPLES = 5000
CURVE = 1000  # samples that the loss is measured on after each epoch; on all of them it would take half of the time
UNITS = 400
EPOCHS = 15
LEARNING_RATES = [3e-3, 1e-3, 1e-4]  # of three parts of the training
BATCH_SIZE = 20
DROPOUT = 0.3  # of hidden units on their way to the output
LONGEST_CONTEXT = 8  # characters before the next one, in the n-gram counts
METHODS = ["counts with back-off", "interpolated counts"]


class RNN:
    """A recurrent network: h_i = relu(x_i U + h_(i-1) W + b), y_i = softmax(h_i V + c), h_0 = 0.

    Inputs x are (steps, n, inputs), outputs y (steps, n, outputs), for any number of steps. The weights U, W, b, V and
    c are in `weights`, by name. The initial W is half of the identity (after Le, Jaitly and Hinton, 2015) and noise.
    The initial U has a standard deviation of 1: with 0.1, the accuracy on held-out characters was 1.4 points lower in a
    single training with samples of 25.
    """

    def __init__(self, inputs, units, outputs, dtype=np.float32):
        normal = np.random.default_rng().normal
        weights = {"U": normal(0, 1, (inputs, units)), "b": np.zeros(units),
                   "W": 0.5 * np.eye(units) + normal(0, 0.5 * units**-0.5, (units, units)),
                   "V": normal(0, units**-0.5, (units, outputs)), "c": np.zeros(outputs)}
        self.weights = {name: values.astype(dtype) for name, values in weights.items()}

    def hidden(self, x, initial=0):
        """Return the hidden states (steps + 1, n, units) for inputs x. The first is the initial state (n, units)."""
        U, W, b = (self.weights[name] for name in "UWb")
        from_input = x @ U + b  # of all steps at once
        h = np.empty((len(x) + 1, *from_input.shape[1:]), U.dtype)
        h[0] = initial
        for i in range(len(x)):
            np.maximum(from_input[i] + h[i] @ W, 0, out=h[i + 1])
        return h

    def log_outputs(self, h):
        """Return the logarithms of the probabilities y (..., outputs) for hidden states (..., units)."""
        z = h @ self.weights["V"] + self.weights["c"]
        z -= z.max(-1, keepdims=True)
        return z - np.log(np.exp(z).sum(-1, keepdims=True))

    def outputs(self, h):
        """Return the probabilities y (..., outputs) for hidden states (..., units)."""
        return np.exp(self.log_outputs(h))

    def bptt(self, x, targets, mask=1, initial=0):
        """Return the loss, by name of the weights its gradients from back-propagation through time, and the last state.

        targets: probabilities (steps, n, outputs), such as one-hot vectors. The loss is the mean cross-entropy over
        steps and samples. mask: factors of the hidden states (steps, n, units) on their way to the output, for dropout.
        initial: the state before the first step, (n, units), through which no gradient flows.
        """
        W, V = self.weights["W"], self.weights["V"]
        h = self.hidden(x, initial)
        seen = h[1:] * mask
        log_y = self.log_outputs(seen)
        count = log_y.shape[0] * log_y.shape[1]
        loss = -np.sum(targets * log_y) / count

        dz = (np.exp(log_y) - targets) / count  # softmax and cross-entropy together
        ds = (dz @ V.T) * mask                  # so far dh, as it comes from the output of the same step
        back = 0
        for i in reversed(range(len(x))):
            ds[i] += back                       # dh_i: from the output of the step and from the next step
            ds[i] *= h[i + 1] > 0               # the derivative of ReLU
            back = ds[i] @ W.T
        return loss, {"U": _outer(x, ds), "W": _outer(h[:-1], ds), "b": ds.sum((0, 1)),
                      "V": _outer(seen, dz), "c": dz.sum((0, 1))}, h[-1]


def _outer(a, b):
    """Return the sum of the outer products of a (steps, n, j) and b (steps, n, k) over steps and samples, (j, k)."""
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])


class Adam:
    """The Adam optimizer (Kingma and Ba, 2015). weights: arrays by name, which `update` changes in place."""

    def __init__(self, weights):
        self.weights, self.step = weights, 0
        self.mean = {name: np.zeros_like(values) for name, values in weights.items()}
        self.square = {name: np.zeros_like(values) for name, values in weights.items()}

    def update(self, gradients, learning_rate):
        """Update the weights in place by one step. gradients: by name of the weights, of the same shapes."""
        self.step += 1
        rate = learning_rate * (1 - 0.999**self.step) ** 0.5 / (1 - 0.9**self.step)
        for name, gradient in gradients.items():
            self.mean[name] += 0.1 * (gradient - self.mean[name])
            self.square[name] += 0.001 * (gradient**2 - self.square[name])
            self.weights[name] -= rate * self.mean[name] / (np.sqrt(self.square[name]) + 1e-8)


def train(network, samples, held_out, epochs, progress):
    """Fit the network to samples (n, LENGTH + 1) of characters, with a learning rate that falls in three parts.

    A sample is read in segments. Each begins in the state in which the one before ended, but the gradient flows back to
    its beginning only (truncated back-propagation through time; Williams and Peng, 1990).

    Returns the losses after each epoch on the last character of samples, and of samples held out, (epochs, 2).
    """
    random, optimizer = np.random.default_rng(), Adam(network.weights)
    units, losses = len(network.weights["b"]), []
    measured = [samples[:CURVE], held_out[:CURVE]]
    for epoch in range(epochs):
        rate = LEARNING_RATES[epoch * len(LEARNING_RATES) // epochs]
        for batch in np.array_split(random.permutation(len(samples)), max(1, len(samples) // BATCH_SIZE)):
            characters, state = one_hot(samples[batch].T), 0
            for start in range(0, LENGTH, SEGMENT):
                x, targets = characters[start:min(start + SEGMENT, LENGTH)], characters[start + 1:start + 1 + SEGMENT]
                mask = (random.random((*x.shape[:2], units), np.float32) >= DROPOUT) / np.float32(1 - DROPOUT)
                _, gradients, state = network.bptt(x, targets, mask, state)
                optimizer.update(clip_by_global_norm(gradients), rate)
        losses.append([measure(predictions(network, subset), subset)[1] for subset in measured])
        progress.update()
    return np.array(losses)


def clip_by_global_norm(gradients, clip_norm=1.0):
    """Return gradients, scaled down if their global norm is above `clip_norm` (Pascanu, Mikolov and Bengio, 2013)."""
    norm = float(np.sqrt(sum(np.sum(gradient**2) for gradient in gradients.values())))
    return gradients if norm <= clip_norm else {name: gradient * (clip_norm / norm)
                                                for name, gradient in gradients.items()}


def one_hot(characters):
    """Return characters (int, any shape) as one-hot vectors, float32 (..., 27)."""
    return np.eye(len(ALPHABET), dtype=np.float32)[characters]


def simplify(text):
    """Return a text as the indices of its characters in `ALPHABET`. All between two words becomes one space."""
    letters = re.sub("[^a-z]+", " ", text.lower())
    return np.maximum(np.frombuffer(letters.encode(), np.uint8).astype(int) - ord("a") + 1, 0)


def random_samples(text, count, spacing=1):
    """Return samples of LENGTH + 1 characters from different random positions of a text (n,): int (count, LENGTH + 1).

    spacing: positions are multiples of it; with LENGTH + 1, samples do not overlap. A short text has fewer samples.
    """
    positions = np.arange(0, len(text) - LENGTH, spacing)
    return text[np.random.default_rng().permutation(positions)[:count, None] + np.arange(LENGTH + 1)]


def tenths(text, first, last):
    """Return a part of a text (n,), from one tenth to another, such as 0 and 9 for the first nine tenths."""
    return text[len(text) * first // 10:len(text) * last // 10]


def predictions(network, samples):
    """Return the probabilities (n, 27) that the network gives the last character of samples (n, LENGTH + 1)."""
    parts = np.array_split(samples, -(-len(samples) // 500))
    return np.concatenate([network.outputs(network.hidden(one_hot(part[:, :-1].T))[-1]) for part in parts])


def measure(probabilities, samples):
    """Return accuracy, in %, and cross-entropy, in nats, of probabilities (n, 27) of the last character of samples."""
    targets = samples[:, -1]
    of_targets = np.maximum(probabilities[np.arange(len(targets)), targets], np.finfo(np.float32).tiny)
    return 100 * np.mean(probabilities.argmax(1) == targets), -np.mean(np.log(of_targets))


class NGrams:
    """Counts of the characters that follow each context of up to `longest` characters in samples (n, length)."""

    def __init__(self, samples, longest):
        self.counts = [collections.defaultdict(lambda: np.zeros(len(ALPHABET), int)) for _ in range(longest + 1)]
        for characters in map(bytes, np.uint8(samples)):
            for position, character in enumerate(characters):
                for length in range(min(position, longest) + 1):
                    self.counts[length][characters[position - length:position]][character] += 1

    def occurring(self, characters, longest):
        """Yield the counts (27,) after the last 0, 1, ... `longest` characters, as far as these occur together."""
        for length in range(longest + 1):
            context = characters[len(characters) - length:]
            if context not in self.counts[length]:
                return
            yield self.counts[length][context]

    def backed_off(self, characters, longest):
        """Return the relative frequencies (27,) of the next character after the longest context that occurs."""
        *_, counts = self.occurring(characters, longest)
        return counts / counts.sum()

    def interpolated(self, characters, longest):
        """Return the probabilities (27,) of the next character, interpolated over all contexts (Witten and Bell, 1991).

        The more different characters follow a context, the more weight has the shorter one.
        """
        probabilities = np.full(len(ALPHABET), 1 / len(ALPHABET))
        for counts in self.occurring(characters, longest):
            different = np.count_nonzero(counts)
            probabilities = (counts + different * probabilities) / (counts.sum() + different)
        return probabilities


def ngram_predictions(method, samples, longest):
    """Return the probabilities (n, 27) of the last character of samples by a method of `NGrams`."""
    return np.array([method(characters[:-1], longest) for characters in map(bytes, np.uint8(samples))])


def generate(network, start, count):
    """Return the text `start` and `count` more characters, drawn from the probabilities that the network predicts."""
    U, W, b = (network.weights[name] for name in "UWb")
    random, h, text = np.random.default_rng(), np.zeros((1, len(b)), b.dtype), start
    for number in range(len(start) + count - 1):
        h = np.maximum(one_hot([ALPHABET.index(text[number])]) @ U + h @ W + b, 0)
        if number + 1 == len(text):
            probabilities = network.outputs(h)[0].astype(float)
            text += random.choice(list(ALPHABET), p=probabilities / probabilities.sum())
    return text


def read_text(path):
    """Return the text of a file, or of Python's own help if path is None. Ends the process if it cannot be read."""
    if path is None:
        try:
            from pydoc_data.topics import topics
        except ImportError:
            fail("this Python has no help texts; use --corpus FILE")
        return " ".join(topics.values())
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    # Project Gutenberg puts a text of its own before and after a book.
    book = re.search(r"\*\*\* ?START OF .*?\*\*\*(.*)\*\*\* ?END OF ", text, re.DOTALL)
    return book[1] if book else text


def benchmark(steps=40, rounds=5):
    """Return the milliseconds of a training step in NumPy and in TensorFlow: {name: median of rounds in turn}."""
    import keras
    import tensorflow as tf

    text = np.random.default_rng().integers(len(ALPHABET), size=(SEGMENT + 1, BATCH_SIZE))
    x, targets = one_hot(text[:-1]), one_hot(text[1:])
    network = RNN(len(ALPHABET), UNITS, len(ALPHABET))
    optimizer = Adam(network.weights)
    steps_of = {"NumPy": lambda: optimizer.update(clip_by_global_norm(network.bptt(x, targets)[1]), 1e-4)}

    rows = [tf.constant(values.swapaxes(0, 1)) for values in (x, targets)]  # Keras has the samples on the first axis
    for name, xla in {"TensorFlow": False, "TensorFlow with XLA": True}.items():
        model = keras.Sequential([
            keras.Input((SEGMENT, len(ALPHABET))),
            keras.layers.SimpleRNN(UNITS, activation="relu", return_sequences=True, unroll=True),
            keras.layers.Dense(len(ALPHABET), activation="softmax"),
        ])
        model.compile(keras.optimizers.Adam(1e-4, global_clipnorm=1.0), "categorical_crossentropy", jit_compile=xla)
        model.make_train_function()
        steps_of[name] = lambda model=model: model.train_function(iter([rows]))

    times = {name: [] for name in steps_of}
    for number in range(rounds + 1):
        for name, train_step in steps_of.items():
            start = time.perf_counter()
            for _ in range(steps):
                train_step()
            if number:  # the first round compiles
                times[name].append(1000 * (time.perf_counter() - start) / steps)
    return {name: float(np.median(of_one)) for name, of_one in times.items()}


def measure_counts(training, *others):
    """Return accuracy and cross-entropy of n-gram counts on other samples: (methods, others, contexts, 2).

    The methods are `METHODS`, the longest contexts 0 to LONGEST_CONTEXT characters.
    """
    ngrams = NGrams(training, LONGEST_CONTEXT)
    return np.array([[[measure(ngram_predictions(method, samples, longest), samples)
                       for longest in range(LONGEST_CONTEXT + 1)] for samples in others]
                     for method in (ngrams.backed_off, ngrams.interpolated)])


def print_results(network, counts, chosen):
    """Print the table. network: (runs, 2, 2); counts: (runs, methods, 2, contexts, 2); chosen: a context per method.

    The second last axis of `network` is training and held-out samples; the last axis of both is accuracy and loss.
    """
    rows = [["recurrent network", *shared.summaries(network.swapaxes(1, 2).reshape(-1, 4), (1, 1, 3, 3))]]
    for number, (name, longest) in enumerate(zip(METHODS, chosen)):
        of_method = counts[:, number, :, longest]
        cells = shared.summaries(of_method.swapaxes(1, 2).reshape(-1, 4), (1, 1, 3, 3))
        ahead = network[:, 1, 0] - of_method[:, 1, 0]
        rows.append([f"{name}, contexts of up to {longest}", *cells[:2], *(cells[2:] if number else ["", ""]),
                     *shared.summaries(ahead[:, None], 1), f"{np.sum(ahead > 0)} of {len(ahead)}"])
    rows.append(["the most frequent character", *shared.summaries(counts[:, 0, :, 0, 0], 1)])
    shared.print_table(["next character by", "accuracy, training samples, %", "held-out samples, %",
                        "loss, training samples", "held-out samples", "network ahead by", "in runs"],
                       [row + [""] * (7 - len(row)) for row in rows])


def draw(losses, network, counts):
    """Return the figures: the loss in training, and the accuracy of network and counts.

    losses: (runs, epochs, 2); network: (runs, 2, 2); counts: (runs, methods, 2, contexts, 2), as `print_results` has.
    """
    import matplotlib.pyplot as plt

    panels = {}
    for name in ("loss", "accuracy"):
        panels[name] = plt.subplots(figsize=(7, 4.5), layout="constrained")[1]
        panels[name].grid(alpha=0.3)
    for number, (where, colour) in enumerate({"training samples": windows.COLOURS[0],
                                              "held-out samples": windows.COLOURS[2]}.items()):
        lines = panels["loss"].plot(np.arange(1, losses.shape[1] + 1), losses[..., number].T, color=colour, linewidth=1)
        lines[0].set_label(f"network, {where}")
        panels["accuracy"].axhline(network[:, number, 0].mean(), color=colour, label=f"network, {where}")
        for method, style, of_method in zip(METHODS, ("o--", "s:"), counts.mean(0)):
            panels["accuracy"].plot(of_method[number, :, 0], style, color=colour, label=f"{method}, {where}")
    panels["loss"].axhline(counts.mean(0)[1, 1, :, 1].min(), color="0.4", linestyle="--",
                           label=f"{METHODS[1]}, held-out samples")
    panels["loss"].set(title="Loss in training, a line for each run", xlabel="epoch", ylabel="cross-entropy, nats")
    panels["accuracy"].set(title="Prediction of the next character", xlabel="longest context of the counts",
                           ylabel="accuracy, %", xticks=range(LONGEST_CONTEXT + 1), ylim=(0, 100))
    for panel in panels.values():
        panel.legend()
    return {name: panel.figure for name, panel in panels.items()}


def main(argv=None):
    """Train, compare with n-gram counts and generate a few lines; or only compare the speed.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    shared.add_runs(parser, 1, "the ninth tenth of the text")
    parser.add_argument("--corpus", metavar="FILE", help="the text (default: that of Python's help)")
    parser.add_argument("--benchmark", action="store_true", help="only compare the speed with TensorFlow's")
    options = shared.parse(parser, argv)
    if options.benchmark:
        times = benchmark(*((2, 1) if options.quick else ()))
        shared.print_table(["a training step in", "milliseconds", "NumPy takes, times"],
                           [[name, f"{time:.1f}", f"{times['NumPy'] / time:.2f}"] for name, time in times.items()])
        return
    text = simplify(read_text(options.corpus))
    count, epochs = (200, 3) if options.quick else (SAMPLES, EPOCHS)
    if len(text) < 20 * (LENGTH + 1):
        fail(f"{options.corpus}: too short: {len(text)} letters, at least {20 * (LENGTH + 1)} are needed")

    def sample_both(tenth):  # the tenth held out is one piece, so that no sentence is in both
        return (random_samples(tenths(text, 0, tenth), count, spacing=LENGTH + 1),
                random_samples(tenths(text, tenth, tenth + 1), count))

    losses, of_network, of_counts, to_choose = [], [], [], []
    with shared.progress(options.runs * epochs) as progress:
        for _ in range(options.runs):
            training, held_out = sample_both(8 if options.validation else 9)
            network = RNN(len(ALPHABET), UNITS, len(ALPHABET))
            losses.append(train(network, training, held_out, epochs, progress))
            of_network.append([measure(predictions(network, samples), samples) for samples in (training, held_out)])
            of_counts.append(measure_counts(training, training, held_out))
            to_choose.append(measure_counts(*sample_both(8)))  # on the ninth tenth
    losses, of_network, of_counts = (np.array(of_runs) for of_runs in (losses, of_network, of_counts))
    print_results(of_network, of_counts, np.mean(to_choose, axis=0)[:, 0, :, 0].argmax(1))
    print()
    for _ in range(3):
        print(generate(network, "the ", 90))
    shared.present(lambda: draw(losses, of_network, of_counts), options)


if __name__ == "__main__":
    shared.run(main)
