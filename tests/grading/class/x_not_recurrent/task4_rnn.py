"""Task 4: reads the rows one after the other, with layers of its own for each row."""
import time
t = time.time()
import keras
import numpy as np

d = [l.split("\t") for l in open("dataset.txt")]
x = np.array([[list(r) for r in p.strip().split("-")] for _, p in d], "float32")
y = np.array([int(n) for n, _ in d])
h = len(y) // 2
image = keras.Input((28, 28))
state = None
for row in range(0, 28, 7):
    seen = keras.layers.Flatten()(image[:, row:row + 7])
    seen = seen if state is None else keras.layers.Concatenate()([seen, state])
    state = keras.layers.Dense(24, "relu")(seen)
model = keras.Model(image, keras.layers.Dense(10, "softmax")(state))
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
model.fit(x[:h], y[:h], epochs=8, batch_size=20, verbose=0)
print(f"{100 * np.mean(model.predict(x[h:], verbose=0).argmax(1) != y[h:]):.2f} {model.count_params()} {(time.time() - t) / 60:.2f}")
