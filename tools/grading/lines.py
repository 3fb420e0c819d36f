"""Read the line of results in what a script printed. It never guesses: a line with two readings has none."""

import re

from project import TASKS

ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")  # colours, titles
# A date, a time or both, as `logging` and people write them.
STAMP = re.compile(r"(?<![\w.])(?:\d{4}([-/.])\d\d?\1\d\d?(?:[T ]\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?"
                   r"(?:Z|[+-]\d\d:?\d\d)?)?|\d\d?([./])\d\d?\2\d{2,4}|\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?)(?![\w.])")
# 5.40, 12,810, 1e-3, nan; not the digits of task3, 5.4.0 or 12.8k.
NUMBER = (r"(?:[-+]?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|\bnan\b|[-+]?\binf\b)")
NUMBERS = re.compile(rf"(?<![\w.,+-]){NUMBER}(?!\w|[.,]\d|-\d)")
RUN = re.compile(rf"(?:^|(?<=[\s:=|>(\[{{])){NUMBER} ?%?(?:(?:\s*[;|]\s*|,\s+|\s+){NUMBER} ?%?)*(?=[\])}}.]*\s*$)")
# What a number is called, by what is to be read. The first that fits counts: a training error is not the error.
NAMES = [("other", r"accura|genauig|correct|\bacc\b|loss|epoch|valid|\bval\b|train\w*[\s_-]+(?:err|fehler)"
                   r"|batch|(?<!error[ -])(?<!err[ -])(?<!misclassification[ -])\brate\b"),
         ("parameters", r"param|weights|gewichte"),
         ("seconds", r"(?<!')\bs\b|\bsecs?\b|second|sekunde|\bhours?\b|\bh\b"),
         ("minutes", r"\bmins?\b|minute|time|zeit|duration|dauer"),
         ("reconstruction", r"reconstr|decod|autoenc|regenerat|pixel"), ("digit", r"classif|digit|label|klass|class"),
         ("error", r"\berr|error|fehler|\btest\b")]
OTHERS = re.compile(r"\b(class|classes|klassen?|per|pro|worst|shape)\b", re.IGNORECASE)  # numbers of another kind
# Words that say nothing about numbers, and their marks: levels, single letters, Task 3.
SILENT = re.compile(r"[\W\d_]|(?<![^\W_])(?:debug|info|root|main|task|aufgabe|[a-z])(?![^\W\d_])", re.IGNORECASE)
FEWEST = 11  # parameters: a layer of ten outputs has more
SMALL = 1000  # what numbers of an array or of labels may be
LONGEST = 400  # characters of a line of results


class Unclear(ValueError):
    """A line that may be one of results, and cannot be read for sure."""


class Impossible(Unclear):
    """A line that has as many numbers as one of results, which cannot be these."""


def clean_lines(stdout):
    """Return the lines of an output that are not blank, without escape codes; progress bars end lines as well."""
    return [line for line in ESCAPE.sub("", stdout).replace("\b", "\n").splitlines() if line.strip()]


def read_line(task, line, measured):
    """Return the results in a line, {"errors": [...], "parameters": n, "minutes": x} as far as there is; None if none.

    task: a name in `TASKS`. measured: whether the printed errors do not matter. Raises Unclear.
    """
    text = _plain(line)
    if re.fullmatch(r"[^\s,]+(,[^\s,]+)+", text.strip()) and not re.search(r"(?<![\d.])\d{1,3},\d{3}(?!\d)", text):
        text = text.replace(",", " ")
    if "." not in text:
        text = re.sub(r"(?<!\S)(\d+),(\d\d?)(?=\s|%|$)", r"\1.\2", text)  # a decimal comma
    names = TASKS[task].errors
    kinds, named, run = [*names, "parameters", "minutes"], _named(names, text), RUN.search(text)
    texts = NUMBERS.findall(run[0]) if run else []
    alone = bool(run) and not text[:run.start()].strip("([{ \t") and len(line) < LONGEST
    if alone and len(texts) == len(kinds) - 1:  # only parameters are a whole number
        kinds.remove("parameters" if set(".eE") & set(texts[-1]) else "minutes")
    words = text[:run.start()] if run else ""
    if named:
        values = _fit(names, *named, measured)
    elif len(texts) == len(kinds) and (alone or _in_order(words, measured)):
        values = _fit(names, kinds, texts, measured)
    elif len(kinds) <= len(texts) <= len(kinds) + 2:  # more are something else, such as a row of a matrix
        possible = any(_fit(names, kinds, texts[start:start + len(kinds)], measured)
                       for start in range(len(texts) - len(kinds) + 1))
        other = OTHERS.search(words) or not any(set(".eE") & set(number) for number in texts)
        raise (Unclear if possible and not other else Impossible)("")
    else:
        return None
    if values is None:
        raise Impossible("printed numbers that cannot be")
    return values


