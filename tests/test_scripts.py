"""The four scripts: what they print, what they write, and how they end."""

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from importlib.util import find_spec

import common
import task1_autoencoder
import task4_rnn  # noqa: F401 (its saved networks need its recurrent unit)
from grading import sandbox
from making.sources import read_sources
from project import TASKS
from support import startup
from support.data_file import FOLDS, SIZE
from support.evaluation import with_thought_vector
from support.figures import sensitivity

import keras
import numpy as np
import pytest
from conftest import ENDLESS, ROOT, SCRIPTS, run_script, with_few_copies
from handins import CLOSED, CNN, run_warm
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr

FAST = SCRIPTS[0]  # what all scripts share is tried with the one that takes seconds
FIGURES = [f"{name}.png" for name in ("regeneration", "thought_vectors", "projection", "sensitivity", "training")]
# At most twice the errors that the scripts claim, in %; by the spread of runs fewer than one in 10,000 reaches them.
HIGHEST = dict(zip(SCRIPTS, [[0], [0, 2.9], [2.8], [3.4]]))


def parse_fold(output, errors=1):
    """Return the numbers of a run with `--validation FOLD`: the line before the results says what was measured."""
    head, line = output.splitlines(keepends=True)
    assert re.match(r"fold \d of 5: validation .*error %.*   parameters   minutes\n", head)
    return parse(line, errors)


