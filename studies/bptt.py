"""A recurrent network in NumPy that predicts the next character of a text (back-propagation through time).

    python -m studies.bptt --corpus origin_of_species.txt   trains on a book
    python -m studies.bptt                                  trains on the text of Python's own help
    python -m studies.bptt --benchmark                      compares its speed with that of TensorFlow

400 ReLU units read 25 characters of a text (27 different ones: the letters and the space) and predict the next
character at each step. The baseline are n-gram counts: which character was the most frequent one, in the same samples,
after the last 0 to 4 characters. The formulas are derived in docs/bptt.md.
"""

import re
import time

import common
from studies import shared
from support import figures
from support.command_line import fail

import numpy as np

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
LENGTH = 25  # characters of a sample
SAMPLES = 5000
UNITS = 400
EPOCHS = 15
LEARNING_RATES = [3e-3, 1e-3, 1e-4]  # of three parts of the training
BATCH_SIZE = 10  # with 50: an accuracy of 52% instead of 57% on held-out characters
DROPOUT = 0.4  # of hidden units on their way to the output
LONGEST_CONTEXT = 4  # characters before the next one, in the n-gram counts


class RNN:
    """A recurrent network: h_i = relu(x_i U + h_(i-1) W + b), y_i = softmax(h_i V + c), h_0 = 0.

    Inputs x are (steps, n, inputs), outputs y (steps, n, outputs), for any number of steps. The weights U, W, b, V and
    c are in `weights`, by name. The initial W is half of the identity (after Le, Jaitly and Hinton, 2015) and noise.
    The initial U has a standard deviation of 1: with 0.1, the accuracy on held-out characters is two points lower.
    """

    def __init__(self, inputs, units, outputs, dtype=np.float32):
        normal = np.random.default_rng().normal
        weights = {"U": normal(0, 1, (inputs, units)), "b": np.zeros(units),
                   "W": 0.5 * np.eye(units) + normal(0, 0.5 * units**-0.5, (units, units)),
                   "V": normal(0, units**-0.5, (units, outputs)), "c": np.zeros(outputs)}
        self.weights = {name: values.astype(dtype) for name, values in weights.items()}

    def hidden(self, x):
        """Return the hidden states (steps + 1, n, units) for inputs x. The first is the initial state of zeros."""
        U, W, b = (self.weights[name] for name in "UWb")
        from_input = x @ U + b  # of all steps at once
        h = np.zeros((len(x) + 1, *from_input.shape[1:]), U.dtype)
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

    def bptt(self, x, targets, mask=1):
        """Return the loss and, by name of the weights, its gradients from back-propagation through time.

        targets: probabilities (steps, n, outputs), such as one-hot vectors. The loss is the mean cross-entropy over
        steps and samples. mask: factors of the hidden states (steps, n, units) on their way to the output, for dropout.
        """
        W, V = self.weights["W"], self.weights["V"]
        h = self.hidden(x)
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
                      "V": _outer(seen, dz), "c": dz.sum((0, 1))}


def _outer(a, b):
    """Return the sum of the outer products of a (steps, n, j) and b (steps, n, k) over steps and samples, (j, k)."""
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])


class Adam:
    """The Adam optimizer (Kingma and Ba, 2015)."""

    def __init__(self, weights):
        self.weights, self.step = weights, 0
        self.mean = {name: np.zeros_like(values) for name, values in weights.items()}
        self.square = {name: np.zeros_like(values) for name, values in weights.items()}

    def update(self, gradients, learning_rate):
        """Update the weights in place by one step."""
        self.step += 1
        rate = learning_rate * (1 - 0.999**self.step) ** 0.5 / (1 - 0.9**self.step)
        for name, gradient in gradients.items():
            self.mean[name] += 0.1 * (gradient - self.mean[name])
            self.square[name] += 0.001 * (gradient**2 - self.square[name])
            self.weights[name] -= rate * self.mean[name] / (np.sqrt(self.square[name]) + 1e-8)


