"""Names and passwords of those who may come in: a file with a line for each.

Owns that file and the check of passwords. Does not know pages, cookies or visitors.

A line is ``name:scrypt$N$r$p$salt$hash``, salt and hash in base64. The file is read again when it changes, so that
people can be let in and shut out while the server runs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from speechagents.errors import ServeError, SettingsError
from speechagents.production.storage import storage_errors, temporary_beside

MAX_PASSWORD = 1_024
LEAST_PASSWORD = 8
_NAME = re.compile(r"[^\s:\x00-\x1f\x7f]{1,64}")
_N, _R, _P = 2**14, 8, 1
_MOST_N = 2**17
_MAX_FILE_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class _Secret:
    n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    def fits(self, password: str) -> bool:
        return hmac.compare_digest(_derive(password, self.salt, self.n, self.r, self.p), self.key)


# What an unknown name is checked against, so that the answer takes as long as for a known one.
_NOBODY = _Secret(_N, _R, _P, secrets.token_bytes(16), secrets.token_bytes(32))


class Accounts:
    """Who may come in. May be used from several threads.

    Args:
        path: The file.

    Raises:
        ServeError: It is missing, damaged or holds nobody.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = threading.Lock()
        self._as_read = _stamp(path)
        self._secrets = _read(path)

    def admits(self, name: str, password: str) -> bool:
        """Whether somebody may come in. It takes as long for a wrong name as for a wrong password."""
        secret = self._current().get(name)
        fits = (secret or _NOBODY).fits(password[:MAX_PASSWORD])
        return fits and secret is not None and len(password) <= MAX_PASSWORD

    def names(self) -> tuple[str, ...]:
        """Everybody who may come in."""
        return tuple(self._current())

    def mark(self, name: str) -> str | None:
        """What changes with somebody's password, for tokens that must not outlive it; None for nobody."""
        secret = self._current().get(name)
        return hashlib.sha256(secret.key).hexdigest()[:16] if secret is not None else None

    def _current(self) -> dict[str, _Secret]:
        with self._reading:
            stamp = _stamp(self._path)
            if stamp != self._as_read and stamp is not None:
                self._as_read = stamp
                try:
                    self._secrets = _read(self._path)
                except ServeError:
                    self._secrets = {}  # a file that cannot be read lets nobody in
            return self._secrets


def add_account(path: Path, name: str, password: str) -> None:
    """Let somebody in, or give them another password.

    Raises:
        SettingsError: The name or the password cannot be used.
        ServeError: The file is damaged.
        StorageError: It cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(f"{name!r} cannot be a name: 1 to 64 characters, no blanks and no colons")
    if not LEAST_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise SettingsError(
            f"a password needs {LEAST_PASSWORD} to {MAX_PASSWORD} characters; this one has {len(password)}"
        )
    known = _read(path) if path.exists() and path.stat().st_size else {}
    salt = secrets.token_bytes(16)
    known[name] = _Secret(_N, _R, _P, salt, _derive(password, salt, _N, _R, _P))
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(path)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(_line(one, secret) for one, secret in known.items())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def _derive(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=n, r=r, p=p, maxmem=2**28, dklen=32)


def _line(name: str, secret: _Secret) -> str:
    salt, key = (base64.b64encode(value).decode("ascii") for value in (secret.salt, secret.key))
    return f"{name}:scrypt${secret.n}${secret.r}${secret.p}${salt}${key}\n"


def _read(path: Path) -> dict[str, _Secret]:
    remedy = "make it with: speechagents serve --auth-file FILE --add-user NAME"
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ServeError(f"{path}: too large for a file of names and passwords; {remedy}")
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ServeError(f"{path}: cannot be read ({error}); {remedy}") from error
    known: dict[str, _Secret] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.strip().partition(":")
        try:
            kind, n, r, p, salt, key = rest.split("$")
            secret = _Secret(
                int(n), int(r), int(p), base64.b64decode(salt, validate=True), base64.b64decode(key, validate=True)
            )
            fits = kind == "scrypt" and 2**10 <= secret.n <= _MOST_N and secret.n.bit_count() == 1
            if not fits or (secret.r, secret.p) != (_R, _P) or len(secret.salt) < 8 or len(secret.key) != 32:
                raise ValueError(kind)
        except ValueError:
            raise ServeError(f"{path}:{number}: is no line of a login file; {remedy}") from None
        if not _NAME.fullmatch(name) or name in known:
            raise ServeError(f"{path}:{number}: {name!r} cannot be a name, or stands there twice; {remedy}")
        known[name] = secret
    if not known:
        raise ServeError(f"{path}: holds nobody; {remedy}")
    return known


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