def parse(line, errors):
    """Return the numbers of a script's line, which must be exactly of the form in the specification."""
    assert re.fullmatch(r"(\d+\.\d\d )" * errors + r"\d+ \d+\.\d\d\n", line)
    return [float(word) for word in line.split()]


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Return a function that runs the fast script in this process: exit status, standard output and standard error."""
    monkeypatch.setattr(sys, "argv", [FAST])
    monkeypatch.setattr("support.startup.BACKEND", "agg")
    monkeypatch.chdir(tmp_path)

    def call_script(*arguments):
        status = 0
        try:
            common.run(lambda: task1_autoencoder.main([str(argument) for argument in arguments]))
        except SystemExit as end:
            status = end.code
        return status, *capsys.readouterr()

    return call_script


@pytest.mark.parametrize("script", SCRIPTS)
def test_prints_one_line_as_claimed(script, tmp_path):
    """A real run. Nothing is written, neither where it runs nor in the home folder, but the network that is asked for.

    That of task 3 sees the same digits in pictures of another size. Sensitivity maps are what flipping pixels does.
    """
    task, saved, classifies = TASKS[script], tmp_path / "network.keras", script != FAST
    ran = run_script(script, *(["--save", saved] if classifies else []), cwd=tmp_path, timeout=120 * task.minutes,
                     env={"HOME": str(tmp_path), "TMPDIR": str(tmp_path)})
    assert (ran.returncode, ran.stderr) == (0, "")
    *measured, counted, taken = parse(ran.stdout, len(task.errors))
    assert all(error <= highest for error, highest in zip(measured, HIGHEST[script]))
    assert counted <= task.parameters and taken <= task.minutes
    assert list(tmp_path.iterdir()) == ([saved] if classifies else [])
    if classifies:
        model = with_few_copies(keras.models.load_model(saved))
        digits = common.read_digits(common.DATASET, 1000, 1500)
        if script == CNN:
            order, images = seen_in_pictures(digits.images, tmp_path / "pictures")
            same = common.predict(model, images)["digit"].argmax(1) == common.predict(
                model, digits.images[order])["digit"].argmax(1)
            assert np.mean(same) >= 0.99
        maps, blurred = sensitivity_as_flipped(model, digits.images[:10])
        assert maps > 0.95 and blurred < 0.5  # in ten trainings the blurred digits had 0.4 at most


def sensitivity_as_flipped(model, images):
    """Return the mean Spearman correlation of sensitivity maps, and that of the blurred digits, with what is true.

    Which is: how much the probability of the predicted class changes if a pixel is flipped, one after the other. The
    maps are made in that way, so that theirs is 1; maps of another kind would have to come near to it.
    images: (n, 28, 28, 1).
    """
    correlations = []
    for image, heat in zip(images, sensitivity(with_thought_vector(model), images)):
        flipped = np.repeat(image.reshape(1, -1), SIZE * SIZE + 1, axis=0)
        for pixel in range(SIZE * SIZE):
            flipped[pixel, pixel] = 1 - flipped[pixel, pixel]
        *flipped, as_it_is = common.predict(model, flipped.reshape(-1, SIZE, SIZE, 1))["digit"]
        changes = np.abs(flipped - as_it_is)[:, as_it_is.argmax()]
        correlations.append([spearmanr(values.ravel(), changes)[0] for values in (heat, gaussian_filter(image, 1.5))])
    return np.mean(correlations, axis=0)


def seen_in_pictures(images, folder):
    """Draw digits in pictures of 100x100 pixels, and return what tools/make_dataset.py sees: their order, and images.
    """
    folder.mkdir()
    for number, image in enumerate(images[..., 0]):
        Image.fromarray(np.uint8(255 - 255 * image)).resize((100, 100)).save(folder / f"0_{number}.png")
    (source,) = read_sources([folder])
    order = [int(place.rpartition("_")[2].partition(".")[0]) for place in source.places]
    return order, np.float32(source.images > 127)[..., None]


def test_help(call, monkeypatch):
    status, output, _ = call("--help")
    assert status == 0 and "--validation" in output and task1_autoencoder.__doc__.splitlines()[0] in output
    monkeypatch.setattr(task1_autoencoder, "__doc__", None)  # as with `python -OO`
    status, output, _ = call("--help")
    assert status == 0 and "--validation" in output and "None" not in output


def test_full_output(call):
    status, output, errors = call("--full_output", "--validation", "4")
    assert (status, errors) == (0, "")
    head, *rows, dashes, heads, line = output.splitlines()
    assert head.split("   ") == ["epoch", "train error %", "validation error %"]
    assert [int(row.split()[0]) for row in rows] == sorted({int(row.split()[0]) for row in rows}) and len(rows) == 5
    assert re.fullmatch("(- )+", dashes) and heads.split("   ") == ["fold 4 of 5: validation error %", "parameters",
                                                                       "minutes"]
    parse(line + "\n", 1)


def test_terminal_sees_progress():
    ours, theirs = pty.openpty()
    chunks, terminal = [], os.ttyname(theirs)

    def read():
        with contextlib.suppress(OSError):  # the terminal is closed
            while chunk := os.read(ours, 4096):
                chunks.append(chunk)

    reader = threading.Thread(target=read)
    reader.start()
    ran = run_warm(ROOT, FAST, "--full-output", stdout=terminal, stderr=terminal)
    os.close(theirs)
    reader.join()
    os.close(ours)
    text = b"".join(chunks)
    assert ran.returncode == 0 and b"s left" in text and b"\r\x1b[K" in text


def test_figures(call, tmp_path):
    status, output, errors = call("--show-analysis")
    assert (status, errors) == (0, "")
    line, *names = output.splitlines()
    parse(line + "\n", 1)
    assert names == [os.path.join("figures", name) for name in FIGURES]
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in names)


def test_predictions_without_labels(call, lines, write, tmp_path):
    """They are what the errors are measured by, to the last digit; nothing else is different."""
    blank = write([line[1:] for line in lines[1000:1100]], "blank.txt")
    path, options = tmp_path / "predictions.txt", ["--dataset", write(lines[:300]), "--test", blank]
    status, output, errors = call(*options, "--predictions", path)
    assert (status, errors) == (0, "")
    parse(output, 1)
    assert path.read_bytes().splitlines() == blank.read_bytes().splitlines()  # task 1 is exact, and predicts no label
    status, output, errors = call(*options)
    assert (status, output) == (2, "") and "blank.txt, line 1: the label is '', expected a digit 0 to 9" in errors


def test_predictions_that_cannot_be_saved(call, tmp_path):
    """That is said before the training."""
    status, output, errors = call("--predictions", tmp_path)
    assert (status, output) == (2, "") and errors.endswith(f"error: {tmp_path}: Is a directory\n")


@pytest.mark.parametrize("test", ["missing", "folder", "garbage"])
def test_validation_does_not_need_the_test_file(call, tmp_path, test):
    path = tmp_path / "test.txt"
    if test == "folder":
        path.mkdir()
    elif test == "garbage":
        path.write_bytes(b"\xff\0 no digits")
    status, output, errors = call("--validation", "1", "--test", path)
    assert (status, errors) == (0, "")
    parse_fold(output)


def test_validation_does_not_read_the_test_half(call, lines, write):
    status, output, errors = call("--validation", "2", "--dataset", write([*lines[:1000], *[b"no digit"] * 1000]))
    assert (status, errors) == (0, "")
    parse_fold(output)


def test_all_folds(call, lines, write):
    """Each in turn, and the mean; each has its own minutes. A mistake in the digits is found at once."""
    status, output, errors = call("--validation")
    assert (status, errors) == (0, "")
    *folds, head, last = output.splitlines(keepends=True)
    assert len(folds) == 2 * FOLDS
    parsed = [parse_fold(folds[number] + folds[number + 1]) for number in range(0, 2 * FOLDS, 2)]
    assert [values[:2] for values in parsed] == [[0, 8]] * FOLDS and max(values[2] for values in parsed[1:]) < 1
    assert (head, last) == ("mean and standard deviation of 5 folds: validation error %\n", "0.00 ± 0.00\n")
    status, output, errors = call("--validation", "--dataset", write([*lines[:9], b"no digit"] * 2))
    assert (status, output, errors.count("\n")) == (2, "", 1)


def test_mistake_in_the_test_half_is_found_after_training(call, lines, write):
    status, output, errors = call("--full_output", "--dataset", write([*lines[:10], *[b"no digit"] * 10]))
    assert status == 2 and len(output.splitlines()) > 5  # the training table is complete
    assert "line 11: no tab between label and pixels: a line is a label, a tab and 28 rows" in errors


@pytest.mark.parametrize("arguments, message", [
    (["--dataset", "nowhere.txt"], "nowhere.txt: No such file or directory"),
    (["--dataset", "."], ".: not a file"),
    (["--dataset", "/dev/null"], "/dev/null: not a file"),
    (["--test", "nowhere.txt"], "nowhere.txt: No such file or directory"),
    (["--dataset", "bad.txt"], "bad.txt, line 2: row 5 has 27 pixels, expected 28"),
    (["--dataset", "one.txt"], "one.txt: too few digits to split (1)"),
    (["--dataset", "eight.txt", "--validation"], "eight.txt: too few digits to split (8)"),
    (["--dataset", "empty.txt"], "empty.txt: the file is empty"),
    (["--test", ""], ": No such file or directory"),
    (["--dataset", "a\nb"], "a b: No such file or directory"),
    (["--figures", ""], ": No such file or directory"),
    (["--figures", "one.txt"], "one.txt: File exists"),
    (["--figures", "one.txt/figures"], "one.txt/figures: Not a directory"),
    (["--epochs", "10"],
     "unrecognized arguments: --epochs 10 (steps, epochs and the like are constants at the top of the script)"),
    (["--fulloutput"], "unrecognized arguments: --fulloutput (did you mean --full_output?)"),
    (["--validation", "6"], None),
    (["--validation", "--predictions", "p.txt"],
     "--validation without a fold saves and shows nothing; choose one, 1 to 5"),
    (["--validation", "all"], None),
    (["--test", "good.txt", "--dataset", "./good.txt"], "--test good.txt: these are the digits to train on"),
    (["--dataset", "good.txt", "--predictions", "link.txt"], "--predictions link.txt: this would overwrite good.txt"),
    (["--test", "good.txt", "--save", "good.keras"], "--save good.keras: this would overwrite good.txt"),
    (["--predictions", "mine.py"], None),  # code that runs
    (["--save", "model.h5"], "argument --save: the name must end in .keras: model.h5"),
    (["--save", "nowhere/model.keras"], "nowhere/model.keras: No such file or directory"),
    (["--dataset"], "argument --dataset: expected one argument"),
    (["more"], None),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_mistakes_of_the_user(call, arguments, message, lines, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mine", types.SimpleNamespace(__file__=str(tmp_path / "mine.py")))
    for name, content in {"one.txt": lines[:1], "eight.txt": lines[:8], "empty.txt": [], "mine.py": [],
                          "good.txt": lines[:20],
                          "bad.txt": [lines[0], lines[1][:119] + lines[1][120:], *lines[2:6]]}.items():
        (tmp_path / name).write_bytes(b"".join(line + b"\n" for line in content))
    (tmp_path / "link.txt").hardlink_to(tmp_path / "good.txt")
    (tmp_path / "good.keras").symlink_to(tmp_path / "good.txt")
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    status, output, errors = call(*arguments)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before  # nothing is written
    assert (status, output) == (2, "")
    assert errors.startswith(f"{FAST}: error: ") and errors.count("\n") == 1
    if message:
        assert errors == f"{FAST}: error: {message}\n"


def test_a_mistake_ends_the_process():
    """As above, from end to end: only the line on standard error, and the status."""
    ran = run_warm(ROOT, SCRIPTS[2], "--dataset", "nowhere.txt")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"{SCRIPTS[2]}: error: nowhere.txt: No such file or directory\n"


@pytest.mark.parametrize("lines_used", [2, 3, 12])
def test_few_digits(call, lines, write, lines_used, monkeypatch):
    """The fewest are enough for a training; what is said of others needs none."""
    if lines_used > 2:
        monkeypatch.setattr(task1_autoencoder, "train", lambda model, digits, callbacks: None)
    status, _, errors = call("--dataset", write(lines[:lines_used]), "--full_output")
    trained, classes = lines_used // 2, len({line[:1] for line in lines[: lines_used // 2]})
    assert status == 0 and errors == (
        f"{FAST}: note: trained on {trained} digits of {classes} class{'es' * (classes != 1)}, measured on "
        f"{lines_used - trained}: too few to say how good the network is\n")


def bundle(folder):
    """Copy to a folder what a hand-in of task 1 consists of."""
    folder.mkdir(exist_ok=True)
    for name in (FAST, "common.py", "dataset.txt"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "support", folder / "support", ignore=shutil.ignore_patterns("__pycache__"))


def interrupted(command, has_come):
    """Start a program, press Ctrl-C when `has_come(process)`, and return its status and standard error."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            while not has_come(process):
                assert process.poll() is None, "it ended by itself"
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=120)
        finally:
            process.kill()
    return process.returncode, errors


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="needs Linux's /proc")
def test_ctrl_c_while_tensorflow_is_imported():
    def loads_tensorflow(process):
        with open(f"/proc/{process.pid}/maps") as maps:
            return "tensorflow" in maps.read()

    assert interrupted([sys.executable, ROOT / SCRIPTS[2]], loads_tensorflow) == (130, b"")


