"""Who made which submission, as Gradescope tells it in a file of its export."""

import re

from grading.layouts import clean

METADATA = "submission_metadata.yml"


def names_in(text):
    """Return the names in the text of that file, {folder: names of those who handed it in}."""
    names = {}
    for block in re.split(r"(?m)^(?=submission_\d+:)", text)[1:]:
        submitters = re.search(r"(?ms)^  :submitters:\s*?\n(.*?)(?=^  :\w|\Z)", block)
        found = re.findall(r"(?m)^\s*(?:- )?:name: *(.+?)\s*$", submitters[1]) if submitters else []
        if found:
            names[block.partition(":")[0]] = clean(", ".join(name.strip("'\"") for name in found))
    return names
