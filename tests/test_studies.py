"""The studies as programs, each cut short, from the shell; and what they find, where it is known."""

import argparse
import gzip
import os
import re
import subprocess
import sys

import common
from studies import bottleneck, denoising, fashion_autoencoder, shared
from studies.network import Layer, Network

import keras
import numpy as np
import pytest
from conftest import ROOT

FIGURES = {"bottleneck": {"reconstructions", "map", "places"}, "bptt": {"guesses"}, "fashion_autoencoder": {"fashion"},
           "denoising": {"denoising_0.1", "denoising_0.2", "denoising_0.3"}, "walking_speed": {"speed"},
           "variational": {"reconstructions", "samples", "manifold", "codes", "walk"},
           "transfer": {"reconstructions", "spaces", "variance", "classifier", "few"}}
RUNS = {name: ["--runs", "1"] for name in ("fashion_autoencoder", "denoising", "walking_speed", "transfer")}
FASHION = os.path.join("datasets", "fashion-mnist")
OFFLINE = {"https_proxy": "http://127.0.0.1:9"}  # nothing can be downloaded from there


def run_study(name, *arguments, timeout=120, env=()):
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"KERAS_HOME": common.KERAS_HOME} | dict(env)
    return subprocess.run([sys.executable, "-m", f"studies.{name}", *map(str, arguments)], cwd=ROOT, text=True,
                          capture_output=True, timeout=timeout, env=environment)


@pytest.mark.parametrize("name", FIGURES)
def test_a_trial(name, tmp_path):
    if name in ("fashion_autoencoder", "denoising") and not (
            os.path.exists(os.path.join(common.KERAS_HOME, FASHION)) or "CI" in os.environ):
        pytest.skip("needs Fashion-MNIST: set KERAS_HOME as studies/README.md says")
    ran = run_study(name, "--quick", *RUNS.get(name, []), "--figures", tmp_path / "figures")
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
    ("fashion_autoencoder", ["--runs", "0"], None, "argument --runs: not a whole number from 1 to 999: 0"),
    ("transfer", ["--data", "letters"], None, "argument --data: invalid choice: 'letters'"),
    ("walking_speed", ["--folder", "FILE"], None, "FILE/Subject 1.pickle: No such file or directory"),
    ("walking_speed", ["--folder", ""], None, "Subject 1.pickle: No such file or directory"),
    ("walking_speed", ["--subjects", "a", "b", "c"], None, "--subjects names files in --folder, which is missing"),
    ("walking_speed", ["--folder", ".", "--subjects", "FILE", "b", "c"], lambda path: path.write_text("hello"),
     "FILE: not recordings ("),
    ("treadmill", ["FILE"], lambda path: path.write_text(""), "FILE: File exists"),
    ("treadmill", ["FILE"], lambda path: (path.mkdir(), (path / "Subject 1.pickle").write_text("")),
     "FILE/Subject 1.pickle: File exists"),
    ("treadmill", [], None, "the following arguments are required: FOLDER"),
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


@pytest.fixture
def home(tmp_path):
    """Return a home of Keras with Fashion-MNIST, but of 20 and 10 images only; each image has one grey of its own."""
    (tmp_path / FASHION).mkdir(parents=True)
    for name, count in {"train": 20, "t10k": 10}.items():
        for kind, header, data in (("images-idx3", 16, np.repeat(np.arange(count) * 10, 784)),
                                   ("labels-idx1", 8, np.arange(count))):
            (tmp_path / FASHION / f"{name}-{kind}-ubyte.gz").write_bytes(
                gzip.compress(bytes(header) + data.astype(np.uint8).tobytes()))
    return tmp_path


def test_fashion_is_read_where_keras_keeps_it(home, monkeypatch):
    monkeypatch.setattr(common, "KERAS_HOME", str(home))
    options = argparse.Namespace(validation=False, quick=False)
    (images, labels), (test_images, _) = shared.images_of("fashion_mnist", options)
    assert (images.shape, test_images.shape, images.dtype) == ((20, 28, 28, 1), (10, 28, 28, 1), np.float32)
    assert images[:, 5, 5, 0] == pytest.approx(np.arange(20) * 10 / 255) and labels.tolist() == list(range(20))
    with monkeypatch.context() as patch:
        patch.setattr(shared, "HELD_BACK", 5)
        held_back = shared.images_of("fashion_mnist", argparse.Namespace(validation=True, quick=False))
    assert np.array_equal(held_back[0].images, images[:15]) and np.array_equal(held_back[1].images, images[15:])


