"""A feed-forward network in NumPy: layers, back-propagation, stochastic gradient descent with momentum, files.

    network = Network([Layer(784, 100, "tanh"), Layer(100, 10, "softmax")], "categorical cross-entropy")
    network.train(images, one_hot, epochs=10, learning_rate=0.1, momentum=0.9, batch_size=50)
    network.save("digits.npz")

Samples are rows: activations are (n, units).
"""

import zipfile

import numpy as np

# Each activation function: its value for the weighted sums z (n, units), and the gradient with respect to z for outputs
# y and the gradient with respect to y.
ACTIVATIONS = {
    "identity": (lambda z: z, lambda y, gradient: gradient),
    "sigmoid": (lambda z: 0.5 * (1 + np.tanh(z / 2)), lambda y, gradient: gradient * y * (1 - y)),
    "tanh": (np.tanh, lambda y, gradient: gradient * (1 - y**2)),
    "relu": (lambda z: np.maximum(z, 0), lambda y, gradient: gradient * (y > 0)),
    "softmax": (lambda z: _normalized(np.exp(z - z.max(1, keepdims=True))),
                lambda y, gradient: y * (gradient - (gradient * y).sum(1, keepdims=True))),
}
TINY = 1e-30  # the smallest probability in a logarithm


def _normalized(values):
    return values / values.sum(1, keepdims=True)


def _log(values):
    return np.log(np.maximum(values, TINY))


# Each loss: its value for each sample (n,) from outputs y and targets t (n, units); its gradient with respect to y; and
# the activation function for which the gradient with respect to z is y - t (for softmax, because the targets of a
# sample add up to 1). With that activation, y - t is used, which needs no division by a probability that may be zero.
LOSSES = {
    "squared error": (lambda y, t: 0.5 * ((y - t) ** 2).sum(1), lambda y, t: y - t, "identity"),
    "binary cross-entropy": (lambda y, t: -(t * _log(y) + (1 - t) * _log(1 - y)).sum(1),
                             lambda y, t: (y - t) / np.maximum(y * (1 - y), TINY), "sigmoid"),
    "categorical cross-entropy": (lambda y, t: -(t * _log(y)).sum(1), lambda y, t: -t / np.maximum(y, TINY),
                                  "softmax"),
}


class Layer:
    """A dense layer: y = activation(x W + b).

    inputs, units: numbers of columns of x and y. activation: one of `ACTIVATIONS`. The initial weights W, (inputs,
    units), have a normal distribution after Glorot and Bengio (2010), for relu after He et al. (2015); the initial
    biases b are zero. Raises ValueError for an unknown activation.
    """

    def __init__(self, inputs, units, activation="tanh", dtype=np.float64):
        if activation not in ACTIVATIONS:
            raise ValueError(f"no such activation: {activation}")
        self.activation = activation
        variance = 2 / inputs if activation == "relu" else 2 / (inputs + units)
        self.weights = np.random.default_rng().normal(0, variance**0.5, (inputs, units)).astype(dtype)
        self.biases = np.zeros(units, dtype)

    def forward(self, x):
        """Return the activation of the layer (n, units) for inputs (n, inputs)."""
        return ACTIVATIONS[self.activation][0](x @ self.weights + self.biases)

    def backward(self, x, y, gradient, of_sums=False):
        """Return the gradients of a loss with respect to inputs, weights and biases.

        x, y: the inputs and the activation of the forward pass. gradient: of the loss with respect to y, or to the
        weighted sums if `of_sums`, (n, units).
        """
        if not of_sums:
            gradient = ACTIVATIONS[self.activation][1](y, gradient)
        return gradient @ self.weights.T, x.T @ gradient, gradient.sum(0)


