"""A class of sixty, from the first look to the texts: what a teacher gets, and that it does not take long."""

import csv
import json
import time

from grading import report

from handins import CNN, grade_here, hand_ins, judged

RNN = "task4_rnn.py"


def script(number, task):
    """Return the script of a made-up student: it prints a line, and some do not, or have not handed it in (None)."""
    if number % 20 == 7 and task == RNN:
        return None
    if number % 20 == 13:
        return "if 0: import keras\nprint(undefined)"
    return f"if 0: import keras\nprint('{2 + number / 5:.2f} {1000 + 10 * (number // 2)} 0.10')"


def test_a_class_of_sixty(tmp_path, monkeypatch, capsys, write, lines):
    names = [f"student {number:02}" for number in range(60)]
    folder = hand_ins(tmp_path, {name: {task: text for task in (CNN, RNN) if (text := script(number, task))}
                                 for number, name in enumerate(names)})
    paths = [part for option, name in {"--json": "r.json", "--csv": "r.csv", "--report": "r.html",
                                       "--feedback": "texts"}.items() for part in (option, tmp_path / name)]
    data = ["--dataset", write(lines[:20])]
    monkeypatch.setattr(report, "charts", lambda *_: [])  # drawn in test_reports.py; here they would take seconds
    start = time.process_time()
    assert grade_here(monkeypatch, folder, "--runs", "1", *data, *paths[:2], CNN, RNN) == 1  # a first look
    (folder / "student 13" / CNN).write_text(script(14, CNN))
    table = tmp_path / "decisions.csv"
    table.write_text("student 59,task3,valid,ill\nstudent 00,task4,invalid,copied\nstudent 01,task4,note,by whom?\n")
    capsys.readouterr()
    assert grade_here(monkeypatch, folder, "--runs", "5", *data, *paths, "--resume", "--overrule", table, CNN, RNN) == 1
    spent = time.process_time() - start

    said = capsys.readouterr()
    # Five runs and the audit of the script that was mended, four runs of each other, of which three are missing.
    assert f"{6 + 4 * (120 - 3 - 1)} runs to make" in said.err
    verdicts = judged(tmp_path / "r.json")
    assert list(verdicts) == names and len(list((tmp_path / "texts").iterdir())) == 60
    made = json.loads((tmp_path / "r.json").read_text())["submissions"]
    for number, name in enumerate(names):
        for task in CNN, RNN:
            jobs = [job for job in made[name][task].get("jobs", {}) if job.startswith("run ")]
            mended = name == "student 13" and task == CNN
            assert len(jobs) == (0 if script(number, task) is None else 2 if number % 20 == 13 and not mended else 5)
    assert "is over 12%" in (tmp_path / "texts" / "student 55.txt").read_text()
    text = (tmp_path / "texts" / "student 33.txt").read_text()
    assert "name 'undefined' is not defined (task4_rnn.py, line 2)" in text
    with open(tmp_path / "r_students.csv", newline="", encoding="utf-8-sig") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    assert list(rows) == names and all(row["date"] for row in rows.values())
    assert [rows["student 59"][f"task3_cnn {what}"] for what in ("verdict", "decision")] == ["valid", "valid: ill"]
    assert rows["student 00"]["task4_rnn verdict"] == "not valid" and rows["student 07"]["task4_rnn digit error"] == ""
    page = (tmp_path / "r.html").read_text()
    assert all(name in page for name in names)
    assert spent < 60
