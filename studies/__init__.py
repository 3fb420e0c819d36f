"""The other assignments, carried out: each study runs as `python -m studies.NAME` (see README.md here).

Keras chooses its home folder when it is imported, writes its settings there, and downloads a data set again if it
cannot write there. So each process that imports this package, before Keras, has a temporary home for Keras, and
`datasets` links to it what the user keeps in KERAS_HOME. Ends the process in one line if a package is missing.
"""

import atexit
import os
import tempfile
from importlib.util import find_spec

from support.command_line import fail

if missing := [name for name in ("scipy", "sklearn", "tabulate", "tqdm") if not find_spec(name)]:
    fail(f"a study needs more packages ({', '.join(missing)}): pip install -r studies/requirements.txt")

KERAS_HOME = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # the user's
_home = tempfile.TemporaryDirectory(prefix="keras-")
atexit.register(_home.cleanup)
os.environ["KERAS_HOME"] = TEMPORARY_HOME = _home.name
