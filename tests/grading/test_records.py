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
    ("2026-11-27 12:00:00,123 INFO 5.40 12810 0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("INFO:root:5.40 12810 0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("[12:00:00] Task 3: 5.40 12810 0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("\x1b[1;32m5.40 12810 0.50\x1b[0m\n", (5.4, 12810, 0.5), "more than plain numbers"),
    ("5.40 12810 0.50\nDone.\n", (5.4, 12810, 0.5), "printed 2 lines"),
    ("5.40 12810 0.50\nTotal: 31 s\n", (5.4, 12810, 0.5), "printed 2 lines"),
    ("9/20 ====\r20/20 ====\r5.40 12810 0.50\n", (5.4, 12810, 0.5), "printed 3 lines"),
    ("(np.float64(5.4), 12810, 0.5)", (5.4, 12810, 0.5), "more than plain numbers"),
    ("5.40,12810,0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("5.40 12810 0.50\n[[97 0 1 0 0 1 0 0 0 1]\n [0 99 0 1 0 0 0 0 0 0]]", (5.4, 12810, 0.5), "printed 3 lines"),
    ("5,40 12810 0,50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("params=12810 err=5.4 time=0.5 min", (5.4, 12810, 0.5), "more than plain numbers"),
    ("5.40% error, 12810 parameters, 0.50 minutes", (5.4, 12810, 0.5), "more than plain numbers"),
    ("error params minutes: 5.40 12810 0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("test accuracy: 94.6 test error: 5.4 weights: 12810 minutes: 0.5", (5.4, 12810, 0.5), "more than plain numbers"),
    ("error rate: 5.4 parameters: 12810 minutes: 0.5", (5.4, 12810, 0.5), "more than plain numbers"),
    ("misclassification rate 5.4%, weights 12810, time 0.5", (5.4, 12810, 0.5), "more than plain numbers"),
    ("train error: 1.5%, test error: 5.4%, weights: 12810, time: 0.5", (5.4, 12810, 0.5), "more than plain numbers"),
])
def test_lines_of_results_that_can_be_read(text, values, remark):
    read, remarks = records.read_output(CNN, text, measured=False)
    assert (read["errors"][0], read.get("parameters"), read.get("minutes")) == values
    assert [remark in line for line in remarks] == ([True] if remark else [])


def test_an_autoencoder_may_have_few_parameters():
    """A classifier has more than its ten outputs; the bundle's autoencoder has eight."""
    read, remarks = records.read_output("task1_autoencoder.py", "0.00 8 0.10\n", measured=True)
    assert read == {"errors": [0.0], "parameters": 8, "minutes": 0.1} and not remarks


@pytest.mark.parametrize("text, part", [
    ("", "printed nothing"), ("\n \n", "printed nothing"), ("5.40", "printed 1 numbers in its last line, expected 3"),
    ("5.40 12810 0.50 7", "printed 4 numbers"), ("101 12810 0.5", "cannot be"), ("nan 12810 0.5", "cannot be"),
    ("5.40 12810.5 0.5", "cannot be"), ("5.40 -3 0.5", "cannot be"), ("5.4.0 12810 0.5", "printed 2 numbers"),
    ("no", "printed no numbers"), ("accuracy 94.60 12810 0.50", "words say something else"),
    ("minutes params error: 0.50 12810 5.40", "words say something else"), ("5.4 12.8k 0.5", "printed 2 numbers"),
    ("epoch 1 90.00 12810 0.01\nDone.", "printed 4 numbers"), ("90.00 12810 0.01\n2 5.40 12810 0.50", "4 numbers"),
    ("rate: 5.4, parameters: 12810, minutes: 0.5", "numbers whose words are not understood, expected 3"),
    ("5.40,12,810,0.50", "printed no numbers"), ("1795750803.6 5.40 12810 0.50", "printed 4 numbers"),
    ("error: 5.4 weights: 12810 weights: 12000 minutes: 0.5", "printed 4 numbers"),
])
def test_lines_of_results_that_cannot_be_read(text, part):
    try:
        _, (remark,) = records.read_output(CNN, text, measured=False)
    except ValueError as error:
        remark = str(error)
    assert part in remark


@pytest.mark.parametrize("after", [
    "per class errors: 1.0 2.0 0.5", "per class errors: 1.0 20 0.5", "worst classes: 3 5 8", "worst classes: 3 57 8",
    "often confused: 3 57 8", "(1000, 28, 28)", "(10, 28, 28)", "(1000, 28, 28, 1)", "(28, 28)", "1.0 2.0 0.5 0.3",
    "shape: 10 28 28",
])
@pytest.mark.parametrize("measured", [False, True])
def test_a_line_of_other_numbers_after_the_results(after, measured):
    read, _ = records.read_output(CNN, f"5.40 12810 0.30\n{after}\n", measured)
    assert read == {"errors": [5.4], "parameters": 12810, "minutes": 0.3}


@pytest.mark.parametrize("text, error", [
    ("Epoch 1 0.5 0.9 0.3\nFinal: 5.40 12810 0.30", 5.4), ("90.00 12810 0.10\nFinal: 5.40 12810 0.30", 5.4),
    ("90,00 12810 0,10\n5,40 12810 0,30", 5.4), ("90.00 12810 0.10\n5 12810 1", 5), ("5 100 1", 5),
    ("one: 7.00 5000 0.1\nall: 5.40 12810 0.30", 5.4), ("90.00 5000 0.10\n5.40 12810 0.30", 5.4),
])
def test_the_last_line_of_results_counts(text, error):
    assert records.read_output(CNN, text, False)[0]["errors"] == [error]


@pytest.mark.parametrize("last", ["nan 12810 0.50", "101 12,810 0.50", "final: 5.40 12810 -0.50"])
def test_a_last_result_that_cannot_be_is_not_passed_over(last):
    with pytest.raises(ValueError, match=last[-10:]):
        records.read_output(CNN, f"5.40 12810 0.30\n{last}", False)


@pytest.mark.parametrize("after", ["confused: 1.5 20 0.3", "12.5 0.3"])
def test_two_lines_that_may_be_the_results(after):
    with pytest.raises(ValueError, match="two lines that may be its results: '" + after):
        records.read_output(CNN, f"5.40 12810 0.30\n{after}", False)


def test_a_line_for_each_number():
    values, remarks = records.read_output(CNN, "Minutes: 0.5\nError: 5.4 %\nParameters: 12,810\n", False)
    assert values == {"errors": [5.4], "parameters": 12810, "minutes": 0.5}
    assert [remark.split(":")[0] for remark in remarks] == ["printed 3 lines instead of one",
                                                            "printed more than plain numbers"]


def test_seconds_are_no_minutes():
    assert records.read_output(CNN, "error: 5.4 weights: 12810 time: 30 s", False)[0] == {
        "errors": [5.4], "parameters": 12810}


@pytest.mark.parametrize("text", [
    "4.10 12.30 100 0.50", "classifier 12.3, decoder 4.1, parameters 100, minutes 0.5",
    "decoder error: 4.1 classifier error: 12.3 parameters: 100 minutes: 0.5"])
def test_two_errors(text):
    assert records.read_output("task2_multitask.py", text, False)[0] == {
        "errors": [4.1, 12.3], "parameters": 100, "minutes": 0.5}


@pytest.mark.parametrize("stdout, spoke, reason", [
    ("5.00 100 0.01\n", 2.0, ""), ("5.00 100 0.01\n", 5.9, "ended after 6 s"), ("training\n", 2.0, "ended after 6 s"),
], ids=["it stays after its line", "it still says something", "no line"])
def test_a_thread_or_a_window_that_stays(stdout, spoke, reason):
    outcome = sandbox.Outcome("ended after 6 s", stdout, "", 6.0, spoke, "", "", True)
    kept = records.record(CNN, outcome, audits.Digits([], []), False)
    assert kept["reason"] == reason and ("errors" in kept) == (not reason)
    assert ["did not end by itself" in remark for remark in kept["remarks"]] == [True] * (not reason)


@pytest.mark.parametrize("status", ["ended with status 2", "ended with status 134, as after SIGABRT"])
def test_what_ends_badly_is_quoted(status):
    outcome = sandbox.Outcome(status, "", "usage: a.py\na.py: error: --epochs is missing\n", 1.0, 0.0, "", "", True)
    kept = records.record(CNN, outcome, audits.Digits([], []), False)
    assert kept["reason"] == f"{status}: a.py: error: --epochs is missing"


def test_without_labels_the_printed_error_does_not_matter():
    assert records.read_output(CNN, "nan 100 0.5", measured=True)[0]["parameters"] == 100


def test_standard_error_is_quoted_without_tensorflow():
    greeting = "WARNING: All log messages before absl::InitializeLog()\nI0000 00:00:1795.6 6825 port.cc:153] on"
    library = ("/v/lib/site-packages/keras/src/iterator.py:74: UserWarning: `shuffle=True` was passed\n"
               "  self.adapter = adapter(\nWARNING:tensorflow:From /v/compat.py:98: x is deprecated\n"
               "Instructions for updating:\nuse y\n")
    for stderr, remarks in (greeting, []), (f"{greeting}\nw.py:3: UserWarning: no\n", ["w.py:3: UserWarning: no"]), (
            library, []), (f"{library}w.py:3: UserWarning: no\n  x()\n", ["w.py:3: UserWarning: no"]):
        outcome = sandbox.Outcome("", "5.00 100 0.01\n", stderr, 1.0, 1.0, "", "", True)
        kept = records.record(CNN, outcome, audits.Digits([], []), False)
        assert kept["remarks"] == [f"wrote to standard error: {line}" for line in remarks] and kept["errors"] == [5.0]


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", '{"no random seeds": "fine", "x": 3, "parameters": "5"}'])
def test_reports_that_say_nothing(text):
    assert records.read_report(text) == {}


def test_a_long_line_is_quoted_from_its_end():
    """What was cut off is seen."""
    line = f"{'Results of the network: ' * 3}error rate: 5.40 %, parameters: 12810, minutes: 0.30"
    _, (remark,) = records.read_output(CNN, line, measured=False)
    assert remark.endswith("parameters: 12810, minutes: 0.30'") and ": '…" in remark
