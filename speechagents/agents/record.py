"""The record of a scene, read while somebody else is writing it.

Owns reading ``steps.jsonl`` without touching it: inspectors and branches look at scenes that are being played. Whoever
plays the scene opens it with `agents.steps.StepLog` instead, which mends what a killed run left.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from speechagents.agents.steps import Ending, Step, step_from_json
from speechagents.errors import ProductionError
from speechagents.journal import MAX_ENTRY_BYTES
from speechagents.production.storage import storage_errors

STEPS_FILE = "steps.jsonl"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record as it was found on disk.

    Attributes:
        line: Its line, with the line's end.
        entry: What it says.
        end: Offset of the byte after it: where to read on.
    """

    line: bytes
    entry: Step | Ending
    end: int


def recorded(folder: Path, *, after: int = 0) -> tuple[Recorded, ...]:
    """The whole records of a production from an offset on; a line that is still being written is left for later.

    Args:
        folder: Of the production; none are found where nothing was improvised.
        after: Offset to read from: 0, or a `Recorded.end`.

    Raises:
        ProductionError: A record is damaged.
        StorageError: The file cannot be read.
    """
    path = folder / STEPS_FILE
    if not path.is_file():
        return ()
    found = []
    with storage_errors(path), path.open("rb") as file:
        file.seek(after)
        while (line := file.readline(MAX_ENTRY_BYTES + 1)).endswith(b"\n"):
            found.append(Recorded(line, _entry(line, path, after), after + len(line)))
            after += len(line)
        if len(line) > MAX_ENTRY_BYTES:
            raise _damaged(path, after, "is too long")
    return tuple(found)


def _entry(line: bytes, path: Path, at: int) -> Step | Ending:
    try:
        entry = json.loads(line.decode("utf-8"))
        return Ending(str(entry["ending"])) if "ending" in entry else step_from_json(entry)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(path, at, f"is no step ({error})") from error


def _damaged(path: Path, at: int, what: str) -> ProductionError:
    return ProductionError(f"{path}: the record at byte {at} {what}; delete it and all below it, then resume")
