"""What a teacher decides, and where it is seen."""

import unicodedata

from grading import decisions, feedback, output, submissions, verdicts
from grading.decisions import Decision

import pytest
from handins import CNN, LINE, entry, grade_here, hand_ins


@pytest.mark.parametrize("decision, error, state, reasons", [
    ("remark", 5.0, "valid, high performance", []), ("valid", 5.0, "valid", []),
    ("remark", 13.0, "not valid", ["digit error 13.00% is over 12%"]), ("valid", 13.0, "valid", []),
    ("invalid", 5.0, "not valid", ["no random seeds: line 3", "it was agreed"]), ("", 5.0, "not valid", [
        "no random seeds: line 3"]),
])
def test_a_teacher_overrules(decision, error, state, reasons):
    seeds = {"no random seeds": "failed: line 3", "uses TensorFlow": "passed"}
    verdict = verdicts.judge(CNN, 1, entry([error], source=seeds))
    assert verdict["state"] == "not valid"
    after = decisions.overrule(CNN, verdict, Decision(decision, "it was agreed", "ask her"))
    assert (after["state"], after["reasons"], after["note"]) == (state, reasons, "ask her")
    assert after.get("overruled", "") == (f"{decision}: it was agreed" if decision else "")
    assert ("no random seeds: line 3" in after["remarks"]) == (decision in ("remark", "valid"))
    told = feedback.feedback({CNN: after}, {})  # a student does not know the word "remark"
    said = {"remark": "to mend, but not invalid: it was agreed", "": None}.get(decision, f"{decision}: it was agreed")
    assert (f"Your teacher has decided: {said}\n" in told) == bool(decision) == ("Your teacher" in told)


def test_a_crash_is_no_limit():
    """Its message may have the words of one."""
    verdict = verdicts.judge(CNN, 1, entry([])) | {"reasons": ["run 1: ended with status 1: jumped over 12"]}
    assert decisions.overrule(CNN, verdict, Decision("remark", "mended"))["reasons"] == []


def test_limits_hold_however_they_are_told(monkeypatch):
    """Also where the clock of the grader tells, and where a limit is no whole number."""
    monkeypatch.setitem(decisions.TASKS, CNN, decisions.TASKS[CNN]._replace(limits=[7.5], parameters=50, minutes=0.5))
    over = entry([8.0])
    over["jobs"]["run 1"]["spoke"] = 60
    verdict = verdicts.judge(CNN, 1, over)
    after = decisions.overrule(CNN, verdict, Decision("remark", "agreed"))
    assert len(verdict["reasons"]) == 3 and after["reasons"] == verdict["reasons"] and after["state"] == "not valid"


def test_decisions(tmp_path):
    """Spreadsheets fill rows up with empty cells."""
    path = tmp_path / "decisions.csv"
    path.write_text('submission,script,decision,why,,\na,task3,remark,"agreed, on paper",,\n,,,\n'
                    "b,task4_rnn.py,Invalid,copied\nb,task4,note,told her\na,task4,note,late\na,task4,note,ill\n")
    assert decisions.read_decisions(path, {"a", "b"}) == {
        ("a", CNN): Decision("remark", "agreed, on paper"), ("a", "task4_rnn.py"): Decision(note="late; ill"),
        ("b", "task4_rnn.py"): Decision("invalid", "copied", "told her")}
    for line in "a,task3,fine,why", "a,task3,valid", "a,task9,valid,why", "a,task3,valid,", "z,task3,valid,why", (
            "a,task3,valid,so,and so"):
        path.write_text(line)
        with pytest.raises(ValueError, match="line 1: (expected|no such submission)"):
            decisions.read_decisions(path, {"a", "b"})
    path.write_text("a,task3,valid,so\na,task3,invalid,or so\n")
    with pytest.raises(ValueError, match=f"line 2: a, {CNN} is decided in another line: valid: so"):
        decisions.read_decisions(path, {"a", "b"})


def test_a_student_does_not_see_a_note(tmp_path, monkeypatch, capsys):
    """The teacher does, everywhere else."""
    folder, table = hand_ins(tmp_path, {"a": LINE}), tmp_path / "decisions.csv"
    table.write_text("a,task3,invalid,copied from b\na,task3,note,she has said so\n")
    paths = ["--csv", tmp_path / "r.csv", "--feedback", tmp_path / "texts", "--json", tmp_path / "r.json"]
    assert grade_here(monkeypatch, folder, "--runs", "1", "--overrule", table, *paths, CNN) == 1
    text, said = (tmp_path / "texts" / "a.txt").read_text(), capsys.readouterr().out
    assert text.count("copied from b") == 1 and "Your teacher has decided: invalid: copied from b" in text
    assert "she has said so" not in text
    assert "Your notes:\na task3_cnn.py: she has said so\n" in said and "invalid: copied from b" in said
    for name in "r.csv", "r_students.csv", "r.json":
        assert "she has said so" in (tmp_path / name).read_text(), name


def test_names_of_two_unicode_forms_are_one(tmp_path):
    """Of two folders, and of a folder and a decision: nobody sees the difference."""
    composed, decomposed = (unicodedata.normalize(form, "Jörg") for form in ("NFC", "NFD"))
    for name, script in (composed, "task3.py"), (decomposed, "task4.py"), ("Ada Li", "task3.py"):
        (tmp_path / "class" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "class" / name / script).write_text(LINE)
    found, _ = submissions.read_class(tmp_path / "class")
    assert found == {composed: dict.fromkeys(["task3.py", "task4.py"], LINE.encode()), "Ada Li": {
        "task3.py": LINE.encode()}}
    (tmp_path / "d.csv").write_text(f"{decomposed},task3,valid,ill\nada\N{NO-BREAK SPACE}Li,task3,valid,ill\n")
    assert set(decisions.read_decisions(tmp_path / "d.csv", found)) == {(composed, CNN), ("Ada Li", CNN)}


CRASHES = "if 0: import keras\nimport nothing_like_it"


def test_nothing_could_be_graded(tmp_path, monkeypatch, capsys):
    """A run that graded nothing says so first, and why."""
    folder = hand_ins(tmp_path, {"a": CRASHES, "b": CRASHES, "c": {"notes.py": ""}})
    assert grade_here(monkeypatch, folder, "--runs", "2", CNN) == 1
    said = capsys.readouterr().out
    assert said.startswith("2 runs of each script on ") and (
        "\n\nNothing could be graded: no run of any script gave a result.\n- 2 of 3: run 1, 2: ended with status 1: "
        f"ModuleNotFoundError: No module named 'nothing_like_it' ({CNN}, line 2)\n- 1 of 3: not handed in") in said


def test_one_run_has_no_deviation(capsys):
    for errors, shown in ([5.0], "| 5.00 | 5.00 |"), ([5.0, 6.0], "| 5.50 ± 0.71 | 6.00 |"):
        graded = {"a": {CNN: verdicts.judge(CNN, len(errors), entry(errors))}}
        output.show(graded, "a machine", len(errors))
        said = capsys.readouterr().out
        assert shown in said and ("±" in said) == (len(errors) > 1) and "1 runs" not in said
        assert "1 runs" not in feedback.feedback(graded["a"], {})
