"""What the grader writes for people: the page for the teacher, texts for students, tables."""

from grading import feedback, output, report, verdicts

import numpy as np
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
            job["minutes"] = float(random.uniform(0.1, 5.5))
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
    for name in "student 07", "absent", "not handed in", "nothing found":
        assert name in text


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


def test_the_terminal_cannot_be_steered(capsys):
    output.show(a_class(6)[0], "a machine", 5)
    assert "\x1b" not in capsys.readouterr().out
