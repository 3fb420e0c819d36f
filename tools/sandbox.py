"""Run an untrusted program in a sandbox: in a scratch folder, with limits, without a network.

Where Linux's `unshare` works, as it does for every user of most systems, the program has no network, can write in its
scratch folder only, and runs in a process namespace that ends with it. Elsewhere it has the network, can write where
the grader can, and processes that it starts in a session of their own outlive it. `isolated` returns which of the two
is the case. In both cases there are limits of time, memory and file size.

This file is also the program that runs inside the sandbox and starts the untrusted one: `launch`.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

FILE_SIZE = 256  # MiB, of each file that a program writes
OUTPUT = 1  # MiB, of standard output and of standard error
KEPT = 2000  # characters of them that are kept
REPORT = 20_000  # and of a report
POLL = 0.05  # seconds
SANDBOX = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--mount", "--mount-proc", "--fork",
           "--kill-child"]


class Outcome(NamedTuple):
    """How a run ended. `reason` is empty if it ended by itself with status 0, otherwise what happened in a few words.

    stdout: the beginning of standard output, lines: its number of lines; stderr: the end of standard error; seconds: of
    the whole process; report: what it wrote to the file descriptor of its report; isolated: whether it was sandboxed.
    """

    reason: str
    stdout: str
    lines: int
    stderr: str
    seconds: float
    report: str
    isolated: bool


def run(files, arguments, seconds, memory, home=()):
    """Run `python ARGUMENTS` in a scratch folder with these files, and return its Outcome.

    files: contents (bytes) by path relative to the folder; home: the same for its home folder. arguments: `{report}` in
    one of them is replaced by the number of a file descriptor for a report. seconds: the limit of time. memory: the
    limit of the data of each process, in GiB. Raises OSError if the program cannot be run.
    """
    scratch = os.path.realpath(tempfile.mkdtemp(prefix="grade-"))
    try:
        for folder, contents in {"submission": files, "home": dict(home), "tmp": {}}.items():
            Path(scratch, folder).mkdir()
            for name, content in contents.items():
                path = Path(scratch, folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr, tempfile.TemporaryFile() as report:
            arguments = [argument.replace("{report}", str(report.fileno())) for argument in arguments]
            start = time.perf_counter()
            status, reason = _run(scratch, isolated(), arguments, memory, start + seconds, stdout, stderr, report)
            spent = time.perf_counter() - start
            errors = _read(stderr, KEPT, end=True)
            if reason == "time":
                reason = f"ended after {seconds:g} s"
            return Outcome(reason or _reason(status, errors, memory), _read(stdout, KEPT),
                           len(_read(stdout, OUTPUT << 20).splitlines()), errors, spent, _read(report, REPORT),
                           isolated())
    finally:
        # Not by shutil.rmtree: the tree may be too deep for it, or have folders without permissions.
        subprocess.run(["sh", "-c", 'chmod -R u+rwX "$0"; rm -rf "$0"', scratch], capture_output=True)


_isolated = None  # once it is known


def isolated():
    """Return whether this system can sandbox a program: no network, no writing outside its folder."""
    global _isolated
    if _isolated is None:
        program = "open('mine', 'w')\ntry: open('../../theirs', 'w')\nexcept OSError: raise SystemExit(77)"
        with tempfile.TemporaryDirectory(prefix="grade-") as folder, tempfile.TemporaryFile() as output:
            scratch = os.path.join(os.path.realpath(folder), "inside")
            os.makedirs(f"{scratch}/submission")
            try:
                status, _ = _run(scratch, True, ["-ISc", program], 1, time.perf_counter() + 20, *[output] * 3)
            except OSError:  # there is no unshare
                status = None
            _isolated = status == 77
    return _isolated


def _run(scratch, sandboxed, arguments, memory, deadline, stdout, stderr, report):
    """Run Python in a scratch folder. Return its status and why it was ended, "" if it ended by itself."""
    theirs, ours = os.pipe()  # when the grader ends, its end is closed, and `launch` ends everything
    process = None
    try:
        process = subprocess.Popen(
            [*(SANDBOX if sandboxed else []), sys.executable, "-ISc", SOURCE, scratch, str(int(sandboxed)), str(theirs),
             str(int(memory * 2**30)), sys.executable, *arguments],
            cwd=scratch, env=_environment(scratch), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            start_new_session=True, pass_fds=[theirs, report.fileno()])
        reason = _wait(process, deadline, {"standard output": stdout, "standard error": stderr})
    finally:
        os.close(ours)
        os.close(theirs)
        if process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode, reason


def _wait(process, deadline, outputs):
    """Wait until the process ends (returns ""), its time is over ("time"), or it writes too much (the reason)."""
    ended = False
    while True:
        for name, file in outputs.items():
            if os.fstat(file.fileno()).st_size > OUTPUT << 20:
                return f"flooded its {name}"
        if ended:
            return ""
        if time.perf_counter() > deadline:
            return "time"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(POLL)
            ended = True


def _reason(status, stderr, memory):
    """Return in a few words why a program ended with a status other than 0."""
    if status == 0:
        return ""
    number = -status if status < 0 else status - 128  # of the signal that ended it, if there was one
    if number == signal.SIGXFSZ or "File too large" in stderr:
        return f"wrote a file of more than {FILE_SIZE} MiB"
    if any(sign in stderr for sign in ("MemoryError", "bad_alloc", "Cannot allocate memory", "out of memory")):
        return f"crashed, out of its {memory:g} GiB of memory"
    if number in set(signal.Signals):
        return f"ended with status {status}, as after {signal.Signals(number).name}"
    return f"ended with status {status}"


def _read(file, count, end=False):
    """Return the first or the last `count` bytes of an open file as text."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - count) if end else 0)
    return file.read(count).decode(errors="replace")


