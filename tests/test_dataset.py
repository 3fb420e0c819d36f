import hashlib
import os
import tempfile
import time
import tracemalloc

import common
from support.data_file import FOLDS, FORM, DatasetError, fold_of

import numpy as np
import pytest
from conftest import DATASET
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("EXAMPLES", 500))  # of mutated files; 10,000 take half a minute
DATASET_SHA256 = "1313b028b88bccb21d6aba87f9d0d1e87e17489602b879dd2e34845bf5e38d75"


def read(path):
    return common.read_digits(path, 0, common.count_lines(path))


def as_text(digits):
    return [f"{label}\t" + "-".join("".join(map(str, row)) for row in image[..., 0].astype(int))
            for image, label in zip(digits.images, digits.labels)]


def test_dataset_is_the_original():
    assert hashlib.sha256(DATASET.read_bytes()).hexdigest() == DATASET_SHA256


def test_reads_every_digit(lines):
    digits = read(DATASET)
    assert digits.images.shape == (2000, 28, 28, 1) and digits.images.dtype == np.float32
    assert digits.labels.shape == (2000,) and digits.labels.dtype == np.int32
    assert as_text(digits) == [line.decode() for line in lines]


def test_each_half_has_a_hundred_of_each_class():
    for start in (0, 1000):
        assert (np.bincount(common.read_digits(DATASET, start, start + 1000).labels) == 100).all()


def test_reads_quickly():
    """The limit is far above what it takes, and of CPU time, which other programs take nothing of."""
    start = time.process_time()
    read(DATASET)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("change", [
    lambda data: data.replace(b"-", b""),
    lambda data: data.replace(b"\n", b"\r\n"),
    lambda data: b"\xef\xbb\xbf" + data,
    lambda data: data + b"\n\r\n \n",
    lambda data: data.rstrip(b"\n"),
    lambda data: b"\n".join(line.replace(b"-", b"") if number % 2 else line
                            for number, line in enumerate(data.split(b"\n"))),
], ids=["flat", "windows", "byte-order mark", "blank lines at the end", "no last line end", "mixed"])
def test_other_valid_forms(lines, tmp_path, change):
    path = tmp_path / "digits.txt"
    path.write_bytes(change(b"".join(line + b"\n" for line in lines[:20])))
    expected, digits = common.read_digits(DATASET, 0, 20), read(path)
    assert np.array_equal(digits.images, expected.images) and np.array_equal(digits.labels, expected.labels)


ROW = b"0" * 28
BAD_LINES = {
    f"no tab between label and pixels: {FORM}": lambda line: line.replace(b"\t", b" "),
    "the label is 'x', expected a digit 0 to 9": lambda line: b"x" + line[1:],
    "the label is '10', expected a digit 0 to 9": lambda line: b"10" + line[1:],
    "the label is '', expected a digit 0 to 9": lambda line: line[1:],
    "the label is '\u0663', expected a digit 0 to 9": lambda line: "\u0663".encode() + line[1:],
    "row 5 has 27 pixels, expected 28": lambda line: line[:119] + line[120:],
    "row 28 has 29 pixels, expected 28": lambda line: line + b"0",
    "row 1 has the character '2', expected 0 or 1": lambda line: line[:2] + b"2" + line[3:],
    "row 28 has the character ' ', expected 0 or 1": lambda line: line + b" ",
    "27 rows, expected 28": lambda line: line[:-29],
    "29 rows, expected 28": lambda line: line + b"-" + ROW,
    "783 pixels, expected 784": lambda line: line.replace(b"-", b"")[:-1],
    "785 pixels, expected 784": lambda line: line.replace(b"-", b"") + b"0",
    "0 pixels, expected 784": lambda line: line[:2],
    f"byte 7 is not text: {FORM}": lambda line: line[:6] + b"\xff" + line[7:],
    "row 1 has the character '\\x00', expected 0 or 1": lambda line: line[:2] + b"\0" + line[3:],
    "the line is blank": lambda line: b"",
    f"the line is too long: {FORM}": lambda line: line * 10_000,
}


@pytest.mark.parametrize("message", BAD_LINES)
def test_bad_lines(lines, write, message):
    path = write([*lines[:16], BAD_LINES[message](lines[16]), *lines[17:20]])
    with pytest.raises(DatasetError) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}, line 17: ") and "\n" not in text
    assert text == f"{path}, line 17: {message}"
    common.read_digits(path, 0, 16)  # the lines before it are fine


