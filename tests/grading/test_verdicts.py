"""From records to verdicts: audits, remarks, reports that accuse, what a teacher decides."""

from grading import feedback, verdicts, watch

import pytest
from conftest import SCRIPTS
from handins import CNN, entry


@pytest.mark.parametrize("audit, usual, state, hint", [
    (99.0, 5.0, "valid, high performance", None), (98.1, 5.0, "valid, high performance", None),
    (97.0, 5.0, "valid, high performance", "3.0% of the test digits still get"), (79.0, 5.0, "not valid", None),
    (88.0, 5.0, "valid, high performance", "12.0% of the test digits still get"),  # as one that learned nothing
    (98.0, 11.0, "valid", None),
])
def test_what_an_audit_says(audit, usual, state, hint):
    verdict = verdicts.judge(CNN, 3, entry([usual, usual + 0.1, usual - 0.1], audit))
    assert verdict["state"] == state, verdict
    assert [hint in line for line in verdict["hints"]] == ([True] if hint else [])


def test_an_audit_that_crashes_is_for_a_person():
    crashed = entry([5.0, 5.1])
    crashed["jobs"]["contradiction"] = {"reason": "ended with status 1", "remarks": [], "report": {}, "walled": True}
    verdict = verdicts.judge(CNN, 2, crashed)
    assert verdict["state"] == "valid, high performance"
    assert verdict["hints"] == ["not audited (contradiction): ended with status 1"]


def test_blocks_that_are_regenerated_too_well():
    autoencoder = entry([0.0, 0.0])
    autoencoder["jobs"]["blocks"] = autoencoder["jobs"].pop("contradiction") | {"errors": [0.5]}
    for reports, state in ({}, "valid, high performance"), ({watch.TRAINED: "failed: none"}, "not valid"):
        for job in autoencoder["jobs"].values():
            job["report"] = job["report"] | reports
        verdict = verdicts.judge(SCRIPTS[0], 2, autoencoder)
        assert verdict["state"] == state
        texts = verdict["hints"] + verdict["reasons"]
        assert any("blocks of random pixels its error is 0.50%" in text for text in texts)


def test_a_training_without_gradients_that_were_seen():
    """It may be written out by hand: only where an audit shows that nothing was learned is it a reason."""
    for audit, kind in (99.0, "hints"), (50.0, "reasons"):
        unseen = entry([5.0], audit)
        for job in unseen["jobs"].values():
            job["report"] = job["report"] | {watch.TRAINED: "failed: no gradient was seen"}
        verdict = verdicts.judge(CNN, 1, unseen)
        assert [f"{watch.TRAINED}: no gradient was seen" in text for text in verdict[kind]].count(True) == 1
        assert not any(watch.TRAINED in text for text in verdict[{"hints": "reasons"}.get(kind, "hints")])


def test_several_models_of_which_one_may_predict():
    """Where it cannot be told which, a person decides about the count, and the limit holds for what is printed."""
    several = entry([5.0])
    report = several["jobs"]["run 1"]["report"]
    del report["parameters"]
    report["together"] = 2_000_000
    verdict = verdicts.judge(CNN, 1, several)
    assert verdict["state"] == "valid, high performance" and verdict["parameters"] == 100
    assert ["2,000,000 together" in text for text in verdict["hints"]] == [True]


def test_minutes_by_the_graders_clock_are_said_to_be_so():
    slow = entry([5.0])
    slow["jobs"]["run 1"]["spoke"] = 330
    assert verdicts.judge(CNN, 1, slow)["reasons"] == [
        "5.50 minutes are over 5 (by the grader's clock, until its last line; 0.01 are printed)"]


@pytest.mark.parametrize("printed, seconds, counted, remarked", [
    (18.2, 20, 20 / 60, True), (5.5, 20, 20 / 60, True), (1, 35, 1, False), (0.4, 20, 0.4, False),
    (5.52, 331, 5.52, False), (331, 331, 331 / 60, True),
])
def test_a_printed_time_that_the_process_did_not_take(printed, seconds, counted, remarked):
    """Seconds that are printed as minutes are to mend; the clock of the grader counts."""
    told = entry([5.0])
    told["jobs"]["run 1"] |= {"minutes": printed, "seconds": seconds, "spoke": seconds}
    verdict = verdicts.judge(CNN, 1, told)
    assert verdict["minutes"] == pytest.approx(counted) and bool(verdict["reasons"]) == (counted > 5)
    assert ["seconds divided by 60" in feedback.advice(text, {})[0] for text in verdict["remarks"]] == [True] * remarked


def test_tensorflow_that_only_the_runs_show():
    other = entry([5.0], source={"no random seeds": "passed", "uses TensorFlow": "failed: it is not imported"})
    verdict = verdicts.judge(CNN, 1, other)
    assert verdict["state"].startswith("valid") and "it was there in the runs" in verdict["hints"][0]


def test_strict_makes_remarks_fatal():
    remarked = entry([5.0])
    remarked["jobs"]["run 1"]["remarks"] = ["wrote to standard error: a warning"]
    assert verdicts.judge(CNN, 1, remarked)["state"] == "valid, high performance"
    assert verdicts.judge(CNN, 1, remarked)["remarks"] == ["wrote to standard error: a warning"]
    assert verdicts.judge(CNN, 1, remarked, strict=True)["state"] == "not valid"


def test_a_report_that_accuses_in_any_run_counts():
    """So a script cannot be honest in one run only."""
    accused = entry([5.0, 5.1])
    accused["jobs"]["run 2"]["report"] |= {watch.LAST: "failed: after it was opened came 3 training steps",
                                           "parameters": 2000}
    verdict = verdicts.judge(CNN, 2, accused)
    assert verdict["reasons"] == ["parameters as printed: 100 are printed, but the models that predicted have 2,000"]
    assert verdict["remarks"] == ["test digits read last: after it was opened came 3 training steps"]


