"""One dialogue block as stretches of speech, each in one manner and from one place.

Owns what a block's brackets and notes do to the speech around them. Does not know scenes, roles or line numbers. A
parenthetical outranks punctuation and holds to the end of the block or to the next one that names a manner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from speechagents.drama import Delivery, SoundCue, Style
from speechagents.scripts.directions import is_pause, read_direction
from speechagents.scripts.inline import plain, spans
from speechagents.scripts.script import Dialogue, PartKind
from speechagents.scripts.sound_marks import read_sound
from speechagents.scripts.spoken import is_speakable
from speechagents.styles import style_from_text, style_from_words

SPEECH_BREAK_S = 0.5
"""Pause for an empty line inside a speech."""
WORDLESS_PAUSE_S = 0.8
"""Pause for a line that is only ``...`` or a dash."""

_MAX_BRACKET_CHARS = 100
_BRACKET = re.compile(rf"\(([^()\n]{{1,{_MAX_BRACKET_CHARS}}})\)")
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words in one manner; without words, what stands behind the last ones.

    Attributes:
        text: Plain words in one line, possibly none.
        pause_s: Silence asked for before it, in seconds.
        sounds: Sounds asked for before it.
        style: How it is said.
        delivery: From where it is heard.
        source_line: 1-based line in the source, 0 when there is none.
    """

    text: str
    pause_s: float
    sounds: tuple[SoundCue, ...]
    style: Style
    delivery: Delivery
    source_line: int


@dataclass(frozen=True, slots=True)
class UnknownManner:
    """Words of a parenthetical that no style knows.

    Attributes:
        words: As written.
        style: What was chosen all the same, None when punctuation decides.
        source_line: Where they stand.
    """

    words: str
    style: Style | None
    source_line: int


@dataclass(frozen=True, slots=True)
class Speech:
    """What a dialogue block comes to.

    Attributes:
        stretches: In order; only the last one can be without words.
        unknown: Manners that nobody knows.
    """

    stretches: tuple[Stretch, ...]
    unknown: tuple[UnknownManner, ...]


def read_speech(dialogue: Dialogue) -> Speech:
    """Take a dialogue block apart."""
    reader = _Reader()
    for extension in dialogue.extensions:
        reader.direct(plain(extension), dialogue.source_line)
    for part in dialogue.parts:
        for text, source_line, sound in sounds_apart(part.text, part.source_line):
            if part.kind is PartKind.PARENTHETICAL:
                reader.direct(plain(text), source_line)
            elif part.kind is PartKind.LYRIC:
                reader.say(sung(text), source_line, Style("singing"))
            else:
                reader.speak(plain(text), source_line)
            if sound:
                reader.sounds.append(sound)
    return reader.finish(dialogue.source_line)


class _Reader:
    """Goes through a block once and keeps what holds: the place, the manner, the pause and sounds to come."""

    def __init__(self) -> None:
        self.sounds: list[SoundCue] = []
        self._stretches: list[Stretch] = []
        self._unknown: list[UnknownManner] = []
        self._delivery = Delivery.DIRECT
        self._style: Style | None = None
        self._pause_s = 0.0

    def finish(self, source_line: int) -> Speech:
        """Everything read; a pause or sounds behind the last words are kept."""
        if self._pause_s or self.sounds:
            self._keep("", Style(), source_line)
        return Speech(tuple(self._stretches), tuple(self._unknown))

    def direct(self, text: str, source_line: int) -> None:
        """Follow a bracket."""
        direction = read_direction(text)
        self._pause_s += direction.pause_s
        self._delivery = direction.delivery or self._delivery
        if not direction.manner:
            return
        reading = style_from_words(direction.manner)
        self._style = reading.style or self._style
        self._unknown += (UnknownManner(words, reading.style, source_line) for words in reading.unknown)

    def speak(self, text: str, source_line: int) -> None:
        """Say a run of speech, its own brackets followed where they are directions.

        ``(softly) Come in.`` at the start of a line directs, as does ``(beat)`` anywhere; others are words.
        """
        for index, paragraph in enumerate(_PARAGRAPH.split(text)):
            if index:
                self._pause_s += SPEECH_BREAK_S
            words: list[str] = []
            for line in paragraph.split("\n"):
                said = 0
                for bracket in _BRACKET.finditer(line):
                    leads = not line[said : bracket.start()].strip() and line[bracket.end() :].strip()
                    if leads or is_pause(bracket[1]):
                        words.append(line[said : bracket.start()])
                        self.say(" ".join(words), source_line)
                        words.clear()
                        self.direct(bracket[1], source_line)
                        said = bracket.end()
                words.append(line[said:])
            self.say(" ".join(words), source_line)

    def say(self, text: str, source_line: int, style: Style | None = None) -> None:
        text = " ".join(text.split())
        if is_speakable(text):
            self._keep(text, style or self._style or style_from_text(text), source_line)
        elif text:
            self._pause_s += WORDLESS_PAUSE_S

    def _keep(self, text: str, style: Style, source_line: int) -> None:
        stretch = Stretch(text, self._pause_s, tuple(self.sounds), style, self._delivery, source_line)
        self._stretches.append(stretch)
        self._pause_s = 0.0
        self.sounds.clear()


def sung(text: str) -> str:
    """Lyrics in one line; the end of a verse is heard as a comma."""
    verses = (verse for verse in plain(text).split("\n") if verse)
    return " ".join(verse if not verse[-1].isalnum() else verse + "," for verse in verses).removesuffix(",")


def sounds_apart(text: str, source_line: int) -> Iterator[tuple[str, int, SoundCue | None]]:
    """A marked text parted at the notes that ask for sounds: what stands before each, its line, and the sound."""
    position, line = 0, source_line
    for span in spans(text):
        if span.is_note and (asked := read_sound(span.inner(text))):
            before = text[position : span.start]
            end = line + before.count("\n") if source_line else 0
            yield before, line, SoundCue(asked[1], asked[0], end)
            line = end + text.count("\n", span.start, span.end) if source_line else 0
            position = span.end
    yield text[position:], line, None
