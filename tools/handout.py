"""Write what a class gets to start with: half-finished scripts, the data and the assignment.

    python tools/handout.py hand_out/                       the scripts end in a line that says what is not written yet
    python tools/handout.py hand_out/ --baseline            with a small plain network in each, so that everything runs
    python tools/handout.py hand_out/ --secret test.txt     the test digits go to test.txt, and are kept from the class

The folder is cut from the bundle by its syntax trees: `main`, the signatures, and what `main` needs of common.py and
support/ are the bundle's, and nothing of its networks and trainings is left. Grade the hand-ins with --handout (and,
if the test digits were kept back, --dataset hand_out/dataset.txt --test test.txt).
"""

import ast
import sys
from pathlib import Path

from runs import ROOT, SCRIPTS, Parser, bundle_files, fail, table

TITLES = {
    "task1_autoencoder.py": "an autoencoder that regenerates handwritten digits",
    "task2_multitask.py": "an autoencoder of handwritten digits whose thought vector also tells the digit",
    "task3_cnn.py": "a convolutional network that classifies handwritten digits",
    "task4_rnn.py": "a recurrent network that classifies handwritten digits",
}
THOUGHT = ["a layer called `thought_vector` has the output (batch, 256), always between -1 and 1",
           "all that comes after it depends on nothing else"]
RULES = {
    "task1_autoencoder.py": THOUGHT,
    "task2_multitask.py": [*THOUGHT, "the digit is classified by layers of its own that begin at the thought vector"],
    "task3_cnn.py": ["the network has at least one convolution layer"],
    "task4_rnn.py": ["the network has at least one recurrent layer, and no convolution layer"],
}
SHARED_RULES = ["a run trains from scratch, by gradient descent or an extension of it, without random seeds",
                "the test digits influence nothing, and are read when the training is over",
                "`main`, how the digits are read and how the error is measured stay as they are"]
TRAIN = '''"""Train `model` on `digits`: images (n, 28, 28, 1), pixels 0 or 1, and labels (n,), 0 to 9.

    callbacks: those of `--full_output`, for `model.fit`.
    """'''
TO_WRITE = {"build_model": "Write the network here: begin with layers.Input((28, 28, 1)), return a keras.Model.",
            "train": "Write the training here: model.compile and model.fit, with verbose=0."}
# Networks that may be given: they run, and are far from the limits.
BASELINE = {
    "task1_autoencoder.py": {
        "build_model": """
            image = layers.Input((28, 28, 1))
            thought = layers.Dense(256, activation="tanh", name="thought_vector")(layers.Flatten()(image))
            pixels = layers.Dense(784, activation="sigmoid")(thought)
            return keras.Model(image, layers.Reshape((28, 28, 1))(pixels))""",
        "train": """
            model.compile("sgd", "binary_crossentropy")
            model.fit(digits.images, digits.images, epochs=10, callbacks=list(callbacks), verbose=0)"""},
    "task2_multitask.py": {
        "build_model": """
            image = layers.Input((28, 28, 1))
            thought = layers.Dense(256, activation="tanh", name="thought_vector")(layers.Flatten()(image))
            pixels = layers.Dense(784, activation="sigmoid")(thought)
            digit = layers.Dense(10, activation="softmax")(thought)
            return keras.Model(image, {"reconstruction": layers.Reshape((28, 28, 1))(pixels), "digit": digit})""",
        "train": """
            model.compile("sgd", {"reconstruction": "binary_crossentropy", "digit": "sparse_categorical_crossentropy"})
            model.fit(digits.images, {"reconstruction": digits.images, "digit": digits.labels}, epochs=10,
                      callbacks=list(callbacks), verbose=0)"""},
    "task3_cnn.py": {
        "build_model": """
            image = layers.Input((28, 28, 1))
            x = layers.Conv2D(4, 5, strides=4, activation="relu")(image)
            return keras.Model(image, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))""",
        "train": """
            model.compile("sgd", "sparse_categorical_crossentropy")
            model.fit(digits.images, digits.labels, epochs=10, callbacks=list(callbacks), verbose=0)"""},
    "task4_rnn.py": {
        "build_model": """
            image = layers.Input((28, 28, 1))
            x = layers.SimpleRNN(32)(layers.Reshape((28, 28))(image))
            return keras.Model(image, layers.Dense(10, activation="softmax")(x))""",
        "train": """
            model.compile("sgd", "sparse_categorical_crossentropy")
            model.fit(digits.images, digits.labels, epochs=10, callbacks=list(callbacks), verbose=0)"""},
}

