"""The embedded synthesizer: espeak-ng behind the `Synthesizer` protocol.

Owns the way of a line: text made fit, style and language looked up, spoken by a worker process, finished into a
take. Never loads espeak-ng into this process.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from types import TracebackType
from typing import Final

from speechagents.audio import Audio
from speechagents.errors import SettingsError, SynthesisError
from speechagents.styles import STYLES
from speechagents.voices.abilities import Abilities, StyleMeans
from speechagents.voices.espeak.catalogue import LICENCE, EmbeddedVoice, load_catalogue
from speechagents.voices.espeak.finish import finished
from speechagents.voices.espeak.languages import language_file, primary_languages
from speechagents.voices.espeak.process import Utterance, WorkerPool, request_frame
from speechagents.voices.espeak.recipe import Instruction, instruction
from speechagents.voices.espeak.text import MAX_TEXT_CHARS, SpokenText, spoken_text
from speechagents.voices.espeak.timing import word_times
from speechagents.voices.espeak.worker import EVENT_WORD
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take, Voice

SETTINGS_VERSION: Final = 1
"""Raise it whenever the same line would sound different: takes are stored under it."""
SAMPLE_RATE_HZ: Final = 22_050
BREATH_S: Final = 0.35
"""Length of the silent take of a line with nothing to say ("…"): a breath."""
_LIMIT_S: Final = 15.0
_LIMIT_S_PER_CHAR: Final = 0.01


class EspeakSynthesizer:
    """Speaks with espeak-ng in worker processes of its own.

    Takes are mono float32 at 22 050 Hz, trimmed, speech at `finish.REFERENCE_DB` plus the style's own offset. The
    same line gives the same samples, whatever was spoken before and by which worker. Every voice speaks every
    language. It keeps its own accent when no language is given, or one that the accent belongs to: a Scot does so
    in ``en`` and ``en-GB``, but speaks ``en-US`` like an American. A line with nothing to say ("…", an emoji)
    becomes `BREATH_S` of silence without words. In scripts written without spaces a whole run counts as one word.

    Use it as a context manager or call `close`.

    Args:
        jobs: Number of worker processes; they start when first needed.
        voices: The catalogue, the embedded one by default.
    """

    def __init__(self, *, jobs: int = 2, voices: Iterable[EmbeddedVoice] | None = None) -> None:
        if not 1 <= jobs <= 256:
            raise SettingsError(f"{jobs} jobs: use 1 to 256")
        catalogue = tuple(load_catalogue() if voices is None else voices)
        self._voices = tuple(entry.voice for entry in catalogue)
        self._by_id = {entry.voice.id: entry for entry in catalogue}
        self._jobs = jobs
        self._pool = WorkerPool(jobs)
        self._finalizer = weakref.finalize(self, self._pool.close)

    def __enter__(self) -> EspeakSynthesizer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker processes."""
        self._finalizer()

    @property
    def identity(self) -> str:
        """Engine, its version and that of the settings."""
        return f"espeak-ng {self._pool.version} settings {SETTINGS_VERSION}"

    @property
    def voices(self) -> Sequence[Voice]:
        """The catalogue."""
        return self._voices

    @property
    def rule(self) -> str:
        """Its takes are judged by its own word events: recognisers misread two words of three."""
        return "espeak-ng's own word events"

    @property
    def abilities(self) -> Abilities:
        """All styles, by prosody and voice quality; every language of espeak-ng; no cloning."""
        return Abilities(
            languages=primary_languages(),
            rate_hz=SAMPLE_RATE_HZ,
            code_licence="GPL-3.0-or-later, in a process of its own",
            weights_licence=LICENCE,
            commercial=True,
            styles=dict.fromkeys(STYLES, StyleMeans.PROSODY),
            max_chars=MAX_TEXT_CHARS,
        )

    def check_language(self, tag: str) -> None:
        """Refuse a language that espeak-ng does not speak; empty means each voice's own.

        Raises:
            SettingsError: It is not spoken; the message names similar ones.
        """
        if tag:
            language_file(tag)

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        """Render lines, in order, each as soon as it is ready; a few are spoken ahead of the one that is read."""
        ahead: deque[tuple[SpokenLine, Future[Take] | Take | FailedTake]] = deque()
        rest = iter(lines)
        try:
            while True:
                while len(ahead) < 3 * self._jobs and (line := next(rest, None)) is not None:
                    ahead.append((line, self._begin(line)))
                if not ahead:
                    return
                line, result = ahead.popleft()
                if isinstance(result, Future):
                    try:
                        yield result.result()
                    except SynthesisError as error:
                        yield FailedTake(line, str(error))
                else:
                    yield result
        finally:
            for _, result in ahead:
                if isinstance(result, Future):
                    result.cancel()

    def _begin(self, line: SpokenLine) -> Future[Take] | Take | FailedTake:
        """Send a line to the workers, or settle it at once."""
        entry = self._by_id.get(line.voice.id)
        if entry is None:
            return FailedTake(line, f"{line.voice.id!r} is no embedded voice; see `speechagents voices`")
        if line.style.tag not in STYLES:
            return FailedTake(line, f"{line.style.tag!r} is no style; use one of {', '.join(STYLES)}")
        if len(line.text) > MAX_TEXT_CHARS:
            return FailedTake(line, f"the text is longer than {MAX_TEXT_CHARS} characters; split it")
        try:
            language = _language(entry, line.language)
        except SettingsError as error:
            return FailedTake(line, str(error))
        spoken = spoken_text(line.text, language=line.language or entry.voice.accent)
        if not spoken.tokens:
            return Take(line, Audio.silence(BREATH_S, SAMPLE_RATE_HZ))
        how = instruction(entry.recipe, line.style)
        limit_s = _LIMIT_S + _LIMIT_S_PER_CHAR * len(spoken.text)
        frame = request_frame(
            text=spoken.text, language=language, variant=how.variant, settings=how.settings, limit_s=limit_s
        )
        return self._pool.submit(frame, limit_s=limit_s, finish=partial(_take, line, spoken, how))


def _language(entry: EmbeddedVoice, tag: str) -> str:
    """The language file: the voice's own accent when that is of the variety asked for, else that variety."""
    if not tag or f"{entry.voice.accent}-".lower().startswith(f"{tag.replace('_', '-')}-".lower()):
        return entry.language
    return language_file(tag)


def _take(line: SpokenLine, spoken: SpokenText, how: Instruction, utterance: Utterance) -> Take:
    """Finish what a worker answered; runs on the worker's thread.

    Raises:
        SynthesisError: espeak-ng passed over the whole line. A silent take, or one whose words have made-up times,
            would be kept and never be tried again.
    """
    if not utterance.samples.any():
        if not any(map(str.isalnum, line.text)):
            # A sign that this language has no name for.
            return Take(line, Audio.silence(BREATH_S, utterance.rate_hz))
        raise SynthesisError("espeak-ng made no sound of it; write it in letters of the line's language")
    if not (utterance.events[:, 0] == EVENT_WORD).any():
        raise SynthesisError("espeak-ng found no word in it; write it in letters of the line's language")
    audio, offset_s = finished(utterance.samples, utterance.rate_hz, how)
    words = word_times(spoken, utterance, offset_s=offset_s, duration_s=audio.duration_s)
    return Take(line, audio, words)
