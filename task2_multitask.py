"""Task 2: an autoencoder of handwritten digits with a classifier that reads the digit off the thought vector.

    python task2_multitask.py   prints   0.00 1.60 8426 0.23
                                (test error in % of reconstruction and digit, parameters, minutes)

One encoder, one thought vector, two heads that read the same numbers of it. Encoder and decoder are those of task 1: a
number for each patch of 2x2 pixels, which a sine unit for each pixel decodes, 8 parameters. The decoder's layers are
shared: the classifier begins with the image that they regenerate and is the convolutional network of task 3 behind it,
which sees the image distorted: at random in training, and in prediction as the mean over 16 distortions.

The parts are trained one after the other: first the autoencoder, which regenerates every digit exactly, then the
classifier on what the autoencoder regenerates. Both losses in one `fit`, from this autoencoder on, took two and a half
times the processor time for an error that was no lower: each step then goes back through the distortion.

Twenty runs: the reconstruction was exact in all of them, the error of the digit was 1.59% on average, 1.80% at worst.
"""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
import numpy as np
from keras import layers, ops

RESTARTS = 512  # of the autoencoder; about one in twenty tells all patterns of a patch apart
INITIAL_WEIGHTS = 0.01, 0.8  # of its encoder, random on a logarithmic scale
OMEGA_0 = 100.0  # factor of its frequencies, so that one learning rate fits all of its weights
SHARPNESS = 4  # the probability of a pixel is sigmoid(4 sin(...))
AUTOENCODER_STEPS = 100
EPOCHS = 20  # of the classifier
STEPS_PER_EPOCH = 125  # 12.5 passes over 1,000 digits
BATCH_SIZE = 100
LEARNING_RATE = 0.01  # of both parts
WEIGHT_DECAY = 0.2
BETA_2 = 0.98


def convolution(filters, size, **options):
    """Return the layers of a convolution with batch normalization and ReLU."""
    return [layers.Conv2D(filters, size, use_bias=False, **options), common.BatchNormalization(), layers.ReLU()]


def build_model():
    """Return the untrained model: pixels 0 or 1, (batch, 28, 28, 1), to a dictionary of two outputs.

    `reconstruction`: probabilities of the pixels to be 1, (batch, 28, 28, 1); `digit`: of the classes, (batch, 10).
    """
    image = layers.Input((28, 28, 1))
    x = layers.ZeroPadding2D(2)(image)                                              # 32 x 32 x 1
    x = layers.Rescaling(2, offset=-1)(x)                                           # pixels -1 or 1
    x = layers.Conv2D(1, 2, strides=2, use_bias=False, activation="tanh", name="encoder")(x)  # 16 x 16 x 1
    thought = layers.Flatten(name="thought_vector")(x)                              # 256
    x = layers.Reshape((16, 16, 1))(thought)
    x = layers.Conv2DTranspose(1, 2, strides=2, use_bias=False, activation=common.sine, name="decoder")(x)  # 32 x 32
    x = layers.Activation("sigmoid")(layers.Rescaling(SHARPNESS)(x))
    reconstruction = layers.Cropping2D(2, name="reconstruction")(x)                 # 28 x 28 x 1

    classifier = common.Augmented(keras.Sequential([
        layers.Input((22, 22, 1)),                       # the middle of a distorted digit
        *convolution(8, 5, strides=2, padding="same"),   # 11 x 11 x 8
        *convolution(16, 3, strides=2, padding="same"),  # 6 x 6 x 16
        *convolution(16, 3),                             # 4 x 4 x 16
        *convolution(20, 3),                             # 2 x 2 x 20
        *convolution(48, 1),                             # 2 x 2 x 48
        layers.GlobalAveragePooling2D(),                 # 48
        layers.Dense(10),                                # logits
    ]), name="classifier")
    digit = layers.Softmax(name="digit")(classifier(reconstruction))
    return keras.Model(image, {"reconstruction": reconstruction, "digit": digit})


def train_autoencoder(model, digits):
    """Train many autoencoders side by side on the different patches of `digits`; the model gets the best one."""
    patches = common.distinct_patches(digits.images).reshape(-1, 4)
    targets = np.repeat(patches[:, None], RESTARTS, axis=1)
    restarts = keras.Sequential([  # for single patches: (batch, 4) to (batch, restarts, 4)
        layers.Input((4,)),
        layers.Rescaling(2, offset=-1),
        layers.Dense(RESTARTS, use_bias=False, activation="tanh"),
        layers.EinsumDense("br,rp->brp", (RESTARTS, 4), activation=lambda x: ops.sin(OMEGA_0 * x)),
        layers.Rescaling(SHARPNESS),
        layers.Activation("sigmoid"),
    ])
    random = np.random.default_rng()
    weights = np.exp(random.uniform(*np.log(INITIAL_WEIGHTS), (4, RESTARTS)))
    weights *= random.choice([-1, 1], weights.shape)
    restarts.set_weights([weights, np.pi / (2 * weights.T) / OMEGA_0])
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, AUTOENCODER_STEPS)
    restarts.compile(keras.optimizers.Adam(schedule, beta_2=0.99), "binary_crossentropy",
                     steps_per_execution=AUTOENCODER_STEPS)
    restarts.optimizer.build(restarts.trainable_variables)  # or TensorFlow traces the step twice
    restarts.fit(common.batches((patches, targets), len(patches)), steps_per_epoch=AUTOENCODER_STEPS, verbose=0)
    best = np.abs(restarts(patches) - targets).max((0, 2)).argmin()
    encoder, decoder = restarts.get_weights()
    model.get_layer("encoder").set_weights([encoder[:, best].reshape(2, 2, 1, 1)])
    model.get_layer("decoder").set_weights([OMEGA_0 * decoder[best].reshape(2, 2, 1, 1)])


def train_classifier(model, digits, callbacks=()):
    """Fit the classifier to randomly distorted digits as the autoencoder regenerates them, with cosine decay."""
    autoencoder = keras.Model(model.input, model.get_layer("reconstruction").output)
    regenerated = np.round(autoencoder.predict(digits.images, verbose=0))
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * STEPS_PER_EPOCH)
    halves = common.InHalves(keras.Sequential([model.get_layer("classifier"), model.get_layer("digit")]))
    halves.compile(keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY, beta_2=BETA_2),
                   "sparse_categorical_crossentropy", steps_per_execution=STEPS_PER_EPOCH)
    halves.optimizer.build(halves.trainable_variables)  # as above
    halves.fit(common.batches((regenerated, digits.labels), BATCH_SIZE), epochs=EPOCHS,
               steps_per_epoch=STEPS_PER_EPOCH, callbacks=list(callbacks), verbose=0)


def train(model, digits, callbacks=()):
    """Train the autoencoder, then the classifier behind it, on `digits`."""
    train_autoencoder(model, digits)
    train_classifier(model, digits, callbacks)


def main(argv=None):
    """Train, then measure; return the trained model. argv: the arguments, those of the process if it is None."""
    return common.Script(__doc__, argv).run(build_model, train)


if __name__ == "__main__":
    model = common.run(main, threads_per_operation=1)  # since each batch is computed in two halves, on a core each
