"""Ears behind any server that speaks OpenAI's ``/v1/audio/transcriptions``.

It may be OpenAI's, or vLLM, Speaches or LocalAI on this machine or in the next room. Owns what happens between clips
and transcripts: silence is cut out and never sent, clips are worked on at the same time, and what the server takes is
learnt once. Does not know what requests look like (`openai_answers`), where speech is (`openai_speech_parts`) or how
they travel (`controllers.exchange`).
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
import re
import wave
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from speechagents.audio import Audio
from speechagents.controllers.complaints import complaint_of
from speechagents.controllers.exchange import Content, Exchange, Limits, RefusedError, UnusableAnswerError, Upload
from speechagents.controllers.model_server import TROUBLES, ModelServer, Task
from speechagents.controllers.retrying import Sleep
from speechagents.errors import ListenerError
from speechagents.listeners.listener import TranscribedWord, Transcript
from speechagents.listeners.openai_answers import HeardText, HearingDialect, form_fields, read_answer
from speechagents.listeners.openai_speech_parts import SpeechPart, speech_parts

SERVER_VARIABLE: Final = "SPEECHAGENTS_TRANSCRIPTION_SERVER"
"""Environment variable with the base URL of the server to listen with, where the options name none."""

SETTINGS_VERSION: Final = 1
"""Raise it whenever the same sound would be understood otherwise."""

_TASK: Final = Task(
    "transcriptions",
    re.compile(r"whisper|transcri|\basr\b|-asr|parakeet|canary|moonshine|voxtral|\bstt\b"),
    SERVER_VARIABLE,
    ListenerError,
)
_STATUSES_OF_DIALECT: Final = frozenset({400, 422, 500, 501})
"""With these a server says that it does not take a field."""

_AHEAD: Final = 3
"""Clips that are cut and under way for each request that may be."""

# Whisper's codes where they differ from BCP 47's primary tags.
_ISO_639_1: Final = {"cmn": "zh", "nb": "no", "fil": "tl"}


class OpenAITranscriptions:
    """A `Listener` behind a server that speaks OpenAI's transcription requests.

    Nothing is sent before it is used, and nothing for clips in which nobody speaks. Connections stay open between
    calls; `close`, or the end of the object, closes them. Safe to use from several threads.

    Args:
        base_url: Of the server, for example ``http://localhost:8000/v1``; without a path it gets ``/v1``. Empty takes
            that in ``SPEECHAGENTS_TRANSCRIPTION_SERVER``.
        model: Its name there; empty takes the first in the server's list that looks like a recogniser.
        key_variable: Name of the environment variable that holds the key; empty sends none. None takes
            ``SPEECHAGENTS_API_KEY`` or, over TLS alone, ``OPENAI_API_KEY``. No key crosses a network unencrypted.
        concurrency: Most requests at the same time; a server that batches wants many.
        timeout_s: Longest wait for one whole answer, in seconds.
        attempts: Tries for each request, the first included.
        max_answer_bytes: Longer answers are not read.
        sleep: Waits before another try.

    Raises:
        SettingsError: An argument is out of range, no server is named, or the key would cross a network unencrypted.
    """

    def __init__(
        self,
        *,
        base_url: str = "",
        model: str = "",
        key_variable: str | None = None,
        concurrency: int = 8,
        timeout_s: float = 120.0,
        attempts: int = 4,
        max_answer_bytes: int = 4_000_000,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._server = ModelServer(
            _TASK,
            base_url=base_url,
            model=model,
            key_variable=key_variable,
            limits=Limits(timeout_s=timeout_s, answer_bytes=max_answer_bytes, requests=concurrency),
            attempts=attempts,
            sleep=sleep,
        )
        self._concurrency = concurrency
        self._dialect = HearingDialect()

    def __repr__(self) -> str:
        return f"OpenAITranscriptions(base_url={self._server.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Break off what is under way and close the connections; the next use opens new ones."""
        self._server.close()

    @property
    def identity(self) -> str:
        """The model at its server, whose address is in it as a number only.

        Raises:
            ListenerError: The server was asked for its model and has none, or does not answer.
        """
        where = hashlib.blake2b(self._server.base_url.encode(), digest_size=4).hexdigest()
        return f"openai-transcriptions {SETTINGS_VERSION} {self._server.model} at {where}"

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        """One transcript for each clip, in order, each as soon as it and those before it are there.

        Closing the iterator breaks off what is under way.

        Raises:
            ListenerError: The server cannot be used, or has failed on a clip as often as it is tried.
            SettingsError: The key would cross a network unencrypted.
        """
        ahead: deque[tuple[Audio, list[tuple[SpeechPart, Future[HeardText]]]]] = deque()
        asked = functools.partial(self._begin, hints=tuple(hints), language=_iso_639_1(language))
        rest = iter(clips)
        try:
            while True:
                while len(ahead) < _AHEAD * self._concurrency and (clip := next(rest, None)) is not None:
                    ahead.append((clip, [(part, asked(part)) for part in speech_parts(clip)]))
                if not ahead:
                    return
                clip, parts = ahead[0]
                transcript = self._transcript(clip, parts, language)
                ahead.popleft()
                yield transcript
        finally:
            for _, parts in ahead:
                for _, future in parts:
                    future.cancel()

    def _begin(self, part: SpeechPart, *, hints: Sequence[str], language: str) -> Future[HeardText]:
        model, exchange = self._server.model, self._server.open()
        return exchange.start(self._heard(exchange, part.sound, model, hints, language))

    def _transcript(
        self, clip: Audio, parts: Sequence[tuple[SpeechPart, Future[HeardText]]], language: str
    ) -> Transcript:
        heard = [(part, self._server.result_of(future)) for part, future in parts]
        spoken = language.replace("_", "-").partition("-")[0].lower()
        words = tuple(
            TranscribedWord(
                word.text,
                round(min(clip.duration_s, part.in_clip_s(word.start_s)), 3),
                round(min(clip.duration_s, part.in_clip_s(word.end_s)), 3),
                word.confidence,
            )
            for part, one in heard
            for word in one.words
        )
        return Transcript(
            " ".join(one.text for _, one in heard if one.text),
            words,
            spoken or next((one.language for _, one in heard if one.language), ""),
        )

    async def _heard(
        self, exchange: Exchange, sound: Audio, model: str, hints: Sequence[str], language: str
    ) -> HeardText:
        upload = Upload("file", "clip.wav", Content("audio/wav", _wav(sound)))
        try:
            async with exchange.slots:
                heard = await self._ask(exchange, upload, sound.duration_s, (model, hints, language))
        except TROUBLES as trouble:
            if self._server.is_hopeless(trouble):
                raise await self._server.failure(exchange, trouble, model) from trouble
            raise ListenerError(f"{self._server.base_url}: {trouble}") from trouble
        self._server.proven = True
        return heard

    async def _ask(
        self, exchange: Exchange, upload: Upload, duration_s: float, asked: tuple[str, Sequence[str], str]
    ) -> HeardText:
        """Ask for less and less, and remember the first that the server takes."""
        model, hints, language = asked
        draw = hashlib.blake2b(upload.content.data, digest_size=8).hexdigest()
        began = dialect = self._dialect
        while True:
            fields = form_fields(dialect, model=model, hints=hints, language=language)
            send = functools.partial(exchange.post_form, "audio/transcriptions", fields, upload)
            try:
                data = await self._server.insist(send, draw=draw)
            except RefusedError as refusal:
                lesser = dialect.without(refusal.said) if refusal.status in _STATUSES_OF_DIALECT else None
                if lesser is None:
                    raise
                dialect = lesser
                continue
            if self._dialect == began:
                self._dialect = dialect
            heard = read_answer(data, duration_s=duration_s)
            if heard is None:
                said = complaint_of(data)
                raise UnusableAnswerError("the answer holds no text" + (f": {said}" if said else ""))
            return heard


def _iso_639_1(tag: str) -> str:
    primary = tag.replace("_", "-").partition("-")[0].lower()
    return _ISO_639_1.get(primary, primary)


def _wav(sound: Audio) -> bytes:
    samples = np.round(np.clip(sound.samples, -1.0, 1.0) * 32_767.0).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sound.rate_hz)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def make_openai_transcriptions(**options: Any) -> OpenAITranscriptions:
    """The listener, for the registry."""
    return OpenAITranscriptions(**options)
