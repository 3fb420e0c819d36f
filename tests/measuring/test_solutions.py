"""tools/textbook.py: the textbook's solutions and Keras's examples."""

import sys

import common
from measuring.runs import parse_line
from measuring.solutions import SOLUTIONS

import keras
import pytest
import textbook
from conftest import DATASET, ROOT, run_script, without_graphs


@pytest.mark.parametrize("name, parameters, outputs_of", [
    ("autoencoder", 201_744, ["reconstruction"]), ("multitask", 405_018, ["reconstruction", "digit"]),
    ("cnn", 11_582, ["digit"]), ("rnn", 75_786, ["digit"]), ("keras_autoencoder", 402_448, ["reconstruction"]),
    ("keras_cnn", 34_826, ["digit"]), ("keras_rnn", 24_714, ["digit"])])
def test_a_solution_learns(name, parameters, outputs_of):
    digits = common.read_digits(DATASET, 0, 100)
    solution = SOLUTIONS[name]._replace(epochs=3)
    model = solution.build_model()
    assert model.count_params() == parameters
    history = keras.callbacks.History()
    with without_graphs():
        solution.train(model, digits, [history])
        outputs = common.predict(model, digits.images)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert list(outputs) == outputs_of == list(common.errors(digits, outputs))


def test_the_program_starts_quietly():
    ran = run_script("tools/textbook.py", "-h")
    assert (ran.returncode, ran.stderr) == (0, "") and "--predictions FILE" in ran.stdout


def test_the_program_prints_the_line_of_a_script(tmp_path, monkeypatch, capsys):
    small, predictions = tmp_path / "small.txt", tmp_path / "predictions.txt"
    small.write_bytes(b"".join(DATASET.read_bytes().splitlines(keepends=True)[:20]))
    monkeypatch.setitem(SOLUTIONS, "cnn", SOLUTIONS["cnn"]._replace(epochs=1))
    monkeypatch.setattr(sys, "argv", ["textbook.py", "cnn", "--dataset", str(small), "--predictions", str(predictions)])
    textbook.main()
    _, parameters, _ = parse_line(capsys.readouterr().out, 1)
    assert parameters == 11_582 and len(predictions.read_text().splitlines()) == 10


@pytest.mark.parametrize("arguments", [[], ["no_such_solution"]])
def test_which_solution(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(ROOT / "tools/textbook.py"), *arguments])
    with pytest.raises(SystemExit):
        textbook.main()
    assert "which solution? autoencoder, " in capsys.readouterr().err
