"""The bottleneck of three neurons: the points that are worth decoding, and what is measured, where it is known."""

from studies import bottleneck

import numpy as np


def test_points_worth_decoding():
    """They are found in a map with one long class, two classes that are neighbours and two that overlap."""
    random = np.random.default_rng()

    def cloud(centre, size=(0.5, 0.5, 0.5)):
        return random.normal(centre, size, (100, 3))

    clouds = {0: cloud((0, 0, 0), (8, 0.5, 0.5)), 1: cloud((0, 50, 0)), 2: cloud((0, 53.5, 0)), 3: cloud((0, 0, 50))}
    clouds |= {4: clouds[3] + random.normal(0, 0.05, (100, 3))}
    clouds |= {digit: cloud((100, 30 * digit, 0)) for digit in range(5, 10)}
    codes, labels = np.concatenate(list(clouds.values())), np.repeat(list(clouds), 100)
    points = bottleneck.explore(codes, labels)
    where = {name: point for name, (point, _) in points.items()}
    assert list(where) == list("ABCDE")
    assert points["A"][1] == "within 0" and points["B"][1] == "within 0, far from A"
    assert abs(where["A"][0] - where["B"][0]) > 20
    assert {points["C"][1], points["D"][1].split(",")[0]} == {"within 1", "within 2"}
    assert np.linalg.norm(where["C"] - where["D"]) < 3
    assert points["E"][1] == "where 3 and 4 overlap" and np.linalg.norm(where["E"] - (0, 0, 50)) < 2


def test_results_of_a_bottleneck():
    """The nearest neighbour of a training digit is itself; what is reconstructed exactly has no error."""
    random = np.random.default_rng()
    pixels, labels = random.integers(0, 2, (40, 784)), np.arange(40) % 10
    same = pixels, labels
    assert bottleneck.results(lambda x: x, lambda code: code, same, same) == [0, 0, 100]
    assert bottleneck.reconstruction_error(np.array([0, 1, 1, 0]), np.array([0.2, 0.7, 0.4, 0.1])) == 25


class Shifted:
    """A network that adds to each digit what its last pixel says."""

    def forward(self, pixels):
        return pixels + pixels[:, -1:]


def test_typical_digits():
    pixels, labels = np.zeros((30, 784)), np.arange(30) % 10
    pixels[:, -1] = [0.1] * 10 + [0.3] * 10 + [0.2] * 10
    assert bottleneck.typical_digits(Shifted(), pixels, labels) == list(range(20, 30))


def test_an_image_as_text():
    image = np.zeros((28, 28))
    image[3, 4:6] = image[27, 27] = 0.6
    image[4, 4] = 0.4
    lines = bottleneck.as_text(image.ravel()).split("\n")
    assert len(lines) == 28 and lines[3] == " " * 8 + "####" and lines[27] == " " * 54 + "##"
    assert not any(lines[:3] + lines[4:27])
