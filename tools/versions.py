"""Run the four scripts with the lowest and with the highest versions that requirements.txt admits.

    python tools/versions.py            makes two virtual environments, some minutes and 4 GB
    python tools/versions.py --lowest   only the lowest versions

Each script is run with --validation, and must print its line and nothing on standard error. Needs a Python for which
the lowest versions are available, such as 3.10 to 3.12.
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from runs import ROOT, SCRIPTS, Parser, parse_line


def requirements(lowest):
    """Return what pip shall install: each package in its lowest version, or within its bounds."""
    lines = (ROOT / "requirements.txt").read_text().split()
    return [re.sub(r">=([\d.]+),.*", r"==\1", line) for line in lines] if lowest else lines


def run_all(python):
    """Run the scripts with a Python, print a line for each, and return whether all of them were as they should be."""
    versions = "import tensorflow as a, numpy as b, matplotlib as c; print(a.__version__, b.__version__, c.__version__)"
    installed = subprocess.run([python, "-c", versions], capture_output=True, text=True, check=True).stdout.strip()
    good = True
    for script, (errors, *_) in SCRIPTS.items():
        ran = subprocess.run([python, ROOT / script, "--validation"], capture_output=True, text=True)
        try:
            parse_line(ran.stdout, len(errors))
            passed = (ran.returncode, ran.stderr, ran.stdout.count("\n")) == (0, "", 1)
        except ValueError:
            passed = False
        good &= passed
        print(f"TensorFlow, NumPy, Matplotlib {installed}: {script}: {ran.stdout.strip()}",
              "" if passed else f"\n{ran.stderr}exit status {ran.returncode}: FAILED", flush=True)
    return good


def main():
    """Try the versions; return the exit status."""
    parser = Parser(__doc__)
    parser.add_argument("--lowest", action="store_true", help="try only the lowest versions")
    good = True
    for lowest in (True,) if parser.parse_args().lowest else (True, False):
        with TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            python = next(path for path in (Path(folder, "bin", "python"), Path(folder, "Scripts", "python.exe"))
                          if path.exists())
            subprocess.run([python, "-m", "pip", "install", "-q", *requirements(lowest)], check=True,
                           stderr=subprocess.DEVNULL)
            good &= run_all(python)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
