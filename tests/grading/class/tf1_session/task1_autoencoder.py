"""Task 1: autoencoder. Written like the examples of the lectures: a class around a graph and its session."""
import time
begin = time.time()

import os
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
tf1.logging.set_verbosity(tf1.logging.ERROR)


def load(path):
    images = []
    with open(path, 'r', encoding='utf-8') as f:
        for line in f:
            (_, pixels) = line.rstrip('\n').split('\t')
            images.append([int(pixel) for row in pixels.split('-') for pixel in row])
    images = np.array(images, np.float32)
    middle = len(images) // 2
    return (images[:middle], images[middle:])


class Autoencoder(object):

    def __init__(self, image_size=28 * 28, thought_size=256):
        self.params = []
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.images = tf1.placeholder(tf.float32, [None, image_size], 'images')
            hidden = self.layer('encoder', self.images, image_size, thought_size)
            self.thought_vector = tf.tanh(hidden, name='thought_vector')
            logits = self.layer('decoder', self.thought_vector, thought_size, image_size)
            self.regenerated = tf.round(tf.sigmoid(logits))

            wrong = tf.nn.sigmoid_cross_entropy_with_logits(labels=self.images, logits=logits)
            self.step = tf1.train.AdamOptimizer(0.002).minimize(tf.reduce_mean(wrong))
            self.init = tf1.global_variables_initializer()
            self.graph.finalize()
            self.session = tf1.Session()

    def layer(self, name, inputs, size_in, size_out):
        with tf1.variable_scope(name):
            W = tf1.get_variable('W', [size_in, size_out], tf.float32, tf1.random_normal_initializer(stddev=0.05))
            b = tf1.get_variable('b', [size_out], tf.float32, tf1.zeros_initializer())
        self.params.extend([W, b])
        return tf.matmul(inputs, W) + b

    def train(self, images, epochs, batch_size):
        self.session.run([self.init], {})
        for _ in range(epochs):
            order = np.random.permutation(len(images))
            for i in range(0, len(images), batch_size):
                self.session.run([self.step], {self.images: images[order[i:i + batch_size]]})

    def regenerate(self, images):
        return self.session.run([self.regenerated], {self.images: images})[0]

    def count(self):
        return sum(int(np.prod(param.shape.as_list())) for param in self.params)


(train_images, test_images) = load('dataset.txt')
model = Autoencoder()
model.train(train_images, epochs=3, batch_size=20)
error = 100.0 * np.mean(model.regenerate(test_images) != test_images)
print('{:.2f} {} {:.2f}'.format(error, model.count(), (time.time() - begin) / 60))
