"""What a class gets to start with: half-finished scripts, what they share, the data, the assignment, a check.

`main` and the signatures are cut from the bundle's scripts by their syntax trees, support/ is the bundle's, and nothing
of its networks and trainings is left.
"""

import ast
import json
import shlex
from pathlib import Path

from grading.assignment import BASELINE, COMMON, GIVEN, KEPT, SHARED_RULES, SHEET, TO_WRITE, TRAIN
from measuring.runs import DatasetError, Parser, bundle_files, count_lines, fail, read_digits, table
from project import ROOT, RUNS, TASKS, task_number

CHECK, HANDED_OUT = "check_my_handin.py", ".handed_out.json"  # the program, and what it has to know
CHECKED = ["errors", "limits", "high_performance", "parameters", "minutes"]  # of a task: no audits for students
DATASET = ROOT / "dataset.txt"


def limits(task):
    """Return the limits of a task, a name in `TASKS`, as lines of text."""
    entry = TASKS[task]
    lines = [f"the mean {name + ' ' if len(entry.errors) > 1 else ''}error of the test digits is at most {limit}%"
             + (f", for high performance {best}%" if best else "")
             for name, limit, best in zip(entry.errors, entry.limits, entry.high_performance)]
    return [*lines, f"at most {entry.parameters:,} parameters, and {entry.minutes} minute{'s' * (entry.minutes != 1)} "
            "on the CPU for a run"]


def half_finished(task, baseline=False):
    """Return the half-finished script of a task (text); with `baseline`, a finished one that is far from the limits."""
    source = (ROOT / task).read_text()
    functions = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    names = TASKS[task].errors
    heads = " ".join(f"<{name} error, %>" if len(names) > 1 else "<test error, %>" for name in names)
    rules = "\n".join(f"- {rule};" for rule in [*TASKS[task].rules, *limits(task), *SHARED_RULES])[:-1] + "."
    parts = [f'"""Task {task_number(task)}: {TASKS[task].title}.\n\n'
             f"    python {task}   prints   {heads} <parameters> <minutes>\n\n"
             f'Write `build_model` and `train`. The rules:\n\n{rules}\n"""\n\n'
             "import common  # first: it starts the clock and keeps TensorFlow quiet\n\n"
             "import keras\nfrom keras import layers\n"]
    for name, docstring in ("build_model", ast.get_source_segment(source, functions["build_model"].body[0])), (
            "train", TRAIN):
        signature = f"def {name}({ast.unparse(functions[name].args)}):"
        given = BASELINE.get(task) if baseline else None
        body = (given[name].replace("\n" + 12 * " ", "\n    ").strip("\n") if given else
                f'    # {TO_WRITE[name]}\n    common.fail("{name} is not written yet")')
        parts.append(f"{signature}\n    {docstring}\n{body}\n")
    parts += [ast.get_source_segment(source, functions["main"]) + "\n",
              # The bundle's thread settings are for its networks.
              'if __name__ == "__main__":\n    model = common.run(main)\n']
    return "\n\n".join(parts)


def readme(secret, own_data=False):
    """Return the assignment (text).

    secret: whether the test digits are kept from the class. own_data: whether the data are not the bundle's.
    """
    rows = []
    for task, entry in TASKS.items():
        error = " and ".join(f"{limit}%" + (f" ({best}%)" if best else "")
                             for limit, best in zip(entry.limits, entry.high_performance))
        rows.append([f"`{task}`", entry.title, error, f"{entry.parameters:,}", entry.minutes])
    text = SHEET.replace("LIMITS", table(["script", "what it becomes", "test error (high performance)", "parameters",
                                          "minutes"], rows, "llrrr"))
    text = text.replace("digits from MNIST", "digits") if own_data else text
    return text.replace("TEST_DIGITS", KEPT if secret else GIVEN)


def halves(dataset=DATASET):
    """Return the training and the test half of a data file (bytes). Raises DatasetError if it is not one."""
    count = count_lines(dataset)
    if count < 2:
        raise DatasetError(f"{dataset}: too few digits for two halves ({count})")
    read_digits(dataset, 0, count)  # better now than in the scripts of a class
    lines = [line.rstrip(b"\r\n") + b"\n"
             for line in Path(dataset).read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()[:count]]
    return b"".join(lines[:count // 2]), b"".join(lines[count // 2:])


def files(baseline=False, secret=False, dataset=DATASET):
    """Return the files of the folder, {path: bytes}. With `secret`, the data are the training digits only.

    dataset: a data file. Raises DatasetError if it is not one.
    """
    training, test = halves(dataset)
    texts = {task: half_finished(task, baseline) for task in TASKS} | {"common.py": COMMON, "README.md": readme(
        secret, own_data=Path(dataset).resolve() != DATASET)}
    given = bundle_files() | {name: text.encode() for name, text in texts.items()}
    tasks = {task: {name: getattr(entry, name) for name in CHECKED} for task, entry in TASKS.items()}
    known = {"secret": secret, "runs": RUNS, "tasks": tasks,
             "files": {name: content.decode() for name, content in given.items() if name.endswith(".py")}}
    return given | {
        CHECK: (ROOT / "tools" / CHECK).read_bytes(), HANDED_OUT: json.dumps(known).encode(),
        "requirements.txt": (ROOT / "requirements.txt").read_bytes(),
        "dataset.txt": training if secret else training + test}


def main(description, argv=None):
    """Write the folder that the command line names, and return 0. It exits with status 2 if that cannot be done.

    description: for --help. argv: the arguments, those of the process if it is None.
    """
    parser = Parser(description)
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder that does not exist yet")
    parser.add_argument("--baseline", action="store_true", help="fill in a small plain network")
    parser.add_argument("--secret", metavar="FILE", type=Path, help="save the test digits there, not in the folder")
    parser.add_argument("--dataset", metavar="FILE", type=Path, default=DATASET,
                        help="the digits (default: dataset.txt); the second half is for testing")
    options = parser.parse_args(argv)
    try:
        contents = files(options.baseline, options.secret is not None, options.dataset)
        options.folder.mkdir()
        for name, content in contents.items():
            path = options.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if options.secret:
            with open(options.secret, "xb") as file:
                file.write(halves(options.dataset)[1])
    except DatasetError as error:
        fail(error)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    data = [options.folder / "dataset.txt", "--test", options.secret] if options.secret else [options.dataset]
    how = ["--handout", options.folder, *(["--dataset", *data] if data != [DATASET] else [])]
    print(f"{options.folder}: hand it out whole, with {HANDED_OUT}, which {CHECK} reads\n"
          f"To grade what comes back: {shlex.join(map(str, how))}")
    return 0
