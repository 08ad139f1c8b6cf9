"""When each line of a scene is spoken.

Owns the gaps. Does not know what is said in sound (takes come with their length), where people stand (`staging`)
or how it is mixed. Times are seconds from the start of the scene.

**Grid.** Starts are whole hundredths of a second and scenes last whole fiftieths. A hundredth is a whole number of
frames at 44.1 kHz (441) and 48 kHz (480) and of milliseconds, so the mix, subtitles and editors' timelines agree
exactly; the spread of human gaps is ten times larger. A fiftieth is 882 frames, which sums of scenes stay on.

**Chance.** Each gap's random part comes from a hash of the seed, the role, the text and how often the scene has
had that line before: changing, adding or removing a line moves no other line's gap, save that of the next line,
which answers it. The index of line or scene takes no part, for it would shift everything behind an insertion.

**Figures.** Between speakers, gaps in conversation centre near 200 ms in all languages examined, with a long
tail to the right (Stivers et al. 2009, PNAS 106:10587: mean 208 ms over ten languages; Heldner & Edlund 2010, J.
Phonetics 38:555; Levinson & Torreira 2015, Front. Psychol. 6:731). The tail is modelled as log-normal. Pauses
within a speaker's turn are longer, around half a second at sentence ends of read speech (Campione & Véronis
2002, Speech Prosody, whose pause durations are log-normal too). Where no figure is known the text says "our
choice".
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from speechagents.drama import NARRATOR, Line, Style, role_key
from speechagents.production.places import read_place
from speechagents.production.timeline import SCENE_GUARD_S, PlacedLine, PlacedSound
from speechagents.voices.synthesizer import Word

STARTS_PER_S: Final = 100
"""Grid of line starts."""

SCENES_PER_S: Final = 50
"""Grid of scene lengths."""

HEAD_S: Final = 0.6
"""Silence before the first line of the programme; ACX asks for 0.5–1 s."""

TAIL_S: Final = 1.5
"""Silence after the last; ACX asks for 1–5 s."""

LEAD_OUT_S: Final = 0.5
"""From the end of a scene's last line to its end, the guard included: room for the last line's reverberation."""

EFFECT_PAUSE_S: Final = 1.5
"""Longest time that dialogue waits for an effect; a longer one goes on under the speech."""

_EFFECT_GAP_S: Final = 0.12
_EFFECT_END_S: Final = 5.0  # longest time that the end of a scene waits for an effect
_NARRATOR_KEY: Final = role_key(NARRATOR)
_CLOSERS: Final = " \t\r\n\"'”’»)]*_"
_OPENERS: Final = " \t\r\n\"'“‘«([*_¡¿"
_LONG_LINE_S: Final = 8.0


Placed = TypeVar("Placed", bound=PlacedLine | PlacedSound)
Cargo = TypeVar("Cargo")


@dataclass(frozen=True, slots=True)
class _Gap:
    """A distribution of gaps: log-normal, clipped.

    Attributes:
        median_s: Half of the gaps are shorter.
        spread: Standard deviation of the logarithm.
    """

    median_s: float
    spread: float

    def at(self, z: float) -> float:
        """The gap for a standard normal number, kept between 40 ms (a breath of separation) and 1.6 s."""
        return min(1.6, max(0.04, self.median_s * math.exp(self.spread * z)))


_ANSWER: Final = _Gap(0.17, 0.40)  # Stivers et al.: polar questions are answered fastest
_TURN: Final = _Gap(0.24, 0.45)  # mode near 0.2 s, mean near 0.27 s
_CUT: Final = _Gap(0.06, 0.30)  # after a broken-off line that cannot be overlapped
_SENTENCE: Final = _Gap(0.38, 0.30)  # the same speaker goes on after a sentence
_PHRASE: Final = _Gap(0.16, 0.30)  # … in the middle of one
_AGAIN: Final = _Gap(0.60, 0.30)  # the same speaker begins a new speech: something happened in between
_NARRATION: Final = _Gap(0.65, 0.20)  # to and from the narrator, who is in no hurry (our choice)

_HESITATION_S: Final = 0.45
_OVERLAP_S: Final = (0.15, 0.35)

_PACE: Final = {
    "shouting": 0.6, "urgent": 0.5, "angry": 0.7, "excited": 0.7, "afraid": 0.75, "surprised": 0.8, "happy": 0.9,
    "laughing": 0.9, "calm": 1.2, "tender": 1.3, "quiet": 1.2, "whispering": 1.2, "hesitant": 1.6, "sad": 1.6,
    "crying": 1.5, "tired": 1.7, "solemn": 1.5, "cold": 1.15, "sarcastic": 1.1,
}  # fmt: skip
"""By what a style at strength 1 stretches the gap before its line (our choice; aroused speakers answer sooner)."""


class SceneClock:
    """Places the lines of one scene as they become known, in script order.

    Dual dialogue (a speech whose first line is `simultaneous`) starts exactly with the first line of the speech
    before it; each of the two then runs on its own, and the scene goes on when both are done. So starts ascend but
    for dual dialogue; `in_order_of_start` puts that right.

    With `LEAD_OUT_S` of the scene before, the first line comes 1.0 s after the last one of a continuous scene,
    1.3 s in the same place, 1.7 s in another one and 2.0 s over a jump in time (our choice: the length of a
    breath, and of two). The programme begins with `HEAD_S` and ends with `TAIL_S`.

    Args:
        setting: Slug line of the scene.
        previous: Slug line of the scene before; None at the start of the programme.
        seed: Of the random part of gaps.
        last: The programme ends with this scene.
        ring_s: What the room needs to ring out, on top of the usual end.
        overlaps: A line that is broken off may be interrupted; where a book is read aloud, nobody is.
    """

    def __init__(
        self,
        setting: str = "",
        previous: str | None = None,
        *,
        seed: int,
        last: bool = False,
        ring_s: float = 0.0,
        overlaps: bool = True,
    ) -> None:
        self._seed = seed
        self._overlaps = overlaps
        self._lead_in_s = _lead_in_s(setting, previous)
        self._lead_out_s = (TAIL_S if last else LEAD_OUT_S) + ring_s
        self._opens = previous is None
        self._said: Counter[tuple[str, str]] = Counter()
        self._last: _Spoken | None = None
        # Where the latest speech began: a simultaneous one joins there. None when it could not be spoken.
        self._speech_start_s: float | None = None
        self._other_end_s = 0.0  # end of the other half of a dual dialogue
        self._not_before_s = self._lead_in_s  # effects hold the next line back
        self._end_s = self._lead_in_s  # end of what the current speakers have said
        self._effects_end_s = 0.0
        self._latest_start_s = 0.0
        self._ambience_start_s = 0.0  # sound is given out in order of start, so what follows cannot start before

    def place(self, line: Line, duration_s: float, words: Sequence[Word] = ()) -> float:
        """Choose when a line starts.

        Args:
            line: The next line of the scene.
            duration_s: Length of its take.
            words: Its words, times from the start of the take; they keep an interruption from covering more than
                the last word of the line that is broken off.

        Returns:
            Seconds from the start of the scene, a whole number of hundredths.
        """
        key = role_key(line.role)
        self._said[key, line.text] += 1
        last = self._last
        goes_on = line.continues and last is not None and key == last.key
        joins = line.simultaneous and not goes_on and self._speech_start_s is not None
        if joins and self._speech_start_s is not None:
            start_s = _ceil(self._speech_start_s + line.pause_s)
            self._other_end_s = max(self._other_end_s, self._end_s)
            self._end_s = start_s
        elif last is None:
            # Before the first sound of the programme there is nothing to pause after, and shops limit the head.
            silent = self._opens and self._not_before_s == self._lead_in_s
            start_s = _ceil(self._not_before_s + (0.0 if silent else line.pause_s))
        elif goes_on:
            # A side of a dual dialogue runs on under what the other one waits for; `in_order_of_start` holds it all.
            floor_s = self._not_before_s if last.dual else max(self._not_before_s, self._ambience_start_s)
            start_s = _ceil(max(last.end_s + self._gap_s(line, key, last), floor_s) + line.pause_s)
        else:
            start_s = self._next_turn_s(line, key, last)
        if not (joins or goes_on):
            self._speech_start_s = start_s
            self._other_end_s = 0.0
        end_s = start_s + duration_s
        last_word_s = start_s + words[-1].start_s if words else start_s
        # In dual dialogue nobody is left to interrupt: both have been talking at once.
        dual = joins or (goes_on and last is not None and last.dual)
        self._last = _Spoken(key, line.text, duration_s, end_s, min(last_word_s, end_s), dual)
        self._end_s = max(self._end_s, end_s)
        self._latest_start_s = max(self._latest_start_s, start_s)
        return start_s

    def skip(self, line: Line) -> None:
        """Pass over a line that could not be spoken: nothing may join a speech that is not there."""
        self._said[role_key(line.role), line.text] += 1
        if not line.continues:
            self._speech_start_s = None

    def place_effect(self, duration_s: float) -> float:
        """When an effect at this place of the scene starts: shortly after what was said before it.

        The next line waits until it is over, at most `EFFECT_PAUSE_S`.
        """
        so_far_s = max(self._end_s, self._other_end_s, self._not_before_s)
        start_s = _ceil(so_far_s + (_EFFECT_GAP_S if self._last else 0.0))
        self._not_before_s = start_s + min(duration_s, EFFECT_PAUSE_S)
        self._effects_end_s = max(self._effects_end_s, start_s + min(duration_s, _EFFECT_END_S))
        self._latest_start_s = max(self._latest_start_s, start_s)
        return start_s

    def place_ambience(self) -> float:
        """When an ambience at this place starts: after what was said before it, at once where nothing was.

        Only the other side of a dual dialogue starts earlier than an ambience that stands before it: nobody
        interrupts across one.
        """
        start_s = SCENE_GUARD_S if self._last is None else max(self._end_s, self._other_end_s)
        self._latest_start_s = self._ambience_start_s = _ceil(max(start_s, self._latest_start_s))
        return self._ambience_start_s

    def end(self) -> float:
        """Length of the scene, a whole number of fiftieths of a second."""
        heard_s = max(self._end_s, self._other_end_s, self._effects_end_s)
        return math.ceil(round((heard_s + self._lead_out_s) * SCENES_PER_S, 6)) / SCENES_PER_S

    def _next_turn_s(self, line: Line, key: str, last: _Spoken) -> float:
        """When a new speech starts."""
        interrupts = (
            self._overlaps
            and _breaks_off(last.text)
            and key != last.key
            and _NARRATOR_KEY not in (key, last.key)
            and not (last.dual or line.pause_s or self._not_before_s > last.end_s)
            and self._ambience_start_s < last.end_s
            and not _hesitates(line.text, at_start=True)
        )
        if interrupts:
            # The last word may be covered, as in life, but nothing before it: the listener gets the sentence.
            overlap_s = self._dice(key, line.text).uniform(*_OVERLAP_S)
            return _ceil(max(last.end_s - overlap_s, last.last_word_s))
        gap_s = self._gap_s(line, key, last)
        done_s = max(self._end_s, self._other_end_s)
        return _ceil(max(done_s + gap_s, self._not_before_s + min(gap_s, _EFFECT_GAP_S)) + line.pause_s)

    def _gap_s(self, line: Line, key: str, last: _Spoken) -> float:
        """Silence before a line that interrupts nobody."""
        narrates = key == _NARRATOR_KEY
        changes = key != last.key
        if changes and line.continues:
            gap = _PHRASE  # a sentence of a novel in two voices: “I will,” | said Emma, | “go.”
        elif narrates != (last.key == _NARRATOR_KEY) and changes:
            gap = _NARRATION
        elif not changes:
            gap = (_SENTENCE if _ends_sentence(last.text) else _PHRASE) if line.continues else _AGAIN
        elif _breaks_off(last.text):
            gap = _CUT
        elif _asks(last.text):
            gap = _ANSWER
        else:
            gap = _TURN
        gap_s = gap.at(float(self._dice(key, line.text).standard_normal()))
        gap_s *= pace(line.style)
        if narrates and line.continues and not changes:
            gap_s *= 1.3
        # A long speech needs a moment to sink in, up to half as long again at half a minute (our choice).
        # Its own length, not end less start: a difference of sums would depend on all that came before.
        if changes and last.duration_s > _LONG_LINE_S:
            gap_s *= 1.2 + min(0.3, (last.duration_s - _LONG_LINE_S) / 75.0)
        gap_s += _HESITATION_S * (_hesitates(last.text, at_start=False) + _hesitates(line.text, at_start=True))
        return max(0.0, gap_s)

    def _dice(self, key: str, text: str) -> np.random.Generator:
        said = self._said[key, text]
        digest = hashlib.blake2b(f"{self._seed}\0{key}\0{text}\0{said}".encode("utf-8", "replace"), digest_size=16)
        return np.random.default_rng(int.from_bytes(digest.digest(), "big"))


@dataclass(frozen=True, slots=True)
class _Spoken:
    """What the next line needs to know of the last."""

    key: str
    text: str
    duration_s: float
    end_s: float
    last_word_s: float
    dual: bool


def in_order_of_start(placed: Iterable[tuple[Placed, Cargo]], lines: Sequence[Line]) -> Iterator[tuple[Placed, Cargo]]:
    """Put lines and sounds that were placed in script order in the order of their starts.

    Only dual dialogue is out of order, so only that is held back, until its last line is placed.

    Args:
        placed: Lines and sounds in script order, each with whatever belongs to it.
        lines: All lines of the scene, in script order.
    """
    held = _before_the_end_of_a_dual(lines)
    waiting: list[tuple[Placed, Cargo]] = []
    for one in placed:
        waiting.append(one)
        thing = one[0]
        if isinstance(thing, PlacedLine) and thing.line.number not in held:
            yield from sorted(waiting, key=lambda waiting: waiting[0].start_s)
            waiting.clear()
        elif len(waiting) == 1 and not isinstance(thing, PlacedLine):
            yield waiting.pop()
    yield from sorted(waiting, key=lambda waiting: waiting[0].start_s)


def _before_the_end_of_a_dual(lines: Sequence[Line]) -> frozenset[int]:
    """Numbers of the lines that a later line of their dual dialogue may have to precede."""
    held: set[int] = set()
    speech: list[int] = []  # lines of the latest speech, and of those it was joined to
    last_key = ""
    for line in lines:
        key = role_key(line.role)
        if line.continues and key == last_key:
            if held.issuperset(speech[:1]) and speech:
                held.add(speech[-1])
        elif line.simultaneous:
            held.update(speech)
        else:
            speech = []
        speech.append(line.number)
        last_key = key
    return frozenset(held)


def pace(style: Style) -> float:
    """By what a style stretches silences."""
    return 1.0 + style.strength * (_PACE.get(style.tag, 1.0) - 1.0)


def _lead_in_s(setting: str, previous: str | None) -> float:
    """From the start of a scene to its first line, the guard included."""
    if previous is None:
        return HEAD_S
    place = read_place(setting)
    if place.continuous:
        change_s = 1.0
    elif place.later:
        change_s = 2.0
    else:
        change_s = 1.3 if place.name == read_place(previous).name else 1.7
    return change_s - LEAD_OUT_S


def _ceil(time_s: float) -> float:
    """The next time on the grid; rounding first, so that a time that is on it stays there."""
    return math.ceil(round(time_s * STARTS_PER_S, 6)) / STARTS_PER_S


def _breaks_off(text: str) -> bool:
    """Whether the speaker is cut short: a dash at the end."""
    return text.rstrip(_CLOSERS).endswith(("--", " -", "—", "–", "―", "⸺"))


def _hesitates(text: str, *, at_start: bool) -> bool:
    """Whether the text begins or trails off with an ellipsis."""
    if at_start:
        return text.lstrip(_OPENERS).startswith(("...", "…"))
    return text.rstrip(_CLOSERS).endswith(("...", "…"))


def _asks(text: str) -> bool:
    return text.rstrip(_CLOSERS + "!！").endswith(("?", "？", "؟"))


def _ends_sentence(text: str) -> bool:
    return text.rstrip(_CLOSERS).endswith((".", "!", "?", "…", "。", "！", "？", "؟", "।"))
