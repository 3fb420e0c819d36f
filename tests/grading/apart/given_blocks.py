"""Blocks with normalization, distorted digits, a schedule."""

EPOCHS = 40
FILTERS = 16, 32, 64


def block(x, filters):
    shortcut = layers.Conv2D(filters, 1, strides=2)(x)
    for strides in 2, 1:
        x = layers.SeparableConv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    return layers.Add()([x, shortcut])


def build_model():
    inputs = keras.Input((28, 28, 1))
    x = layers.RandomRotation(0.03)(inputs)
    x = layers.RandomTranslation(0.08, 0.08)(x)
    x = layers.RandomZoom(0.1)(x)
    for filters in FILTERS:
        x = block(x, filters)
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Dropout(0.3)(x)))


def train(model, digits, callbacks=()):
    steps = EPOCHS * -(-len(digits.labels) // 64)
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, decay_steps=steps)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=1e-3), "sparse_categorical_crossentropy")
    model.fit(digits.images, digits.labels, 64, EPOCHS, callbacks=list(callbacks), verbose=0)
