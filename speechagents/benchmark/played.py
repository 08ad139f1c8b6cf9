"""A cell as it was played: all that metrics and judges may look at, read from its folder.

Owns reading the folder. Does not know who played it, nor what is measured. A cell's folder is a production: the scene
as it was played (``scene.yaml``), its stream, its steps if agents played it, its takes; and ``cell.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from speechagents.agents.record import recorded
from speechagents.agents.steps import Step
from speechagents.audio import Audio
from speechagents.benchmark.facts import Fact
from speechagents.branches import SCENE_FILE
from speechagents.controllers.controller import Usage
from speechagents.drama import Deed, Message, SceneBrief, role_key
from speechagents.errors import BenchmarkError
from speechagents.production.takes import TakeStore
from speechagents.scripts.scene_file import read_scene
from speechagents.stream import read_stream
from speechagents.voices.cast_file import read_cast_file

CELL_FILE: Final = "cell.json"
_MAX_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class CellRecord:
    """What ``cell.json`` says: how playing went.

    Attributes:
        scene_id: Of the scene.
        roles: Number of roles.
        repeat: 0-based.
        seed: Of the cell.
        ending: Why it is over.
        seconds: It took, voices included.
        turns: That were taken, silent ones included.
        fallbacks: Turns that are not the controller's own.
        tokens_in: Of all prompts.
        tokens_out: Of all answers.
    """

    scene_id: str
    roles: int
    repeat: int
    seed: int
    ending: str
    seconds: float
    turns: int
    fallbacks: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    @classmethod
    def from_json(cls, values: object, source: Path) -> Self:
        """A record as it stands on disk.

        Raises:
            BenchmarkError: It is damaged.
        """
        try:
            return cls(**values)  # type: ignore[arg-type]
        except TypeError as error:
            raise BenchmarkError(f"{source}: is damaged ({error}); delete its folder and run again") from error


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A cell as it was played.

    Attributes:
        name: Of the cell.
        record: How playing went.
        scene: As it was played: with the roles that played.
        facts: What everybody in it knows.
        messages: What was said and done, in order.
        steps: How each turn came about; empty for a script.
        voices: Id of each role's voice, by `role_key`.
        folder: Of the production; None for what was never on disk.
    """

    name: str
    record: CellRecord
    scene: SceneBrief
    facts: tuple[Fact, ...]
    messages: tuple[Message, ...]
    steps: tuple[Step, ...] = ()
    voices: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def lines(self) -> Sequence[Message]:
        """What was said aloud as a turn: no murmurs, no actions."""
        return [message for message in self.messages if message.deed is Deed.SPEAK]

    @property
    def duration_s(self) -> float:
        """Length of what can be heard, in seconds."""
        return max((message.end_s for message in self.messages), default=0.0)

    @property
    def usage(self) -> Usage:
        """What it cost."""
        return Usage(self.record.tokens_in, self.record.tokens_out)

    def role_of(self, message: Message) -> str:
        """Key of who speaks it."""
        return role_key(message.speaker)

    def sound(self, message: Message) -> Audio | None:
        """The take of a message; None for what makes no sound, and where takes were not kept."""
        if self.folder is None or not message.take:
            return None
        path = TakeStore(self.folder / "takes").path(message.take)
        return Audio.read(path) if path.is_file() else None


def read_played(folder: Path, facts: Sequence[Fact]) -> Played:
    """Read a cell's folder.

    Raises:
        BenchmarkError: It is no finished cell, or a damaged one.
        ProductionError: Its stream or steps are damaged.
    """
    record = read_cell_record(folder)
    if record is None:
        raise BenchmarkError(f"{folder}: this cell is not finished; run again with the same command")
    scene = read_scene(folder / SCENE_FILE)
    cast = read_cast_file(folder / "cast.yaml") if (folder / "cast.yaml").is_file() else None
    return Played(
        name=folder.name,
        record=record,
        scene=scene,
        facts=tuple(facts),
        messages=read_stream(folder / "stream.jsonl"),
        steps=tuple(one.entry for one in recorded(folder) if isinstance(one.entry, Step)),
        voices={role_key(wish.role): wish.voice for wish in cast.wishes if wish.voice} if cast else {},
        folder=folder,
    )


def read_cell_record(folder: Path) -> CellRecord | None:
    """How playing a cell went; None while it is not finished.

    Raises:
        BenchmarkError: The record is damaged.
    """
    path = folder / CELL_FILE
    try:
        with path.open("rb") as file:
            values: Any = json.loads(file.read(_MAX_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise BenchmarkError(f"{path}: cannot be read ({error}); delete its folder and run again") from error
    return CellRecord.from_json(values, path)
