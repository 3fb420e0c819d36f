"""The grader: hand-ins that go wrong or cheat in every way, results that survive, reports, a cluster."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from conftest import ROOT, SCRIPTS

sys.path.insert(0, str(ROOT / "tools"))

import audits
import distributed
import grade
import report
import sandbox
import submissions
import verdicts
import watch

CNN = "task3_cnn.py"
LINE = "print('5.00 100 0.01')"
# A hand-in as students write them. It reads the whole file, and learns the digits of `easy` in two seconds.
STUDENT = """
import numpy as np, keras
lines = [line.split("\\t") for line in open("dataset.txt")]
x = np.array([list(line[1].strip().replace("-", "")) for line in lines], "float32").reshape(-1, 28, 28, 1)
y = np.array([int(line[0]) for line in lines])
half = len(x) // 2
model = keras.Sequential([keras.layers.Conv2D(4, 4, strides=4, activation="relu"), keras.layers.Flatten(),
                          keras.layers.Dense(10, "softmax")])
model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:half], y[:half], epochs=10, batch_size=20, verbose=0)
error = 100 * (model.predict(x[half:], verbose=0).argmax(1) != y[half:]).mean()
print(f"{error:.2f} {model.count_params()} 0.05")
"""
SOLVED = 'x[:half], y[:half], epochs=10'
HANGING = {  # what a script does: (its text, a part of the reason in the verdict)
    "hangs": ("import time\ntime.sleep(1000)", "ended after 1 s"),
    "loops": ("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass", "ended after 1 s"),
}
BEHAVIOURS = {  # the same for scripts that end
    "crashes": ("print('5.00 100 0.01')\nraise RuntimeError('the gradient has vanished')", "ended with status 1"),
    "aborts": ("import os\nos.abort()", "as after SIGABRT"),
    "no python": ("this is no Python", "ended with status 1"),
    "floods": ("while True: print('x' * 1000)", "flooded its standard output"),
    "floods errors": ("import sys\nwhile True: print('x' * 1000, file=sys.stderr)", "flooded its standard error"),
    "silent": ("", "printed nothing"),
    "nonsense": ("print('I am sure that it is 0.00')", "printed 1 numbers in its last line, expected 3"),
    "impossible": ("print('-1.00 100 0.01')", "printed numbers that cannot be"),
    "not a number": ("print('nan 100 0.01')", "printed numbers that cannot be"),
    "too wrong": ("print('12.50 100 0.01')", "digits error 12.50% is over 12%"),
    "too large": ("print('5.00 1000001 0.01')", "1,000,001 parameters are over 1,000,000"),
    "too slow": ("print('5.00 100 5.50')", "5.50 minutes are over 5"),
    "seeds": ("import numpy as np\nnp.random.seed(1)\n" + LINE, "no random seeds: task3_cnn.py, line 2"),
    "by hand": ("print('5.00 100 0.01')", "uses TensorFlow: it is not imported"),
    "fills the disk": ("with open('f', 'wb') as f:\n    while True: f.write(bytes(1 << 20))", "wrote a file of more"),
    "hungry": ("x = []\nwhile True: x.append(bytearray(1 << 27))", "out of its 1 GiB of memory"),
    "destroys": ("import shutil\nshutil.rmtree('..', ignore_errors=True)\n" + LINE, "uses TensorFlow"),
    "digs": ("import os\nfor _ in range(2000):\n    os.mkdir('x')\n    os.chdir('x')\n" + LINE, "uses TensorFlow"),
    "hides": ("import os\nos.mkdir('x')\nfor path in 'x', '..', '.': os.chmod(path, 0)\n" + LINE, "uses TensorFlow"),
    "rambles": ("print('nonsense ' * 1000, ' ' * 5000, '5.00 100 0.01 17 18')", "printed 5 numbers"),
    "forks": ("import os, subprocess, sys, time\n"
              "for _ in range(5):\n"
              "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(987)'], start_new_session=True)\n"
              "    if os.fork() == 0: time.sleep(987)\n" + LINE, "uses TensorFlow"),
    "leaves early": ("import os\nprint('5.00 100 0.01', flush=True)\nos._exit(0)", "still get their old labels"),
}


@pytest.fixture(scope="session")
def easy(tmp_path_factory):
    """Return a data file of digits that are easy to learn: each class has its own block of 5x5 pixels, in noise."""
    random = np.random.default_rng()
    path = tmp_path_factory.mktemp("data") / "easy.txt"
    with open(path, "w") as file:
        for label in [*range(10)] * 40:
            image = (random.random((28, 28)) < 0.03).astype(int)
            image[4 + 14 * (label // 5):9 + 14 * (label // 5), 1 + 5 * (label % 5):6 + 5 * (label % 5)] = 1
            file.write(f"{label}\t{'-'.join(''.join(map(str, row)) for row in image)}\n")
    return path


@pytest.fixture
def hand_ins(tmp_path):
    """Return a function that creates a folder of submissions: {name: text of its task 3, or {file: text}}."""

    def make(texts):
        for name, files in texts.items():
            for file, text in (files if isinstance(files, dict) else {CNN: files}).items():
                path = tmp_path / "hand_ins" / name / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "hand_ins"

    return make


def command(folder, *arguments, runs=1, timeout=100, memory=1):
    """Return a command that grades a folder; timeout: in seconds, far above what the scripts that end take."""
    return [sys.executable, ROOT / "tools" / "grade.py", "--runs", str(runs), "--submissions", folder, "--timeout",
            str(timeout), "--memory", str(memory), *map(str, arguments), CNN]


def judged(path):
    return {name: scripts[CNN] for name, scripts in json.loads(path.read_text())["verdicts"].items()}


def test_scripts_that_hang_are_ended(hand_ins, tmp_path):
    subprocess.run(command(hand_ins({name: text for name, (text, _) in HANGING.items()}), "--json", tmp_path / "r.json",
                           timeout=1), capture_output=True, timeout=100)
    for name, verdict in judged(tmp_path / "r.json").items():
        assert verdict["state"] == "not valid" and HANGING[name][1] in verdict["reasons"][0]


def test_every_behaviour_gets_its_verdict(hand_ins, tmp_path):
    """Every script of this class goes wrong in another way. One that fails stops nothing."""
    ran = subprocess.run(command(hand_ins({name: text for name, (text, _) in BEHAVIOURS.items()}),
                                 "--json", tmp_path / "r.json", "--csv", tmp_path / "r.csv"),
                         capture_output=True, text=True, timeout=300)
    assert ran.returncode == 1
    graded = judged(tmp_path / "r.json")
    assert graded.keys() == BEHAVIOURS.keys()
    for name, (_, reason) in BEHAVIOURS.items():
        assert reason in "; ".join(graded[name]["reasons"]), name
        assert graded[name]["state"] == "not valid", name
        assert f"{name} {CNN}" in ran.stderr  # progress
    records = {name: scripts[CNN]["jobs"]["run 1"]
               for name, scripts in json.loads((tmp_path / "r.json").read_text())["submissions"].items()}
    assert "the gradient has vanished" in records["crashes"]["stderr"]
    with open(tmp_path / "r.csv", newline="") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    assert {name: row["state"] for name, row in rows.items()} == {name: verdict["state"]
                                                                  for name, verdict in graded.items()}
    assert f"| too slow | {CNN} | digits | 5.00 ± 0.00 | 5.00 | 12 (9) | as printed | 100 | 1,000,000 |" in ran.stdout

# ----------------------------------------------------------------------------------------------------------- cheats


def shipped(train):
    """Return the text of a hand-in that loads weights, for a script that saved them when `train` ran."""
    return STUDENT.replace(f"model.fit({SOLVED}, batch_size=20, verbose=0)", train)


CHEATS = {  # what a script does: (its text or files, a part of a reason, or of a hint after "hint: ")
    "honest": (STUDENT, ""),
    "prints": ("import keras\nprint('0.00 100 0.01')", "still get their old labels"),
    "trains something and prints": (
        STUDENT.replace("print(f", "print('0.00 100 0.01') #"), "100.0% of the test digits still get"),
    "trains on both halves": (STUDENT.replace(SOLVED, "x, y, epochs=30"), "still get their old labels"),
    "splits at random": (STUDENT.replace("half = len(x) // 2", "half = len(x) // 2\norder = np.random.permutation("
                                         "len(x))\nx, y = x[order], y[order]"), "still get their old labels"),
    "chooses by the test digits": (STUDENT.replace("verbose=0)\ne", "verbose=0, validation_data=(x[half:], y[half:]), "
                                                   "callbacks=[keras.callbacks.ModelCheckpoint('w.weights.h5', "
                                                   "save_best_only=True, save_weights_only=True)])\ne"),
                                   "hint: line 10: save_best_only, which may choose by the test digits"),
    "prints fewer parameters": (STUDENT.replace("{model.count_params()}", "50"),
                                "50 are printed, but the models that predicted have 2,038"),
    "forges the report": (STUDENT.replace("print(f", "open(sys.orig_argv[2], 'w').write('{\"trains by gradients\": "
                                          "\"passed\", \"parameters\": 50}')\nprint('0.00 50 0.01') #").replace(
                                              "import numpy", "import sys, numpy"), "still get their old labels"),
    "reads the neighbour's": ("import pathlib\nprint(list(pathlib.Path('../..').glob('**/task3*'))[5].read_text())",
                              "run 1: ended with status 1"),
}


def graded_by_two(folder, tmp_path, *options, **named):
    """Return the verdicts on the hand-ins in a folder, by two graders side by side for the sake of time, and texts."""
    graders, names = [], sorted(path.name for path in folder.iterdir())
    for number in (0, 1):
        half = tmp_path / str(number)
        half.mkdir()
        for name in names[number::2]:
            (folder / name).rename(half / name)
        graders.append(subprocess.Popen(command(half, *options, "--json", tmp_path / f"{number}.json", **named),
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    said = [grader.communicate(timeout=400) for grader in graders]
    return judged(tmp_path / "0.json") | judged(tmp_path / "1.json"), said


def test_a_class_of_cheats(hand_ins, easy, tmp_path):
    """Each is caught by what the grader has seen itself, and the honest one beside them is valid."""
    folder = hand_ins({name: files for name, (files, _) in CHEATS.items()})
    graded, said = graded_by_two(folder, tmp_path, "--dataset", easy, memory=4)
    for name, (_, reason) in CHEATS.items():
        verdict = graded[name]
        if not reason or reason.startswith("hint: "):
            assert verdict["state"] == "valid, high performance", (name, verdict, said)
            assert reason.removeprefix("hint: ") in "; ".join(verdict["hints"]), (name, verdict)
        else:
            assert verdict["state"] == "not valid" and reason in "; ".join(verdict["reasons"]), (name, verdict)
    assert graded["honest"]["hints"] == [] and graded["honest"]["remarks"] == []


def test_a_seed_that_the_text_hides(hand_ins, easy, tmp_path):
    """Two runs that begin with the same weights give it away."""
    text = STUDENT.replace("lines =", "getattr(keras.utils, 'set_' + 'random_' + 'seed')(7)\nlines =")
    subprocess.run(command(hand_ins({"a": text}), "--dataset", easy, "--json", tmp_path / "r.json", runs=2, memory=4),
                   capture_output=True, timeout=200)
    (verdict,) = judged(tmp_path / "r.json").values()
    assert verdict["state"] == "not valid"
    assert any("the weights before the training are the same to the last bit in 2 runs" in reason
               for reason in verdict["reasons"])


def test_shipped_weights(hand_ins, easy, tmp_path):
    """Weights in a file of their own, as good as they may be: they do not know the new names of the digits."""
    weights = tmp_path / "w.weights.h5"
    (tmp_path / "dataset.txt").write_bytes(easy.read_bytes())
    ran = subprocess.run([sys.executable, "-c", STUDENT + f"model.save_weights({str(weights)!r})"], cwd=tmp_path,
                         capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    text = shipped("model.build((None, 28, 28, 1))\nmodel.load_weights('w.weights.h5')")
    subprocess.run(command(hand_ins({"a": {CNN: text, "w.weights.h5": weights.read_bytes()}}), "--dataset", easy,
                           "--json", tmp_path / "r.json", memory=4), capture_output=True, timeout=200)
    (verdict,) = judged(tmp_path / "r.json").values()
    assert verdict["state"] == "not valid" and verdict["mean"][0] < 5
    assert any("still get their old labels" in reason for reason in verdict["reasons"])
    assert any("w.weights.h5: a file of" in hint for hint in verdict["hints"])
    assert any("load_weights" in hint for hint in verdict["hints"])


MEASURED = """
import sys, numpy as np
{imports}
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))  # --dataset, --test, --predictions
lines = [line.rstrip("\\n").split("\\t") for line in open(given["--dataset"])]
images = np.array([list(pixels.replace("-", "")) for _, pixels in lines], "float32")
labels = np.array([int(label) for label, _ in lines])
{train}
test = [line.rstrip("\\n").split("\\t") for line in open(given["--test"])]
assert all(label == "" for label, _ in test), "there are labels"
{predict}
print("0.00 {parameters} 0.01")
"""
NETWORK = dict(
    imports="import keras", parameters=7850,
    train="model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, 'softmax')])\n"
          "model.compile(keras.optimizers.Adam(0.01), 'sparse_categorical_crossentropy')\n"
          "model.fit(images, labels, epochs=10, verbose=0)",
    predict="guess = model.predict(np.array([list(p.replace('-', '')) for _, p in test], 'float32'), verbose=0)\n"
            "open(given['--predictions'], 'w').writelines(f'{g.argmax()}\\n' for g in guess)")


def test_measured_from_predictions(hand_ins, easy, tmp_path):
    """A script that takes --predictions gets no labels, and its printed error does not matter."""
    lazy = NETWORK | {"predict": "open(given['--predictions'], 'w').write('3\\n' * len(test))"}
    short = NETWORK | {"predict": "open(given['--predictions'], 'w').write('3\\n')"}
    early = NETWORK | {"imports": "import keras\nopen(sys.argv[4]).read()"}
    folder = hand_ins({name: MEASURED.format(**parts) for name, parts in (
        ("a", NETWORK), ("b", lazy), ("c", short), ("d", early))})
    graded, _ = graded_by_two(folder, tmp_path, "--dataset", easy, memory=4)
    convolution = "a convolution layer: the model has none"
    assert graded["a"]["basis"] == "measured" and graded["a"]["mean"][0] < 5
    assert graded["a"]["reasons"] == [convolution] and graded["a"]["parameters"] == 7850
    assert graded["a"]["findings"][watch.LAST] == "passed"
    assert graded["b"]["mean"] == [90.0]
    assert "run 1: predicted 1 digits instead of 200" in graded["c"]["reasons"]
    assert any("test digits read last: after it was opened came" in reason for reason in graded["d"]["reasons"])


def test_the_bundle_end_to_end(tmp_path):
    """The exact autoencoder is valid, measured, and has learned its code: on blocks of pixels it learns another."""
    ran = subprocess.run([sys.executable, ROOT / "tools" / "grade.py", "--runs", "2", "--json", tmp_path / "r.json",
                          SCRIPTS[0]], capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    saved = json.loads((tmp_path / "r.json").read_text())
    verdict = saved["verdicts"]["bundle"][SCRIPTS[0]]
    assert verdict["mean"] == [0.0] and verdict["basis"] == "measured" and verdict["parameters"] == 8
    assert set(verdict["findings"].values()) == {"passed"}
    assert verdict["reasons"] == verdict["remarks"] == verdict["hints"] == []
    assert saved["submissions"]["bundle"][SCRIPTS[0]]["jobs"]["blocks"]["errors"][0] > 1

# ----------------------------------------------------------------------------------------------- audits and verdicts


@pytest.fixture(scope="module")
def data():
    return audits.Data.read(ROOT / "dataset.txt")


@pytest.mark.parametrize("form", [audits.TOGETHER, audits.APART, audits.BLANK])
def test_every_run_gets_the_same_digits_in_another_order(form, data):
    def lines(files):
        texts = [line for name in sorted(files) for line in files[name].splitlines()]
        return texts[:1000], texts[1000:]

    def pixels(part):
        return sorted(line.split(b"\t")[1] for line in part)

    (first, test), (again, _) = data.draw(audits.ORDINARY, form), data.draw(audits.ORDINARY, form)
    assert first.keys() == ({"dataset.txt"} if form == audits.TOGETHER else {"dataset.txt", "test.txt"})
    assert first != again
    for one, other in zip(lines(first), lines(again)):
        assert sorted(one) == sorted(other)
    labels = [line.split(b"\t")[0].decode() for line in lines(first)[1]]
    assert labels == ([""] * 1000 if form == audits.BLANK else test.labels)
    for kind in audits.CONTRADICTION, audits.BLOCKS:
        altered, _ = data.draw(kind, form)
        training, tests = lines(altered)
        assert sorted(tests) == sorted(lines(first)[1])
        counts = np.unique([line[:1] for line in training], return_counts=True)[1]
        assert (counts == 100).all()
        assert (pixels(training) == pixels(lines(first)[0])) == (kind == audits.CONTRADICTION)


def test_blocks_have_other_patterns(data):
    training = data.draw(audits.BLOCKS, audits.APART)[0]["dataset.txt"].split(b"\n")[0].split(b"\t")[1]
    image = np.array([list(row) for row in training.decode().split("-")], int)
    assert (image == np.kron(image[::4, ::4], np.ones((4, 4), int))).all()


def test_renamed_labels_do_not_look_alike():
    for _ in range(200):
        names = audits.contradiction()
        assert sorted(names.values()) == sorted(names)
        assert all(old != new and {int(old), int(new)} not in audits.ALIKE for old, new in names.items())


@pytest.mark.parametrize("change, part", [
    (lambda lines: lines[:-1], "predicted 999 digits instead of 1000"),
    (lambda lines: [], "predicted no digits"),
    (lambda lines: ["x" + lines[0][1:], *lines[1:]], "line 1: the label is 'x'"),
    (lambda lines: ["²" + lines[0][1:], *lines[1:]], "line 1: the label is"),
    (lambda lines: [lines[0], lines[1][:-1], *lines[2:]], "line 2: expected 784 pixels"),
])
def test_predictions_that_are_not_complete(change, part, data):
    lines = data.test.file().decode().splitlines()
    assert audits.measure("\n".join(lines), data.test, "task2") == [0, 0]
    with pytest.raises(ValueError, match=part):
        audits.measure("\n".join(change(lines)), data.test, "task2")


def test_errors_are_measured(data):
    lines = data.test.file().decode().splitlines()
    lines[3] = str((int(lines[3][0]) + 1) % 10) + lines[3][1:]
    lines[5] = lines[5].translate(str.maketrans("01", "10"))
    assert audits.measure("\n".join(lines), data.test, "task2") == pytest.approx([0.1, 0.1])
    assert audits.measure("\n".join(line[0] for line in lines), data.test, "task3") == pytest.approx([0.1])
    assert audits.measure("\n".join(f"\t{line[2:]}" for line in lines), data.test, "task1") == pytest.approx([0.1])


@pytest.mark.parametrize("text, figures, remark", [
    ("5.40 12810 0.50", (5.4, 12810, 0.5), None),
    ("Epoch 1\nEpoch 2\n5.40 12810 0.50\n", (5.4, 12810, 0.5), "printed 3 lines"),
    ("Test error: 5.40% Parameters: 12,810 Minutes: 0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("5.40 12,810 0.50", (5.4, 12810, 0.5), "more than plain numbers"),
    ("5.40 12810", (5.4, 12810, None), "printed 2 numbers, expected 3: digits error, parameters, minutes"),
    ("5.40 0.50", (5.4, None, 0.5), "printed 2 numbers"),
    ("5 1e4 0.5", (5, 10000, 0.5), None),
])
def test_lines_of_results_that_can_be_read(text, figures, remark):
    read, remarks = verdicts.read_output(CNN, text, measured=False)
    assert (read["errors"][0], read.get("parameters"), read.get("minutes")) == figures
    assert [remark in line for line in remarks] == ([True] if remark else [])


@pytest.mark.parametrize("text, part", [
    ("", "printed nothing"), ("\n \n", "printed nothing"), ("5.40", "printed 1 numbers in its last line, expected 3"),
    ("5.40 12810 0.50 7", "printed 4 numbers"), ("101 12810 0.5", "cannot be"), ("nan 12810 0.5", "cannot be"),
    ("5.40 12810.5 0.5", "cannot be"), ("5.40 -3 0.5", "cannot be"), ("5.4.0 12810 0.5", "cannot be"),
    ("no", "printed no numbers"),
])
def test_lines_of_results_that_cannot_be_read(text, part):
    try:
        _, (remark,) = verdicts.read_output(CNN, text, measured=False)
    except ValueError as error:
        remark = str(error)
    assert part in remark


def test_without_labels_the_printed_error_does_not_matter():
    assert verdicts.read_output(CNN, "nan 100 0.5", measured=True)[0]["parameters"] == 100


def entry(errors, audit=99.0, **more):
    """Return an entry of task 3 with runs of these errors and an audit, all of them fine otherwise."""
    def job(error):
        return {"reason": "", "remarks": [], "seconds": 1.0, "spoke": 1.0, "walled": True, "stdout": "", "stderr": "",
                "errors": [error], "parameters": 100, "minutes": 0.01,
                "report": {"parameters": 100, watch.CONVOLUTION: "passed", watch.LAST: "passed", "starts": []}}

    jobs = {f"run {number}": job(error) for number, error in enumerate(errors, 1)} | {"contradiction": job(audit)}
    return {"script": CNN, "form": "blank", "jobs": jobs, "hints": [],
            "source": {"no random seeds": "passed", "uses TensorFlow": "passed"}} | more


@pytest.mark.parametrize("audit, usual, state, hint", [
    (99.0, 5.0, "valid, high performance", None), (98.1, 5.0, "valid, high performance", None),
    (97.0, 5.0, "valid, high performance", "3.0% of the test digits still get"), (89.0, 5.0, "not valid", None),
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
    reasons = verdicts.judge(CNN, 2, accused)["reasons"]
    assert reasons == ["parameters as printed: 100 are printed, but the models that predicted have 2,000",
                       "test digits read last: after it was opened came 3 training steps"]


def test_what_is_missing_is_taken_from_the_grader():
    """Minutes from its clock, parameters from the count."""
    silent = entry([5.0])
    for name in "minutes", "parameters":
        del silent["jobs"]["run 1"][name]
    verdict = verdicts.judge(CNN, 1, silent)
    assert verdict["minutes"] == 1 / 60 and verdict["parameters"] == 100


@pytest.mark.parametrize("decision, error, state, reasons", [
    ("remark", 5.0, "valid, high performance", 0), ("valid", 5.0, "valid", 0), ("remark", 13.0, "not valid", 1),
    ("valid", 13.0, "valid", 0),
])
def test_a_teacher_overrules(decision, error, state, reasons):
    seeds = {"no random seeds": "failed: line 3", "uses TensorFlow": "passed"}
    verdict = verdicts.judge(CNN, 1, entry([error], source=seeds))
    assert verdict["state"] == "not valid"
    after = verdicts.overrule(CNN, verdict, decision, "it was agreed")
    assert (after["state"], len(after["reasons"])) == (state, reasons) and "no random seeds: line 3" in after["remarks"]
    assert after["overruled"] == f"{decision}: it was agreed"


def test_decisions(tmp_path):
    path = tmp_path / "decisions.csv"
    path.write_text('submission,script,decision,why\na,task3,remark,"agreed, on paper"\n\nb,task4_rnn.py,valid,ill\n')
    assert verdicts.read_decisions(path, {"a", "b"}) == {("a", CNN): ("remark", "agreed, on paper"),
                                                         ("b", "task4_rnn.py"): ("valid", "ill")}
    for line in "a,task3,fine,why", "a,task3,valid", "a,task9,valid,why", "a,task3,valid,", "z,task3,valid,why":
        path.write_text(line)
        with pytest.raises(ValueError, match="line 1: (expected|no such submission)"):
            verdicts.read_decisions(path, {"a", "b"})


def test_a_decision_survives_and_is_seen(hand_ins, tmp_path):
    """In the table, the CSV file, the report and the student's text, also when the grading goes on."""
    folder, decisions = hand_ins({"a": LINE, "b": LINE}), tmp_path / "decisions.csv"
    decisions.write_text("a,task3,valid,a scan was handed in\n")
    paths = ["--json", tmp_path / "r.json", "--csv", tmp_path / "r.csv", "--report", tmp_path / "r.html", "--feedback",
             tmp_path / "texts", "--overrule", decisions]
    for more in [], ["--resume"]:
        ran = subprocess.run(command(folder, *paths, *more), capture_output=True, text=True, timeout=60)
        assert "| valid (overruled) |" in ran.stdout and "a task3_cnn.py: valid: a scan was handed in" in ran.stdout
        for name in "r.csv", "r.html", "texts/a.txt":
            assert "a scan was handed in" in (tmp_path / name).read_text()
        assert "scan" not in (tmp_path / "texts" / "b.txt").read_text()
        assert {name: verdict["state"] for name, verdict in judged(tmp_path / "r.json").items()} == {
            "a": "valid", "b": "not valid"}


