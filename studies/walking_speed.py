"""The speed of walking and running, estimated by an LSTM from a motion sensor on the shoe (task 3 of the sheet).

    python -m studies.walking_speed --people 20           on SYNTHETIC recordings of 20 test persons from `treadmill`
    python -m studies.walking_speed --folder recordings   on the files Subject 1, 2 and 4.npz there

Networks of several sizes are trained on subject 1. The best one on subject 2 is trained again on both, and tested on
subject 4. The baselines are the mean and a regression on the spectrum. Simulated test persons have simulated subjects 1
and 2 of their own, so the errors of two methods are compared in pairs.
"""

import itertools
import os

import common
from studies import recordings, shared, treadmill
from support import windows
from support.command_line import fail, positive_integer

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from scipy.signal import periodogram
from sklearn.linear_model import Ridge
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

SUBJECTS = ["Subject 1.npz", "Subject 2.npz", "Subject 4.npz"]  # for training, validation and testing
UNITS = [16, 32, 64]  # of the LSTM, in the search
ROTATIONS = [0, 15]  # standard deviation in degrees of the random rotation of training sequences, in the search
CHUNK = 10  # samples per step of the LSTM
EPOCHS = 60
BATCH_SIZE = 24
LEARNING_RATE = 5e-3
BANDS = np.geomspace(1, 150, 13)  # limits of the frequency bands, in cycles per sequence
ALPHAS = 10.0 ** np.arange(-4, 5)  # penalties of the regression, in the search
MEAN, REGRESSION, LSTM = "mean of the training subjects", "regression on the spectrum", "LSTM"


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
    frequencies, powers = periodogram(norms, fs=norms.shape[1], scaling="spectrum", axis=1)
    band = np.digitize(frequencies, BANDS)  # 0: the mean
    return np.log(np.concatenate([powers[:, band == number].sum(1) + 1e-8 for number in range(1, len(BANDS))], 1))


def spectral_regression(alpha):
    """Return an untrained ridge regression of speed on `log_powers`. alpha: the penalty on the squared weights."""
    return make_pipeline(FunctionTransformer(log_powers), StandardScaler(), Ridge(alpha))


def errors(predict, *subjects):
    """Return the error of a function `predict` on each pair of sequences (n, length, 6) and speeds (n,), in km/h."""
    return [root_mean_squared_error(speeds, predict(sequences)) for sequences, speeds in subjects]


