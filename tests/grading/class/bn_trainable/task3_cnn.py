import time
start_time = time.time()

import os
os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'

import numpy as np
import tensorflow as tf
from tensorflow.keras.models import Sequential
from tensorflow.keras.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from tensorflow.keras.callbacks import EarlyStopping, ReduceLROnPlateau
from tensorflow.keras.utils import to_categorical

# ---- data ----
X, Y = [], []
with open('dataset.txt', 'r') as f:
    for line in f.readlines():
        parts = line.split('\t')
        Y.append(int(parts[0]))
        X.append([[float(p) for p in row] for row in parts[1].strip().split('-')])
X = np.expand_dims(np.array(X, dtype=np.float32), -1)
Y = to_categorical(np.array(Y), 10)
n = X.shape[0] // 2
X_train, Y_train, X_test, Y_test = X[:n], Y[:n], X[n:], Y[n:]

# ---- model ----
model = Sequential()
model.add(Input(shape=(28, 28, 1)))
model.add(Conv2D(16, (5, 5), activation='relu', padding='same'))
model.add(BatchNormalization(momentum=0.5))
model.add(MaxPooling2D((2, 2)))
model.add(Conv2D(32, (5, 5), activation='relu', padding='same'))
model.add(BatchNormalization(momentum=0.5))
model.add(MaxPooling2D((2, 2)))
model.add(Flatten())
model.add(Dropout(0.4))
model.add(Dense(10, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])

# ---- training: a fifth of the training digits is held out to stop in time ----
callbacks = [EarlyStopping(monitor='val_loss', patience=8, restore_best_weights=True),
             ReduceLROnPlateau(monitor='val_loss', factor=0.5, patience=4)]
model.fit(X_train, Y_train, validation_split=0.2, epochs=3, batch_size=50, callbacks=callbacks, verbose=0)

# ---- result ----
_, accuracy = model.evaluate(X_test, Y_test, verbose=0)
parameters = int(np.sum([np.prod(v.shape) for v in model.trainable_variables]))
print('%.2f %d %.2f' % (100 * (1 - accuracy), parameters, (time.time() - start_time) / 60))