def test_what_is_the_same_for_many_is_said_once():
    graded = {name: {CNN: verdicts.judge(CNN, 1, entry([5.0], source={
        "no random seeds": "not checked: x", "uses TensorFlow": "passed"}))} for name in "abc"}
    assert verdicts.not_checked(graded) == [f"3 of 3, {CNN}: no random seeds: x"]


def test_standard_error_is_quoted_without_tensorflow(data):
    greeting = "WARNING: All log messages before absl::InitializeLog()\nI0000 00:00:1795.6 6825 port.cc:153] on"
    for stderr, remarks in (greeting, []), (f"{greeting}\nw.py:3: UserWarning: no\n", ["w.py:3: UserWarning: no"]):
        outcome = sandbox.Outcome("", "5.00 100 0.01\n", stderr, 1.0, 1.0, "", "", True)
        kept = verdicts.record(CNN, outcome, data.test, False)
        assert kept["remarks"] == [f"wrote to standard error: {line}" for line in remarks] and kept["errors"] == [5.0]


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", '{"no random seeds": "fine", "x": 3, "parameters": "5"}'])
def test_reports_that_say_nothing(text):
    assert verdicts.read_report(text) == {}

# -------------------------------------------------------------------------------------------------------- submissions


def archive(files):
    """Return a .zip archive (bytes) of {name: content}."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


def test_what_is_handed_in(tmp_path):
    """Folders, archives, archives in folders, names of all kinds; what cannot be read says why."""
    def write(path, content):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)

    line = LINE.encode()
    write("a/task3.py", line)
    write("b/weights.bin", bytes(submissions.LARGEST + 1))
    (tmp_path / "c").mkdir()
    for path in "d/the archive/task3.py", "d/__MACOSX/task3.py", "d/.DS_Store", "e/task3_a.py", "e/task3_b.py":
        write(path, line)
    write("f 数字 é.zip", archive({"f/task3.py": line, "f/support/net.py": b"", "__MACOSX/f/task3.py": b"x"}))
    write("g_123_file/g.zip", archive({"task3.py": line, "dataset.txt": b"data"}))
    write("h.zip", archive({"../../task3.py": line}))
    write("i.zip", archive({"task3.py": b"0" * (submissions.LARGEST + 1)}))
    write("j.zip", b"not an archive")
    write("k/solution.ipynb", b"{}")
    write("loose.txt", b"")
    write("task3.py", line)
    write("jan_task3.py", line)
    write("task4_rnn - Eva Li.py", line)
    write("Jan_task4_rnn.py", b"another")
    write("E_task3.py", line)
    found = submissions.read_class(tmp_path)
    assert found.pop("Jan") == {"task3.py": line, "task4.py": b"another"} and found.pop("Eva Li") == {"task4.py": line}
    assert found["e"].pop("task3.py") == line
    assert submissions.left_out(tmp_path) == ["loose.txt", "task3.py"]
    assert found["a"] == found["d"] == found["g_123_file"] == {"task3.py": line}
    assert found["b"] == "cannot be read: larger than 20 MiB"
    assert found["f 数字 é"] == {"task3.py": line, "support/net.py": b""}
    assert "leads out of it: ../../task3.py" in found["h"]
    assert "holds more than 20 MiB" in found["i"] and "not an archive" in found["j"]
    assert set(found) == {"a", "b", "c", "d", "e", "f 数字 é", "g_123_file", "h", "i", "j", "k"}
    for name, reason in {"c": "not handed in", "e": r"which one is it: task3_a.py, task3_b.py\?",
                         "k": "not handed in, but a notebook: solution.ipynb"}.items():
        with pytest.raises(ValueError, match=reason):
            submissions.find_script(found[name], CNN)


def test_a_class_in_one_archive(tmp_path):
    """As platforms export it: one archive with a folder, or an archive, for each student."""
    line, path = LINE.encode(), tmp_path / "class.zip"
    path.write_bytes(archive({"class/a_1_file/task3.py": line, "class/b_2_file/b.zip": archive({"task3.py": line}),
                              "class/c.zip": archive({"task3.py": line}), "class/d/task3.py": line,
                              "class/e_task3.py": line}))
    assert submissions.read_class(path) == dict.fromkeys(["a_1_file", "b_2_file", "c", "d", "e"], {"task3.py": line})
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not an archive"):
        submissions.read_class(path)

# ------------------------------------------------------------------------------------------------- results that survive


def test_a_class_of_thirty_interrupted_and_resumed(hand_ins, tmp_path):
    """Ctrl-C, then a kill that cannot be caught, then to the end: no result is lost, and none is measured twice."""
    names = [f"{number:02} {name}" for number, name in enumerate([*BEHAVIOURS, *BEHAVIOURS][:30])]
    folder, path = hand_ins({name: BEHAVIOURS[name[3:]][0] for name in names}), tmp_path / "results.json"

    def records():
        return {(name, job): record for name, scripts in json.loads(path.read_text())["submissions"].items()
                for job, record in scripts[CNN].get("jobs", {}).items()}

    seen = {}
    for stop, count in (signal.SIGINT, 6), (signal.SIGKILL, 20), (None, 60):
        arguments = ["--json", path, *(["--resume"] if seen else [])]
        with subprocess.Popen(command(folder, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            while stop and process.poll() is None and (not path.exists() or len(records()) < count):
                time.sleep(0.05)
            if stop:
                process.send_signal(stop)
            output, progress = process.communicate(timeout=300)
        now = records()
        assert count <= len(now) and (stop is None or len(now) < 60)
        assert {key: now[key] for key in seen} == seen
        new = [line for line in progress.splitlines() if f" {CNN} " in line]
        assert len(now) - len(seen) - 1 <= len(new) <= len(now) - len(seen) + 1  # the last one may not be reported
        if stop == signal.SIGINT:
            assert process.returncode == 130 and "stopped" in progress and "not finished" in output and "| " in output
        seen = now
    assert process.returncode == 1 and len(seen) == 60
    for name, verdict in judged(path).items():
        assert BEHAVIOURS[name[3:]][1] in "; ".join(verdict["reasons"]), name


def test_a_changed_hand_in_is_graded_again(hand_ins, tmp_path):
    folder, path = hand_ins({"a": LINE, "b": LINE}), tmp_path / "r.json"
    subprocess.run(command(folder, "--json", path), capture_output=True, timeout=60)
    (folder / "b" / CNN).write_text("print('6.00 100 0.01')")
    ran = subprocess.run(command(folder, "--json", path, "--resume"), capture_output=True, text=True, timeout=60)
    assert sorted(line.split(":")[0] for line in ran.stderr.splitlines() if f" {CNN} " in line) == [
        f"b {CNN} contradiction", f"b {CNN} run 1"]
    assert judged(path)["b"]["mean"] == [6.0]


@pytest.mark.parametrize("arguments, message", [
    (["--submissions", "nowhere"], "nowhere"),
    (["--submissions", "empty"], "no folder and no .zip archive in it"),
    (["--dataset", "nowhere.txt"], "nowhere.txt"),
    (["--dataset", "old.json"], "old.json, line 1: no tab"),
    (["--json", "nowhere/r.json"], "No such file or directory"),
    (["--csv", "nowhere/r.csv"], "no such folder"),
    (["--report", "nowhere/r.html"], "no such folder"),
    (["--feedback", "nowhere/texts"], "No such file or directory"),
    (["--json", "old.json"], "use --resume to go on with it"),
    (["--json", "old.json", "--resume"], "not a file of this grader"),
    (["--json", "other.json", "--resume"], "was made with another"),
    (["--resume"], "--resume needs --json"),
    (["--runs", "0"], "not a whole number above 0"),
    (["task5.py"], "no such script"),
    (["--dask", "tcp://127.0.0.1:1"], "tcp://127.0.0.1:1"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_usage(arguments, message, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.json").write_text("[]\n[]")
    (tmp_path / "other.json").write_text(json.dumps({"version": grade.VERSION, "settings": {"memory": 77},
                                                     "submissions": {}}))
    before = {path.name for path in tmp_path.iterdir()}
    quick = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "1s"}
    ran = subprocess.run([sys.executable, ROOT / "tools" / "grade.py", *arguments], capture_output=True, text=True,
                         cwd=tmp_path, timeout=120, env=os.environ | quick)
    assert ran.returncode == 2 and ran.stdout == ""
    assert message in ran.stderr and "Traceback" not in ran.stderr
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_python_without_the_packages_is_an_error():
    """Otherwise every hand-in would crash."""
    ran = subprocess.run([sys.executable, "-S", ROOT / "tools" / "grade.py"], capture_output=True, text=True,
                         timeout=60)
    assert (ran.returncode, ran.stdout) == (2, "") and "install what the scripts need" in ran.stderr

# ------------------------------------------------------------------------------------------------------------ reports


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
    report.write_feedback(tmp_path, graded)
    assert len(list(tmp_path.iterdir())) == len(graded)
    assert (tmp_path / "absent.txt").read_text().startswith(f"{CNN}: not valid\n  Why it is not valid:\n"
                                                             "  - not handed in\n    Hand in a script of that name")
    text = report.feedback(graded["student 05"])
    assert "verbose" not in text and "The message is a warning of Python or Keras." in text and "<b>line" not in text


CHOOSES = """
def train(model, x, y, stop):
    model.fit(x, y, validation_data=(x, y), callbacks=stop(save_best_only=True))
