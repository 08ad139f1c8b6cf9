"""Speech recognition by Whisper, through faster-whisper (CTranslate2).

Owns how clips become one batch: what is speech in each is found first (Silero's detector, which comes with the
package), all spans of all clips are recognised together, and each span's words go back to its clip. What the detector
takes for silence is never shown to the model, which would make up words for it. While somebody speaks, what was said so
far is recognised anew every now and then, for Whisper does not stream. Does not know who listens.

Weights are read from disk alone unless `download` is asked for. Importing this module needs faster-whisper; nothing
else in the package imports it but the registry.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from speechagents.audio import Audio
from speechagents.errors import ListenerError, SettingsError, WeightsMissing
from speechagents.listeners.listener import Listener, TranscribedWord, Transcript
from speechagents.weights import local_folder

if importlib.util.find_spec("faster_whisper") is None:
    raise ModuleNotFoundError("No module named 'faster_whisper'", name="faster_whisper")

_RATE_HZ: Final = 16_000
_WEIGHTS: Final = "model.bin"
"""CTranslate2's own format: what other programs call so is a pickle, this is none."""

_FILES: Final = ("config.json", _WEIGHTS, "tokenizer.json", "vocabulary.*")
"""Without the tokenizer the library would ask a network for one."""

_MAX_SPAN_S: Final = 29.0
"""Whisper hears 30 s at once."""

_MAX_HINT_CHARS: Final = 400
_MADE_UP_RATIO: Final = 2.4
"""Text that compresses better than this repeats itself: Whisper's own sign of a hallucination (Radford et al. 2022)."""

_PARTIAL_EVERY_S: Final = 0.8
"""Seconds of new speech between two looks at an utterance that is going on."""

_PARTIAL_MOST_S: Final = 20.0
"""An utterance longer than this is left alone until it is over: each look would take longer than the one before."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Speech in a clip, in samples of the joined sound and of the clip."""

    clip: int
    start: int
    end: int
    offset: int


