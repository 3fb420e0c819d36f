"""What the grader writes for people: the page for the teacher, texts for students, tables."""

import re
from types import SimpleNamespace

from grading import changes, decisions, feedback, known, output, report, verdicts

import numpy as np
import pytest
from conftest import SCRIPTS
from handins import CNN, entry


def a_class(count):
    """Return verdicts and entries of a class, some of whose members try to break the report."""
    random = np.random.default_rng()
    nasty = ["<script>alert(1)</script>", "=1+1", "a\x1b[31m\"'&", "\udcff", "$x_{1}$ 数字"]
    entries = {}
    for number in range(count):
        name = nasty[number] if number < len(nasty) else f"student {number:02}"
        errors = random.normal(random.uniform(2, 13), 0.3, 5).round(2)
        one = entry([float(abs(error)) for error in errors], hints=["<b>line 3</b>"] * (number % 7 == 0))
        for job in one["jobs"].values():
            job["parameters"] = job["report"]["parameters"] = int(10 ** random.uniform(3.5, 6.2))
            job["minutes"], job["seconds"] = float(random.uniform(0.1, 5.5)), 400.0
        one["jobs"]["run 2"]["remarks"] = ["wrote to standard error: <img src=x onerror=alert(2)>"] * (number % 5 == 0)
        one["jobs"]["run 2"]["stderr"] = "</pre><script>alert(3)</script>"
        entries[name] = {CNN: one}
    entries["absent"] = {CNN: {"missing": "not handed in"}}
    return {name: {CNN: verdicts.judge(CNN, 5, tasks[CNN])} for name, tasks in entries.items()}, entries


def test_nothing_in_a_hand_in_becomes_markup():
    graded, entries = a_class(12)
    text = report.page(graded, entries, "a machine", 5)
    assert text.count("<script>") == text.count("</script>") == 1 and "<img src=x" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "\x1b" not in text and "\udcff" not in text
    assert "script-src 'sha256-" in text and "http://" not in text and "https://" not in text
    for name in "student 07", "absent", "not handed in", "uses TensorFlow: passed":
        assert name in text


@pytest.fixture
def no_charts(monkeypatch):
    """Leave out the pictures, which take time to draw."""
    monkeypatch.setattr(report, "charts", lambda *_: [])


def test_students_come_first_with_all_tasks_in_a_row(no_charts):
    graded, entries = a_class(6)
    for name, tasks in graded.items():
        two = {key: value * 2 for key, value in tasks[CNN].items() if key in ("mean", "standard_deviation")}
        graded[name] = {task: tasks[CNN] | (two if "task2" in task else {}) for task in SCRIPTS}
    text = report.page(graded, entries, "a machine", 1)
    overview = text[text.index("The students</h2>"):text.index("</table>")]
    row = next(row for row in overview.split("<tr>") if ">student 05<" in row)
    assert text.index("</table>") < text.index(f'<h2 id="{SCRIPTS[0]}">')
    assert row.count("state") == 4 and re.search(r">[04] of 4<", row) and "One run of each" in text
    assert overview.count("not handed in") == 4  # the absent one's


def test_a_script_without_a_result_has_no_basis(no_charts):
    crashed = entry([5.0])
    crashed["jobs"]["run 1"]["reason"] = "ended with status 1"
    del crashed["jobs"]["run 1"]["errors"]
    text = report.page({"anna": {CNN: verdicts.judge(CNN, 1, crashed)}}, {}, "a machine", 1)
    assert text.count('"small">no result<') == 1 and "as printed</td>" not in text and "measured</td>" not in text


def test_the_overview_says_why_there_is_no_result_and_who_was_late(no_charts):
    entries = {"anna": {CNN: {"missing": "not handed in"}}, "ben": {CNN: {"missing": "<b>"}},
               "carl": {CNN: entry([5.0])}}
    judged = {name: {CNN: verdicts.judge(CNN, 1, tasks[CNN])} for name, tasks in entries.items()}
    judged["ben"][CNN]["hints"], judged["carl"][CNN]["hints"] = ["x"], ["x", "y"]
    text = report.page(judged, entries, "a machine", 1, dates={"anna": "2024-05-06 07:08", "ben": "2024-05-07 late"})
    rows = text[text.index("The students</h2>"):text.index("</table>")].split("<tr>")[2:]
    said = [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]
    assert said == ["anna 2024-05-06 07:08 0 of 1 not valid not handed in",
                    "ben 2024-05-07 late 0 of 1 not valid &lt;b&gt; · to look at: 1",
                    "carl 1 of 1 valid, high performance 5.00% · to look at: 2"]
    assert ["decided" in row for row in rows] == [False, True, False]


