"""measuring/runs.py: runs of scripts, their line of results, changed copies, tables; the line of progress."""

from measuring import runs

import pytest
from conftest import ROOT

RESULT = runs.Result([1.0], 100, 10.0)


def test_runs_in_turn(capsys):
    order = []

    def job(name):
        def work(number):
            order.append((name, number))
            if (name, number) == ("b", 0):
                raise ValueError("not its line")
            return RESULT
        return work

    results = runs.run_in_turn({"a": job("a"), "b": job("b")}, 2)
    assert order == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert results == {"a": [RESULT] * 2, "b": [RESULT]}
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4 and "not its line" in told[1] and "1.00% in 0.17 min" in told[0]


def test_control_c_keeps_what_there_is(capsys):
    def stop(number):
        if number:
            raise KeyboardInterrupt
        return RESULT

    assert runs.run_in_turn({"a": stop}, 3) == {"a": [RESULT]}
    assert "stopped" in capsys.readouterr().err


def test_a_line_of_results():
    assert runs.parse_line("0.00 1.50 11074 0.72\n", 2) == ([0.0, 1.5], 11074, 0.72)


@pytest.mark.parametrize("text, count", [("1.00 24", 1), ("1.00 24 0.05", 2), ("x 24 0.05", 1), ("-1 24 0.05", 1),
                                         ("101 24 0.05", 1), ("1.00 2.4 0.05", 1), ("1.00 -24 0.05", 1),
                                         ("1.00 24 nan", 1), ("1.00 24 -1", 1), ("24 0.05", None), ("", None)])
def test_another_line_is_refused(text, count):
    with pytest.raises(ValueError):
        runs.parse_line(text, count)


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


@pytest.mark.parametrize("program, message", [
    ("print('1.00 24 0.05', 'x' * 3)", "0.05"), ("print('1.00 24 0.05')\n1 / 0", "status 1"), ("", "status 0"),
    ("print('1.00 24 0.05\\n')", "1.00 24"), ("print('1.00 24 0.05')\nimport sys\nsys.stderr.write('no')", "no")])
def test_a_run_must_print_its_line_only(program, message, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(program)
    with pytest.raises(ValueError, match=message):
        runs.run(script)


def test_a_run_that_takes_too_long_is_ended(tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    script.write_text("import time\ntime.sleep(60)")
    monkeypatch.setattr(runs, "TIMEOUT", 1)
    with pytest.raises(ValueError, match="ended after 1 s"):
        runs.run(script)


def test_a_run_is_read(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint('0.00 1.50', sys.argv[1], '0.72')")
    result = runs.run(script, "11074")
    assert result.errors == [0.0, 1.5] and result.parameters == 11074 and 0 < result.seconds < 20


def test_a_changed_copy():
    with runs.changed("task3_cnn.py", [("EPOCHS = 20", "EPOCHS = 1")]) as path:
        text = path.read_text()
        files = {file.relative_to(path.parent).as_posix() for file in path.parent.rglob("*.*")}
        assert (path.parent / "dataset.txt").read_bytes() == (ROOT / "dataset.txt").read_bytes()
    assert text.replace("EPOCHS = 1\n", "EPOCHS = 20\n") == (ROOT / "task3_cnn.py").read_text() != text
    assert files == {"task3_cnn.py", "common.py", "dataset.txt"} | {
        file.relative_to(ROOT).as_posix() for file in (ROOT / "support").glob("*.py")}


@pytest.mark.parametrize("text", ["no such text", "convolution("])
def test_a_change_must_fit_once(text):
    times = (ROOT / "task3_cnn.py").read_text().count(text)
    with pytest.raises(ValueError, match=f" {times} times"), runs.changed("task3_cnn.py", [(text, "")]):
        pass


def test_table():
    assert runs.table(["a", "b"], [[1, 2]], "lr") == "| a | b |\n| --- | ---: |\n| 1 | 2 |"