# The grader's modules, for check_my_handin.py.
GRADER = ["alike", "audits", "changes", "grade", "report", "runs", "sandbox", "source", "submissions", "verdicts",
          "watch"]

# The assignment. LIMITS and TEST_DIGITS are replaced.
SHEET = """# Four networks for handwritten digits

You get four half-finished scripts and `dataset.txt`, black-and-white digits from MNIST. Complete `build_model` and
`train` in each script, so that it learns its task with the lowest error, the fewest parameters and in the shortest
time that you can reach:

LIMITS

The limits hold for the mean of five runs on the CPU, those in brackets for high performance. The docstring of each
script has the rules of its task.

## Begin

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python task3_cnn.py

On Windows the second line begins with `.venv\\Scripts\\python`. A script prints one line: the error in % (task 2:
of the pixels, then of the digits), the number of parameters, the minutes. `--full_output` shows the training,
`--show_analysis` draws figures, and `--help` lists all options.

## Rules

- A run trains from scratch, by gradient descent or an extension of it. No random seeds: it has to work in every
  run. No weights that were trained before, and no other data.
- The *thought vector* of tasks 1 and 2 is the code of an image between encoder and decoder: 256 numbers between -1
  and 1, the output of a layer called `thought_vector`. Task 1 regenerates the image from it. Task 2 regenerates the
  image and classifies the digit, by separate layers that know nothing else of the image.
- Change as little as you need: `build_model`, `train`, and constants, functions and layers of your own in the
  script. `main`, the other files, and how digits are read and errors are measured stay as they are.
- Without flags a script prints its line and nothing else, no warnings either.
- The test digits influence nothing. TEST_DIGITS

## Tune honestly

A choice made by looking at test errors is fitted to the test digits. Compare by validation instead, which trains on
four fifths of the training digits and measures the error on the fifth, for each fifth in turn:

    .venv/bin/python task3_cnn.py --validation all

One training differs from the next. A difference smaller than its spread from run to run means nothing, so repeat
it.

## Hand in

    .venv/bin/python check_my_handin.py

runs each script as the grader does, and says what breaks a rule or should be mended. It needs Linux or macOS (on
Windows its Linux subsystem); where `bubblewrap` is installed, scripts run as shut in as in the grader.

The four scripts, with their names, in one folder or `.zip` archive. The grader adds the digits itself and runs each
script five times. It gives your script the test digits without their labels and measures its predictions, counts
the weights that predict, and compares your files with these. It also runs your script on altered digits, where one
that has not learned from the training digits shows.
"""
GIVEN = "The first half of `dataset.txt` is for training, the second for testing."
KEPT = ("`dataset.txt` has training digits only. So that the scripts run, half of them stand in for test digits; you "
        "are graded with all of them for training, and with other test digits.")

# ------------------------------------------------------------------------------------------------------------ scripts


def limits(task):
    """Return the limits of a task as lines of text."""
    names, errors, high, parameters, minutes = SCRIPTS[task]
    lines = [f"the mean {name + ' ' if len(names) > 1 else ''}error of the test digits is at most {limit}%"
             + (f", for high performance {best}%" if best else "") for name, limit, best in zip(names, errors, high)]
    return [*lines, f"at most {parameters:,} parameters, and {minutes} minutes on the CPU for a run"]


def script(task, baseline=False):
    """Return the half-finished script of a task (text); with `baseline`, a finished one that is far from the limits."""
    source = (ROOT / task).read_text()
    tree = ast.parse(source)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = SCRIPTS[task][0]
    heads = " ".join(f"<{name} error, %>" if len(names) > 1 else "<test error, %>" for name in names)
    rules = "\n".join(f"- {rule};" for rule in [*RULES[task], *limits(task), *SHARED_RULES])[:-1] + "."
    number = task[4]
    parts = [f'"""Task {number}: {TITLES[task]}.\n\n    python {task}   prints   {heads} <parameters> <minutes>\n\n'
             f'Write `build_model` and `train`. The rules:\n\n{rules}\n"""\n\n'
             "import common  # first: it starts the clock and keeps TensorFlow quiet\n\n"
             "import keras\nfrom keras import layers\n"]
    for name, docstring in ("build_model", ast.get_source_segment(source, functions["build_model"].body[0])), (
            "train", TRAIN):
        signature = f"def {name}({ast.unparse(functions[name].args)}):"
        body = (BASELINE[task][name].replace("\n" + 12 * " ", "\n    ").strip("\n") if baseline else
                f'    # {TO_WRITE[name]}\n    common.fail("{name} is not written yet")')
        parts.append(f"{signature}\n    {docstring}\n{body}\n")
    lines = source.splitlines()
    parts += [_lines(lines, node.lineno, node) + "\n" for node in (functions["main"], tree.body[-1])]
    return "\n\n".join(parts)


