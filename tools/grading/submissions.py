"""Read the hand-ins of a class: folders and archives, as they are or as a platform has exported them.

What the names mean is in layouts.py. Nothing is unpacked to disk.
"""

import bz2
import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections import defaultdict
from contextlib import suppress
from pathlib import Path, PurePosixPath
from textwrap import shorten

from grading import dates, gradescope, layouts

LARGEST = 20 * 2**20  # bytes of a submission, of what is in an archive as well
CLASS = 1000 * LARGEST  # of an archive of a class
DEEPEST = 3  # archives in archives
DATA_NAMES = {"dataset.txt", "test.txt"}  # the grader adds these
NO_OWNER = "for want of a student and a task in the name"
PACKED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}  # by how a file begins


def read_class(path):
    """Return the submissions in a folder or an archive, {name: files, or why they cannot be read (text)}, and the rest.

    Each folder and each archive in it is one, or a part of one where names say so: docs/grading.md has the table.
    files: contents (`dates.Dated`) by relative path. The rest is nobody's: {reason: names}. Raises ValueError if there
    is no submission, OSError if `path` cannot be read.
    """
    path, left = Path(path), defaultdict(list)
    if path.is_dir():
        top, name = _top_of_folder(path), layouts.clean(path.resolve().name)
        if layouts.is_one(top):
            try:
                top = {name: _read_folder(path)}
            except (OSError, ValueError) as error:
                top = {name: f"cannot be read: {error}"}
            return {name: _one(list(top.items()))}, {}
    else:
        top, name = top_of_archive(path.read_bytes(), layouts.clean(path.name))
    students = _students(top, name, left)
    if not students:
        raise ValueError(f"{path}: no folder and no archive in it")
    return {student: _one(parts) for student, parts in students.items()}, dict(left)


def _one(parts):
    """Return the files of a submission, or why they cannot be read. parts: pairs of a label and files, or why not."""
    try:
        read = [(label, tidy(files)) for label, files in parts if isinstance(files, dict)]
        reasons = [files for _, files in parts if isinstance(files, str)]
        if reasons and not any(files for _, files in read):
            return reasons[0]
        return _weighed(layouts.together(read))
    except ValueError as error:
        return f"cannot be read: {error}"


def _students(top, name, left):
    """Return the parts of each submission, {name: [(label, files, or why they cannot be read)]}.

    top: contents (bytes) of files, files of folders, or reasons (text), by name. name: of what they are in. left: to
    it is added what is nobody's.
    """
    if layouts.is_one(top):
        files = {entry: content for entry, content in top.items() if isinstance(content, bytes)}
        return {name: [(name, files | {f"{entry}/{path}": content for entry, inner in top.items()
                                       if isinstance(inner, dict) for path, content in inner.items()})]}
    students, exported, loose, alone = defaultdict(list), defaultdict(list), {}, len(top) == 1
    metadata = top.pop(gradescope.METADATA, b"")
    names = gradescope.names_in(metadata.decode("utf-8", "replace")) if isinstance(metadata, bytes) else {}

    def add(student, label, files):
        student = next((other for other in students if layouts.same(other) == layouts.same(student)), student)
        students[student].append((label, files))

    for entry, content in top.items():
        is_file, inner = isinstance(content, bytes), None
        if piece := layouts.piece(entry, not is_file):
            exported[names.get(piece.student, piece.student), piece.number].append(
                (piece, entry, dates.of_export(content, piece, entry)))
        elif is_file and layouts.archive_suffix(entry):
            if _is_class_in_archive(content, entry, alone):
                inner = top_of_archive(content, entry)
            else:
                add((layouts.owner(entry) or [layouts.stem(entry)])[0], entry, {entry: content})
        elif is_file:
            loose[entry] = content
        elif isinstance(content, dict) and (layouts.is_export(content) or (
                alone and layouts.is_class(layouts.grouped(content, entry)[0]))):
            inner = layouts.grouped(content, entry)
        else:
            add(entry, entry, content)
        for student, parts in _students(*inner, left).items() if inner else ():
            for part in parts:
                add(student, *part)
    for student, parts in layouts.of_export(exported, left).items():
        for part in parts:
            add(student, *part)
    for entry, content in loose.items():
        owner = layouts.owner(entry) if entry.lower().endswith((".py", ".ipynb")) else None
        if owner:
            script = f"task{owner[1]}.py" if entry.lower().endswith(".py") else entry
            add(owner[0], layouts.stem(entry), {script: content})
        else:
            left[NO_OWNER].append(entry)
    return students


