"""Data files made from pictures and from MNIST's own files: every source, every choice, every mistake."""

import gzip
import io
import subprocess
import sys

from making import command_line, dataset, figure, pictures
from making.sources import read_sources
from support.data_file import count_lines, read_digits

import numpy as np
import pytest
from conftest import DATASET, ROOT
from PIL import Image

COUNT = 60


@pytest.fixture(scope="module")
def digits():
    """Sixty different digits, six of each class: images, uint8 (n, 28, 28), 255 where ink is, and labels."""
    images, labels = read_digits(DATASET, 0, 300)
    chosen = np.sort(np.concatenate([np.flatnonzero(labels == label)[: COUNT // 10] for label in range(10)]))
    return np.uint8(255 * images[chosen, ..., 0]), labels[chosen]


@pytest.fixture
def make(tmp_path, capsys):
    """Return a function that makes tmp_path/made.txt from sources, and returns the printed lines."""

    def call(*arguments):
        assert command_line.main("", [str(tmp_path / "made.txt"), *map(str, arguments)]) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out.replace(f"{tmp_path}/", "").splitlines()
    return call


@pytest.fixture
def refuse(tmp_path, capsys):
    """Return a function that makes nothing from sources, and returns the line that says why."""

    def call(*arguments):
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as ended:
            command_line.main("", [str(tmp_path / "made.txt"), *map(str, arguments)])
        out, err = capsys.readouterr()
        assert (ended.value.code, out, err.count("\n")) == (2, "", 1)
        assert sorted(tmp_path.rglob("*")) == before
        return err.partition("error: ")[2].strip().replace(f"{tmp_path}/", "")
    return call


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def save(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def save_idx(folder, images, labels, suffix="", part="train"):
    return (save(folder / f"{part}-images-idx3-ubyte{suffix}", idx(images)),
            save(folder / f"{part}-labels-idx1-ubyte{suffix}", idx(np.uint8(labels))))


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def csv(images, labels, head="", last=False, separator=","):
    rows = [[*image.ravel(), label] if last else [label, *image.ravel()] for image, label in zip(images, labels)]
    return "".join([head, *(separator.join(map(str, row)) + "\n" for row in rows)]).encode()


def save_pictures(folder, images, labels, name="{label}/{number}.png"):
    for number, (image, label) in enumerate(zip(images, labels)):
        path = folder / name.format(label=label, number=number)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    return folder


def digits_of(path):
    """Return what is in a data file, in no order."""
    images, labels = read_digits(path, 0, count_lines(path))
    return sorted((label, image.astype(bool).tobytes()) for image, label in zip(images, labels))


def expected(images, labels):
    return sorted((label, (image > 127).tobytes()) for image, label in zip(images, labels))


NAMES = ",".join(f"pixel{number}" for number in range(784))
SOURCES = {
    "IDX": lambda folder, x, y: save_idx(folder, x, y),
    "IDX, gzip, labels first": lambda folder, x, y: save_idx(folder, x, y, ".gz")[::-1],
    "IDX, labels beside": lambda folder, x, y: save_idx(folder, x, y, ".gz")[:1],
    "IDX, labels beside, one compressed": lambda folder, x, y: (
        save_idx(folder, x, y)[0], save(folder / "train-labels-idx1-ubyte.gz", idx(np.uint8(y))))[:1],
    "IDX, other names": lambda folder, x, y: (save(folder / "a", idx(x)), save(folder / "b", idx(np.uint8(y)))),
    "IDX, two pairs": lambda folder, x, y: [path for pair in zip(
        save_idx(folder, x[:30], y[:30]), save_idx(folder, x[30:], y[30:], part="t10k")[::-1]) for path in pair],
    "IDX, two pairs with the same names": lambda folder, x, y: [
        *save_idx(folder / "a", x[:30], y[:30]), *save_idx(folder / "b", x[30:], y[30:])[::-1]],
    "IDX, dark on light": lambda folder, x, y: save_idx(folder, 255 - x, y),
    "npz": lambda folder, x, y: [save(folder / "mnist.npz", npz(x_train=x[:40], y_train=y[:40], x_test=x[40:],
                                                                y_test=y[40:]))],
    "npz, 0 to 1": lambda folder, x, y: [save(folder / "mnist.npz", npz(x_train=(x / 255)[..., None], y_train=y))],
    "csv": lambda folder, x, y: [save(folder / "a.csv", csv(x, y))],
    "csv, gzip": lambda folder, x, y: [save(folder / "a.csv.gz", csv(x, y))],
    "csv, head": lambda folder, x, y: [save(folder / "a.csv", csv(x, y, f"label,{NAMES}\n"))],
    "csv, label last": lambda folder, x, y: [save(folder / "a.csv", csv(x, y, f'"{NAMES}","class"\n', last=True))],
    "csv, 0 to 1, other separator": lambda folder, x, y: [save(folder / "a.csv", csv(x / 255, y, separator=";"))],
    "csv, Windows, no head but exponents": lambda folder, x, y: [save(folder / "a.csv", b"\xef\xbb\xbf" + csv(
        x / 1.0, [f"{label:.3e}" for label in y]).replace(b"\n", b"\r\n"))],
    "data file": lambda folder, x, y: [make_data_file(folder / "old.txt", x, y)],
    "data file, gzip": lambda folder, x, y: [make_data_file(folder / "old.txt.gz", x, y)],
    "folder of folders": lambda folder, x, y: [save_pictures(folder / "pictures", x, y)],
    "labels in names, dark on light": lambda folder, x, y: [
        save_pictures(folder / "2025", 255 - x, y, "{label}_anna_{number}.png")],
    "folders of classes": lambda folder, x, y: sorted(save_pictures(folder / "p", x, y).iterdir()),
    "pictures": lambda folder, x, y: sorted(save_pictures(folder / "p", x, y, "{label}-{number}.png").iterdir()),
    "two kinds": lambda folder, x, y: [save(folder / "a.csv", csv(x[:30], y[:30])),
                                       *save_idx(folder, x[30:], y[30:])],
}


def make_data_file(path, images, labels):
    rows = ["-".join("".join(str(int(pixel > 127)) for pixel in row) for row in image) for image in images]
    return save(path, "".join(f"{label}\t{row}\n" for label, row in zip(labels, rows)).encode())


@pytest.mark.parametrize("source", SOURCES)
def test_every_source(source, tmp_path, make, digits):
    lines = make(*SOURCES[source](tmp_path, *digits))
    assert lines == ["made.txt: 60 digits, 6 of each class"]
    assert digits_of(tmp_path / "made.txt") == expected(*digits)


def test_the_file_is_shuffled_and_each_class_is_halved(tmp_path, make, digits):
    images, labels = digits
    order = np.argsort(labels, kind="stable")[:-1]  # an odd number
    make(*save_idx(tmp_path, images[order], labels[order]))
    made = read_digits(tmp_path / "made.txt", 0, 59).labels
    for half in made[:29], made[29:]:
        assert set(np.bincount(half, minlength=10)) <= {2, 3}
        assert (np.diff(half) < 0).sum() > 5
    assert digits_of(tmp_path / "made.txt") == expected(images[order], labels[order])


@pytest.mark.parametrize("size, suffix, paper, ink", [(3, "png", 255, 0), (7, "jpg", 20, 230), (5, "JPEG", 200, 60)])
def test_pictures_of_other_sizes(tmp_path, make, digits, size, suffix, paper, ink):
    """They are scaled and centred, so that few pixels differ from the digits that were enlarged."""
    large = np.kron(digits[0][::3] > 127, np.ones((size, size)))
    large = np.pad(large, [(0, 0), (0, 11 * size), (9 * size, 0)])
    folder = save_pictures(tmp_path / "p", np.where(large > 0, ink, paper).astype(np.uint8), digits[1][::3],
                           "{label}/{number}." + suffix)
    (source,) = read_sources([folder])
    order = [int(place.rpartition("/")[2].partition(".")[0]) for place in source.places]
    assert np.array_equal(source.labels, digits[1][::3][order])
    assert np.mean((source.images > 127) != (digits[0][::3][order] > 127)) < 0.07  # MNIST's box has 20 pixels exactly
    make(folder)


def test_images_of_another_size_in_a_file(tmp_path, make, digits):
    large = np.kron(digits[0], np.ones((1, 2, 2), np.uint8))
    assert make(*save_idx(tmp_path, large, digits[1]))[-1].startswith("made.txt: 60 digits")


def test_a_picture_that_a_camera_has_turned(tmp_path, digits):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    picture = Image.fromarray(np.kron(digits[0][0], np.ones((3, 3), np.uint8)))
    picture.save(tmp_path / "5_a.png")
    picture.rotate(90).save(tmp_path / "5_b.png", exif=exif)
    first, second = read_sources([tmp_path])[0].images
    assert np.array_equal(first, second)


def test_first_and_per_class(tmp_path, make, digits):
    lines = make(*save_idx(tmp_path, *digits), "--first", 50, "--per-class", 2, "--test", tmp_path / "test.txt")
    assert lines == [f"10 left out: after the first 50 of {TRAIN}", "30 left out: more than 2 of a class",
                     "made.txt: 10 digits, 1 of each class", "test.txt: 10 digits, 1 of each class"]
    made = digits_of(tmp_path / "made.txt") + digits_of(tmp_path / "test.txt")
    assert len(set(made)) == 20 and set(made) <= set(expected(digits[0][:50], digits[1][:50]))


def test_without_and_copies(tmp_path, make, digits):
    images, labels = digits
    last_year = make_data_file(tmp_path / "last_year.txt", images[:20], labels[:20])
    other = labels.copy()
    other[-1] = (labels[-1] + 1) % 10
    lines = make(*save_idx(tmp_path, np.concatenate([images, images[20:23], images[-1:]]),
                           np.concatenate([labels, labels[20:23], other[-1:]])), "--without", last_year)
    assert lines[:3] == [f"20 left out: in {last_year.name}", "3 left out: a copy of another digit",
                         "1 left out: a copy of another digit, with another label"]
    assert digits_of(tmp_path / "made.txt") == expected(images[20:], labels[20:])


def test_threshold(tmp_path, make, refuse, digits):
    images, labels = digits
    sources = save_idx(tmp_path, np.where(images > 0, 110, 0).astype(np.uint8), labels)
    assert "digit 1: no pixel has more ink than 0.43, the threshold is 0.5" in refuse(*sources)
    make(*sources, "--threshold", 0.4)
    assert digits_of(tmp_path / "made.txt") == expected(images, labels)


def test_what_is_no_picture_is_told(tmp_path, make, digits):
    folder = save_pictures(tmp_path / "p", *digits)
    for name in ("notes.txt", "3/Thumbs.db", ".DS_Store", "3/._1.png"):
        save(folder / name, b"x")
    assert make(folder)[0] == "p: 2 left out: no picture (3/Thumbs.db, notes.txt)"


@pytest.mark.parametrize("path, label", [("p/3/a.png", 3), ("p/3/b/a.png", 3), ("p/7_anna.png", 7), ("p/3/7_a.png", 3),
                                         ("p/2025/7.png", 7), ("p/1/2/a.png", 2), ("p/8.jpeg", 8)])
def test_labels(path, label, tmp_path):
    assert pictures.label_of(tmp_path / path, tmp_path / "p") == label


def test_the_figure(tmp_path, make, digits):
    """Each class by its label; in order, so that the digit of a wrong label is found."""
    lines = make(*save_idx(tmp_path, *digits), "--figure", tmp_path / "digits.png")
    assert lines[-1] == "digits.png" and Image.open(tmp_path / "digits.png").size[0] > 300
    images, labels = digits[0] > 127, digits[1]
    images, labels = np.concatenate([images, images[labels == 1]]), np.concatenate([labels, np.ones(6, int)])
    drawn = figure.draw(images[labels != 4], labels[labels != 4])
    assert drawn.get_suptitle() == "60 digits by their labels; none of 4"
    assert [axes.get_ylabel() for axes in drawn.axes] == list("012356789")
    page = drawn.axes[1].images[0].get_array()
    for number, image in enumerate(images[labels == 1]):
        y, x = 30 * (number // 12) + 1, 30 * (number % 12) + 1
        assert np.array_equal(page[y : y + 28, x : x + 28] == 0, image)


def test_the_figure_of_many_digits(digits):
    labels = np.zeros(500, int)
    (axes,) = figure.draw(np.resize(digits[0] > 127, (500, 28, 28)), labels).axes
    assert axes.get_xlabel() == "the first 400 of 500" and axes.images[0].get_array().shape == (300, 1200)
    assert [text.get_text() for text in axes.get_yticklabels()][:3] == ["1", "41", "81"]


def blank(images):
    images = images.copy()
    images[16] = 0
    return images


def png(grey, form="png"):
    file = io.BytesIO()
    Image.fromarray(np.uint8(grey)).save(file, format=form)
    return file.getvalue()


def thin():
    page = np.full((800, 800), 255)
    page[100:700, 400:402] = page[400:402, 100:700] = 0
    return page


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])
    return path


LINES = DATASET.read_bytes().splitlines(keepends=True)[:2]
TRAIN = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
MISTAKES = {
    "a.png: nothing is drawn on it": lambda f, x, y: [save(f / "3/a.png", png(np.full((50, 50), 255)))],
    f"{TRAIN}, digit 17: nothing is drawn on it": lambda f, x, y: save_idx(f, blank(x), y),
    "large, digit 17: nothing is drawn on it": lambda f, x, y: [
        save(f / "large", idx(np.kron(blank(x), np.ones((1, 2, 2), np.uint8)))), save_idx(f, x, y)[1]],
    "3_a.png: no pixel has more ink than 0.13, the threshold is 0.5: thicker strokes, or --threshold": lambda f, x, y: [
        save(f / "3_a.png", png(thin()))],
    "p/a.png: no label, expected a folder such as 3, or a name such as 3_anna.png": lambda f, x, y: [
        save(f / "p/a.png", png(x[0])).parent],
    "p/12_a.png: the label is '12', expected a folder such as 3, or a name such as 3_anna.png": lambda f, x, y: [
        save(f / "p/12_a.png", png(x[0])).parent],
    "3_a.png: not a picture": lambda f, x, y: [save(f / "3_a.png", b"text")],
    "3_a.png: image file is truncated": lambda f, x, y: [
        save(f / "3_a.png", png(np.kron(x[0], np.ones((9, 9))))[:60])],
    "3_a.tif: not a picture": lambda f, x, y: [save(f / "3_a.tif", png(x[0], "tiff")[:20])],  # Pillow would warn
    "p: no pictures in this folder": lambda f, x, y: [save(f / "p/notes.txt", b"").parent],
    "no.png: No such file or directory": lambda f, x, y: [f / "no.png"],
    "no.csv: No such file or directory": lambda f, x, y: [f / "no.csv"],
    "a.csv: the file is empty": lambda f, x, y: [save(f / "a.csv", b"")],
    f"{TRAIN_LABELS}, digit 3: the label is 12, expected a digit 0 to 9": lambda f, x, y: save_idx(
        f, x, [0, 1, 12, *y[3:]]),
    f"{TRAIN}: 60 images, but 59 labels in {TRAIN_LABELS}": lambda f, x, y: save_idx(f, x, y[1:]),
    f"{TRAIN}: no labels: give their file as well": lambda f, x, y: [save(f / TRAIN, idx(x))],
    "1 IDX file of images, but 2 of labels": lambda f, x, y: [*save_idx(f, x, y), save(f / "b", idx(np.uint8(y)))],
    "0 IDX files of images, but 1 of labels": lambda f, x, y: save_idx(f, x, y)[1:],
    f"{TRAIN}: the IDX file is truncated: 46,956 bytes, expected 47,056": lambda f, x, y: [
        save(f / TRAIN, idx(x)[:-100]), save_idx(f, x, y, part="b")[1]],
    f"{TRAIN}: the IDX file is truncated: 7 bytes, expected 16": lambda f, x, y: [save(f / TRAIN, idx(x)[:7])],
    f"{TRAIN}: the IDX file is too long: 47,057 bytes, expected 47,056": lambda f, x, y: [
        save(f / TRAIN, idx(x) + b"1")],
    f"{TRAIN}: not an IDX file of images or labels": lambda f, x, y: [save(f / TRAIN, b"\0\0\7\3" + idx(x)[4:])],
    f"{TRAIN}.gz: the compressed file is truncated or damaged": lambda f, x, y: [
        cut(save_idx(f, x, y, ".gz")[0])],
    "a.npz: the .npz file is truncated or damaged, or not one of numbers": lambda f, x, y: [
        cut(save(f / "a.npz", npz(x_train=x, y_train=y)))],
    "b.npz: the .npz file is truncated or damaged, or not one of numbers": lambda f, x, y: [
        save(f / "b.npz", npz(x_train=np.array([{}]), y_train=y))],
    "a.npz: no x_train and y_train, but images, labels": lambda f, x, y: [save(f / "a.npz", npz(images=x, labels=y))],
    "a.npz: x_train or y_train is missing": lambda f, x, y: [save(f / "a.npz", npz(x_train=x))],
    "a.npz: images of the shape (60, 28, 28, 3), expected (n, 28, 28)": lambda f, x, y: [
        save(f / "a.npz", npz(x_train=np.stack([x] * 3, 3), y_train=y))],
    "a.npz: labels of the shape (60, 10), expected (60,)": lambda f, x, y: [
        save(f / "a.npz", npz(x_train=x, y_train=np.eye(10)[y]))],
    "a.npz: pixels from 0 to 510, expected 0 to 255, or 0 to 1": lambda f, x, y: [
        save(f / "a.npz", npz(x_train=2.0 * x, y_train=y))],
    "a.npz: pixels from nan to nan, expected 0 to 255, or 0 to 1": lambda f, x, y: [
        save(f / "a.npz", npz(x_train=x * np.nan, y_train=y))],
    "a.csv, line 1: 784 values, expected a label and 784 pixels": lambda f, x, y: [
        save(f / "a.csv", csv(x, y).partition(b",")[2])],
    "a.csv, line 2: the label is '', expected a digit 0 to 9": lambda f, x, y: [
        save(f / "a.csv", csv(x, ["3", "", *y[2:]]))],
    "a.csv, line 1: the label is 'x', expected a digit 0 to 9": lambda f, x, y: [
        save(f / "a.csv", csv(x, ["x", *y[1:]]))],
    "a.csv, line 61: the label is '10', expected a digit 0 to 9": lambda f, x, y: [
        save(f / "a.csv", csv(x, [*y[:-1], 10], f"label,{NAMES}\n"))],
    "a.csv, line 1: a pixel is no number": lambda f, x, y: [save(f / "a.csv", csv(x, y).replace(b",0\n", b",x\n", 1))],
    "a.csv: no digits": lambda f, x, y: [save(f / "a.csv", f"label,{NAMES}\n".encode())],
    "a.bin: no picture and no file of digits that is known": lambda f, x, y: [save(f / "a.bin", b"\1\0\0\0")],
    "old.txt, line 2: row 1 has 27 pixels, expected 28": lambda f, x, y: [
        save(f / "old.txt", b"%s%c\t%s" % (LINES[0], LINES[1][0], LINES[1][3:]))],
    "old.txt, line 1: the label is 'x', expected a digit 0 to 9": lambda f, x, y: [
        save(f / "old.txt", b"x" + LINES[0][1:])],
    "too few digits for 7 of each class: 6 of 0, 6 of 1": lambda f, x, y: [*save_idx(f, x, y), "--per-class", 7],
    "1 digits are too few for two halves": lambda f, x, y: [save(f / "3_a.png", png(x[0]))],
    "argument --threshold: not a number between 0 and 1: 127": lambda f, x, y: [
        *save_idx(f, x, y), "--threshold", 127],
    "argument --figure: the name of a figure ends in .png, .pdf, .svg, .jpg: digits": lambda f, x, y: [
        *save_idx(f, x, y), "--figure", "digits"],
    "no.txt: No such file or directory": lambda f, x, y: [*save_idx(f, x, y), "--without", f / "no.txt"],
    "nowhere/test.txt: No such file or directory": lambda f, x, y: [
        *save_idx(f, x, y), "--test", f / "nowhere/test.txt"],
    "made.txt: named twice as a file to write": lambda f, x, y: [*save_idx(f, x, y), "--test", f / "made.txt"],
    f"{TRAIN}: File exists": lambda f, x, y: [*save_idx(f, x, y), "--test", f / TRAIN],
}


@pytest.mark.filterwarnings("error")  # which would be more than one line
@pytest.mark.parametrize("message", MISTAKES)
def test_every_mistake(message, tmp_path, refuse, digits):
    arguments = MISTAKES[message](tmp_path, *digits)
    assert message in refuse(*arguments)


def test_nothing_is_overwritten(tmp_path, capsys, digits):
    """OUT was forgotten, and a source stands in its place."""
    paths = save_idx(tmp_path, *digits)
    before = paths[0].read_bytes()
    with pytest.raises(SystemExit):
        command_line.main("", [*map(str, paths)])
    assert capsys.readouterr().err.endswith(f"error: {paths[0]}: File exists\n") and paths[0].read_bytes() == before


def test_no_file_is_half_written(tmp_path):
    with pytest.raises(OSError):
        dataset.write_all({tmp_path / "a.txt": b"1", tmp_path / "nowhere" / "b.txt": b"2"})
    assert not list(tmp_path.iterdir())


def test_as_a_program_without_tensorflow(tmp_path, digits):
    paths = save_idx(tmp_path, *digits)
    program = ("import runpy, sys, atexit\natexit.register(lambda: print('tensorflow' in sys.modules))\n"
               "sys.argv = sys.argv[1:]\nsys.path.insert(0, sys.argv[0].rpartition('/')[0])\n"
               "runpy.run_path(sys.argv[0], run_name='__main__')")
    ran = subprocess.run([sys.executable, "-c", program, ROOT / "tools" / "make_dataset.py", tmp_path / "made.txt",
                          *paths], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"{tmp_path / 'made.txt'}: 60 digits, 6 of each class\nFalse\n"
