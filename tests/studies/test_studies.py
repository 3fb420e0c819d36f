"""The studies as programs, each cut short, and their results where they are known."""

import gzip
import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import common
from studies import bottleneck, datasets, denoising, fashion_autoencoder, shared
from studies.network import Layer, Network

import keras
import numpy as np
import pytest
from conftest import KERAS_HOME, ROOT

FIGURES = {"bottleneck": {"reconstructions", "map", "points"}, "bptt": {"loss", "accuracy"},
           "fashion_autoencoder": {"fashion"}, "denoising": {"denoising_0.1", "denoising_0.2", "denoising_0.3"},
           "walking_speed": {"speed"},
           "variational": {"reconstructions", "samples", "manifold", "codes", "interpolation", "attributes"},
           "transfer": {"reconstructions", "spaces", "variance", "classifier"}, "few_labels": {"few"}}
RUNS = {name: ["--runs", "1"] for name in ("fashion_autoencoder", "denoising", "walking_speed", "transfer")}
FASHION = os.path.join("datasets", "fashion-mnist")
OFFLINE = {"https_proxy": "http://127.0.0.1:9"}  # nothing can be downloaded from there


def run_study(name, *arguments, timeout=300, env=()):
    """Run a study as a person would, without a screen, and return the finished process."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment |= {"KERAS_HOME": KERAS_HOME} | dict(env)
    return subprocess.run([sys.executable, "-m", f"studies.{name}", *map(str, arguments)], cwd=ROOT, text=True,
                          capture_output=True, timeout=timeout, env=environment)


@pytest.fixture
def call(monkeypatch, capsys):
    """Return a function that runs a study in this process: exit status, standard output and standard error."""
    monkeypatch.setattr("support.startup.BACKEND", "agg")

    def call_study(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py"])
        study, status = importlib.import_module(f"studies.{name}"), 0
        try:
            common.run(lambda: study.main([str(argument) for argument in arguments]))
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return call_study


@pytest.mark.parametrize("name", FIGURES)
def test_a_trial(name, call, tmp_path):
    arguments = ["--quick", *RUNS.get(name, []), "--figures", tmp_path / "figures"]
    if name not in ("fashion_autoencoder", "denoising"):
        status, _, errors = call(name, *arguments)
    elif os.path.exists(os.path.join(KERAS_HOME, FASHION)) or "CI" in os.environ:
        ran = run_study(name, *arguments)  # Keras chooses its home when it is imported
        status, errors = ran.returncode, ran.stderr
    else:
        pytest.skip("needs Fashion-MNIST: set KERAS_HOME as studies/README.md says")
    assert (status, errors) == (0, "")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {f"{figure}.png" for figure in FIGURES[name]}
    assert all(path.stat().st_size > 5000 for path in (tmp_path / "figures").iterdir())


def test_a_saved_network_is_explored(call, tmp_path):
    ran = run_study("bottleneck", "--quick", "--save", tmp_path / "network.npz")
    assert (ran.returncode, ran.stderr) == (0, "")
    status, output, errors = call("bottleneck", "--load", tmp_path / "network.npz", "--at", "0.5", "-1", "0")
    assert (status, errors) == (0, "")
    trained, loaded = (text.split("\n\n")[0].splitlines()[-1].split("|")[2:] for text in (ran.stdout, output))
    assert trained == loaded and len(trained) == 4  # the row of the network in the table of results
    assert re.search(r"^\| F +\| +0\.50 \| +-1\.00 \| +0\.00 \| +your choice \|$", output, re.MULTILINE)
    assert output.count("\n") == ran.stdout.count("\n") + 1 + 28  # the point is drawn as text


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
    ("bottleneck", ["--at", "1", "nan", "2"], None, "argument --at: not a coordinate: nan"),
    ("bptt", ["--corpus", "FILE"], None, "FILE: No such file or directory"),
    ("bptt", ["--corpus", "FILE"], lambda path: path.write_text("too few"), "FILE: too short: 7 letters"),
    ("bptt", ["--corpus", "FILE"], lambda path: path.write_text(""), "FILE: too short: 0 letters"),
    ("fashion_autoencoder", ["--runs", "0"], None, "argument --runs: not a whole number above 0: 0"),
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
def test_mistakes(name, arguments, make, message, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "file"
    if make:
        make(path)
    status, output, errors = call(name, *(path if argument == "FILE" else argument for argument in arguments))
    assert (status, output) == (2, "")
    assert errors.startswith(f"{name}.py: error: {message.replace('FILE', str(path))}")
    assert errors.count("\n") == 1


@pytest.fixture
def home(tmp_path):
    """Return a home of Keras with a Fashion-MNIST of 20 and 10 images only. Each image has its own grey."""
    (tmp_path / FASHION).mkdir(parents=True)
    for name, count in {"train": 20, "t10k": 10}.items():
        for kind, header, data in (("images-idx3", 16, np.repeat(np.arange(count) * 10, 784)),
                                   ("labels-idx1", 8, np.arange(count))):
            (tmp_path / FASHION / f"{name}-{kind}-ubyte.gz").write_bytes(
                gzip.compress(bytes(header) + data.astype(np.uint8).tobytes()))
    return tmp_path


READ = """
from studies import datasets, shared
import argparse
for validation in False, True:
    data = shared.images_of("fashion_mnist", argparse.Namespace(validation=validation, quick=False))
    for images, labels in data:
        greys = [round(255 * value) for value in images[:, 5, 5, 0].tolist()]
        print(images.shape, images.dtype, labels.tolist(), greys)
