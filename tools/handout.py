"""Write what a class gets to start with: half-finished scripts, the data and the assignment.

    python tools/handout.py hand_out/                       the scripts end in a line that says what is not written yet
    python tools/handout.py hand_out/ --baseline            with a small plain network in each, so that everything runs
    python tools/handout.py hand_out/ --secret test.txt     the test digits go to test.txt, and are kept from the class
    python tools/handout.py hand_out/ --dataset digits.txt  other data, such as tools/make_dataset.py makes

Grade the hand-ins with --handout hand_out/, and with --dataset digits.txt if you gave it here; if the test digits were
kept back, with --dataset hand_out/dataset.txt --test test.txt. How the folder is made is in tools/grading/handout.py.
"""

import sys

from grading.handout import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
