"""Who is here: one browser, or one person with a name and a password.

Owns the identity of visitors. Does not know how they prove it (`wall`, `login`) or what is theirs (`workspace`).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from speechagents.serving.tokens import Signer

_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor.

    Attributes:
        id: 32 hexadecimal digits: random for a browser, derived from the name for somebody who has logged in.
        name: The name of somebody who has logged in, else empty.
    """

    id: str
    name: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is no visitor's id")

    @property
    def known(self) -> bool:
        """They have logged in, so they will come back."""
        return bool(self.name)

    @classmethod
    def stranger(cls) -> Visitor:
        """Somebody who was never here before."""
        return cls(secrets.token_hex(16))

    @classmethod
    def named(cls, name: str, signer: Signer) -> Visitor:
        """Somebody who has logged in: the same for the same name, and nothing that others could guess."""
        return cls(signer.digest(f"visitor {name}")[:32], name)
