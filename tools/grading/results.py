"""The results of a grading on disk: the records of all runs, saved after each, so that none is lost or made twice."""

import hashlib
import json
import os

VERSION = 2  # of the JSON file
FAILURES = 2  # runs of a script that failed, after which it is not run any more


class Results:
    """All records, in memory and, if a file is named, on disk: it is saved after every job.

    path: of the JSON file, a Path or None. settings: {name: what the records depend on}. resume: whether to go on with
    the file. entries: {submission: {task: entry}}, an entry as `jobs.describe` makes it with a "digest" of its files,
    or {"missing": why}. Raises ValueError if the file exists and cannot be resumed, OSError if it cannot be written.
    """

    def __init__(self, path, settings, resume):
        self.path, self.settings, self.entries = path, settings, {}
        if path and path.exists():
            if not resume:
                raise ValueError(f"{path} exists; use --resume to go on with it")
            try:
                saved = json.loads(path.read_text())
                if saved["version"] != VERSION:
                    raise ValueError
                old, self.entries = saved["settings"], saved["submissions"]
            except (ValueError, KeyError, TypeError):
                raise ValueError(f"{path} is not a file of this grader") from None
            for name, value in settings.items():
                if old.get(name) != value:
                    raise ValueError(f"{path} was made with another {name}")
        self.save()

    def entry(self, submission, task, fresh):
        """Return the entry of a script: `fresh`, with the records of old runs if its files are the same as then."""
        tasks = self.entries.setdefault(submission, {})
        old = tasks.get(task, {})
        if "missing" in fresh:
            tasks[task] = old | fresh  # what has been measured stays, in case the files come back
        elif old.get("digest") == fresh["digest"]:
            tasks[task] = fresh | {"jobs": old["jobs"]}
        else:
            tasks[task] = fresh
        return tasks[task]

    def save(self, judged=None):
        """Write a new file and rename it, so that the results are complete on disk at any time.

        judged: {submission: {task: verdict}}, at the end of a grading. Raises OSError.
        """
        if self.path is None:
            return
        whole = {"version": VERSION, "settings": self.settings, "submissions": self.entries}
        if judged:
            whole["verdicts"] = judged
        beside = self.path.with_name(self.path.name + ".new")
        with open(beside, "w") as file:
            file.write(json.dumps(whole))  # `dump` takes ten times as long, after each run of a class
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)


def given_up(entry, runs):
    """Return whether so many of the first `runs` runs of a script have failed that it is not run any more.

    entry: see `jobs.describe`.
    """
    records = [entry["jobs"].get(f"run {number}") for number in range(1, runs + 1)]
    return sum(bool(record and record["reason"]) for record in records) >= FAILURES


def digest(thing):
    """Return a hash of a thing by its `repr`, such as files or digits: two that are equal have the same."""
    return hashlib.sha256(repr(thing).encode()).hexdigest()
