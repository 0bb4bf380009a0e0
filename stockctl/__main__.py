"""Lets `python -m stockctl` do what the console script does."""

from stockctl.cli.main import main

main()
