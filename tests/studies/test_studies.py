"""The studies as programs, each cut short: their tables, their figures, and what they say about mistakes."""

import argparse
import contextlib
import fnmatch
import importlib
import re
import sys

from studies import bptt, datasets, denoising, few_labels, rnn_benchmark, shared
from studies.network import Layer, Network
from studies.shared import run

import matplotlib.pyplot as plt
import networks
import numpy as np
import pytest
from conftest import without_graphs
from programs import run_study

# The command line of a trial, the figures that it saves, and the first cell of each row of its tables.
TRIALS = {
    "bottleneck": ([], ["reconstructions", "loss", "map", "points"],
                   ["principal components", "autoencoder, 3 epochs", *"ABCDE"]),
    "bptt": (["--segment", "20", "--batch-size", "3", "--longest-context", "2"], ["loss", "accuracy"],
             ["recurrent network", "counts with back-off, contexts of up to ?",
              "interpolated counts, contexts of up to ?", "the most frequent character", *"012"]),
    "rnn_benchmark": ([], [], ["NumPy", "TensorFlow", "TensorFlow with XLA"]),
    "fashion_autoencoder": (["--runs", "2"], ["fashion", "loss"],
                            ["32 principal components", "one hidden layer, code of 32",
                             "three hidden layers, code of 32"]),
    "denoising": (["--runs", "1"], ["denoising_0.1", "denoising_0.3"],
                  ["noisy image", r"clipped to [[]0, 1]", "plain autoencoder, code of 32",
                   "denoising autoencoder, code of 32"]),
    "walking_speed": ([], ["speed"],
                      ["16", "16", "mean of the training subjects", "regression on the spectrum", "LSTM",
                       *map(str, range(3, 15))]),
    "variational": ([], ["reconstructions", "samples", "manifold", "codes", "interpolation", "attributes"],
                    ["2", "16", "between less and more slant", "between less and more ink"]),
    "transfer": (["--runs", "1"], ["reconstructions", "spaces", "variance", "classifier"],
                 ["(1) 16-32-64 filters, a dense layer", "(1) 16-32-64 filters, convolutions only",
                  "(3) a decoder for the classifier's encoder, 16 filters", "the test images themselves",
                  "(2) all training images", "the autoencoder (1)", "the classifier (2)", "an untrained encoder",
                  "12 principal components"]),
    "few_labels": (["--validation"], ["few"],
                   ["(4) 100 images only", "(5) frozen encoder"]),
}


