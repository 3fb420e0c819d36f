"""Plain, as a list of layers."""

NET = [
    layers.Conv2D(filters=16, kernel_size=5, padding="same", activation="relu"),
    layers.MaxPool2D(),
    layers.Dropout(0.25),
    layers.Conv2D(filters=32, kernel_size=5, padding="same", activation="relu"),
    layers.MaxPool2D(),
    layers.Flatten(),
    layers.Dropout(0.5),
    layers.Dense(10, "softmax"),
]


def build_model():
    return keras.Sequential([keras.Input(shape=(28, 28, 1)), *NET])


def train(model, digits, callbacks=()):
    optimizer = keras.optimizers.RMSprop(learning_rate=0.002)
    loss = keras.losses.SparseCategoricalCrossentropy()
    model.compile(optimizer, loss)
    model.fit(x=digits.images, y=digits.labels, batch_size=50, epochs=30, verbose=0, callbacks=list(callbacks))
