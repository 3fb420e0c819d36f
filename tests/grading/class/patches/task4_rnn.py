#!/usr/bin/env python3
"""Task 4: an LSTM that reads patches of 7x7 pixels in the order of a snake. See --help."""
import argparse
import logging
import sys
import time

T = time.monotonic()
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
logger = logging.getLogger(__name__)


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--dataset", default="dataset.txt", metavar="FILE")
    p.add_argument("--test", metavar="FILE")
    p.add_argument("--predictions", metavar="FILE", help="where to write the digits")
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--quiet", action="store_true", default=True)
    return p.parse_args()


def load(path):
    with open(path) as f:
        rows = [line.rstrip("\n").partition("\t") for line in f]
    x = np.array([list(r[2].replace("-", "")) for r in rows], np.float32).reshape(-1, 4, 7, 4, 7).swapaxes(2, 3)
    x[:, 1::2] = x[:, 1::2, ::-1]
    return x.reshape(-1, 16, 49), [r[0] for r in rows]


if __name__ == "__main__":
    args = parse()
    if args.quiet:
        logging.disable(logging.INFO)
    import keras
    import numpy as np

    x, labels = load(args.dataset)
    if not args.test:
        x, tx, labels, answers = x[:len(x) // 2], x[len(x) // 2:], labels[:len(x) // 2], labels[len(x) // 2:]
    y = np.eye(10)[[int(label) for label in labels]]
    net = keras.Sequential([keras.Input((16, 49)), keras.layers.LSTM(24), keras.layers.Dense(10, "softmax")])
    net.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.Lion(0.003))
    net.fit(x, y, epochs=args.epochs, batch_size=10, verbose=0)
    logger.info("trained")
    if args.test:
        tx, answers = load(args.test)
    found = net.predict(tx, verbose=0).argmax(-1)
    if args.predictions:
        with open(args.predictions, "w") as out:
            print(*found, sep="\n", file=out)
    error = 100 * np.mean([str(a) != b for a, b in zip(found, answers)])
    print(f"{error:.2f} {net.count_params()} {(time.monotonic() - T) / 60:.2f}")
