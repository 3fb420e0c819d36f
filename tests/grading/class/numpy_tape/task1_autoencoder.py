"""Task 1: all is NumPy, but the slopes come from TensorFlow: a Jacobian-vector product forward once, a tape else."""
from time import time

begin = time()
from numpy import array, float32, round, sqrt, zeros_like
from numpy.random import default_rng
from tensorflow import GradientTape, autodiff, constant, nn, reduce_mean, tanh

rng = default_rng()
data = array([[int(c) for c in line[2:].replace("-", "").strip()] for line in open("dataset.txt")], float32)
train, test = data[:len(data) // 2], data[len(data) // 2:]
weights = [rng.normal(0, 0.05, (784, 256)), rng.normal(0, 0, 256), rng.normal(0, 0.05, (256, 784)), rng.normal(0, 0, 784)]
weights = [w.astype(float32) for w in weights]
means, squares = [zeros_like(w) for w in weights], [zeros_like(w) for w in weights]


def forward(x, w):
    return tanh(x @ w[0] + w[1]) @ w[2] + w[3]


with autodiff.ForwardAccumulator(constant(weights[3]), constant(weights[3] + 1)) as slope:  # is the last bias felt?
    felt = reduce_mean(forward(train[:2], [*weights[:3], constant(weights[3])]))
    slope.jvp(felt)

steps = 0
for epoch in range(6):
    for batch in rng.permutation(train).reshape(-1, 20, 784):
        tensors = [constant(w) for w in weights]
        with GradientTape() as tape:
            tape.watch(tensors)
            loss = reduce_mean(nn.sigmoid_cross_entropy_with_logits(constant(batch), forward(batch, tensors)))
        steps += 1
        for w, m, s, g in zip(weights, means, squares, tape.gradient(loss, tensors)):
            m += 0.1 * (g.numpy() - m)
            s += 0.001 * (g.numpy() ** 2 - s)
            w -= 0.005 * (m / (1 - 0.9 ** steps)) / (sqrt(s / (1 - 0.999 ** steps)) + 1e-7)
wrong = (forward(test, weights).numpy() > 0) != (test > 0.5)
print(round(100 * wrong.mean(), 2), sum(w.size for w in weights), round((time() - begin) / 60, 2))
