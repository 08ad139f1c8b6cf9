"""Where the shipped data lies: ``models/`` and ``assets/``.

In a checkout they stand beside the package; a wheel carries them in ``speechagents/_data``. Owns that one
decision; knows nothing of what the files hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_PACKAGE = Path(__file__).resolve().parent


def resource(kind: Literal["models", "assets"], *parts: str) -> Path:
    """Path of a shipped file or folder.

    Raises:
        FileNotFoundError: It was not shipped: the installation is damaged.
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        path = root.joinpath(kind, *parts)
        if path.exists():
            return path
    raise FileNotFoundError(f"{kind}/{'/'.join(parts)} is missing from the installation; reinstall speechagents")