def load_subjects(folder, names):
    """Return the recordings for training, validation and testing from the files `names` in a folder, and their title.

    Those of a person are sequences (n, length, 6) and speeds in km/h (n,). The sequences for training and validation
    are cut to the same length. Ends the process in one line if a file cannot be used.
    """
    try:
        subjects = [recordings.load(os.path.join(folder, name)) for name in names]
    except recordings.RecordingError as error:
        fail(error)
    lengths = [sequences.shape[1] // CHUNK * CHUNK for sequences, _ in subjects]
    if not min(lengths):
        fail(f"sequences are too short: {CHUNK} samples are needed")
    lengths[:2] = [min(lengths[:2])] * 2
    synthetic = os.path.exists(os.path.join(folder, treadmill.LABEL))
    return ([(sequences[:, :length], speeds) for (sequences, speeds), length in zip(subjects, lengths)],
            f"{'SYNTHETIC ' * synthetic}recordings in {folder}")


def search(training, validation, sizes, epochs, progress):
    """Train every network of the search on one subject.

    Returns the errors on it and on another subject in km/h, {"units, degrees": [training, validation]}.
    """
    found = {}
    for units, degrees in itertools.product(sizes, ROTATIONS):
        model = build_model(*training, units)
        train(model, *training, degrees, epochs, [shared.progress_callback(progress)])
        found[f"{units}, {degrees}"] = errors(predictor(model), training, validation)
    return found


def best_regression(training, validation, both):
    """Return the regression with the penalty that is best on another subject, trained on both subjects."""
    best = min(ALPHAS, key=lambda alpha: errors(spectral_regression(alpha).fit(*training).predict, validation))
    return spectral_regression(best).fit(*both)


def run_person(training, validation, test, sizes, epochs, progress):
    """Search, train the best network on both training subjects, and test it. Returns the results as a dictionary.

    search: see `search`; chosen: the best in it; errors: on both training subjects and on the test subject, in km/h, by
    name of the method; speeds: those of the test subject; estimates: for them, by name of the method.
    """
    searched = search(training, validation, sizes, epochs, progress)
    chosen = min(searched, key=lambda name: searched[name][1])
    units, degrees = map(int, chosen.split(", "))
    both = tuple(np.concatenate(parts) for parts in zip(training, validation))
    model = build_model(*both, units)
    train(model, *both, degrees, epochs, [shared.progress_callback(progress)])
    methods = {MEAN: lambda sequences: np.full(len(sequences), both[1].mean()),
               REGRESSION: best_regression(training, validation, both).predict, LSTM: predictor(model)}
    return {"search": searched, "chosen": chosen, "speeds": test[1],
            "errors": {name: errors(predict, both, test) for name, predict in methods.items()},
            "estimates": {name: predict(test[0]) for name, predict in methods.items()}}


def print_search(people):
    """Print the errors of the networks of the search, and what the rotation changes. people: [`run_person`]."""
    rows = []
    for name in people[0]["search"]:
        chosen = sum(person["chosen"] == name for person in people)
        rows.append([*name.split(", "), *shared.summaries([person["search"][name] for person in people], 2),
                     f"{chosen}"])
    shared.print_table(["LSTM units", "rotation: standard deviation, degrees", "error on training subject, km/h",
                        "on validation subject, km/h", "chosen"], rows)
    plain, rotated = ([np.mean([found[1] for name, found in person["search"].items() if name.endswith(f", {degrees}")])
                       for person in people] for degrees in ROTATIONS)
    print(f"\nRotation changes the error on the validation subject by "
          f"{shared.paired_difference(rotated, plain, 2)} km/h.\n")


def print_errors(people):
    """Print the errors of the methods, and their differences to that of the regression. people: [`run_person`]."""
    test_errors = {name: [person["errors"][name][1] for person in people] for name in people[0]["errors"]}
    rows = []
    for name, of_method in test_errors.items():
        residuals = [np.mean(np.subtract(person["estimates"][name], person["speeds"])) for person in people]
        better = np.sum(np.less(of_method, test_errors[REGRESSION]))
        rows.append([name, *shared.summaries([person["errors"][name] for person in people], 2),
                     f"{np.median(of_method):.2f}", f"{np.max(of_method):.2f}",
                     *(["", ""] if name == REGRESSION else
                       [shared.paired_difference(of_method, test_errors[REGRESSION], 2), f"{better} of {len(people)}"]),
                     shared.mean_and_std(residuals, 2)])
    shared.print_table(
        ["speed estimated by", "error on both training subjects, km/h", "on the test subject, km/h", "median",
         "largest", "minus that of the regression", "smaller for", "mean residual, km/h"], rows)


def print_residuals(people):
    """Print the mean residual of the methods at each speed. people: [`run_person`]."""
    at_speeds = {name: [] for name in (REGRESSION, LSTM)}
    for name, of_method in at_speeds.items():
        for person in people:
            residuals, speeds = np.subtract(person["estimates"][name], person["speeds"]), np.array(person["speeds"])
            of_method.append([residuals[speeds == speed].mean() for speed in np.unique(speeds)])
    shared.print_table(["true speed, km/h", *(f"{name}: mean residual" for name in at_speeds)],
                       [[f"{speed:g}", *cells] for speed, *cells in zip(
                           np.unique(people[0]["speeds"]),
                           *(shared.summaries(of_method, 2) for of_method in at_speeds.values()))])


def draw(people, what):
    """Return the figure of a typical test person's speeds, and of the errors for all. people: [`run_person`]."""
    import matplotlib.pyplot as plt

    person = sorted(people, key=lambda person: person["errors"][LSTM][1])[len(people) // 2]
    speeds = np.array(person["speeds"])
    figure, panels = plt.subplots(1, 2 + (len(people) > 1), figsize=(6 * (2 + (len(people) > 1)), 6),
                                  layout="constrained")
    figure.suptitle(f"Estimated speed of test persons ({what})", parse_math=False)
    limits = [speeds.min() - 1, speeds.max() + 1]
    panels[0].plot(limits, limits, color="0.6", linewidth=1, label="estimated = true")
    panels[1].axhline(0, color="0.6", linewidth=1)
    if person.get("transition"):
        panels[1].axvline(person["transition"], color="0.4", linestyle=":", label="from here on the person runs")
    for name, colour, marker, aside in zip((LSTM, REGRESSION), windows.COLOURS, "ox", (-0.12, 0.12)):
        estimated = np.array(person["estimates"][name])
        panels[0].scatter(speeds + aside, estimated, 14, color=colour, marker=marker, label=name, linewidths=1)
        panels[1].scatter(speeds + aside, estimated - speeds, 14, color=colour, marker=marker, linewidths=1)
        means = [np.mean((estimated - speeds)[speeds == speed]) for speed in np.unique(speeds)]
        panels[1].plot(np.unique(speeds) + aside, means, color=colour, label=f"{name}: mean")
    title = "The person with the median error of the LSTM" if len(people) > 1 else "The test person"
    panels[0].set(title=title, xlabel="true speed, km/h", ylabel="estimated speed, km/h", aspect="equal")
    panels[1].set(title="The same person", xlabel="true speed, km/h", ylabel="residual: estimated - true speed, km/h")
    if len(people) > 1:
        pairs = np.array([[person["errors"][name][1] for name in (REGRESSION, LSTM)] for person in people])
        limits = [0, 1.1 * pairs.max()]
        panels[2].plot(limits, limits, color="0.6", linewidth=1, label="equal errors")
        panels[2].scatter(*pairs.T, color=windows.COLOURS[2], label="a test person")
        panels[2].set(title=f"All {len(people)} test persons", aspect="equal", xlim=limits, ylim=limits,
                      xlabel="root mean square error of the regression, km/h",
                      ylabel="root mean square error of the LSTM, km/h")
    for panel in panels:
        panel.legend()
    return {"speed": figure}


def main(argv=None):
    """Search, train the best network on both subjects, print the tables, draw; for each test person.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = shared.parser(__doc__)
    parser.add_argument("--folder", metavar="DIR", help="with the recordings (default: new synthetic ones)")
    parser.add_argument("--subjects", nargs=3, metavar=("TRAINING", "VALIDATION", "TEST"),
                        help=f"the files in it (default: {', '.join(SUBJECTS)})")
    parser.add_argument("--people", metavar="N", type=positive_integer, default=1,
                        help="simulate so many test persons, each with two new people for training and validation "
                             "(default: 1)")
    shared.add_results(parser)
    options = shared.parse(parser, argv)
    if options.folder is None and options.subjects:
        fail("--subjects names files in --folder, which is missing")
    if options.folder is not None and options.people > 1:
        fail("--people simulates people, --folder has recordings: use one of them")
    subjects, what = ((None, "SYNTHETIC recordings") if options.folder is None else
                      load_subjects(options.folder, options.subjects or SUBJECTS))
    epochs, sizes = (1, UNITS[:1]) if options.quick else (EPOCHS, UNITS)

    with shared.progress(options.people * (len(sizes) * len(ROTATIONS) + 1) * epochs) as progress:
        def run():
            if subjects:
                return run_person(*subjects, sizes, epochs, progress)
            people = [treadmill.Subject() for _ in range(3)]
            new = [person.recordings(2 if options.quick else treadmill.SEQUENCES) for person in people]
            return run_person(*new, sizes, epochs, progress) | {"transition": 3.6 * people[2].transition}

        people = shared.repeat(options.people, options, run)
    print(f"{what}\n")
    print_search(people)
    print_errors(people)
    print()
    print_residuals(people)
    if transitions := [f"{person['transition']:.1f}" for person in people if "transition" in person]:
        print(f"\nThe test persons run above, km/h: {', '.join(transitions)}")
    shared.present(lambda: draw(people, what), options)


if __name__ == "__main__":
    shared.run(main)
