"""Pictures of digits from elsewhere, in the form of the data; needs NumPy, and Pillow, which comes with Matplotlib."""

import warnings

from support.command_line import note
from support.data_file import SIZE, DatasetError

import numpy as np

BOX, CENTRE = 20, 14  # MNIST scales a digit to a box of this size and puts its centre of mass there, in pixels


def read_picture(path):
    """Read a picture file of one handwritten digit: (1, 28, 28, 1), float32, ink 1 and paper 0.

    It may have any size, and be dark on light or light on dark. It is scaled and centred as MNIST's digits are, unless
    it has their size. Raises DatasetError if it cannot be read, or if nothing is drawn on it.
    """
    return np.float32(ink_of_picture(path) > 0.5)[None, ..., None]


def ink_of_picture(path):
    """Return how much ink is on each pixel, 0 to 1, of a picture file, in the form of the data: (28, 28).

    A picture of 28x28 pixels stays as it is; others are scaled and centred. Raises as `read_picture`.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged EXIF data, for example
            with Image.open(path) as picture:
                picture = ImageOps.exif_transpose(picture).convert("RGBA")  # cameras note which side is up
            grey = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("L")
    except UnidentifiedImageError:
        raise DatasetError(f"{path}: not a picture") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # all of these, for damaged files
        raise DatasetError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        return in_form(ink_of_grey(np.asarray(grey) / 255))
    except ValueError as error:
        raise DatasetError(f"{path}: {error}") from None


def in_form(ink):
    """Return ink (height, width), 0 to 1, in the form of the data, (28, 28): as it is if it has that size."""
    return ink if ink.shape == (SIZE, SIZE) else normalized(ink)


def ink_of_grey(grey):
    """Return how much ink is on each pixel, 0 to 1, of a grey picture (height, width), 0 black to 1 white.

    The paper is what most of the edge is. Raises ValueError if all pixels are alike.
    """
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(edge))
    if ink.max() < 0.1:
        raise ValueError("nothing is drawn on it")
    return ink / ink.max()


def normalized(ink):
    """Return ink (height, width), 0 to 1, scaled into a box of 20 pixels and centred by its mass: (28, 28)."""
    from PIL import Image

    rows, columns = np.nonzero(ink > 0.2)
    ink = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(BOX * length / max(ink.shape))) for length in ink.shape)
    scaled = np.asarray(Image.fromarray(np.uint8(255 * ink)).resize((width, height), Image.Resampling.BOX)) / 255
    result = np.zeros((SIZE, SIZE))
    y, x = (int(np.clip(round(CENTRE - np.average(np.arange(length), weights=scaled.sum(1 - axis))), 0, SIZE - length))
            for axis, length in enumerate(scaled.shape))
    result[y : y + height, x : x + width] = scaled
    return result


def predict_images(model, images):
    """Return what a model says of images, as `evaluation.predict` does, after a look at their form.

    images: (n, 28, 28, 1), ink 1 and paper 0. ValueError for another shape; a note on standard error if ink and paper
    look like the other way round, as MNIST's are when they are shown white on black.
    """
    from support.evaluation import predict  # with TensorFlow, which reading a picture does not need

    images, shape = np.asarray(images, np.float32), getattr(model, "input_shape", None)
    if shape and tuple(shape[1:]) != (SIZE, SIZE, 1):  # a part of a network, which reads something else
        return predict(model, images)
    if images.shape[1:] != (SIZE, SIZE, 1):
        raise ValueError(f"images of the shape {images.shape}, expected (n, {SIZE}, {SIZE}, 1): one digit is "
                         f"image.reshape(1, {SIZE}, {SIZE}, 1)")
    if images.max(initial=0) > 1 or images.min(initial=0) < 0:
        raise ValueError(f"pixels from {images.min():g} to {images.max():g}, expected 0 (paper) to 1 (ink)")
    if len(images) and np.median(images.mean((1, 2, 3))) > 0.5:
        note("most of the pixels are ink: here ink is 1 and paper is 0; try 1 - images")
    return predict(model, images)
