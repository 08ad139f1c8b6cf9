"""Signed values: what the server gives away and believes again when it comes back.

Owns the key, and that a value signed for one purpose is good for no other. Does not know what the values mean.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from speechagents.errors import ServeError
from speechagents.production.storage import storage_errors

_LEAST_KEY_BYTES = 32
_LONGEST_TOKEN = 2_000


class Purpose(Enum):
    """What a signed value is for, and how many seconds it is good for."""

    VISITOR = ("visitor", 400 * 86_400.0)
    LOGIN = ("login", 7 * 86_400.0)
    LIVE = ("live", 600.0)
    LINK = ("link", 12 * 3_600.0)
    CARRIED = ("carried link", 12 * 3_600.0)

    def __init__(self, salt: str, good_for_s: float) -> None:
        self.salt = salt
        self.good_for_s = good_for_s


class Signer:
    """Signs values and checks them.

    Args:
        key: The secret.
        now: The clock, in epoch seconds.
    """

    def __init__(self, key: bytes, *, now: Callable[[], float] = time.time) -> None:
        if len(key) < _LEAST_KEY_BYTES:
            raise ServeError(
                f"the secret has {len(key)} bytes, fewer than {_LEAST_KEY_BYTES}; unset SPEECHAGENTS_SECRET to have "
                "one made, or set it to the output of: openssl rand -hex 32"
            )
        self._key = key
        self._now = now

        class Timed(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(now())

        self._serializers = {
            purpose: URLSafeTimedSerializer(
                key,
                salt=f"speechagents {purpose.salt}",
                signer=Timed,
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
            for purpose in Purpose
        }

    def sign(self, purpose: Purpose, *parts: str) -> str:
        """A token that holds some texts, readable by everybody, forgeable by nobody."""
        return self._serializers[purpose].dumps(list(parts))

    def read(self, purpose: Purpose, token: str) -> tuple[str, ...] | None:
        """The texts in a token; None if it was forged, damaged, made for something else or is too old."""
        if len(token) > _LONGEST_TOKEN:
            return None
        try:
            parts = self._serializers[purpose].loads(token, max_age=int(purpose.good_for_s))
        except BadData:
            return None
        return tuple(parts)

    def expires_at(self, purpose: Purpose) -> float:
        """When a token signed now stops being good, in epoch seconds."""
        return self._now() + purpose.good_for_s

    def digest(self, text: str) -> str:
        """64 hexadecimal digits that stand for a text and can be told by nobody who lacks the key."""
        return hmac.new(self._key, f"speechagents digest {text}".encode(), hashlib.sha256).hexdigest()


def secret_key(environment: Mapping[str, str], data: Path) -> bytes:
    """The server's secret: from ``SPEECHAGENTS_SECRET``, else from a file of its own that is made once.

    Raises:
        ServeError: The file was cut short.
        StorageError: It cannot be read or written.
    """
    given = environment.get("SPEECHAGENTS_SECRET")
    if given:
        return given.encode("utf-8")
    path = data / "secret.key"
    with storage_errors(path):
        data.mkdir(parents=True, exist_ok=True)
        try:
            # Not world-readable for an instant, and never two keys when two servers start at once.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_hex(32).encode("ascii"))
        key = path.read_bytes().strip()
    if len(key) < _LEAST_KEY_BYTES:
        raise ServeError(f"{path}: is no secret; delete it to have a new one made (visitors then lose their cookies)")
    return key
