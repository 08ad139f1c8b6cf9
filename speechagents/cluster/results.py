"""What a simulation has found out, on disk: one line of JSON for each scene that is over, in the order of finishing.

Owns the folder and the form of its files. Does not know how scenes are played. A line is on disk, flushed, when
`append` returns; a killed run loses nothing but the scenes that were under way, and what it left of a line is cut off
when the next one opens the folder.

::

    DIR/run.json         what is run: all that must be the same for the run to go on
    DIR/results.jsonl    a line for each finished scene: figures, then the transcript
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import filelock

from speechagents import __version__
from speechagents.cluster.budget import Spent
from speechagents.errors import ProductionBusy, ProductionError, SettingsError
from speechagents.journal import Journal
from speechagents.production.storage import PARTIAL_SUFFIX, storage_errors, write_atomically

RUN_FILE: Final = "run.json"
RESULTS_FILE: Final = "results.jsonl"

_LOCK_FILE: Final = ".lock"
_SCHEMA: Final = 1
_MAX_LINE_BYTES: Final = 64_000_000
"""More than the longest scene with the longest lines and thoughts."""
_MAX_RUN_BYTES: Final = 64_000


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What is run.

    Attributes:
        scenes: Number of scenes.
        digest: Of their names and files.
        repeat: How often each is played.
        seed: Of the run.
        roles: With its first so many roles; 0 for all.
        turns: Most turns; 0 for the scene's own.
        policy: Turn policy; empty for the scene's own.
        controller: Who acts.
        model: Its model, if one was named.
    """

    scenes: int
    digest: str
    repeat: int
    seed: int
    roles: int
    turns: int
    policy: str
    controller: str
    model: str


@dataclass(frozen=True, slots=True)
class SceneRecord:
    """A finished scene, without its transcript.

    Attributes:
        scene: Its name.
        repeat: 0-based.
        seed: Of this play.
        ending: Why it was over.
        turns: Turns taken, silent ones included.
        fallbacks: Turns that the controller failed to take.
        tokens_in: Tokens of prompts, as servers count them.
        tokens_out: Tokens of answers.
        tokens: Both, estimated where servers do not count; what budgets go by.
        requests: Requests sent, by endpoint.
        seconds: How long it took.
    """

    scene: str
    repeat: int
    seed: int
    ending: str
    turns: int
    fallbacks: int
    tokens_in: int
    tokens_out: int
    tokens: int
    requests: Mapping[str, int]
    seconds: float

    @property
    def spent(self) -> Spent:
        """What it cost."""
        return Spent(sum(self.requests.values()), self.tokens, self.seconds)


class Results:
    """The folder of a run, locked while it is open. Use it as a context manager.

    Args:
        folder: Made if it does not exist.
        identity: What is run.

    Raises:
        ProductionError: The folder holds something else, or what is in it is damaged.
        SettingsError: It holds another run.
        ProductionBusy: Another process has it open.
        StorageError: It cannot be made or written.
    """

    def __init__(self, folder: Path, identity: RunIdentity) -> None:
        self.folder = folder
        self._identity = identity
        self._lock = filelock.FileLock(folder / _LOCK_FILE, timeout=0, thread_local=False)
        self._journal: Journal | None = None
        with storage_errors(folder):
            if folder.exists() and not folder.is_dir():
                raise ProductionError(f"{folder}: is a file; name a folder for --out")
            if not (folder / RUN_FILE).exists() and _holds_something_else(folder):
                raise ProductionError(f"{folder}: is not empty and no simulation; name a new folder for --out")
        self._refuse_another()

    def __enter__(self) -> Self:
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except filelock.Timeout:
                raise ProductionBusy(
                    f"{self.folder}: another run is working here; wait for it, or name another folder for --out"
                ) from None
        try:
            self._refuse_another()  # whoever had the lock may have begun one
            self._journal = Journal(self.folder / RESULTS_FILE, most_bytes=_MAX_LINE_BYTES)
            values = {"schema": _SCHEMA, "speechagents": __version__, **asdict(self._identity)}
            write_atomically(self.folder / RUN_FILE, (json.dumps(values, ensure_ascii=False, indent=2) + "\n").encode())
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._journal is not None:
            self._journal.close()
        self._lock.release()

    @property
    def path(self) -> Path:
        """The file of all lines."""
        return self.folder / RESULTS_FILE

    def append(self, record: SceneRecord, messages: tuple[dict[str, Any], ...]) -> None:
        """Add a finished scene; it is on disk when this returns.

        Raises:
            StorageError: The disk is full; nothing of the line is left.
        """
        assert self._journal is not None  # noqa: S101 - results are open while they are written
        self._journal.append({**asdict(record), "messages": list(messages)})

    def records(self) -> Iterator[SceneRecord]:
        """All finished scenes so far, one at a time, oldest first.

        Raises:
            ProductionError: A line is none; the message names it.
        """
        assert self._journal is not None  # noqa: S101 - results are open while they are read
        for number, entry in enumerate(self._journal.entries(), 1):
            try:
                yield _record(entry)
            except (KeyError, TypeError, ValueError) as error:
                raise ProductionError(
                    f"{self.path}:{number}: is no finished scene ({error}); delete this line and all below it, then "
                    "run the same command again"
                ) from error

    def _refuse_another(self) -> None:
        path = self.folder / RUN_FILE
        if not path.exists():
            return
        known = _identity(path)
        for one in fields(RunIdentity):
            before, now = getattr(known, one.name), getattr(self._identity, one.name)
            # More repeats of the same scenes go on where fewer have ended: seeds do not depend on their number.
            if now < before if one.name == "repeat" else now != before:
                raise SettingsError(
                    f"{self.folder}: holds a run with {one.name} {before!r}, not {now!r}; run the same command as "
                    "then, or name a new folder for --out"
                )


def _identity(path: Path) -> RunIdentity:
    """What a folder is a run of."""
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_MAX_RUN_BYTES).decode("utf-8"))
        if values["schema"] != _SCHEMA:
            raise ProductionError(f"{path}: written by another version; name a new folder for --out")
        found = RunIdentity(**{one.name: values[one.name] for one in fields(RunIdentity)})
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProductionError(
            f"{path}: cannot be read ({error}); delete that one file: the results beside it stay"
        ) from error
    return found


def _record(entry: Mapping[str, Any]) -> SceneRecord:
    values = {one.name: entry[one.name] for one in fields(SceneRecord)}
    for name in ("repeat", "seed", "turns", "fallbacks", "tokens_in", "tokens_out", "tokens"):
        if type(values[name]) is not int or values[name] < 0:
            raise ValueError(f"{name} is no count")
    requests = values["requests"]
    if not isinstance(requests, dict) or any(type(count) is not int or count < 0 for count in requests.values()):
        raise ValueError("requests are no counts by endpoint")
    if type(values["seconds"]) not in (int, float) or not isinstance(values["scene"], str):
        raise ValueError("scene or seconds are of the wrong kind")
    return SceneRecord(**values)


def _holds_something_else(folder: Path) -> bool:
    ours = {_LOCK_FILE, RESULTS_FILE}
    return folder.is_dir() and any(
        entry.name not in ours and entry.suffix != PARTIAL_SUFFIX for entry in folder.iterdir()
    )
