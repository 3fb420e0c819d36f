"""The programs in tools/ that measure: their tables, histograms and figures, growth's changes, other versions."""

import re
import runpy
import sys
from pathlib import Path

import task1_autoencoder
from measuring import growth_figures, sizes
from measuring.runs import Result, changed
from project import TASKS

import benchmark
import draw_code
import exact
import growth
import measure
import numpy as np
import other_data
import pytest
import sizes as sizes_program
import versions
from conftest import DATASET, ROOT

RESULTS = [Result([1.0], 100, 10.0), Result([2.0], 100, 12.0)]
TWO_ERRORS = [Result([0.0, 3.0], 100, 10.0), Result([0.0, 5.0], 100, 12.0)]


def test_tables():
    first, second = benchmark.rows("task3_cnn.py", {"textbook": RESULTS, "bundle": [Result([0.5], 50, 5.5)]})
    assert first == ["`task3_cnn.py`", "textbook", "1.50", "100", "0.18"]
    assert second == ["`task3_cnn.py`", "bundle", "**0.50**", "**50**", "**0.09**"]
    (row,) = benchmark.rows("task2_multitask.py", {"bundle": TWO_ERRORS})
    assert row[2] == "**0.00 and 4.00**"
    first, second = measure.rows("task2_multitask.py", TWO_ERRORS)
    assert first == ["`task2_multitask.py`", "reconstruction", "**0.00** ± 0.00", "0.00", "10 (5)", "**100**",
                     "1,500,000", "**0.18** ± 0.02", 3]
    assert second == ["", "digit", "**4.00** ± 1.41", "5.00", "15", "", "", "", ""]


def test_histogram():
    assert measure.histogram([1.0, 1.1, 1.1, 1.3]) == ["  1.00%  #", "  1.10%  ##", "  1.20%  ", "  1.30%  #"]


@pytest.mark.parametrize("script", TASKS)
def test_growth_changes_the_steps(script, monkeypatch):
    texts = []
    monkeypatch.setattr(growth, "run", lambda path: texts.append(path.read_text()))
    for factor in (1, 2, 1e-9):
        growth.other_steps(script, factor)(0)
    same, twice, least = ([int(number) for number in re.findall(r"^STEPS_PER_EPOCH = (\d+)", text, re.MULTILINE)]
                          for text in texts)
    assert texts[0] == (ROOT / script).read_text()
    assert len(same) == 1 and twice == [2 * same[0]] and least == [1]


