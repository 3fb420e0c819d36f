"""What `common.py` imports and the reader of a task script need not see: start-up, data, command line, run, figures."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # of the project
