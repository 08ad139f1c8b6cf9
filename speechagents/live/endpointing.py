"""When somebody begins to speak, and when they are done.

Owns the decision over a sound that comes in pieces of any length: which 32 ms are voice (`vad`), from how many on it is
speech, and how long a silence ends it. Positions are seconds on the clock of the input, 0 being the first sample fed,
and do not depend on how the sound was cut into pieces. Does not know what is done with an utterance, nor how it is
understood; it is only told the words so far, because people pause in the middle of a sentence for longer than between
two of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import soxr

from speechagents.audio import Audio, Samples
from speechagents.errors import SettingsError
from speechagents.listeners.vad import RATE_HZ, WINDOW, WINDOW_S, SileroVad

INPUT_RATE_HZ: Final = 24_000

_QUALITY: Final = "LQ"
"""Of the resampler: 16 bits are plenty for a detector, and better filters hold back twice as much sound."""

_AFTER_CUT_S: Final = 0.25
"""Voice that goes on after a cut must last so long to be a new utterance: the detector's own reverberation does not."""

_OPEN_ENDS: Final = (",", ";", ":", "–", "—", "-", "…", "...")
_FULL_STOPS: Final = (".", "!", "?", "。", "！", "？")

# fmt: off
# Words after which a sentence is hardly ever over. A recogniser without punctuation gives nothing else to go by.
_ENGLISH: Final = frozenset((
    "a", "an", "the", "my", "your", "our", "their", "and", "but", "or", "nor", "so", "because", "although", "unless",
    "until", "when", "while", "whether", "which", "whose", "of", "to", "from", "for", "with", "into", "onto", "than",
    "as", "i'm", "you're", "we're", "they're", "i've", "i'll", "you'll", "we'll", "i", "we", "they", "um", "uh", "er",
    "erm",
))
_GERMAN: Final = frozenset((
    "der", "das", "den", "dem", "ein", "eine", "einen", "einem", "einer", "mein", "meine", "dein", "deine", "sein",
    "seine", "unser", "unsere", "und", "aber", "oder", "denn", "weil", "dass", "wenn", "ob", "obwohl", "damit",
    "bevor", "nachdem", "während", "ohne", "von", "zum", "zur", "für", "im", "am", "äh", "ähm",
))
# fmt: on
_UNFINISHED: Final = {"en": _ENGLISH, "de": _GERMAN}


_HUSH: Final = 1e-4
"""Below three steps of 16 bits: muted, or gated by the browser's noise suppression."""
_HUSHED_WINDOWS: Final = 10
"""After a third of a second of that the detector has settled, and need not be asked."""


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How turns are told apart.

    Attributes:
        threshold: From this probability of voice on somebody speaks.
        hysteresis: How far the probability must fall below that for silence.
        prefix_padding_s: How much of the sound before the first voice belongs to the utterance.
        least_speech_s: Less voice than this is a click.
        silence_s: So much silence ends an utterance.
        settled_silence_s: The same where the words so far end like a sentence.
        open_silence_s: The same where they end in the middle of one.
        ends_by_itself: A silence ends an utterance. If not, only `TurnDetector.cut` does (push to talk).
        language: BCP 47 tag of the words so far.

    Raises:
        SettingsError: A value is out of range.
    """

    threshold: float = 0.5
    hysteresis: float = 0.15
    prefix_padding_s: float = 0.3
    least_speech_s: float = 0.06
    silence_s: float = 0.35
    settled_silence_s: float = 0.25
    open_silence_s: float = 0.9
    ends_by_itself: bool = True
    language: str = "en"

    def __post_init__(self) -> None:
        for name, least, most in (
            ("threshold", 0.0, 1.0),
            ("hysteresis", 0.0, 1.0),
            ("prefix_padding_s", 0.0, 2.0),
            ("least_speech_s", 0.0, 2.0),
            ("silence_s", WINDOW_S, 10.0),
            ("settled_silence_s", WINDOW_S, 10.0),
            ("open_silence_s", WINDOW_S, 10.0),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise SettingsError(f"{name.removesuffix('_s')} of {value} is not between {least:g} and {most:g}")

    def silence_after(self, text: str) -> float:
        """How much silence ends an utterance in which that was understood so far: the pause rule."""
        text = text.rstrip().rstrip("\"'”’»)")
        if text.endswith(_OPEN_ENDS) or _last_word(text) in _UNFINISHED.get(self.language.partition("-")[0], ()):
            return max(self.silence_s, self.open_silence_s)
        if text.endswith(_FULL_STOPS):
            return min(self.silence_s, self.settled_silence_s)
        return self.silence_s


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody has begun to speak.

    Attributes:
        start_s: Where the utterance begins: the first voice, and what is to belong to it of the sound before.
    """

    start_s: float


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """They are done.

    Attributes:
        start_s: As in `SpeechStarted`.
        end_s: Where the last voice ended; the silence that proved it comes after that.
    """

    start_s: float
    end_s: float


