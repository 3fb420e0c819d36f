"""What the README and the docs tell people to make stays out of the project's history."""

import re
import shutil
import subprocess

import pytest
from conftest import ROOT

TEXTS = [ROOT / "README.md", *ROOT.glob("docs/*.md"), ROOT / "studies" / "README.md", *ROOT.glob("tools/*.py")]
# A file or folder that a command makes or takes, by the option or the program before it.
NAMED = re.compile(
    r"(?:--(?:csv|dataset|feedback|figures?|handout|json|known|load|overrule|predictions|report|results|save|secret"
    r"|submissions|test)|handout\.py|make_dataset\.py|studies\.treadmill) +([a-z]\w*(?:\.\w+|/\S*)?)")
WORDS = {"has", "made"}  # of a sentence, behind an option


def git(folder, *arguments, paths=()):
    """Return the lines that a command of Git prints in a folder."""
    return subprocess.run(["git", *arguments], cwd=folder, input="\n".join(paths), capture_output=True,
                          text=True).stdout.splitlines()


@pytest.fixture(scope="module")
def ignored(tmp_path_factory):
    """Return a function that returns those of some paths that Git ignores here."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "-q")
    shutil.copy(ROOT / ".gitignore", folder)
    return lambda paths: set(git(folder, "-c", "core.excludesFile=", "check-ignore", "--stdin", paths=paths))


def test_what_the_texts_name(ignored):
    names = {found for path in TEXTS for found in NAMED.findall(path.read_text())} - WORDS
    made = {name for name in names if not (ROOT / name).exists() or name == "figures"}
    assert {"hand_ins/", "hand_out/", "results.json", "report.html", "texts/", "test.txt", "digits.txt", "figures",
            "recordings"} <= made
    assert made - ignored(made) == set()


def test_what_a_teacher_may_call_them(ignored):
    made = ["my class/anna/task3_cnn.py", "class_2026.zip", "decisions.csv", "grades.ods", ".venv/bin/python",
            "task3_mine.py", "network.keras", "results.json.new", "support/__pycache__/x.pyc"]
    assert ignored(made) == set(made)


def test_what_belongs_to_the_project_is_not_ignored(ignored):
    own = [path.relative_to(ROOT).as_posix() for pattern in ("task*.py", "common.py", "support/*.py", "studies/*.py",
                                                             "tools/**/*.py", "tests/**/*.py")
           for path in ROOT.glob(pattern)]
    own += ["docs/figures/new.png", "tools/requirements.txt", "task5_new.py", ".ci/run", "README.md"]
    assert ignored([path for path in own if not path.endswith("_mine.py")]) == set()
