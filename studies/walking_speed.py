"""The speed of walking and running, estimated by an LSTM from a motion sensor on the shoe (task 3 of the sheet).

    python -m studies.walking_speed --figures figures     on SYNTHETIC recordings from `treadmill`
    python -m studies.walking_speed --folder recordings   on the files Subject 1, 2 and 4.pickle there

Networks of several sizes are trained on subject 1. The best one on subject 2 is trained again on both, and tested on
subject 4. The baselines are the mean and a regression on the spectrum.

On four sets of simulated people, the root mean square error on the test person was 1.05 km/h for the LSTM, 1.24 for the
regression and 3.45 for the mean.
"""

import itertools
import os

import common
from studies import recordings, shared, treadmill
from support import windows
from support.command_line import fail

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

SUBJECTS = ["Subject 1.pickle", "Subject 2.pickle", "Subject 4.pickle"]  # for training, validation and testing
UNITS = [16, 32, 64]  # of the LSTM, in the search
ROTATIONS = [0, 15]  # standard deviation in degrees of the random rotation of training sequences, in the search
CHUNK = 10  # samples per step of the LSTM
EPOCHS = 60
BATCH_SIZE = 24
LEARNING_RATE = 5e-3
BANDS = np.geomspace(1, 150, 13)  # limits of the frequency bands, in cycles per sequence
ALPHAS = 10.0 ** np.arange(-4, 5)  # penalties of the regression, in the search


def build_model(sequences, speeds, units):
    """Return an untrained network: sequences (n, length, 6) to speeds in km/h (n, 1).

    Its inputs and outputs are scaled by those of the training data: sequences, and speeds (n,).
    """
    normalization = layers.Normalization()
    normalization.adapt(sequences)
    return keras.Sequential([
        layers.Input((None, 6)),                                 # length x 6, any length
        normalization,
        layers.Reshape((-1, CHUNK * 6)),                         # steps x 60
        layers.LSTM(units, return_sequences=True),               # steps x units
        layers.GlobalAveragePooling1D(),                         # units
        layers.Dense(1),
        layers.Rescaling(float(speeds.std()), offset=float(speeds.mean())),
    ])


def rotate(sequences, degrees):
    """Return sequences (n, length, 6), each rotated at random, with that standard deviation about each axis."""
    x, y, z = tf.unstack(tf.random.normal((3, len(sequences)), stddev=np.radians(degrees)))
    zero = tf.zeros_like(x)
    rotations = tf.linalg.expm(tf.stack([tf.stack(row, 1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))], 1))
    vectors = tf.reshape(sequences, (len(sequences), -1, 3))  # of acceleration and of angular velocity
    return tf.reshape(vectors @ tf.transpose(rotations, (0, 2, 1)), sequences.shape)


def train(model, sequences, speeds, degrees, epochs, callbacks=()):
    """Fit the model to randomly rotated sequences (n, length, 6) and speeds (n,)."""
    batch_size = min(BATCH_SIZE, len(sequences))
    steps = len(sequences) // batch_size
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * steps)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), "mse", steps_per_execution=steps)
    stream = common.batches((sequences, speeds), batch_size)
    if degrees:
        stream = stream.map(lambda inputs, targets: (rotate(inputs, degrees), targets))
    model.fit(stream, epochs=epochs, steps_per_epoch=steps, verbose=0, callbacks=list(callbacks))


def predictor(model):
    """Return the model as a function from sequences (n, length, 6) to speeds in km/h (n,)."""
    return lambda sequences: model.predict(sequences, batch_size=500, verbose=0)[:, 0]


def log_powers(sequences):
    """Return the logarithms of the powers in frequency bands of sequences (n, length, 6), (n, 2 x bands).

    The powers are those of the norms of acceleration and angular velocity, which do not depend on the orientation of
    the sensor.
    """
    norms = np.linalg.norm(np.float64(sequences).reshape(*sequences.shape[:2], 2, 3), axis=3)
    powers = np.abs(np.fft.rfft(norms, axis=1)) ** 2
    band = np.digitize(np.arange(powers.shape[1]), BANDS)  # 0: the mean
    return np.log(np.concatenate([powers[:, band == number].sum(1) + 1e-3 for number in range(1, len(BANDS))], 1))


def spectral_regression(alpha):
    """Return an untrained ridge regression of speed on `log_powers`. alpha: the penalty on the squared weights."""
    return make_pipeline(FunctionTransformer(log_powers), StandardScaler(), Ridge(alpha))


def root_mean_squared_errors(predict, *subjects):
    """Return the error of a function `predict` on each pair of sequences (n, length, 6) and speeds (n,), in km/h."""
    return [float(np.sqrt(np.mean((predict(sequences) - speeds) ** 2))) for sequences, speeds in subjects]


