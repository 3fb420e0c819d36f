"""`--validation all`: a script runs once for each fold of the training digits; needs the standard library only."""

import subprocess
import sys
from statistics import mean, stdev


def validate_all(arguments, folds):
    """Run this script once for each fold, pass on what it prints, print mean and standard deviation, and exit.

    arguments: the command line without the script. Each run is a process of its own, as without `all`. Exit status: 0,
    or that of a run that fails, which is the last one then.
    """
    results = []
    for fold in range(1, folds + 1):
        with subprocess.Popen([sys.executable, sys.argv[0], *arguments, f"--validation={fold}"], text=True,
                              stdout=subprocess.PIPE) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
        if process.returncode:
            sys.exit(process.returncode)
        results.append([float(error) for error in line.split()[:-2]])  # without parameters and minutes
    print("mean:", ", ".join(f"{mean(errors):.2f} ± {stdev(errors):.2f}" for errors in zip(*results)), flush=True)
    sys.exit()
