"""Plain, functional."""


def build_model():
    image = layers.Input((28, 28, 1))
    x = layers.Conv2D(24, 3, strides=2, activation="relu")(image)
    x = layers.Conv2D(48, 3, strides=2, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(64, activation="relu")(x)
    output = layers.Dense(10, activation="softmax")(x)
    return keras.Model(image, output)


def train(model, digits, callbacks=()):
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, batch_size=64, epochs=25, callbacks=list(callbacks), verbose=0)
