"""Productions in stores: ``--out s3://bucket/plays/mine`` and the like.

Owns when a production is fetched and sent, and for how long a store's folder is locked. A production is made in a
working copy on this machine, as any other; what is finished goes to the store while the work goes on, and the rest when
it ends. So a run that was killed is gone on with from the store, on any machine, and nothing that went there is
spoken again. A path is what it always was: nothing is fetched, sent or imported for one.

A shared file system needs none of this: there a production is a folder.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from speechagents.cluster.mirror_pull import pull
from speechagents.cluster.mirror_push import Pusher
from speechagents.cluster.store_address import is_store, parse_address
from speechagents.cluster.store_lock import Rhythm, StoreLock
from speechagents.cluster.stores import Patience, open_store
from speechagents.cluster.working_copy import WorkingCopy, cache_folder
from speechagents.drama import clean_name
from speechagents.errors import SettingsError, SpeechAgentsError, StorageError


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what.

    Attributes:
        every_s: Seconds between two looks for what is finished.
        patience: How often something is tried.
        rhythm: When the lock is renewed, and when one counts as left behind.
    """

    every_s: float = 5.0
    patience: Patience = field(default_factory=Patience)
    rhythm: Rhythm = field(default_factory=Rhythm)

    def __post_init__(self) -> None:
        if not 0.01 <= self.every_s <= 3_600.0:
            raise SettingsError(f"{self.every_s} s between two looks for what is finished are not 0.01 to 3600")


class Mirror:
    """A production folder, and its place in a store if it has one.

    Args:
        folder: On this machine.
        shown: The store's address for people; empty for a folder that is in no store.
        session: What keeps both equal.
    """

    def __init__(self, folder: Path, *, shown: str = "", session: _Session | None = None) -> None:
        self.folder = folder
        self._shown = shown
        self._session = session

    def push(self) -> None:
        """Send everything that is finished now, exports too. It is sent at the end in any case.

        Raises:
            ProductionBusy: Another driver has taken the folder over.
            StorageError: The store cannot be reached; what is here stays.
        """
        if self._session is not None:
            self._session.push(exports=True)

    def shown(self, path: Path) -> str:
        """Where people find a file of the production: its path, or its address in the store."""
        if not self._shown or not path.is_relative_to(self.folder):
            return str(path)
        return f"{self._shown}/{path.relative_to(self.folder).as_posix()}"


@contextmanager
def mirrored(
    out: str | Path,
    *,
    cache: Path | None = None,
    tell: Callable[[str], None] | None = None,
    pace: Pace | None = None,
) -> Iterator[Mirror]:
    """Work on a production wherever it is kept.

    Args:
        out: A path, or the address of a folder in a store (``s3://``, ``gs://``, ``az://``, ``sftp://`` …).
        cache: Folder for working copies; None is the user's (``SPEECHAGENTS_CACHE`` moves it).
        tell: Is told, in lines, of long waits and of trouble that does not end the work; None writes them to the
            error stream.
        pace: How often what; None is the usual.

    Yields:
        The folder to work in. When the block ends, everything is in the store.

    Raises:
        SettingsError: No production can be kept at that address.
        BackendMissing: A package is not installed; the message names it.
        ProductionBusy: Another driver works there.
        StorageError: The store cannot be reached. What is finished is in the working copy, and the same command goes
            on from there.
    """
    if not is_store(out):
        yield Mirror(Path(out))
        return
    address = parse_address(str(out))
    pace = pace or Pace()
    tell = tell or _tell
    store = open_store(address, patience=pace.patience)
    copy = WorkingCopy(cache or cache_folder(os.environ), store.place, store.shown)
    with copy.alone() as name:
        locked = StoreLock(open_store(address, patience=pace.patience), copy=name, rhythm=pace.rhythm, tell=tell)
        with locked as lock:
            session = _Session(Pusher(store, copy, pull(store, copy, tell)), lock, tell, pace.every_s)
            with session.kept_up(copy.folder):
                yield Mirror(copy.folder, shown=store.shown, session=session)


class _Session:
    """Keeps a store's folder up to date while a production is worked on."""

    def __init__(self, pusher: Pusher, lock: StoreLock, tell: Callable[[str], None], every_s: float) -> None:
        self._pusher = pusher
        self._lock = lock
        self._tell = tell
        self._every_s = every_s
        self._turn = threading.Lock()
        self._stop = threading.Event()
        self._failed: BaseException | None = None

    def push(self, *, exports: bool = False, last: bool = False) -> None:
        """Send what is finished, if the folder is still ours."""
        with self._turn:
            self._lock.check()
            self._pusher.push(exports=exports, last=last)

    @contextmanager
    def kept_up(self, folder: Path) -> Iterator[None]:
        """Send what is finished while the block runs, and everything when it ends."""
        keeper = threading.Thread(target=self._keep_up, name="speechagents-mirror", daemon=True)
        keeper.start()
        try:
            yield
        except BaseException:
            self._end(keeper)
            # Whatever ended the work is what has to be told; exports are those of a run that is over.
            try:
                self.push()
            except SpeechAgentsError as error:
                self._tell(f"warning: {error}; {folder} has everything")
            raise
        self._end(keeper)
        if self._failed is not None:
            raise self._failed
        try:
            self.push(exports=True, last=True)
        except StorageError as error:
            raise StorageError(
                f"{error}; {folder} has everything: run the same command again to send the rest"
            ) from error

    def _end(self, keeper: threading.Thread) -> None:
        self._stop.set()
        keeper.join()

    def _keep_up(self) -> None:
        """Send what is finished, again and again. What does not work now is tried at the next turn."""
        told = False
        while not self._stop.wait(self._every_s):
            try:
                self.push()
                told = False
            except SpeechAgentsError as error:
                if not told:
                    self._tell(f"warning: {error}; the work goes on, and what is finished is sent later")
                told = True
                if self._lock.lost:
                    return
            except BaseException as error:  # noqa: BLE001 - a fault of ours: told when the work ends, not lost
                self._failed = error
                return


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{clean_name(line)}\n")
        sys.stderr.flush()
