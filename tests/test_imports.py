"""Every import of the project points one way: no circle, and no arrow from below to above."""

import ast
import re
from collections import defaultdict

import pytest
from conftest import ROOT

PATHS = [path for room in ("", "support/", "tools/**/", "studies/**/") for path in ROOT.glob(f"{room}*.py")]
# From below to above. A file imports files of its own level, or of a lower one.
LEVELS = [("support/",), ("common.py",), ("task",), ("tools/project.py",), ("tools/measuring/",),
          ("tools/grading/", "tools/making/"), ("tools/", "studies/")]


CHANGES_PATH = r"sys\.path(\.(append|insert|extend)\(|\[.*\] = | \+?= )"


def level(name):
    """Return the number of the level that a file is on, by its path from the root."""
    return next(number for number, starts in enumerate(LEVELS) if name.startswith(starts))


def module_files():
    """Return the file of each module of the project, by the names by which others may import it."""
    files = {}
    for path in PATHS:
        parts = path.relative_to(ROOT).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        for name in {".".join(parts), ".".join(parts[1:] if parts[0] == "tools" else parts)} - {""}:
            files[name] = path.relative_to(ROOT).as_posix()
    return files


def imports(source):
    """Yield the names that a source imports, anywhere in it: modules, and what may be a module of a package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph(sources):
    """Return which files each file imports; sources: texts by path."""
    files, arrows = module_files(), defaultdict(set)
    for path, source in sources.items():
        arrows[path] |= {files[name] for name in imports(source) if name in files} - {path}
    return arrows


def circle(arrows):
    """Return a path of imports that ends where it begins, or None."""
    finished = set()

    def visit(path, trail):
        if path in trail:
            return [*trail[trail.index(path):], path]
        if path not in finished:
            for next_path in arrows.get(path, ()):
                if found := visit(next_path, [*trail, path]):
                    return found
            finished.add(path)
        return None

    return next((found for path in list(arrows) if (found := visit(path, []))), None)


def backward(arrows):
    """Return the imports of a file that is above the one that imports it."""
    return [(path, other) for path, others in arrows.items() for other in others if level(other) > level(path)]


@pytest.fixture(scope="module")
def sources():
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in PATHS}


def test_no_circle_and_no_arrow_back(sources):
    arrows = graph(sources)
    assert "support/script.py" in arrows["common.py"] and "common.py" in arrows["task3_cnn.py"]  # it sees imports
    assert circle(arrows) is None
    assert backward(arrows) == []


@pytest.mark.parametrize("path, line", [
    ("support/evaluation.py", "import common"), ("support/data_file.py", "from support import script"),
    ("common.py", "def late():\n    from task3_cnn import train"), ("tools/project.py", "import measuring.runs")])
def test_it_sees_an_arrow_that_is_added(sources, path, line):
    arrows = graph(sources | {path: f"{sources[path]}\n{line}\n"})
    assert circle(arrows) or backward(arrows)


def test_only_one_place_changes_the_path_of_modules(sources):
    """The grader's watcher, which runs in the process of a hand-in, has no other way."""
    changing = {path for path, source in sources.items() if re.search(CHANGES_PATH, source)}
    assert changing == {"tools/project.py", "tools/grading/watch.py"}