def test_growth_gives_fewer_digits(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(growth, "run", lambda script, *arguments: given.append((script, arguments)))
    growth.fewer_digits("task3_cnn.py", 100, tmp_path)(0)
    ((script, (_, training, _, test)),) = given
    lines = (ROOT / "dataset.txt").read_text().splitlines()
    assert script == "task3_cnn.py" and given[0][1][::2] == ("--dataset", "--test")
    assert Path(training).read_text().splitlines() == lines[:100]
    assert Path(test).read_text().splitlines() == lines[1000:]


def test_growth_draws():
    results = {100: RESULTS, 1000: RESULTS[:1]}
    points = {"task3_cnn.py": results, "task2_multitask.py": {100: TWO_ERRORS, 1000: []}}
    above, below = growth_figures.draw_digits(points).axes
    assert [line.get_label() for line in above.lines] == ["task3_cnn", "task2_multitask, reconstruction",
                                                          "task2_multitask, digit"]
    assert above.lines[0].get_xydata().tolist() == [[100, 1.5], [1000, 1]]
    assert [line.get_xydata().tolist() for line in below.lines] == [[[100, 11], [1000, 10]], [[100, 11]]]
    assert above.lines[2].get_xydata().tolist() == [[100, 4]]
    (panel,) = growth_figures.draw_steps(points).axes
    assert panel.lines[0].get_xydata().tolist() == [[11, 1.5], [10, 1]]


def test_the_numbers_of_task_1_are_drawn():
    """Weights like 64 : 16 : 4 : 1, as the docstring of task 1 says; a sine is positive where its pixel is black."""
    encoder = 0.0002 * np.array([64, 16, 4, 1])  # so small that tanh is linear
    patches = (np.arange(16)[:, None] >> np.arange(4) & 1).reshape(16, 2, 2)
    above, *panels = draw_code.draw(encoder, np.pi / (2 * encoder), patches).axes
    assert len(above.child_axes) == 16 and len(panels) == 4
    for panel in panels:
        *_, black, white = panel.lines
        assert black.get_label() == "the pixel is black" and white.get_label() == "the pixel is white"
        assert len(black.get_ydata()) == len(white.get_ydata()) == 8
        assert min(black.get_ydata()) > 0.8 and max(white.get_ydata()) < -0.8


def test_requirements():
    text = "tensorflow>=2.18,<2.22\nnumpy>=1.26\n"
    assert versions.requirements(text, lowest=True) == ["tensorflow==2.18", "numpy==1.26"]
    assert versions.requirements(text, lowest=False) == ["tensorflow>=2.18,<2.22", "numpy>=1.26"]


FIGURE = "import pathlib, sys\npath = pathlib.Path(sys.argv[-1], 'a.png')\npath.touch()\n"


@pytest.mark.parametrize("program, message", [
    (FIGURE + "print('fold 1')\nprint('1.00 24 0.05')\nprint(path)", ""),
    (FIGURE + "print('fold 1')\nprint('1.00 24 0.05')\nprint(path)\nprint('done')", "done"),
    (FIGURE + "print('1.00 24 0.05')\nprint(path)\nprint('I0000 xla.cc', file=sys.stderr)", "xla.cc"),
    (FIGURE + "print(path)\n1 / 0", "ZeroDivisionError"),
    ("print('1.00 24 0.05')", "saved 0 figures"),
])
def test_other_versions(program, message, tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "ROOT", tmp_path)
    (tmp_path / "task1_autoencoder.py").write_text(program)
    if message:
        with pytest.raises(ValueError, match=message):
            versions.try_script(sys.executable, "task1_autoencoder.py")
    else:
        assert versions.try_script(sys.executable, "task1_autoencoder.py") == "1.00 24 0.05"
    assert versions.versions(sys.executable, ["numpy==1.0"]) == f"numpy {np.__version__}"


@pytest.mark.parametrize("script", sizes.SIZES)
def test_sizes_of_the_scripts(script):
    texts = []
    for changes in sizes.SIZES[script].values():
        with changed(script, changes) as path:
            texts.append(path.read_text())
    assert len(set(texts)) == len(texts) and (ROOT / script).read_text() in texts


def test_the_figure_of_sizes():
    (panel,) = sizes.draw({"task4_rnn.py": [(600, [5.0, 6.0]), (9000, [1.5, 1.5])]}).axes
    assert panel.lines[0].get_label() == "task4_rnn"
    assert panel.lines[0].get_xydata().tolist() == [[600, 5.5], [9000, 1.5]]


def test_points_of_sizes():
    """Only a size whose repeats are complete is a point."""
    labels = np.arange(1000) % 10
    sure = np.full((200, 10), -5.0)
    sure[:, 0] = -0.1  # always a 0, so nine of ten are wrong
    results = {("s", "a", 0, fold): {"parameters": 7, "log_probabilities": sure.tolist()} for fold in range(1, 6)}
    results |= {("s", "b", 0, 1): {"parameters": 8, "log_probabilities": sure.tolist()}}
    assert sizes_program.points_of("s", {"one": ("a", []), "two": ("b", [])}, 2, results, labels) == [(7, [90.0])]


def test_exact_trainings_are_counted(monkeypatch, capsys):
    """A training that changes nothing is not exact; the exact one of a code made by hand is."""
    def by_hand(model, digits):
        encoder = 0.0002 * np.array([64, 16, 4, 1], np.float32).reshape(2, 2, 1, 1)
        layer = [layer for layer in model.layers if layer.weights]
        layer[0].set_weights([encoder])
        layer[1].set_weights([np.pi / (2 * encoder)])

    monkeypatch.setattr(sys, "argv", ["exact.py", "--runs", "2", "--candidates"])
    monkeypatch.setattr("task1_autoencoder.train", by_hand)
    monkeypatch.setattr("task2_multitask.train_autoencoder", lambda model, digits: None)
    parts = {"build_model": task1_autoencoder.build_model, "train": by_hand}
    monkeypatch.setattr(runpy, "run_path", lambda path: parts)
    assert exact.main() == 1
    names = ["task1_autoencoder: 2", "task2_multitask: 0", *(f"{name}: 2" for name in exact.CANDIDATES)]
    counted = re.sub(r", \d\.\d\d s$", "", capsys.readouterr().out, flags=re.MULTILINE)
    assert counted.splitlines() == [f"{name} of 2 exact" for name in names]


@pytest.mark.parametrize("script", other_data.CHANGES)
def test_changes_for_other_data(script, write, lines, monkeypatch, capsys):
    """Each changes the script in another way; half of them read the whole image, and half deskew it."""
    texts = []
    monkeypatch.setattr("measuring.runs.run", lambda path, *data: texts.append(path.read_text()) or Result([9.0], 8, 6))
    monkeypatch.setattr(sys, "argv", ["other_data.py", "--dataset", str(write(lines[:20])), "--runs", "1", script])
    assert other_data.main() == 0
    assert len(set(texts)) == len(texts) == 4 and texts[0] == (ROOT / script).read_text()
    assert [text.count("Input((28, 28, 1))") for text in texts] == [1, 2, 1, 2]
    assert [text.count("deskew=False") for text in texts] in ([0, 0, 1, 1], [1, 1, 0, 0])
    assert capsys.readouterr().out.count(f"| {script} |") == 4


def test_more_and_more_data(write, lines, monkeypatch, capsys):
    """At most as many lines as there are; the time and the memory of each."""
    counts = []
    monkeypatch.setattr(other_data, "run_changed", lambda *job: Result([9.0], 8, 6.0))
    monkeypatch.setattr(other_data, "megabytes", lambda script, data: counts.append(
        len(Path(data[1]).read_bytes().splitlines())) or 1234.5)
    monkeypatch.setattr(sys, "argv", ["other_data.py", "--dataset", str(write(lines[:20])), "--test", str(DATASET),
                                      "--runs", "1", "task3_cnn.py", "--counts", "30", "5", "10"])
    assert other_data.main() == 0
    assert counts == [5, 10, 20]
    assert re.search(r"\| task3_cnn.py \| 20 lines \| 9.00 \| 8 \| 6.0 \| 0.00 \| 1,234 \|", capsys.readouterr().out)
    monkeypatch.setattr(sys, "argv", ["other_data.py", "--dataset", "nowhere.txt"])
    with pytest.raises(SystemExit):
        other_data.main()
    assert capsys.readouterr().err.endswith("nowhere.txt: No such file or directory\n")
