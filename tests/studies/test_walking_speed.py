"""The speed of walking: recordings that are read and that are not, the synthetic ones, and what estimates speed."""

import os
import pickle
import re
import textwrap

from studies import recordings, treadmill, walking_speed

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

SEQUENCES = np.random.default_rng(0).normal(size=(4, 30, 6))
SPEEDS = np.array([3, 5, 8.5, 14])


@pytest.mark.parametrize("sequences, speeds", [
    (SEQUENCES, SPEEDS), (SEQUENCES.tolist(), SPEEDS[:, None]), (SEQUENCES.astype(">f8"), SPEEDS.astype("float32")),
], ids=["arrays", "lists", "big end first"])
def test_recordings_come_back(sequences, speeds, tmp_path, monkeypatch):
    """Also those of the sheet, converted by the lines in the docstring."""
    (tmp_path / "Subject 1.pickle").write_bytes(pickle.dumps([sequences, speeds]))
    snippet = recordings.__doc__.split("trust:\n")[1]
    monkeypatch.chdir(tmp_path)
    exec(textwrap.dedent(snippet), {"pickle": pickle, "np": np})
    loaded = recordings.load(tmp_path / "Subject 1.npz")
    assert all(array.dtype == np.float32 for array in loaded)
    assert np.array_equal(loaded[0], np.float32(SEQUENCES)) and np.array_equal(loaded[1], np.float32(SPEEDS))


@pytest.mark.parametrize("arrays, message", [
    ({"sequences": SEQUENCES}, "not recordings: expected"),
    ({"sequences": SEQUENCES[0], "speeds": SPEEDS}, "sequences of shape (30, 6) and 4 speeds"),
    ({"sequences": SEQUENCES[..., :5], "speeds": SPEEDS}, "sequences of shape (4, 30, 5) and 4 speeds"),
    ({"sequences": SEQUENCES, "speeds": SPEEDS[:3]}, "sequences of shape (4, 30, 6) and 3 speeds"),
    ({"sequences": SEQUENCES, "speeds": SPEEDS * np.nan}, "not all numbers are finite"),
    ({"sequences": np.array([[None]]), "speeds": SPEEDS}, "not recordings: expected"),  # would need a pickle
])
def test_what_is_no_recording_is_refused(arrays, message, tmp_path):
    np.savez(tmp_path / "file.npz", **arrays)
    with pytest.raises(recordings.RecordingError) as refused:
        recordings.load(tmp_path / "file.npz")
    assert str(refused.value).startswith(f"{tmp_path / 'file.npz'}: {message}") and "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"hello", pickle.dumps([SEQUENCES, SPEEDS]), b"PK\x03\x04", b""])
def test_damaged_recordings(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(recordings.RecordingError, match="file: "):
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
    assert plain.transition == pytest.approx((0.5 * 9.81 * 0.9) ** 0.5)


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


def test_written_recordings(tmp_path):
    folder = tmp_path / "new" / "folder"
    paths = treadmill.write(folder, 2, 1)
    assert [os.path.basename(path) for path in paths] == ["Subject 1.npz", "Subject 2.npz"]
    sequences, speeds = recordings.load(paths[0])
    assert sequences.shape == (12, 600, 6) and speeds.tolist() == list(range(3, 15))
    before = [path.read_bytes() for path in sorted(folder.iterdir())]
    os.remove(paths[0])
    with pytest.raises(FileExistsError):
        treadmill.write(folder, 2, 1)
    assert [path.read_bytes() for path in sorted(folder.iterdir())] == before[:1] + before[2:]
    label = before[0].decode()
    assert label.startswith("SYNTHETIC") and re.search(r"\nSubject 2.npz: runs above [678]\.\d km/h\n$", label)


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
    assert walking_speed.errors(regression.predict, (sequences[40:], speeds[40:]))[0] < 0.05
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
    errors = walking_speed.errors(walking_speed.predictor(model), (sequences, speeds))
    assert errors[0] < 0.1 * speeds.std()


def test_recordings_are_called_what_they_are(tmp_path):
    treadmill.write(tmp_path, 4, 1)
    subjects, what = walking_speed.load_subjects(tmp_path, walking_speed.SUBJECTS)
    assert what == f"SYNTHETIC recordings in {tmp_path}"
    assert np.array_equal(subjects[2][0], recordings.load(tmp_path / "Subject 4.npz")[0])
    (tmp_path / treadmill.LABEL).unlink()
    assert walking_speed.load_subjects(tmp_path, walking_speed.SUBJECTS)[1] == f"recordings in {tmp_path}"


def test_recordings_of_other_lengths(tmp_path, capsys):
    """Those to train on are cut to one length; a length of the test has no influence on them."""
    for number, length in ((1, 87), (2, 64), (3, 45), (4, 9)):
        np.savez(tmp_path / f"{number}.npz", sequences=np.zeros((3, length, 6)), speeds=np.ones(3))
    subjects, _ = walking_speed.load_subjects(tmp_path, ["1.npz", "2.npz", "3.npz"])
    assert [sequences.shape for sequences, _ in subjects] == [(3, 60, 6), (3, 60, 6), (3, 40, 6)]
    model = walking_speed.build_model(*subjects[0], 4)
    assert all(np.all(np.isfinite(walking_speed.predictor(model)(sequences))) for sequences, _ in subjects)
    with pytest.raises(SystemExit):
        walking_speed.load_subjects(tmp_path, ["1.npz", "2.npz", "4.npz"])
    assert "sequences are too short: 10 samples are needed" in capsys.readouterr().err
