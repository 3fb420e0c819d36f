"""The layouts in which a class arrives, each from the list of files that a platform or an archiver writes."""

import io
import tarfile
import zipfile

from grading import command_line, decisions, layouts, output, submissions

import pytest

CNN = "task3_cnn.py"
A, B = b"print(1)", b"print(2)"


def zipped(files):
    """Return a .zip archive (bytes) of {name: content}, or of a list of names."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in files:
            archive.writestr(name, files[name] if isinstance(files, dict) else A)
    return data.getvalue()


def zipped_without_flag(name):
    """Return a .zip archive (bytes) with a file whose name (bytes) is in an encoding that the archive does not tell."""
    placeholder = "x" * len(name)
    return zipped({placeholder: A}).replace(placeholder.encode(), name)


def tarred(files, mode="w:gz"):
    """Return a .tar.gz archive (bytes) of {name: content}."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a class from {name: content}, in a folder or in an archive."""
    def from_folder(files):
        for name, content in files.items():
            path = tmp_path / "class" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return submissions.read_class(tmp_path / "class")

    def from_archive(files):
        (tmp_path / "class.zip").write_bytes(zipped(files))
        return submissions.read_class(tmp_path / "class.zip")

    from_folder.archive = from_archive
    return from_folder


EXPORTS = {
    "Moodle, folders": (
        {"Ada Li_12_assignsubmission_file_/task3.py": A, "Ada Li_12_assignsubmission_onlinetext_/onlinetext.html": B,
         "José Ek_13_assignsubmission_file_/work.zip": zipped(["work/task3.py"]),
         "Bo Ek_14_assignsubmission_onlinetext_/onlinetext.html": B},
        {"Ada Li": {"task3.py": A}, "José Ek": {"task3.py": A},
         "Bo Ek": "not handed in as a file: there is only text that was typed into the platform"},
        {layouts.TEXT: ["Ada Li_12_assignsubmission_onlinetext_", "Bo Ek_14_assignsubmission_onlinetext_"]}),
    "Moodle, flat, two of the same name": (
        {"Ada Li_12_assignsubmission_file_task3.py": A, "Ada Li_12_assignsubmission_file_net.py": B,
         "Ada Li_15_assignsubmission_file_task3.py": B},
        {"Ada Li (12)": {"task3.py": A, "net.py": B}, "Ada Li (15)": {"task3.py": B}}, {}),
    "Canvas": (
        {"liada_1234_90000_task3.py": B, "liada_1234_90003_task3-1.py": A, "liada_1234_90002_net.py": B,
         "ekbo_LATE_77_90004_aufgabe-3.py": A, "imeva_78_text.html": B},
        {"liada": {"task3.py": A, "net.py": B}, "ekbo": {"aufgabe-3.py": A},
         "imeva": "not handed in as a file: there is only text that was typed into the platform"},
        {layouts.OLDER: ["liada_1234_90000_task3.py"], layouts.TEXT: ["imeva_78_text.html"]}),
    "Blackboard": (
        {"Task 3_ali_attempt_2024-01-01-10-00-00.txt": B, "Task 3_ali_attempt_2024-01-01-10-00-00_task3.py": B,
         "Task 3_ali_attempt_2024-01-02-09-00-00.txt": B, "Task 3_ali_attempt_2024-01-02-09-00-00_task_3.py": A,
         "Task 3_bek_attempt_2024-01-02-09-30-00.txt": B},
        {"ali": {"task_3.py": A}, "bek": "not handed in as a file: there is only a comment"},
        {layouts.OLDER: ["Task 3_ali_attempt_2024-01-01-10-00-00_task3.py"]}),
    "Gradescope": (
        {"assignment_9_export/submission_123/task3.py": A, "assignment_9_export/submission_124/code/task3.py": B,
         "assignment_9_export/submission_125/task3.py": A,
         "assignment_9_export/submission_metadata.yml":
             b"---\nsubmission_123:\n  :submitters:\n  - :name: Ada Li\n    :sid: '1'\n    :email: ada@example.org\n"
             b"  :created_at: 2024-01-01\n  :history:\n  - :name: Not Her\nsubmission_124:\n  :submitters:\n"
             b"  - :name: Bo Ek\n    :sid: '2'\n  - :name: Eva Im\n"},
        {"Ada Li": {"task3.py": A}, "Bo Ek, Eva Im": {"task3.py": B}, "submission_125": {"task3.py": A}}, {}),
}


