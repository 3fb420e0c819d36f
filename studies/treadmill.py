"""SYNTHETIC recordings of shoe-worn motion sensors, for task 3 of the sheet, whose own could not be downloaded.

    python -m studies.treadmill recordings   writes recordings/Subject 1.npz to recordings/Subject 4.npz

Simulated people walk and run on a treadmill at 12 speeds from 3 to 14 km/h, 20 sequences of 6 seconds each. The sensor
signals are computed from a model of the motion of the foot, with times from the literature:

- A walking person takes 0.905 strides per second at 1.3 m/s (Umberger and Martin, 2007). The ratio of step length to
  step rate is the same at other speeds (Sekiya and Nagasaki, 1998), so rate and length grow with the root of speed.
  Below 3.7 km/h people depart from that (Murakami and Otaka, 2017); the model does not.
- The foot is on the ground for 60% of a stride at that speed (Perry and Burnfield, 2010).
- For running, stride rate and the share of time on the ground are the polynomials in speed of Gray, Price and Jenkins
  (2021). They were measured at 3 to 8 m/s and are used from 2 m/s here.
- A person runs if speed^2 > 0.5 gravity x leg length (Kram, Domingo and Ferris, 1997).

All else is modelled by hand: the shorter stance at higher speeds, the angle and height of the foot, the shock of its
landing, the differences between people and sensors. The model is simple: the foot rotates in one plane and about one
point, whether heel or toes are on the ground. Nothing measured on these recordings is a result about people.
"""

import errno
import os

from studies import shared
from support.command_line import Parser

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

SPEEDS = np.arange(3, 15)  # km/h
SUBJECTS = 4
SEQUENCES = 20  # of each speed
RATE = 100  # samples a second
LENGTH = 600  # samples of a sequence
GRAVITY = 9.81  # m/s^2
GRID = 512  # points of a stride where the motion is computed
SMOOTHING = 0.025  # of the motion, in strides
STRIDE_VARIATION = 0.02  # standard deviation of a stride's duration, as a share of it
SEQUENCE_VARIATION = 0.015  # of stride rate and of all angles and heights, from sequence to sequence
LABEL = "SYNTHETIC.txt"  # a file in a folder of synthetic recordings
ACCELERATION_NOISE = 0.3  # m/s^2
TURNING_NOISE = 0.03  # rad/s
# Of a subject: mean and standard deviation between people.
TRAITS = {
    "leg": (0.9, 0.05),              # length in m
    "pace": (1, 0.04),               # stride rate, as a factor of that in the literature
    "stance": (0, 0.015),            # share of time on the ground, added to that in the literature
    "strike": (1, 0.2),              # angle of the foot when the heel lands, as a factor
    "push": (1, 0.1),                # angle of the foot when the toes leave the ground, as a factor
    "lift": (1, 0.15),               # height of the foot in between, as a factor
    "shock": (1, 0.25),              # strength of the landing, as a factor
    "lever": (0.14, 0.02),           # distance in m of the sensor from the axis of rotation
    "noise": (1, 0.2),               # of the sensor, as a factor
}
PLACEMENT = 8  # standard deviation of the orientation of a sensor on its shoe, in degrees about each axis
ACCELERATION_BIAS = 0.2  # m/s^2
TURNING_BIAS = 0.02  # rad/s