"""


@pytest.mark.parametrize("writable", [True, False])
def test_fashion_is_read_where_the_user_keeps_it(home, writable):
    """Also from a folder that cannot be written, such as Debian's. Nothing is left there or elsewhere."""
    temporary = home / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-c", READ]
    if not writable and os.geteuid() == 0:  # root can write everywhere, so an ordinary user has to try
        if not shutil.which("setpriv"):
            pytest.skip("needs setpriv")
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        temporary.chmod(0o777)
        for folder in (home, *home.parents):
            if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o1 and folder != Path("/root"):
                folder.chmod(folder.stat().st_mode | 0o5)
    elif not writable:
        home.chmod(0o555)
    ran = subprocess.run(command, cwd=ROOT, text=True, capture_output=True,
                         env=os.environ | {"KERAS_HOME": str(home), "TMPDIR": str(temporary)} | OFFLINE)
    if not writable and "Permission denied" in ran.stderr and sys.prefix.startswith("/root"):
        pytest.skip("an ordinary user cannot read this Python")
    assert (ran.returncode, ran.stderr) == (0, "")
    numbers = [list(range(20)), list(range(10)), [n for n in range(20) if n % 6], list(range(0, 20, 6))]
    assert ran.stdout.splitlines() == [f"({len(some)}, 28, 28, 1) float32 {some} {[10 * n for n in some]}"
                                       for some in numbers]
    assert not any(temporary.iterdir()) and {path.name for path in home.iterdir()} == {"datasets", "tmp"}


def test_a_download_is_kept(home, tmp_path_factory, monkeypatch):
    """Keras downloads into the temporary home; a data set is moved to the user's folder when it is complete."""
    new = tmp_path_factory.mktemp("new")
    monkeypatch.setattr(datasets, "FOLDER", str(new / "home" / "datasets"))
    monkeypatch.setattr(datasets, "_links", str(new / "links"))
    (new / "links").mkdir()

    def download():
        shutil.copytree(home / FASHION, new / "links" / "fashion-mnist")
        return "the data"

    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", download)
    assert datasets.load_data("fashion_mnist") == "the data"
    assert sorted(os.listdir(new / "home" / FASHION)) == sorted(os.listdir(home / FASHION))
    assert not os.listdir(new / "links" / "fashion-mnist")


def test_without_fashion(tmp_path):
    """A missing data set is one line with both ways out, and leaves nothing behind."""
    ran = run_study("denoising", "--quick", env={"KERAS_HOME": str(tmp_path / "home")} | OFFLINE)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"denoising.py: error: {tmp_path / 'home' / 'datasets'}: fashion_mnist is not there")
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


def test_bytes_that_are_not_text(call, tmp_path):
    """They separate words."""
    (tmp_path / "text").write_bytes(b"\xff\xfe" + b"A line of a book. " * 200)
    status, _, errors = call("bptt", "--quick", "--corpus", tmp_path / "text")
    assert (status, errors) == (0, "")


def test_the_benchmark_of_back_propagation_through_time(call):
    status, output, errors = call("bptt", "--benchmark", "--quick")
    assert (status, errors) == (0, "")
    ours, *theirs = (float(line.split("|")[2]) for line in output.splitlines()[2:])
    assert ours > 0 and len(theirs) == 2 and min(theirs) > 0


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
    assert bottleneck.pixel_error(np.array([0, 1, 1, 0]), np.array([0.2, 0.7, 0.4, 0.1])) == 25


def test_digits_are_those_of_the_bundle():
    training, test = shared.digits()
    assert training.images.shape == test.images.shape == (1000, 28, 28, 1)
    assert np.bincount(training.labels).tolist() == np.bincount(test.labels).tolist() == [100] * 10


def test_digits_for_validation_are_training_digits():
    training, _ = shared.digits()
    first, held_out = shared.digits(validation=True)
    assert np.array_equal(held_out.images, training.images[::5]) and len(first.labels) == 800


def test_mean_and_spread():
    assert shared.mean_and_spread([1.0, 2.0, 3.0], 2) == "2.00 ± 1.00"
    assert shared.mean_and_spread([0.125], 3) == "0.125"


def test_tables(capsys):
    shared.print_table(["what", "share"], [["a", "1.50"], ["longer", "-20.0"]])
    assert capsys.readouterr().out == ("| what   |   share |\n"
                                       "|:-------|--------:|\n"
                                       "| a      |    1.50 |\n"
                                       "| longer |   -20.0 |\n")


def test_a_study_names_packages_that_are_missing(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['tqdm'] = None\n")
    ran = run_study("bottleneck", "--quick", env={"PYTHONPATH": str(tmp_path)})
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert "(tqdm): pip install -r studies/requirements.txt" in ran.stderr
