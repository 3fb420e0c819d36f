"""Run the scripts with the lowest and with the newest versions of the packages that requirements.txt admits.

    python tools/versions.py                          all four scripts; it downloads and installs TensorFlow twice
    python tools/versions.py task1_autoencoder.py     one script

The packages are installed in temporary virtual environments. In both, each script runs once with `--validation 1
--figures`, so that it uses Matplotlib as well. The program prints one line for each run: the versions, what the script
printed, and that standard error was empty. Exit status 1: a script failed or printed something else.
"""

import re
import subprocess
import sys
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring.runs import TIMEOUT, ProgressLine, parse_line, scripts_parser
from project import ROOT, TASKS


def requirements(text, lowest):
    """Return the requirements in `text`, a list of lines like `numpy>=1.26,<2.5`; with `lowest` like `numpy==1.26`."""
    return [re.sub(r">=([\d.]+).*", r"==\1", line) if lowest else line for line in text.split()]


def install(folder, packages):
    """Create a virtual environment in a folder, install packages, and return the path of its Python.

    Raises CalledProcessError if pip fails.
    """
    venv.create(folder, with_pip=True)
    python = str(Path(folder, "bin", "python"))
    subprocess.run([python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages], check=True)
    return python


def versions(python, packages):
    """Return the names and the versions of the packages installed for a Python, as text."""
    names = [re.match(r"[\w-]+", package).group() for package in packages]
    program = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    ran = subprocess.run([python, "-c", program, *names], capture_output=True, text=True, check=True)
    return ", ".join(f"{name} {version}" for name, version in zip(names, ran.stdout.split()))


def try_script(python, script):
    """Run a script with a Python and return the line that it prints.

    Raises ValueError if it fails, or prints anything else than this line, its head and the names of its figures.
    """
    with TemporaryDirectory() as folder:
        try:
            ran = subprocess.run([python, ROOT / script, "--validation", "1", "--figures", folder], capture_output=True,
                                 text=True, timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            raise ValueError(f"was stopped after {TIMEOUT} s") from None
        lines = ran.stdout.splitlines()
        figures = [line for line in lines if Path(line).parent == Path(folder) and Path(line).is_file()]
        rest = [line for line in lines if line not in figures]
        if ran.returncode or ran.stderr or len(rest) != 2 or not figures:
            raise ValueError(f"ended with status {ran.returncode}, saved {len(figures)} figures and printed:\n"
                             + "\n".join([*rest, ran.stderr]))
        parse_line(rest[1], len(TASKS[script].errors))
        return rest[1]


def main():
    """Install the packages and run the scripts, first with the lowest versions, then with the newest."""
    options = scripts_parser(__doc__).parse_args()
    scripts, status, done = options.scripts or list(TASKS), 0, 0
    with ProgressLine("run", 2 * len(scripts)) as progress:
        for lowest in True, False:
            packages = requirements((ROOT / "requirements.txt").read_text(), lowest)
            with TemporaryDirectory() as folder:
                progress.update(done, f"installing {' '.join(packages)}")
                python = install(folder, packages)
                installed = versions(python, packages)
                for script in scripts:
                    progress.update(done, f"now {script}")
                    try:
                        result = f"printed {try_script(python, script)}; standard error is empty"
                    except ValueError as error:
                        result, status = error, 1
                    progress.clear()
                    print(f"{installed}: {script} {result}", flush=True)
                    done += 1
    return status


if __name__ == "__main__":
    sys.exit(main())
