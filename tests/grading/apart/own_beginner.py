"""From top to bottom, without functions."""

import time

start = time.time()

from tensorflow.keras.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from tensorflow.keras.models import Sequential

import numpy as np

X = []
Y = []
f = open("dataset.txt")
for line in f:
    a = line.strip().split("\t")
    Y.append(int(a[0]))
    rows = a[1].split("-")
    img = []
    for r in rows:
        img.append([float(c) for c in r])
    X.append(img)
f.close()
X = np.array(X).reshape(-1, 28, 28, 1)
Y = np.array(Y)
half = len(X) // 2
X_train, Y_train = X[:half], Y[:half]
X_test, Y_test = X[half:], Y[half:]

model = Sequential()
model.add(Conv2D(32, kernel_size=(3, 3), activation="relu", input_shape=(28, 28, 1)))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Conv2D(64, kernel_size=(3, 3), activation="relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(128, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(10, activation="softmax"))
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(X_train, Y_train, batch_size=32, epochs=15, verbose=0)
loss, acc = model.evaluate(X_test, Y_test, verbose=0)
print(round(100 - acc * 100, 2), model.count_params(), round((time.time() - start) / 60, 2))
