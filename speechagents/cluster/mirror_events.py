"""The events of work on a production, wherever it is kept: in a folder of this machine, or in a store.

Owns that the last event comes only when everything is where it is said to be, and that it says where that is. Does not
know what the work is, nor how a store is kept up to date (`mirror`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from speechagents.cluster.mirror import Mirror, mirrored
from speechagents.events import Event, Finished, ProofFinished


def events_at(out: str | Path, work: Callable[[Path], Iterator[Event]]) -> Generator[Event, None, None]:
    """Work on a production, and tell of it.

    Args:
        out: A path, or the address of a folder in a store.
        work: Does the work in a folder of this machine, while its events are read.

    Yields:
        Its events, the last one with the places of what was made. Closing the iterator ends the work in order: what is
        finished is sent.

    Raises:
        SettingsError: No production can be kept there.
        BackendMissing: A package is not installed; the message names it.
        ProductionBusy: Another driver works there.
        StorageError: The store cannot be reached. What is finished is in the working copy.
        SpeechAgentsError: What the work raises.
    """
    last: Event | None = None
    with mirrored(out) as mirror, closing(_flow(work, mirror.folder)) as events:
        for event in events:
            if isinstance(event, Finished | ProofFinished):
                last = _placed(event, mirror)
            else:
                yield event
    if last is not None:
        yield last


def _flow(work: Callable[[Path], Iterator[Event]], folder: Path) -> Generator[Event, None, None]:
    """The same as a generator, which can be closed before anything is sent."""
    yield from work(folder)


def _placed(event: Finished | ProofFinished, mirror: Mirror) -> Event:
    match event:
        case Finished():
            return replace(event, places=tuple(mirror.shown(path) for path in event.files))
        case ProofFinished():
            return replace(event, place=mirror.shown(event.report))