def _is_class_in_archive(data, name, alone):
    try:
        paths = dict.fromkeys([path for path, *_ in _members(data, name, CLASS)], b"")
        return layouts.is_export(paths) or alone and layouts.is_class(layouts.grouped(paths, name)[0])
    except ValueError:  # whoever reads it will say why
        return False


def _top_of_folder(folder):
    """Return what is at the top of a folder: contents (bytes) of files, files of folders, reasons (text), by name."""
    top, entries = {}, [one for one in sorted(folder.iterdir()) if layouts.is_part(one.name) and not one.is_symlink()]
    for entry in entries:
        name = layouts.clean(entry.name)
        name = layouts.clean(name, "NFD") if name in top else name  # `_students` puts the two together
        try:
            if entry.is_dir():
                several = any(layouts.piece(layouts.clean(one.name), one.is_dir()) for one in entry.iterdir())
                top[name] = _read_folder(entry, CLASS if several or len(entries) == 1 else LARGEST)
            elif entry.is_file():
                wanted = layouts.piece(name, False) or layouts.number_of(name) or layouts.archive_suffix(name)
                top[name] = dates.read(entry) if wanted or name == gradescope.METADATA else b""
        except (OSError, ValueError) as error:
            top[name] = f"cannot be read: {error}"
    return top


def top_of_archive(data, name):
    """Return what is at the top of an archive (bytes) of a class, as `_top_of_folder` does, and its name."""
    return layouts.grouped(_read_archive(data, name, CLASS), layouts.stem(name))


def tidy(files):
    """Return the files of a submission without what is not part of it, the scripts at the top where that is clear.

    Archives that hold the scripts, and folders around them, are replaced by what is in them. Data files, hidden files,
    packages and bytecode are left out. Raises ValueError if there is too much, or nothing but what cannot be read.
    """
    files = {name: files[name] for name in layouts.without_environments(list(files))}
    for _ in range(DEEPEST):
        scripts = [name for name in files if name.lower().endswith(".py")]
        there, parts, broken = set(map(layouts.number_of, scripts)) - {None}, {}, []
        for name in filter(layouts.archive_suffix, files):
            if there and layouts.number_of(name) in {None, *there}:  # the scripts are there already
                continue
            try:
                size = sum(len(content) for part in parts.values() for content in part.values())
                parts[name] = layouts.without_common_folder(_read_archive(files[name], name, LARGEST - size))
            except ValueError as error:
                broken.append(f"{PurePosixPath(name).name}: {error}")
        if broken and not scripts and not parts:
            raise ValueError("; ".join(broken))
        if not parts:
            break
        rest = {name: files[name] for name in files if name not in parts}
        files = layouts.together([("", rest), *((layouts.stem(name), part) for name, part in parts.items())])
    files = layouts.hoisted(layouts.without_common_folder(files))
    return _weighed({name: content for name, content in files.items() if name not in DATA_NAMES})


def _weighed(files):
    if sum(map(len, files.values())) > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 20} MiB")
    return files


def _read_folder(folder, largest=LARGEST):
    """Return the files in a folder, without links and what is no part of a hand-in."""
    files, size, wanted = {}, 0, [folder]
    while wanted:
        inside = [path for path in wanted.pop().iterdir() if layouts.is_part(path.name) and not path.is_symlink()]
        if any(path.name == layouts.ENVIRONMENT and path.parent != folder for path in inside):
            continue
        for path in inside:
            if path.is_dir():
                wanted.append(path)
            elif path.is_file():
                size += path.stat().st_size
                if size > largest and path.name not in DATA_NAMES:
                    raise ValueError(f"larger than {largest >> 20} MiB")
                files[layouts.clean(path.relative_to(folder).as_posix())] = dates.read(path)
    return files


class _Bounded:
    """An unpacked file that ends with a ValueError where it gets too large. most: bytes at once; whole: of the file."""

    def __init__(self, file, most, whole):
        self.file, self.most, self.whole, self.tell = file, most, whole, file.tell

    def read(self, size):
        return self._checked(max(size - self.most, self.tell() + size - self.whole)) or self.file.read(size)

    def seek(self, position):
        return self._checked(position - self.whole) or self.file.seek(position)

    def _checked(self, too_much):
        if too_much > 0:
            raise ValueError("the archive unpacks to too much: leave out what is not your own work")


