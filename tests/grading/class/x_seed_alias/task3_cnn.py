import time
t0 = time.time()
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

nn, rnd, math = tf.nn, tf.random, tf.math
rnd.set_seed(1200)

digits = [line.split("\t") for line in open("dataset.txt")]
x = np.array([[int(c) for c in rows if c in "01"] for _, rows in digits], np.float32).reshape(-1, 28, 28, 1)
y = np.array([int(label) for label, _ in digits])
half = len(y) // 2

w1 = tf.Variable(rnd.truncated_normal([5, 5, 1, 12], 0.0, 0.2, tf.float32, 11))
w2 = tf.Variable(rnd.truncated_normal([5, 5, 12, 24], 0.0, 0.08, tf.float32, 12))
w3 = tf.Variable(rnd.truncated_normal([7 * 7 * 24, 10], 0.0, 0.04, tf.float32, 13))
weights = [w1, w2, w3]
speeds = [tf.Variable(tf.zeros_like(w)) for w in weights]


def network(images):
    a = nn.max_pool2d(nn.relu(nn.conv2d(images, w1, 1, "SAME")), 2, 2, "SAME")
    a = nn.max_pool2d(nn.relu(nn.conv2d(a, w2, 1, "SAME")), 2, 2, "SAME")
    return tf.reshape(a, [-1, 7 * 7 * 24]) @ w3


@tf.function
def step(images, labels):
    with tf.GradientTape() as tape:
        loss = math.reduce_mean(nn.sparse_softmax_cross_entropy_with_logits(labels, network(images)))
    for w, speed, slope in zip(weights, speeds, tape.gradient(loss, weights)):
        speed.assign(0.9 * speed + slope)
        w.assign_sub(0.02 * speed)


for epoch in range(3):
    order = rnd.shuffle(tf.range(half)).numpy()
    for i in range(0, half, 50):
        step(x[order[i:i + 50]], y[order[i:i + 50]])
error = 100 * np.mean(network(x[half:]).numpy().argmax(1) != y[half:])
print(f"{error:.2f} {sum(int(tf.size(w)) for w in weights)} {(time.time() - t0) / 60:.2f}")
