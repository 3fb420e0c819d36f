"""Read the hand-ins of a class: folders and archives, as they are or within an archive that a platform has exported."""

import io
import re
import zipfile
from pathlib import Path, PurePosixPath

LARGEST = 20 * 2**20  # bytes of a submission, of what is in an archive as well
DATA_NAMES = {"dataset.txt", "test.txt"}  # the grader adds these


def read_class(path):
    """Return the submissions in a folder or a .zip archive: {name: files, or why they cannot be read (text)}.

    Each folder and each archive in it is one. A loose script such as jan_task3.py belongs to the folder or archive of
    that name, or is one of its own. files: contents (bytes) by relative path. Raises ValueError if there is none,
    OSError if `path` cannot be read.
    """
    submissions, loose = {}, {}
    if Path(path).is_dir():
        for entry in sorted(Path(path).iterdir()):
            if owner(entry.name) and entry.is_file() and not entry.is_symlink():
                loose[entry.name] = entry.read_bytes()
            if entry.name.startswith(".") or not (entry.is_dir() or entry.suffix.lower() == ".zip"):
                continue
            name = entry.name if entry.is_dir() else entry.stem
            while name in submissions:
                name += " (archive)"
            try:
                submissions[name] = tidy(_read_folder(entry) if entry.is_dir() else _read_archive(entry.read_bytes()))
            except (OSError, ValueError) as error:
                submissions[name] = f"cannot be read: {error}"
    else:
        members = _read_archive(Path(path).read_bytes(), largest=1000 * LARGEST)
        members = _without_common_folder(members)
        for name in sorted({PurePosixPath(member).parts[0] for member in members}):
            files = {member.partition("/")[2]: content for member, content in members.items()
                     if member.startswith(f"{name}/")}
            if owner(name) and not files:
                loose[name] = members[name]
            if files or name.lower().endswith(".zip"):
                try:
                    submissions[name.removesuffix(".zip")] = tidy(files or _read_archive(members[name]))
                except ValueError as error:
                    submissions[name] = f"cannot be read: {error}"
    for name, content in loose.items():
        student, script = owner(name)
        student = next((other for other in submissions if other.casefold() == student.casefold()), student)
        files = submissions.setdefault(student, {})
        if isinstance(files, dict):
            files[name if script in files else script] = content
    if not submissions:
        raise ValueError(f"{path}: no folder and no .zip archive in it")
    return submissions


def owner(name):
    """Return the student and the task, as `task3.py`, that the name of a loose script tells; None if it does not."""
    what = r"(.*?)[\W_]*(task[1-4])(?:_autoencoder|_multitask|_cnn|_rnn)?[\W_]*(.*)\.py"
    found = re.fullmatch(what, name, re.IGNORECASE)
    student = found and f"{found[1]} {found[3]}".strip()
    return (student, f"{found[2].lower()}.py") if student else None


def left_out(path):
    """Return the names of the files in a folder of submissions that belong to nobody, such as a loose notebook."""
    if not Path(path).is_dir():
        return []
    return [entry.name for entry in sorted(Path(path).iterdir()) if entry.is_file() and not entry.name.startswith(".")
            and entry.suffix.lower() != ".zip" and not owner(entry.name)]


def tidy(files):
    """Return the files of a submission without what is not part of it.

    The only archive among them, and the only folder, is replaced by what is in it, as platforms and archivers add
    these. Data files, hidden files and bytecode are left out. Raises ValueError if there is too much.
    """
    files = {name: content for name, content in files.items()
             if not any(part.startswith((".", "__")) and part != "__init__.py" for part in PurePosixPath(name).parts)}
    archives = [name for name in files if name.lower().endswith(".zip")]
    if len(archives) == 1 and not any(name.endswith(".py") for name in files):
        return tidy(_read_archive(files[archives[0]]))
    files = _without_common_folder(files)
    files = {name: content for name, content in files.items() if name not in DATA_NAMES}
    if sum(map(len, files.values())) > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 20} MiB")
    return files


def _without_common_folder(files):
    while files and all("/" in name for name in files) and len({name.split("/")[0] for name in files}) == 1:
        files = {name.partition("/")[2]: content for name, content in files.items()}
    return files


def _read_folder(folder):
    """Return the files in a folder, without links."""
    files, size, wanted = {}, 0, [Path(folder)]
    while wanted:
        for path in wanted.pop().iterdir():
            if path.is_symlink():
                continue
            if path.is_dir():
                wanted.append(path)
            elif path.is_file():
                size += path.stat().st_size
                if size > LARGEST and path.name not in DATA_NAMES:
                    raise ValueError(f"larger than {LARGEST >> 20} MiB")
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
    return files


def _read_archive(data, largest=LARGEST):
    """Return the files in a .zip archive (bytes). Raises ValueError if it is not one that can be trusted.

    Nothing is unpacked to disk, so names that lead out of the archive can do no harm; they are refused all the same.
    What an archive says about its sizes is not believed.
    """
    files, size = {}, 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                parts = PurePosixPath(member.filename).parts
                if member.filename.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", member.filename):
                    raise ValueError(f"the archive has a file that leads out of it: {member.filename}")
                kind = member.external_attr >> 28  # of Unix; 10 is a link
                if member.is_dir() or kind not in (0, 8):
                    continue
                with archive.open(member) as file:
                    content = file.read(largest - size + 1)
                size += len(content)
                if size > largest:
                    raise ValueError(f"the archive holds more than {largest >> 20} MiB")
                files["/".join(parts)] = content
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, zipfile.zlib.error) as error:
        raise ValueError(f"not an archive that can be read: {error}") from None
    return files


def find_script(files, script):
    """Return the name of a task's script in a submission: that of the bundle, task3.py, or another that begins so.

    Raises ValueError if there is no such file, or more than one.
    """
    for name in script, f"{script[:5]}.py":
        if name in files:
            return name
    names = [name for name in files if re.fullmatch(script[:5] + r"[^/]*\.py", name)]
    if len(names) == 1:
        return names[0]
    if names:
        raise ValueError(f"which one is it: {', '.join(names)}?")
    notebooks = [name for name in files if name.endswith(".ipynb")]
    raise ValueError(f"not handed in, but a notebook: {', '.join(notebooks)[:100]}" if notebooks else "not handed in")