def load_subjects(options):
    """Return the recordings for training, validation and testing, and what titles call them.

    Those of a person are sequences (n, length, 6) and speeds in km/h (n,). Without --folder they are synthetic and new.
    The sequences for training and validation are cut to the same length. Ends the process in one line if a file cannot
    be used.
    """
    if options.folder is None:
        if options.subjects:
            fail("--subjects names files in --folder, which is missing")
        count = 2 if options.quick else treadmill.SEQUENCES
        return [treadmill.Subject().recordings(count) for _ in range(3)], "SYNTHETIC recordings"
    try:
        subjects = [recordings.load(os.path.join(options.folder, name)) for name in options.subjects or SUBJECTS]
    except recordings.RecordingError as error:
        fail(error)
    lengths = [sequences.shape[1] // CHUNK * CHUNK for sequences, _ in subjects]
    if not min(lengths):
        fail(f"sequences are too short: {CHUNK} samples are needed")
    lengths[:2] = [min(lengths[:2])] * 2
    synthetic = os.path.exists(os.path.join(options.folder, treadmill.LABEL))
    return ([(sequences[:, :length], speeds) for (sequences, speeds), length in zip(subjects, lengths)],
            f"{'SYNTHETIC ' * synthetic}recordings in {options.folder}")


def search(training, validation, options, epochs):
    """Train every network of the search on one subject, and print the errors on it and on another subject.

    Returns units and degrees of the best one.
    """
    rows, validation_errors = [], {}
    sizes = UNITS[:1] if options.quick else UNITS
    with shared.progress(len(sizes) * len(ROTATIONS) * options.runs * epochs) as progress:
        for units, degrees in itertools.product(sizes, ROTATIONS):
            errors = []
            for _ in range(options.runs):
                model = build_model(*training, units)
                train(model, *training, degrees, epochs, [shared.progress_callback(progress)])
                errors.append(root_mean_squared_errors(predictor(model), training, validation))
            validation_errors[units, degrees] = np.mean(errors, axis=0)[1]
            rows.append([f"{units}", f"{degrees}", *shared.summaries(errors, 2)])
    shared.print_table(["LSTM units", "rotated by, degrees", "error on training subject, km/h",
                        "on validation subject, km/h"], rows)
    return min(validation_errors, key=validation_errors.get)


def best_regression(training, validation, both):
    """Return the regression with the penalty that is best on another subject, trained on both subjects."""
    errors = [root_mean_squared_errors(spectral_regression(alpha).fit(*training).predict, validation)
              for alpha in ALPHAS]
    return spectral_regression(ALPHAS[int(np.argmin(errors))]).fit(*both)


def draw(test, estimates, what):
    """Return the figure of estimated against true speed, and of the residuals.

    estimates: {name: km/h (n,)} for the sequences of `test`.
    """
    import matplotlib.pyplot as plt

    speeds = test[1]
    figure, (panel, other) = plt.subplots(1, 2, figsize=(13, 6.5), layout="constrained")
    figure.suptitle(f"Speed of a person outside of the training set ({what})", parse_math=False)
    limits = [speeds.min() - 1, speeds.max() + 1]
    panel.plot(limits, limits, color="0.6", linewidth=1, label="estimated = true")
    other.axhline(0, color="0.6", linewidth=1)
    for (name, estimated), colour, marker, aside in zip(estimates.items(), windows.COLOURS, "ox", (-0.12, 0.12)):
        panel.scatter(speeds + aside, estimated, 14, color=colour, marker=marker, label=name, linewidths=1)
        other.scatter(speeds + aside, estimated - speeds, 14, color=colour, marker=marker, linewidths=1)
        means = [np.mean((estimated - speeds)[speeds == speed]) for speed in np.unique(speeds)]
        other.plot(np.unique(speeds) + aside, means, color=colour, label=f"{name}: mean")
    panel.set(xlabel="true speed, km/h", ylabel="estimated speed, km/h", aspect="equal")
    other.set(xlabel="true speed, km/h", ylabel="residual: estimated - true speed, km/h")
    for each in (panel, other):
        each.legend()
    return {"speed": figure}


def main(argv=None):
    """Search, train the best network on both subjects, print the table, draw.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    parser.add_argument("--folder", metavar="DIR", help="with the recordings (default: new synthetic ones)")
    parser.add_argument("--subjects", nargs=3, metavar=("TRAINING", "VALIDATION", "TEST"),
                        help=f"the files in it (default: {', '.join(SUBJECTS)})")
    shared.add_runs(parser)
    options = shared.parse(parser, argv)
    (training, validation, test), what = load_subjects(options)
    epochs = 1 if options.quick else EPOCHS
    print(f"{what}: {len(training[1])}, {len(validation[1])} and {len(test[1])} sequences", flush=True)

    units, degrees = search(training, validation, options, epochs)
    both = tuple(np.concatenate(parts) for parts in zip(training, validation))
    regression = best_regression(training, validation, both)
    predictors = {"mean of the training subjects": [lambda sequences: np.full(len(sequences), both[1].mean())],
                  "regression on the spectrum": [regression.predict]}
    name = f"LSTM of {units} units, sequences rotated by {degrees} degrees"
    predictors[name] = []
    with shared.progress(options.runs * epochs) as progress:
        for _ in range(options.runs):
            model = build_model(*both, units)
            train(model, *both, degrees, epochs, [shared.progress_callback(progress)])
            predictors[name].append(predictor(model))
    print()
    shared.print_table(
        ["speed estimated by", "error on both training subjects, km/h", "on the test subject, km/h",
         "mean residual on the test subject, km/h"],
        [[name, *shared.summaries([(*root_mean_squared_errors(predict, both, test), np.mean(predict(test[0]) - test[1]))
                                   for predict in of_runs], 2)] for name, of_runs in predictors.items()])
    shared.present(lambda: draw(test, {name: predictors[name][-1](test[0]),
                                       "regression on the spectrum": regression.predict(test[0])}, what), options)


if __name__ == "__main__":
    shared.run(main)
