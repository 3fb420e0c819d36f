"""A recurrent network in NumPy: back-propagation through time, the Adam optimizer, clipped gradients.

Derivations: docs/bptt.md. Inputs and outputs are sequences of vectors, (steps, n, units), for n samples at once.
"""

import numpy as np
from scipy.special import log_softmax


class RNN:
    """A recurrent network: h_i = relu(x_i U + h_(i-1) W + b), y_i = softmax(h_i V + c), h_0 = 0.

    Inputs x are (steps, n, inputs), outputs y (steps, n, outputs), for any number of steps. The weights U, W, b, V and
    c are in `weights`, by name. The initial W is half of the identity (after Le, Jaitly and Hinton, 2015) and noise.
    The initial U has a standard deviation of 1: the input has as strong an effect on the states as the recurrence.
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
        return log_softmax(h @ self.weights["V"] + self.weights["c"], axis=-1)

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


def clip_by_global_norm(gradients, clip_norm=1.0):
    """Return gradients, scaled down if their global norm is above `clip_norm` (Pascanu, Mikolov and Bengio, 2013)."""
    norm = float(np.sqrt(sum(np.sum(gradient**2) for gradient in gradients.values())))
    return gradients if norm <= clip_norm else {name: gradient * (clip_norm / norm)
                                                for name, gradient in gradients.items()}
