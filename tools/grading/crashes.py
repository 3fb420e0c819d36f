"""What a run wrote to standard error, told so that its author can mend it: without the walls and without libraries."""

import re

from grading.lines import ESCAPE

FRAME = re.compile(r'\s*File "(?P<path>[^"]*)", line (?P<line>\d+)')  # of a traceback
SCRATCH = re.compile(r"(?:/[^\s\"']*)?/grade-[^/\s\"']+/(?:submission|home|tmp)/|/scratch/(?:submission|home)/")
LIBRARY = re.compile(r"(?:/[^\s\"']*)?/(?:(?:site|dist)-packages|lib/python3\.\d+)/")
GRADER = "grader_watch/"
SHARED = ("support/", "common.py")  # handed out: the author's mistake is seldom in it
LONGEST = 200  # characters of a message


def cleaned(stderr):
    """Return the lines of a standard error (text) as its author would have seen them, as far as they are the author's.

    The folder in which the grader ran the script is removed from paths, that of a library shortened. In tracebacks,
    frames of the grader and of libraries are left out, with their lines of source.
    """
    lines, dropping = [], False
    for line in ESCAPE.sub("", stderr).splitlines():
        frame = FRAME.match(line)
        if frame:
            path = SCRATCH.sub("", frame["path"])
            dropping = path.startswith((GRADER, "<frozen")) or bool(LIBRARY.search(path))
        elif not line.startswith("    "):  # what belongs to a frame is indented further than its head
            dropping = False
        if not dropping:
            lines.append(LIBRARY.sub("", SCRATCH.sub("", line)))
    return lines


def told(lines):
    """Return what a crash was, and where in its author's own files, in a line; "" if there are no lines.

    lines: of `cleaned`. Of a message of several lines, as Keras writes them, the first two count.
    """
    frames = [(number, found) for number, line in enumerate(lines) if (found := FRAME.match(line))]
    start = frames[-1][0] + 1 if frames else len(lines) - 1
    rest = [line.strip() for line in lines[start:] if line.strip() and not (frames and line.startswith("    "))]
    if not rest:
        rest = [line.strip() for line in lines if line.strip()][-1:]
    text = " ".join(rest[:2] if rest and rest[0].endswith((".", ":")) else rest[:1])
    text = text if len(text) <= LONGEST else text[:LONGEST - 1] + "…"
    own = [found for _, found in frames if not found["path"].startswith(("/", "<", *SHARED))]
    if not own or f"{own[-1]['path']}, line" in text:
        return text
    return f"{text} ({own[-1]['path']}, line {own[-1]['line']})"
