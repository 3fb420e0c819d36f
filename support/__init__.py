"""What `common.py` imports and the reader of a task script need not see: start-up, command line, progress, figures."""
