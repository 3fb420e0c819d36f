"""The grader: what a class gets and hands in, how its scripts are run and checked, and what is written about them."""

import measuring.runs  # noqa: F401  (first: it finds the project, and says in one line if a package is missing)