class WhisperListener:
    """Whisper in memory. Safe to use from several threads; they wait for each other.

    Args:
        model: Size (``base``, ``small``, ``large-v3-turbo`` …), a folder with a converted model, or a name on the hub.
        revision: Of a name on the hub.
        download: Fetch what is missing.
        device: ``auto``, ``cpu`` or ``cuda``.
        compute_type: Of CTranslate2; empty takes int8 on a CPU and float16 on a GPU.
        batch: Most spans recognised at once.

    Raises:
        SettingsError: An argument is out of range.
        WeightsMissing: There is no such model here.
        ListenerError: It is damaged, or could not be downloaded.
    """

    def __init__(
        self,
        *,
        model: str = "base",
        revision: str = "",
        download: bool = False,
        device: str = "auto",
        compute_type: str = "",
        batch: int = 16,
    ) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        if not 1 <= batch <= 256:
            raise SettingsError(f"a batch of {batch} is not between 1 and 256")
        if device == "auto":
            device = "cuda" if _gpus() else "cpu"
        try:
            whisper = WhisperModel(
                str(_folder(model, revision, download=download)),
                device=device,
                compute_type=compute_type or ("float16" if device == "cuda" else "int8"),
                local_files_only=True,
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise ListenerError(
                f"the Whisper model {model!r} cannot be loaded ({(str(error) or repr(error)).splitlines()[0][:200]}); "
                "download it again"
            ) from error
        self._identity = f"whisper 1 {f'{Path(model).name} {revision}'.rstrip()} {compute_type or device}"
        self._pipeline = BatchedInferencePipeline(whisper)
        self._batch = batch
        self._one_at_a_time = threading.Lock()

    @property
    def identity(self) -> str:
        """Name, model and precision."""
        return self._identity

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        """One transcript for each clip, in order; all speech of a call is one batch."""
        sounds = [clip.resampled(_RATE_HZ).mono().samples.astype(np.float32) for clip in clips]
        spans = list(_spans(sounds))
        words: list[list[TranscribedWord]] = [[] for _ in sounds]
        texts: list[list[str]] = [[] for _ in sounds]
        found_language = language.partition("-")[0].lower()
        if spans:
            with self._one_at_a_time:
                segments, about = self._pipeline.transcribe(
                    np.concatenate(sounds),
                    language=_known(found_language),
                    clip_timestamps=[{"start": span.start / _RATE_HZ, "end": span.end / _RATE_HZ} for span in spans],
                    word_timestamps=True,
                    hotwords=_hint(hints) or None,
                    temperature=0.0,
                    batch_size=self._batch,
                )
                for segment in segments:
                    span = _span_at(spans, segment.start)
                    if segment.compression_ratio > _MADE_UP_RATIO:
                        continue
                    texts[span.clip].append(segment.text.strip())
                    words[span.clip] += [_word(word, span.offset / _RATE_HZ) for word in segment.words or ()]
            found_language = found_language or str(about.language)
        for text, spoken in zip(texts, words, strict=True):
            yield Transcript(" ".join(filter(None, text)), tuple(spoken), found_language)

    def open(self, *, hints: Sequence[str] = (), language: str = "") -> WhisperHearer:
        """Begin to listen to one utterance."""
        return WhisperHearer(self, hints, language)


class WhisperHearer:
    """One utterance. Made by `WhisperListener`; looks at all of it at most every `_PARTIAL_EVERY_S` of sound."""

    def __init__(self, listener: Listener, hints: Sequence[str], language: str) -> None:
        self._listener = listener
        self._hints = tuple(hints)
        self._language = language
        self._pieces: list[Audio] = []
        self._heard = 0
        self._look_at_s = _PARTIAL_EVERY_S
        self._text = ""

    def feed(self, audio: Audio) -> str:
        """Hear more; what was understood at the last look. The call that looks takes as long as that."""
        if self._pieces and audio.rate_hz != self._pieces[0].rate_hz:
            raise ValueError(f"a piece at {audio.rate_hz} Hz does not continue one at {self._pieces[0].rate_hz} Hz")
        self._pieces.append(audio.mono())
        self._heard += audio.frames
        heard_s = self._heard / audio.rate_hz
        if self._look_at_s <= heard_s <= _PARTIAL_MOST_S:
            began = time.monotonic()
            self._text = self._look().text
            # Where a look takes longer than the sound between two, the next one waits as long as this one took.
            self._look_at_s = heard_s + max(_PARTIAL_EVERY_S, time.monotonic() - began)
        return self._text

    def finish(self) -> Transcript:
        """The transcript of all of it."""
        return self._look()

    def _look(self) -> Transcript:
        if not self._pieces:
            return Transcript("", language=self._language)
        whole = Audio(np.concatenate([piece.samples for piece in self._pieces]), self._pieces[0].rate_hz)
        return next(iter(self._listener.transcribe([whole], hints=self._hints, language=self._language)))


def make_whisper(**options: Any) -> WhisperListener:
    """The listener, for the registry."""
    return WhisperListener(**options)


def _folder(model: str, revision: str, *, download: bool) -> Path:
    """Where a model lies."""
    from faster_whisper.utils import _MODELS, download_model

    try:
        return local_folder(_MODELS.get(model, model), revision=revision, files=_FILES, allowed=(_WEIGHTS,))
    except WeightsMissing as error:
        if not download:
            raise WeightsMissing(f"the Whisper model {model!r}: {error}; or set download: true") from error
    return Path(download_model(model, revision=revision or None))


def _hint(hints: Sequence[str]) -> str:
    """Likely words as the tokenizer takes them: half of a surrogate pair is no text to it."""
    return " ".join(hints)[:_MAX_HINT_CHARS].encode("utf-8", "replace").decode()


def _gpus() -> int:
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())


def _known(language: str) -> str | None:
    """A language as Whisper names it; None where it does not know it and has to find out by itself."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    named = {"cmn": "zh", "nb": "no"}.get(language, language)
    return named if named in _LANGUAGE_CODES else None


def _spans(sounds: Sequence[Any]) -> Iterator[_Span]:
    """Speech in all clips, laid end to end."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    offset = 0
    for number, sound in enumerate(sounds):
        for speech in get_speech_timestamps(sound, VadOptions(max_speech_duration_s=_MAX_SPAN_S)):
            yield _Span(number, offset + int(speech["start"]), offset + int(speech["end"]), offset)
        offset += len(sound)


def _span_at(spans: Sequence[_Span], start_s: float) -> _Span:
    """The span that a segment comes from: its times are those of the joined sound."""
    at = round(start_s * _RATE_HZ)
    return min(spans, key=lambda span: max(span.start - at, at - span.end + 1, 0))


def _word(word: Any, offset_s: float) -> TranscribedWord:
    return TranscribedWord(
        str(word.word).strip(),
        round(max(0.0, float(word.start) - offset_s), 3),
        round(max(0.0, float(word.end) - offset_s), 3),
        float(np.clip(word.probability, 0.0, 1.0)),
    )
