"""Make a data file for the scripts from pictures of digits, or from MNIST's own files.

    python tools/make_dataset.py digits.txt pictures/ --figure digits.png    pictures/3/any.png or pictures/3_anna.jpg
    python tools/make_dataset.py digits.txt train-images-idx3-ubyte.gz --first 10000 --per-class 200
    python tools/make_dataset.py train.txt pictures/ --test test.txt --without last_year.txt

A SOURCE is a folder of pictures, a picture, IDX files (images, and their labels beside them or as another SOURCE), an
.npz file as Keras stores MNIST, CSV (the label and 784 pixels), or a data file; all but pictures and .npz files may be
compressed by gzip. Digits are dark on light or light on dark. What is not 28x28 pixels large is scaled and centred as
MNIST's digits are. The digits are shuffled and split in halves, each class evenly: the first half is for training. A
copy of another digit is left out. If anything is wrong, nothing is written. How it is done is in tools/making/.
"""

import sys

from making.command_line import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