class TurnDetector:
    """Finds the utterances of one sound. Used by one thread at a time.

    Args:
        settings: How turns are told apart.
        vad: Tells voice from silence; shared.
    """

    def __init__(self, settings: TurnDetection, vad: SileroVad) -> None:
        self._settings = settings
        self._voice = vad.stream()
        self._resampler: Any = soxr.ResampleStream(INPUT_RATE_HZ, RATE_HZ, 1, dtype="float32", quality=_QUALITY)
        self._rest: Samples = np.zeros(0, np.float32)
        self._fed = 0
        self._windows = 0
        self._hushed = 0  # windows of silence in a row
        self._free_from = 0.0  # where the next utterance may begin at the earliest
        self._going = _Utterance()
        self._just_cut = False

    @property
    def position_s(self) -> float:
        """How much of the input was heard."""
        return self._fed / INPUT_RATE_HZ

    @property
    def voiced_s(self) -> float:
        """Seconds of voice in the utterance that is going on, 0 when none is."""
        return self._going.voiced * WINDOW_S if self._going.start_s is not None else 0.0

    def feed(self, audio: Audio) -> list[SpeechStarted | SpeechStopped]:
        """Hear more: mono at `INPUT_RATE_HZ`, of any length."""
        if audio.rate_hz != INPUT_RATE_HZ or audio.channels != 1:
            raise ValueError(f"sound of {audio.channels} channels at {audio.rate_hz} Hz is not mono at {INPUT_RATE_HZ}")
        self._fed += audio.frames
        if not audio.frames:
            return []
        sound = np.concatenate([self._rest, self._resampler.resample_chunk(audio.samples)])
        whole = len(sound) // WINDOW * WINDOW
        self._rest = sound[whole:]
        found = [self._window(window) for window in sound[:whole].reshape(-1, WINDOW)]
        return [one for one in found if one is not None]

    def expect_more(self, text: str) -> None:
        """What is understood so far of the utterance that is going on; it decides how long a pause may be."""
        self._going.silence_s = self._settings.silence_after(text)

    def cut(self) -> SpeechStopped | None:
        """End the utterance that is going on now, without waiting for a silence; None if there is none."""
        self._just_cut = True
        return self._stop()

    def reset(self) -> None:
        """Forget the utterance that is going on."""
        self._just_cut = True
        self._stop()

    def _probability(self, window: Samples) -> float:
        """How probable it is that somebody speaks; a microphone that is off costs nothing."""
        self._hushed = self._hushed + 1 if np.abs(window).max() < _HUSH else 0
        return 0.0 if self._hushed > _HUSHED_WINDOWS else self._voice.probability(window)

    def _window(self, window: Samples) -> SpeechStarted | SpeechStopped | None:
        probability = self._probability(window)
        start_s = self._windows * WINDOW_S
        self._windows += 1
        going, settings = self._going, self._settings
        speaking = going.silent == 0 and going.voiced > 0
        if probability >= settings.threshold - (settings.hysteresis if speaking else 0.0):
            going.voiced += 1
            going.silent = 0
            if going.first_s is None:
                going.first_s = start_s
            going.end_s = start_s + WINDOW_S
            least_s = max(settings.least_speech_s, _AFTER_CUT_S) if self._just_cut else settings.least_speech_s
            if going.start_s is None and going.voiced * WINDOW_S >= least_s:
                self._just_cut = False
                going.start_s = max(self._free_from, going.first_s - settings.prefix_padding_s)
                return SpeechStarted(going.start_s)
        elif going.start_s is None:
            self._going = _Utterance()
            self._just_cut = False
        else:
            going.silent += 1
            # What was understood comes late; until then the settings' own silence counts.
            limit_s = settings.silence_s if going.silence_s is None else going.silence_s
            if settings.ends_by_itself and going.silent * WINDOW_S >= limit_s:
                return self._stop()
        return None

    def _stop(self) -> SpeechStopped | None:
        going, self._going = self._going, _Utterance()
        if going.start_s is None:
            return None
        self._free_from = going.end_s
        return SpeechStopped(going.start_s, going.end_s)


@dataclass(slots=True)
class _Utterance:
    """The one that is going on, or may be about to."""

    first_s: float | None = None
    start_s: float | None = None
    end_s: float = 0.0
    voiced: int = 0
    silent: int = 0
    silence_s: float | None = None


def _last_word(text: str) -> str:
    return text.lower().replace("’", "'").rpartition(" ")[2]
