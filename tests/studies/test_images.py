"""The data of the studies: the bundle's digits, and Keras's data sets where the user keeps them."""

import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from studies import datasets
from support.data_file import fold_of

import keras
import numpy as np
import pytest
from conftest import KERAS_HOME, ROOT
from programs import OFFLINE, run_python, run_study

FASHION = os.path.join("datasets", "fashion-mnist")


@pytest.fixture
def home():
    """Return a home of Keras with a Fashion-MNIST of 20 and 10 images only. Each image has its own grey.

    It is not in pytest's own folder: each pytest that starts on this machine closes that to other users.
    """
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        (home / FASHION).mkdir(parents=True)
        for name, count in {"train": 20, "t10k": 10}.items():
            for kind, header, data in (("images-idx3", 16, np.repeat(np.arange(count) * 10, 784)),
                                       ("labels-idx1", 8, np.arange(count))):
                (home / FASHION / f"{name}-{kind}-ubyte.gz").write_bytes(
                    gzip.compress(bytes(header) + data.astype(np.uint8).tobytes()))
        yield home
        home.chmod(0o755)


READ = """
from studies import datasets
for validation in False, True:
    for images, labels in datasets.load_images("fashion_mnist", validation):
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
    elif not writable:
        home.chmod(0o555)
    ran = subprocess.run(command, cwd=ROOT, text=True, capture_output=True,
                         env=os.environ | {"KERAS_HOME": str(home), "TMPDIR": str(temporary)} | OFFLINE)
    if not writable and "Permission denied" in ran.stderr and sys.prefix.startswith("/root"):
        pytest.skip("an ordinary user cannot read this Python")
    assert (ran.returncode, ran.stderr) == (0, "")
    numbers = [list(range(20)), list(range(10)), [n for n in range(20) if n % 6], list(range(0, 20, 6))]
    assert ran.stdout.splitlines() == [f"({len(labels)}, 28, 28, 1) float32 {labels} {[10 * n for n in labels]}"
                                       for labels in numbers]
    assert not any(temporary.iterdir()) and {path.name for path in home.iterdir()} == {"datasets", "tmp"}


REAL = """
from studies import datasets
import numpy as np
for images, labels in datasets.load_images("fashion_mnist"):
    print(images.shape, images.min(), images.max(), np.bincount(labels).tolist(), round(float(images.mean()), 2))
"""


def test_fashion_mnist_itself_is_read():
    if not os.path.exists(os.path.join(KERAS_HOME, FASHION)) and "CI" not in os.environ:
        pytest.skip("needs Fashion-MNIST: set KERAS_HOME as studies/README.md says")
    ran = run_python("-c", REAL)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [f"(60000, 28, 28, 1) 0.0 1.0 {[6000] * 10} 0.29",
                                       f"(10000, 28, 28, 1) 0.0 1.0 {[1000] * 10} 0.29"]


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """Let this process read the data sets in an empty folder, which is returned."""
    monkeypatch.setattr(datasets, "FOLDER", str(tmp_path / "user" / "datasets"))
    monkeypatch.setattr(datasets, "LINKS", str(tmp_path / "links"))
    return tmp_path / "user" / "datasets"


def test_a_download_is_kept(offered, home, monkeypatch):
    """Keras downloads into the temporary home; a data set is moved to the user's folder when it is complete."""
    def download():
        shutil.copytree(home / FASHION, os.path.join(datasets.LINKS, "fashion-mnist"))
        return "the data"

    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", download)
    assert datasets.load_data("fashion_mnist") == "the data"
    kept = {path.name: path.read_bytes() for path in (offered / "fashion-mnist").iterdir()}
    assert kept == {path.name: path.read_bytes() for path in (home / FASHION).iterdir()} and len(kept) == 4
    assert not os.listdir(os.path.join(datasets.LINKS, "fashion-mnist"))


def test_files_that_there_are_are_linked(offered, monkeypatch):
    """Also if a data set is loaded twice; what is a link is not moved."""
    (offered / "set").mkdir(parents=True)
    (offered / "set" / "file").write_text("the user's")
    monkeypatch.setattr(keras.datasets.mnist, "load_data",
                        lambda: Path(datasets.LINKS, "set", "file").read_text())
    assert [datasets.load_data("mnist") for _ in range(2)] == ["the user's"] * 2
    assert Path(datasets.LINKS, "set", "file").is_symlink() and not (offered / "set" / "file").is_symlink()


def test_a_trial_has_few_images(monkeypatch):
    arrays = [(np.zeros((count, 28, 28), np.uint8), np.zeros(count, np.uint8)) for count in (3000, 1000)]
    monkeypatch.setattr(datasets, "load_data", {"mnist": arrays}.get)
    for validation in (False, True):
        assert [len(images) for images, _ in datasets.load_images("mnist", validation, quick=True)] == [500, 100]


def test_without_fashion(tmp_path):
    """A missing data set is one line with both ways out, and leaves nothing behind."""
    ran = run_study("denoising", "--quick", env={"KERAS_HOME": str(tmp_path / "home")} | OFFLINE)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"denoising.py: error: {tmp_path / 'home' / 'datasets'}: fashion_mnist is not there")
    assert all(part in ran.stderr for part in ("cannot be downloaded (", "where there is a network",
                                               "dataset-fashion-mnist", "KERAS_HOME=/usr/share"))
    assert not any(tmp_path.iterdir())


def test_without_mnist(offered, monkeypatch, capsys):
    def download():
        raise Exception("URL fetch failure on https://example.org/mnist.npz: None -- [Errno 111] Connection refused")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", download)
    with pytest.raises(SystemExit, match="2"):
        datasets.load_images("mnist")
    error = capsys.readouterr().err
    assert error.endswith(f"error: {offered}: mnist is not there and cannot be downloaded ([Errno 111] Connection "
                          "refused): run this once where there is a network\n")


def test_a_damaged_fashion(home):
    path = home / FASHION / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    ran = run_study("fashion_autoencoder", "--quick", env={"KERAS_HOME": str(home)} | OFFLINE)
    assert (ran.returncode, ran.stdout) == (2, "") and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"fashion_autoencoder.py: error: {home / 'datasets'}: the files of fashion_mnist ")


def test_digits_are_those_of_the_bundle(lines):
    training, test = datasets.load_digits()
    assert training.images.shape == test.images.shape == (1000, 28, 28, 1)
    for digits, part in ((training, lines[:1000]), (test, lines[1000:])):
        assert digits.labels.tolist() == [int(line.split(b"\t")[0]) for line in part]


def test_digits_for_validation_are_training_digits():
    training, _ = datasets.load_digits()
    first, held_out = datasets.load_digits(validation=True)
    assert np.array_equal(held_out.images, training.images[fold_of(training.labels) == 1]) and len(first.labels) == 800
