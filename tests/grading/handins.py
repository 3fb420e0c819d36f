"""Hand-ins of made-up students, and ways to grade them: with the command, by a Python that has imported Keras, or here.
"""

import ast
import contextlib
import functools
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from grading import command_line, handout, models, sandbox, watch

import numpy as np
from conftest import ROOT

CNN = "task3_cnn.py"
LINE = "print('5.00 100 0.01')"
CLOSED = "closed"  # instead of a file: a process without standard output


def hand_ins(folder, texts):
    """Write the hand-ins of a class and return their folder. texts: {name: text of its task 3, or {file: text}}."""
    for name, files in texts.items():
        for file, text in (files if isinstance(files, dict) else {CNN: files}).items():
            path = folder / "hand_ins" / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder / "hand_ins"


def easy_digits(path):
    """Write a data file of digits that are easy to learn: each class has its own block of 5x5 pixels, in noise."""
    random = np.random.default_rng()
    with open(path, "w") as file:
        for label in [*range(10)] * 40:
            image = (random.random((28, 28)) < 0.03).astype(int)
            image[4 + 14 * (label // 5):9 + 14 * (label // 5), 1 + 5 * (label % 5):6 + 5 * (label % 5)] = 1
            file.write(f"{label}\t{'-'.join(''.join(map(str, row)) for row in image)}\n")
    return path


def entry(errors, audit=99.0, **more):
    """Return an entry of task 3 with runs of these errors and an audit, all of them fine otherwise."""
    def job(error):
        return {"reason": "", "remarks": [], "seconds": 1.0, "spoke": 1.0, "walled": True, "stdout": "", "stderr": "",
                "errors": [error], "parameters": 100, "minutes": 0.01,
                "report": {"parameters": 100, models.CONVOLUTION: "passed", watch.LAST: "passed", "starts": []}}

    jobs = {f"run {number}": job(error) for number, error in enumerate(errors, 1)} | {"contradiction": job(audit)}
    return {"script": CNN, "form": "blank", "jobs": jobs, "hints": [],
            "source": {"no random seeds": "passed", "uses TensorFlow": "passed"}} | more

# ----------------------------------------------------------------------------------------------- what is handed out


def hand_out(folder):
    """Write what a class gets to start with, and return its folder."""
    handout.main("", [str(folder / "hand_out")])
    return folder / "hand_out"


def defines(node):
    """Return the names that a statement at the top of a module defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    return [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]


def solved(text, script, **replaced):
    """Return a handed-out script (text) with what the solution has of its own, and the layers that it has in common.py.

    replaced: new values of constants.
    """
    solution, shared = (ast.parse((ROOT / name).read_text()) for name in (script, "common.py"))
    own = [node for node in solution.body[1:-1] if getattr(node, "name", "") != "main"]
    inlined = [node for node in shared.body[1:] if isinstance(node, (ast.Import, ast.ImportFrom))
               or set(defines(node)) - {"__all__"}]
    for node in own:
        if defines(node) and defines(node)[0] in replaced:
            node.value = ast.Constant(replaced[defines(node)[0]])
    names = {name for node in inlined for name in defines(node)}
    new = "\n".join(ast.unparse(node) for node in [*inlined, *own])
    new = re.sub(r"\bcommon\.(\w+)", lambda match: match[1] if match[1] in names else match[0], new)
    start, end = text.index("import common"), text.index("def main(")
    return text[:start] + "import common\n\n" + new + "\n\n\n" + text[end:]

# ------------------------------------------------------------------------------------------------ with the command


def options(folder, *arguments, runs=1, timeout=100, memory=1):
    """Return the options that grade task 3 of a folder; timeout: in seconds, far above what scripts that end take."""
    return ["--runs", str(runs), "--submissions", str(folder), "--timeout", str(timeout), "--memory", str(memory),
            *map(str, arguments), CNN]


def command(*arguments, **named):
    """Return a command that grades a folder, see `options`."""
    return [sys.executable, ROOT / "tools" / "grade.py", *options(*arguments, **named)]


def judged(path):
    """Return the verdicts on task 3 in a file of results, by submission."""
    return {name: tasks[CNN] for name, tasks in json.loads(path.read_text())["verdicts"].items()}

# -------------------------------------------------------------------------------------- by a Python that has Keras


@functools.cache
def warm_python():
    """Return a process that has imported Keras and forks for each program: that saves seconds for each.

    There is one in each of pytest's processes. It ends with its standard input.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.Popen([sys.executable, Path(__file__).with_name("warm_python.py")], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment | {
                                "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_HOME": os.devnull,
                                "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"})