def _environment(scratch):
    """Return the environment of a program: no GPU, no screen, a quiet TensorFlow, none of the grader's variables."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"HOME": f"{scratch}/home", "TMPDIR": f"{scratch}/tmp", "CUDA_VISIBLE_DEVICES": "-1",
                   "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "MPLBACKEND": "agg",
                   "TF_CPP_MIN_LOG_LEVEL": "3"}

# ---------------------------------------------------------------------------------------------------------- inside


def launch(scratch, sandboxed, pipe, memory, *command):
    """Set the limits, run the untrusted program, and end with its status. In a sandbox all its processes end as well.

    In a sandbox this is the first process of the namespace. The untrusted program cannot be the first one, because
    signals such as that of `abort` do not end the first process.
    """
    if int(sandboxed):
        _make_read_only(scratch)
        command = ("setpriv", "--bounding-set=-all", "--no-new-privs", *command)  # or it could undo that
    os.chdir(f"{scratch}/submission")
    for kind, value in ("DATA", int(memory)), ("FSIZE", FILE_SIZE << 20), ("CORE", 0):
        resource.setrlimit(getattr(resource, f"RLIMIT_{kind}"), (value, value))
    child = os.fork()
    if not child:
        os.close(int(pipe))
        os.execvp(command[0], command)

    def die_with_grader():
        os.read(int(pipe), 1)
        os.killpg(0, signal.SIGKILL)
        os._exit(1)  # that does not kill the first process of a namespace; when it ends, all others do

    threading.Thread(target=die_with_grader, daemon=True).start()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os._exit(status if status >= 0 else 128 - status)


def _make_read_only(scratch):
    """Make the file system of this namespace read-only, except for a folder and a new /dev/shm."""
    subprocess.run(["mount", "--bind", scratch, scratch], check=True)
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        target, options = (re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), field)
                           for field in line.split()[4:6])
        if target != scratch:  # some cannot be changed: they belong to the system
            subprocess.run(["mount", "-o", f"remount,bind,{options},ro", target], capture_output=True)
    if os.path.isdir("/dev/shm"):
        subprocess.run(["mount", "-t", "tmpfs", "none", "/dev/shm"], check=True)


if __name__ == "__main__":
    import resource

    launch(*sys.argv[1:])

SOURCE = Path(__file__).read_text()  # for the workers of a cluster