@pytest.mark.parametrize("files, students, left", EXPORTS.values(), ids=EXPORTS)
def test_exports(files, students, left, read):
    """The same class, in a folder and in an archive, and in an archive in a folder, as downloads lie there."""
    assert read.archive(files) == (students, left)
    assert read({"download.zip": zipped(files)}) == (students, left)


def test_exports_in_a_folder(read):
    """Unpacked, in the folder of the export or without. An export for each task gives one submission."""
    files, students, left = EXPORTS["Gradescope"]
    assert read(files) == (students, left)
    files = {f"{name}.zip": zipped([f"Ada Li_{name}_assignsubmission_file_/task{name}.py"]) for name in "34"}
    files["task 1/Ada Li_1_assignsubmission_file_/work.py"] = A
    assert read(files)[0]["Ada Li"] == {"task3.py": A, "task4.py": A, "work.py": A}


@pytest.mark.parametrize("files", [
    {"class/anna/task3.py": A, "class/ben/task3.py": A},
    {"class.zip": zipped({"anna.zip": zipped(["task3.py"]), "ben.tgz": tarred({"ben/task3.py": A})})},
    {"class.zip": zipped(["class/anna_task3.py", "class/ben/task3.py", "class/ben/net/__init__.py"])},
    {"anna/task3.py": A, "anna.zip": zipped(["task3.py"]), "ben_task3.zip": zipped(["task3.py"])},
], ids=["folder", "archives", "mixed", "unpacked beside it"])
def test_a_class_in_what_is_alone(files, read):
    found, left = read(files)
    assert [found[name]["task3.py"] for name in ("anna", "ben")] == [A, A] and len(found) == 2 and not left


def test_loose_scripts_are_of_those_in_their_names(read):
    found, _ = read({"task3 - Ada Li.py": A, "task4_rnn_Bo.py": A, "bo_Task3.py": B, "Bo_task1.zip": zipped(["a.py"])})
    assert found == {"Ada Li": {"task3.py": A}, "Bo": {"task4.py": A, "task3.py": B, "a.py": A}}


def test_platforms_that_have_no_folders():
    """A folder that looks like a file of Canvas is a folder; and a loose script is not one of Canvas."""
    assert layouts.piece("liada_1234_90000_task3.py", True) is None and layouts.piece("submission_1", False) is None
    assert layouts.piece("jan_task3.py", False) is None and layouts.piece("jan_123_file", True) is None


@pytest.mark.parametrize("data, paths", [
    (zipped(["jan/task3.py", "jan/net.py", "__MACOSX/jan/._task3.py", "jan/.DS_Store"]), {"task3.py", "net.py"}),
    (zipped(["jan\\task3.py", "jan\\support\\net.py"]), {"task3.py", "support/net.py"}),
    (zipped_without_flag("jan/größe.py".encode()), {"größe.py"}),
    (zipped_without_flag("jan/größe.py".encode("cp437")), {"größe.py"}),
    (zipped(["jan/gro\u0308\u00dfe.py"]), {"größe.py"}),
    (zipped({"a.zip": zipped({"b.tar": tarred({"jan/task3.py": A}, "w")})}), {"task3.py"}),
    (zipped({"task3.zip": zipped(["task3.py"]), "task4.zip": zipped(["t/task4.py"])}), {"task3.py", "task4.py"}),
    (zipped({"first.zip": zipped({"task3.py": A}), "second.zip": zipped({"task3.py": B})}),
     {"first/task3.py", "second/task3.py"}),
    (zipped(["task3.py", ".git/config", "venv/a.py", "node_modules/b.js", "__pycache__/c.pyc", "mine/pyvenv.cfg",
             "mine/lib/task3.py", "net/__init__.py", ".ipynb_checkpoints/task3.py"]), {"task3.py", "net/__init__.py"}),
], ids=["Mac", "PowerShell", "UTF-8 unsaid", "cp437", "decomposed", "archives in archives", "one per task",
        "two versions", "tools"])
