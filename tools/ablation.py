"""Measure what each choice of the scripts buys, by repeated cross-validation, as docs/ablation.md has measured it.

    python tools/ablation.py --results FILE                        all scripts, hours
    python tools/ablation.py task3_cnn.py --results FILE           one
    python tools/ablation.py task3_cnn.py --results FILE --report  the table of what there is so far

The changes are listed in measuring/ablation.py. crossvalidate.py says what is measured, and takes other changes.
"""

import sys

from measuring.crossvalidation import main

if __name__ == "__main__":
    sys.exit(main(__doc__, choose_variants=False))