@pytest.mark.parametrize("mistake", ["missing", "folder", "empty", "blank"])
def test_bad_files(tmp_path, mistake):
    path = tmp_path / "digits.txt"
    if mistake == "folder":
        path.mkdir()
    elif mistake != "missing":
        path.write_bytes(b"" if mistake == "empty" else b"\n\n")
    with pytest.raises(DatasetError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_unreadable_file(write, lines):
    path = write(lines[:4])
    path.chmod(0)
    with pytest.raises(DatasetError, match="no permission to read"):
        read(path)


def test_the_other_half_is_not_read(lines, write):
    path = write([*lines[:10], *[b"\xff\0 no digit"] * 10])
    assert common.count_lines(path) == 20
    assert len(common.read_digits(path, 0, 10).labels) == 10


def test_a_large_file_takes_the_memory_of_its_images(tmp_path):
    """And little else: it is read in pieces. Mistakes are found in each of them."""
    path = tmp_path / "digits.txt"
    data = DATASET.read_bytes()
    path.write_bytes(data * 5)
    tracemalloc.start()
    digits = common.read_digits(path, 0, 10_000)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < digits.images.nbytes + 5e6
    assert np.array_equal(digits.images[8000:], common.read_digits(DATASET, 0, 2000).images)
    assert np.array_equal(digits.labels[5000:6500], common.read_digits(path, 5000, 6500).labels)
    path.write_bytes(data * 5 + b"x" + data)
    with pytest.raises(DatasetError, match="line 10001: the label is 'x"):
        common.read_digits(path, 500, 12_000)


def test_folds_are_a_partition():
    digits = common.read_digits(DATASET, 0, 50)
    parts = [[as_text(part) for part in common.hold_out(digits, fold)] for fold in range(1, FOLDS + 1)]
    for training, held_out in parts:
        assert len(held_out) == 10 and sorted(training + held_out) == sorted(as_text(digits))
    assert sorted(text for _, held_out in parts for text in held_out) == sorted(as_text(digits))


@pytest.mark.parametrize("labels", [common.read_digits(DATASET, 0, 1000).labels, np.arange(1000) % 10,
                                    np.repeat(np.arange(10), 100), np.arange(203) % 7], ids=len)
def test_folds_are_stratified(labels):
    """Also where labels come in a cycle or in blocks."""
    folds = fold_of(labels)
    counts = [np.bincount(labels[folds == fold], minlength=10) for fold in range(1, FOLDS + 1)]
    assert np.ptp(counts, axis=0).max() <= 1 and np.ptp(np.sum(counts, axis=1)) <= 1


def test_folds_are_always_the_same_and_another_repeat_has_others():
    labels = common.read_digits(DATASET, 0, 1000).labels
    assert np.array_equal(fold_of(labels), fold_of(labels))
    assert 0.15 < np.mean(fold_of(labels) == fold_of(labels, repeat=1)) < 0.25  # a fifth by chance
    assert 0.15 < np.mean(fold_of(labels)[1:] == fold_of(labels)[:-1]) < 0.25  # they are shuffled


def test_fewer_digits_than_folds():
    with pytest.raises(DatasetError, match="^4 digits are too few for 5 folds$"):
        common.hold_out(common.read_digits(DATASET, 0, 4), 1)


LINES = DATASET.read_bytes().splitlines(keepends=True)[:6]


@st.composite
def mutated_files(draw):
    """A few good lines in which bytes are deleted, replaced, inserted, or a piece is repeated."""
    data = bytearray(b"".join(LINES[: draw(st.integers(1, 6))]))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.sampled_from([0, 1, 1, 2, 28, 29, 813]))
        new = draw(st.one_of(st.binary(max_size=4), st.sampled_from([b"\n", b"\r\n", b"-", b"\t", b"0", b"1", b"2"])))
        data[start : start + length] = new
    return bytes(data)


@settings(max_examples=EXAMPLES, derandomize="EXAMPLES" not in os.environ, deadline=None,
          suppress_health_check=[HealthCheck.too_slow])
@given(mutated_files())
def test_mutated_files_load_or_raise_the_documented_error(data):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "digits.txt")
        with open(path, "wb") as file:
            file.write(data)
        try:
            digits = read(path)
        except DatasetError as error:
            assert str(error).startswith(path) and "\n" not in str(error)
        else:
            # The digits are those of the file, apart from the forms that are no mistake.
            text = data.removeprefix(b"\xef\xbb\xbf").decode().rstrip().replace("\r\n", "\n").replace("-", "")
            assert [line.replace("-", "") for line in as_text(digits)] == text.split("\n")
