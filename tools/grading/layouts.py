"""What the names of files say in the layouts in which hand-ins arrive: whose a file is, of which task, what is no part.

All names are in one Unicode form, see `clean`.
"""

import re
import unicodedata
from collections import defaultdict
from pathlib import PurePosixPath
from typing import NamedTuple

from project import NUMBERS, TASKS, task_number

# How platforms name the folders and files of an export. `student` is a name; `number` tells two of the same name apart;
# `file` is what the student called it. Where a time or a count tells which one is newer, the newest counts.
PLATFORMS = {
    "Moodle": r"(?P<student>.+?)_(?P<number>\d+)_assignsubmission_(?P<kind>file|[a-z]+)_?(?P<file>.*)",
    "Blackboard": r".+?_(?P<student>[^_]+)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|(?P<own>\.txt))",
    "Canvas": r"(?P<student>[^_]+)_(?:LATE_)?(?P<number>\d+)_(?P<upload>\d{4,})_(?P<file>.+)",
    "Canvas, text": r"(?P<student>[^_]+)_(?:LATE_)?(?P<number>\d+)_(?P<text>text|link)\.html",
    "Gradescope": r"(?P<student>submission_(?P<number>\d+))",
}
FORMS = {"Moodle": (True, False), "Gradescope": (True,)}  # whether it writes folders, files or both; else files
READ = (".zip", ".tar", ".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz")
NOT_READ = (".rar", ".7z", ".gz", ".bz2", ".xz", ".zst", ".lz", ".lzma", ".z", ".cab", ".arj", ".dmg", ".iso")
NO_PART = {"__macosx", "__pycache__", "venv", "virtualenv", "node_modules", "site-packages", "thumbs.db",
           "desktop.ini"}  # and all that begins with a dot: .git, .venv, .DS_Store, ._task3.py
OLDER = "because there is a newer one"
TEXT = "because text that was typed into the platform is not graded"
CODE = {"code", "src", "source", "scripts", "python"}  # folders that are called so are no students
ENVIRONMENT = "pyvenv.cfg"  # is in the folder of a virtual environment, whatever that is called
KINDS = [re.escape(PurePosixPath(task).stem.partition("_")[2]) for task in TASKS]  # autoencoder, cnn and the like
TASK = re.compile(r"(?<![^\W\d_])(?:task|aufgabe|t[aâ]che|tarea|taak|opgave|uppgift|zadanie|[uú]loha)[\W_]*0?"
                  rf"({'|'.join(map(str, NUMBERS))})(?!\d)(?:[\W_]?(?:{'|'.join(KINDS)})(?![^\W\d_]))?", re.IGNORECASE)


class Piece(NamedTuple):
    """A file or folder of an export. path: what the student called it. kind: file, text (typed into a platform) or own
    (the platform's). order: the larger, the newer. attempt: whether that is so of all files of an attempt together.
    """

    student: str
    number: str
    path: str
    kind: str = "file"
    order: tuple = ()
    attempt: bool = False


def clean(name, form="NFC"):
    """Return a path with slashes and in one form of Unicode, the composed one: Windows and macOS may write others."""
    return unicodedata.normalize(form, name.replace("\\", "/"))


def same(name):
    """Return what two names have in common that are the same to a person."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def is_part(path):
    """Return whether a file or folder can be part of a hand-in: not the traces of a system, of Git, or packages."""
    return not any(part.startswith(".") or part.lower() in NO_PART for part in PurePosixPath(path).parts) and (
        not path.endswith(".pyc"))


def without_environments(names):
    """Return those of the paths that are part of a hand-in, and not in a virtual environment."""
    folders = [name[:-len(ENVIRONMENT)] for name in names if name.endswith(f"/{ENVIRONMENT}")]
    return [name for name in names if is_part(name) and not any(name.startswith(folder) for folder in folders)]


def archive_suffix(name):
    """Return the suffix of the name of an archive, of a kind that is read or not; "" if it is none."""
    return max((suffix for suffix in READ + NOT_READ if name.lower().endswith(suffix)), key=len, default="")


def stem(name):
    """Return the last part of a path without the suffix of an archive or another."""
    name = PurePosixPath(name).name
    return name[:-len(archive_suffix(name))] if archive_suffix(name) else PurePosixPath(name).stem


def piece(name, is_folder):
    """Return what the name of a file or folder at the top of an export says, a Piece; None if no platform wrote it."""
    for platform, pattern in PLATFORMS.items():
        found = re.fullmatch(pattern, name)
        if not found or is_folder not in FORMS.get(platform, (False,)):
            continue
        parts = found.groupdict()
        student, number, path = parts["student"], parts.get("number") or "", parts.get("file") or ""
        if platform == "Moodle":
            return Piece(student, number, path, "file" if parts["kind"] == "file" else "text")
        if platform == "Blackboard":
            return Piece(student, number, path, "own" if parts["own"] else "file", (parts["time"],), attempt=True)
        if platform == "Canvas":
            path, again = _without_count(path)
            return Piece(student, number, path, order=(again, int(parts["upload"])))
        return Piece(student, number, path, "text" if "text" in parts else "file")
    return None


def _without_count(name):
    """Return a name without Canvas's count of a file that is handed in again, and the count: not the 3 of task-3.py."""
    found = re.fullmatch(r"([^.]+?)-(\d+)(\..*)", name)
    if found and number_of(found[1]) == number_of(name):
        return found[1] + found[3], int(found[2])
    return name, 0


