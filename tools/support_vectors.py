"""Support vector machines, the method of choice for a thousand examples, to compare the scripts with (`benchmark.py`).

    python tools/support_vectors.py pixels        on the pixels
    python tools/support_vectors.py scattering    on the scattering coefficients of Bruna and Mallat (2013)

Prints what task3_cnn.py prints: test error in %, parameters (all numbers of the support vectors and their weights),
minutes. C of 10 is the best of 1, 10 and 100 for both, in cross-validation on the training digits. The packages:

    python -m pip install -r tools/measuring/requirements.txt
"""

import time

START = time.perf_counter()  # before the imports, as in the scripts

from project import ROOT  # noqa: E402
from support.command_line import Parser, fail  # noqa: E402
from support.data_file import count_lines, read_digits  # noqa: E402

INSTALL = "python -m pip install -r tools/measuring/requirements.txt"
try:
    from sklearn.svm import SVC
except ImportError as error:
    fail(f"{error}: {INSTALL}")


def scattering(images):
    """Return the scattering coefficients of images (n, 28, 28, 1) at scales up to 4 pixels, (n, 81, 7, 7).

    Ends the program in one line without kymatio.
    """
    try:
        from kymatio.numpy import Scattering2D
    except ImportError as error:
        fail(f"{error}: {INSTALL}")
    return Scattering2D(J=2, shape=images.shape[1:3])(images[..., 0])


FEATURES = {"pixels": lambda images: images, "scattering": scattering}


def main(name, path=ROOT / "dataset.txt"):
    """Train on the first half of a data file with one kind of features, and print the line of results."""
    half = count_lines(path) // 2
    training, test = read_digits(path, 0, half), read_digits(path, half, 2 * half)
    x, x_test = (FEATURES[name](digits.images).reshape(len(digits.labels), -1) for digits in (training, test))
    machine = SVC(C=10).fit(x, training.labels)
    error = 100 * (machine.predict(x_test) != test.labels).mean()
    parameters = machine.support_vectors_.size + machine.dual_coef_.size + machine.intercept_.size
    print(f"{error:.2f} {parameters} {(time.perf_counter() - START) / 60:.2f}")


if __name__ == "__main__":
    parser = Parser(__doc__)
    parser.add_argument("features", choices=FEATURES)
    main(parser.parse_args().features)