def run_warm(folder, *arguments, stdout=None, stderr=None):
    """Run `python ARGUMENTS` in a folder, forked from `warm_python`; returns the finished process.

    stdout, stderr: files to be its standard output and standard error, or `CLOSED`.
    """
    with tempfile.TemporaryDirectory() as scratch:
        out, err = Path(scratch, "stdout"), Path(scratch, "stderr")
        out.touch()
        err.touch()
        process = warm_python()
        print(json.dumps([str(folder), [str(argument) for argument in arguments], str(stdout or out),
                          str(stderr or err)]), file=process.stdin, flush=True)
        status = int(process.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, out.read_text(), err.read_text())


def locally_warm(jobs, started):
    """Run jobs like `jobs.locally`, without walls and limits, by `warm_python`."""
    for key, (files, arguments, _, memory, _) in jobs:
        started(key)
        with tempfile.TemporaryDirectory() as scratch:
            paths = {name: Path(scratch, name) for name in ("report", "predictions")}
            for name, content in ({f"submission/{name}": content for name, content in files.items()} | {
                    name: b"" for name in paths}).items():
                Path(scratch, name).parent.mkdir(parents=True, exist_ok=True)
                Path(scratch, name).write_bytes(content)
            start = time.perf_counter()
            ran = run_warm(Path(scratch, "submission"), *(
                paths.get(argument.strip("{}"), argument) for argument in arguments))
            seconds = time.perf_counter() - start
            yield key, sandbox.Outcome(sandbox._reason(ran.returncode, ran.stderr, memory), ran.stdout, ran.stderr,
                                       seconds, seconds, *(path.read_text() for path in paths.values()), False)


def grade_warm(monkeypatch, tmp_path, texts, *arguments, **named):
    """Grade hand-ins, see `hand_ins` and `options`, in this process and with `locally_warm`; returns the verdicts."""
    monkeypatch.setattr(command_line, "locally", locally_warm)
    path = tmp_path / "results.json"
    command_line.main("", options(hand_ins(tmp_path, texts), "--json", path, *arguments, **named))
    return judged(path)

# ----------------------------------------------------------------------------------------------------- by this Python


def locally_here(jobs, started):
    """Run jobs like `jobs.locally`, without processes: for scripts of a few lines that print, or raise an exception."""
    for key, (files, arguments, *_) in jobs:
        started(key)
        output, error = io.StringIO(), ""
        script = next(argument for argument in arguments if argument.endswith(".py"))
        try:
            with contextlib.redirect_stdout(output):
                exec(compile(files[script], f"/scratch/submission/{script}", "exec"), {})
        except Exception:
            error = traceback.format_exc()
        yield key, sandbox.Outcome("ended with status 1" if error else "", output.getvalue(), error, 1.0, 1.0, "{}", "",
                                   True)


def grade_here(monkeypatch, folder, *arguments):
    """Grade a folder of hand-ins with the grader's command in this process, with `locally_here`; returns its status."""
    monkeypatch.setattr(command_line, "locally", locally_here)
    monkeypatch.setattr(sandbox, "walls", lambda: "")
    monkeypatch.setattr(sandbox, "has_systemd", lambda: False)
    return command_line.main("", ["--submissions", str(folder), *map(str, arguments)])