def number_of(name):
    """Return the number of the task that a name tells, as in Task3_CNN.py or aufgabe_3; None if none or several."""
    numbers = {int(found[1]) for found in TASK.finditer(stem(name))}
    return numbers.pop() if len(numbers) == 1 else None


def owner(name):
    """Return the student and the number of the task that the name of a loose file tells, such as jan_task3.py.

    None if it does not name both.
    """
    number, text = number_of(name), stem(name)
    if not number:
        return None
    found = TASK.search(text)
    parts = [part.strip(" _-.,()") for part in (text[:found.start()], text[found.end():])]
    student = " ".join(filter(None, parts))
    return None if re.fullmatch(r"\d{0,2}", student) else (student, number)  # task3 (1).py is a copy


def rank(path, script):
    """Return how sure it is that a path is the script of a task, the less the surer; None if it is another file."""
    name = PurePosixPath(path).name
    if not name.lower().endswith(".py") or number_of(name) != task_number(script) or name.lower().startswith("test_"):
        return None
    found = TASK.search(stem(name))
    return 2 if found.start() else 1 if found.end() < len(stem(name)) else 0


def find(paths, script):
    """Return the path of a task's script among those of a hand-in; None if there is none.

    script: its name in the bundle. It, and task3.py, count before all others. Raises ValueError if it is not clear.
    """
    for name in script, f"task{task_number(script)}.py":
        if name in paths:
            return name
    ranks = {path: (rank(path, script), path.count("/")) for path in paths if rank(path, script) is not None}
    if not ranks:  # task3/main.py
        inside = [path for path in paths if path.lower().endswith(".py")
                  and number_of(PurePosixPath(path).parent.name) == task_number(script)]
        ranks = dict.fromkeys(inside, (0, 0)) if len(inside) == 1 else {}
    best = tuple(map(min, zip(*ranks.values()))) if ranks else None
    surest = [path for path in ranks if ranks[path] == best]
    if ranks and len(surest) != 1:
        raise ValueError(f"which one is it: {', '.join(sorted(ranks))}? Hand in one, called {script}")
    return surest[0] if surest else None


def common_folder(files):
    """Return the folder that all files are in, "" if there is none."""
    folders = {name.split("/")[0] if "/" in name else "" for name in files}
    return folders.pop() if len(folders) == 1 else ""


def without_common_folder(files):
    """Return files without the folders that all of them are in, unless only the folder tells the task."""
    while (folder := common_folder(files)) and (not number_of(folder) or any(map(number_of, files))):
        files = {name.partition("/")[2]: content for name, content in files.items()}
    return files


def together(parts):
    """Return the files of several parts, pairs of a label and files: each in a folder of its own if they contradict."""
    whole = {}
    for _, files in parts:
        if any(whole.get(name, content) != content for name, content in files.items()):
            break
        whole |= files
    else:
        return whole
    apart = {}
    for label, files in parts:
        while label and any(name.startswith(f"{label}/") for name in apart):
            label += " (another)"
        apart |= {f"{label}/{name}" if label else name: content for name, content in files.items()}
    return apart