def train(network, samples, epochs=EPOCHS):
    """Fit the network to samples (n, LENGTH + 1) of characters, with a learning rate that falls in three parts."""
    random, optimizer = np.random.default_rng(), Adam(network.weights)
    units = len(network.weights["b"])
    with shared.ProgressLine("epoch", epochs) as progress:
        for epoch in range(epochs):
            rate = LEARNING_RATES[epoch * len(LEARNING_RATES) // epochs]
            losses = []
            for batch in np.array_split(random.permutation(len(samples)), max(1, len(samples) // BATCH_SIZE)):
                x, targets = one_hot(samples[batch, :-1].T), one_hot(samples[batch, 1:].T)
                mask = (random.random((*x.shape[:2], units), np.float32) >= DROPOUT) / np.float32(1 - DROPOUT)
                loss, gradients = network.bptt(x, targets, mask)
                optimizer.update(clip_by_global_norm(gradients), rate)
                losses.append(loss)
            progress.update(epoch + 1, f"loss {np.mean(losses):.3f}")


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


def draw_samples(text, count):
    """Return samples of LENGTH + 1 characters from random positions, which do not overlap: int (count, LENGTH + 1).

    text: int (n,). There are fewer samples if the text is too short.
    """
    size = LENGTH + 1
    positions = np.random.default_rng().permutation(len(text) // size)[:count] * size
    return text[positions[:, None] + np.arange(size)]


def accuracy(network, samples):
    """Return the accuracy of the network on the last character of samples (n, LENGTH + 1), in %."""
    right = 0
    for part in np.array_split(samples, -(-len(samples) // 500)):
        predictions = network.outputs(network.hidden(one_hot(part[:, :-1].T))[-1]).argmax(1)
        right += np.sum(predictions == part[:, -1])
    return 100 * right / len(samples)


def ngram_accuracy(tables, samples):
    """Return the accuracy of n-gram counts on the last character of samples (n, LENGTH + 1), in %.

    tables: the results of `most_frequent_next` for contexts of 0, 1, 2 ... characters. The longest context that occurs
    in them decides (back-off).
    """
    right = 0
    for sample in samples:
        contexts = (_context(sample[:-1], length) for length in range(len(tables) - 1, -1, -1))
        prediction = next(table[context] for context, table in zip(contexts, tables[::-1]) if context in table)
        right += prediction == sample[-1]
    return 100 * right / len(samples)


def _context(characters, length):
    return bytes(np.uint8(characters[len(characters) - length:]))


def most_frequent_next(samples, length):
    """Return the most frequent next character after each context of `length` characters in samples, a dictionary."""
    counts = {}
    for sample in samples:
        for position in range(length, len(sample)):
            counts.setdefault(_context(sample[:position], length), np.zeros(len(ALPHABET), int))[sample[position]] += 1
    return {context: int(of_context.argmax()) for context, of_context in counts.items()}


def generate(network, start, count):
    """Return `start` and `count` more characters, each drawn from the probabilities that the network predicts."""
    U, W, b = (network.weights[name] for name in "UWb")
    random, h, text = np.random.default_rng(), np.zeros((1, len(b)), b.dtype), start
    for number in range(len(start) + count - 1):
        h = np.maximum(one_hot([ALPHABET.index(text[number])]) @ U + h @ W + b, 0)
        if number + 1 == len(text):
            probabilities = network.outputs(h)[0].astype(float)
            text += random.choice(list(ALPHABET), p=probabilities / probabilities.sum())
    return text


def read_text(path):
    """Return the text of a file, or of Python's own help if path is None. Ends the program if it cannot be read."""
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

    text = np.random.default_rng().integers(len(ALPHABET), size=(LENGTH + 1, BATCH_SIZE))
    x, targets = one_hot(text[:-1]), one_hot(text[1:])
    network = RNN(len(ALPHABET), UNITS, len(ALPHABET))
    optimizer = Adam(network.weights)
    steps_of = {"NumPy": lambda: optimizer.update(clip_by_global_norm(network.bptt(x, targets)[1]), 1e-4)}

    rows = [tf.constant(values.swapaxes(0, 1)) for values in (x, targets)]  # Keras has the samples on the first axis
    for name, xla in {"TensorFlow": False, "TensorFlow with XLA": True}.items():
        model = keras.Sequential([
            keras.Input((LENGTH, len(ALPHABET))),
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


def draw(accuracies):
    """Return the figure of the accuracies of network and counts: {name: [in training, held out], in %}."""
    import matplotlib.pyplot as plt

    (name, network), *counts = accuracies.items()
    figure, panel = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for number, (where, colour) in enumerate({"training samples": figures.COLOURS[0],
                                              "held-out samples": figures.COLOURS[2]}.items()):
        panel.axhline(network[number], color=colour, linestyle="--", label=f"{name}, {where}")
        panel.plot([both[number] for _, both in counts], "o-", color=colour, label=f"n-gram counts, {where}")
    panel.set(title="Prediction of the next character", xticks=range(len(counts)),
              xlabel="length of the context of the n-gram counts", ylabel="accuracy, %", ylim=(0, 100))
    panel.legend()
    panel.grid(alpha=0.3)
    return figure


def main(argv=None):
    """Train, compare with n-gram counts and generate a few lines; or only compare the speed."""
    parser = shared.parser(__doc__)
    parser.add_argument("--corpus", metavar="FILE", help="the text (default: that of Python's help)")
    parser.add_argument("--benchmark", action="store_true", help="only compare the speed with TensorFlow's")
    options = shared.parse(parser, argv)
    if options.benchmark:
        times = benchmark(*((2, 1) if options.quick else ()))
        shared.print_table(["a training step in", "milliseconds", "NumPy takes, times"],
                           [[name, f"{time:.1f}", f"{times['NumPy'] / time:.2f}"] for name, time in times.items()])
        return
    text = simplify(read_text(options.corpus))
    samples, epochs = (200, 3) if options.quick else (SAMPLES, EPOCHS)
    if len(text) < 20 * (LENGTH + 1):
        fail(f"{options.corpus}: too short: {len(text)} letters, at least {20 * (LENGTH + 1)} are needed")
    cut = len(text) * 9 // 10  # the last tenth is held out in one piece, so that no sentence is in both parts
    training, held_out = draw_samples(text[:cut], samples), draw_samples(text[cut:], samples)

    network = RNN(len(ALPHABET), UNITS, len(ALPHABET))
    train(network, training, epochs)
    accuracies = {"recurrent network": [accuracy(network, some) for some in (training, held_out)]}
    tables = [most_frequent_next(training, length) for length in range(LONGEST_CONTEXT + 1)]
    for length in range(LONGEST_CONTEXT + 1):
        accuracies[f"counts, context of {length}"] = [ngram_accuracy(tables[:length + 1], some)
                                                      for some in (training, held_out)]
    shared.print_table(["accuracy of", f"on {len(training)} training samples, %",
                        f"on {len(held_out)} held-out samples, %"],
                       [[name, *(f"{value:.1f}" for value in both)] for name, both in accuracies.items()])
    print()
    for _ in range(3):
        print(generate(network, "the ", 90))
    shared.present(lambda: {"accuracy": draw(accuracies)}, options)


if __name__ == "__main__":
    common.run(main)
