"""Back-propagation through time by hand: a recurrent network that guesses the next letter (questions 2 and 3).

    python -m studies.bptt --corpus origin_of_species.txt   guesses 63 of 100 letters of the book
    python -m studies.bptt                                  the same with the text of Python's own help
    python -m studies.bptt --race                           its speed beside the same network in TensorFlow

400 ReLU units read 25 characters of a text (27 different ones: the letters and the space) and guess each time which
will be next. Beside them stand the guesses that counts make: which letter came most often, in the same samples, after
the last 0 to 4 characters. The formulas are derived in docs/bptt.md.
"""

import re
import time

import common
from studies import shared

import numpy as np

ALPHABET = " abcdefghijklmnopqrstuvwxyz"
LENGTH = 25  # characters of a sample
SAMPLES = 5000
UNITS = 400
EPOCHS = 15
LEARNING_RATES = [3e-3, 1e-3, 1e-4]  # of three segments of the training
BATCH_SIZE = 10  # of 50: 52% of held-out characters in place of 57%
DROPOUT = 0.4  # the share of hidden units that the output does not see in a training step
LONGEST_CONTEXT = 4  # of the counts


class RNN:
    """A recurrent network: h_i = relu(x_i U + h_(i-1) W + b), y_i = softmax(h_i V + c), h_0 = 0.

    Inputs x are (steps, n, inputs), outputs y (steps, n, outputs); any number of steps. The weights U, W, b, V and c
    are in `weights`, by name. W starts as half of the identity (after Le, Jaitly and Hinton, 2015) and some noise, U
    with a deviation of 1: with 0.1 two held-out characters of a hundred fewer are guessed.
    """

    def __init__(self, inputs, units, outputs, dtype=np.float32):
        normal = np.random.default_rng().normal
        weights = {"U": normal(0, 1, (inputs, units)), "b": np.zeros(units),
                   "W": 0.5 * np.eye(units) + normal(0, 0.5 * units**-0.5, (units, units)),
                   "V": normal(0, units**-0.5, (units, outputs)), "c": np.zeros(outputs)}
        self.weights = {name: values.astype(dtype) for name, values in weights.items()}

    def hidden(self, x):
        """Return the hidden states (steps + 1, n, units) for inputs x; the first is the zero state before them."""
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
        """Return the loss and its gradients with respect to the weights, by name, by back-propagation through time.

        targets: probabilities (steps, n, outputs), such as one-hot vectors. The loss is the cross-entropy, on average
        over steps and samples. mask: by which the hidden states (steps, n, units) are multiplied on their way to the
        output, for dropout.
        """
        W, V = self.weights["W"], self.weights["V"]
        h = self.hidden(x)
        seen = h[1:] * mask
        log_y = self.log_outputs(seen)
        count = log_y.shape[0] * log_y.shape[1]
        loss = -np.sum(targets * log_y) / count

        dz = (np.exp(log_y) - targets) / count  # softmax and cross-entropy together
        ds = (dz @ V.T) * mask                  # here still dh, as far as it comes from the output of its own step
        back = 0
        for i in reversed(range(len(x))):
            ds[i] += back                       # dh_i: from its own output and from the step after it
            ds[i] *= h[i + 1] > 0               # the slope of the rectifier
            back = ds[i] @ W.T
        return loss, {"U": _outer(x, ds), "W": _outer(h[:-1], ds), "b": ds.sum((0, 1)),
                      "V": _outer(seen, dz), "c": dz.sum((0, 1))}


def _outer(a, b):
    """Return the sum of the outer products of a (steps, n, j) and b (steps, n, k) over steps and samples, (j, k)."""
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])


class Adam:
    """Gradient descent with a step size of its own for each weight (Kingma and Ba, 2015)."""

    def __init__(self, weights):
        self.weights, self.step = weights, 0
        self.mean = {name: np.zeros_like(values) for name, values in weights.items()}
        self.square = {name: np.zeros_like(values) for name, values in weights.items()}

    def update(self, gradients, learning_rate):
        """Change the weights in place by one step."""
        self.step += 1
        rate = learning_rate * (1 - 0.999**self.step) ** 0.5 / (1 - 0.9**self.step)
        for name, gradient in gradients.items():
            self.mean[name] += 0.1 * (gradient - self.mean[name])
            self.square[name] += 0.001 * (gradient**2 - self.square[name])
            self.weights[name] -= rate * self.mean[name] / (np.sqrt(self.square[name]) + 1e-8)