def test_ctrl_c_between_the_imports_and_run(tmp_path):
    bundle(tmp_path)
    (tmp_path / "task.py").write_text("import common, time\nprint('imported', flush=True)\ntime.sleep(100)\n")
    assert interrupted([sys.executable, tmp_path / "task.py"],
                       lambda process: process.stdout.readline() == b"imported\n") == (130, b"")


def test_ctrl_c_while_training(tmp_path):
    bundle(tmp_path)
    (tmp_path / "task.py").write_text(ENDLESS)
    assert interrupted([sys.executable, tmp_path / "task.py", "--full_output"],
                       lambda process: process.stdout.readline().startswith(b"epoch")) == (130, b"")


def test_importing_a_script_leaves_ctrl_c_alone():
    """A notebook that imports a script must not end with it."""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a pipe with a name")
def test_closed_pipe(tmp_path):
    """As of `| head -1`: who reads goes away after the first line."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    first = threading.Thread(target=lambda: (select.select([reader], [], []), os.close(reader)))
    first.start()
    ran = run_warm(ROOT, FAST, "--full_output", stdout=tmp_path / "pipe")
    first.join()
    assert (ran.returncode, ran.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk():
    ran = run_warm(ROOT, FAST, stdout="/dev/full")
    assert (ran.returncode, ran.stderr) == (2, f"{FAST}: error: No space left on device\n")


def test_no_standard_output():
    """As a scheduler of jobs may start it. Without standard error: `test_read_only_checkout`."""
    ran = run_warm(ROOT, FAST, stdout=CLOSED)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_any_place_and_environment(tmp_path):
    """From elsewhere, with names that the terminal's encoding does not have, and settings that would mislead.

    Those are Keras's, a notebook's backend of Matplotlib, a matplotlibrc, and a screen that does not answer: the reason
    is the true one, not that no toolkit is installed. The figures are saved.
    """
    folder, home = tmp_path / "zwei Wörter 数字", tmp_path / "home"
    bundle(folder)
    (home / ".keras").mkdir(parents=True)
    (home / ".keras" / "keras.json").write_text(
        '{"backend": "jax", "image_data_format": "channels_first", "floatx": "float16", "epsilon": 0.1}')
    (home / "matplotlibrc").write_text("text.usetex: True\nfont.size: nothing\nbackend: Qt5Agg\n")
    pictures = folder / "Bilder"
    ran = run_script(folder / FAST, "--show_analysis", "--figures", pictures, cwd=home, encoding="cp1252", env={
        "LANG": "C", "LC_ALL": "C", "PYTHONIOENCODING": "cp1252", "PYTHONHASHSEED": "1", "HOME": str(home),
        "KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "0", "PYTHONWARNINGS": "always", "DISPLAY": ":987",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline"})
    why = "couldn't connect to display \":987\"" if find_spec("_tkinter") else "this Python has no toolkit for them"
    assert ran.returncode == 0 and ran.stderr.count("\n") == 1
    assert ran.stderr.startswith(f"{FAST}: note: no windows: {why}")
    line, *names = ran.stdout.splitlines()
    error, *_ = parse(line + "\n", 1)
    assert error == 0 and len(names) == len(FIGURES) and {path.name for path in pictures.iterdir()} == set(FIGURES)
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {FAST, "common.py", "dataset.txt", "support",
                                                                          "Bilder"}
    assert os.listdir(home / ".keras") == ["keras.json"] and not (home / "figures").exists()


MISSING = "No module named '{}' (to install what the scripts need: pip install -r requirements.txt)"


def test_without_tensorflow(tmp_path):
    """Somebody without the packages reads one line."""
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError(\"No module named 'tensorflow'\", "
                                            "name='tensorflow')")
    ran = run_script(FAST, env={"PYTHONPATH": str(tmp_path)})
    assert (ran.returncode, ran.stderr) == (2, f"{FAST}: error: {MISSING.format('tensorflow')}\n")


def test_without_matplotlib(call, tmp_path, monkeypatch):
    """Before the one line comes that of the results."""
    class Missing:
        def find_spec(self, name, *_):
            if name == "matplotlib":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    for name in [name for name in sys.modules if name.startswith(("matplotlib", "support.figures"))]:
        monkeypatch.delitem(sys.modules, name)
    status, output, errors = call("--validation", "1", "--figures", tmp_path / "figures")
    assert (status, errors) == (2, f"{FAST}: error: {MISSING.format('matplotlib')}\n")
    parse_fold(output)


def test_a_broken_package_shows_its_traceback(tmp_path):
    (tmp_path / "tensorflow.py").write_text("raise ImportError('libtensorflow.so: no such file')")
    ran = run_script(FAST, env={"PYTHONPATH": str(tmp_path)})
    assert ran.returncode == 1 and "Traceback" in ran.stderr and "libtensorflow.so" in ran.stderr


@pytest.mark.parametrize("started, expected", [(["python", "task.py"], True), (["ipython"], False)])
def test_what_counts_as_a_program(started, expected, tmp_path, monkeypatch):
    """A script of the project that was named at the start, also where the project's folder is a link."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "task.py").touch()
    (tmp_path / "link").symlink_to("project")
    monkeypatch.chdir(tmp_path / "link")
    monkeypatch.setattr(startup, "ROOT", str(tmp_path / "project"))
    monkeypatch.setattr(sys, "orig_argv", started)
    main = types.ModuleType("__main__")
    main.__file__ = "task.py"
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert startup.is_program() is expected