def test_what_a_teacher_reads_in_the_ranking(no_charts):
    """Equal hand-ins share a rank, decisions and notes are there, and an audit says what it is."""
    entries = {name: {CNN: entry([errors] * 5)} for name, errors in {"anna": 5.0, "ben": 5.0, "carl": 6.0}.items()}
    judged = {name: {CNN: verdicts.judge(CNN, 5, tasks[CNN])} for name, tasks in entries.items()}
    judged["carl"][CNN] = decisions.overrule(CNN, judged["carl"][CNN], decisions.Decision("remark", "a <seed>", "ask"))
    text = report.page(judged, entries, "a machine", 5)
    ranking = text[text.index(f'<h2 id="{CNN}">'):text.index('<h2 id="each">')]
    rows = {name: next(row for row in ranking.split("<tr>") if f">{name}<" in row) for name in judged}
    assert [re.findall(r"rank (\d)", row) for row in rows.values()] == [["1"] * 3, ["1"] * 3, ["3", "1", "1"]]
    assert ["your decision: remark" in row for row in rows.values()] == [False, False, True]
    assert "You have decided: remark: a &lt;seed&gt;" in text and "Your note: ask" in text
    assert "An error near 100% is right here" in text and "no random seeds: passed" in text


def test_what_is_alike_stands_side_by_side(no_charts, capsys):
    """With nothing of it as markup, nor of what was changed."""
    script = "".join(f"model.add(first({number}), last='</pre><script>')\n\tb()\n" for number in range(12)).encode()
    compared = known.compare_class(CNN, {"anna": {CNN: script}, "ben": {CNN: script}, "<i>": {CNN: script}})
    changed = {"added": 1, "gone": 1, "remarks": [], "findings": {}, "differences": {CNN: changes.side_by_side(
        b"<b>old</b>\n" + b"x\n" * 9 + b"y", b"<b>new</b>\n" + b"x\n" * 9)}}
    entries = {name: {CNN: entry([5.0], changes=changed)} for name in ("anna", "ben", "<i>")}
    judged = decisions.judge_class(entries, [CNN], entries, SimpleNamespace(runs=1, strict=False), {CNN: compared})
    text = report.page(judged, entries, "a machine", 1, {CNN: compared})
    assert f"{CNN}: anna, ben and &lt;i&gt; are much alike (100% of the code)" in text
    assert text.count("<script>") == 1 and "<i>" not in text and "<b>" not in text
    assert text.count("<summary>anna and ") == 2 and "anna, task3_cnn.py, line 1" in text
    assert "&lt;b&gt;new" in text and "&lt;b&gt;old" in text and "…" in text
    output.show(judged, "a machine", 1)
    assert capsys.readouterr().out.count("are much alike") == 1


def test_the_pareto_front():
    points = {"a": (1, 5, 5), "b": (2, 4, 5), "c": (2, 5, 5), "d": (1, 5, 5), "e": (9, 9, 1)}
    assert report.pareto(points) == {"a", "b", "d", "e"}


def test_feedback(tmp_path):
    graded, _ = a_class(8)
    feedback.write_feedback(tmp_path, graded, {})
    assert len(list(tmp_path.iterdir())) == len(graded)
    assert (tmp_path / "absent.txt").read_text().startswith(f"{CNN}: not valid\n  Why it is not valid:\n"
                                                             "  - not handed in\n    Hand in a script of that name")
    text = feedback.feedback(graded["student 05"], {})
    assert "verbose" not in text and "The message is a warning of Python or Keras." in text and "<b>line" not in text


def test_a_hint_at_several_is_one_line(capsys):
    judged = {name: {CNN: verdicts.judge(CNN, 1, entry([5.0], hints=["look"]))} for name in ("anna", "ben")}
    output.show(judged, "a machine", 1)
    assert f"\nanna, ben {CNN}: look\n" in capsys.readouterr().out


def test_the_terminal_cannot_be_steered(capsys):
    output.show(a_class(6)[0], "a machine", 5)
    assert "\x1b" not in capsys.readouterr().out