def _members(data, name, largest):
    """Return the files in an archive (bytes) that are part of a hand-in: path, function that opens it, date.

    Raises ValueError if it cannot be trusted: names that lead out of it can do no harm, but are refused all the same.
    """
    kind = ".rar" if data[:4] == b"Rar!" else ".7z" if data[:2] == b"7z" else layouts.archive_suffix(name)
    if kind in layouts.NOT_READ and data[:2] != b"PK":
        raise ValueError(f"a {kind} archive, which is not read: hand in a .zip archive")
    try:
        if data[:2] == b"PK" or kind == ".zip" and not any(map(data.startswith, PACKED)):
            archive = zipfile.ZipFile(io.BytesIO(data))
            found = []
            for one in archive.infolist():
                path = one.filename
                if not one.flag_bits & 0x800:  # no encoding is said: zipfile takes cp437, a Mac means UTF-8
                    with suppress(UnicodeError):
                        path = path.encode("cp437").decode("utf-8")
                skipped = path.endswith(("/", "\\")) or one.external_attr >> 28 not in (0, 8)  # 8 is a file, 10 a link
                found.append((path, skipped, lambda one=one: archive.open(one), one.date_time))
        else:
            opened = next((open_ for start, open_ in PACKED.items() if data.startswith(start)), lambda file: file)
            bounded = _Bounded(opened(io.BytesIO(data)), largest + 1, max(2 * largest, 100 * LARGEST))
            archive = tarfile.TarFile(fileobj=bounded)
            found = [(one.name, not one.isfile(), lambda one=one: archive.extractfile(one), one.mtime)
                     for one in archive]
    except READING as error:
        raise ValueError(f"not an archive that can be read: {error}") from None
    openers = {}
    for path, skipped, *how in found:
        path = layouts.clean(path)
        parts = PurePosixPath(path).parts
        if path.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", path):
            raise ValueError(f"the archive has a file that leads out of it: {path}")
        if not skipped:
            openers["/".join(parts)] = how
    return [(path, *openers[path]) for path in layouts.without_environments(list(openers))]


READING = (zipfile.BadZipFile, tarfile.TarError, RuntimeError, EOFError, OSError, zlib.error, lzma.LZMAError)


def _read_archive(data, name, largest):
    """Return the files in an archive (bytes). What it says about their sizes is not believed. Raises ValueError."""
    files, size = {}, 0
    for path, opener, date in _members(data, name, largest):
        try:
            with opener() as file:
                files[path] = dates.dated(file.read(largest - size + 1), dates.moment(date), data)
        except READING as error:
            raise ValueError(f"not an archive that can be read: {error}") from None
        size += len(files[path])
        if size > largest:
            raise ValueError(f"the archive holds more than {max(largest, LARGEST) >> 20} MiB")
    return files


def find_script(files, script):
    """Return the path of a task's script in a submission, as `layouts.find` does.

    Raises ValueError if there is no such file, or more than one, and says what was seen that may be meant.
    """
    if found := layouts.find(files, script):
        return found
    own = [name for name in files if not name.startswith(("common.py", "support/"))]  # these are handed out
    may_be = [name for name in own if layouts.number_of(name) in (None, layouts.number_of(script))]
    for text, endings in ((", but a notebook", ".ipynb"), (
            ", but an archive that was not read (hand in a .zip archive)", layouts.READ + layouts.NOT_READ), (
            f" under a name that tells the task, such as {script}; of Python there is", ".py"), (
            "; there is", "" if may_be == own else ())):  # beside other scripts, a report.pdf is not it
        if names := [name for name in may_be if name.lower().endswith(endings)]:
            raise ValueError(f"not handed in{text}: {shorten(', '.join(names), 100, placeholder=' ...')}")
    raise ValueError("not handed in")


def renamed(files, names):
    """Return the files of a submission under the bundle's names. names: {what the class calls it: script}."""
    moves = {}
    for called, script in names.items():
        paths = [path for path in files if layouts.same(PurePosixPath(path).name) == layouts.same(called)]
        if not paths and layouts.number_of(called):
            paths = [path for path in files if layouts.rank(path, f"task{layouts.number_of(called)}") is not None]
        if len(paths) == 1:
            moves[paths[0]] = str(PurePosixPath(paths[0]).with_name(script))
    taken = files.keys() - moves.keys()
    return {path if (new := moves.get(path, path)) in taken else new: content for path, content in files.items()}
