"""The walls around a hand-in: what it cannot see, reach or use up. They need bubblewrap."""

import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

from grading import sandbox

import pytest
from conftest import ROOT

needs_walls = pytest.mark.skipif(bool(sandbox.walls()) and "CI" not in os.environ, reason=sandbox.walls() or "none")


def run(program, *arguments, seconds=30, memory=1, files=()):
    """Run a program (text) in the sandbox."""
    return sandbox.run({"a.py": textwrap.dedent(program).encode(), **dict(files)}, ["a.py", *map(str, arguments)],
                       seconds, memory)


def survivors(text):
    """Return the processes with a text in their command line."""
    processes = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text in path.read_text().replace("\0", " "):
                processes.append(path.parent.name)
        except OSError:  # it has ended
            pass
    return processes


@needs_walls
def test_only_what_it_needs_is_there(tmp_path, monkeypatch):
    """No home, no project, no other hand-ins; what is there cannot be written to."""
    (tmp_path / "theirs").write_text("42")
    neighbour = tmp_path / "grade-neighbour" / "submission"  # as `sandbox.run` makes it
    neighbour.mkdir(parents=True)
    (neighbour / "task3_cnn.py").write_text("42")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # of the grader: this run has its folder beside that one
    outcome = run(f"""
        import os
        print(sorted(name for folder in ("..", "../..", {str(tmp_path)!r}) if os.path.exists(folder)
                     for name in os.listdir(folder) if "grade" in name), os.path.exists({str(neighbour)!r}))
        for path in {str(tmp_path / 'theirs')!r}, {str(ROOT / 'dataset.txt')!r}, {os.path.expanduser('~/.bashrc')!r}:
            print(os.path.exists(path))
        for path in "/x", "/usr/x", os.path.join(os.path.dirname(os.__file__), "x"), "/proc/sys/kernel/core_pattern":
            try:
                open(path, "w")
                print("written", path)
            except OSError:
                pass
        open("mine", "w"), open("/tmp/mine", "w"), open("/dev/shm/mine", "w")
        print(sorted(os.listdir()), len(os.environ["HOME"]))
        print([name for name in os.environ if name.startswith(("CI", "PIP", "SSH"))])
    """)
    assert outcome.reason == "" and outcome.walled, outcome
    assert outcome.stdout.splitlines() == ["[] False"] + ["False"] * 3 + ["['a.py', 'mine'] 13", "[]"]


@needs_walls
def test_no_network_no_sockets_no_terminal(tmp_path):
    program = """
        import os, socket, sys
        for family, address in (socket.AF_INET, ("127.0.0.1", int(sys.argv[1]))), (socket.AF_UNIX, sys.argv[2]):
            try:
                with socket.socket(family) as end:
                    end.settimeout(2)
                    end.connect(address)
                print("connected")
            except OSError:
                print("no")
        for path in sys.argv[3], "/dev/tty":
            try:
                os.open(path, os.O_WRONLY | os.O_NONBLOCK)
                print("opened")
            except OSError:
                print("no")
    """
    path, fifo = tmp_path / "socket", tmp_path / "fifo"
    os.mkfifo(fifo)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        outcome = run(program, server.getsockname()[1], path, fifo)
        os.close(reader)
    assert (outcome.reason, outcome.stdout) == ("", "no\n" * 4)


