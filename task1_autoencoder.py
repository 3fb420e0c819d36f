"""Task 1: a simple autoencoder of 24 parameters that regenerates handwritten digits without a wrong pixel.

    python task1_autoencoder.py   prints   0.00 24 0.07   (test error in %, parameters, minutes)

The thought vector has one number for each patch of 2x2 pixels: 28x28, padded to 32x32, is 16x16 = 256 patches. A
strided convolution maps the 16 patterns that a patch can have to 16 codes between -1 and 1. Four sine units (Sitzmann
et al., 2020), mixed by a transposed convolution, read the pattern off the code.

All of twenty runs were exact. What each choice buys, in wrong pixels (means of five runs, docs/ablation.md):

    one restart instead of 64       14.00%
    a tenth of omega_0              10.72%
    three sine units                 2.71%
    baseline                         0.00%
"""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
import numpy as np
from keras import layers

SINE_UNITS = 4  # in the decoder; fewer cannot tell four pixels apart
OMEGA_0 = 100.0  # the highest initial frequency of the sine units, in radians per unit of the code
RESTARTS = 64  # autoencoders trained side by side, of which the best is kept
EPOCHS = 10
STEPS_PER_EPOCH = 30  # each step takes all different patches
LEARNING_RATE = 0.1


def build_model():
    """Return the untrained autoencoder: pixels 0 or 1, (batch, 28, 28, 1), to their probabilities of being 1."""
    image = layers.Input((28, 28, 1))
    x = layers.ZeroPadding2D(2)(image)                                                    # 32 x 32 x 1
    x = layers.Rescaling(2, offset=-1)(x)                                                 # pixels -1 or 1
    x = layers.Conv2D(1, 2, strides=2, use_bias=False, activation="tanh")(x)              # 16 x 16 x 1
    x = layers.Flatten(name="thought_vector")(x)                                          # 256
    x = layers.Reshape((16, 16, 1))(x)
    x = layers.Conv2D(SINE_UNITS, 1, use_bias=False, activation=common.sine)(x)           # 16 x 16 x 4
    x = layers.Conv2DTranspose(1, 2, strides=2, use_bias=False, activation="sigmoid")(x)  # 32 x 32 x 1
    return keras.Model(image, layers.Cropping2D(2)(x))                                    # 28 x 28 x 1


def build_restarts():
    """Return many such autoencoders side by side, for single patches: (batch, 4) to (batch, restarts, 4).

    In the equations b is the batch, r the restart, s the sine unit and p the pixel: each restart has its own weights.
    """
    uniform, normal = keras.initializers.RandomUniform, keras.initializers.RandomNormal
    return keras.Sequential([
        layers.Input((4,)),
        layers.Rescaling(2, offset=-1),
        layers.Dense(RESTARTS, use_bias=False, activation="tanh", kernel_initializer=uniform(-0.5, 0.5)),
        layers.EinsumDense("br,rs->brs", (RESTARTS, SINE_UNITS), activation=common.sine,
                           kernel_initializer=uniform(0, OMEGA_0)),
        layers.EinsumDense("brs,rsp->brp", (RESTARTS, 4), activation="sigmoid", kernel_initializer=normal(0, 0.5)),
    ])


def train(model, digits, callbacks=()):
    """Train the restarts on the patches of `digits` and give the model the weights of the best one.

    A step takes each of the 16 different patches once instead of the 256,000 patches of 1,000 digits, so that a rare
    pattern counts as much as a common one. About a third of the restarts learn to tell all patterns apart. In the
    others, two patterns have the same code.
    """
    patches = common.distinct_patches(digits.images).reshape(-1, 4)
    targets = np.repeat(patches[:, None], RESTARTS, axis=1)
    restarts = build_restarts()

    def take_best(epoch, logs):
        worst_pixel = np.abs(restarts(patches) - targets).max((0, 2))
        encoder, frequencies, mixture = (weights.numpy() for weights in restarts.weights)
        best = worst_pixel.argmin()
        model.set_weights([encoder[:, best].reshape(2, 2, 1, 1), frequencies[best].reshape(1, 1, 1, SINE_UNITS),
                           mixture[best].T.reshape(2, 2, 1, SINE_UNITS)])

    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * STEPS_PER_EPOCH)
    restarts.compile(keras.optimizers.Adam(schedule, beta_2=0.99), "binary_crossentropy",
                     steps_per_execution=STEPS_PER_EPOCH)
    restarts.fit(common.batches((patches, targets), len(patches)), epochs=EPOCHS, steps_per_epoch=STEPS_PER_EPOCH,
                 callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=take_best), *callbacks], verbose=0)


def main(argv=None):
    """Train, then measure. argv: the arguments of the command line, those of the process if it is None."""
    task = common.Task(__doc__, argv)
    digits = task.training_digits()
    model = build_model()
    train(model, digits, task.callbacks(model))
    task.report(model)  # only now are the test digits read


if __name__ == "__main__":
    common.run(main)
