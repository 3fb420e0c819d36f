"""Pictures of one's own digits, and networks that are saved and loaded in another process."""

import common
import task1_autoencoder
from support.data_file import DatasetError

import numpy as np
import pytest
from conftest import DATASET, ROOT
from handins import run_warm
from PIL import Image


@pytest.fixture(scope="module")
def digits():
    return common.read_digits(DATASET, 0, 20)


@pytest.mark.parametrize("paper, ink", [(255, 0), (0, 255), (200, 60)])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_a_picture_of_a_digit_is_the_digit(digits, tmp_path, paper, ink, suffix):
    """Enlarged, in a corner of a page, dark on light or light on dark, it is read as it is in the data."""
    for image in digits.images[:5, ..., 0]:
        rows, columns = np.nonzero(image)
        cut = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        page = np.full((300, 200), paper, np.uint8)
        large = np.kron(cut, np.ones((6, 6)))
        page[20 : 20 + large.shape[0], 10 : 10 + large.shape[1]] = np.where(large > 0, ink, paper)
        Image.fromarray(page).save(tmp_path / f"digit{suffix}")
        read = common.read_picture(tmp_path / f"digit{suffix}")
        assert read.shape == (1, 28, 28, 1) and read.dtype == np.float32
        assert np.mean(read[0, ..., 0] != image) < 0.12  # MNIST's box has 20 pixels exactly, not every digit in it
        y, x = np.nonzero(read[0, ..., 0])
        assert abs(y.mean() - 14) < 0.7 and abs(x.mean() - 14) < 0.7


def test_pictures_that_cannot_be_read(tmp_path):
    Image.new("L", (30, 30), 255).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no picture")
    for name, message in {"blank.png": "nothing is drawn on it", "text.png": "not a picture",
                          "nowhere.png": "No such file or directory"}.items():
        with pytest.raises(DatasetError, match=f"{name}: {message}$"):
            common.read_picture(tmp_path / name)


def test_a_picture_of_28x28_pixels_stays_as_it_is(digits, tmp_path):
    for paper, ink in (255, 0), (30, 220):
        for image in digits.images[:3]:
            Image.fromarray(np.uint8(np.where(np.roll(image[..., 0], 2), ink, paper))).save(tmp_path / "digit.png")
            assert np.array_equal(common.read_picture(tmp_path / "digit.png")[0], np.roll(image, 2).reshape(28, 28, 1))


def test_images_of_another_form(digits, capsys):
    model = __import__("task3_cnn").build_model()
    with pytest.raises(ValueError, match=r"^images of the shape \(1, 28, 28\), expected \(n, 28, 28, 1\)"):
        common.predict(model, digits.images[0, ..., 0][None])
    with pytest.raises(ValueError, match=r"^pixels from 0 to 255, expected 0 \(paper\) to 1 \(ink\)$"):
        common.predict(model, 255 * digits.images)
    with pytest.raises(ValueError, match=r"expected shape=\(None, 28, 28, 1\), found"):
        model.predict(digits.images[0], verbose=0)
    common.predict(model, digits.images)
    assert capsys.readouterr().err == ""
    common.predict(model, 1 - digits.images)
    assert capsys.readouterr().err.endswith(
        "note: most of the pixels are ink: here ink is 1 and paper is 0; try 1 - images\n")


LOAD = """
import sys, common, task1_autoencoder, keras
model = keras.models.load_model(sys.argv[1])
image = common.read_picture(sys.argv[2])
print((common.predict(model, image)["reconstruction"].round() == image).all())
"""


def test_a_saved_network_is_used_elsewhere(tmp_path, digits, capsys):
    """As the README says it, in a fresh process, with a picture."""
    common.run(lambda: task1_autoencoder.main(["--save", str(tmp_path / "network.keras")]))
    output, errors = capsys.readouterr()
    assert output.startswith("0.00 8 ") and errors == ""
    Image.fromarray(np.uint8(255 - 255 * digits.images[0, ..., 0])).save(tmp_path / "digit.png")
    (tmp_path / "program.py").write_text(LOAD)
    ran = run_warm(ROOT, tmp_path / "program.py", tmp_path / "network.keras", tmp_path / "digit.png")
    assert (ran.stdout, ran.stderr) == ("True\n", "")