def train(network, samples, epochs=EPOCHS):
    """Fit the network to samples (n, LENGTH + 1) of characters, in three segments with falling step sizes."""
    random, optimizer = np.random.default_rng(), Adam(network.weights)
    units = len(network.weights["b"])
    with shared.Progress("epoch", epochs) as progress:
        for epoch in range(epochs):
            rate = LEARNING_RATES[epoch * len(LEARNING_RATES) // epochs]
            losses = []
            for batch in np.array_split(random.permutation(len(samples)), max(1, len(samples) // BATCH_SIZE)):
                x, targets = one_hot(samples[batch, :-1].T), one_hot(samples[batch, 1:].T)
                mask = (random.random((*x.shape[:2], units), np.float32) >= DROPOUT) / np.float32(1 - DROPOUT)
                loss, gradients = network.bptt(x, targets, mask)
                optimizer.update(clipped(gradients), rate)
                losses.append(loss)
            progress.tell(epoch + 1, f"; loss {np.mean(losses):.3f}")


def clipped(gradients, longest=1.0):
    """Return gradients, shortened in common if they are longer than `longest` (Pascanu, Mikolov and Bengio, 2013)."""
    length = float(np.sqrt(sum(np.sum(gradient**2) for gradient in gradients.values())))
    return gradients if length <= longest else {name: gradient * (longest / length)
                                                for name, gradient in gradients.items()}


def one_hot(characters):
    """Return characters (int, any shape) as vectors of 27 numbers, one of them 1: float32 (..., 27)."""
    return np.eye(len(ALPHABET), dtype=np.float32)[characters]


def simplify(text):
    """Return a text as the numbers of its letters in `ALPHABET`; whatever stands between them becomes one space."""
    letters = re.sub("[^a-z]+", " ", text.lower())
    return np.maximum(np.frombuffer(letters.encode(), np.uint8).astype(int) - ord("a") + 1, 0)


def draw_samples(text, count):
    """Cut samples of LENGTH + 1 characters, at random places that do not overlap: int (count, LENGTH + 1).

    text: int (n,). Fewer samples come from a text that has no room for as many.
    """
    size = LENGTH + 1
    places = np.random.default_rng().permutation(len(text) // size)[:count] * size
    return text[places[:, None] + np.arange(size)]


def guessed(network, samples):
    """Return the share of samples (n, LENGTH + 1) whose last character the network guesses from the others, in %."""
    right = 0
    for part in np.array_split(samples, -(-len(samples) // 500)):
        winners = network.outputs(network.hidden(one_hot(part[:, :-1].T))[-1]).argmax(1)
        right += np.sum(winners == part[:, -1])
    return 100 * right / len(samples)


def guessed_by_counts(successors, samples):
    """Return the share of samples (n, LENGTH + 1) whose last character counts guess from those before it, in %.

    successors: the `successors` of contexts of 0, 1, 2 ... characters; the longest context that is known decides.
    """
    right = 0
    for sample in samples:
        contexts = (_context(sample[:-1], length) for length in range(len(successors) - 1, -1, -1))
        guess = next(known[context] for context, known in zip(contexts, successors[::-1]) if context in known)
        right += guess == sample[-1]
    return 100 * right / len(samples)


def _context(characters, length):
    return bytes(np.uint8(characters[len(characters) - length:]))


def successors(samples, length):
    """Return the most frequent successor of each context of `length` characters in samples, as a dictionary."""
    counts = {}
    for sample in samples:
        for place in range(length, len(sample)):
            counts.setdefault(_context(sample[:place], length), np.zeros(len(ALPHABET), int))[sample[place]] += 1
    return {context: int(found.argmax()) for context, found in counts.items()}


def write(network, start, count):
    """Return a text of `count` characters that the network writes after `start`, each drawn by its probability."""
    U, W, b = (network.weights[name] for name in "UWb")
    random, h, text = np.random.default_rng(), np.zeros((1, len(b)), b.dtype), start
    for number in range(len(start) + count - 1):
        h = np.maximum(one_hot([ALPHABET.index(text[number])]) @ U + h @ W + b, 0)
        if number + 1 == len(text):
            chances = network.outputs(h)[0].astype(float)
            text += random.choice(list(ALPHABET), p=chances / chances.sum())
    return text


def read(path):
    """Return a file's text, or that of Python's own help if path is None. Ends the program if it cannot be read."""
    if path is None:
        try:
            from pydoc_data.topics import topics
        except ImportError:
            common.fail("this Python comes without its help; name a text with --corpus FILE")
        return " ".join(topics.values())
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except (OSError, ValueError) as error:
        common.fail(f"{path}: {getattr(error, 'strerror', error)}")
    # Project Gutenberg's own words before and after a book are not the book's.
    whole = re.search(r"\*\*\* ?START OF .*?\*\*\*(.*)\*\*\* ?END OF ", text, re.DOTALL)
    return whole[1] if whole else text


def race(steps=40, rounds=5):
    """Return the milliseconds of a training step here and in TensorFlow: {name: median of rounds in turn}."""
    import keras
    import tensorflow as tf

    text = np.random.default_rng().integers(len(ALPHABET), size=(LENGTH + 1, BATCH_SIZE))
    x, targets = one_hot(text[:-1]), one_hot(text[1:])
    network = RNN(len(ALPHABET), UNITS, len(ALPHABET))
    optimizer = Adam(network.weights)
    works = {"NumPy": lambda: optimizer.update(clipped(network.bptt(x, targets)[1]), 1e-4)}

    rows = [tf.constant(values.swapaxes(0, 1)) for values in (x, targets)]  # Keras wants samples first
    for name, xla in {"TensorFlow": False, "TensorFlow with XLA": True}.items():
        model = keras.Sequential([
            keras.Input((LENGTH, len(ALPHABET))),
            keras.layers.SimpleRNN(UNITS, activation="relu", return_sequences=True, unroll=True),
            keras.layers.Dense(len(ALPHABET), activation="softmax"),
        ])
        model.compile(keras.optimizers.Adam(1e-4, global_clipnorm=1.0), "categorical_crossentropy", jit_compile=xla)
        model.make_train_function()
        works[name] = lambda model=model: model.train_function(iter([rows]))

    taken = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start = time.perf_counter()
            for _ in range(steps):
                work()
            if number:  # the first round compiles
                taken[name].append(1000 * (time.perf_counter() - start) / steps)
    return {name: float(np.median(times)) for name, times in taken.items()}


def draw(shares):
    """Return the figure of what the network and the counts guess: {name: [share in training, held out], in %}."""
    import matplotlib.pyplot as plt

    (name, network), *counts = shares.items()
    figure, panel = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for number, (where, colour) in enumerate({"training samples": common.COLOURS[0],
                                              "held-out samples": common.COLOURS[2]}.items()):
        panel.axhline(network[number], color=colour, linestyle="--", label=f"{name}, {where}")
        panel.plot([both[number] for _, both in counts], "o-", color=colour, label=f"counts, {where}")
    panel.set(title="The next character, guessed from those before it", xticks=range(len(counts)),
              xlabel="characters that the counts look at", ylabel="guessed right, %", ylim=(0, 100))
    panel.legend()
    panel.grid(alpha=0.3)
    return figure


def main():
    """Train, then compare with counts and write a few lines; or race."""
    parser = shared.parser(__doc__)
    parser.add_argument("--corpus", metavar="FILE", help="a text to learn from (default: that of Python's help)")
    parser.add_argument("--race", action="store_true", help="compare the speed with TensorFlow's, nothing else")
    options = shared.parse(parser)
    if options.race:
        taken = race(*((2, 1) if options.quick else ()))
        shared.print_table(["a training step in", "milliseconds", "NumPy takes, times"],
                           [[name, f"{time:.1f}", f"{taken['NumPy'] / time:.2f}"] for name, time in taken.items()])
        return
    text = simplify(read(options.corpus))
    samples, epochs = (200, 3) if options.quick else (SAMPLES, EPOCHS)
    if len(text) < 20 * (LENGTH + 1):
        common.fail(f"{options.corpus}: too short: {len(text)} letters, at least {20 * (LENGTH + 1)} are needed")
    cut = len(text) * 9 // 10  # the last tenth is held out
    training, held_out = draw_samples(text[:cut], samples), draw_samples(text[cut:], samples)

    network = RNN(len(ALPHABET), UNITS, len(ALPHABET))
    train(network, training, epochs)
    shares = {"recurrent network": [guessed(network, some) for some in (training, held_out)]}
    known = [successors(training, length) for length in range(LONGEST_CONTEXT + 1)]
    for length in range(LONGEST_CONTEXT + 1):
        shares[f"counts after {length}"] = [guessed_by_counts(known[:length + 1], some)
                                            for some in (training, held_out)]
    shared.print_table(["next character guessed by", f"of {len(training)} training samples, %",
                        f"of {len(held_out)} held-out samples, %"],
                       [[name, *(f"{share:.1f}" for share in both)] for name, both in shares.items()])
    print()
    for _ in range(3):
        print(write(network, "the ", 90))
    shared.present(lambda: {"guesses": draw(shares)}, options)


if __name__ == "__main__":
    common.run(main)
