"""What makes a data file: sources of digits, which of them are taken, the file, and a figure of them."""

import measuring.runs  # noqa: F401  (first: it finds the project, and says in one line if a package is missing)
