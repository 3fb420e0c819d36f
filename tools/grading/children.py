"""Which of Python's audit events tell that a script starts another process. Needs the standard library only."""

import os

NAMED = {"subprocess.Popen", "os.posix_spawn", "os.exec"}  # these tell the program first
CHILDREN = NAMED | {"os.fork", "os.forkpty", "os.spawn", "os.system"}
# Programs by which Python and its libraries ask for the machine: TensorFlow's import starts one of them.
QUERIES = {"uname", "file", "lscpu", "sysctl", "ldconfig", "gcc", "cc", "ld", "objdump", "nvidia-smi", "fc-list"}


def starts_process(event, details):
    """Return whether an audit event tells of another process, in which a script might do anything."""
    if event == "import":
        return str(details[0]).startswith("multiprocessing.popen_")
    return event in CHILDREN and not (event in NAMED and os.path.basename(os.fsdecode(details[0])) in QUERIES)
