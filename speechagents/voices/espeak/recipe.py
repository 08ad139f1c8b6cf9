"""What makes an embedded voice: the parameters of an espeak-ng voice variant, and how a style bends them.

Owns the recipe, its limits, the table of styles and the text of the variant file. Knows nothing of processes or
sound. All changes of style are continuous in strength: 0 is the default exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from speechagents.drama import Style

VOLUME: Final = 30
"""espeak-ng's volume while synthesising: the highest at which no voice clips in any style. At its default of 100
one line in twenty does, of shouted ones every fourth. Takes are levelled afterwards; 16 bits leave 70 dB below."""
_RATE_RANGE: Final = (80, 400)
_PITCH_RANGE: Final = (30, 700)


@dataclass(frozen=True, slots=True)
class Recipe:
    """Parameters of a voice. Names and units are those of espeak-ng's voice files where they have one.

    Attributes:
        pitch: Base and top of the melody in hertz as espeak-ng counts it (``pitch``).
        tract: Factor on the frequency of every formant; above 1 sounds like a shorter vocal tract.
        formants: Per formant (0 to 8) extra percentages of frequency, strength and width.
        rate: Words a minute.
        voicing: Strength of the voice source in percent.
        breath: Strength of breath noise at formants 1 to 8.
        breath_width: Width of these bands of noise in hertz.
        roughness: Irregularity from one period to the next, 0 to 7.
        flutter: Slow wavering of pitch, 2 is usual.
        echo: Delay in milliseconds and strength in percent of a resonance.
        tone: Pairs of frequency (Hz) and strength (0 to 255): a spectral tilt.
        consonants: Strength of unvoiced and voiced consonants in percent.
        stress_add: Change of stressed syllables' length by stress level.
        gap: Pause between words in units of 10 ms.
    """

    pitch: tuple[int, int]
    tract: float = 1.0
    formants: Mapping[int, tuple[int, int, int]] = field(default_factory=dict)
    rate: int = 165
    voicing: int = 100
    breath: tuple[int, ...] = ()
    breath_width: tuple[int, ...] = ()
    roughness: int = 2
    flutter: int = 2
    echo: tuple[int, int] = (0, 0)
    tone: tuple[int, ...] = ()
    consonants: tuple[int, int] = (100, 100)
    stress_add: tuple[int, ...] = ()
    gap: int = 0

    def __post_init__(self) -> None:
        low, high = self.pitch
        if not _PITCH_RANGE[0] <= low <= high <= _PITCH_RANGE[1]:
            raise ValueError(f"pitch {self.pitch} is not ascending between {_PITCH_RANGE[0]} and {_PITCH_RANGE[1]} Hz")
        if not 0.7 <= self.tract <= 1.6:
            raise ValueError(f"tract {self.tract} is not between 0.7 and 1.6")
        if not set(self.formants) <= set(range(9)):
            raise ValueError("formants are numbered 0 to 8")
        if not _RATE_RANGE[0] <= self.rate <= _RATE_RANGE[1]:
            raise ValueError(f"rate {self.rate} is not between {_RATE_RANGE[0]} and {_RATE_RANGE[1]}")
        if not 0 <= self.roughness <= 7:
            raise ValueError(f"roughness {self.roughness} is not between 0 and 7")
        if not (0 <= self.voicing <= 200 and 0 <= self.flutter <= 100 and 0 <= self.gap <= 50):
            raise ValueError("voicing (0 to 200), flutter (0 to 100) or gap (0 to 50) is out of range")


@dataclass(frozen=True, slots=True)
class Effect:
    """What a style at strength 1 does to a voice.

    Attributes:
        rate: Factor on the speed.
        shift_st: Change of pitch in semitones.
        spread: Factor on the width of the melody.
        level_db: Change of level against the reference, in dB.
        tract: Factor on the formant frequencies (lips spread in a smile, rounded in gloom).
        voicing: Factor on the strength of the voice source.
        breath: Breath noise added.
        roughness: Roughness added.
        flutter: Wavering of pitch added.
        gap: Pause between words added, in units of 10 ms.
        tilt_db: Change of the treble above about 1 kHz in dB: vocal effort.
        tremor: Depth of the wavering of level, 0 to 1.
        tremor_hz: Its speed in hertz.
    """

    rate: float = 1.0
    shift_st: float = 0.0
    spread: float = 1.0
    level_db: float = 0.0
    tract: float = 1.0
    voicing: float = 1.0
    breath: float = 0.0
    roughness: float = 0.0
    flutter: float = 0.0
    gap: float = 0.0
    tilt_db: float = 0.0
    tremor: float = 0.0
    tremor_hz: float = 5.0


# Directions after the reviews of vocal emotion (Scherer 2003, Speech Communication 40, table 2; Juslin & Laukka
# 2003, Psychological Bulletin 129): anger, fear and joy fast, loud and high, sadness and tenderness slow, soft
# and low, joy and surprise with a wide melody, sadness with a narrow one. Laughter pulses at 4 to 5 Hz
# (Bachorowski, Smoski & Owren 2001), vocal tremor at 4 to 8 Hz. Amounts are chosen so that each is measurable
# on every voice.
EFFECTS: Final[Mapping[str, Effect]] = MappingProxyType(
    {
        "default": Effect(),
        "happy": Effect(rate=1.07, shift_st=2.5, spread=1.55, level_db=1.0, tract=1.03, tilt_db=1.0),
        "laughing": Effect(
            rate=0.94, shift_st=4.0, spread=1.7, level_db=1.0, tract=1.03, breath=25, tremor=0.75, tremor_hz=4.6
        ),
        "excited": Effect(rate=1.18, shift_st=3.5, spread=1.8, level_db=2.5, tract=1.01, tilt_db=2.0),
        "calm": Effect(rate=0.84, shift_st=-1.4, spread=0.65, level_db=-1.6, tilt_db=-1.5),
        "tender": Effect(rate=0.86, shift_st=0.7, spread=0.85, level_db=-3.5, voicing=0.85, breath=22, tilt_db=-3.0),
        "quiet": Effect(rate=0.95, shift_st=-1.5, spread=0.6, level_db=-6.0, voicing=0.75, breath=28, tilt_db=-2.5),
        "whispering": Effect(rate=0.92, level_db=-8.0, voicing=0.0, breath=75),
        "sad": Effect(rate=0.78, shift_st=-2.5, spread=0.45, level_db=-3.0, tract=0.98, tilt_db=-2.5),
        "crying": Effect(
            rate=0.76, shift_st=2.0, spread=0.8, level_db=-1.5, breath=20, flutter=22, tremor=0.55, tremor_hz=7.0
        ),
        "pleading": Effect(rate=0.88, shift_st=3.0, spread=1.45, level_db=-0.5, breath=12, flutter=8, tilt_db=-0.5),
        "tired": Effect(
            rate=0.72, shift_st=-2.0, spread=0.55, level_db=-4.0, voicing=0.85, breath=20, gap=2, tilt_db=-3.0
        ),
        "hesitant": Effect(rate=0.88, shift_st=0.6, spread=0.85, level_db=-2.0, breath=8, gap=4),
        "afraid": Effect(
            rate=1.2, shift_st=4.0, spread=0.6, level_db=-1.0, breath=18, flutter=14, tremor=0.3, tremor_hz=7.5
        ),
        "surprised": Effect(rate=1.04, shift_st=3.0, spread=2.3, level_db=1.5, tract=1.01),
        "angry": Effect(rate=1.12, shift_st=1.8, spread=1.5, level_db=3.5, tract=0.985, roughness=2, tilt_db=3.5),
        "shouting": Effect(rate=0.94, shift_st=6.0, spread=1.35, level_db=6.0, tract=1.02, roughness=1, tilt_db=6.0),
        "urgent": Effect(rate=1.32, shift_st=1.2, spread=1.1, level_db=1.5, tilt_db=1.5),
        "cold": Effect(rate=0.94, shift_st=-0.8, spread=0.25, level_db=-0.5),
        "sarcastic": Effect(rate=0.8, shift_st=-0.6, spread=1.75, tract=0.985),
        "solemn": Effect(rate=0.8, shift_st=-3.2, spread=0.8, level_db=0.5, tract=0.975, gap=2),
        "singing": Effect(rate=0.64, shift_st=3.0, spread=0.35, level_db=0.5, flutter=30, tremor=0.2, tremor_hz=5.5),
    }
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """How espeak-ng is to speak one line, and what is done to its sound.

    Attributes:
        variant: Lines of a voice variant file.
        settings: espeak-ng parameters.
        level_db: Level against the reference.
        tilt_db: Change of the treble.
        tremor: Depth of the wavering of level, 0 to 1.
        tremor_hz: Its speed.
    """

    variant: str
    settings: Mapping[str, int]
    level_db: float = 0.0
    tilt_db: float = 0.0
    tremor: float = 0.0
    tremor_hz: float = 0.0


def instruction(recipe: Recipe, style: Style) -> Instruction:
    """A voice in a style.

    Raises:
        KeyError: The style is none of `STYLES`.
    """
    effect, strength = EFFECTS[style.tag], style.strength
    base, top = _melody(recipe.pitch, factor=2.0 ** (effect.shift_st * strength / 12.0), spread=effect.spread**strength)
    tract = recipe.tract * effect.tract**strength
    voicing = max(0.0, recipe.voicing * (1.0 + (effect.voicing - 1.0) * strength))
    roughness = min(7, round(recipe.roughness + effect.roughness * strength))
    lines = [
        f"pitch {base} {top}",
        f"flutter {round(recipe.flutter + effect.flutter * strength)}",
        f"roughness {roughness}",
        f"voicing {round(voicing)}",
        f"consonants {recipe.consonants[0]} {recipe.consonants[1]}",
    ]
    for number in range(9):
        frequency, height, width = recipe.formants.get(number, (100, 100, 100))
        # Formant 0 is the glottal resonance at the fundamental: it does not move with the tract.
        scale = 1.0 if number == 0 else tract
        lines.append(f"formant {number} {round(frequency * scale)} {height} {width}")
    breath = _breath(recipe.breath, effect.breath * strength)
    if any(breath):
        lines.append("breath " + " ".join(map(str, breath)))
        widths = recipe.breath_width or (150, 150, 200, 200, 400, 400)
        lines.append("breathw " + " ".join(map(str, widths)))
    if recipe.echo[1]:
        lines.append(f"echo {recipe.echo[0]} {recipe.echo[1]}")
    if recipe.tone:
        lines.append("tone " + " ".join(map(str, recipe.tone)))
    if recipe.stress_add:
        lines.append("stressAdd " + " ".join(map(str, recipe.stress_add)))
    rate = min(max(round(recipe.rate * effect.rate**strength), _RATE_RANGE[0]), _RATE_RANGE[1])
    settings = {
        "rate": rate,
        "volume": VOLUME,
        "pitch": 50,
        "range": 50,
        "gap": round(recipe.gap + effect.gap * strength),
    }
    return Instruction(
        variant="\n".join(lines),
        settings=settings,
        level_db=effect.level_db * strength,
        tilt_db=effect.tilt_db * strength,
        tremor=min(0.9, effect.tremor * strength),
        tremor_hz=effect.tremor_hz,
    )


def _melody(pitch: tuple[int, int], *, factor: float, spread: float) -> tuple[int, int]:
    """The pitch pair whose median is raised by a factor and whose width in semitones by another.

    espeak-ng speaks a pair (low, high) with a median of about low - 9 + 0.78 (high - low) hertz (measured over the
    catalogue, within 3 %), so a wider melody alone would move the median too.
    """
    low, high = pitch
    if factor == spread == 1.0:
        return low, high
    median = (low - 9 + 0.78 * (high - low)) * factor
    width = (high - low) * factor * spread
    base = min(max(round(median + 9 - 0.78 * width), _PITCH_RANGE[0]), _PITCH_RANGE[1])
    return base, min(max(round(base + width), base), _PITCH_RANGE[1])


# Breath noise falls towards the higher formants, as in espeak-ng's own whisper.
_BREATH_SHAPE: Final = (1.0, 1.0, 0.67, 0.53, 0.2, 0.13)


def _breath(own: tuple[int, ...], added: float) -> list[int]:
    count = max(len(own), len(_BREATH_SHAPE) if added else 0)
    padded = [*own, *[0] * (count - len(own))]
    shape = [*_BREATH_SHAPE, *[0.0] * (count - len(_BREATH_SHAPE))]
    return [min(250, round(a + added * b)) for a, b in zip(padded, shape, strict=False)]