def _plain(line):
    """Return the end of a line without dates and times, and without what NumPy writes around its numbers."""
    return STAMP.sub("~", re.sub(r"\bnp\.\w+\(([^()]*)\)", r"\1", line[-LONGEST:]))


def is_vague(line, values):
    """Return whether a line that can be read may be others than results: part of them, or no word names any of them.

    values: as it was read.
    """
    text = _plain(line)
    if any(re.search(pattern, text, re.IGNORECASE) for kind, pattern in NAMES if kind in (
            "error", "parameters", "minutes")):
        return False
    return len(values) < 3 or bool(SILENT.sub("", NUMBERS.sub(" ", text))) or is_array(line, values)


def is_array(line, values):
    """Return whether a line that can be read may be a shape or some labels: small whole numbers."""
    return values.get("parameters", SMALL) < SMALL and not re.search(r"\d[.eE]|\.\d|\d,\d\d?(?!\d)", _plain(line))


def _in_order(words, measured):
    """Return whether words before all numbers of a line do not say that these are others, or in another order."""
    found = {kind: match.start() for kind, pattern in NAMES if (match := re.search(pattern, words, re.IGNORECASE))}
    known = [found[kind] for kind in ("error", "parameters", "minutes") if kind in found]
    return known == sorted(known) and not OTHERS.search(words) and "seconds" not in found and (
        measured or "other" not in found)


def _named(names, text):
    """Return what each number of a line is, and the numbers, if each of them is named, by words before or after it.

    The words between two numbers are split at a comma or the like. Where there is none, they belong all to the number
    before or all to that after them. Returns None if neither reading, or both, give each number of results once.
    """
    found = list(NUMBERS.finditer(text))
    if not found:
        return None
    between = [text[start:end] for start, end in zip([0, *(match.end() for match in found)],
                                                     [*(match.start() for match in found), len(text)])]
    readings = []
    for forward in True, False:
        said = [""] * (len(found) + 2)  # before the first number, of each number, after the last
        for number, words in enumerate(between):
            first, mark, second = re.fullmatch(r"([^,;|\t]*)([,;|\t]?)(.*)", words, re.S).groups()
            if number == 0:
                first, second = "", words
            elif number == len(found):
                first, second = words, ""
            elif not mark:
                first, second = ("", words) if forward or re.search(r"[:=]\s*$", words) else (words, "")
            said[number] += f" {first} "
            said[number + 1] += f" {second} "
        kinds = [_kind(words) for words in said[1:-1]]
        wanted = [kind for kind in kinds if kind not in ("other", "seconds")]
        if len(names) == 1:
            wanted = ["error" if kind in (names[0], "error") else kind for kind in wanted]
        expected = [["error"]] if len(names) == 1 else [list(names), ["error"] * 2]
        if None not in kinds and any(sorted(wanted) == sorted([*errors, *more]) for errors in expected for more in (
                ["parameters", "minutes"], ["parameters"], ["minutes"])):
            generic = iter(names)
            kinds = [next(generic) if kind == "error" else kind for kind in kinds]
            reading = kinds, [match[0] for match in found]
            if reading not in readings:
                readings.append(reading)
    return readings[0] if len(readings) == 1 else None


def _kind(words):
    return next((kind for kind, pattern in NAMES if re.search(pattern, words, re.IGNORECASE)), None)


def _fit(names, kinds, texts, measured):
    """Return the results, {"errors": ...}, or None if a number cannot be what it is said to be."""
    values = {kind: float(text.replace(",", "")) for kind, text in zip(kinds, texts) if kind not in (
        "other", "seconds")}
    errors = [values.pop(name) for name in names]
    whole = values.get("parameters", 0)
    if not measured and not all(0 <= error <= 100 for error in errors) or not all(
            0 <= number < 1e12 for number in values.values()) or whole != int(whole) or (
            "parameters" in values and whole < (FEWEST if "digit" in names else 1)):
        return None
    if "parameters" in values:
        values["parameters"] = int(whole)
    return values | {"errors": errors}
