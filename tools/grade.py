"""Grade the bundle or the hand-ins of a class: run each script several times and compare the means with the limits.

    python tools/grade.py                                the bundle's four scripts, five runs each
    python tools/grade.py --runs 20 task3_cnn.py         some scripts
    python tools/grade.py --submissions hand_ins/        each folder and archive in it is one submission

Each run is a process of its own behind walls, with the digits in another order; in audit runs they are altered. What
the runs have shown becomes a verdict. Exit status 0: everything is valid; 1: something is not; 2: wrong usage; 130:
stopped by Ctrl-C. See docs/grading.md; the grader itself is in tools/grading/.
"""

import sys

try:
    from grading.command_line import main
except ModuleNotFoundError as error:
    print(f"grade.py: error: {sys.executable} has no {error.name}: .venv/bin/pip install -r requirements.txt -r "
          "tools/requirements.txt", file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main(__doc__))
