"""A crash is told so that its author can mend it, and nothing that follows from it is held against them."""

from grading import audits, crashes, feedback, jobs, records, sandbox, verdicts, watch

import pytest
from conftest import DATASET
from handins import CNN, LINE

WALLED, OPEN = "/scratch/submission", "/private/var/folders/x/T/grade-a1/submission"  # the latter on macOS
PACKAGES = "/home/me/.venv/lib/python3.12/site-packages"


def traceback(folder, *frames):
    """Return a traceback as Python writes it. frames: pairs of a path and a line of source."""
    texts = [f'  File "{path}", line {number}, in f\n    {source}\n    ~~~^^\n'
             for number, (path, source) in enumerate(frames, 1)]
    grader = [f'  File "{folder}/grader_watch/__main__.py", line 3, in <module>\n    main()\n',
              '  File "<frozen runpy>", line 88, in _run_code\n']
    return "".join(["Traceback (most recent call last):\n", *grader, *texts])


@pytest.mark.parametrize("folder", [WALLED, OPEN])
def test_a_name_that_is_not_defined(folder):
    text = traceback(folder, (f"{folder}/{CNN}", "main()"), (f"{folder}/support/script.py", "train()"),
                     (f"{folder}/{CNN}", "np.array(1)"), (f"{PACKAGES}/keras/src/trainer.py", "raise"))
    lines = crashes.cleaned(f"{text}NameError: name 'np' is not defined\n")
    assert lines == ["Traceback (most recent call last):",
                     f'  File "{CNN}", line 1, in f', "    main()", "    ~~~^^",
                     '  File "support/script.py", line 2, in f', "    train()", "    ~~~^^",
                     f'  File "{CNN}", line 3, in f', "    np.array(1)", "    ~~~^^",
                     "NameError: name 'np' is not defined"]
    assert crashes.told(lines) == f"NameError: name 'np' is not defined ({CNN}, line 3)"


@pytest.mark.parametrize("text, said", [
    (f'  File "{WALLED}/a.py", line 3\n    x = (\n        ^\nSyntaxError: \'(\' was never closed\n',
     "SyntaxError: '(' was never closed (a.py, line 3)"),
    (traceback(WALLED, (f"{WALLED}/a.py", "m(x)")) + "ValueError: Exception encountered when calling Dense.\n\n"
     "\x1b[1mInput 0 has another shape\x1b[0m\n\nArguments received:\n  • inputs=3\n",
     "ValueError: Exception encountered when calling Dense. Input 0 has another shape (a.py, line 1)"),
    (traceback(WALLED, (f"{WALLED}/a.py", "f()")) + "E: one\n\nDuring handling of the above exception, another "
     "exception occurred:\n\n" + traceback(WALLED, (f"{WALLED}/a.py", "f()"), (f"{WALLED}/b.py", "g()"))
     + "KeyError: 'two'\n", "KeyError: 'two' (b.py, line 2)"),
    (traceback(WALLED, (f"{PACKAGES}/keras/a.py", "f()")) + "E: in a library\n", "E: in a library"),
    ("a.py: error: --epochs is missing\n", "a.py: error: --epochs is missing"), ("", ""),
], ids=["syntax", "Keras", "another while handling one", "no line of its own", "no traceback", "nothing"])
def test_what_a_crash_was(text, said):
    assert crashes.told(crashes.cleaned(text)) == said


def crashed(stderr, status=1):
    """Return an entry with a run that crashed before it computed a gradient, and its verdict."""
    report = '{"trains by gradients": "failed: none was computed while the script ran", "parameters": 3}'
    outcome = sandbox.Outcome(f"ended with status {status}", "", stderr, 1.0, 0.0, report, "", True)
    entry = jobs.describe({CNN: f"import keras\n{LINE}".encode()}, CNN, None, audits.Data.read(DATASET))
    kept = records.record(CNN, outcome, audits.Digits([], []), False)
    entry["jobs"] = {"run 1": kept, "contradiction": kept}
    return entry, verdicts.judge(CNN, 1, entry)


def test_no_accusation_follows_from_a_crash():
    text = traceback(WALLED, (f"{WALLED}/{CNN}", "np.ones(3)"))
    entry, verdict = crashed(text + "NameError: name 'np' is not defined\n")
    assert verdict["reasons"] == [f"run 1: ended with status 1: NameError: name 'np' is not defined ({CNN}, line 1)"]
    assert verdict["findings"][watch.TRAINED].startswith("not checked") and not verdict["remarks"]
    text = feedback.feedback({CNN: verdict}, {CNN: entry})
    assert "    It stopped with an error. Mend the line that is named.\n" in text
    assert f'      File "{CNN}", line 1, in f\n          np.ones(3)\n' in text
    assert "scratch" not in text and "grader_watch" not in text


def test_what_is_not_written_yet():
    """The hand-out as it was handed out is told so, in one line."""
    entry, verdict = crashed(f"{CNN}: error: build_model is not written yet\n", 2)
    text = feedback.feedback({CNN: verdict}, {CNN: entry})
    assert text.endswith("  - run 1: build_model is not written yet\n"
                         "    Write it: the top of the script has the rules.\n")


def test_the_first_line_that_is_cut_is_left_out():
    outcome = sandbox.Outcome("", "5.00 100 0.01\n", "half a line\n" + "x" * sandbox.STDERR, 1.0, 1.0, "", "", True)
    kept = records.record(CNN, outcome._replace(stderr=outcome.stderr[:sandbox.STDERR]), audits.Digits([], []), False)
    assert kept["stderr"] == "x" * sandbox.KEPT
