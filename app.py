"""The web app: ``python app.py``, also what a Hugging Face Space runs."""

from __future__ import annotations

import sys

from speechagents.cli import main

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))