class Subject:
    """A simulated person: `traits`, by name as in `TRAITS`, and a sensor with `placement` (3, 3) and `bias` (6,)."""

    def __init__(self):
        self.random = np.random.default_rng()
        self.traits = {name: self.random.normal(*about) for name, about in TRAITS.items()}
        self.placement = Rotation.from_euler("xyz", self.random.normal(0, PLACEMENT, 3), degrees=True).as_matrix()
        self.bias = self.random.normal(0, np.repeat([ACCELERATION_BIAS, TURNING_BIAS], 3))

    @property
    def transition(self):
        """The speed above which the person runs, in m/s."""
        return (0.5 * GRAVITY * self.traits["leg"]) ** 0.5

    def gait(self, speed):
        """Return strides per second, share of time on the ground and whether the person runs, for a speed in m/s."""
        running = speed > self.transition
        if running:
            rate, stance = 0.026 * speed**2 - 0.111 * speed + 1.398, 0.004 * speed**2 - 0.061 * speed + 0.5
        else:
            rate, stance = 0.905 * (speed / 1.3) ** 0.5, 0.6 - 0.08 * (speed - 1.3)
        return rate * self.traits["pace"], stance + self.traits["stance"], running

    def stride(self, speed, rate, stance, running, size=1.0):
        """Return the signals of a stride, (GRID, 6): m/s^2 and rad/s along the axes forward, left and up.

        A stride begins when the heel lands. speed: in m/s; rate, stance and running: from `gait`; size: a factor of
        angles and heights.
        """
        strike = np.radians(10 if running else 12 + 6 * speed) * self.traits["strike"] * size
        push = np.radians(50 + 6 * speed) * self.traits["push"] * size
        lift = (0.04 * speed if running else 0.02 + 0.01 * speed) * self.traits["lift"] * size
        phase = np.arange(GRID) / GRID
        swing = np.clip((phase - stance) / (1 - stance), 0, 1)  # the part of the swing that is done
        # The angle of the foot, positive with the toes up, at: landing, flat, heel off, toes off, the highest point of
        # the heel, passing the other foot, landing.
        air = 1 - stance
        places = [0, 0.2 * stance, 0.55 * stance, stance, stance + 0.12 * air, stance + 0.6 * air, 1]
        angle = np.interp(phase, places, [strike, 0, 0, -push, -1.1 * push, 0, strike])
        # In the frame of the belt, the foot rests on the ground and moves by a whole stride in the air.
        length = speed / rate
        forward = length * ((1 - np.cos(np.pi * swing)) / 2 - phase)  # without the mean motion, which needs no force
        up = lift * np.sin(np.pi * swing) ** 2 + self.traits["lever"] * np.abs(np.sin(angle))
        angle, forward, up = smooth(angle), smooth(forward), smooth(up)
        force = np.stack([derivative(derivative(forward)), derivative(derivative(up))]) * rate**2
        force[1] += GRAVITY
        shock = self.traits["shock"] * (12 if running else 8) * speed * np.exp(-phase / rate / 0.03)
        force += shock * np.sin(2 * np.pi * 18 * phase / rate) * [[-0.5], [1]]
        # From the frame of the belt to that of the foot.
        sine, cosine = np.sin(angle), np.cos(angle)
        signals = np.zeros((GRID, 6))
        signals[:, 0] = force[0] * cosine + force[1] * sine
        signals[:, 2] = force[1] * cosine - force[0] * sine
        signals[:, 4] = -derivative(angle) * rate  # about the axis to the left, positive with the toes going down
        return signals

    def record(self, speed):
        """Return a sequence (LENGTH, 6) at a speed in m/s, three axes of acceleration and three of angular velocity."""
        rate, stance, running = self.gait(speed)
        rate *= self.random.normal(1, SEQUENCE_VARIATION)
        signals = self.stride(speed, rate, stance, running, self.random.normal(1, SEQUENCE_VARIATION))
        strides = int(LENGTH / RATE * rate * 1.5) + 3
        landings = np.cumsum(self.random.normal(1, STRIDE_VARIATION, strides)) / rate
        times = landings[0] + self.random.uniform(0, 1 / rate) + np.arange(LENGTH) / RATE
        phases = np.interp(times, landings, np.arange(strides)) % 1
        periodic = np.concatenate([signals, signals[:1]])
        sequence = np.stack([np.interp(phases * GRID, np.arange(GRID + 1), axis) for axis in periodic.T], axis=1)
        sequence = (sequence.reshape(-1, 2, 3) @ self.placement.T).reshape(-1, 6) + self.bias
        noise = self.random.normal(0, np.repeat([ACCELERATION_NOISE, TURNING_NOISE], 3), sequence.shape)
        return sequence + self.traits["noise"] * noise

    def recordings(self, count=SEQUENCES):
        """Return sequences (n, LENGTH, 6), `count` for each speed, and their speeds in km/h (n,), in float32."""
        speeds = np.repeat(SPEEDS, count)
        return np.float32([self.record(speed / 3.6) for speed in speeds]), np.float32(speeds)


def smooth(curve):
    """Return a periodic curve (GRID,) smoothed by a Gaussian with a standard deviation of `SMOOTHING` periods."""
    return gaussian_filter1d(curve, SMOOTHING * GRID, mode="wrap")


def derivative(curve):
    """Return the derivative of a periodic curve (GRID,) with respect to the period."""
    return np.fft.irfft(np.fft.rfft(curve) * 2j * np.pi * np.arange(GRID // 2 + 1), GRID)


def write(folder, subjects=SUBJECTS, count=SEQUENCES):
    """Write `Subject 1.npz` and so on to a folder, `count` sequences for each speed, and return the paths.

    They are in the format of `recordings`. A file beside them says that they are synthetic. Raises FileExistsError if
    there is one already, and another OSError if the folder cannot be written.
    """
    os.makedirs(folder, exist_ok=True)
    paths = [os.path.join(folder, f"Subject {number + 1}.npz") for number in range(subjects)]
    for path in paths:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    people = [Subject() for _ in paths]
    with open(os.path.join(folder, LABEL), "w") as file:
        file.write("SYNTHETIC recordings of simulated people, made by studies/treadmill.py.\n")
        for path, person in zip(paths, people):
            file.write(f"{os.path.basename(path)}: runs above {3.6 * person.transition:.1f} km/h\n")
    for path, person in zip(paths, people):
        sequences, speeds = person.recordings(count)
        np.savez(path, sequences=sequences, speeds=speeds)
    return paths


def main(argv=None):
    """Write the recordings and print their paths.

    argv: the arguments, those of the process if it is None. A mistake in them ends the process in one line.
    """
    parser = Parser(__doc__)
    parser.add_argument("folder", metavar="FOLDER", help="where to write them; nothing is overwritten")
    print(*write(parser.parse_args(argv).folder), sep="\n")


if __name__ == "__main__":
    shared.run(main)