def test_archives(data, paths, read):
    found, left = read({"jan.zip": data, "other/task3.py": A})
    assert (found["jan"].keys(), left) == (paths, {})


def test_archives_beside_scripts(read):
    """An archive with another task is read, and one beside a module; an older version beside the script is not."""
    found, _ = read({"jan/task3.py": A, "jan/task4.zip": zipped(["task4.py"]), "jan/old.zip": zipped({"task3.py": B}),
                     "eva/setup.py": A, "eva/work.zip": zipped(["task3.py"])})
    assert found["jan"].keys() == {"task3.py", "task4.py", "old.zip"} and found["jan"]["task3.py"] == A
    assert found["eva"].keys() == {"task3.py", "setup.py"}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar(mode, read):
    found, _ = read({"jan.tar.gz": tarred({"jan/task3.py": A, "jan/.git/x": B, "jan/venv/task3.py": B}, mode),
                     "eva.tgz": tarred({"../task3.py": A}, mode)})
    assert found["jan"] == {"task3.py": A}
    assert "leads out of it: ../task3.py" in found["eva"]


def test_tools_are_left_out_before_anything_is_weighed(read):
    large = bytes(submissions.LARGEST + 1)
    files = {".git/pack": large, "venv/lib.so": large, "node_modules/x": large, "mine/pyvenv.cfg": A, "mine/x": large}
    mine = {"task3.py": A}
    found, _ = read({"eva.zip": zipped(files | mine), "kim.tar.gz": tarred(files | mine),
                     **{f"jan/{name}": content for name, content in (files | mine).items()}})
    assert found == dict.fromkeys(["eva", "kim", "jan"], mine)


def test_a_small_archive_cannot_fill_the_memory(read):
    """What is left out has a limit as well where it has to be unpacked to get past it."""
    half = submissions.LARGEST // 2 + 1
    found, _ = read({"jan.tgz": tarred({"task3.py": bytes(2 * half)}), "eva.zip": zipped(
        {"a.zip": zipped({"task3.py": bytes(half)}), "b.zip": zipped({"task4.py": bytes(half)})})})
    assert "holds more than 20 MiB" in found["jan"]
    with pytest.raises(ValueError, match="an archive that was not read .*: b.zip"):
        submissions.find_script(found["eva"], "task4_rnn.py")
    bounded = submissions._Bounded(io.BytesIO(bytes(100)), 10, 50)
    assert len(bounded.read(10)) == 10
    for too_much in (lambda: bounded.read(11)), (lambda: bounded.seek(51)):
        with pytest.raises(ValueError, match="leave out what is not your own work"):
            too_much()


def test_what_cannot_be_read_is_named(read):
    found, left = read({"jan.rar": b"Rar!..", "eva.zip": b"7z\xbc\xaf'\x1c..", "kim/work.rar": b"Rar!..",
                        "ben/solution.ipynb": A, "tom/main.py": A, "ida/report.pdf": A, "leo_task3.ipynb": A,
                        "task3 (1).py": A, "notes.docx": A})
    assert left == {submissions.NO_OWNER: ["notes.docx", "task3 (1).py"]}
    assert found["jan"] == "cannot be read: jan.rar: a .rar archive, which is not read: hand in a .zip archive"
    assert ".7z archive" in found["eva"] and "work.rar: a .rar archive" in found["kim"]
    for name, reason in {"ben": "but a notebook: solution.ipynb", "leo": "but a notebook: leo_task3.ipynb",
                         "tom": "of Python there is: main.py", "ida": "there is: report.pdf"}.items():
        with pytest.raises(ValueError, match=f"^not handed in.*{reason}"):
            submissions.find_script(found[name], CNN)
    said = output.left_out(left)
    assert said == ["left out, for want of a student and a task in the name: notes.docx, task3 (1).py"]


