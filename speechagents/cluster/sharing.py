"""Whether a worker sees a folder of the driver's: what lies on a disk that both have need not be sent.

Owns the proof: a file with a secret that the driver lays into the folder and the worker reads. A path alone proves
nothing, as another machine may have another folder of the same name. Does not know what is done in the folder.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from speechagents.production.storage import write_atomically

_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class SharedFolder:
    """A folder, and what tells it from any other.

    Attributes:
        folder: Absolute, as the driver calls it.
        proof: File in it or below.
        secret: What that file holds.
    """

    folder: Path
    proof: Path
    secret: str

    @classmethod
    @contextmanager
    def of(cls, folder: Path, *, proof_in: Path | None = None) -> Iterator[Self]:
        """A folder that exists, for as long as the block lasts.

        Args:
            folder: The folder.
            proof_in: Where in it the proof is laid; None for the folder itself.

        Raises:
            StorageError: It cannot be written.
        """
        folder = folder.absolute()
        proof = (proof_in.absolute() if proof_in else folder) / f".shared-{secrets.token_hex(4)}"
        shared = cls(folder, proof, secrets.token_hex(_BYTES))
        write_atomically(proof, shared.secret.encode())
        try:
            yield shared
        finally:
            with suppress(OSError):
                proof.unlink()

    @property
    def is_seen(self) -> bool:
        """Whether this process sees the very folder that the driver means."""
        try:
            with self.proof.open("rb") as file:
                return file.read(4 * _BYTES) == self.secret.encode()
        except OSError:
            return False
