"""``python -m kadanoff``: the command line, see :mod:`kadanoff.cli`."""

import sys

from kadanoff.cli import main

if __name__ == "__main__":
    sys.exit(main())