@pytest.mark.parametrize("files, name", [
    ({"task3.py": A, "support/net.py": B, "README.txt": B}, "task3.py"),
    ({"code/task3.py": A, "code/net.py": B, "README.txt": B}, "task3.py"),
    ({"task3/task3.py": A, "task4/task4.py": B}, "task3.py"),
])
def test_one_hand_in(files, name, read, tmp_path):
    """It is one if its scripts have no student in their names, in an archive and in a folder."""
    (tmp_path / "anna.zip").write_bytes(zipped(files))
    found, left = submissions.read_class(tmp_path / "anna.zip")
    assert list(found) == ["anna"] and found["anna"][name] == A and not left
    if "code/task3.py" not in files:  # in a folder, code/ would be a student
        found, _ = read(files)
        assert list(found) == ["class"] and found["class"][name] == A


@pytest.mark.parametrize("name", ["loss_2024_11_30.png", "model_32_64_128.h5", "run_1_20241130_loss.png"])
@pytest.mark.parametrize("script", ["task3.py", "code/task3.py"])
def test_figures_and_weights_are_no_export(name, script, read):
    """Their names may look like Canvas's. Where scripts have such names, it is an export, whatever lies beside them."""
    found, left = read({f"anna/{script}": A, f"anna/{name}": B, "ben.zip": zipped({script: A, name: B})})
    assert found == dict.fromkeys(["anna", "ben"], {"task3.py": A, name: B}) and not left
    assert layouts.is_one({"task3.py": A, name: B})
    assert not layouts.is_one({"task3.py": A, "liada_1234_90000_task3.py": B, name: B})


@pytest.mark.parametrize("names, found", [
    (["Task3_CNN.py", "net.py"], "Task3_CNN.py"), (["task_3.py"], "task_3.py"), (["aufgabe3.py"], "aufgabe3.py"),
    (["code/task3.py", "code/net.py", "README"], "task3.py"), (["src/a/task-03.py"], "task-03.py"),
    (["task3.py", "old/task3.py"], "task3.py"), (["task3_final.py", "test_task3.py"], "task3_final.py"),
    (["task3/main.py", "task4/main.py"], "task3/main.py"), (["jan_task3.py", "task13.py"], "jan_task3.py"),
    (["a/task3.py", "b/task3.py"], "which one is it: a/task3.py, b/task3.py"),
    (["task3_a.py", "Task_3.py", "aufgabe3.py"], "which one is it: Task_3.py, aufgabe3.py, task3_a.py"),
    (["test_task3.py", "net.py"], "of Python there is: test_task3.py, net.py"),
    (["task13.py", "multitask3.py"], "of Python there is: task13.py, multitask3.py"),
    (["task3_and_task4.py"], "of Python there is: task3_and_task4.py"),
])
def test_names_of_scripts(names, found):
    files = submissions.tidy({name: name.encode() for name in names})
    if found.endswith(".py") and " " not in found:
        assert submissions.find_script(files, CNN) == found
    else:
        with pytest.raises(ValueError) as raised:
            submissions.find_script(files, CNN)
        assert found in str(raised.value)