def hoisted(files):
    """Return the files with those of the folders of the scripts at the top, unless something is there already."""
    scripts = [name for name in files if any(rank(name, f"task{one}") in (0, 1) for one in NUMBERS)]
    folders = {str(PurePosixPath(name).parent) for name in scripts}
    numbers = [number_of(name) for name in scripts]
    if not folders or "." in folders or len(set(numbers)) < len(numbers):
        return files
    moved = {}
    for name, content in files.items():
        folder = max((one for one in folders if name.startswith(f"{one}/")), key=len, default="")
        new = name[len(folder) + 1:] if folder else name
        if moved.get(new, content) != content:
            return files
        moved[new] = content
    return moved


def _written_by_platform(top):
    """Return whether a platform wrote names at the top. top: {name: whether it is a folder}.

    Students have such names as well, of figures and weights: beside scripts only those of folders and hand-ins count.
    """
    pieces = {name: found for name, is_folder in top.items() if (found := piece(name, is_folder))}
    beside = any(number_of(name) or name.lower() in CODE for name in top.keys() - pieces)
    return any(not beside or top[name] or number_of(found.path) or archive_suffix(found.path)
               for name, found in pieces.items())


def is_export(names):
    """Return whether paths are those of an export of a platform, in folders above or not."""
    while names:
        if _written_by_platform({name.partition("/")[0]: "/" in name for name in names}):
            return True
        names = [name.partition("/")[2] for name in names] if common_folder(names) else []
    return False


def is_class(top):
    """Return whether what is at the top are hand-ins of several: a task is there twice, or archives with names."""
    tasks = [number for name, content in top.items() for number in set(map(number_of, (
        content if isinstance(content, dict) else [name] if owner(name) else []))) - {None}]
    archives = [name for name in top if archive_suffix(name) and not number_of(name)]
    return len(set(tasks)) < len(tasks) or len(archives) > 1


def is_one(top):
    """Return whether what is at the top is one hand-in and not a class: a script there has no student in its name.

    top: contents (bytes) of files, and files of folders, by name.
    """
    scripts = [name for name in top if isinstance(top[name], dict) and name.lower() in CODE
               or number_of(name) and not owner(name) and (
                   name.lower().endswith(".py") or archive_suffix(name) or isinstance(top[name], dict))]
    tasks = list(filter(None, map(number_of, scripts)))
    if not scripts or len(set(tasks)) < len(tasks) or _written_by_platform(
            {name: isinstance(content, dict) for name, content in top.items()}):
        return False
    for name, content in top.items():
        folder = isinstance(content, dict)
        if folder and is_export(content) or name not in scripts and (
                archive_suffix(name) or owner(name) or folder and any(map(number_of, content))):
            return False
    return True


def of_export(exported, left):
    """Return the parts of each submission. exported: {(student, number): [(Piece, name, content)]}."""
    students = defaultdict(list)
    for (student, number), pieces in exported.items():
        several = sum(name == student for name, _ in exported) > 1
        name = f"{student} ({number})" if several else student
        if texts := [entry for piece, entry, _ in pieces if piece.kind == "text"]:
            left.setdefault(TEXT, []).extend(texts)
        handed_in = [(piece, entry, content) for piece, entry, content in pieces if piece.kind == "file"]
        if not handed_in:
            what = "text that was typed into the platform" if texts else "a comment"
            students[name].append((name, f"not handed in as a file: there is only {what}"))
        newest = {}
        for piece, _, _ in handed_in:
            what = "" if piece.attempt else piece.path
            newest[what] = max(newest.get(what, piece.order), piece.order)
        files = {}
        for piece, entry, content in handed_in:
            if piece.order != newest["" if piece.attempt else piece.path]:
                left.setdefault(OLDER, []).append(entry)
            elif isinstance(content, bytes):
                files[piece.path or entry] = content
            elif isinstance(content, dict):
                files |= {f"{piece.path}/{path}" if piece.path else path: one for path, one in content.items()}
            else:
                students[name].append((entry, content))
        if handed_in:
            students[name].append((name, files))
    return students


def grouped(files, name):
    """Return the files of a class by what is at the top, and the name of that."""
    folders = 0
    while (inner := common_folder(files)) and not piece(inner, True):
        files, folders = {path.partition("/")[2]: content for path, content in files.items()}, folders + 1
        name = inner if folders > 1 else name  # class.zip, in it class/anna/
    top = {}
    for path, content in files.items():
        first, slash, rest = path.partition("/")
        if not slash:
            top[first] = content
        elif isinstance(top.setdefault(first, {}), dict):
            top[first][rest] = content
    return top, name
