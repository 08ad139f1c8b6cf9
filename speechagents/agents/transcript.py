"""From the message stream back to a play: the lines that were spoken, ready to be mixed and exported like any script.

Owns that one translation. The live scene and every later export place the very same lines with the very same clock, so
times in the stream, in subtitles and in the mix agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from speechagents.drama import Deed, Line, Message, Scene, SceneBrief, role_key
from speechagents.scripts.breakdown import Breakdown

_LONGEST_JOIN_S: Final = 60.0
"""A line asks for no longer pause; who joins in after that follows."""


def sounds(message: Message) -> bool:
    """Whether a message is heard: acts and leaving are silent, and so is what could not be spoken."""
    return message.take != ""


def line_of(message: Message, *, language: str, joins_after_s: float | None = None) -> Line:
    """A message as a line.

    Args:
        message: Something spoken.
        language: BCP 47 tag of the scene.
        joins_after_s: It starts so long after the start of the speech before it, under or over it; None follows it.
    """
    joined = joins_after_s is not None
    return Line(
        number=message.id,
        role=message.speaker,
        text=message.text,
        style=message.style,
        simultaneous=joined,
        pause_s=round(joins_after_s, 2) if joins_after_s is not None else 0.0,
        language=language,
        units=message.units,
    )


def lines_of(messages: Iterable[Message], *, language: str, person: str = "") -> Iterator[Line]:
    """The spoken messages as lines whose places in time come out as they were.

    What a person did is left to the rhythm of a scene: nobody wants to hear again how long somebody thought.

    Args:
        messages: In the order of the stream.
        language: BCP 47 tag of the scene.
        person: Name of the role that a person plays. What they typed made no sound, and is spoken all the same.
    """
    typist = role_key(person)
    speech: Message | None = None  # the latest one that joined nothing
    end_s = 0.0
    for message in messages:
        if not sounds(message):
            if message.deed is Deed.SPEAK and typist and role_key(message.speaker) == typist:
                yield line_of(message, language=language)
                speech = None  # nobody heard it, so nobody spoke under it
            continue
        under = message.deed is Deed.BACK_CHANNEL or message.start_s < end_s
        if speech is not None and message.start_s - speech.start_s > _LONGEST_JOIN_S:
            under = False
        if speech is not None and under and not (speech.cut and message.deed is Deed.SPEAK):
            yield line_of(message, language=language, joins_after_s=message.start_s - speech.start_s)
        else:
            yield line_of(message, language=language)
            speech = message
        end_s = max(end_s, message.end_s)


def play_of(scene: SceneBrief, messages: Iterable[Message], *, person: str = "") -> Breakdown:
    """An improvised scene as a play; see `lines_of`."""
    lines = tuple(lines_of(messages, language=scene.language, person=person))
    return Breakdown(
        title=scene.title,
        author="",
        language=scene.language,
        scenes=(Scene(scene.title, scene.setting, lines),) if lines else (),
        roles=scene.roles,
        warnings=(),
    )


def read_through(scene: SceneBrief) -> Scene:
    """A scene in which every role has one line: what casting goes by before anybody has spoken."""
    return Scene(
        scene.title,
        scene.setting,
        tuple(Line(number, role.name, "…") for number, role in enumerate(scene.roles, 1)),
    )
