"""Run an untrusted program behind walls: it sees Python, its own files and nothing else, and has limits.

The walls are bubblewrap's (`bwrap`, from the package bubblewrap of every Linux): namespaces without a network and
without the other files, processes, sockets and terminals of the system, and folders of limited size in memory to write
to. All processes of the program end with it, or with the grader. Where there is no bubblewrap, a program can do what
the grader can. `walls` returns which of the two is the case.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

FILE_SIZE = 256  # MiB, of each file that a program writes
DISK = 1024  # MiB, of each of the three folders that it can write to
PROCESSES, THREADS = 200, 4000  # of a program at the same time; threads with walls only
FLOOD = 256  # MiB, of standard output and of standard error
OUTPUT = 1 << 20  # bytes of each of them that are kept: the first and the last half
STDERR = 20_000  # characters of standard error that are returned: the end, with a whole traceback
KEPT = 2000  # characters of each output that go into a record
REPORT = 20_000  # of a report
PREDICTIONS = 8 << 20  # of predictions
POLL = 0.05  # seconds
CENSUS = 0.2  # seconds between two looks at all processes of a program
# What is there besides Python. Fontconfig complains on standard error if it has no settings.
READABLE = ["/usr", "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime", "/nix/store",
            "/sys/devices/system/cpu"]
# Limits that the kernel watches, for each process: of memory, of the size of a file (in 512 bytes), of core dumps.
LIMITS = "ulimit -d {memory}; ulimit -f {blocks}; ulimit -c 0"


class Outcome(NamedTuple):
    """How a run ended. `reason` is empty if it ended by itself with status 0, otherwise what happened in a few words.

    stdout: standard output, without its middle if it is longer than OUTPUT; stderr: the end of standard error; seconds:
    of the whole process; spoke: seconds after which it last wrote to standard output; report, predictions: what it
    wrote to these files; walled: whether there were walls.
    """

    reason: str
    stdout: str
    stderr: str
    seconds: float
    spoke: float
    report: str
    predictions: str
    walled: bool


class Kept:
    """What is kept of an output: its first and its last half of OUTPUT bytes. size: of all that came."""

    def __init__(self):
        self.size, self.first, self.last = 0, bytearray(), bytearray()

    def add(self, data):
        """Add bytes to the end."""
        self.size += len(data)
        room = OUTPUT // 2 - len(self.first)
        self.first += data[:room]
        self.last += data[room:]
        if len(self.last) > OUTPUT:  # not each time, since that moves them all
            del self.last[:-OUTPUT // 2]

    def text(self):
        """Return it as text. Where the middle is gone, a line of dots stands for it and for the lines that it cuts."""
        first, last = bytes(self.first), bytes(self.last[-OUTPUT // 2:])
        if self.size > len(first) + len(last):
            first = b"".join(first.rpartition(b"\n")[:2]) + b"...\n"
            last = last.partition(b"\n")[2] or last
        return (first + last).decode(errors="replace")


def run(files, arguments, seconds, memory, home=()):
    """Run `python ARGUMENTS` in a scratch folder with these files, and return its Outcome.

    files: contents (bytes) by path relative to the folder; home: the same for its home folder. arguments: `{report}`
    and `{predictions}` are replaced by the paths of files for these. seconds: the limit of time. memory: the limit of
    memory in GiB, of all processes together. Raises OSError if the program cannot be run.
    """
    with _scratch_folder() as scratch:
        for folder, contents in {"submission": files, "home": dict(home), "tmp": {}}.items():
            Path(scratch, folder).mkdir()
            for name, content in contents.items():
                path = Path(scratch, folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        with contextlib.ExitStack() as stack:
            outputs = {name: stack.enter_context(tempfile.NamedTemporaryFile(prefix="grade-"))
                       for name in ("report", "predictions")} | {name: Kept() for name in ("stdout", "stderr")}
            walled = walls() == ""
            command, environment = (_behind_walls if walled else _without_walls)(scratch, outputs, arguments, memory)
            start = time.perf_counter()
            status, reason, spoke = _run(command, environment, scratch, outputs, start, seconds, memory)
            spent = time.perf_counter() - start
            errors = outputs["stderr"].text()[-STDERR:]
            return Outcome(reason or _reason(status, errors, memory), outputs["stdout"].text(), errors, spent, spoke,
                           _read(outputs["report"], REPORT), _read(outputs["predictions"], PREDICTIONS), walled)


@contextlib.contextmanager
def _scratch_folder():
    """Make a folder, give its path, and remove it with all that is in it by then."""
    folder = tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True)
    try:
        yield folder.name
    finally:
        try:
            folder.cleanup()
        except RecursionError:  # there are thousands of folders in each other
            subprocess.run(["rm", "-rf", folder.name], stderr=subprocess.DEVNULL)


def walls():
    """Return "" if programs run behind walls on this system, otherwise the reason why not, in one line."""
    if not shutil.which("bwrap"):
        return ("no bubblewrap: install the package bubblewrap" if sys.platform == "linux" else
                "no bubblewrap: that is for Linux")
    with tempfile.TemporaryDirectory(prefix="grade-") as scratch, tempfile.NamedTemporaryFile() as file:
        for folder in "submission", "home", "tmp":
            Path(scratch, folder).mkdir()
        program = f"import os; open('mine', 'w'); os.path.exists({scratch!r}) and 1 / 0"
        command, _ = _behind_walls(scratch, {"report": file, "predictions": file}, ["-ISc", program], 1)
        ran = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if ran.returncode == 0:
        return ""
    said = " ".join((ran.stderr.splitlines() or [f"status {ran.returncode}"])[-1].split())
    if "amespace" in said or "uid map" in said or "RTM_NEWADDR" in said:
        said += " (Ubuntu 24.04 refuses namespaces to ordinary users; docs/grading.md has the cure)"
    return f"bubblewrap does not work: {said}"


def _behind_walls(scratch, outputs, arguments, memory):
    """Return the command that runs Python with `arguments` behind walls, and None for its environment: the grader's."""
    seen = [*READABLE, sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable)),
            *(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))]
    command = [*_scope(memory), "bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent",
               "--new-session", "--clearenv", "--cap-drop", "ALL"]
    size = ["--size", str(DISK << 20), "--tmpfs"]
    command += ["--proc", "/proc", "--remount-ro", "/proc", "--dev", "/dev", *size, "/dev/shm", *size, "/tmp", *size,
                "/scratch"]  # before the others: this Python may be in /tmp
    for path in dict.fromkeys(map(os.path.abspath, seen)):
        command += ["--ro-bind-try", path, path]
    for path in "/bin", "/sbin", "/lib", "/lib32", "/lib64":
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind-try", path, path]
    command += ["--ro-bind", scratch, "/given", "--bind", outputs["report"].name, "/report",
                "--bind", outputs["predictions"].name, "/predictions", "--remount-ro", "/"]
    for name, value in _environment("/scratch/home", "/tmp").items():
        command += ["--setenv", name, value]
    # The kernel counts threads in the namespace only for those who are not root; dash and bash differ in the letter.
    threads = f"{{ ulimit -u {THREADS} || ulimit -p {THREADS}; }} 2> /dev/null"
    limits = LIMITS.format(memory=memory << 20, blocks=FILE_SIZE << 11)
    program = f"cp -R /given/. /scratch && cd /scratch/submission && {limits} && {threads}; exec \"$@\""
    return [*command, "sh", "-c", program, "sh", *_python(arguments, "/report", "/predictions")], None


