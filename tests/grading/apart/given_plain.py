"""Plain networks, all in the style of the first page of a textbook."""


def build_model():
    image = layers.Input((28, 28, 1))
    x = layers.Conv2D(16, 3, activation="relu")(image)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(32, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def train(model, digits, callbacks=()):
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=10, callbacks=list(callbacks), verbose=0)

# --------

def build_model():
    inputs = layers.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(inputs)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(0.3)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def train(model, digits, callbacks=()):
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, batch_size=32, epochs=20, verbose=0, callbacks=list(callbacks))

# --------

def build_model():
    inputs = keras.Input((28, 28, 1))
    h = layers.Conv2D(8, 5, strides=2, activation="relu")(inputs)
    h = layers.Conv2D(16, 3, strides=2, activation="relu")(h)
    h = layers.GlobalAveragePooling2D()(h)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(h))


def train(model, digits, callbacks=()):
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, batch_size=16, epochs=15, callbacks=list(callbacks), verbose=0)

# --------

def build_model():
    return keras.Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ])


def train(model, digits, callbacks=()):
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=20, batch_size=32, callbacks=list(callbacks), verbose=0)

# --------

def build_model():
    model = keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(16, 5, activation="relu"),
        layers.MaxPool2D(),
        layers.Conv2D(32, 5, activation="relu"),
        layers.MaxPool2D(),
        layers.Flatten(),
        layers.Dense(100, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ])
    return model


def train(model, digits, callbacks=()):
    model.compile(loss="sparse_categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
    model.fit(digits.images, digits.labels, epochs=15, verbose=0, callbacks=list(callbacks))

# --------

def build_model():
    image = layers.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, activation="relu")(image)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax")(x))


def train(model, digits, callbacks=()):
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=15, batch_size=32, callbacks=list(callbacks), verbose=0)

# --------

def build_model():
    model = keras.Sequential()
    model.add(layers.Input((28, 28, 1)))
    model.add(layers.Conv2D(16, 3, activation="relu"))
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Conv2D(32, 3, activation="relu"))
    model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(10, activation="softmax"))
    return model


def train(model, digits, callbacks=()):
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=10, batch_size=32, callbacks=list(callbacks), verbose=0)

# --------

def build_model():
    net = keras.Sequential()
    net.add(keras.Input(shape=(28, 28, 1)))
    net.add(layers.Conv2D(32, kernel_size=5, padding="same", activation="relu"))
    net.add(layers.MaxPool2D(pool_size=2))
    net.add(layers.Dropout(0.2))
    net.add(layers.Conv2D(64, kernel_size=5, padding="same", activation="relu"))
    net.add(layers.MaxPool2D(pool_size=2))
    net.add(layers.Dropout(0.2))
    net.add(layers.Flatten())
    net.add(layers.Dense(128, activation="relu"))
    net.add(layers.Dense(10, activation="softmax"))
    return net


def train(model, digits, callbacks=()):
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(learning_rate=0.001))
    model.fit(digits.images, digits.labels, batch_size=64, epochs=20, verbose=0, callbacks=list(callbacks))

# --------

def build_model():
    m = keras.models.Sequential()
    m.add(layers.Input((28, 28, 1)))
    m.add(layers.Conv2D(8, (3, 3), strides=(2, 2), activation="relu"))
    m.add(layers.BatchNormalization())
    m.add(layers.Conv2D(16, (3, 3), strides=(2, 2), activation="relu"))
    m.add(layers.BatchNormalization())
    m.add(layers.GlobalAveragePooling2D())
    m.add(layers.Dense(10, activation="softmax"))
    return m


def train(model, digits, callbacks=()):
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=25, callbacks=list(callbacks), verbose=0)

# --------

def build_model():
    inputs = layers.Input((28, 28, 1))
    x = layers.Conv2D(8, 3, activation="relu")(inputs)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def train(model, digits, callbacks=()):
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=10, verbose=0)

# --------

def build_model():
    inputs = layers.Input((28, 28, 1))
    x = layers.Conv2D(32, 5, activation="relu", padding="same")(inputs)
    x = layers.AveragePooling2D(4)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(50, activation="tanh")(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def train(model, digits, callbacks=()):
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, batch_size=10, epochs=30, verbose=0)

# --------

def build_model():
    inputs = layers.Input((28, 28, 1))
    x = layers.Conv2D(16, 3, strides=2, activation="relu")(inputs)
    x = layers.Conv2D(32, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return keras.Model(inputs, outputs)


def train(model, digits, callbacks=()):
    model.compile("rmsprop", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, epochs=25, verbose=0)