@needs_walls
def test_nothing_is_left():
    """Neither a daemon nor shared memory of System V outlives a run."""
    outcome = run("""
        import ctypes, os, sys
        print(ctypes.CDLL(None).shmget(987123, 4096, 0o1666) >= 0, flush=True)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(876)"])
    """)
    assert (outcome.reason, outcome.stdout) == ("", "True\n")
    assert not survivors("time.sleep(876)")
    assert str(987123) not in {str(int(line.split()[0])) for line in
                               Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


@needs_walls
@pytest.mark.parametrize("program, reason", [
    ("x = []\nwhile True: x.append(bytearray(1 << 27))", "out of its 1 GiB of memory"),
    ("import os, time\nfor _ in range(4):\n    if os.fork() == 0:\n        x = b'x' * (400 << 20)\n"
     "        time.sleep(20)\n        os._exit(0)\ntime.sleep(20)", "used more than 1 GiB of memory in all"),
    ("import os, time\nfor _ in range(300):\n    if os.fork() == 0: time.sleep(20)\ntime.sleep(20)",
     "started more than 200 processes"),
    ("for number in range(9):\n    with open(str(number), 'wb') as file: file.write(bytes(200 << 20))",
     "wrote more than 1024 MiB"),
    ("with open('f', 'wb') as file:\n    while True: file.write(bytes(1 << 20))", "wrote a file of more than 256 MiB"),
    ("import ctypes\nif ctypes.CDLL(None).unshare(0x10000000): raise SystemExit(7)", "ended with status 7"),
    ("import time\ntime.sleep(60)", "ended after 1 s"),
], ids=["memory", "memory of four", "processes", "disk", "a file", "namespaces", "time"])
def test_limits(program, reason):
    memory = 4 if reason.startswith(("wrote", "ended")) else 1
    outcome = run(program, seconds=1 if "ended after" in reason else 30, memory=memory)
    assert reason in outcome.reason


def test_what_was_printed_is_there_if_it_is_ended(monkeypatch):
    """Also where the script does not flush, as Python does not by itself for a pipe."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    outcome = run("import time\nprint('5.40 12810 0.50')\ntime.sleep(60)", seconds=1)
    assert (outcome.reason, outcome.stdout) == ("ended after 1 s", "5.40 12810 0.50\n")


@pytest.mark.parametrize("stderr, memory", [
    ("Traceback (most recent call last):\n  File \"a.py\", line 2\n    x = y\nMemoryError: no\n", True),
    ("terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n", True),
    ("the GPU is out of memory, the CPU is used\nTraceback:\n  File \"a.py\", line 2\n    x = y\nKeyError: 3\n", False),
    ("the GPU is out of memory\nthe CPU is used\nusage: a.py\na.py: error: --epochs is missing\n", False),
])
def test_only_what_ended_it_is_the_reason(stderr, memory):
    assert ("memory" in sandbox._reason(1, stderr, 1)) == memory


@needs_walls
def test_the_end_of_a_long_output_is_kept():
    """Progress bars of a long training are no flood; what is kept has a limit."""
    outcome = run("""
        print("begin")
        for step in range(200_000):
            print(f"\\r{step:6d}/200000 " + "=" * 20, end="")
        print()
        print("5.00 100 0.01")
    """)
    assert outcome.reason == "" and len(outcome.stdout) <= sandbox.OUTPUT + 10
    assert outcome.stdout.splitlines()[0] == "begin" and outcome.stdout.splitlines()[-1] == "5.00 100 0.01"


@pytest.mark.parametrize("size", [10, 1000])
def test_what_is_kept_of_an_output(size):
    """Nothing is lost of a short one, and of a long one no line is cut."""
    kept, lines = sandbox.Kept(), [f"{number:0{size}}\n" for number in range(3000)]
    for line in lines:
        kept.add(line.encode())
    said = kept.text().splitlines(keepends=True)
    assert said == lines if size == 10 else set(said) - set(lines) == {"...\n"} and said[-1] == lines[-1]
    assert size == 10 or len(said) > 1000


@needs_walls
def test_it_ends_with_the_grader():
    """Also when the grader is killed, which it cannot notice."""
    program = ("from grading import sandbox\nprint(sandbox.walls(), flush=True)\n"
               "sandbox.run({'a.py': b'import time; time.sleep(765)'}, ['a.py', 'time.sleep(765)'], 100, 1)")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT / "tools") as grader:
        grader.stdout.readline()
        # The walls are told to end with the grader a moment after they have started: wait for what is behind them.
        wait_until(lambda: any("python" in Path(f"/proc/{process}/comm").read_text()
                               for process in survivors("a.py time.sleep(765)")))
        grader.kill()
    wait_until(lambda: not survivors("a.py time.sleep(765)"))


def wait_until(condition):
    pause = threading.Event()
    for _ in range(600):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("it did not happen within half a minute")


@needs_walls
def test_as_an_ordinary_user(tmp_path):
    """The walls stand without root, too."""
    if os.getuid():
        pytest.skip("this is one, so the other tests show it")
    program = "import os; os.setgid(65534); os.setuid(65534); import sandbox; print(repr(sandbox.walls()))"
    copy = tmp_path / "tools"
    copy.mkdir()
    (copy / "sandbox.py").write_bytes(Path(sandbox.__file__).read_bytes())
    (copy / "psutil.py").touch()  # this Python has none, and nothing is counted here
    for folder in (copy, *copy.parents):
        if folder != Path("/tmp") and folder.is_relative_to("/tmp"):
            folder.chmod(0o755)
    ran = subprocess.run(["/usr/bin/python3", "-c", program], capture_output=True, text=True, cwd=copy,
                         env={"PATH": "/usr/bin:/bin"})
    assert ran.stdout == "''\n", ran.stdout + ran.stderr


def test_folders_that_are_very_deep_are_removed(monkeypatch):
    """Without walls, a hand-in makes them in the grader's own folder."""
    with sandbox._scratch_folder() as folder:
        monkeypatch.chdir(folder)
        for _ in range(2000):
            os.mkdir("x")
            os.chdir("x")
        os.chdir(ROOT)
    assert not os.path.exists(folder)


def test_without_bubblewrap_it_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert "install the package bubblewrap" in sandbox.walls()


def test_a_bubblewrap_that_does_not_work_says_why(monkeypatch, tmp_path):
    """Such as Ubuntu's, which refuses namespaces to ordinary users."""
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert "setting up uid map: Permission denied (Ubuntu 24.04 refuses" in sandbox.walls()
    outcome = run("print(open('/proc/self/cmdline').read().count('a.py'))")
    assert (outcome.reason, outcome.stdout, outcome.walled) == ("", "1\n", False)


def test_systemd_limits_the_memory_where_it_is(monkeypatch, tmp_path):
    """A stand-in for systemd-run shows which limits it is given."""
    fake = tmp_path / "systemd-run"
    fake.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/said\n"
                    "while [ \"$1\" != -- ] && [ $# -gt 1 ]; do shift; done\n[ \"$1\" = -- ] && shift\nexec \"$@\"\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert sandbox.has_systemd()
    assert sandbox._scope(2)[:5] == ["systemd-run", "--user", "--scope", "--quiet", "-p"]
    if not sandbox.walls():
        assert run("print(1)", memory=2).stdout == "1\n"
        assert "MemoryMax=2G -p MemorySwapMax=0" in (tmp_path / "said").read_text()
