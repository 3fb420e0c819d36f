"""When a hand-in was made, as far as its files, its archive or the platform that exported it say so."""

from datetime import datetime

NO_DATE = 1990  # archives without dates have that of 1980, file systems that of 1970


class Dated(bytes):
    """The content of a file, and its date, a datetime of here or None.

    told: whether a platform has told when it was handed in. late: whether one has called it late.
    """

    date, told, late = None, False, False


def moment(stamp):
    """Return a datetime, None if there is no such one. stamp: seconds since 1970, or year, month, ..., second."""
    try:
        return datetime.fromtimestamp(stamp) if isinstance(stamp, (int, float)) else datetime(*map(int, stamp))
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def dated(content, date, around=None):
    """Return a content (bytes) with a date.

    What a platform has told of the archive `around` it holds for it as well, so does its date if there is no other.
    """
    content = Dated(content)
    content.told, content.late = getattr(around, "told", False), getattr(around, "late", False)
    known = date and date.year >= NO_DATE and not content.told
    content.date = date if known else getattr(around, "date", None)
    return content


def read(path):
    """Return the content of a file, a Path, with the date of its last change. Raises OSError."""
    return dated(path.read_bytes(), moment(path.stat().st_mtime))


def of_export(content, piece, entry):
    """Return a content, or the contents of a folder, with what the name of a platform says of its date.

    piece: what the name says, a `layouts.Piece`. entry: the name.
    """
    if isinstance(content, dict):
        return {path: of_export(one, piece, entry) for path, one in content.items()}
    if isinstance(content, bytes):
        content = dated(content, getattr(content, "date", None))
        content.late = "_LATE_" in entry
        if piece.attempt:
            content.date, content.told = moment(piece.order[0].split("-")), True
    return content


def taken_off(submissions):
    """Return the submissions with plain contents, and when each was handed in: {submission: text, "" if not known}.

    submissions: {name: files, or why they cannot be read}. The newest date of a file counts.
    """
    plain, dates = {}, {}
    for name, files in submissions.items():
        contents = files.values() if isinstance(files, dict) else []
        known = [date for content in contents if (date := getattr(content, "date", None))]
        late = any(getattr(content, "late", False) for content in contents)
        dates[name] = (f"{max(known):%Y-%m-%d %H:%M}" if known else "") + " late" * late
        plain[name] = {path: bytes(one) for path, one in files.items()} if isinstance(files, dict) else files
    return plain, dates
