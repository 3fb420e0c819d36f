"""Which scripts are found to be much alike: copies in disguise, and not what was written apart."""

import functools
import re
import zipfile
from itertools import combinations
from pathlib import Path

from grading import known, likeness
from grading.assignment import COMMON
from grading.handout import half_finished
from measuring.runs import bundle_files

import pytest
from conftest import ROOT, SCRIPTS
from disguises import DISGUISES, disguise
from handins import CNN

APART = Path(__file__).with_name("apart")


def filled_in(text):
    """Return what was handed out for task 3 with the network and the training of a text."""
    given = half_finished(CNN)
    return given[:given.index("def build_model")] + text + "\n\n" + given[given.index("def main("):]


@functools.cache
def written_apart():
    """Return scripts that were written apart, {name: text}: those that fill in what was handed out, and others."""
    parts = {f"{path.stem} {number}": part for path in sorted(APART.glob("*.py"))
             for number, part in enumerate(path.read_text().split("# --------\n"))}
    return {name: (filled_in if name.startswith("given") else str)(part) for name, part in parts.items()}


def disguised(name, kind, number):
    """Return the script of `written_apart` in a disguise: of what was filled in, or of the whole."""
    text = written_apart()[name]
    if not name.startswith("given"):
        return disguise(text, kind, number)
    start, end = text.index("def build_model"), text.index("def main(")
    before = re.search(r"layers\n(.*)", text[:start], re.DOTALL)[1]
    return filled_in(disguise(before + text[start:end], kind, number))


@functools.cache
def measured():
    """Return the shares of all pairs, {row of the table: list}."""
    shared = likeness.common(half_finished(CNN)) | likeness.common(half_finished(CNN, baseline=True))
    originals = {name: likeness.fingerprint({CNN: text}, shared) for name, text in written_apart().items()}
    rows = {kind: [likeness.share(one, likeness.fingerprint({CNN: disguised(name, kind, number)}, shared))
                   for number, (name, one) in enumerate(originals.items())] for kind in DISGUISES}
    rows |= {"written apart": [], "plain networks written apart": []}
    for one, other in combinations(originals, 2):
        both = "plain networks " * ("plain" in one and "plain" in other)
        rows[f"{both}written apart"].append(likeness.share(originals[one], originals[other]))
    return rows


def test_the_table_of_the_docs():
    """Of each kind of pairs, how many are found at several thresholds."""
    rows = [[kind, len(shares), *(sum(share >= least for share in shares) for least in (0.4, 0.5, 0.6))]
            for kind, shares in measured().items()]
    for row in rows:
        text = f"| {' | '.join(map(str, row))} |"
        print(text)
        assert text in (ROOT / "docs" / "grading.md").read_text(), text


def prints(**texts):
    return {name: likeness.fingerprint({CNN: text}, set()) for name, text in texts.items()}


# Statements that are in no one's idioms, and few.
NINE = "".join(["import keras\nfrom keras import layers\nmodel = keras.Sequential()\n",
                *(f"model.add(layers.Dense({number}))\n" for number in range(5)), "f()\n"])


def test_short_scripts_are_found_if_they_are_the_same():
    """Whatever the names and the imports; what was handed out does not count, nor do idioms and broken Python."""
    renamed = NINE.replace("import keras", "import keras as k\n# mine").replace("model = keras.", "net = k.").replace(
        "model.", "net.")
    some = prints(first=NINE, renamed=renamed, more=NINE + "g(1)\n", empty="", other="def (" + "x = y\n" * 9)
    groups = likeness.find_groups(some, {})
    assert [str(group) for group in groups] == ["first and renamed are much alike (100% of the code)"]
    given = likeness.common(NINE)
    assert likeness.share(*[likeness.fingerprint({CNN: NINE}, given)] * 2) == 0


def test_a_group_is_one_line():
    """Of those that are connected; what is only known makes no group of its own."""
    scripts = {name: text for name, text in written_apart().items() if name.startswith("own")}
    original, other = scripts["own_class 0"], scripts["own_settings 0"]
    own = prints(anna=original, ben=disguise(original, "renamed"), carl=disguise(original, "dead code"), dora=other,
                 emil=scripts["own_pipeline 0"])
    more = prints(**{"known": disguise(other, "functions split"), "older": scripts["own_beginner 0"],
                     "oldest": scripts["own_beginner 0"]})
    first, second = likeness.find_groups(own, more)
    assert re.fullmatch(r"anna, ben and carl are much alike \(\d\d to \d\d% of the code\)", str(first))
    assert re.fullmatch(r"dora and known are much alike \(\d\d% of the code\)", str(second))
    assert len(first.pairs) == 2 and first.pairs[0][2] >= first.pairs[1][2]


def test_passages():
    """Lines that are alike, side by side, wherever they stand."""
    original = written_apart()["own_functions 0"]
    one, other = prints(one=original, other=disguise(original, "reordered")).values()
    left, right = likeness.passages(one, other)[0]
    assert left[0] == right[0] == CNN and left[2][0] == original.splitlines()[left[1] - 1]
    assert {"records", "pixels"} <= set(re.findall(r"\w+", " ".join(left[2]))) & set(
        re.findall(r"\w+", " ".join(right[2])))
    same = prints(a=NINE, b=NINE)
    assert likeness.passages(*same.values()) == [((CNN, 3, NINE.splitlines()[2:]),) * 2]


def test_the_solution_is_found_unasked():
    """Renamed and in one file, but not what was handed out with it, nor a plain network."""
    files = bundle_files(CNN)
    copied = {CNN: disguise(files[CNN].decode(), "renamed").encode(), **bundle_files()}
    plain = {CNN: written_apart()["given_functional 0"].encode(), **bundle_files(), "common.py": COMMON.encode()}
    compared = known.compare_class(CNN, {"anna": copied, "ben": plain, "carl": "cannot be read"},
                                   {known.SOLUTION: bundle_files(*SCRIPTS)})
    assert [group.names for group in compared.groups] == [["anna", known.SOLUTION]]
    assert not known.compare_class(CNN, {"anna": files, "ben": {CNN: half_finished(CNN).encode()}}).groups


def test_what_is_too_large_is_said():
    compared = known.compare_class(CNN, {"anna": {CNN: b"x = 1\n" * 40_000}})
    assert "not compared" in compared.left["anna"] and not compared.prints


def test_what_is_known_comes_in_any_form(tmp_path):
    """Loose scripts, archives, a class, a folder without any task in a name; what is not read is named."""
    source = written_apart()["own_class 0"].encode()
    folder = tmp_path / "known"
    for name in "found.py", "jan_task3.py", "2023/eva/task3.py", "repository/train.py", "repository/net.py", "n.ipynb":
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(source)
    (folder / "broken.zip").write_bytes(b"PK")
    (folder / "text").mkdir()
    (folder / "text" / "notes.txt").write_text("no script")
    found, unread = known.read_known(folder)
    for name in "found.py", "jan", "repository":
        compared = known.compare_class(CNN, {"anna": {CNN: source}}, {name: found[f"the known {name}"]})
        assert [group.names for group in compared.groups] == [["anna", name]]
    said = "\n".join(unread)
    for text in "broken: cannot be read: broken.zip: not an archive", "n.ipynb", "text: there is no Python":
        assert text in said
    archive = tmp_path / "known.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("solution.py", source)
        file.writestr("another.py", source)
    for path in archive, folder / "found.py":
        found, _ = known.read_known(path)
        assert all(name.startswith("the known ") and list(files.values()) == [source] for name, files in found.items())
    with pytest.raises(ValueError, match="no Python in it"):
        known.read_known(folder / "text")
