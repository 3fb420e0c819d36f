"""What the models of a script were given: digits of the test half, of the training half, or what cannot be told.

A model counts that was given the test digits. They are told by their pixels, whatever the scale, the shape and a frame
around them. Needs nothing of the grader.
"""

import contextlib
import math

LOOKS = 6  # rows of an argument that are looked at: a script that predicts digit by digit must not become slow
MANY = 10**9  # rows of a stream, which cannot be counted
KEPT = 50  # rows of an argument that are kept, to try the model with


class Digits:
    """The digits of a run. dataset, test: paths of its files; test is None if the first has both halves.

    count: of the test digits.
    """

    def __init__(self, dataset, test, count):
        lines = []
        for path in filter(None, (dataset, test)):
            with contextlib.suppress(OSError), open(path, "rb") as file:
                lines += file.read().splitlines()
        self.halves, self.owners = {"training": lines[:-count], "test": lines[-count:]}, None

    def tell(self, given):
        """Return how many rows an argument of a model has, and the shares of test and training digits in them.

        A stream has many; there are none while a graph is built.
        """
        import keras
        import numpy as np

        leaves = keras.tree.flatten(given)
        shapes = [leaf.shape for leaf in leaves if getattr(leaf, "shape", None) is not None]
        if not shapes:
            return MANY, 0, 0
        shape = next(filter(len, shapes), ())  # a number may stand beside the images
        rows = shape[0] if len(shape) and isinstance(shape[0], int) else 0
        owners = []
        for leaf in filter(is_array, leaves if rows else []):
            with contextlib.suppress(Exception):  # another shape or type: it cannot be told
                images = np.asarray(leaf[::max(1, rows // LOOKS)])
                owners = [self.owner(image) for image in images]
            if any(owners):
                break
        return rows, *(owners.count(half) / max(1, len(owners)) for half in ("test", "training"))

    def owner(self, image):
        """Return "test" or "training" if an image is one of these digits, None if that cannot be told."""
        import numpy as np

        if self.owners is None:
            self.owners = {}
            for half, lines in self.halves.items():  # what is in both counts as a test digit
                for line in lines:
                    bits = np.frombuffer(line.partition(b"\t")[2].strip().replace(b"-", b""), np.uint8) == ord("1")
                    self.owners[_trimmed(_plane(bits))] = half
        plane = _plane(image)
        low, high = plane.min(), plane.max()
        ink = plane == high
        if low == high or not (ink | (plane == low)).all():
            return None
        views = (_trimmed(view) for side in (ink, ~ink) for view in (side, side.T))
        return next((self.owners[view] for view in views if view in self.owners), None)


def is_array(leaf):
    """Return whether an argument holds numbers that can be read now."""
    return type(leaf).__name__ in ("ndarray", "EagerTensor")


def _plane(image):
    """Return an image of any shape as height x width."""
    import numpy as np

    image = np.squeeze(image)
    if image.ndim == 3:  # channels, which are first or last
        image = image[..., 0] if image.shape[-1] < image.shape[0] else image[0]
    side = math.isqrt(image.size)
    return image.reshape(side, side) if image.ndim == 1 else image


def _trimmed(ink):
    """Return what an image (height x width, bool) shows, without the frame around it."""
    import numpy as np

    rows, columns = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    if not len(rows):
        return ()
    inner = ink[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    return inner.shape, np.packbits(inner).tobytes()


class Given:
    """What a model was given: numbers of rows that are test digits, training digits, and neither for sure.

    later: rows of the last kind since a model was given test digits. example: some rows, of test digits if there were.
    combined: whether its answers could be combined with those of others, and not only its error.
    """

    def __init__(self, model):
        self.model, self.test, self.training, self.unknown, self.later, self.example = model, 0, 0, 0, 0, None
        self.shown = False  # whether the example has test digits
        self.combined = False

    def add(self, given, told, began, evaluated):
        """Add an argument; told: by `Digits.tell`.

        began: whether any model has been given test digits before; evaluated: whether it is to be compared with labels.
        """
        rows, test, training = told
        self.combined = self.combined or not evaluated and (test > 0 or began and training < 1)
        self.test += rows * test
        self.training += rows * training
        self.unknown += rows * (1 - test - training)
        self.later += began * rows * (1 - test - training)
        if rows and (self.example is None or test > 0.9 and not self.shown):
            import keras
            import numpy as np

            leaves = keras.tree.flatten(given)
            if leaves and all(map(is_array, leaves)):
                self.example = keras.tree.map_structure(
                    lambda leaf: np.array(leaf[:KEPT] if leaf.ndim else leaf), given)
                self.shown = test > 0.9

    def rows(self):
        """Return how many rows it was given."""
        return self.test + self.training + self.unknown


def those_that_predict(seen, count):
    """Return which models predicted the test digits, and those of them that were given these for sure.

    seen: a list of `Given`. count: of the test digits. Where it is told by the pixels, those count that were given test
    digits, and those that were given what cannot be told after that, such as a decoder, or a teacher that was given
    other images late; else all that were given enough of what cannot be told.
    """
    told = [given for given in seen if given.test >= count / 2]
    more = [given for given in seen if given not in told and (given.later if told else given.unknown) >= count]
    return told + more, told
