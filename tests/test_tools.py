"""The programs in tools/: what they share, the changes of the ablation, the textbook's solutions, figures."""

import re
import sys

import numpy as np
import pytest
from conftest import DATASET, ROOT

sys.path.insert(0, str(ROOT / "tools"))

import common

import ablation
import benchmark
import growth
import keras
import measure
import textbook
import versions
from measuring import runs
from project import TASKS

RESULTS = [runs.Result([1.0], 100, 10.0), runs.Result([2.0], 100, 12.0)]
TWO_ERRORS = [runs.Result([0.0, 3.0], 100, 10.0), runs.Result([0.0, 5.0], 100, 12.0)]


def test_runs_in_turn(capsys):
    order = []

    def job(name):
        def work(number):
            order.append((name, number))
            if (name, number) == ("b", 0):
                raise ValueError("not its line")
            return RESULTS[0]
        return work

    results = runs.run_in_turn({"a": job("a"), "b": job("b")}, 2)
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert results == {"a": [RESULTS[0]] * 2, "b": [RESULTS[0]]}
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4 and "not its line" in told[1] and "1.00% in 10.0 s" in told[0]


def test_control_c_keeps_what_there_is(capsys):
    def stop(number):
        if number:
            raise KeyboardInterrupt
        return RESULTS[0]

    assert runs.run_in_turn({"a": stop}, 3) == {"a": [RESULTS[0]]}
    assert "stopped" in capsys.readouterr().err


@pytest.mark.parametrize("text, count", [("1.00 24", 1), ("1.00 24 0.05", 2), ("x 24 0.05", 1), ("-1 24 0.05", 1),
                                         ("1.00 2.4 0.05", 1), ("1.00 24 nan", 1), ("24 0.05", None), ("", None)])
def test_a_line_of_results_must_be_one(text, count):
    with pytest.raises(ValueError):
        runs.parse_line(text, count)
    assert runs.parse_line("0.00 1.50 11074 0.72\n", 2) == ([0.0, 1.5], 11074, 0.72)


def test_the_time_left_is_shown_at_a_terminal_only(monkeypatch, capsys):
    seconds = iter([0, 1, 3, 300])
    monkeypatch.setattr("time.perf_counter", lambda: next(seconds))
    with runs.ProgressLine("run", 100) as progress:
        progress.update(0)
        progress.print("a result")
        assert capsys.readouterr().err == "a result\n"
        monkeypatch.setattr(progress, "shown", True)
        progress.update(10, "the next")
        assert capsys.readouterr().err == "\rrun 10 of 100, 9 s left; the next\033[K"
        progress.update(10)
        assert "27 s left" in capsys.readouterr().err
        progress.update(30)
        assert "12 min left" in capsys.readouterr().err
    assert capsys.readouterr().err == "\r\033[K"


@pytest.mark.parametrize("program", ["print('1.00 24 0.05', 'x' * 3)", "print(1 / 0)", "", "print('1.00 24 0.05\\n')"])
def test_a_run_must_print_its_line(program, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(program)
    with pytest.raises(ValueError):
        runs.run(script)


def test_a_run_is_read(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('0.00 1.50 11074 0.72')")
    result = runs.run(script)
    assert result.errors == [0.0, 1.5] and result.parameters == 11074 and 0 < result.seconds < 20


def test_a_change_must_fit():
    with pytest.raises(ValueError, match="0 times"), runs.changed("task3_cnn.py", [("no such text", "")]):
        pass


@pytest.mark.parametrize("script, name", [(script, name) for script in ablation.CHANGES
                                          for name in ablation.CHANGES[script]])
def test_changes_of_the_ablation_make_a_model(script, name, monkeypatch):
    count = common.RandomDistortion.AUGMENTATIONS
    monkeypatch.setattr(common.RandomDistortion, "AUGMENTATIONS", count)  # some changes set it
    with runs.changed(script, ablation.CHANGES[script][name]) as path:
        source = path.read_text()
        assert source != (ROOT / script).read_text()
        code, module = compile(source, path, "exec"), {"__name__": "changed"}
        if all(re.match(r"\s*(STEPS_PER_EPOCH|EPOCHS|BATCH_SIZE|LEARNING_RATE|WEIGHT_DECAY|RESTARTS) =", old)
               for old, _ in ablation.CHANGES[script][name]):
            return  # the architecture is the same
        exec(code, module)
    outputs = common.predict(module["build_model"](), np.zeros((3, 28, 28, 1), np.float32))
    assert all(len(output) == 3 for output in outputs.values())


@pytest.mark.parametrize("name, parameters", [("autoencoder", 201_744), ("multitask", 405_018), ("cnn", 11_582),
                                              ("rnn", 75_786), ("keras_autoencoder", 402_448), ("keras_cnn", 34_826),
                                              ("keras_rnn", 24_714)])
def test_textbook(name, parameters, monkeypatch):
    fit = keras.Model.fit
    monkeypatch.setattr(keras.Model, "fit", lambda *args, **options: fit(*args, **options | {"epochs": 2}))
    digits = common.read_digits(DATASET, 0, 100)
    model = textbook.SOLUTIONS[name](digits)
    assert model.count_params() == parameters
    assert all(0 <= error <= 100 for error in common.errors(model, digits).values())


def test_tables():
    first, second = benchmark.rows("task3_cnn.py", {"textbook": RESULTS, "bundle": [runs.Result([0.5], 50, 5.5)]})
    assert first == ["`task3_cnn.py`", "textbook", "1.50", "100", "11"]
    assert second == ["`task3_cnn.py`", "bundle", "**0.50**", "**50**", "**6**"]
    (row,) = benchmark.rows("task2_multitask.py", {"bundle": TWO_ERRORS})
    assert row[2] == "**0.00 and 4.00**"
    first, second = measure.rows("task2_multitask.py", TWO_ERRORS)
    assert first[1:4] == ["decoder", "**0.00** ± 0.00", "0.00"]
    assert second[:4] == ["", "classifier", "**4.00** ± 1.41", "5.00"]
    assert runs.table(["a", "b"], [[1, 2]], "lr") == "| a | b |\n| --- | ---: |\n| 1 | 2 |"


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


def test_growth_draws():
    digits = {"task3_cnn.py": {100: RESULTS, 1000: RESULTS}, "task2_multitask.py": {100: TWO_ERRORS, 1000: TWO_ERRORS}}
    above, below = growth.draw_digits(digits).axes
    assert len(above.lines) == 3 and len(below.lines) == 2
    (panel,) = growth.draw_training(digits).axes
    assert list(panel.lines[0].get_xdata()) == [11, 11]


def test_requirements():
    text = "tensorflow>=2.18,<2.22\nnumpy>=1.26\n"
    assert versions.requirements(text, lowest=True) == ["tensorflow==2.18", "numpy==1.26"]
    assert versions.requirements(text, lowest=False) == ["tensorflow>=2.18,<2.22", "numpy>=1.26"]


FIGURE = "import pathlib, sys\npath = pathlib.Path(sys.argv[-1], 'a.png')\npath.touch()\n"


@pytest.mark.parametrize("program, message", [
    (FIGURE + "print('1.00 24 0.05')\nprint(path)", ""),
    (FIGURE + "print('1.00 24 0.05')\nprint(path)\nprint('done')", "done"),
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
