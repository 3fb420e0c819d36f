"""The other assignments, carried out: each study runs as `python -m studies.NAME` (see README.md here)."""
