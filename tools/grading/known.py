"""What the scripts of a class are compared with: one another, the bundle's solutions, and what a teacher knows."""

from typing import NamedTuple

from grading import layouts, likeness, source
from grading.assignment import COMMON
from grading.handout import half_finished
from grading.submissions import NO_OWNER, find_script, read_class, top_of_archive
from measuring.runs import bundle_files
from project import task_number

SOLUTION = "the bundle's solution"
LARGEST = 200_000  # bytes of a script with its modules


class Compared(NamedTuple):
    """What the scripts of a class have in common: groups, see likeness.py; all `Print`s by the names in the groups; and
    which were not compared, {name: why}.
    """

    groups: list
    prints: dict
    left: dict


def read_known(path):
    """Return what there is to compare with in a folder, an archive or a script (a Path), and lines of what is not read.

    Solutions and hand-ins in any layout of a class, {name: files}; a script whose name tells no student and no task is
    one by itself. Raises ValueError if there is nothing, OSError if it cannot be read.
    """
    if path.suffix.lower() == ".py":
        return {f"the known {path.name}": {path.name: path.read_bytes()}}, []
    try:
        known, left = read_class(path)
        loose = left.pop(NO_OWNER, [])
    except ValueError:
        known, left, loose = {}, {}, None  # no hand-in, but there may be scripts
    top = ({one.name: one.read_bytes() for one in path.iterdir() if one.is_file()} if path.is_dir() else
           top_of_archive(path.read_bytes(), path.name)[0])
    for name, content in top.items():
        if isinstance(content, bytes) and (loose is None or name in loose):
            if name.lower().endswith(".py"):
                known[name] = {name: content}
            else:
                left.setdefault("because it is not Python", []).append(name)
    unread = [f"{name}: {files}" for name, files in known.items() if isinstance(files, str)]
    unread += [f"{name}: there is no Python in it" for name, files in known.items()
               if not isinstance(files, str) and not any(map(_is_python, files))]
    unread += [f"left out, {reason}: {', '.join(names)}" for reason, names in left.items()]
    known = {f"the known {name}": files for name, files in known.items()
             if not isinstance(files, str) and any(map(_is_python, files))}
    if not known:
        raise ValueError("; ".join([f"{path}: no Python in it", *unread]))
    return known, unread


def _is_python(path):
    return path.lower().endswith(".py")


def compare_class(task, submissions, known=None, handed_out=None):
    """Compare the scripts of a task with one another and with what is known, and return what was `Compared`.

    submissions, known: {name: files, or why they cannot be read}. handed_out: the files that were handed out; those of
    tools/handout.py if None.
    """
    shared = handed_out or bundle_files() | {"common.py": COMMON.encode(), task: half_finished(task).encode()}
    given = {half_finished(task, baseline=True), shared[task].decode()}
    prints, left = {}, {}
    for name, files in {**(known or {}), **submissions}.items():
        paths = [] if isinstance(files, str) else paths_of(files, task, by_itself=name not in submissions)
        own = {path: files[path] for path in paths if files[path] != shared.get(path)}
        if sum(map(len, own.values())) > LARGEST:
            left[name] = f"larger than {LARGEST:,} bytes, so it was not compared with others"
        elif own:
            changed = {shared[path].decode() for path in own if path in shared}
            texts = {path: _text(content) for path, content in own.items()}
            prints[name] = likeness.fingerprint(texts, set().union(*map(likeness.common, given | changed)))
    mine = {name: one for name, one in prints.items() if name in submissions}
    groups = likeness.find_groups(mine, {name: one for name, one in prints.items() if name not in mine})
    return Compared(groups, prints, left)


def paths_of(files, task, by_itself):
    """Return the paths of a task's script and of its modules; none if it is not there.

    by_itself: whether scripts whose names tell no task are of any.
    """
    try:
        return [path for found in source.sources(files, find_script(files, task)) for path in found]
    except ValueError:
        scripts = [path for path in files if _is_python(path)] if by_itself else []
        numbers = {path: layouts.number_of(path) for path in scripts}
        return [path for path in scripts if numbers[path] == task_number(task) or not any(numbers.values())]


def _text(content):
    """Return the text of a source (bytes), with plain line ends."""
    return content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
