"""A zip archive from a stranger, read in bounded time and memory; nothing of it is ever written to disk.

Owns the limits and what is refused: bombs, names that climb out of the archive, encryption, damage. Does not know
what is inside.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import Final
from urllib.parse import unquote

from speechagents.errors import ScriptError

MAX_ENTRIES: Final = 20_000
MAX_ENTRY_BYTES: Final = 64 * 1024**2
"""Largest entry that is read, unpacked."""
MAX_TOTAL_BYTES: Final = 512 * 1024**2
"""Most that is unpacked altogether."""
MAX_RATIO: Final = 250
"""Most that an entry of some size may grow; text grows three- to tenfold, a page of mere spaces a hundredfold."""
_SMALL_BYTES: Final = 1024**2
_CHUNK: Final = 256 * 1024
_ENCRYPTED: Final = 0x1
_KNOWN_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Archive:
    """An open archive; a context manager.

    Args:
        path: Where it lies.
        kind: What it is, for messages: ``EPUB``.

    Raises:
        ScriptError: It is no whole zip archive, holds too much, or a name in it is hostile.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self._source, self._kind, self._unpacked = path.name, kind, 0
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            reason = f"a broken {kind} ({error}); download or export it again"
            raise ScriptError(reason, source=self._source) from None
        try:
            self._entries = self._checked()
        except ScriptError:
            self._zip.close()
            raise
        self._folded = {name.casefold(): name for name in self._entries}

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def find(self, name: str) -> str | None:
        """The entry of a name as links write it: escaped or not, in the wrong case, with dots; None without one."""
        for candidate in (name, unquote(name)):
            plain = posixpath.normpath(candidate.replace("\\", "/")).lstrip("/")
            if plain in self._entries:
                return plain
            if plain.casefold() in self._folded:
                return self._folded[plain.casefold()]
        return None

    def read(self, name: str) -> bytes:
        """Bytes of an entry.

        Raises:
            ScriptError: There is none, it is damaged or encrypted, or it holds more than the limits.
        """
        found = self.find(name)
        if found is None:
            raise ScriptError(f"a broken {self._kind}: {_shown(name)} is missing; export it again", source=self._source)
        info = self._entries[found]
        if info.flag_bits & _ENCRYPTED:
            reason = f"{_shown(found)} is encrypted with a password; unpack and pack it again without one"
            raise ScriptError(reason, source=self._source)
        if info.compress_type not in _KNOWN_METHODS:
            reason = f"{_shown(found)} is packed by a method that books do not use; pack it again"
            raise ScriptError(reason, source=self._source)
        try:
            return self._read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
            reason = f"{_shown(found)} in it is damaged ({error}); download or export it again"
            raise ScriptError(reason, source=self._source) from None

    def _read(self, info: zipfile.ZipInfo) -> bytes:
        pieces, size = [], 0
        with self._zip.open(info) as entry:
            # What the directory says about sizes is the stranger's word; what comes out is counted.
            while chunk := entry.read(_CHUNK):
                pieces.append(chunk)
                size += len(chunk)
                self._unpacked += len(chunk)
                bomb = size > _SMALL_BYTES and size > MAX_RATIO * max(1, info.compress_size)
                if bomb or size > MAX_ENTRY_BYTES or self._unpacked > MAX_TOTAL_BYTES:
                    reason = f"{_shown(info.filename)} in it unpacks to more than any book needs (over "
                    reason += f"{size / 1e6:.0f} MB from {info.compress_size / 1e6:.1f} MB); it is refused"
                    raise ScriptError(reason, source=self._source)
        return b"".join(pieces)

    def _checked(self) -> dict[str, zipfile.ZipInfo]:
        infos = self._zip.infolist()
        if len(infos) > MAX_ENTRIES:
            reason = f"{len(infos)} files in one {self._kind} (at most {MAX_ENTRIES}); it is refused"
            raise ScriptError(reason, source=self._source)
        entries: dict[str, zipfile.ZipInfo] = {}
        for info in infos:
            name = info.filename
            parts = name.replace("\\", "/").split("/")
            if ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or "\0" in info.orig_filename:
                reason = f"a file in it is called {_shown(name)}, which leads out of the archive; it is refused"
                raise ScriptError(reason, source=self._source)
            if name in entries:
                reason = (
                    f"two files in it are called {_shown(name)}, and which one counts cannot be told; export it again"
                )
                raise ScriptError(reason, source=self._source)
            if not info.is_dir():
                entries[name] = info
        return entries


def _shown(name: str) -> str:
    """A name fit for a message."""
    plain = "".join(char if char.isprintable() else "?" for char in name)
    return f"“{plain[:80]}”"
