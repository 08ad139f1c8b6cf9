"""What visitors keep here: a shelf of productions for each, and how much it may hold.

Owns the folders, their names and the limits. Does not know how productions are made, or who asks for a shelf.

::

    ROOT/strangers/<visitor>/<id>/card.json     title and kind, as the visitor sees them
    ROOT/strangers/<visitor>/<id>/production/   the production itself, as `production.folder` describes it
    ROOT/strangers/<visitor>/<id>/inputs/       covers and cast files that belong to it
    ROOT/strangers/<visitor>/voices/            their own voices
    ROOT/known/<visitor>/…                      the same of those who log in; nobody cleans it away

No part of a path comes from anything that a visitor wrote: ids are ours, and they are checked before they are used.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from speechagents.drama import clean_name
from speechagents.errors import NoSuchProduction, ProductionBusy, QuotaError
from speechagents.production.storage import PARTIAL_SUFFIX, storage_errors
from speechagents.serving.cards import (
    Kind,
    ProductionCard,
    kind_of,
    may_leave,
    modified_at,
    read_about,
    read_card,
    size_bytes,
    write_about,
)
from speechagents.serving.settings import Allowance
from speechagents.serving.visitors import Visitor

_ID = re.compile(r"[0-9a-f]{16}")

_LEAST_ROOM_BYTES = 1_000_000
_COUNT_AGAIN_S = 60.0


class Workspace:
    """All shelves.

    Args:
        root: Made if it does not exist.
        allowance: How much may be kept.
        now: The clock, in epoch seconds.
    """

    def __init__(self, root: Path, allowance: Allowance, *, now: Callable[[], float] = time.time) -> None:
        self.root = root
        self.allowance = allowance
        self._now = now
        self._changing = threading.Lock()
        self._used = (float("-inf"), 0)
        with storage_errors(root):
            (root / "strangers").mkdir(parents=True, exist_ok=True)
            (root / "known").mkdir(exist_ok=True)

    def shelf(self, visitor: Visitor) -> Shelf:
        """The shelf of a visitor; nothing is written until something is put on it."""
        return Shelf(self, visitor)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One change at a time, so that limits hold when requests come together."""
        with self._changing:
            yield

    def check_room(self) -> None:
        """Refuse more when all visitors together hold as much as they may.

        Raises:
            QuotaError: They do.
        """
        counted_at, used = self._used
        if self._now() - counted_at > _COUNT_AGAIN_S:
            used = size_bytes(self.root)
            self._used = (self._now(), used)
        if used + _LEAST_ROOM_BYTES > self.allowance.total_bytes:
            raise QuotaError("the server is full; try again later, or ask its owner for more room")

    def sweep(self) -> int:
        """Delete what strangers left longer ago than is kept, and what was being deleted when the server stopped.

        Returns:
            How many productions were deleted.
        """
        gone = 0
        kept_from = self._now() - self.allowance.keep_days * 86_400
        for home in ("strangers", "known"):
            for visitor in _folders(self.root / home):
                for slot in _folders(visitor):
                    if slot.name.startswith("."):
                        shutil.rmtree(slot, ignore_errors=True)
                    elif home == "strangers" and modified_at(slot) < kept_from:
                        with self.changing():
                            gone += _remove(slot)
                with self.changing():
                    _remove_if_empty(visitor)
        return gone


