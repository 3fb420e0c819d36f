"""Hand-ins that fail in every way, and results that survive whatever ends the grader."""

import csv
import json
import signal
import subprocess
import time

from handins import CNN, LINE, command, hand_ins, judged

BEHAVIOURS = {  # what a script does: (its text, a part of the reason in the verdict)
    "crashes": ("print('5.00 100 0.01')\nraise RuntimeError('the gradient has vanished')", "ended with status 1"),
    "aborts": ("import os\nos.abort()", "as after SIGABRT"),
    "no python": ("this is no Python", "ended with status 1"),
    "floods": ("while True: print('x' * 1000)", "flooded its standard output"),
    "floods errors": ("import sys\nwhile True: print('x' * 1000, file=sys.stderr)", "flooded its standard error"),
    "silent": ("", "printed nothing"),
    "nonsense": ("print('I am sure that it is 0.00')", "printed 1 numbers in its last line, expected 3"),
    "impossible": ("print('-1.00 100 0.01')", "printed numbers that cannot be"),
    "not a number": ("print('nan 100 0.01')", "printed numbers that cannot be"),
    "too wrong": ("print('12.50 100 0.01')", "digit error 12.50% is over 12%"),
    "too large": ("print('5.00 1000001 0.01')", "1,000,001 parameters are over 1,000,000"),
    "in seconds": ("print('5.00 100 5.50')", "uses TensorFlow: it is not imported"),  # no process took these minutes
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


def test_a_script_that_hangs_is_ended(tmp_path):
    text = "import signal\nif 0: import keras\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass"
    folder = hand_ins(tmp_path, {"loops": text})
    subprocess.run(command(folder, "--json", tmp_path / "r.json", timeout=1), capture_output=True, timeout=100)
    verdict = judged(tmp_path / "r.json")["loops"]
    assert verdict["state"] == "not valid" and verdict["reasons"] == ["run 1: ended after 1 s"]


def test_every_behaviour_gets_its_verdict(tmp_path):
    """Every script of this class goes wrong in another way. One that fails stops nothing."""
    ran = subprocess.run(command(hand_ins(tmp_path, {name: text for name, (text, _) in BEHAVIOURS.items()}),
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
    with open(tmp_path / "r.csv", newline="", encoding="utf-8-sig") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    assert {name: row["state"] for name, row in rows.items()} == {name: verdict["state"]
                                                                  for name, verdict in graded.items()}
    assert f"| in seconds | {CNN} | digit | 5.00 | 5.00 | 12 (9) | as printed | 100 | 1,000,000 |" in ran.stdout


def test_a_class_interrupted_and_resumed(tmp_path):
    """Ctrl-C, then a kill that cannot be caught, then to the end: no result is lost, and none is measured twice."""
    names = list(BEHAVIOURS)[:12]
    folder, path = hand_ins(tmp_path, {name: BEHAVIOURS[name][0] for name in names}), tmp_path / "results.json"
    jobs = 2 * len(names)  # a run and an audit each

    def records():
        return {(name, job): record for name, scripts in json.loads(path.read_text())["submissions"].items()
                for job, record in scripts[CNN].get("jobs", {}).items()}

    seen = {}
    for stop, count in (signal.SIGINT, 3), (signal.SIGKILL, 9), (None, jobs):
        arguments = ["--json", path, *(["--resume"] if seen else [])]
        with subprocess.Popen(command(folder, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            while stop and process.poll() is None and (not path.exists() or len(records()) < count):
                time.sleep(0.05)
            if stop:
                process.send_signal(stop)
            output, progress = process.communicate(timeout=300)
        now = records()
        assert count <= len(now) and (stop is None or len(now) < jobs)
        assert {key: now[key] for key in seen} == seen
        new = [line for line in progress.splitlines() if f" {CNN} " in line]
        assert len(now) - len(seen) - 1 <= len(new) <= len(now) - len(seen) + 1  # the last one may not be reported
        if stop == signal.SIGINT:
            assert process.returncode == 130 and "stopped" in progress and "not finished" in output and "| " in output
        seen = now
    assert process.returncode == 1 and len(seen) == jobs
    for name, verdict in judged(path).items():
        assert BEHAVIOURS[name][1] in "; ".join(verdict["reasons"]), name


def test_a_changed_hand_in_is_graded_again(tmp_path):
    folder, path = hand_ins(tmp_path, {"a": LINE, "b": LINE}), tmp_path / "r.json"
    subprocess.run(command(folder, "--json", path), capture_output=True, timeout=60)
    (folder / "b" / CNN).write_text("print('6.00 100 0.01')")
    ran = subprocess.run(command(folder, "--json", path, "--resume"), capture_output=True, text=True, timeout=60)
    assert sorted(line.split(":")[0] for line in ran.stderr.splitlines() if f" {CNN} " in line) == [
        f"b {CNN} contradiction", f"b {CNN} run 1"]
    assert judged(path)["b"]["mean"] == [6.0]
