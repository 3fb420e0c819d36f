"""Task 2: an autoencoder of handwritten digits with a classifier that reads the digit off the thought vector.

    python task2_multitask.py   prints   0.00 1.50 11358 0.51
                                (decoder's test error in %, classifier's test error in %, parameters, minutes)

The thought vector has two parts. 196 numbers encode the image as in task 1, one for each patch of 2x2 pixels. The other
60 are features of the digit. A small convolutional network learns them, and one dense layer classifies them. The two
parts share no weights and are trained one after the other.

Twenty runs: the decoder was exact in all of them, the error of the classifier was 1.52% on average, 2.00% at worst.
What each choice buys (means over the five folds of the training digits; differences within 0.4 may be chance,
docs/ablation.md):

    no distortion        5.50%
    half of the steps    2.10%
    baseline             1.80%
"""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
from keras import layers

CODES = 14 * 14  # numbers of the thought vector for the image
FEATURES = 256 - CODES  # and for the digit
SINE_UNITS = 48  # in the decoder; with 48, all of 4,000 autoencoders learn every pattern, with 32 all but one
OMEGA_0 = 200.0  # the highest initial frequency of the sine units, in radians per unit of the code
IMAGE_STEPS = 500
IMAGE_LEARNING_RATE = 0.05
STEPS = 2000  # 400 epochs of 1,000 digits
BATCH_SIZE = 200
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.2
LABEL_SMOOTHING = 0.1


def convolution(filters, size, activation="relu", **options):
    """Return the layers of a convolution with batch normalization."""
    return [
        layers.Conv2D(filters, size, use_bias=False, **options),
        common.BatchNormalization(),
        layers.Activation(activation),
    ]


def build_model():
    """Return the untrained model: pixels 0 or 1, (batch, 28, 28, 1), to a dictionary of two outputs.

    `reconstruction`: probabilities of the pixels to be 1, (batch, 28, 28, 1); `digit`: of the classes, (batch, 10).
    """
    uniform = keras.initializers.RandomUniform
    image_encoder = keras.Sequential([
        layers.Rescaling(2, offset=-1),
        layers.Conv2D(1, 2, strides=2, use_bias=False, activation="tanh", kernel_initializer=uniform(-0.5, 0.5)),
    ], name="image_encoder")                                                       # 14 x 14 x 1
    image_decoder = keras.Sequential([
        layers.Conv2D(SINE_UNITS, 1, use_bias=False, activation=common.sine,
                      kernel_initializer=uniform(0, OMEGA_0)),
        layers.Conv2DTranspose(1, 2, strides=2, use_bias=False, activation="sigmoid"),
    ], name="image_decoder")                                                       # 28 x 28 x 1
    digit_encoder = keras.Sequential([
        common.RandomDistortion(),                                                 # prediction: 13 augmentations
        *convolution(8, 5, strides=2, padding="same"),                             # 14 x 14 x 8
        *convolution(16, 3, strides=2, padding="same"),                            # 7 x 7 x 16
        *convolution(20, 3),                                                       # 5 x 5 x 20
        *convolution(24, 3),                                                       # 3 x 3 x 24
        *convolution(FEATURES, 1, activation="tanh"),                              # 3 x 3 x 60
        layers.GlobalAveragePooling2D(),                                           # 60
        common.AugmentationMean(),
    ], name="digit_encoder")

    image = layers.Input((28, 28, 1))
    codes = layers.Flatten()(image_encoder(image))
    thought = layers.Concatenate(name="thought_vector")([codes, digit_encoder(image)])
    return keras.Model(image, {
        "reconstruction": image_decoder(layers.Reshape((14, 14, 1))(thought[:, :CODES])),
        "digit": layers.Dense(10, activation="softmax", name="classifier")(thought[:, CODES:]),
    })


def train(model, digits, callbacks=()):
    """Train the model's two halves on `digits`, one after the other, since they share no weights.

    A step of the image half takes each of the 16 different patches once instead of the 196,000 patches of 1,000 digits.
    The digit half is fitted to randomly distorted digits, with cosine decay of the learning rate.
    """
    patches = common.distinct_patches(digits.images)
    image_half = keras.Sequential([model.get_layer("image_encoder"), model.get_layer("image_decoder")])
    schedule = keras.optimizers.schedules.CosineDecay(IMAGE_LEARNING_RATE, IMAGE_STEPS)
    image_half.compile(keras.optimizers.Adam(schedule, beta_2=0.99), "binary_crossentropy",
                       steps_per_execution=IMAGE_STEPS)
    image_half.fit(common.batches((patches, patches), len(patches)), steps_per_epoch=IMAGE_STEPS, verbose=0)

    steps_per_epoch = max(1, len(digits.labels) // BATCH_SIZE)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, STEPS)
    digit_half = keras.Sequential([model.get_layer("digit_encoder"), model.get_layer("classifier")])
    digit_half.compile(keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY),
                       keras.losses.CategoricalCrossentropy(label_smoothing=LABEL_SMOOTHING),
                       steps_per_execution=steps_per_epoch)
    labels = keras.utils.to_categorical(digits.labels, 10)
    digit_half.fit(common.batches((digits.images, labels), BATCH_SIZE), epochs=STEPS // steps_per_epoch,
                   steps_per_epoch=steps_per_epoch, callbacks=list(callbacks), verbose=0)


def main(argv=None):
    """Train, then measure. argv: the arguments of the command line, those of the process if it is None."""
    task = common.Task(__doc__, argv)
    digits = task.training_digits()
    model = build_model()
    train(model, digits, task.callbacks(model))
    task.report(model)  # only now are the test digits read


if __name__ == "__main__":
    common.run(main)
