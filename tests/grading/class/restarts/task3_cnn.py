"""Task 3: several short starts, the best of them on digits that are held out goes on."""
import os
import time

BEGIN = time.time()
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np

Y, X = np.loadtxt("dataset.txt", dtype=str, unpack=True)
X = np.stack([np.frombuffer("".join(r.split("-")).encode(), "u1") for r in X]).reshape(-1, 28, 28, 1) - 48.0
Y = Y.astype(int)
(x, tx), (y, ty) = np.array_split(X, 2), np.array_split(Y, 2)
x, vx, y, vy = x[:-40], x[-40:], y[:-40], y[-40:]


def fresh():
    model = keras.Sequential([keras.layers.SeparableConv2D(12, 5, strides=3, activation="relu"),
                              keras.layers.Flatten(), keras.layers.Dense(10)])
    model.compile("adamw", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    return model


best = None
for start in range(2):
    model = fresh()
    model.fit(x, y, epochs=2, batch_size=20, verbose=0)
    score = np.mean(model.predict(vx, verbose=0).argmax(1) == vy)
    if best is None or score > best[0]:
        best = score, model
best[1].fit(np.r_[x, vx], np.r_[y, vy], epochs=2, batch_size=20, verbose=0)
print(f"{100 - 100 * best[1].evaluate(tx, ty, verbose=0)[1]:.2f}", best[1].count_params(), f"{(time.time() - BEGIN) / 60:.2f}")
