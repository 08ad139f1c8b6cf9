"""Where a store's folder is: an address such as ``s3://bucket/plays/mine``.

Owns what is an address, which ones a production can be kept at, and how one is shown: without its password. Does not
reach any store (`stores`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from speechagents.errors import SettingsError

OBJECT_STORES: Final = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "ocilake", "tos", "tosfs"}
)
"""Protocols of stores without folders, where a file is there when all of it is."""

HERE: Final = frozenset({"file", "local", "memory"})
"""Protocols without a host: what stands in its place is the first part of the path."""

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
_AS_PATH: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
"""What a `Path` makes of an address: one slash of two."""
_EXAMPLE: Final = "s3://bucket/plays/mine"
_MAX_ADDRESS: Final = 1_000
_READ_ONLY: Final = frozenset({"http", "https", "data", "github", "git", "gist"})
_NO_STORES: Final = frozenset(
    {"async_wrapper", "asyncwrapper", "blockcache", "cached", "dask", "dir", "filecache", "generic", "hf"}
    | {"libarchive", "pyscript", "reference", "simplecache", "tar", "zip"}
)
"""What fsspec has protocols for that lead to another store or into one file, or where each file would be a commit."""


def is_store(out: str | Path) -> bool:
    """Whether that is an address (``s3://…``) and not a path.

    Raises:
        SettingsError: It lacks a slash, or was an address before somebody made a `Path` of it.
    """
    text = out if isinstance(out, str) else out.as_posix()
    if match := _AS_PATH.match(text):
        if isinstance(out, str) and _ADDRESS.match(out):
            return True
        raise SettingsError(
            f"{match[1]}:/… is no address: {match[1]}://… is one in a store, as a string and not as a Path, which has "
            "lost a slash; a folder of this machine that is called so goes by its absolute path"
        )
    return False


def folder_here(out: str | Path, *, instead: str) -> Path:
    """A folder of this machine, for work that no store will do for.

    Args:
        out: A path.
        instead: What to do where it is an address in a store.

    Raises:
        SettingsError: It is one.
    """
    path = Path(out)
    if match := _AS_PATH.match(path.as_posix()):
        raise SettingsError(f"{match[1]}://… is an address in a store, not a folder of this machine; {instead}")
    return path


@dataclass(frozen=True, slots=True)
class Address:
    """Where a folder is.

    Attributes:
        url: As fsspec takes it; may hold a password.
        protocol: What stands before ``://``.
        shown: For people: without the password.
        hidden: What is never told.
    """

    url: str = field(repr=False)
    protocol: str
    shown: str
    hidden: tuple[str, ...] = field(default=(), repr=False)


def parse_address(out: str) -> Address:
    """Take an address apart; nothing is looked for.

    Raises:
        SettingsError: It is none, or one that a production cannot be kept at.
    """
    match = _ADDRESS.fullmatch(out.rstrip("/"))
    if match is None or len(out) > _MAX_ADDRESS:
        raise SettingsError(f"that is no address of a folder in a store, such as {_EXAMPLE}")
    protocol, rest = match[1].lower(), match[2]
    place, _, path = rest.partition("/")
    who, _, host = place.rpartition("@")
    if not who and "@" in path and re.search(r":(?!\d*$)", place):
        # A password with a slash in it would be taken for a part of the path, and shown.
        raise SettingsError(f"the address {protocol}://… has a password with a slash in it: write it as %2F")
    name, _, password = who.partition(":")
    shown = f"{protocol}://{f'{name}@' if name else ''}{host}{f'/{path}' if path else ''}"
    if protocol in _READ_ONLY:
        raise SettingsError(
            f"{shown}: a production cannot be kept there, as {protocol}:// can only be read; name a folder in a store, "
            f"such as {_EXAMPLE}, or on a disk"
        )
    if protocol in _NO_STORES or "::" in rest:
        raise SettingsError(f"{shown}: is no store that productions are kept in; name one, such as {_EXAMPLE}")
    if not (name + host + path).isprintable() or any(mark in host + path for mark in "?*[]#\\"):
        raise SettingsError(f"{shown}: has one of ? * [ ] # \\ in it, which stores take for something else")
    if protocol in OBJECT_STORES and not (host and path):
        raise SettingsError(f"{shown}: is a whole bucket; name a folder in it, such as {_EXAMPLE}")
    parts = (path or (host if protocol in HERE else "")).split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise SettingsError(f"{shown}: names no folder; name one, such as {_EXAMPLE}")
    if protocol in OBJECT_STORES and password:
        raise SettingsError(
            f"{shown}: an address of a bucket holds no credentials; set them as the package for {protocol}:// takes "
            "them: in the environment, its own settings, or those of fsspec"
        )
    hidden = tuple(dict.fromkeys(one for one in (password, unquote(password)) if one))
    return Address(f"{protocol}://{rest}", protocol, shown, hidden)
