"""Hand-ins as they come: folders, archives, loose scripts."""

import io
import zipfile

from grading import submissions

import pytest
from handins import CNN, LINE


def archive(files):
    """Return a .zip archive (bytes) of {name: content}."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


def test_what_is_handed_in(tmp_path):
    """Folders, archives, archives in folders, names of all kinds; what cannot be read says why."""
    def write(path, content):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)

    line = LINE.encode()
    write("a/task3.py", line)
    write("b/weights.bin", bytes(submissions.LARGEST + 1))
    (tmp_path / "c").mkdir()
    for path in "d/the archive/task3.py", "d/__MACOSX/task3.py", "d/.DS_Store", "e/task3_a.py", "e/task3_b.py":
        write(path, line)
    write("f 数字 é.zip", archive({"f/task3.py": line, "f/support/net.py": b"", "__MACOSX/f/task3.py": b"x"}))
    write("g_123_file/g.zip", archive({"task3.py": line, "dataset.txt": b"data"}))
    write("h.zip", archive({"../../task3.py": line}))
    write("i.zip", archive({"task3.py": b"0" * (submissions.LARGEST + 1)}))
    write("j.zip", b"not an archive")
    write("k/solution.ipynb", b"{}")
    write("loose.txt", b"")
    write("task3.py", line)
    write("jan_task3.py", line)
    write("task4_rnn - Eva Li.py", line)
    write("Jan_task4_rnn.py", b"another")
    write("E_task3.py", line)
    found, left = submissions.read_class(tmp_path)
    assert found.pop("Jan") == {"task3.py": line, "task4.py": b"another"} and found.pop("Eva Li") == {"task4.py": line}
    assert found["e"].pop("task3.py") == line
    assert left == {submissions.NO_OWNER: ["loose.txt", "task3.py"]}
    assert found["a"] == found["d"] == found["g_123_file"] == {"task3.py": line}
    assert found["b"] == "cannot be read: larger than 20 MiB"
    assert found["f 数字 é"] == {"task3.py": line, "support/net.py": b""}
    assert "leads out of it: ../../task3.py" in found["h"]
    assert "holds more than 20 MiB" in found["i"] and "not an archive" in found["j"]
    assert set(found) == {"a", "b", "c", "d", "e", "f 数字 é", "g_123_file", "h", "i", "j", "k"}
    for name, reason in {"c": "not handed in", "e": r"which one is it: task3_a.py, task3_b.py\?",
                         "k": "not handed in, but a notebook: solution.ipynb"}.items():
        with pytest.raises(ValueError, match=reason):
            submissions.find_script(found[name], CNN)


def test_a_class_in_one_archive(tmp_path):
    """As platforms export it: one archive with a folder, or an archive, for each student."""
    line, path = LINE.encode(), tmp_path / "class.zip"
    path.write_bytes(archive({"class/a_1_file/task3.py": line, "class/b_2_file/b.zip": archive({"task3.py": line}),
                              "class/c.zip": archive({"task3.py": line}), "class/d/task3.py": line,
                              "class/e_task3.py": line}))
    found, left = submissions.read_class(path)
    assert found == dict.fromkeys(["a_1_file", "b_2_file", "c", "d", "e"], {"task3.py": line}) and not left
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not an archive"):
        submissions.read_class(path)


@pytest.mark.parametrize("names, said", [
    (["task4.py", "common.py", "support/run.py", "report.pdf"], ""), (["task4.ipynb"], ""),
    (["task4.py", "task3.ipynb"], ", but a notebook: task3.ipynb"),
    (["task4.py", "common.py", "main.py"], f" under a name that tells the task, such as {CNN}; of "
                                               "Python there is: main.py"),
])
def test_only_what_may_be_the_script_is_named_instead_of_it(names, said):
    """Not the scripts of other tasks, and what was handed out: who left a task out has not misnamed it."""
    with pytest.raises(ValueError) as raised:
        submissions.find_script(dict.fromkeys(names, b""), CNN)
    assert str(raised.value) == f"not handed in{said}"
