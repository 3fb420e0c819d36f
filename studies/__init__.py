"""The other assignments, carried out: each study runs as `python -m studies.NAME` (see README.md here)."""

from importlib.util import find_spec

from support.command_line import fail

if missing := [name for name in ("scipy", "sklearn", "tabulate", "tqdm") if not find_spec(name)]:
    fail(f"a study needs more packages ({', '.join(missing)}): pip install -r studies/requirements.txt")
