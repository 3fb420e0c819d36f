"""The other assignments, carried out: each study runs as `python -m studies.NAME` (see README.md here).

Ends the process in one line if a package is missing.
"""

import os
from importlib.util import find_spec

from support.command_line import fail

if missing := [name for name in ("scipy", "sklearn", "tabulate", "tqdm") if not find_spec(name)]:
    fail(f"a study needs more packages ({', '.join(missing)}): pip install -r studies/requirements.txt")

# Where the user's Keras keeps its data sets. Here Keras has no home: it would write its settings there.
KERAS_HOME = os.environ.pop("KERAS_HOME", None) or os.path.expanduser("~/.keras")