def test_fashion_is_downloaded_once(home, tmp_path_factory, monkeypatch):
    asked = []

    def get_file(fname, origin, cache_dir, file_hash):
        asked.append(fname)
        path = os.path.join(cache_dir, "part")
        with open(path, "wb") as file:
            file.write((home / FASHION / fname).read_bytes())
        return path

    new = tmp_path_factory.mktemp("new")
    monkeypatch.setattr(keras.utils, "get_file", get_file)
    monkeypatch.setattr(common, "KERAS_HOME", str(new / "home"))
    first, second = (shared.load_data("fashion_mnist") for _ in range(2))
    assert np.array_equal(first[0][0], second[0][0]) and first[0][0].shape == (20, 28, 28)
    assert len(asked) == 4 and sorted(asked) == sorted(path.name for path in (new / "home" / FASHION).iterdir())


def test_without_fashion(tmp_path):
    """A missing data set is one line with both ways out, and leaves nothing behind; a damaged one is told."""
    ran = run_study("denoising", "--quick", env={"KERAS_HOME": str(tmp_path / "home")} | OFFLINE)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"denoising.py: error: {tmp_path / 'home' / FASHION}")
    assert all(part in ran.stderr for part in ("cannot be downloaded (", "where there is a network",
                                               "dataset-fashion-mnist", "KERAS_HOME=/usr/share"))
    assert not any(tmp_path.iterdir())
    ran = run_study("transfer", "--quick", "--data", "mnist", env={"KERAS_HOME": str(tmp_path / "home")} | OFFLINE)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1
    assert ran.stderr.endswith("run this once where there is a network\n")


def test_a_damaged_fashion(home):
    path = home / FASHION / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    ran = run_study("fashion_autoencoder", "--quick", env={"KERAS_HOME": str(home)} | OFFLINE)
    assert (ran.returncode, ran.stdout) == (2, "") and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"fashion_autoencoder.py: error: {home / 'datasets'}: the files of fashion_mnist ")


def test_fashion_autoencoders():
    model = fashion_autoencoder.build_autoencoder(32, [256])
    assert model.count_params() == 785 * 256 + 257 * 32 + 33 * 256 + 257 * 784
    random = np.random.default_rng()
    images = np.float32(random.random((200, 3)) @ random.random((3, 784)) / 3)
    assert np.all(keras.Model(model.inputs, model.get_layer("code").output)(images) >= 0)
    before = fashion_autoencoder.squared_error(images, model.predict(images, verbose=0))
    fashion_autoencoder.train(model, images, images, 20)
    assert fashion_autoencoder.squared_error(images, model.predict(images, verbose=0)) < before / 2
    assert fashion_autoencoder.squared_error(np.ones((2, 4)), np.full((2, 4), 0.5)) == 0.25


def test_noise_is_added_in_training_only():
    model = denoising.build_denoiser(32, 0.5)
    images = np.full((50, 784), 0.5, np.float32)
    assert np.array_equal(model(images), model(images))
    assert not np.allclose(model(images, training=True)[0], model(images, training=True)[1])
    noisy = denoising.corrupt(images, 0.3)
    assert noisy.dtype == np.float32
    assert np.std(noisy - images) == pytest.approx(0.3, rel=0.03)
    assert (noisy - images).mean() == pytest.approx(0, abs=0.01)


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
    linear = shared.PrincipalComponents(pixels, 3)
    assert linear.decode(linear.encode(pixels)) == pytest.approx(pixels)
    labels = np.arange(40) % 10
    assert bottleneck.results(linear.encode, linear.decode, (pixels, labels), (pixels, labels)) == [0, 0, 100]
    assert bottleneck.wrong(np.array([0, 1, 1, 0]), np.array([0.2, 0.7, 0.4, 0.1])) == 25


def test_digits_are_those_of_the_bundle():
    training, test = shared.digits()
    assert training.images.shape == test.images.shape == (1000, 28, 28, 1)
    assert np.bincount(training.labels).tolist() == np.bincount(test.labels).tolist() == [100] * 10


def test_digits_for_validation_are_training_digits():
    training, _ = shared.digits()
    first, held_back = shared.digits(validation=True)
    assert np.array_equal(np.concatenate([first.images, held_back.images]), training.images)
    assert len(held_back.labels) == 200


def test_mean_and_spread():
    assert shared.mean_and_spread([1.0, 2.0, 3.0], 2) == "2.00 ± 1.00"
    assert shared.mean_and_spread([0.125], 3) == "0.125"


def test_tables(capsys):
    shared.print_table(["what", "share", "why"], [["a", "1.5", "because"], ["longer", "-20.0", "so"]])
    assert capsys.readouterr().out == ("what     share   why\n"
                                       "a          1.5   because\n"
                                       "longer   -20.0   so\n")
