"""A folder in an object store, or on any other file system that `fsspec` reaches: its names, their bytes, and trouble.

Owns the few operations that a mirror needs, how often each is tried, and what is told of trouble: never a password.
Does not know what lies in the folder (`mirror_files`) or who works in it (`store_lock`). fsspec, and the package of a
protocol, are imported when a store is opened.

Where a store shows a file only when all of it is there, as object stores do, files are written under their names. On
all others they are written under a temporary one and renamed, so that a reader sees all of a file or nothing.
"""

from __future__ import annotations

import contextlib
import errno
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from speechagents.cluster.store_address import HERE, OBJECT_STORES, Address
from speechagents.errors import BackendMissing, ProductionError, SettingsError, StorageError
from speechagents.production.storage import PARTIAL_SUFFIX

MAX_ENTRIES: Final = 1_000_000
"""Most names that one folder may hold."""

_AT_ONCE: Final = 8
_PACKAGES: Final = {"smbclient": "smbprotocol", "webdav4": "webdav4[fsspec]", "gdrive_fsspec": "gdrive-fsspec"}
_HOPELESS: Final = (
    FileNotFoundError,
    PermissionError,
    IsADirectoryError,
    NotADirectoryError,
    NotImplementedError,
    TypeError,
    ValueError,
)
"""What another try does not mend."""

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_LEFTOVER: Final = re.compile(rf"\.[A-Za-z0-9].*\.[0-9a-f]{{8}}{re.escape(PARTIAL_SUFFIX)}")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often something is tried.

    Attributes:
        tries: In all.
        first_wait_s: Before the second; each wait is twice as long as the one before.
    """

    tries: int = 6
    first_wait_s: float = 0.5

    def __post_init__(self) -> None:
        if not (1 <= self.tries <= 20 and 0.0 <= self.first_wait_s <= 60.0):
            raise SettingsError(f"{self.tries} tries, the second after {self.first_wait_s} s, are too few or too many")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a folder holds under a name.

    Attributes:
        name: Without the folder.
        size: In bytes; -1 where the store does not tell.
        is_folder: Whether it holds further names.
    """

    name: str
    size: int
    is_folder: bool