class Shelf:
    """The productions of one visitor; there is no way from here to those of another.

    Args:
        workspace: Where all shelves are.
        visitor: Whose it is.
    """

    def __init__(self, workspace: Workspace, visitor: Visitor) -> None:
        self.visitor = visitor
        self._workspace = workspace
        self._root = workspace.root / ("known" if visitor.known else "strangers") / visitor.id

    def cards(self) -> tuple[ProductionCard, ...]:
        """All productions, the latest first."""
        cards = [read_card(slot) for slot in _folders(self._root) if _ID.fullmatch(slot.name)]
        return tuple(sorted(cards, key=lambda card: (-card.modified, card.id)))

    def card(self, id: str) -> ProductionCard:  # noqa: A002 - what everything here calls it
        """One production.

        Raises:
            NoSuchProduction: There is none of that id here.
        """
        return read_card(self._slot(id))

    def folder(self, id: str) -> Path:  # noqa: A002 - what everything here calls it
        """The production folder; it may not exist before the first run.

        Raises:
            NoSuchProduction: There is none of that id here.
        """
        return self._slot(id) / "production"

    def inputs(self, id: str) -> Path:  # noqa: A002 - what everything here calls it
        """A folder beside the production for what belongs to it: covers, cast files. It exists.

        Raises:
            NoSuchProduction: There is none of that id here.
        """
        folder = self._slot(id) / "inputs"
        with storage_errors(folder):
            folder.mkdir(exist_ok=True)
        return folder

    def voices(self) -> Path:
        """A folder for the visitor's own voices, outside all productions. It exists."""
        folder = self._root / "voices"
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        return folder

    def create(self, title: str, kind: Kind | str = Kind.PERFORM) -> str:
        """Make room for a production.

        Args:
            title: As the visitor sees it.
            kind: How it will come about.

        Returns:
            Its id.

        Raises:
            QuotaError: The visitor or the server holds as much as it may.
            StorageError: The disk is full or read-only.
        """
        with self._workspace.changing():
            self._check_room()
            return self._new_slot(title, Kind(kind)).name

    def check_room(self) -> None:
        """Refuse to make more when there is no room for it.

        Raises:
            QuotaError: The visitor or the server holds as much as it may.
        """
        self._workspace.check_room()
        allowance = self._workspace.allowance
        if size_bytes(self._root) + _LEAST_ROOM_BYTES > allowance.visitor_bytes:
            raise QuotaError(
                f"your productions fill the {allowance.visitor_bytes / 1e9:.1f} GB that you have here; download what "
                "you want to keep and delete something"
            )

    def rename(self, id: str, title: str) -> None:  # noqa: A002 - what everything here calls it
        """Give a production another title; what is inside its files stays.

        Raises:
            NoSuchProduction: There is none of that id here.
        """
        slot = self._slot(id)
        about = read_about(slot)
        write_about(slot, title, about.get("kind", Kind.PERFORM), about.get("made", self._workspace._now()))  # noqa: SLF001 - the shelf is a part of it

    def duplicate(self, id: str) -> str:  # noqa: A002 - what everything here calls it
        """Copy a production.

        Returns:
            The id of the copy.

        Raises:
            NoSuchProduction: There is none of that id here.
            ProductionBusy: A run is working in it.
            QuotaError: There is no room for the copy.
        """
        slot = self._slot(id)
        with self._workspace.changing(), _idle(slot):
            self._check_room(size_bytes(slot))
            about = read_about(slot)
            copy = self._new_slot(f"{about.get('title', '')} (copy)", kind_of(about))
            for name in ("production", "inputs"):
                if (slot / name).is_dir():
                    with storage_errors(copy):
                        shutil.copytree(slot / name, copy / name, symlinks=True, ignore=_not_copied)
            return copy.name

    def delete(self, id: str) -> None:  # noqa: A002 - what everything here calls it
        """Delete a production with all that belongs to it.

        Raises:
            NoSuchProduction: There is none of that id here.
            ProductionBusy: A run is working in it.
        """
        slot = self._slot(id)
        with self._workspace.changing():
            if not _remove(slot):
                raise ProductionBusy("this production is being worked on; stop it first, then delete it")
            _remove_if_empty(self._root)

    def file(self, id: str, name: str) -> Path:  # noqa: A002 - what everything here calls it
        """A file of a production that may leave the server.

        Args:
            id: The production.
            name: Relative to the production folder, such as ``exports/programme.m4b``.

        Raises:
            NoSuchProduction: There is no such production, no such file, or the file is nobody's business.
        """
        folder = self.folder(id)
        path = folder / name
        if not may_leave(name) or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            raise NoSuchProduction(f"there is no file {clean_name(name)!r} here; reload the page for what there is")
        return path

    def own(self, id: str) -> Path:  # noqa: A002 - what everything here calls it
        """The place of a production and all that belongs to it.

        Raises:
            NoSuchProduction: There is none of that id here.
        """
        return self._slot(id)

    def _slot(self, id: str) -> Path:  # noqa: A002 - what everything here calls it
        slot = self._root / id if _ID.fullmatch(id) else None
        if slot is None or slot.is_symlink() or not slot.is_dir():
            raise NoSuchProduction("there is no such production here; it may have been deleted")
        return slot

    def _check_room(self, bytes_needed: int = 0) -> None:
        allowance = self._workspace.allowance
        self.check_room()
        if sum(1 for slot in _folders(self._root) if _ID.fullmatch(slot.name)) >= allowance.productions:
            raise QuotaError(
                f"you have {allowance.productions} productions here, and that is all there is room for; download what "
                "you want to keep and delete something"
            )
        if size_bytes(self._root) + bytes_needed > allowance.visitor_bytes:
            raise QuotaError("there is no room for a copy; delete something first")

    def _new_slot(self, title: str, kind: Kind) -> Path:
        slot = self._root / secrets.token_hex(8)
        with storage_errors(slot):
            slot.mkdir(parents=True)
        write_about(slot, title, kind, self._workspace._now())  # noqa: SLF001 - the shelf is a part of it
        return slot


def _folders(parent: Path) -> Iterator[Path]:
    """The real folders in a folder; links are nobody's."""
    try:
        entries = sorted(parent.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            yield entry


@contextmanager
def _idle(slot: Path) -> Iterator[None]:
    """Hold a production's own lock, so that no run begins meanwhile.

    Raises:
        ProductionBusy: A run is working in it.
    """
    if not (slot / "production").is_dir():
        yield
        return
    lock = filelock.FileLock(slot / "production" / ".lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise ProductionBusy("this production is being worked on; stop it first") from None
    try:
        yield
    finally:
        lock.release()


def _remove(slot: Path) -> bool:
    """Delete a slot unless a run is working in it; renamed first, so that nobody sees half of it."""
    try:
        with _idle(slot):
            doomed = slot.with_name(f".{slot.name}.{secrets.token_hex(4)}")
            with storage_errors(slot):
                slot.rename(doomed)
    except ProductionBusy:
        return False
    shutil.rmtree(doomed, ignore_errors=True)  # does not follow links
    return True


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _not_copied(folder: str, names: list[str]) -> set[str]:
    """Locks, what a run leaves half done, and links."""
    return {
        name
        for name in names
        if name in ("work", ".lock") or name.endswith(PARTIAL_SUFFIX) or (Path(folder) / name).is_symlink()
    }
