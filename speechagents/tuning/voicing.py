"""The sounds of messages: those of a production read again, those of a script spoken by the embedded voices.

Owns who speaks with which voice, and that only so much sound is in memory at once. Does not know what becomes of the
sounds. Each take of a scene is cast anew, by a seed of its own, so that a scene that is there several times is heard
in several voices; the casting is that of productions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.agents.transcript import line_of, read_through
from speechagents.audio import Audio
from speechagents.drama import Deed
from speechagents.errors import SoundError, TuningError
from speechagents.tuning.scene_takes import Moment, SceneTake
from speechagents.voices.casting import Cast, Override, Overrides, apart, cast_roles
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer

BATCH: Final = 64
"""Messages whose sounds are in memory at once: half a minute of work, some 40 MB."""

_SOUNDING: Final = (Deed.SPEAK, Deed.BACK_CHANNEL)


@dataclass(frozen=True, slots=True, eq=False)
class VoicedMessage:
    """A message with its sound.

    Attributes:
        take: Id of its take.
        message: Its id.
        sound: What is heard; None where no voice could speak it.
    """

    take: str
    message: int
    sound: Audio | None


def voiced(
    takes: Sequence[SceneTake],
    needed: Mapping[str, frozenset[int]],
    synthesizer: Synthesizer,
    *,
    seed: int,
) -> Iterator[Sequence[VoicedMessage]]:
    """The sounds of messages, in batches, take by take; acts and leaving make none and are left out.

    Args:
        takes: The takes.
        needed: Ids of the messages whose sounds are wanted, by the id of their take.
        synthesizer: The voices.
        seed: Chooses among equally good voices.

    Raises:
        TuningError: The sound of a recorded message is gone or damaged.
    """
    for take in takes:
        wanted = sounding(take, needed)
        cast = None if take.recorded or not wanted else cast_of(take, synthesizer, seed=seed)
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            sounds = _read(take, batch) if cast is None else _spoken(take, batch, cast, synthesizer)
            yield [VoicedMessage(take.id, one.message.id, sound) for one, sound in zip(batch, sounds, strict=True)]


def sounding(take: SceneTake, needed: Mapping[str, frozenset[int]]) -> Sequence[Moment]:
    """The moments of a take whose messages make a sound and are wanted."""
    ids = needed.get(take.id, frozenset())
    return [one for one in take.moments if one.message.id in ids and one.message.deed in _SOUNDING]


def cast_of(take: SceneTake, synthesizer: Synthesizer, *, seed: int) -> Cast:
    """Who speaks a take with which voice.

    Args:
        take: The take.
        synthesizer: The voices.
        seed: Chooses among equally good ones, together with the take's id.
    """
    scene = take.scene
    own = int.from_bytes(hashlib.sha256(f"{seed}\0{take.id}".encode()).digest()[:4], "big")
    there = {voice.id for voice in synthesizer.voices}
    wishes = tuple(Override(role.name, voice=role.voice) for role in scene.roles if role.voice in there)
    return cast_roles(
        scene.roles,
        (read_through(scene),),
        synthesizer.voices,
        seed=own,
        distance=apart,
        overrides=Overrides(wishes),
        language=scene.language,
    )


def _spoken(take: SceneTake, moments: Sequence[Moment], cast: Cast, synthesizer: Synthesizer) -> Iterator[Audio | None]:
    lines = []
    for moment in moments:
        line = line_of(moment.message, language=take.scene.language)
        lines.append(SpokenLine(line.text, cast[line.role].voice, line.style, line.language))
    for spoken in synthesizer.speak(lines):
        yield None if isinstance(spoken, FailedTake) else spoken.audio


def _read(take: SceneTake, moments: Sequence[Moment]) -> Iterator[Audio | None]:
    for moment in moments:
        if moment.sound is None:
            yield None
            continue
        try:
            yield Audio.read(moment.sound)
        except SoundError as error:
            raise TuningError(
                f"the sound of message {moment.message.id} cannot be read ({error}); go on with the scene by "
                "--resume, which speaks it again",
                source=take.scene.title,
            ) from error
