"""General instructions of a recipe: what a model should go on to be able to do while it learns to act.

Owns where they come from: tasks made by rule, or a file of conversations; and, where models hear, instructions about
the speech of the data. Does not know how they are mixed with agent data (`mixing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

from speechagents.errors import SettingsError
from speechagents.scripts.scene_file import MAX_SEED
from speechagents.tuning.chat_messages import read_chat_file
from speechagents.tuning.general_rules import made_by_rule
from speechagents.tuning.mixing import shuffled
from speechagents.tuning.recipe import RULES
from speechagents.tuning.speech_instructions import hear_instructions, read_aloud_instructions
from speechagents.tuning.trajectory import Instruction, Split
from speechagents.tuning.trajectory_folder import TrajectoryFolder

MAX_COUNT: Final = 1_000_000
SPEECH_SHARE: Final = 0.5
"""So many are about speech, where models hear, unless it is said otherwise."""

_Kind = TypeVar("_Kind")


def general_instructions(
    name_or_path: str | Path,
    data: TrajectoryFolder | None,
    split: Split,
    seed: int,
    count: int,
    *,
    hearing: str = "text",
    speech_share: float = SPEECH_SHARE,
) -> Sequence[Instruction]:
    """General instructions of a split.

    Args:
        name_or_path: `recipe.RULES`, or a file of conversations (`chat_messages`).
        data: Trajectories whose speech may be asked about; None for no such instructions.
        split: Which: no two splits share a question.
        seed: Chooses among them and orders them; the same arguments give the same instructions.
        count: How many; there are fewer where there are not so many different ones.
        hearing: As what the model is given speech: ``text`` leaves instructions about speech out; with ``audio`` it is
            asked what it hears, with ``units`` it is asked to read aloud as well.
        speech_share: How many of them are about speech, where models hear.

    Raises:
        TuningError: The file or the data cannot be used; the message names file, line and remedy.
        SettingsError: An argument is out of range.
    """
    if not 0 <= count <= MAX_COUNT:
        raise SettingsError(f"{count} general instructions; ask for 0 to {MAX_COUNT}")
    if not 0 <= seed <= MAX_SEED:
        raise SettingsError(f"seed {seed} is not between 0 and {MAX_SEED}")
    if hearing not in ("text", "audio", "units"):
        raise SettingsError(f"hearing {hearing!r} is none of text, audio, units")
    if not 0.0 <= speech_share <= 1.0:
        raise SettingsError(f"a speech share of {speech_share:g} is not between 0 and 1")
    key = f"{seed}\0{split.value}"
    speech = _speech(data, split, round(speech_share * count), f"{key}\0speech", hearing)
    rest = count - round(speech_share * count)
    if len(speech) < count - rest:
        # There is only so much speech; what is left of the rest keeps the share.
        rest = min(rest, round(len(speech) * (1.0 - speech_share) / speech_share)) if speech else count
    if str(name_or_path) == RULES:
        plain = made_by_rule(split, seed=seed, count=rest)
    else:
        found = [one for one in read_chat_file(Path(name_or_path)) if one.split is split]
        plain = _some(found, rest, f"{key}\0chat")
    together = [*speech, *plain]
    return _some(together, len(together), f"{key}\0order")


def _speech(data: TrajectoryFolder | None, split: Split, most: int, key: str, hearing: str) -> Sequence[Instruction]:
    """Instructions about speech, at most so many."""
    if data is None or hearing == "text":
        return ()
    if hearing == "audio":
        return _some(hear_instructions(data, split, units=False), most, key)
    hear = _some(hear_instructions(data, split, units=True), most - most // 2, f"{key}\0hear")
    return [*hear, *_some(read_aloud_instructions(data, split), most // 2, f"{key}\0read")]


def _some(items: Sequence[_Kind], most: int, key: str) -> Sequence[_Kind]:
    """At most so many of them, in an order that follows from a key alone."""
    return [items[at] for at in shuffled(len(items), key)[:most]]
