"""The tables for a spreadsheet: a row for each script, a row for each student, and when they handed in."""

import csv
import io
import os
import zipfile
from datetime import datetime

from grading import dates, ranking, spreadsheet, submissions, verdicts

from handins import CNN, LINE, entry

RNN = "task4_rnn.py"


def rows(path):
    """Return the rows of a table, dictionaries; Excel needs the mark at the begin of the file."""
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def sized(errors, parameters):
    """Return an entry with errors and a number of parameters."""
    one = entry(errors)
    for job in one["jobs"].values():
        job["parameters"] = job["report"]["parameters"] = parameters
    return one


def test_a_row_for_each_student(tmp_path):
    entries = {"Jörg": {CNN: sized([5.0, 6.0], 100), RNN: {"missing": "not handed in"}},
               "=1+1": {CNN: sized([4.0, 4.0], 100), RNN: sized([3.0], 50)},
               "\udcff": {CNN: sized([13.0, 13.0], 10), RNN: sized([3.5], 70)}}
    judged = {name: {task: verdicts.judge(task, 2 if task == CNN else 1, one) for task, one in tasks.items()}
              for name, tasks in entries.items()}
    judged["Jörg"][RNN] |= {"overruled": "invalid: copied", "note": "ask him"}
    students = spreadsheet.write_tables(tmp_path / "r.csv", judged, {"Jörg": "2026-11-27 09:00"})
    assert students == tmp_path / "r_students.csv"
    first, second, third = rows(students)
    assert first == {
        "submission": "Jörg", "date": "2026-11-27 09:00", "task3_cnn verdict": "valid, high performance",
        "task3_cnn digit error": "5.50", "task3_cnn parameters": "100", "task3_cnn minutes": "0.02",
        "task3_cnn rank by errors": "2", "task3_cnn rank by parameters": "1", "task3_cnn rank by minutes": "1",
        "task3_cnn decision": "", "task3_cnn note": "", "task4_rnn verdict": "not valid", "task4_rnn digit error": "",
        "task4_rnn parameters": "", "task4_rnn minutes": "", "task4_rnn rank by errors": "",
        "task4_rnn rank by parameters": "", "task4_rnn rank by minutes": "", "task4_rnn decision": "invalid: copied",
        "task4_rnn note": "ask him"}
    assert (second["submission"], second["task3_cnn rank by errors"], second["task4_rnn rank by errors"]) == (
        "'=1+1", "1", "1")  # no formula
    assert third["task3_cnn verdict"] == "not valid" and third["task3_cnn rank by errors"] == ""
    one, other, *_ = rows(tmp_path / "r.csv")
    assert (one["mean_errors"], one["standard_deviations"]) == ("5.50", "0.71") and other["reasons"] == "not handed in"
    assert rows(tmp_path / "r.csv")[3]["standard_deviations"] == ""  # of one run


def test_what_is_equal_shares_a_rank():
    graded = {name: verdicts.judge(CNN, 1, sized([error], size)) for name, error, size in (
        ("a", 5.0, 10), ("b", 4.0, 10), ("c", 5.0, 20), ("d", 6.0, 30), ("e", 20.0, 1))}
    places = ranking.ranks(graded)
    assert {name: places[name][0] for name in places} == {"a": 2, "b": 1, "c": 2, "d": 4}
    assert {name: places[name][1] for name in places} == {"a": 1, "b": 1, "c": 3, "d": 4}


def test_when_it_was_handed_in(tmp_path):
    """By the files, those in an archive, or what a platform says; without a date there is none."""
    def at(path, *fields):
        os.utime(path, (datetime(*fields).timestamp(),) * 2)

    def archive(path, date):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(zipfile.ZipInfo("task3.py", date), LINE)

    (tmp_path / "anna").mkdir()
    for name, day in ("task3.py", 3), ("task4.py", 5), ("dataset.txt", 9):
        (tmp_path / "anna" / name).write_text(LINE)
        at(tmp_path / "anna" / name, 2026, 1, day, 10)
    archive(tmp_path / "ben.zip", (2026, 2, 1, 12, 30, 0))
    archive(tmp_path / "cleo.zip", (1980, 1, 1, 0, 0, 0))
    at(tmp_path / "cleo.zip", 2026, 3, 1)
    archive(tmp_path / "Task 3_dan_attempt_2026-04-01-09-00-00_task3.zip", (2026, 1, 1, 0, 0, 0))
    archive(tmp_path / "liada_LATE_1234_90001_task3.zip", (2026, 5, 1, 8, 0, 0))
    found, when = dates.taken_off(submissions.read_class(tmp_path)[0] | {"none": "cannot be read"})
    assert when == {"anna": "2026-01-05 10:00", "ben": "2026-02-01 12:30", "cleo": "2026-03-01 00:00",
                    "dan": "2026-04-01 09:00", "liada": "2026-05-01 08:00 late", "none": ""}
    assert all(type(content) is bytes for name in when if name != "none" for content in found[name].values())
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:  # the class in one archive
        file.writestr(zipfile.ZipInfo("class/eva/task3.py", (2026, 6, 1, 7, 0, 0)), LINE)
        file.writestr(zipfile.ZipInfo("class/fay/task3.py", (1980, 0, 0, 0, 0, 0)), LINE)
    (tmp_path / "class.zip").write_bytes(whole.getvalue())
    _, when = dates.taken_off(submissions.read_class(tmp_path / "class.zip")[0])
    assert when == {"eva": "2026-06-01 07:00", "fay": ""}