EVENTS = []  # the files that are opened, and the ends of trainings
sys.addaudithook(lambda event, details: event == "open" and EVENTS.append(str(details[0])))


@pytest.mark.parametrize("flags, events", [
    ([], ["trained", "opened", "opened"]),
    (["--validation", "1"], ["trained"]),
    (["--validation", "3", "--full_output", "--figures", os.path.join("a", "b")], ["trained"]),
], ids=["test", "validation", "validation with all output"])
def test_when_the_test_file_is_opened(flags, events, call, lines, write, monkeypatch, tmp_path):
    """An audit hook sees every file that is opened; training ends when `fit` returns. Folders for figures are made."""
    test, fit = write(lines[1000:1050], "test.txt"), keras.Model.fit

    def observed_fit(*arguments, **options):
        fit(*arguments, **options)
        EVENTS.append("trained")

    monkeypatch.setattr(keras.Model, "fit", observed_fit)
    EVENTS.clear()
    assert call("--test", test, *flags)[0] == 0
    assert ["opened" if event == str(test) else event for event in EVENTS if event in ("trained", str(test))] == events
    assert (tmp_path / "a" / "b" / "projection.png").exists() == ("--figures" in flags)


@pytest.mark.skipif(bool(sandbox.walls()) and "CI" not in os.environ, reason=sandbox.walls() or "none")
def test_read_only_checkout(tmp_path):
    """Even root could not write there: the whole file system is read-only but for one folder.

    Figures are saved there, also where Matplotlib's backend is one that needs a screen, and without standard error.
    """
    walls = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--bind", tmp_path, tmp_path, "--chdir", tmp_path]
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, ROOT / FAST, "--figures", "figures"]
    ran = subprocess.run([*walls, *command], capture_output=True, text=True,
                         env=os.environ | {"MPLCONFIGDIR": str(tmp_path / "matplotlib"), "MPLBACKEND": "tkagg"})
    line, *names = ran.stdout.splitlines(keepends=True)
    parse(line, 1)
    assert (ran.returncode, ran.stderr) == (0, "") and names == [f"figures/{name}\n" for name in FIGURES]
