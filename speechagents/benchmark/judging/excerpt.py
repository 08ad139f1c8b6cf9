"""What a judge is shown of a cell: as much of every cell, chosen the same way, in rows that nothing said can break.

Owns the choice and the cleaning. Does not know criteria, or how a judge is asked (`judge_prompt`).

Judges take longer for better (Zheng et al. 2023, arXiv 2306.05685). So three passages are shown, from the beginning,
the middle and the end, with equal numbers of messages; all lines are cut at the same length and all takes at the same
second; and nothing says how much there was. Who played the scene is not said either.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from speechagents.audio import Audio
from speechagents.benchmark.played import Played
from speechagents.controllers.language_model import Part
from speechagents.controllers.quoting import Names, quoted, quoted_rows
from speechagents.drama import Deed, Message, Role, SceneBrief, role_key
from speechagents.styles import STYLES

PASSAGES: Final = 3
LINE_CHARS: Final = 320
"""Longest line shown: twice a long turn of a conversation."""
ROLES_CHARS: Final = 12_000
"""Room for all people together, about 3 000 tokens."""

_ROLE_CHARS: Final = (360, 1_200)
"""Least and most room for one of them."""
_BACKGROUND_CHARS: Final = 2_000
_TITLE_CHARS: Final = 160
_GAP: Final = "(Something may be left out here.)"
_AT_ONCE_S: Final = 0.05
"""Shorter gaps and overlaps are not shown as such; the times of a stream are no better."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is shown of each cell.

    Attributes:
        lines: Most messages.
        takes: Most takes; 0 shows none.
        sound_s: Most sound in all, in seconds; each take is cut to its share.
    """

    lines: int = 24
    takes: int = 0
    sound_s: float = 64.0


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of a cell.

    Attributes:
        parts: Rows of the transcript, each with its line's end; sound follows the row it belongs to.
        heard: Number of takes among them.
    """

    parts: tuple[Part, ...] = field(repr=False)
    heard: int = 0


def excerpt_of(played: Played, extent: Extent) -> Excerpt:
    """Three passages of a cell."""
    passages = _passages(played.messages, extent.lines)
    sounds = _sounds(played, [message for passage in passages for message in passage], extent)
    names = Names.of(played.scene)
    gaps_s = _gaps_s(played.messages)
    parts: list[Part] = []
    number = 0
    for at, passage in enumerate(passages):
        if at:
            parts.append(Part(f"{_GAP}\n"))
        for place, message in enumerate(passage):
            number += 1
            sound = sounds.get(message.id)
            gap_s = gaps_s.get(message.id) if place else None
            parts.append(Part(f"{number}. {_row(message, names, gap_s, heard=sound is not None)}\n", sound))
    return Excerpt(tuple(parts), len(sounds))


def scene_rows(scene: SceneBrief) -> list[str]:
    """The scene and its people, with what only they know: a judge sees more than an actor."""
    names = Names.of(scene)
    least, most = _ROLE_CHARS
    room = min(most, max(least, ROLES_CHARS // len(scene.roles)))
    rows = [
        f"Title: {quoted(scene.title, _TITLE_CHARS)}",
        f"Place: {quoted(scene.setting, _TITLE_CHARS)}",
        f"What everybody knows: {quoted(scene.background, _BACKGROUND_CHARS)}",
        "",
        "The people:",
    ]
    return [*rows, *(row for role in scene.roles for row in _role_rows(role, names, room))]


def _role_rows(role: Role, names: Names, room: int) -> Iterable[str]:
    # A third each for who somebody is, what they want and hide, and what others are to them.
    share = room // 3
    yield f"- {names.quoted(role.name)}: {quoted(role.profile, share)}"
    for word, texts in (("wants", role.goals), ("hides", role.secrets)):
        if rows := quoted_rows(texts, each=share // 2, total=share // 2):
            yield f"  {word}: {'; '.join(rows)}"
    relations: list[str] = []
    for other, relation in role.relations:
        row = f"{names.quoted(other)} ({quoted(relation, share // 3)})"
        if relations and sum(map(len, relations)) + len(row) > share:
            break
        relations.append(row)
    if relations:
        yield f"  to them: {'; '.join(relations)}"


def _passages(messages: Sequence[Message], most: int) -> Sequence[Sequence[Message]]:
    """Beginning, middle and end; where everything fits, all of it, divided as if it did not."""
    count = len(messages)
    if count <= most:
        bounds = [count * at // PASSAGES for at in range(PASSAGES + 1)]
        return [messages[start:end] for start, end in itertools.pairwise(bounds) if start < end]
    lengths = [most * (at + 1) // PASSAGES - most * at // PASSAGES for at in range(PASSAGES)]
    starts = [0, (count - lengths[1]) // 2, count - lengths[2]]
    return [messages[start : start + length] for start, length in zip(starts, lengths, strict=True) if length]


def _sounds(played: Played, shown: Sequence[Message], extent: Extent) -> dict[int, Audio]:
    """Takes spread evenly over what is shown, each cut to its share of the seconds."""
    spoken = [message for message in shown if message.take and message.deed is Deed.SPEAK]
    count = min(extent.takes, len(spoken))
    if not count:
        return {}
    share_s = extent.sound_s / extent.takes
    chosen = [spoken[(2 * at + 1) * len(spoken) // (2 * count)] for at in range(count)]
    found: dict[int, Audio] = {}
    for message in chosen:
        if (sound := played.sound(message)) is not None:
            mono = sound.mono()
            found[message.id] = Audio(mono.samples[: round(share_s * mono.rate_hz)].copy(), mono.rate_hz)
    return found


def _gaps_s(messages: Sequence[Message]) -> dict[int, float]:
    """Silence before each message that can be heard, in seconds; negative where it overlaps."""
    gaps: dict[int, float] = {}
    end_s: float | None = None
    for message in messages:
        if not message.take:
            continue
        if end_s is not None:
            gaps[message.id] = message.start_s - end_s
        end_s = max(message.end_s, end_s or 0.0)
    return gaps


def _row(message: Message, names: Names, gap_s: float | None, *, heard: bool) -> str:
    how = [*_style(message, heard=heard), *_timing(message, gap_s), *_private(message, names)]
    verb = {Deed.ACT: "does", Deed.LEAVE: "leaves", Deed.BACK_CHANNEL: "meanwhile says"}.get(message.deed, "says")
    told = f" ({', '.join(how)})" if how else ""
    words = quoted(message.text, LINE_CHARS)
    return f"{names.quoted(message.speaker)} {verb}{told}: {words}" + (" — the sound of it:" if heard else "")


def _style(message: Message, *, heard: bool) -> Iterable[str]:
    # Where the voice can be heard, it has to show the style by itself.
    tag = message.style.tag
    if not heard and tag in STYLES and tag != "default":
        yield tag


def _timing(message: Message, gap_s: float | None) -> Iterable[str]:
    if gap_s is not None and message.deed is Deed.SPEAK:
        if gap_s > _AT_ONCE_S:
            yield f"{gap_s:.1f} s later"
        elif gap_s < -_AT_ONCE_S:
            yield f"{-gap_s:.1f} s before the end of what went before"
        else:
            yield "at once"
    if message.cut:
        yield "broken off"


def _private(message: Message, names: Names) -> Iterable[str]:
    hearers = [name for name in message.audience if role_key(name) != role_key(message.speaker)]
    if hearers:
        yield f"heard by {names.row(hearers[:3])} alone"
