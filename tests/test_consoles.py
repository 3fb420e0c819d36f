"""The scripts in the consoles of students: a real Jupyter kernel, and a real IPython in a terminal."""

import os
import pty
import re
import subprocess
import sys
import time

from support.progress import is_terminal

import pytest
from conftest import ENDLESS, ROOT
from jupyter_client.manager import KernelManager

LINE = re.compile(r"0\.00 8 (\d+\.\d\d)")


class Kernel:
    """A Jupyter kernel. `run` executes a cell and returns its output: text, errors' names, and pictures."""

    def __init__(self):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        self.manager.start_kernel(cwd=str(ROOT))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def run(self, code, interrupt_after=None):
        text, errors, pictures = {"stdout": "", "stderr": ""}, [], 0
        sent, interrupted = self.client.execute(code), False
        while True:
            message = self.client.get_iopub_msg(timeout=240)
            if message["parent_header"].get("msg_id") != sent:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                text[content["name"]] += content["text"]
            elif kind == "error":
                errors.append(content["ename"])
            elif kind == "display_data":
                pictures += "image/png" in content["data"]
            elif kind == "status" and content["execution_state"] == "idle":
                return text["stdout"], text["stderr"], errors, pictures
            if interrupt_after and not interrupted and interrupt_after in text["stdout"]:
                self.manager.interrupt_kernel()
                interrupted = True


@pytest.fixture(scope="module")
def kernel():
    made = Kernel()
    yield made
    made.client.stop_channels()
    made.manager.shutdown_kernel(now=True)


def test_a_student_in_a_notebook(kernel, tmp_path):
    """One session, from a first run to an interrupted one. It survives all of it."""
    output, errors, raised, _ = kernel.run("%run task1_autoencoder.py")
    assert (errors, raised) == ("", []) and LINE.fullmatch(output.strip())
    assert kernel.run("print(model.count_params())")[0] == "8\n"  # the network is left in the session

    before = time.monotonic()  # a second run has its own minutes, and figures below the cell
    output, errors, raised, pictures = kernel.run("%run task1_autoencoder.py --show_analysis")
    minutes = float(LINE.fullmatch(output.strip())[1])
    assert (errors, raised) == ("", []) and minutes <= (time.monotonic() - before) / 60 + 0.005
    assert pictures == 5 and not (ROOT / "figures").exists()

    output, errors, raised, _ = kernel.run("%run task1_autoencoder.py --dataset nowhere.txt")  # a mistake is one line
    assert (output, raised) == ("", []) and errors.endswith("error: nowhere.txt: No such file or directory\n")
    assert errors.count("\n") == 1

    output, errors, raised, _ = kernel.run("import common, task1_autoencoder\n"
                                           "model = common.run(task1_autoencoder.main)\n"
                                           "print(model.count_params())")
    assert (errors, raised) == ("", []) and output.split()[-1] == "8"
    output, errors, raised, _ = kernel.run(
        "print(common.run(lambda: task1_autoencoder.main(['--test', 'nowhere.txt'])))")
    assert (output, errors, raised) == ("None\n", "error: nowhere.txt: No such file or directory\n", [])

    *_, raised, pictures = kernel.run("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert raised == [] and pictures == 1  # the student's own figures are shown as before

    (tmp_path / "task.py").write_text(ENDLESS)
    *_, raised, _ = kernel.run(f"%run {tmp_path / 'task.py'} --full_output", interrupt_after="epoch")
    assert raised == ["KeyboardInterrupt"]
    *_, raised, _ = kernel.run("raise ValueError")  # their own code, and its traceback
    assert raised == ["ValueError"]
    assert kernel.run("print(6 * 7)")[0] == "42\n"


def test_idle_is_no_terminal():
    """It says that it is one, but shows what erases a line as text."""
    pytest.importorskip("tkinter")
    from idlelib.run import StdOutputFile

    assert StdOutputFile(None, "stderr").isatty() and not is_terminal(StdOutputFile(None, "stderr"))


def test_ctrl_c_in_ipython(tmp_path):
    """It interrupts what runs, during `%run` and after one, and IPython goes on."""
    (tmp_path / "task.py").write_text(ENDLESS)
    ours, theirs = pty.openpty()
    environment = os.environ | {"IPYTHONDIR": str(tmp_path), "TERM": "dumb"}
    with subprocess.Popen([sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
                          stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment,
                          start_new_session=True, preexec_fn=lambda: os.login_tty(theirs)
                          if hasattr(os, "login_tty") else None) as process:
        os.close(theirs)
        seen = ""

        def until(text):
            nonlocal seen
            while text not in seen:
                seen += os.read(ours, 4096).decode(errors="replace")
            seen = seen[seen.index(text) + len(text) :]

        try:
            until("In [1]")
            os.write(ours, f"%run {tmp_path / 'task.py'} --full_output\n".encode())
            until("epoch  ")
            process.send_signal(2)
            until("KeyboardInterrupt")
            until("In [2]")
            os.write(ours, b"import time; print('waits'); time.sleep(60)\n")
            until("\nwaits")
            process.send_signal(2)
            until("KeyboardInterrupt")
            until("In [3]")
            os.write(ours, b"print(6 * 7)\n")
            until("42")
        finally:
            process.kill()
            os.close(ours)
