"""What the grader reads from the output of a run, and from the report of its process."""

from grading import audits, records, sandbox

import pytest
from handins import CNN


@pytest.mark.parametrize("text, values, remark", [
    ("5.40 12810 0.50", (5.4, 12810, 0.5), None),
    ("Epoch 1\nEpoch 2\n5.40 12810 0.50\n", (5.4, 12810, 0.5), "printed 3 lines"),
    ("Test error: 5.40% Parameters: 12,810 Minutes: 0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("5.40 12,810 0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("5.40 12810", (5.4, 12810, None), "printed 2 numbers, expected 3: digit error, parameters, minutes"),
    ("5.40 0.50", (5.4, None, 0.5), "printed 2 numbers"),
    ("5 1e4 0.5", (5, 10000, 0.5), None),
])
def test_lines_of_results_that_can_be_read(text, values, remark):
    read, remarks = records.read_output(CNN, text, measured=False)
    assert (read["errors"][0], read.get("parameters"), read.get("minutes")) == values
    assert [remark in line for line in remarks] == ([True] if remark else [])


@pytest.mark.parametrize("text, part", [
    ("", "printed nothing"), ("\n \n", "printed nothing"), ("5.40", "printed 1 numbers in its last line, expected 3"),
    ("5.40 12810 0.50 7", "printed 4 numbers"), ("101 12810 0.5", "cannot be"), ("nan 12810 0.5", "cannot be"),
    ("5.40 12810.5 0.5", "cannot be"), ("5.40 -3 0.5", "cannot be"), ("5.4.0 12810 0.5", "cannot be"),
    ("no", "printed no numbers"),
])
def test_lines_of_results_that_cannot_be_read(text, part):
    try:
        _, (remark,) = records.read_output(CNN, text, measured=False)
    except ValueError as error:
        remark = str(error)
    assert part in remark


def test_without_labels_the_printed_error_does_not_matter():
    assert records.read_output(CNN, "nan 100 0.5", measured=True)[0]["parameters"] == 100


def test_standard_error_is_quoted_without_tensorflow():
    greeting = "WARNING: All log messages before absl::InitializeLog()\nI0000 00:00:1795.6 6825 port.cc:153] on"
    for stderr, remarks in (greeting, []), (f"{greeting}\nw.py:3: UserWarning: no\n", ["w.py:3: UserWarning: no"]):
        outcome = sandbox.Outcome("", "5.00 100 0.01\n", stderr, 1.0, 1.0, "", "", True)
        kept = records.record(CNN, outcome, audits.Digits([], []), False)
        assert kept["remarks"] == [f"wrote to standard error: {line}" for line in remarks] and kept["errors"] == [5.0]


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", '{"no random seeds": "fine", "x": 3, "parameters": "5"}'])
def test_reports_that_say_nothing(text):
    assert records.read_report(text) == {}