def _without_walls(scratch, outputs, arguments, memory):
    """Return the command that runs Python with `arguments`, and its environment."""
    program = f"cd submission && {LIMITS.format(memory=memory << 20, blocks=FILE_SIZE << 11)}; exec \"$@\""
    paths = outputs["report"].name, outputs["predictions"].name
    return ["sh", "-c", program, "sh", *_python(arguments, *paths)], _environment(f"{scratch}/home", f"{scratch}/tmp")


def _python(arguments, report, predictions):
    paths = {"{report}": report, "{predictions}": predictions}
    return [sys.executable, *(paths.get(argument, argument) for argument in arguments)]


def _environment(home, temporary):
    """Return the environment of a program: no GPU, no screen, a quiet TensorFlow, none of the grader's variables."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"HOME": home, "TMPDIR": temporary, "CUDA_VISIBLE_DEVICES": "-1", "LANG": "C.UTF-8",
                   "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1",  # what it printed is there if it is ended
                   "MPLBACKEND": "agg", "TF_CPP_MIN_LOG_LEVEL": "3"}


def _scope(memory):
    """Return a command that runs another one in a control group with a limit of memory, [] where there is no systemd.

    Only control groups count everything, also files in memory that no process has mapped.
    """
    if not has_systemd():
        return []
    return ["systemd-run", "--user", "--scope", "--quiet", "-p", f"MemoryMax={memory}G", "-p", "MemorySwapMax=0", "-p",
            f"TasksMax={THREADS}", "--"]


def has_systemd():
    """Return whether systemd can limit the memory of a program."""
    try:
        return subprocess.run(["systemd-run", "--user", "--scope", "--quiet", "true"], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(command, environment, scratch, outputs, start, seconds, memory):
    """Run a command. Return its status, why it was ended ("" if it ended by itself), and when it last wrote.

    memory: the limit of all its processes together in GiB, watched from outside.
    """
    process = subprocess.Popen(command, cwd=scratch, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    spoke, census, ended = 0.0, start, False
    streams = {process.stdout: "stdout", process.stderr: "stderr"}
    for stream in streams:
        os.set_blocking(stream.fileno(), False)
    try:
        while True:
            ended = process.poll() is not None
            ready = select.select([*streams], [], [], 0 if ended else POLL)[0]
            now = time.perf_counter()
            for stream in ready:
                name = streams[stream]
                data = stream.read(1 << 20)
                if name == "stdout" and data:
                    spoke = now - start
                outputs[name].add(data or b"")
                if outputs[name].size > FLOOD << 20:
                    what = "output" if name == "stdout" else "error"
                    return process.poll(), f"flooded its standard {what} with more than {FLOOD} MiB", spoke
                if data == b"":
                    del streams[stream]
            if ended and not ready:
                return process.returncode, "", spoke
            if now > start + seconds:
                return process.poll(), f"ended after {seconds:g} s", spoke
            if now > census + CENSUS:
                census, (count, used) = now, _census(process.pid)
                if count > PROCESSES:
                    return process.poll(), f"started more than {PROCESSES} processes", spoke
                if used > memory << 30:
                    return process.poll(), f"used more than {memory:g} GiB of memory in all its processes", spoke
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()


def _census(ancestor):
    """Return the number of all processes that a process has started, and the bytes of memory that they have in use."""
    count = used = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(ancestor)
        for one in process, *process.children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has ended
                used += one.memory_info().rss
                count += 1
    return count, used


def _reason(status, stderr, memory):
    """Return in a few words why a program ended with a status other than 0."""
    if status == 0:
        return ""
    number = -status if status < 0 else status - 128  # of the signal that ended it, if there was one
    traced, _, end = stderr.rpartition('\n  File "')  # what was written earlier did not end it
    end = "\n".join(end.splitlines() if traced else end.splitlines()[-2:])
    if number == signal.SIGXFSZ or "File too large" in end:
        return f"wrote a file of more than {FILE_SIZE} MiB"
    if "No space left on device" in end:
        return f"wrote more than {DISK} MiB"
    if any(sign in end for sign in ("MemoryError", "bad_alloc", "Cannot allocate memory", "out of memory")):
        return f"crashed, out of its {memory:g} GiB of memory"
    if number in set(signal.Signals):
        return f"ended with status {status}, as after {signal.Signals(number).name}"
    return f"ended with status {status}"


def _read(file, count):
    """Return the first `count` bytes of an open file as text."""
    return os.pread(file.fileno(), count, 0).decode(errors="replace")