class Network:
    """A sequence of layers, and a loss, one of `LOSSES`. Raises ValueError if they do not fit together.

    Targets are (n, units), as the outputs. For the categorical cross-entropy they are probabilities that add up to 1.
    """

    def __init__(self, layers, loss="squared error"):
        if loss not in LOSSES:
            raise ValueError(f"no such loss: {loss}")
        for before, after in zip(layers, layers[1:]):
            if before.weights.shape[1] != after.weights.shape[0]:
                raise ValueError(f"{after.weights.shape[0]} inputs after {before.weights.shape[1]} units")
        self.layers, self.loss = list(layers), loss

    def forward(self, x):
        """Return the output for inputs x (n, inputs)."""
        return self.forward_from(0, x)

    def forward_from(self, number, activation):
        """Return the output if layer `number` has the activation (n, units); layer 0 is the input."""
        for layer in self.layers[number:]:
            activation = layer.forward(activation)
        return activation

    def activation(self, number, x):
        """Return the activation of layer `number` for inputs x (n, inputs); layer 0 is the input."""
        for layer in self.layers[:number]:
            x = layer.forward(x)
        return x

    def mean_loss(self, x, targets):
        """Return the mean loss over inputs x and targets."""
        return float(LOSSES[self.loss][0](self.forward(x), targets).mean())

    def gradients(self, x, targets):
        """Return the gradients of the mean loss by back-propagation: those of weights and biases for each layer."""
        activations = [x]
        for layer in self.layers:
            activations.append(layer.forward(activations[-1]))
        _, loss_gradient, partner = LOSSES[self.loss]
        of_sums = self.layers[-1].activation == partner
        gradient = (activations[-1] - targets if of_sums else loss_gradient(activations[-1], targets)) / len(x)
        gradients = []
        for layer, x, y in zip(self.layers[::-1], activations[-2::-1], activations[::-1]):
            gradient, *of_layer = layer.backward(x, y, gradient, of_sums)
            gradients.append(of_layer)
            of_sums = False
        return gradients[::-1]

    def train(self, x, targets, epochs=1, learning_rate=0.01, momentum=0.9, batch_size=50, on_epoch=None):
        """Train by stochastic gradient descent with momentum on shuffled batches.

        learning_rate: a number, or a function of the part of the training that is done, 0 to 1. on_epoch: called with
        the number of epochs done.
        """
        random, rate = np.random.default_rng(), learning_rate
        velocities = [[np.zeros_like(layer.weights), np.zeros_like(layer.biases)] for layer in self.layers]
        starts = range(0, len(x), batch_size)
        for epoch in range(epochs):
            order = random.permutation(len(x))
            for step, start in enumerate(starts):
                if callable(learning_rate):
                    rate = float(learning_rate((epoch + step / len(starts)) / epochs))
                batch = order[start:start + batch_size]
                for layer, velocity, gradient in zip(self.layers, velocities, self.gradients(x[batch], targets[batch])):
                    for parameter, v, g in zip((layer.weights, layer.biases), velocity, gradient):
                        v *= momentum
                        v -= rate * g
                        parameter += v
            if on_epoch:
                on_epoch(epoch + 1)

    def save(self, path):
        """Save the network in a file of NumPy's .npz format, which contains arrays and text but no code."""
        arrays = {"loss": np.array(self.loss), "activations": np.array([layer.activation for layer in self.layers])}
        for number, layer in enumerate(self.layers):
            arrays |= {f"weights{number}": layer.weights, f"biases{number}": layer.biases}
        with open(path, "wb") as file:  # with a path, NumPy would add .npz to it
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path):
        """Return a network from a file that `save` has written.

        Raises OSError if the file cannot be read, and ValueError with the reason if it does not contain a network.
        """
        with open(path, "rb") as file:
            try:
                with zipfile.ZipFile(file) as archive:
                    if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                        raise ValueError("it is compressed")  # a small file could decompress to any size
                file.seek(0)
                with np.load(file, allow_pickle=False) as arrays:
                    return cls._from_arrays(arrays)
            except Exception as error:  # a damaged file raises any of a dozen exceptions of zipfile, zlib and NumPy
                raise ValueError(f"{path}: not a saved network ({error})") from None

    @classmethod
    def _from_arrays(cls, arrays):
        layers = []
        for number, activation in enumerate(arrays["activations"]):
            weights, biases = arrays[f"weights{number}"], arrays[f"biases{number}"]
            if weights.ndim != 2 or not weights.size or biases.shape != weights.shape[1:]:
                raise ValueError(f"layer {number + 1} has weights {weights.shape} and biases {biases.shape}")
            for array in (weights, biases):
                if array.dtype.kind != "f" or not np.isfinite(array).all():
                    raise ValueError(f"layer {number + 1} has weights that are not numbers")
            layer = Layer(1, 1, str(activation))
            layer.weights, layer.biases = weights, biases
            layers.append(layer)
        if not layers:
            raise ValueError("no layers")
        return cls(layers, str(arrays["loss"]))
