"""The speed of walking: recordings that are read and that are not, the synthetic ones, and what estimates speed."""

import argparse
import os
import pickle
import struct

from studies import recordings, treadmill, walking_speed

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

SEQUENCES = np.random.default_rng(0).normal(size=(4, 30, 6))
SPEEDS = np.array([3, 5, 8.5, 14])


class OldPickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote them, and NumPy under the names that it had then."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, data):
        self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)

    def save_global(self, obj, name=None):
        self.write(f"cnumpy{'.core.multiarray' if obj.__name__ == '_reconstruct' else ''}\n{obj.__name__}\n".encode())

    dispatch[bytes] = save_bytes
    dispatch[type] = dispatch[type(save_bytes)] = dispatch[type(len)] = save_global


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("content", [
    [SEQUENCES, SPEEDS],
    (SEQUENCES.astype("float32"), SPEEDS.tolist()),
    [np.asfortranarray(SEQUENCES), list(SPEEDS)],
    [SEQUENCES.astype(">f8"), SPEEDS[:, None]],
    [SEQUENCES.tolist(), SPEEDS],
    [list(SEQUENCES), SPEEDS.astype(">f4")],
], ids=["arrays", "list of numbers", "by columns", "big end first", "lists", "list of arrays"])
def test_recordings_come_back(protocol, content, tmp_path):
    path = tmp_path / "Subject 1.pickle"
    path.write_bytes(pickle.dumps(content, protocol))
    sequences, speeds = recordings.load(path)
    assert sequences.dtype == speeds.dtype == np.float32
    assert np.array_equal(sequences, np.float32(SEQUENCES)) and np.array_equal(speeds, np.float32(SPEEDS))


def test_recordings_of_old(tmp_path):
    with open(tmp_path / "Subject 1.pickle", "wb") as file:
        OldPickler(file, 2).dump([SEQUENCES, SPEEDS])
    sequences, speeds = recordings.load(tmp_path / "Subject 1.pickle")
    assert np.array_equal(sequences, np.float32(SEQUENCES)) and np.array_equal(speeds, np.float32(SPEEDS))


