"""Subtitles: WebVTT with voices and word times, and SubRip.

Owns how speech is cut into cues and written. Does not know sound. Lines that overlap give cues that overlap, as
both formats allow.

Cues follow what broadcasters print about readable subtitles (for example Netflix, "Timed Text Style Guide"):
two rows of 42 characters, at most 7 s.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from speechagents.production.tags import Tags, clock, one_line
from speechagents.production.timeline import PlacedLine, Timeline
from speechagents.voices.synthesizer import Word

ROW_CHARS = 42
CUE_CHARS = 2 * ROW_CHARS
CUE_S = 7.0

_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")
_CLAUSE_ENDS = (",", ";", ":", "—", "–", "，", "；", "、")
_CLOSERS = "\"'”’»)]}"

# SubRip has neither a standard nor an escape, but players obey tags (<font …>), positions ({\an8}) and breaks (\N)
# that were borrowed from other formats. A script's own signs are written as ones that look alike and mean nothing.
_LOOK_ALIKES = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")", "\\": "⧵"})


@dataclass(frozen=True, slots=True)
class Cue:
    """What one person says, short enough to be read at a glance.

    Attributes:
        role: Who speaks.
        words: Each with its times in seconds from the start of the programme.
        start_s: When it appears.
        end_s: When it goes.
    """

    role: str
    words: tuple[Word, ...]
    start_s: float
    end_s: float


def cues(timeline: Timeline) -> Iterator[Cue]:
    """All cues in order of their start."""
    for scene in timeline.scenes:
        found = [cue for placed in scene.lines for cue in _cues_of(placed)]
        yield from sorted(found, key=lambda cue: cue.start_s)


def timed_words(placed: PlacedLine) -> tuple[Word, ...]:
    """The words of a line as written, each with a time.

    The back end names times for spoken words only; a dash that stands alone takes the end of the word before it.
    Without usable times, words share the line's duration by their length.
    """
    tokens = placed.line.text.split()
    spoken = [token for token in tokens if any(c.isalnum() for c in token)]
    given = placed.words
    if len(given) not in (len(tokens), len(spoken)) or not given:
        return _spread(tokens, placed)
    every = len(given) == len(tokens)
    words: list[Word] = []
    at = placed.start_s
    remaining = iter(given)
    for token in tokens:
        word = next(remaining) if every or any(c.isalnum() for c in token) else Word(token, at, at)
        start = min(max(word.start_s, at), placed.end_s)
        end = min(max(word.end_s, start), placed.end_s)
        words.append(Word(token, start, end))
        at = start
    return tuple(words)


def vtt(timeline: Timeline, tags: Tags) -> Iterator[str]:
    """WebVTT (W3C) in pieces: ``<v Name>`` says who speaks, ``<00:00:01.000>`` when a word begins."""
    yield "WEBVTT\n\n"
    note = "\n".join(part for part in (tags.title, *tags.full_comment.splitlines()) if part)
    yield f"NOTE\n{note.replace('-->', '→')}\n\n"
    for number, cue in enumerate(cues(timeline), 1):
        yield f"{number}\n{clock(cue.start_s)} --> {clock(cue.end_s)}\n<v {_escaped(cue.role)}>"
        last = clock(cue.start_s)
        for index, word in enumerate(cue.words):
            time = clock(word.start_s)
            # The standard wants times that lie inside the cue and ascend.
            stamped = last < time < clock(cue.end_s)
            yield (" " if index else "") + (f"<{time}>" if stamped else "") + _escaped(word.text)
            last = max(last, time)
        yield "</v>\n\n"


def srt(timeline: Timeline) -> Iterator[str]:
    """SubRip in pieces; the speaker is named where the speaker changes."""
    speaker = ""
    for number, cue in enumerate(cues(timeline), 1):
        text = " ".join(word.text for word in cue.words)
        named = _harmless(f"{one_line(cue.role)}: {text}" if cue.role != speaker else text)
        speaker = cue.role
        rows = textwrap.wrap(named, ROW_CHARS, break_long_words=False) or [""]
        times = f"{clock(cue.start_s, separator=',')} --> {clock(cue.end_s, separator=',')}"
        yield f"{number}\n{times}\n" + "\n".join(rows) + "\n\n"


def _cues_of(placed: PlacedLine) -> Iterator[Cue]:
    words = timed_words(placed)
    groups = _groups(words)
    for group, following in pairwise([*groups, ()]):
        start = placed.start_s if group is groups[0] else group[0].start_s
        end = following[0].start_s if following else placed.end_s
        # Players drop a cue without length.
        yield Cue(placed.line.role, tuple(group), start, max(end, start + 0.001))


def _groups(words: Sequence[Word]) -> list[Sequence[Word]]:
    """Cut words into cues, after a sentence or clause if one ends in the second half of what would fit."""
    groups: list[Sequence[Word]] = []
    first = 0
    while first < len(words):
        size, fits = 0, first
        while fits < len(words):
            size += len(words[fits].text) + (1 if fits > first else 0)
            if fits > first and (size > CUE_CHARS or words[fits].end_s - words[first].start_s > CUE_S):
                break
            fits += 1
        cut = fits if fits == len(words) else _best_cut(words, first, fits)
        groups.append(words[first:cut])
        first = cut
    return groups


def _best_cut(words: Sequence[Word], first: int, fits: int) -> int:
    middle = first + (fits - first) // 2
    for ends in (_SENTENCE_ENDS, _CLAUSE_ENDS):
        for cut in range(fits, middle, -1):
            if words[cut - 1].text.rstrip(_CLOSERS).endswith(ends):
                return cut
    return fits


def _spread(tokens: Sequence[str], placed: PlacedLine) -> tuple[Word, ...]:
    total = sum(len(token) + 1 for token in tokens)
    words = []
    done = 0
    for token in tokens:
        start = placed.start_s + placed.duration_s * done / total
        done += len(token) + 1
        words.append(Word(token, start, placed.start_s + placed.duration_s * done / total))
    return tuple(words)


def _escaped(text: str) -> str:
    """Text that can neither end a tag nor a cue."""
    return one_line(text, len(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _harmless(text: str) -> str:
    """Text that no player of SubRip takes for an arrow, a tag or an order."""
    return one_line(text, len(text)).replace("-->", "→").translate(_LOOK_ALIKES)
