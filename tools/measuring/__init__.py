"""What the programs that measure share: runs, folds, statistics, tables."""

import project  # noqa: F401  (first: it puts the project on the path of modules)
