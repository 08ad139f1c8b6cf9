"""Who speaks when: the values that rhythm makes and that mixing, subtitles and exports read.

Owns the placed line and the timeline. Does not know how times are chosen (`rhythm`), where people stand
(`staging`) or how it is mixed. Times are seconds from the start of the programme.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from speechagents.drama import Line
from speechagents.voices.synthesizer import Word


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """A line with its place in time and on the stage.

    Attributes:
        line: What is said by whom.
        take: Content address of the take (64 hexadecimal digits).
        start_s: When its audio starts.
        duration_s: Length of its audio.
        words: Words with times in seconds from the start of the programme.
        pan: Position from -1 (left) to 1 (right).
    """

    line: Line
    take: str
    start_s: float
    duration_s: float
    words: tuple[Word, ...] = ()
    pan: float = 0.0

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.start_s + self.duration_s

    def shifted(self, by_s: float) -> PlacedLine:
        """The same line, everything later by some seconds."""
        words = tuple(Word(word.text, word.start_s + by_s, word.end_s + by_s) for word in self.words)
        return replace(self, start_s=self.start_s + by_s, words=words)


@dataclass(frozen=True, slots=True)
class PlacedSound:
    """An effect or ambience with its place in time.

    Attributes:
        file: Index into `Timeline.sounds`.
        start_s: When it starts.
        duration_s: How long it is heard.
        gain_db: Level change against the file as it is.
        fade_s: Fade at both ends.
        looped: Repeated to fill its duration, its end faded over into its beginning: an ambience.
    """

    file: int
    start_s: float
    duration_s: float
    gain_db: float = 0.0
    fade_s: float = 0.01
    looped: bool = False


@dataclass(frozen=True, slots=True)
class PlacedScene:
    """A scene with its place in time.

    The last `SCENE_GUARD_S` seconds before `end_s` and the first after `start_s` hold digital silence, so that
    scenes can be mixed, cached and encoded on their own and joined without a click.

    Attributes:
        title: Chapter title.
        setting: Slug line; its room is heard.
        start_s: Where the scene begins in the programme.
        end_s: Where the next one begins.
        lines: In order of their start.
        sounds: Effects and ambiences.
    """

    title: str
    setting: str
    start_s: float
    end_s: float
    lines: tuple[PlacedLine, ...]
    sounds: tuple[PlacedSound, ...] = ()

    def shifted(self, by_s: float) -> PlacedScene:
        """The same scene, everything later by some seconds."""
        return replace(
            self,
            start_s=self.start_s + by_s,
            end_s=self.end_s + by_s,
            lines=tuple(line.shifted(by_s) for line in self.lines),
            sounds=tuple(replace(sound, start_s=sound.start_s + by_s) for sound in self.sounds),
        )


SCENE_GUARD_S = 0.2
"""Digital silence at both ends of every scene: room for one frame of any codec (at most 26 ms) on either side of
a joint, and for rounding the joint to a codec's frame grid."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole programme.

    Attributes:
        title: Title of the programme.
        scenes: In order, without gaps: each starts where the one before ends.
        sounds: Names of the user's sound files, relative to the sound folder.
        language: BCP 47 tag of the script.
    """

    title: str
    scenes: Sequence[PlacedScene]
    sounds: tuple[str, ...] = field(default=())
    language: str = "en"

    @property
    def duration_s(self) -> float:
        """Length of the programme."""
        return self.scenes[-1].end_s if self.scenes else 0.0

    def lines(self) -> Iterator[PlacedLine]:
        """All placed lines, scene by scene."""
        for scene in self.scenes:
            yield from scene.lines

    @property
    def roles(self) -> tuple[str, ...]:
        """Names of the roles that speak, in order of their first line."""
        return tuple(dict.fromkeys(placed.line.role for placed in self.lines()))
