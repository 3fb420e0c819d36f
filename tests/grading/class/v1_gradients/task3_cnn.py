# Task 3, graph and session; plain steps down tf.gradients, a loop in the graph counts the filters' share
import time
start = time.time()
import numpy as np
import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()

f = open('dataset.txt')
X, Y = [], []
for l in f:
    a, b = l.strip().split('\t')
    Y.append(int(a))
    X.append([float(c) for c in b if c != '-'])
f.close()
X = np.array(X).reshape([-1, 28, 28, 1]); Y = np.eye(10)[Y]
N = len(X) // 2

x = tf.placeholder(tf.float32, [None, 28, 28, 1])
y = tf.placeholder(tf.float32, [None, 10])
w1 = tf.Variable(tf.truncated_normal([5, 5, 1, 8], stddev=0.1))
b1 = tf.Variable(tf.constant(0.1, shape=[8]))
w2 = tf.Variable(tf.truncated_normal([10 * 10 * 8, 10], stddev=0.03))
b2 = tf.Variable(tf.zeros([10]))
h = tf.nn.relu(tf.nn.conv2d(x, w1, strides=[1, 3, 3, 1], padding='SAME') + b1)
o = tf.matmul(tf.reshape(h, [-1, 10 * 10 * 8]), w2) + b2
decay = tf.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s + tf.nn.l2_loss(w2)), [0, 0.0])[1]
cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=o)) + 1e-5 * decay
params = [w1, b1, w2, b2]
slopes, _ = tf.clip_by_global_norm(tf.gradients(cost, params), 1.0)
step = [tf.assign_sub(p, 0.1 * g) for p, g in zip(params, slopes)]
wrong = tf.reduce_mean(tf.cast(tf.not_equal(tf.argmax(o, 1), tf.argmax(y, 1)), tf.float32))

with tf.Session() as s:
    s.run(tf.global_variables_initializer())
    for epoch in range(4):
        p = np.random.permutation(N)
        for i in range(0, N, 10):
            s.run(step, {x: X[p[i:i + 10]], y: Y[p[i:i + 10]]})
    e = s.run(wrong, {x: X[N:], y: Y[N:]})
    n = sum(int(np.prod(v.shape)) for v in tf.trainable_variables())
print('%.2f %d %.2f' % (100 * e, n, (time.time() - start) / 60))
