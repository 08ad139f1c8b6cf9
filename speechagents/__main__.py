"""``python -m speechagents``: the command line."""

import sys

from speechagents.cli import main

if __name__ == "__main__":
    sys.exit(main())
