"""The files of a run: data that were handed in as well, and data beside a script in a folder."""

from grading import audits, jobs

import pytest
from conftest import DATASET
from handins import CNN

LINES = DATASET.read_bytes().splitlines(keepends=True)
FILES = {CNN: b"", "data/dataset.txt": b"".join(LINES), "data/train.txt": b"".join(LINES[:800]),
         "data/test.txt": b"".join(LINES[1000:]), "notes.txt": b"3 epochs", "more.txt": b"3\t" + b"0" * 784}


@pytest.fixture(scope="module")
def data():
    return audits.Data.read(DATASET)


def test_copies_of_the_data_are_replaced(data):
    """A script that reads its own copy gets the digits of the run all the same, as it is audited with these."""
    entry = jobs.describe(FILES, CNN, None, data)
    files, _, test = jobs.arguments_of(entry, CNN, "contradiction", FILES, data)
    assert files["data/dataset.txt"] == files["dataset.txt"] == files["data/train.txt"] + files["data/test.txt"]
    assert files["data/train.txt"] != b"".join(LINES[:1000]) and files["data/test.txt"] == test.file()
    assert all(files[name] == FILES[name] for name in ("notes.txt", "more.txt", CNN))
    assert entry["hints"] == []


def test_copies_of_the_test_digits_have_no_labels(data):
    entry = jobs.describe(FILES, CNN, None, data) | {"form": audits.BLANK}
    files, _, test = jobs.arguments_of(entry, CNN, "run 1", FILES, data)
    assert files["data/test.txt"] == files["test.txt"] == test.file(blank=True)
    assert files["data/dataset.txt"] == files["dataset.txt"] + files["test.txt"]


def test_a_script_in_a_folder_finds_the_data_beside_it(data):
    entry = {"script": f"code/{CNN}", "form": audits.TOGETHER}
    files, arguments, _ = jobs.arguments_of(entry, CNN, "run 1", {f"code/{CNN}": b""}, data)
    assert files["code/dataset.txt"] == files["dataset.txt"] and arguments[-1] == f"code/{CNN}"


def test_a_mean_is_of_several_runs_and_not_beside_an_audit():
    record = {"errors": [14.5], "seconds": 3}
    assert jobs.summary("run 1", record, {"runs": 1, "mean": [14.5]}) == "14.50% in 3.0 s"
    assert jobs.summary("run 2", record, {"runs": 2, "mean": [14]}) == "14.50% in 3.0 s (mean of 2: 14.00%)"
    assert jobs.summary("contradiction", record, {"runs": 2, "mean": [14]}).startswith("14.50% in 3.0 s (an audit")
    assert jobs.summary("run 1", {"reason": "printed nothing"}, {}) == "printed nothing"
