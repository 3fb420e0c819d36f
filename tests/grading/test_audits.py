"""The data of each run, the audits, and the errors of predictions."""

from grading import audits

import numpy as np
import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def data():
    return audits.Data.read(ROOT / "dataset.txt")


@pytest.mark.parametrize("form", [audits.TOGETHER, audits.APART, audits.BLANK])
def test_every_run_gets_the_same_digits_in_another_order(form, data):
    def lines(files):
        texts = [line for name in sorted(files) for line in files[name].splitlines()]
        return texts[:1000], texts[1000:]

    def pixels(part):
        return sorted(line.split(b"\t")[1] for line in part)

    (first, test), (again, _) = data.draw(audits.ORDINARY, form), data.draw(audits.ORDINARY, form)
    assert first.keys() == ({"dataset.txt"} if form == audits.TOGETHER else {"dataset.txt", "test.txt"})
    assert first != again
    for one, other in zip(lines(first), lines(again)):
        assert sorted(one) == sorted(other)
    labels = [line.split(b"\t")[0].decode() for line in lines(first)[1]]
    assert labels == ([""] * 1000 if form == audits.BLANK else test.labels)
    for kind in audits.CONTRADICTION, audits.BLOCKS:
        altered, _ = data.draw(kind, form)
        training, tests = lines(altered)
        assert sorted(tests) == sorted(lines(first)[1])
        counts = np.unique([line[:1] for line in training], return_counts=True)[1]
        assert (counts == 100).all()
        assert (pixels(training) == pixels(lines(first)[0])) == (kind == audits.CONTRADICTION)


def test_blocks_have_other_patterns(data):
    training = data.draw(audits.BLOCKS, audits.APART)[0]["dataset.txt"].split(b"\n")[0].split(b"\t")[1]
    image = np.array([list(row) for row in training.decode().split("-")], int)
    assert (image == np.kron(image[::4, ::4], np.ones((4, 4), int))).all()


def test_renamed_labels_do_not_look_alike():
    for _ in range(200):
        names = audits.contradiction()
        assert sorted(names.values()) == sorted(names)
        assert all(old != new and {int(old), int(new)} not in audits.ALIKE for old, new in names.items())


@pytest.mark.parametrize("change, part", [
    (lambda lines: lines[:-1], "predicted 999 digits instead of 1000"),
    (lambda lines: [], "predicted no digits"),
    (lambda lines: ["x" + lines[0][1:], *lines[1:]], "line 1: the label is 'x'"),
    (lambda lines: ["²" + lines[0][1:], *lines[1:]], "line 1: the label is"),
    (lambda lines: [lines[0], lines[1][:-1], *lines[2:]], "line 2: expected 784 pixels"),
])
def test_predictions_that_are_not_complete(change, part, data):
    lines = data.test.file().decode().splitlines()
    assert audits.measure("\n".join(lines), data.test, ["reconstruction", "digit"]) == [0, 0]
    with pytest.raises(ValueError, match=part):
        audits.measure("\n".join(change(lines)), data.test, ["reconstruction", "digit"])


def test_errors_are_measured(data):
    lines = data.test.file().decode().splitlines()
    lines[3] = str((int(lines[3][0]) + 1) % 10) + lines[3][1:]
    lines[5] = lines[5].translate(str.maketrans("01", "10"))
    assert audits.measure("\n".join(lines), data.test, ["reconstruction", "digit"]) == pytest.approx([0.1, 0.1])
    assert audits.measure("\n".join(line[0] for line in lines), data.test, ["digit"]) == pytest.approx([0.1])
    pixels = [f"\t{line[2:]}" for line in lines]
    assert audits.measure("\n".join(pixels), data.test, ["reconstruction"]) == pytest.approx([0.1])