class Store:
    """A folder in a store. Names are relative to it, with ``/`` between their parts.

    Safe to use from `at_once` threads.

    Args:
        connect: Gives a file system of fsspec that nobody else uses, and the folder as that file system names it.
        address: The folder, as it was asked for.
        patience: How often something is tried.
    """

    def __init__(self, connect: Callable[[], tuple[Any, str]], address: Address, *, patience: Patience) -> None:
        self._connect = connect
        self._files, root = connect()
        self._root = root.rstrip("/")
        self._address = address
        self._patience = patience
        self._whole = address.protocol in OBJECT_STORES
        self._made: set[str] = set()
        # Others have one connection, whose answers two threads would mix up.
        self.at_once = _AT_ONCE if getattr(self._files, "async_impl", False) or address.protocol in HERE else 1

    @property
    def shown(self) -> str:
        """Its address for people."""
        return self._address.shown

    @property
    def place(self) -> str:
        """What makes it another folder than all others, whoever asks."""
        return f"{self._address.shown} {self._root}"

    def entries(self, folder: str = "") -> list[Entry]:
        """What a folder holds; nothing if there is none.

        Raises:
            ProductionError: It is a file, or holds too much.
            StorageError: The store cannot be reached.
        """
        path = self._path(folder)

        def listed() -> list[Any]:
            self._files.invalidate_cache()
            try:
                return list(self._files.ls(path, detail=True))
            except FileNotFoundError:
                return []
            finally:
                # A listing of many takes would be kept for as long as the work goes on.
                self._files.invalidate_cache()

        found = self._tried(listed, folder)
        if len(found) > MAX_ENTRIES:
            raise ProductionError(f"{_shown(self._address, folder)}: holds more than {MAX_ENTRIES:,} names")
        entries = []
        for info in found:
            full = str(info["name"]).rstrip("/")
            # Only the last part counts: no name that a store tells leads out of the folder that was listed.
            name = re.split(r"[/\\]", full)[-1]
            is_folder = info.get("type") == "directory"
            if full.strip("/") == path.strip("/"):
                if is_folder or str(info["name"]).endswith("/") or not info.get("size"):
                    continue  # what some stores keep in the place of a folder
                raise ProductionError(f"{_shown(self._address, folder)}: is a file; name a folder for --out")
            if is_folder or info.get("type") == "file":
                size = info.get("size")
                entries.append(Entry(name, size if isinstance(size, int) else -1, is_folder))
        return entries

    def read(self, name: str, *, most: int) -> bytes | None:
        """A small file; None if there is none.

        Args:
            name: Of the file.
            most: Bytes; a larger one is read as if it were empty.

        Raises:
            StorageError: The store cannot be reached.
        """

        def read() -> bytes | None:
            self._files.invalidate_cache()
            try:
                if int(self._files.info(self._path(name)).get("size") or 0) > most:
                    return b""
                data = bytes(self._files.cat_file(self._path(name)))
            except FileNotFoundError:
                return None
            return data if len(data) <= most else b""

        return self._tried(read, name)

    def write(self, name: str, data: bytes) -> None:
        """Write a small file.

        Raises:
            StorageError: The store cannot be reached, or does not permit it.
        """
        self._published(name, lambda path: self._files.pipe_file(path, data))

    def create(self, name: str, data: bytes) -> bool:
        """Write a small file that is not there yet; false if it is.

        Not all stores can rule out that another writer does the same at the same time.

        Raises:
            StorageError: The store cannot be reached, or does not permit it.
        """

        def create() -> bool:
            self._make_folder(name)
            if self._files.exists(self._path(name)):
                return False
            try:
                self._files.pipe_file(self._path(name), data, mode="create")
            except FileExistsError:
                return False
            except (TypeError, ValueError, NotImplementedError):
                # Older file systems, and servers, do not know how.
                self._files.pipe_file(self._path(name), data)
            return True

        return self._tried(create, name)

    def fetch(self, name: str, path: Path, *, size: int) -> None:
        """Copy a file to this machine.

        Args:
            name: Of the file.
            path: Where to; what is there is replaced, and may be left half-written.
            size: Bytes that must come; -1 takes what comes.

        Raises:
            StorageError: The store cannot be reached, or gives something else.
        """

        def fetch() -> None:
            path.unlink(missing_ok=True)
            self._files.get_file(self._path(name), str(path))
            came = path.stat().st_size
            if size not in (-1, came):
                raise OSError(f"{came} bytes came of {size}")

        self._tried(fetch, name)

    def send(self, name: str, path: Path) -> None:
        """Copy a file from this machine; what was there is replaced.

        Raises:
            StorageError: The store cannot be reached, or does not permit it.
        """
        self._published(name, lambda target: self._files.put_file(str(path), target))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            StorageError: The store cannot be reached, or does not permit it.
        """

        def remove() -> None:
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return
            except Exception:
                # Some say in a way of their own that there is none.
                self._files.invalidate_cache()
                if self._files.exists(self._path(name)):
                    raise

        self._tried(remove, name)

    def _published(self, name: str, write: Callable[[str], object]) -> None:
        """Have a file written so that it is there when it is complete."""

        def publish() -> None:
            if self._whole:
                write(self._path(name))
                return
            self._make_folder(name)
            folder, _, last = name.rpartition("/")
            temporary = self._path(f"{folder}/.{last}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}".lstrip("/"))
            try:
                write(temporary)
                self._rename(temporary, self._path(name))
            except BaseException:
                with contextlib.suppress(Exception):
                    self._files.rm_file(temporary)
                raise

        self._tried(publish, name)

    def _rename(self, source: str, target: str) -> None:
        try:
            self._files.mv(source, target)
        except OSError as error:
            if error.errno != errno.EEXIST:
                raise
            # Some, such as Windows shares, do not rename onto what is there.
            self._files.rm_file(target)
            self._files.mv(source, target)

    def _make_folder(self, name: str) -> None:
        """Make the folder of a file, where folders are made: to object stores they are nothing but names."""
        folder = self._path(name).rpartition("/")[0]
        if not self._whole and folder not in self._made:
            self._files.makedirs(folder, exist_ok=True)
            self._made.add(folder)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _tried(self, work: Callable[[], _Result], name: str) -> _Result:
        tries = 0

        def tried() -> _Result:
            nonlocal tries
            tries += 1
            if tries > 1 and self.at_once == 1:
                # The one connection may have broken, or was closed as nothing had been sent for a while.
                self._files, _ = self._connect()
            return work()

        return _tried(tried, self._patience, self._address, name)


def is_leftover(name: str) -> bool:
    """Whether a file of that name, without its folder, is what a killed writer left."""
    return _LEFTOVER.fullmatch(name) is not None


def open_store(address: Address, *, patience: Patience | None = None) -> Store:
    """A folder in a store, with connections of its own.

    Args:
        address: See `parse_address`.
        patience: How often something is tried; None is the usual.

    Raises:
        BackendMissing: fsspec, or the package for the protocol, is not installed.
        SettingsError: Nobody knows the protocol.
        StorageError: The store cannot be reached.
    """
    asked = patience or Patience()
    try:
        import fsspec
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise BackendMissing(
            f'{address.shown}: fsspec is not installed: python -m pip install "speechagents[cluster]"'
        ) from error
    try:
        fsspec.get_filesystem_class(address.protocol)
    except ImportError as error:
        module = (getattr(error.__cause__, "name", None) or address.protocol).partition(".")[0]
        package = _PACKAGES.get(module, module)
        raise BackendMissing(
            f"{address.shown}: the package for {address.protocol}:// is not installed: python -m pip install {package}"
        ) from error
    except ValueError:
        raise SettingsError(
            f"{address.shown}: no store is known as {address.protocol}://; s3://, gs://, az://, sftp://, ftp://, "
            "smb://, webdav:// and whatever else fsspec knows can be named"
        ) from None

    def connect() -> tuple[Any, str]:
        files, root = url_to_fs(address.url, skip_instance_cache=True)
        return files, str(root)

    return _tried(lambda: Store(connect, address, patience=asked), asked, address, "")


def _tried(work: Callable[[], _Result], patience: Patience, address: Address, name: str) -> _Result:
    """Do it, and again where that may help."""
    wait_s = patience.first_wait_s
    for left in reversed(range(patience.tries)):
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the package of each protocol has errors of its own
            if not left or isinstance(error, _HOPELESS) or getattr(error, "errno", None) in _FULL:
                trouble = StorageError(f"{_shown(address, name)}: {_trouble(error, address)}")
                raise trouble from (None if address.hidden else error)
        time.sleep(wait_s)
        wait_s *= 2
    raise AssertionError("every try ends in one way or the other")


def _shown(address: Address, name: str) -> str:
    return f"{address.shown}/{name}" if name else address.shown


def _trouble(error: Exception, address: Address) -> str:
    """What an error says, in one line and without what is never told."""
    text = " ".join(str(error).split())
    for hidden in address.hidden:
        text = text.replace(hidden, "…")
    if isinstance(error, FileNotFoundError):
        what = "there is no such bucket, folder or file"
    elif isinstance(error, PermissionError):
        what = "is not permitted"
    elif getattr(error, "errno", None) in _FULL:
        what = "the disk is full or read-only"
    else:
        what = "the store cannot be reached or used"
    return f"{what} ({type(error).__name__}{f': {text[:300]}' if text else ''})"
