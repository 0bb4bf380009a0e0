"""`python -m stockctl` runs the same program as the `stockctl` script."""

from stockctl.cli.main import main

main()