@pytest.fixture
def call(monkeypatch, capsys):
    """Return a function that runs a study in this process: exit status, standard output and standard error."""
    monkeypatch.setattr("support.startup.BACKEND", "agg")

    def call_study(name, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{name}.py"])
        study, status = importlib.import_module(f"studies.{name}"), 0
        try:
            run(lambda: study.main([str(argument) for argument in arguments]))
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return call_study


@pytest.fixture
def small(monkeypatch):
    """Make what takes long small, and leave out what only repeats. The trial of `transfer` has the real networks."""
    random = np.random.default_rng()
    images = [(random.integers(0, 256, (count, 28, 28), np.uint8), np.arange(count) % 10) for count in (100, 20)]
    monkeypatch.setattr(datasets, "load_data", {"fashion_mnist": images}.get)
    monkeypatch.setattr("studies.fashion_autoencoder.CODES", [32])
    monkeypatch.setattr(denoising, "CODES", [32])
    monkeypatch.setattr(denoising, "NOISES", [0.1, 0.3])
    monkeypatch.setattr(few_labels, "PARTS", dict(list(few_labels.PARTS.items())[:2]))
    monkeypatch.setattr(few_labels, "build_encoder", lambda *_: networks.small_encoder())
    monkeypatch.setattr(few_labels, "build_decoder", lambda *_: networks.small_decoder())
    monkeypatch.setattr("studies.variational.DRAWS", 2)
    monkeypatch.setattr(bptt, "UNITS", 30)
    monkeypatch.setattr(rnn_benchmark, "UNITS", 30)
    monkeypatch.setattr(rnn_benchmark, "STEPS", 20)


def table_rows(output):
    """Return the rows of all tables in an output, as lists of cells, without the heads."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in output.splitlines() if line[:1] == "|"]
    rules = [number for number, row in enumerate(rows) if set("".join(row)) <= set(":-")]
    return [row for number, row in enumerate(rows) if number not in rules and number + 1 not in rules]


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial(name, call, small, tmp_path):
    arguments, figures, rows = TRIALS[name]
    with contextlib.nullcontext() if name == "walking_speed" else without_graphs():  # its recurrent network is slow
        status, output, errors = call(name, "--quick", *arguments, "--figures", tmp_path / "figures")
    assert (status, errors) == (0, "")
    found = table_rows(output)
    assert len(found) == len(rows) and all(fnmatch.fnmatchcase(row[0], wanted) for row, wanted in zip(found, rows))
    assert all(any(re.search(r"\d", cell) for cell in row[1:]) for row in found)
    assert not re.search(r"\b(nan|inf)\b", output)
    saved = list((tmp_path / "figures").glob("*"))  # there is no folder where there are no figures
    assert {path.name for path in saved} == {f"{figure}.png" for figure in figures}
    for path in saved:
        pixels = plt.imread(path)[..., :3]
        assert np.mean(pixels < 0.9) > 0.01 and f"{path}\n" in output  # more than an empty page


def test_a_saved_network_is_explored(call, tmp_path):
    status, saving, errors = call("bottleneck", "--quick", "--save", tmp_path / "network.npz")
    assert (status, errors) == (0, "")
    status, output, errors = call("bottleneck", "--load", tmp_path / "network.npz", "--at", "0.5", "-1", "0")
    assert (status, errors) == (0, "")
    trained, loaded = (table_rows(text)[1][1:] for text in (saving, output))
    assert trained == loaded and len(trained) == 3  # the row of the network in the table of results
    assert re.search(r"^\| F +\| +0\.5 \| +-1\.0 \| +0\.0 \| +your choice \|$", output, re.MULTILINE)
    assert output.count("\n") == saving.count("\n") + 1 + 28  # the point is drawn as text


def wrong_sizes(path):
    Network([Layer(5, 3), Layer(3, 5)]).save(path)


@pytest.mark.parametrize("name, arguments, make, message", [
    ("bottleneck", ["--load", "FILE"], None, "FILE: No such file or directory"),
    ("bottleneck", ["--load", ""], None, "No such file or directory"),
    ("bottleneck", ["--load", "FILE"], lambda path: path.write_text("hello"), "FILE: not a saved network ("),
    ("bottleneck", ["--load", "FILE"], wrong_sizes, "FILE: not such an autoencoder: 5-3-5"),
    ("bottleneck", ["--save", "/no/such/folder/network"], None, "/no/such/folder/network: No such file or directory"),
    ("bottleneck", ["--save", "FILE"], lambda path: path.mkdir(), "FILE: Is a directory"),
    ("bottleneck", ["--save", ""], None, ": No such file or directory"),
    ("bottleneck", ["--at", "1", "2"], None, "argument --at: expected 3 arguments"),
    ("bottleneck", ["--at", "1", "nan", "2"], None, "argument --at: not a coordinate: nan"),
    ("bptt", ["--corpus", "FILE"], None, "FILE: No such file or directory"),
    ("bptt", ["--corpus", "FILE"], lambda path: path.write_text("too few"), "FILE: too short: 7 letters"),
    ("bptt", ["--corpus", "FILE"], lambda path: path.write_text(""), "FILE: too short: 0 letters"),
    ("fashion_autoencoder", ["--runs", "0"], None, "argument --runs: not a whole number above 0: 0"),
    ("transfer", ["--data", "letters"], None, "argument --data: invalid choice: 'letters'"),
    ("walking_speed", ["--folder", "FILE"], None, "FILE/Subject 1.npz: No such file or directory"),
    ("walking_speed", ["--folder", ""], None, "Subject 1.npz: No such file or directory"),
    ("walking_speed", ["--subjects", "a", "b", "c"], None, "--subjects names files in --folder, which is missing"),
    ("walking_speed", ["--folder", ".", "--subjects", "FILE", "b", "c"], lambda path: path.write_text("hello"),
     "FILE: not recordings: expected"),
    ("walking_speed", ["--folder", ".", "--people", "2"], None, "--people simulates people, --folder has recordings"),
    ("walking_speed", ["--results", "FILE"],
     lambda path: path.write_text('{"settings": {"quick": true}, "result": 1}'), "FILE: results of other options"),
    ("walking_speed", ["--results", "FILE"], lambda path: path.write_text("hello"), "FILE: not the results of a study"),
    ("treadmill", ["FILE"], lambda path: path.write_text(""), "FILE: File exists"),
    ("treadmill", ["FILE"], lambda path: (path.mkdir(), (path / "Subject 1.npz").write_text("")),
     "FILE/Subject 1.npz: File exists"),
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


def test_bytes_that_are_not_text(call, small, tmp_path):
    """They separate words."""
    (tmp_path / "text").write_bytes(b"\xff\xfe" + b"A line of a book. " * 200)
    status, _, errors = call("bptt", "--quick", "--corpus", tmp_path / "text")
    assert (status, errors) == (0, "")


def test_mean_and_std():
    assert shared.mean_and_std([1.0, 2.0, 3.0], 2) == "2.00 ± 1.00"
    assert shared.mean_and_std([0.125], 3) == "0.125"


def test_results_are_kept(tmp_path):
    """What is in the file is not computed again, and what is new is added."""
    options, numbers = argparse.Namespace(results=str(tmp_path / "file"), runs=5, quick=True), iter(range(10))

    def run():
        return {"number": next(numbers), "array": np.arange(2), "value": np.float32(0.5)}

    def result(number):
        return {"number": number, "array": [0, 1], "value": 0.5}

    assert shared.repeat(2, options, run) == [result(0), result(1)]
    assert shared.repeat(3, options, run) == [result(0), result(1), result(2)]
    assert shared.repeat(1, options, None) == [result(0)]
    options.results = None
    assert shared.repeat(1, options, run) == [result(3)]


def test_differences_are_paired():
    values, others = np.array([70.0, 75, 80, 71]), [60.0, 66, 69, 61]
    margin = 3.182 * (2 / 3) ** 0.5 / 2  # the t distribution with three degrees of freedom
    assert shared.paired_difference(values, others, 1) == f"+10.0 ({10 - margin:+.1f} to {10 + margin:+.1f})"
    assert shared.paired_difference(values[:1], others[:1], 2) == "+10.00"


def test_summaries():
    assert shared.summaries([(1.0, 20.0), (3.0, 20.0)], (1, 0)) == ["2.0 ± 1.4", "20 ± 0"]
    assert shared.summaries([(1.0, 20.0)], 2) == ["1.00", "20.00"]


def test_tables(capsys):
    shared.print_table(["what", "share"], [["a", "1.50"], ["longer", "-20.0"]])
    assert capsys.readouterr().out == ("| what   |   share |\n"
                                       "|:-------|--------:|\n"
                                       "| a      |    1.50 |\n"
                                       "| longer |   -20.0 |\n")


def test_tiles():
    """Row by row, each image as it was."""
    images = np.arange(6)[:, None] + np.linspace(0, 0.5, 784)
    tiles = shared.tiled(images, 3)
    assert tiles.shape == (56, 84)
    assert np.array_equal(tiles[28:, 28:56], images[4].reshape(28, 28))


def test_a_study_names_packages_that_are_missing(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['tqdm'] = None\n")
    ran = run_study("bottleneck", "--quick", env={"PYTHONPATH": str(tmp_path)})
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (2, "", 1)
    assert "(tqdm): pip install -r studies/requirements.txt" in ran.stderr
