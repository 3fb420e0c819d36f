"""The data of the studies: the bundle's digits, and Keras's data sets where the user's Keras keeps them."""

import gzip
import os

from studies import datasets
from support.data_file import fold_of

import numpy as np
import pytest
from conftest import KERAS_HOME

FASHION = os.path.join("datasets", "fashion-mnist")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Let this process read the data sets in an empty folder, which is returned."""
    monkeypatch.setattr(datasets, "FOLDER", str(tmp_path))
    return tmp_path


@pytest.fixture
def fashion(folder):
    """Return the folder of a Fashion-MNIST of 20 and 10 images only. Each image has its own grey."""
    (folder / "fashion-mnist").mkdir()
    for name, count in {"train": 20, "t10k": 10}.items():
        for kind, header, data in (("images-idx3", 16, np.repeat(np.arange(count) * 10, 784)),
                                   ("labels-idx1", 8, np.arange(count))):
            (folder / "fashion-mnist" / f"{name}-{kind}-ubyte.gz").write_bytes(
                gzip.compress(bytes(header) + data.astype(np.uint8).tobytes()))
    return folder / "fashion-mnist"


@pytest.mark.parametrize("validation", [False, True])
def test_fashion(fashion, validation):
    expected = ([[n for n in range(20) if n % 6], range(0, 20, 6)] if validation else [range(20), range(10)])
    for (images, labels), numbers in zip(datasets.load_images("fashion_mnist", validation), expected):
        assert images.shape == (len(numbers), 28, 28, 1) and images.dtype == np.float32
        assert labels.tolist() == list(numbers) and np.allclose(images[:, 5, 5, 0], np.array(numbers) * 10 / 255)


def test_fashion_mnist_itself():
    if not os.path.exists(os.path.join(KERAS_HOME, FASHION)) and "CI" not in os.environ:
        pytest.skip("needs Fashion-MNIST: set KERAS_HOME as studies/README.md says")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "FOLDER", os.path.join(KERAS_HOME, "datasets"))
        for (images, labels), count in zip(datasets.load_data("fashion_mnist"), (6000, 1000)):
            assert images.shape == (10 * count, 28, 28) and np.bincount(labels).tolist() == [count] * 10
            assert 72 < images[:1000].mean() < 76


def test_mnist(folder):
    arrays = {f"{axis}_{part}": np.arange(count * size, dtype=np.uint8).reshape(shape)
              for part, count in (("train", 3), ("test", 2))
              for axis, size, shape in (("x", 784, (-1, 28, 28)), ("y", 1, -1))}
    np.savez(folder / "mnist.npz", **arrays)
    for pair, part in zip(datasets.load_data("mnist"), ("train", "test")):
        assert all(np.array_equal(array, arrays[f"{axis}_{part}"]) for array, axis in zip(pair, "xy"))


def test_a_trial_has_few_images(monkeypatch):
    arrays = [(np.zeros((count, 28, 28), np.uint8), np.zeros(count, np.uint8)) for count in (3000, 1000)]
    monkeypatch.setattr(datasets, "load_data", {"mnist": arrays}.get)
    for validation in (False, True):
        assert [len(images) for images, _ in datasets.load_images("mnist", validation, quick=True)] == [500, 100]


@pytest.mark.parametrize("name, file", [("fashion_mnist", os.path.join("fashion-mnist", "train-images-idx3-ubyte.gz")),
                                        ("mnist", "mnist.npz")])
def test_missing_data_sets(name, file, folder, capsys):
    with pytest.raises(SystemExit, match="2"):
        datasets.load_images(name)
    error = capsys.readouterr().err
    assert f"error: {folder / file} is missing: download it by python -c " in error and error.count("\n") == 1
    assert (name == "mnist") != ("KERAS_HOME=/usr/share" in error)


def test_damaged_data_sets(fashion, folder, capsys):
    path = fashion / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    (folder / "mnist.npz").write_bytes(b"hello")
    for name in ("fashion_mnist", "mnist"):
        with pytest.raises(SystemExit, match="2"):
            datasets.load_images(name)
        error = capsys.readouterr().err
        assert f"error: {folder}: the files of {name} cannot be read (" in error and error.count("\n") == 1


def test_digits_are_those_of_the_bundle(lines):
    training, test = datasets.load_digits()
    assert training.images.shape == test.images.shape == (1000, 28, 28, 1)
    for digits, part in ((training, lines[:1000]), (test, lines[1000:])):
        assert digits.labels.tolist() == [int(line.split(b"\t")[0]) for line in part]


def test_digits_for_validation_are_training_digits():
    training, _ = datasets.load_digits()
    first, held_out = datasets.load_digits(validation=True)
    assert np.array_equal(held_out.images, training.images[fold_of(training.labels) == 1]) and len(first.labels) == 800