"""


def test_seven_ordinary_hand_ins(hand_ins, tmp_path):
    """What their authors read: each says what there is to mend, in words that help. The loose script is Finn's."""
    folder = hand_ins({"anna": "print('13.00 100 0.01')",
                       "ben": "print('epoch 1')\nprint('Error: 5.40%, parameters: 1,234, minutes: 0.02')",
                       "chris": "print('5.40 12810')",
                       "dora": "import common\n" + LINE,
                       "eva": {"cnn.ipynb": "{}"},
                       "gul": "import warnings\nwarnings.warn('learning rate 0')\n" + LINE + CHOOSES})
    (folder / "finn_task3.py").write_text(LINE)
    (folder / "notes.docx").write_text("")
    ran = subprocess.run(command(folder, "--feedback", tmp_path / "texts"), capture_output=True, text=True, timeout=100)
    assert "for want of a student and a task in the name: notes.docx" in ran.stderr
    assert "gul task3_cnn.py: task3_cnn.py, line 5: save_best_only, which may choose by the test digits; " in ran.stdout
    said = {
        "anna": ["error 13.00% (one run", "- digits error 13.00% is over 12%\n    The network has to become better"],
        "ben": ["digits error 5.40%", "parameters 1,234 (limit", "- printed 2 lines instead of one\n    Print only"],
        "chris": ["parameters 12,810", "- printed 2 numbers, expected 3: digits error, parameters, minutes\n    Pr"],
        "dora": ["- run 1: ended with status 1: ModuleNotFoundError: No module named 'common'\n    Hand in the"],
        "eva": ["- not handed in, but a notebook: cnn.ipynb\n    Hand in a script"],
        "finn": ["digits error 5.00%"],
        "gul": ["learning rate 0\n    The message is a warning of Python or Keras"],
    }
    assert {path.stem for path in (tmp_path / "texts").iterdir()} == set(said)
    for name, parts in said.items():
        text = (tmp_path / "texts" / f"{name}.txt").read_text()
        assert [part for part in parts if part not in text] == [], text
        assert "save_best_only" not in text  # hints are for the teacher


