"""Compare variants of a script by repeated cross-validation on the training digits, to see a tenth of a point.

    python tools/crossvalidate.py task3_cnn.py --results FILE --variants MINE.json   {name: [[text, new text], ...]}
    python tools/crossvalidate.py task3_cnn.py --results FILE                        the changes of ablation.py
    python tools/crossvalidate.py task3_cnn.py --results FILE --report               the table of what there is so far

A repeat divides the training half of the data into five folds with as many digits of each class, by a fixed rule, the
same for all variants, and trains a network for each fold on the other four. So every digit is predicted once per
repeat, by a network that has not seen it. The test half takes no part. Each training is a process with one thread, one
per core; that takes less time in all than one process with all cores. Trainings are appended to FILE as they end:
Ctrl-C stops, the same command goes on. A training counts again as long as its code and its data are the same.

The table has the error and the log loss of the out-of-fold predictions, the latter at its best temperature, so that
label smoothing makes no difference. Differences to the baseline are paired by digit and repeat, with a 95% confidence
interval for other digits and other trainings.
"""

import sys

from measuring.crossvalidation import main

if __name__ == "__main__":
    sys.exit(main(__doc__, choose_variants=True))
