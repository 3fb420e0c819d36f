"""The studies as programs, each cut short, from the shell; and what they find, where it is known."""

import os
import re
import subprocess
import sys

from studies import bottleneck, shared
from studies.network import Layer, Network

import numpy as np
import pytest
from conftest import ROOT

FIGURES = {"bottleneck": {"reconstructions", "map", "places"}, "bptt": {"guesses"}}


def run_study(name, *arguments, timeout=120):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run([sys.executable, "-m", f"studies.{name}", *map(str, arguments)], cwd=ROOT, text=True,
                          capture_output=True, timeout=timeout, env=environment)


@pytest.mark.parametrize("name", FIGURES)
def test_a_trial(name, tmp_path):
    ran = run_study(name, "--quick", "--figures", tmp_path / "figures")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {f"{figure}.png" for figure in FIGURES[name]}
    assert all(path.stat().st_size > 5000 for path in (tmp_path / "figures").iterdir())


def test_a_saved_network_is_explored(tmp_path):
    first = run_study("bottleneck", "--quick", "--save", tmp_path / "network.npz")
    again = run_study("bottleneck", "--load", tmp_path / "network.npz", "--at", "0.5", "-1", "0")
    assert (first.returncode, first.stderr, again.returncode, again.stderr) == (0, "", 0, "")
    assert first.stdout.split("\n\n")[0] == again.stdout.split("\n\n")[0]  # the table of results
    assert re.search(r"^F +0\.50 +-1\.00 +0\.00 +your choice$", again.stdout, re.MULTILINE)
    assert again.stdout.count("\n") == first.stdout.count("\n") + 1 + 28  # the place is drawn as text


def wrong_sizes(path):
    Network([Layer(5, 3), Layer(3, 5)]).save(path)


@pytest.mark.parametrize("name, arguments, make, message", [
    ("bottleneck", ["--load", "FILE"], None, "FILE: No such file or directory"),
    ("bottleneck", ["--load", ""], None, "No such file or directory"),
    ("bottleneck", ["--load", "FILE"], lambda path: path.write_text("hello"), "FILE: not a saved network ("),
    ("bottleneck", ["--load", "FILE"], wrong_sizes, "FILE: not such an autoencoder: 5-3-5"),
    ("bottleneck", ["--save", "/no/such/folder/network"], None, "/no/such/folder/network: cannot be written"),
    ("bottleneck", ["--save", "FILE"], lambda path: path.mkdir(), "FILE: cannot be written"),
    ("bottleneck", ["--save", ""], None, ": cannot be written"),
    ("bottleneck", ["--at", "1", "2"], None, "argument --at: expected 3 arguments"),
    ("bottleneck", ["--at", "1", "nan", "2"], None, "argument --at: no place: nan"),
    ("bptt", ["--corpus", "FILE"], None, "FILE: No such file or directory"),
    ("bptt", ["--corpus", "FILE"], lambda path: path.write_text("too few"), "FILE: too short: 7 letters"),
    ("bptt", ["--corpus", "FILE"], lambda path: path.write_text(""), "FILE: too short: 0 letters"),
    ("bptt", ["--figures", "FILE"], lambda path: path.write_text(""), "FILE: File exists"),
])
def test_mistakes(name, arguments, make, message, tmp_path):
    path = tmp_path / "file"
    if make:
        make(path)
    ran = run_study(name, *(str(path) if argument == "FILE" else argument for argument in arguments))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"{name}.py: error: {message.replace('FILE', str(path))}")
    assert ran.stderr.count("\n") == 1


def test_bytes_that_are_no_text(tmp_path):
    """They are taken for what stands between letters."""
    (tmp_path / "text").write_bytes(b"\xff\xfe" + b"A line of a book. " * 200)
    ran = run_study("bptt", "--quick", "--corpus", tmp_path / "text")
    assert (ran.returncode, ran.stderr) == (0, "")


def test_back_propagation_through_time_is_not_slow():
    """At most three times as slow as the fastest way in TensorFlow: the median of five rounds in turn."""
    ran = run_study("bptt", "--race")
    assert (ran.returncode, ran.stderr) == (0, "")
    ours, *theirs = (float(line.split()[-2]) for line in ran.stdout.splitlines()[1:])
    assert len(theirs) == 2 and 0 < ours < 3 * min(theirs)


def test_places_worth_decoding():
    """In a map with one long class, two that are neighbours and two that overlap, the places are found."""
    random = np.random.default_rng()

    def cloud(centre, size=(0.5, 0.5, 0.5)):
        return random.normal(centre, size, (100, 3))

    clouds = {0: cloud((0, 0, 0), (8, 0.5, 0.5)), 1: cloud((0, 50, 0)), 2: cloud((0, 53.5, 0)), 3: cloud((0, 0, 50))}
    clouds |= {4: clouds[3] + random.normal(0, 0.05, (100, 3))}
    clouds |= {digit: cloud((100, 30 * digit, 0)) for digit in range(5, 10)}
    codes, labels = np.concatenate(list(clouds.values())), np.repeat(list(clouds), 100)
    places = bottleneck.explore(codes, labels)
    where = {name: place for name, (place, _) in places.items()}
    assert list(where) == list("ABCDE")
    assert places["A"][1] == "within 0" and places["B"][1] == "within 0, far from A"
    assert abs(where["A"][0] - where["B"][0]) > 20
    assert {places["C"][1], places["D"][1].split(",")[0]} == {"within 1", "within 2"}
    assert np.linalg.norm(where["C"] - where["D"]) < 3
    assert places["E"][1] == "where 3 and 4 overlap" and np.linalg.norm(where["E"] - (0, 0, 50)) < 2


def test_principal_components():
    """Three of them reproduce what has three dimensions; a nearest neighbour reads what it has seen."""
    random = np.random.default_rng()
    pixels = random.normal(size=(40, 3)) @ random.normal(size=(3, 784)) + random.normal(size=784)
    linear = bottleneck.PrincipalComponents(pixels)
    assert linear.decode(linear.encode(pixels)) == pytest.approx(pixels)
    labels = np.arange(40) % 10
    assert bottleneck.results(linear.encode, linear.decode, (pixels, labels), (pixels, labels)) == [0, 0, 100]
    assert bottleneck.wrong(np.array([0, 1, 1, 0]), np.array([0.2, 0.7, 0.4, 0.1])) == 25


def test_digits_are_those_of_the_bundle():
    training, test = shared.digits()
    assert training.images.shape == test.images.shape == (1000, 28, 28, 1)
    assert np.bincount(training.labels).tolist() == np.bincount(test.labels).tolist() == [100] * 10


def test_tables(capsys):
    shared.print_table(["what", "share", "why"], [["a", "1.5", "because"], ["longer", "-20.0", "so"]])
    assert capsys.readouterr().out == ("what     share   why\n"
                                       "a          1.5   because\n"
                                       "longer   -20.0   so\n")