class Call:
    """Unpickles as the result of a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Unfinished:
    def __reduce__(self):
        return np.ndarray([0]).__reduce__()[:2]


ROUND = []
ROUND.append(ROUND)


@pytest.mark.parametrize("content, message", [
    ([Call(os.mkdir, "MARK"), SPEEDS], f"it needs {os.mkdir.__module__}.mkdir"),
    ([Call(eval, "open('MARK', 'w')"), SPEEDS], "it needs"),
    ([Call(np.save, "MARK", 1), SPEEDS], "it needs numpy.save"),
    ([Call(pickle.loads, pickle.dumps(Call(os.mkdir, "MARK"))), SPEEDS], "loads"),
    ([np.array([{}]), SPEEDS], "the opcode EMPTY_DICT"),
    ([np.array([None]), SPEEDS], "an array of"),
    ([np.zeros(3, "i4,O"), SPEEDS], "the opcode"),
    ([np.array(["a"]), SPEEDS], "an array of 'U1'"),
    ([{1}, SPEEDS], ""),
    ([Unfinished(), SPEEDS], "expected numbers"),
    ([ROUND, SPEEDS], "expected numbers"),
    ([None, SPEEDS], ""),
    ([["a"], SPEEDS], "expected numbers"),
    ({"sequences": SEQUENCES}, "the opcode EMPTY_DICT"),
    ([SEQUENCES], "expected [sequences, speeds]"),
    ([SEQUENCES[0], SPEEDS], "sequences of shape (30, 6), expected n x length x 6"),
    ([SEQUENCES[..., :5], SPEEDS], "sequences of shape (4, 30, 5), expected n x length x 6"),
    ([[[]], SPEEDS], "sequences of shape (1, 0), expected n x length x 6"),
    ([SEQUENCES, SPEEDS[:3]], "4 sequences, but 3 speeds"),
    ([SEQUENCES, SPEEDS * np.nan], "not all numbers are finite"),
    ([SEQUENCES * 1e30, SPEEDS], "not all numbers are finite and below 1,000,000"),
    ([[[[10**400] * 6]], [1]], "expected numbers"),
    ([[SEQUENCES[0], SEQUENCES[1, 1:]], SPEEDS[:2]], "sequences of one length"),
    ([[[[1, 2, 3, 4, 5, [6]]]], [1]], "expected numbers"),
])
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_is_no_recording_is_refused(content, message, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(recordings.RecordingError) as refused:
        recordings.load("file")
    assert str(refused.value).startswith("file: ") and message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert os.listdir(tmp_path) == ["file"]


ENCODE, FROMBUFFER = b"c_codecs\nencode\n", b"cnumpy._core.numeric\n_frombuffer\n"
FLOATS = b"cnumpy\ndtype\n(X\x02\x00\x00\x00f8tR"


@pytest.mark.parametrize("program, message", [
    # A function with attributes by which NumPy takes it for an array, at an address in memory.
    (b"]" + ENCODE + b"N}X\x13\x00\x00\x00__array_interface__}s\x86ba]a.", "the opcode EMPTY_DICT"),
    (b"]" + ENCODE + b"(X\x01\x00\x00\x00aNdba]a.", "the opcode DICT"),
    (b"]" + ENCODE + b"]ba]a.", "not recordings ("),  # a list for attributes
    (b"]" + ENCODE + b"a]a.", "not recordings: expected"),  # the function itself instead of sequences
    (b"]" + FLOATS + b"a]a.", "not recordings: expected"),
    (b"](" + b"cnumpy\ndtype\n" + ENCODE + b"tRa]a.", "not recordings ("),  # a dtype from something else than a name
    (b"](" + FROMBUFFER + b"(C\x08abcdefgh" + FLOATS + b"(I1\ntX\x01\x00\x00\x00CtRI0\nNsa]a.", "not recordings ("),
    (b"\x80\x04](\x8c\x06os\x1b[2J\x8c\x05\n\rxyz\x93a]a.", r"it needs os\x1b[2J.\n\rxyz"),
    (b"\x80\x04\x8e\x00\x00\x00\x00\x00\x00\x40\x00.", "not recordings ("),  # more bytes than any memory has
    (b"\x80\x04](]q\x01h\x01aI1\ne.", "expected numbers"),  # a list in itself
])
def test_programs_that_pickle_would_not_write(program, message, tmp_path):
    (tmp_path / "file").write_bytes(program)
    with pytest.raises(recordings.RecordingError) as refused:
        recordings.load(tmp_path / "file")
    assert message in str(refused.value) and str(refused.value).isprintable()


def test_a_crash_is_no_way_out(tmp_path):
    """Python itself crashes when a tuple that is nested this often is the key of a dictionary, or in a set."""
    (tmp_path / "file").write_bytes(b"})" + b"\x85" * 1_000_000 + b"I1\ns.")
    with pytest.raises(recordings.RecordingError, match="the opcode EMPTY_DICT"):
        recordings.load(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(recordings.RecordingError, match="not a file"):
        recordings.load(tmp_path / "pipe")


@pytest.mark.parametrize("content", [b"hello", pickle.dumps([SEQUENCES, SPEEDS])[:-100]])
def test_damaged_recordings(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(recordings.RecordingError, match="not recordings"):
        recordings.load(tmp_path / "file")


@pytest.fixture
def plain(monkeypatch):
    """Return a person whose sensor sits straight and measures exactly."""
    for name in ("PLACEMENT", "ACCELERATION_BIAS", "TURNING_BIAS", "ACCELERATION_NOISE", "TURNING_NOISE",
                 "STRIDE_VARIATION", "SEQUENCE_VARIATION"):
        monkeypatch.setattr(treadmill, name, 0)
    subject = treadmill.Subject()
    subject.traits["shock"] = 0
    return subject


def test_the_times_of_a_gait_are_those_of_the_literature(plain):
    plain.traits |= {"pace": 1, "stance": 0, "leg": 0.9}
    assert plain.gait(1.3) == (pytest.approx(0.905), pytest.approx(0.6), False)
    lengths = [speed / plain.gait(speed)[0] for speed in (0.9, 1.8)]  # of a stride, in m
    rates = [plain.gait(speed)[0] for speed in (0.9, 1.8)]
    assert lengths[1] / lengths[0] == pytest.approx(rates[1] / rates[0])
    assert plain.gait(3.0) == (pytest.approx(1.299), pytest.approx(0.353), True)
    assert [plain.gait(speed)[2] for speed in (2.0, 2.2)] == [False, True]


@pytest.mark.parametrize("speed", [1.0, 1.7, 2.5, 3.8])
def test_the_signals_integrate_to_the_motion(plain, speed):
    """Integrated from the middle of the stance, where the foot rests: a stride on it has gone speed / rate, no more."""
    rate, stance, running = plain.gait(speed)
    signals = plain.stride(speed, rate, stance, running)
    middle = int((0.2 + 0.55) / 2 * stance * treadmill.GRID)
    if not running:  # in running the foot is never flat for long
        assert signals[middle] == pytest.approx([0, 0, treadmill.GRAVITY, 0, 0, 0], abs=0.5)
    signals = np.roll(signals, -middle, axis=0)
    step = 1 / rate / treadmill.GRID
    angle = np.cumsum(-signals[:, 4]) * step
    assert abs(angle[-1]) < 0.01
    forward = np.cos(angle) * signals[:, 0] - np.sin(angle) * signals[:, 2]
    up = np.sin(angle) * signals[:, 0] + np.cos(angle) * signals[:, 2] - treadmill.GRAVITY
    way = [np.cumsum(np.cumsum(axis)) * step**2 for axis in (forward, up)]
    assert way[0][-1] == pytest.approx(speed / rate, rel=0.05)
    assert way[1][-1] == pytest.approx(0, abs=0.05)
    assert 0.02 < way[1].max() < 0.6


def test_recordings_have_the_rate_of_the_gait(plain):
    for speed in (1.2, 3.0):
        rate, *_ = plain.gait(speed)
        sequence = plain.record(speed)
        assert sequence.shape == (600, 6)
        stride = round(treadmill.RATE / rate)  # samples after which the motion comes again, and not before
        likeness = [np.corrcoef(sequence[:-shift, 4], sequence[shift:, 4])[0, 1] for shift in range(10, stride + 1)]
        assert np.argmax(likeness) >= len(likeness) - 2 and likeness[-1] > 0.98 and likeness[stride // 2 - 10] < 0.5


def test_people_differ_and_sensors_are_not_perfect():
    one, other = (treadmill.Subject() for _ in range(2))
    assert one.traits != other.traits and not np.allclose(one.placement, other.placement)
    assert one.placement @ one.placement.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(one.placement) == pytest.approx(1)
    sequences, speeds = one.recordings(2)
    assert sequences.shape == (24, 600, 6) and speeds.tolist() == [speed for speed in range(3, 15) for _ in range(2)]
    assert not np.allclose(sequences[0], sequences[1])


def test_written_recordings_are_those_of_the_sheet(tmp_path):
    paths = treadmill.write(tmp_path / "new" / "folder", 2, 1)
    assert [os.path.basename(path) for path in paths] == ["Subject 1.pickle", "Subject 2.pickle"]
    with open(paths[0], "rb") as file:
        [sequences, ground_truth] = pickle.load(file)  # the sheet's own words
    assert sequences.shape == (12, 600, 6) and ground_truth.shape == (12,)
    assert np.array_equal(recordings.load(paths[0])[0], sequences)
    before = [path.read_bytes() for path in sorted((tmp_path / "new" / "folder").iterdir())]
    os.remove(paths[0])
    with pytest.raises(FileExistsError):
        treadmill.write(tmp_path / "new" / "folder", 2, 1)
    assert [path.read_bytes() for path in sorted((tmp_path / "new" / "folder").iterdir())] == before[:1] + before[2:]
    assert before[0].startswith(b"SYNTHETIC")


def test_rotated_sequences():
    """Acceleration and angular velocity are rotated alike, each sequence in its own way."""
    sequences = np.float32(np.random.default_rng().normal(size=(300, 20, 6)))
    result = walking_speed.rotate(sequences, 15).numpy()
    before, after = (part.reshape(300, 40, 3) for part in (sequences, result))
    assert np.allclose(after @ after.swapaxes(1, 2), before @ before.swapaxes(1, 2), atol=1e-4)
    rotations = np.linalg.pinv(before) @ after
    assert np.linalg.det(rotations) == pytest.approx(1, abs=1e-4)
    angles = np.degrees(np.arccos((np.trace(rotations, axis1=1, axis2=2) - 1) / 2))
    assert np.sqrt(np.mean(angles**2)) == pytest.approx(15 * 3**0.5, rel=0.15)  # of three axes
    assert np.allclose(walking_speed.rotate(sequences, 0), sequences, atol=1e-6)


def test_spectral_regression():
    """It finds the speed that shows in the power of one band, however the sensor sits."""
    random = np.random.default_rng()
    speeds = random.uniform(3, 14, 60)
    waves = np.sin(2 * np.pi * 20 * np.arange(600) / 600)
    sequences = random.normal(0, 0.01, (60, 600, 6))
    sequences[..., 0] += 10 + np.exp(speeds / 6)[:, None] * waves  # the logarithm of the power is linear in speed
    regression = walking_speed.spectral_regression(1e-3).fit(sequences[:40], speeds[:40])
    assert walking_speed.root_mean_squared_errors(regression.predict, (sequences[40:], speeds[40:]))[0] < 0.05
    rotation = Rotation.from_euler("xyz", [20, -30, 40], degrees=True).as_matrix()
    rotated = (sequences.reshape(60, 600, 2, 3) @ rotation.T).reshape(60, 600, 6)
    assert regression.predict(rotated) == pytest.approx(regression.predict(sequences))


def test_network():
    sequences, speeds = np.float32(np.random.default_rng().normal(5, 3, (50, 60, 6))), np.float32(np.arange(50))
    sequences[..., 2] *= speeds[:, None] / 50
    model = walking_speed.build_model(sequences, speeds, 16)
    estimates = walking_speed.predictor(model)(sequences)
    assert estimates.shape == (50,)
    assert abs(estimates.mean() - speeds.mean()) < 0.7 * speeds.std()  # at home in the scale of the speeds
    walking_speed.train(model, sequences, speeds, 0, 60)
    errors = walking_speed.root_mean_squared_errors(walking_speed.predictor(model), (sequences, speeds))
    assert errors[0] < 0.1 * speeds.std()


def test_recordings_are_called_what_they_are(tmp_path):
    options = argparse.Namespace(folder=str(tmp_path), subjects=None, quick=True)
    treadmill.write(tmp_path, 4, 1)
    subjects, what = walking_speed.load_subjects(options)
    assert what == f"SYNTHETIC recordings in {tmp_path}"
    assert np.array_equal(subjects[2][0], recordings.load(tmp_path / "Subject 4.pickle")[0])
    (tmp_path / treadmill.LABEL).unlink()
    assert walking_speed.load_subjects(options)[1] == f"recordings in {tmp_path}"
    subjects, what = walking_speed.load_subjects(argparse.Namespace(folder=None, subjects=None, quick=True))
    assert what == "SYNTHETIC recordings" and len(subjects) == 3


def test_recordings_of_other_lengths(tmp_path, capsys):
    """Those to train on are cut to one length; a length of the test has no influence on them."""
    for number, length in ((1, 87), (2, 64), (3, 45), (4, 9)):
        with open(tmp_path / f"{number}", "wb") as file:
            pickle.dump([np.zeros((3, length, 6)), np.ones(3)], file)
    options = argparse.Namespace(folder=str(tmp_path), subjects=["1", "2", "3"], quick=False)
    subjects, _ = walking_speed.load_subjects(options)
    assert [sequences.shape for sequences, _ in subjects] == [(3, 60, 6), (3, 60, 6), (3, 40, 6)]
    model = walking_speed.build_model(*subjects[0], 4)
    assert all(np.all(np.isfinite(walking_speed.predictor(model)(sequences))) for sequences, _ in subjects)
    with pytest.raises(SystemExit):
        options.subjects = ["1", "2", "4"]
        walking_speed.load_subjects(options)
    assert "sequences are too short: 10 samples are needed" in capsys.readouterr().err