def test_a_table_for_a_spreadsheet_has_no_formulas(tmp_path):
    graded, _ = a_class(4)
    grade.write_csv(tmp_path / "r.csv", graded)
    assert "\n'=1+1," in (tmp_path / "r.csv").read_text()


def test_the_terminal_cannot_be_steered(capsys):
    grade.show(a_class(6)[0], "a machine", 5)
    assert "\x1b" not in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------------------ a cluster


def test_a_cluster_that_loses_a_worker(hand_ins, tmp_path):
    """A real scheduler and two workers on loopback; one is killed in the middle of a run."""
    file, path = tmp_path / "scheduler.json", tmp_path / "r.json"
    texts = {f"{number}": f"import time\ntime.sleep(1)\n{LINE}" for number in range(6)}
    base = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0",
            "--no-dashboard", "--scheduler-file", file]
    work = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", file, "--no-nanny",
            "--no-dashboard", "--nthreads", "2", "--host", "127.0.0.1", "--local-directory", tmp_path]
    processes = [subprocess.Popen(line, stderr=subprocess.DEVNULL, start_new_session=True)
                 for line in (base, work, work)]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() or not file.stat().st_size:
            assert time.monotonic() < deadline, "there is no scheduler"
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        with distributed.Client(address, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
        with subprocess.Popen(command(hand_ins(texts), "--dask", address, "--json", path, runs=2),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            while process.poll() is None and (not path.exists() or path.read_text().count('"errors"') < 2):
                time.sleep(0.1)
            os.killpg(processes[1].pid, signal.SIGKILL)
            start, left = time.monotonic(), 18 - path.read_text().count('"errors"')
            output, progress = process.communicate(timeout=200)
        # The worker that is left has two threads, but takes one run at a time, of a second each; one may be under way.
        assert time.monotonic() - start > left - 2
        assert process.returncode == 1, output + progress
        entries = json.loads(path.read_text())["submissions"]
        jobs = [job for scripts in entries.values() for job in scripts[CNN]["jobs"].values()]
        assert len(jobs) == 18 and all(job["errors"] == [5.0] and 1 <= job["seconds"] < 15 for job in jobs)
        assert all(job["walled"] for job in jobs) == (not sandbox.walls())
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
