"""Task 1: a simple autoencoder of 8 parameters that regenerates handwritten digits without a wrong pixel.

    python task1_autoencoder.py   prints   0.00 8 0.06   (test error in %, parameters, minutes)

The thought vector has one number for each patch of 2x2 pixels: 28x28, padded to 32x32, is 16x16 = 256 patches. A patch
has four pixels x = -1 or 1, and 16 patterns. At a blackboard:

    encoder:   number = tanh(w1 x1 + w2 x2 + w3 x3 + w4 x4)    a strided convolution of four weights
    decoder:   pixel i is 1 where sin(f_i number) > 0          a transposed convolution of four weights, then sines

If the weights are like 64 : 16 : 4 : 1, the patterns are 16 points on a line (docs/figures/code.png). Pixel i moves the
number by 2 w_i, and the sine of frequency f_i = pi / (2 w_i) changes its sign with that. The pixels of larger weight
move it by whole periods of this sine, 4 w_i, from the middle of the line to either side; the pixels of smaller weight
not far enough to change its sign. With a ratio of 2 it would be half periods, and the sine inverted. The tanh keeps the
numbers between -1 and 1. It bends the line a little, and the frequencies are learned behind it.

The ratio must be learned. A restart begins with random weights of any ratio, and with the frequencies pi / (2 w_i), of
which descent does not change the sign. It makes about one in twenty restarts exact, with ratios of mostly 2 to 6; in
the others, patterns have the same number, or a pixel stays inverted. So 512 restarts are trained side by side, and the
best is kept: exact in 100 of 100 runs. The network learns patches, and nothing about digits.
"""

import common  # first: it starts the clock and keeps TensorFlow quiet

import keras
import numpy as np
from keras import layers, ops

RESTARTS = 512
INITIAL_WEIGHTS = 0.01, 0.8  # of the encoder, random on a logarithmic scale
OMEGA_0 = 100.0  # factor of the frequencies, so that one learning rate fits all weights (Sitzmann et al., 2020)
SHARPNESS = 4  # the probability of a pixel is sigmoid(4 sin(...))
EPOCHS = 5
STEPS_PER_EPOCH = 20  # passes over the different patches, all of them in each step
LEARNING_RATE = 0.01


def build_model():
    """Return the untrained autoencoder: pixels 0 or 1, (batch, 28, 28, 1), to their probabilities of being 1."""
    image = layers.Input((28, 28, 1))
    x = layers.ZeroPadding2D(2)(image)                                                         # 32 x 32 x 1
    x = layers.Rescaling(2, offset=-1)(x)                                                      # pixels -1 or 1
    x = layers.Conv2D(1, 2, strides=2, use_bias=False, activation="tanh")(x)                   # 16 x 16 x 1
    x = layers.Flatten(name="thought_vector")(x)                                               # 256
    x = layers.Reshape((16, 16, 1))(x)
    x = layers.Conv2DTranspose(1, 2, strides=2, use_bias=False, activation=common.sine)(x)     # 32 x 32 x 1
    x = layers.Activation("sigmoid")(layers.Rescaling(SHARPNESS)(x))
    return keras.Model(image, layers.Cropping2D(2)(x))                                         # 28 x 28 x 1


def build_restarts():
    """Return many such autoencoders side by side, for single patches: (batch, 4) to (batch, restarts, 4).

    In the equation b is the batch, r the restart and p the pixel: each restart has its own weights.
    """
    model = keras.Sequential([
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
    model.set_weights([weights, np.pi / (2 * weights.T) / OMEGA_0])
    return model


def train(model, digits, callbacks=()):
    """Train the restarts on the patches of `digits` and give the model the weights of the best one.

    A step takes each of the 16 different patches once instead of the 256,000 patches of 1,000 digits, so that a rare
    pattern counts as much as a common one.
    """
    patches = common.distinct_patches(digits.images).reshape(-1, 4)
    targets = np.repeat(patches[:, None], RESTARTS, axis=1)
    restarts = build_restarts()

    def take_best(epoch, logs):
        worst_pixel = np.abs(restarts(patches) - targets).max((0, 2))
        best = worst_pixel.argmin()
        encoder, decoder = restarts.get_weights()
        model.set_weights([encoder[:, best].reshape(2, 2, 1, 1), OMEGA_0 * decoder[best].reshape(2, 2, 1, 1)])

    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, EPOCHS * STEPS_PER_EPOCH)
    restarts.compile(keras.optimizers.Adam(schedule, beta_2=0.99), "binary_crossentropy",
                     steps_per_execution=STEPS_PER_EPOCH)
    restarts.optimizer.build(restarts.trainable_variables)  # or TensorFlow traces the step twice
    restarts.fit(common.batches((patches, targets), len(patches)), epochs=EPOCHS, steps_per_epoch=STEPS_PER_EPOCH,
                 callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=take_best), *callbacks], verbose=0)


def main(argv=None):
    """Train, then measure; return the trained model. argv: the arguments, those of the process if it is None."""
    return common.Script(__doc__, argv).run(build_model, train)


if __name__ == "__main__":
    model = common.run(main)
