"""Task 2, functional API with Lambda layers: pixels become -1/1 inside, the vector gets its tanh in a layer of its own."""
import time

t = time.time()
import keras
import numpy as np
from keras import layers as L
from keras import ops

text = open("dataset.txt").read().split("\n")[:-1]
labels = np.array([int(row[0]) for row in text])
images = np.array([[ch == "1" for ch in row[2:] if ch in "01"] for row in text])
half = len(text) // 2

pixels = L.Input((784,), dtype="bool")
x = L.Lambda(lambda p: 2 * ops.cast(p, "float32") - 1, output_shape=(784,), name="to_float")(pixels)
x = L.Dense(256, name="thought_vector")(x)
x = L.Activation("tanh")(x)
x = L.Lambda(lambda v: v, name="split")(x)
picture = L.Dense(784, activation="sigmoid", name="picture")(x)
digit = L.Dense(10, activation="softmax", name="digit")(L.Dropout(0.2)(x))
net = keras.Model(pixels, [picture, digit])
net.compile(keras.optimizers.RMSprop(0.003), loss=["binary_crossentropy", "sparse_categorical_crossentropy"])
net.fit(images[:half], [images[:half].astype("float32"), labels[:half]], epochs=4, batch_size=20, verbose=0)
drawn, said = net.predict(images[half:], verbose=0)
print("%.2f %.2f %d %.2f" % (100 * np.mean((drawn > 0.5) != images[half:]),
                             100 * np.mean(said.argmax(axis=1) != labels[half:]), net.count_params(), (time.time() - t) / 60))
