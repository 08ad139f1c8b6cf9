"""That one driver at a time works in a store's folder: the file ``mirror.lock``, kept fresh by a thread.

Owns the file, who may take it, and when its owner counts as gone. Does not know what is worked on.

Stores have no locks that go with a process that was killed, and not all of them can rule out that two write at once. So
the owner writes its lock again and again; whoever writes one waits a moment and looks whether it is still his own, and
looks again at each renewal. Clocks of machines differ: an owner that seems not to have been heard of for long is
watched before its lock is taken over.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from speechagents.cluster.stores import Store
from speechagents.drama import clean_name
from speechagents.errors import ProductionBusy, SettingsError, StorageError

LOCK_FILE: Final = "mirror.lock"
_MAX_BYTES: Final = 4_096
_LOOKS: Final = 5
"""How often an owner that seems gone is looked for while it is watched."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a lock is renewed, and when it counts as left behind.

    Attributes:
        renew_s: Between two renewals.
        stale_s: An owner that was heard of more recently is there.
        watch_s: How long one that was not is watched for a sign of life.
        settle_s: After which two who wrote at the same time know whose lock stands.
    """

    renew_s: float = 20.0
    stale_s: float = 120.0
    watch_s: float = 50.0
    settle_s: float = 1.0

    def __post_init__(self) -> None:
        if (
            not 0.0 < self.renew_s * 2 <= min(self.watch_s, self.stale_s) <= 86_400.0
            or not 0.0 <= self.settle_s <= 60.0
        ):
            raise SettingsError(
                f"a lock that is renewed each {self.renew_s} s has to be watched for {self.watch_s} s, and be "
                f"{self.stale_s} s old, before it is taken over: both at least twice as long"
            )


@dataclass(frozen=True, slots=True)
class _Held:
    """What a lock says; `renewed_s` is None where it cannot be read."""

    token: str = ""
    copy: str = ""
    owner: str = "somebody"
    renewals: int = 0
    renewed_s: float | None = None


class StoreLock:
    """The lock of a store's folder. Use it as a context manager.

    Args:
        store: The folder, with connections that nobody else uses.
        copy: Names the working copy. Two drivers never have the same one at once, so a lock of our own copy was left
            by a driver that was killed.
        rhythm: When it is renewed, and when it counts as left behind.
        tell: Is told, in a line, that a lock is taken over.

    Raises:
        ProductionBusy: Another driver works there.
        StorageError: The store cannot be reached or written.
    """

    def __init__(self, store: Store, *, copy: str, rhythm: Rhythm, tell: Callable[[str], None]) -> None:
        self._store = store
        self._copy = copy
        self._rhythm = rhythm
        self._tell = tell
        self._token = secrets.token_hex(16)
        self._owner = f"a driver on {socket.gethostname()[:80]} (process {os.getpid()})"
        self._renewals = 0
        self._taken_by = ""
        self._stop = threading.Event()
        self._turn = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, name="speechagents-store-lock", daemon=True)

    def __enter__(self) -> Self:
        self._acquire()
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._keeper.join()
        # Where the store is gone, the lock grows old; whoever comes next with this copy needs not wait for it.
        with contextlib.suppress(StorageError):
            held = self._look()
            if held is not None and held.token == self._token:
                self._store.remove(LOCK_FILE)

    def check(self) -> None:
        """See that it is still ours.

        Raises:
            ProductionBusy: Somebody has taken it over.
            StorageError: The store cannot be reached.
        """
        with self._turn:
            self._check()

    def _check(self) -> None:
        if not self._taken_by:
            held = self._look()
            if held is not None and held.renewed_s is not None and held.token != self._token:
                self._taken_by = held.owner
        if self._taken_by:
            raise ProductionBusy(
                f"{self._store.shown}: {self._taken_by} has taken it over, as nothing was heard of this one; wait for "
                "it, and run the same command again"
            )

    @property
    def lost(self) -> bool:
        """Whether somebody is known to have taken it over."""
        return bool(self._taken_by)

    def _acquire(self) -> None:
        if not self._store.create(LOCK_FILE, self._said()):
            held = self._look()
            if held is not None and not self._is_left_behind(held):
                raise ProductionBusy(self._busy(held))
            self._store.write(LOCK_FILE, self._said())
        time.sleep(self._rhythm.settle_s)
        held = self._look()
        if held is None or held.token != self._token:
            raise ProductionBusy(self._busy(held or _Held()))

    def _is_left_behind(self, held: _Held) -> bool:
        """Whether the owner of a lock is gone."""
        rhythm = self._rhythm
        if held.token == self._token or held.copy == self._copy:
            return True
        if held.renewed_s is not None and abs(self._age_s(held)) <= rhythm.stale_s:
            return False
        shown = self._store.shown
        heard = "" if held.renewed_s is None else f", last heard of {abs(self._age_s(held)):.0f} s ago,"
        self._tell(f"{shown}: locked by {held.owner}{heard} and watched for {rhythm.watch_s:.0f} s for a sign of life")
        for _ in range(_LOOKS):
            time.sleep(rhythm.watch_s / _LOOKS)
            now = self._look()
            if now is None:
                return True
            if now != held:
                return False
        self._tell(f"warning: {shown}: {held.owner} is gone; its lock is taken over")
        return True

    def _busy(self, held: _Held) -> str:
        busy = f"{self._store.shown}: {held.owner} is working there; wait for it, or name another folder for --out"
        left_s = self._rhythm.stale_s - abs(self._age_s(held))
        return f"{busy}. If it was killed, the same command goes on in {left_s:.0f} s" if left_s > 0 else busy

    def _age_s(self, held: _Held) -> float:
        return time.time() - (held.renewed_s or 0.0)

    def _keep(self) -> None:
        """Write the lock again and again, until somebody else's stands in its place."""
        while not self._stop.wait(self._rhythm.renew_s):
            try:
                with self._turn:
                    self._check()
                    self._renewals += 1
                    self._store.write(LOCK_FILE, self._said())
            except ProductionBusy:
                return
            except StorageError:
                continue  # the next renewal may come through, or shows who has taken it over

    def _said(self) -> bytes:
        values = {
            "token": self._token,
            "copy": self._copy,
            "owner": self._owner,
            "renewals": self._renewals,
            "renewed_s": round(time.time(), 3),
        }
        return (json.dumps(values) + "\n").encode()

    def _look(self) -> _Held | None:
        """The lock that stands; None if there is none."""
        data = self._store.read(LOCK_FILE, most=_MAX_BYTES)
        if data is None:
            return None
        try:
            values = json.loads(data)
            if not math.isfinite(values["renewed_s"]):
                raise ValueError("is no time")
            return _Held(
                token=str(values["token"]),
                copy=str(values["copy"]),
                owner=clean_name(str(values["owner"]))[:160] or "somebody",
                renewals=int(values["renewals"]),
                renewed_s=float(values["renewed_s"]),
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            return _Held()
