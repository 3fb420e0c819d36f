"""Which scripts of a class are much alike, or like a known one: k-grams of tokens, as MOSS compares them.

S. Schleimer, D. Wilkerson, A. Aiken: Winnowing: local algorithms for document fingerprinting, SIGMOD 2003. Scripts are
short, so all k-grams are kept. The tokens are those of Pygments, which reads what Python does not.
"""

import functools
import re
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from pygments import lexers, token

K = 12  # tokens of a k-gram
SHARE = 0.5  # of the smaller of two scripts, from which a reader should look; docs/grading.md has the measurement
FEWEST = 60  # tokens that two scripts must have in common for that
SAME = 30  # tokens that suffice if two scripts are the same throughout
ALIKE = "are much alike"
LEXER = lexers.get_lexer_by_name("python")
IMPORT = re.compile(r"^[ \t]*(?:from\s+\S+\s+)?import\s+(?:\([^)]*\)|[^\n]*)", re.MULTILINE)
IDIOMS = Path(__file__).with_name("idioms.txt")  # a source


class Print(NamedTuple):
    """What is compared of a script.

    lines: triples of a path, the number of a line and its text. at: the index in `lines` of each token. whole: its own
    k-grams, and where they begin, {k-gram: [number of a token]}. grams: the same without idioms. size: tokens in these.
    """

    lines: list
    at: list
    whole: dict
    grams: dict
    size: int


class Group(NamedTuple):
    """Scripts that are much alike: the names of hand-ins and of what is known, and the pairs that connect them.

    A pair is two names and their share, the closest pair comes first.
    """

    names: list
    pairs: list

    def __str__(self):
        most, least = (f"{pair[2]:.0%}" for pair in (self.pairs[0], self.pairs[-1]))
        shares = most if least == most else f"{least[:-1]} to {most}"
        return f"{', '.join(self.names[:-1])} and {self.names[-1]} {ALIKE} ({shares} of the code)"


@functools.lru_cache(1000)
def tokens(text):
    """Return the tokens of a source (text), pairs of a symbol and the number of its line, from 0.

    Imports, comments, texts and formatting do not count, and names that the script gives are all the same. What it
    imports, or calls by an attribute or a keyword, has its name, without that of the module.
    """
    imports = " ".join(IMPORT.findall(text))
    text = IMPORT.sub(lambda found: "\n" * found[0].count("\n"), text)
    if names := set(re.findall(r"\w+", imports)):
        known = "|".join(map(re.escape, sorted(names)))
        text = re.sub(rf"(?<![\w.])({known})\b(\.(?:[a-z]\w*\.)*)?", lambda one: "." if one[2] else f".{one[1]}", text)
    words = [(start, kind, word) for start, kind, word in LEXER.get_tokens_unprocessed(text)
             if word.strip() and kind not in token.Comment and kind not in token.String.Doc]
    symbols, depth, line, last, before = [], 0, 0, 0, ""
    for number, (start, kind, word) in enumerate(words):
        line, last = line + text.count("\n", last, start), start
        depth += (word in "([{") - (word in ")]}")
        keyword = depth and number + 1 < len(words) and words[number + 1][2] == "="
        if kind in token.String:
            symbols.append(("text", line))
        elif kind in token.Name and kind is not token.Name.Builtin and before != "." and not keyword:
            symbols.append(("name", line))
        elif word != ".":
            symbols.append((word, line))
        before = word
    return symbols


def grams(symbols):
    """Return the k-grams of symbols, and where they begin: {k-gram: [number of a symbol]}."""
    found = {}
    for start in range(len(symbols) - K + 1):
        found.setdefault(tuple(symbols[start:start + K]), []).append(start)
    return found


@functools.lru_cache(1000)
def common(text):
    """Return the k-grams of a source (text) that is handed out or the like, as a set."""
    return set(grams([symbol for symbol, _ in tokens(text)]))


def fingerprint(sources, given):
    """Return the `Print` of a script.

    sources: the texts of it and its modules by their paths. given: k-grams that all have got, a set.
    """
    lines, at, symbols = [], [], []
    for path, text in sources.items():
        for symbol, line in tokens(text):
            symbols.append(symbol)
            at.append(len(lines) + line)
        lines += [(path, number, line) for number, line in enumerate(text.split("\n"), 1)]
    whole = {gram: starts for gram, starts in grams(symbols).items() if gram not in given}
    own = {gram: starts for gram, starts in whole.items() if gram not in _idioms()}
    return Print(lines, at, whole, own, len(covered(own, own)))


@functools.cache
def _idioms():
    return common(IDIOMS.read_text("utf-8"))


def covered(found, chosen):
    """Return the numbers of the tokens that are in the chosen ones of k-grams, as a set. found: see `grams`."""
    return {start + number for gram in chosen for start in found[gram] for number in range(K)}


def share(one, other):
    """Return how much of the smaller of two `Print`s is in the other one, 0 to 1."""
    if one.whole.keys() == other.whole.keys() and len(one.whole) + K > SAME:
        return 1.0
    both = one.grams.keys() & other.grams.keys()
    parts = [(len(covered(script.grams, both)), script.size) for script in (one, other)]
    return max((part / whole for part, whole in parts if part >= FEWEST), default=0.0)


def find_groups(own, known):
    """Return the groups of scripts that are much alike, a list of `Group`. Those that are only known are in none alone.

    own, known: {name: Print}.
    """
    both = own | known
    pairs = [(one, other, share(both[one], both[other])) for one, other in combinations(both, 2) if one in own]
    groups = {name: Group([name], []) for name in both}
    for one, other, part in sorted(pairs, key=lambda pair: -pair[2]):
        if part >= SHARE and groups[one] is not groups[other]:
            whole = Group(groups[one].names + groups[other].names,
                          [*groups[one].pairs, *groups[other].pairs, (one, other, part)])
            groups |= dict.fromkeys(whole.names, whole)
    unique = {id(group): group for group in groups.values() if group.pairs}.values()
    order = list(both)
    return [Group(sorted(group.names, key=order.index), sorted(group.pairs, key=lambda pair: -pair[2]))
            for group in unique]


def passages(one, other):
    """Return what two `Print`s have in common, in the order of the first: pairs of triples, its own and the other's.

    A triple is a path, the number of the first line, and the lines.
    """
    both = one.grams.keys() & other.grams.keys()
    here, there = (one.grams, other.grams) if both else (one.whole, other.whole)  # they are the same, and plain
    both = both or here.keys()
    starts = {start: gram for gram in both for start in here[gram]}
    others = _runs(covered(there, both))
    found = []
    for first, last in _runs(covered(here, both)):
        begin = there[starts[first]][0]
        run = next(run for run in others if run[0] <= begin <= run[1])
        found.append((_lines(one, first, last), _lines(other, *run)))
    return found


def _runs(numbers):
    """Return the first and the last of each run of consecutive numbers."""
    firsts = sorted(number for number in numbers if number - 1 not in numbers)
    return list(zip(firsts, sorted(number for number in numbers if number + 1 not in numbers)))


def _lines(script, first, last):
    """Return the lines of a `Print` from one token to another: the path, the number of the first, the texts."""
    lines = script.lines[script.at[first]:script.at[last] + 1]
    path, number, _ = lines[0]
    return path, number, [text for _, _, text in lines]
