"""The command line: `penguinmails`, or `python -m api.cli`."""
