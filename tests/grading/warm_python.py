"""A Python that has imported Keras: for each line of its input it runs a program in a process that it forks.

A line is JSON: the folder to run in, the arguments of Python, and a file each for standard output and standard error,
or "closed". The answer is the status of the process, in a line. Importing Keras starts no threads, so that forking is
safe.
"""

import atexit
import gc
import json
import os
import random
import runpy
import sys
import threading

import numpy as np
from lean_keras import start_trainings_fast

start_trainings_fast()


def run_to_the_end(path):
    """Run a script as Python does, and return its status. What is left out is to take TensorFlow down: 0.2 seconds."""
    status = 0
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        status = 1
        sys.excepthook(*sys.exc_info())
    threading._shutdown()  # waits for the script's threads
    atexit._run_exitfuncs()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    return status


gc.freeze()  # so that a child copies less memory
for line in sys.stdin:
    folder, arguments, *outputs = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(folder)
        random.seed()  # otherwise all of them would have the same random numbers
        np.random.seed()
        for number, (name, path) in enumerate(zip(["stdout", "stderr"], outputs), 1):
            if path == "closed":
                os.close(number)
                setattr(sys, name, None)  # as Python does when it starts
                continue
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
            setattr(sys, name, os.fdopen(number, "w", -1 if name == "stdout" else 1))  # the file may be a terminal
        sys.argv, sys.orig_argv, sys.path[0] = arguments, [sys.executable, *arguments], folder
        os._exit(run_to_the_end(arguments[0]))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