@pytest.mark.parametrize("task, audit, error, kind", [
    (CNN, "contradiction", 99.0, "remarks"), (CNN, "contradiction", 50.0, "reasons"),
    (SCRIPTS[0], "blocks", 7.0, "remarks"), (SCRIPTS[0], "blocks", 3.0, "reasons"),
])
def test_test_digits_that_are_read_early(task, audit, error, kind):
    """To read them first is to mend; it is a reason where an audit shows that they were used."""
    early = entry([3.0, 3.1], error)
    early["jobs"][audit] = early["jobs"].pop("contradiction")
    for job in early["jobs"].values():
        job["report"] = job["report"] | {watch.LAST: "failed: after it was opened came 3 training steps"}
    verdict = verdicts.judge(task, 2, early)
    assert verdict["state"].startswith("valid" if kind == "remarks" else "not valid")
    assert "test digits read last: after it was opened came 3 training steps" in verdict[kind]
    assert sum("read last" in text for part in ("reasons", "remarks", "hints") for text in verdict[part]) == 1


@pytest.mark.parametrize("task, audit, error", [(SCRIPTS[0], "blocks", 13.1), (CNN, "contradiction", 70.0)])
def test_a_network_that_learned_nothing_is_not_accused(task, audit, error):
    """It is over its limit, with the data as they are and altered: that is the only reason."""
    nothing = entry([error, error], error)
    nothing["jobs"][audit] = nothing["jobs"].pop("contradiction")
    for job in nothing["jobs"].values():
        job["report"] = job["report"] | {watch.LAST: "failed: 3 training steps", watch.TRAINED: "failed: no gradient"}
    verdict = verdicts.judge(task, 2, nothing)
    assert len(verdict["reasons"]) == 1 and f"error {error:.2f}% is over" in verdict["reasons"][0]
    assert len(verdict["remarks"]) == 1 and watch.LAST in verdict["remarks"][0]


@pytest.mark.parametrize("printed, untrained, kind", [
    (100, 0, None), (90, 10, "remarks"), (90, 9, "reasons"), (90, 0, "reasons")])
def test_weights_that_are_not_trained_and_not_counted(printed, untrained, kind):
    """Averages of batch normalization are often forgotten, and little."""
    counted = entry([5.0])
    counted["jobs"]["run 1"]["parameters"] = printed
    counted["jobs"]["run 1"]["report"]["untrained"] = untrained
    verdict = verdicts.judge(CNN, 1, counted)
    assert [line for line in verdict["reasons"] + verdict["remarks"] if "are printed, but" in line] == verdict.get(
        kind, [])
    assert verdict["parameters"] == 100
    counted["jobs"]["run 1"]["report"] |= {"parameters": 1_000_001, "untrained": 999_999}
    assert "1,000,001 parameters are over 1,000,000" in verdicts.judge(CNN, 1, counted)["reasons"]


@pytest.mark.parametrize("states, state, text", [
    ([["NumPy a"], ["NumPy b"]], "valid, high performance", "2 runs: a seed, or a start by formula?"),
    ([["NumPy a", "Python x"], ["NumPy a", "Python y"]], "not valid", "2 runs, and so are the random numbers of NumPy"),
])
def test_the_same_start_in_all_runs(states, state, text):
    """A formula gives it as well as a seed; only a seed makes random numbers the same."""
    same = entry([5.0, 5.1], hints=["task3_cnn.py, line 2: pickle"])
    for number, said in enumerate(states, 1):
        same["jobs"][f"run {number}"]["report"] |= {"starts": ["a" * 16], "states": said}
    verdict = verdicts.judge(CNN, 2, same)
    assert verdict["state"] == state and text in (verdict["reasons"] + verdict["hints"])[0]


def test_a_script_that_uses_something_else_than_tensorflow():
    """It is told so, and not only that the other package is missing."""
    other = entry([], source={"no random seeds": "passed", "uses TensorFlow": "failed: it is not imported"})
    other["jobs"]["run 1"] = {"reason": "ended with status 1: No module named 'torch'", "remarks": [], "report": {}}
    assert verdicts.judge(CNN, 1, other)["reasons"] == ["run 1: ended with status 1: No module named 'torch'",
                                                        "uses TensorFlow: it is not imported"]


def test_an_audit_names_the_files_of_a_hand_in():
    own = entry([5.0], 0.0, hints=["data.npz: a file of 90,000 bytes that is not Python"])
    assert verdicts.judge(CNN, 1, own)["reasons"][0].endswith("alone; it has files of its own: data.npz")


def test_what_is_missing_is_taken_from_the_grader():
    """Minutes from its clock, parameters from the count."""
    silent = entry([5.0])
    for name in "minutes", "parameters":
        del silent["jobs"]["run 1"][name]
    verdict = verdicts.judge(CNN, 1, silent)
    assert verdict["minutes"] == 1 / 60 and verdict["parameters"] == 100


def test_what_is_the_same_for_many_is_said_once():
    graded = {name: {CNN: verdicts.judge(CNN, 1, entry([5.0], source={
        "no random seeds": "not checked: x", "uses TensorFlow": "passed"}))} for name in "abc"}
    assert verdicts.not_checked(graded) == [f"3 of 3, {CNN}: no random seeds: x"]
    for verdict in graded["c"].values():
        del verdict["mean"]  # it gave no result, so that there is nothing that could have been checked
    assert verdicts.not_checked(graded) == [f"2 of 3, {CNN}: no random seeds: x"]