@pytest.mark.parametrize("names, said", [
    (["task4.py"], ""), (["task4_rnn.py", "common.py", "support/script.py"], ""), ([], ""),
    (["task4.py", "main.py", "common.py"], " under a name that tells the task, such as task3_cnn.py; of Python there "
                                           "is: main.py"),
    (["task4.py", "notes.pdf"], ""), (["notes.pdf"], "; there is: notes.pdf"), (["task4.ipynb"], ""),
])
def test_what_is_missing_is_not_what_was_handed_out(names, said):
    """Nor a script of another task: whoever handed in one task is not shown a list of other files."""
    with pytest.raises(ValueError) as raised:
        submissions.find_script(dict.fromkeys(names, b""), CNN)
    assert str(raised.value) == f"not handed in{said}"


def test_a_class_with_names_of_its_own():
    """The second sheet calls its scripts task1.py and task2.py."""
    names = command_line.names("task1.py=task3_cnn.py, task2.py=task4.py")
    assert names == {"task1.py": CNN, "task2.py": "task4_rnn.py"}
    for called in "task1.py", "Task1.py", "task_1_final.py", "aufgabe1.py":
        assert submissions.renamed({called: A, "task2.py": B, "net.py": B}, names) == {
            CNN: A, "task4_rnn.py": B, "net.py": B}
    assert submissions.renamed({"task1.py": A, CNN: B}, names) == {"task1.py": A, CNN: B}
    swapped = command_line.names("task3.py=task4.py,task4.py=task3.py")
    assert submissions.renamed({"task3.py": A, "task4.py": B}, swapped) == {"task4_rnn.py": A, CNN: B}
    for wrong in "task1.py", "task1.py=cnn.py", "=task3.py":
        with pytest.raises(command_line.ArgumentTypeError, match="expected NAME=SCRIPT"):
            command_line.names(wrong)


TABLE = "submission;script;decision;why\r\nJos\u00e9;task3;remark;a seed, in a comment, and unused, too\r\n"


@pytest.mark.parametrize("data", [
    TABLE.encode(), TABLE.encode("utf-8-sig"), TABLE.encode("cp1252"), TABLE.encode("utf-16"),
    ("sep=;\r\n" + TABLE).encode(), TABLE.replace(";", "\t").encode(),
    TABLE.split("\n", 1)[1].encode(), 'Jose\u0301,Task 3,Remark,"a seed, in a comment, and unused, too"'.encode(),
], ids=["semicolons", "byte-order mark", "Windows-1252", "UTF-16", "sep", "tabs", "no head", "decomposed"])
def test_decisions_as_spreadsheets_save_them(data, tmp_path):
    (tmp_path / "decisions.csv").write_bytes(data)
    assert decisions.read_decisions(tmp_path / "decisions.csv", {"José": {}, "Jan": {}}) == {
        ("José", CNN): decisions.Decision("remark", "a seed, in a comment, and unused, too")}


@pytest.mark.parametrize("text, message", [
    ("Jan,task3,remark,a seed, unused", "line 1: .* there are 5 cells; .* needs quotation marks"),
    ("\nEva,task3,remark,why", "line 2: no such submission: Eva; .* such as Jan, Li$"),
    ("Jano,task3,remark,why", "line 1: no such submission: Jano; .* such as Jan$"),
    ("Jan,task5,remark,why", "line 1: expected .* found Jan, task5, remark, why"),
    ("Jan,task3,maybe,why", "line 1: expected .* found Jan, task3, maybe, why"),
])
def test_decisions_that_cannot_be_read(text, message, tmp_path):
    (tmp_path / "decisions.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        decisions.read_decisions(tmp_path / "decisions.csv", {"Jan": {}, "Li": {}})


def test_a_grading_without_runs_says_so():
    assert output.described_walls({"jan": {CNN: {"missing": "not handed in"}}}) == "but no run was made"
    assert output.described_walls({"jan": {CNN: {"jobs": {}}}}) == "but no run was made"
    assert output.described_walls({"jan": {CNN: {"jobs": {"run 1": {"walled": False}}}}}) == "without walls"