def shared_module():
    """Return common.py (text) without what `main` does not need: the layers and helpers of the solutions are gone."""
    source = (ROOT / "common.py").read_text()
    tree = ast.parse(source)
    defined = {name: node for node in tree.body for name in _defines(node)}
    used = {node.attr for path in (ROOT / "support").glob("*.py") for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "common"}
    wanted, kept = {"Task", "run", "fail", *used}, []
    while wanted & defined.keys() - set(kept):
        name = (wanted & defined.keys() - set(kept)).pop()
        kept.append(name)
        wanted |= {node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)}
    lines = source.splitlines()
    text = ('"""What the scripts share: the digits, the errors of a model, the run of a script.\n\n'
            "The scripts import this module before Keras, because it starts the clock and keeps TensorFlow quiet.\n"
            '"""\n')
    last = tree.body[0].end_lineno
    for node in tree.body[1:]:
        first = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", []))])
        piece = _lines(lines, first, node)
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias for alias in node.names if (alias.asname or alias.name) in wanted]
            if not names:
                continue
            if len(names) < len(node.names):
                node.names = names
                piece = ast.unparse(node)
        elif not set(_defines(node)) & set(kept):
            continue
        apart = any(not line for line in lines[last:first - 1]) + isinstance(node, (ast.FunctionDef, ast.ClassDef))
        text, last = text + "\n" * apart + piece + "\n", node.end_lineno
    return text


def _lines(lines, first, node):
    """Return the lines of a source from `first`, counted from 1, to the last one of a node, as text."""
    return "\n".join(lines[first - 1:node.end_lineno])


def _defines(node):
    """Return the names that a statement at the top of a module defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    return [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]

# ------------------------------------------------------------------------------------------------------------- folder


def readme(secret):
    """Return the assignment (text). secret: whether the test digits are kept from the class."""
    rows = []
    for task, (_, errors, high, parameters, minutes) in SCRIPTS.items():
        error = " and ".join(f"{limit}%" + (f" ({best}%)" if best else "") for limit, best in zip(errors, high))
        rows.append([f"`{task}`", TITLES[task], error, f"{parameters:,}", minutes])
    text = SHEET.replace("LIMITS", table(["script", "what it becomes", "test error (high performance)", "parameters",
                                          "minutes"], rows, "llrrr"))
    return text.replace("TEST_DIGITS", KEPT if secret else GIVEN)


def halves():
    """Return the training and the test half of the data (bytes)."""
    lines = (ROOT / "dataset.txt").read_bytes().splitlines(keepends=True)
    return b"".join(lines[:len(lines) // 2]), b"".join(lines[len(lines) // 2:])


def files(baseline=False, secret=False):
    """Return the files of the folder, {path: bytes}. With `secret`, the data are the training digits only."""
    training, test = halves()
    shared = {name: content for name, content in bundle_files().items() if name != "common.py"}
    texts = {task: script(task, baseline) for task in SCRIPTS}
    texts |= {"common.py": shared_module(), "README.md": readme(secret)}
    return shared | {name: text.encode() for name, text in texts.items()} | {
        "check_my_handin.py": (ROOT / "tools" / "check_my_handin.py").read_bytes(),
        **{f"tools/{name}.py": (ROOT / "tools" / f"{name}.py").read_bytes() for name in GRADER},
        "requirements.txt": (ROOT / "requirements.txt").read_bytes(),
        "dataset.txt": training if secret else training + test}


def main():
    """Write the folder that the command line names."""
    parser = Parser(__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder that does not exist yet")
    parser.add_argument("--baseline", action="store_true", help="fill in a small plain network")
    parser.add_argument("--secret", metavar="FILE", type=Path, help="save the test digits there, not in the folder")
    options = parser.parse_args()
    try:
        options.folder.mkdir()
        for name, content in files(options.baseline, options.secret is not None).items():
            path = options.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        if options.secret:
            with open(options.secret, "xb") as file:
                file.write(halves()[1])
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
