"""Voices behind any server that speaks OpenAI's ``/v1/audio/speech``.

It may be OpenAI's, or vLLM-Omni, Kokoro-FastAPI, LocalAI or Speaches on this machine or in the next room. Owns what
happens between lines and takes: long lines in pieces, requests at the same time, and order. Does not know what is asked
for a piece and tried again (`openai_requests`), what requests look like (`openai_format`), what sound they bring
(`openai_sound`), how they travel (`controllers.exchange`) or who speaks there (`openai_catalogue`).

A server that draws (most do) is sent a seed, and only one that honours it speaks the same line the same way twice;
what was spoken is kept on disk by whoever produces, so that a play stays as it was performed.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import queue
import re
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Final, Self

from speechagents.audio import Audio
from speechagents.controllers.exchange import Exchange, Limits, RefusedError
from speechagents.controllers.model_server import TROUBLES, ModelServer, Task, check_range
from speechagents.controllers.retrying import Sleep, TransientError
from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.abilities import Abilities, StyleMeans
from speechagents.voices.checks import unusable
from speechagents.voices.neural.finishing import BREATH_S, PIECE_GAP_S, finished, finished_as_it_comes, joined
from speechagents.voices.neural.pieces import MAX_TEXT_CHARS, pieces
from speechagents.voices.neural.speech_model import seed_of
from speechagents.voices.openai_catalogue import Told, catalogue, documented_voices, told_voices
from speechagents.voices.openai_format import ListedVoice, Wish, listed_voices
from speechagents.voices.openai_requests import PieceError, SpeechRequests
from speechagents.voices.openai_sound import FORMATS
from speechagents.voices.openai_styles import MANNERS, PACED, instruction_of, speed_of
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take, Voice

SERVER_VARIABLE: Final = "SPEECHAGENTS_SPEECH_SERVER"
"""Environment variable with the base URL of the server to speak with, where the options name none."""

SETTINGS_VERSION: Final = 1
"""Raise it whenever the same line would sound different: takes are stored under it."""

_TASK: Final = Task(
    "speech",
    re.compile(r"tts|speech|kokoro|voice|vits|piper|bark|orpheus|chatterbox|higgs|\bdia\b|\bcsm\b"),
    SERVER_VARIABLE,
    SynthesisError,
)
_IGNORES_INSTRUCTIONS: Final = re.compile(r"tts-1|kokoro|piper")
"""Models that take no instruction and do not say so."""

_AHEAD: Final = 3
"""Lines that are under way for each request that may be: their sound waits in memory until it is their turn."""


class OpenAISpeech:
    """A `Synthesizer` behind a server that speaks OpenAI's speech requests.

    Nothing is sent before it is used. Connections stay open between calls; `close`, or the end of the object, closes
    them. Safe to use from several threads.

    Args:
        base_url: Of the server, for example ``http://localhost:8880/v1``; without a path it gets ``/v1``. Empty takes
            that in ``SPEECHAGENTS_SPEECH_SERVER``.
        model: Its name there; empty takes the first in the server's list that looks like speech.
        voices: Names of the voices to use, or a mapping from each to what is known of it: ``gender``, ``age``,
            ``accent``, ``description``, ``narrates``. Empty asks the server for its list.
        key_variable: Name of the environment variable that holds the key; empty sends none. None takes
            ``SPEECHAGENTS_API_KEY`` or, over TLS alone, ``OPENAI_API_KEY``. No key crosses a network unencrypted.
        concurrency: Most requests at the same time; a server that batches wants many.
        timeout_s: Longest wait for one whole answer, in seconds.
        attempts: Tries for each request, the first included.
        max_answer_bytes: Longer answers are not read.
        instructions: Say the style in a sentence. None does so unless the model is known to ignore it, until the
            server refuses.
        speed: Speak faster or slower by the style; for models without instructions.
        response_format: ``wav``, ``flac``, ``mp3`` or ``pcm``.
        rate_hz: Rate of all takes: what comes at another is converted. Raw ``pcm`` has to come at it.
        max_chars: Longest text of one request; longer lines are spoken in pieces.
        languages: Primary tags of what the model speaks; empty where it is not known, and anything is tried.
        licence: Of what the server speaks, as its terms or the model's card have it.
        commercial: What it speaks may be sold.
        jobs: Not used: the work is the server's.
        sleep: Waits before another try.

    Raises:
        SettingsError: An argument is out of range, or the key would cross a network unencrypted.
    """

    def __init__(
        self,
        *,
        base_url: str = "",
        model: str = "",
        voices: Sequence[str] | Mapping[str, Mapping[str, Any]] = (),
        key_variable: str | None = None,
        concurrency: int = 8,
        timeout_s: float = 120.0,
        attempts: int = 4,
        max_answer_bytes: int = 64_000_000,
        instructions: bool | None = None,
        speed: bool = False,
        response_format: str = "wav",
        rate_hz: int = 24_000,
        max_chars: int = 400,
        languages: Sequence[str] = (),
        licence: str = "see the server's terms",
        commercial: bool = False,
        jobs: int = 1,  # noqa: ARG002 - every synthesizer is given it
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        check_range("rate_hz", rate_hz, 8_000, 96_000)
        check_range("max_chars", max_chars, 20, 4_096)
        if response_format not in FORMATS:
            raise SettingsError(f"response_format {response_format!r} is none of {', '.join(FORMATS)}")
        if isinstance(languages, str) or not all(re.fullmatch(r"[a-z]{2,3}", tag) for tag in languages):
            raise SettingsError(f"languages {languages!r} are no list of primary tags like [en, de]")
        self._told: Mapping[str, Told] = told_voices(voices)
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
        self._instructions = instructions
        self._speed = speed
        self._form = response_format
        self._rate_hz = rate_hz
        self._max_chars = max_chars
        self._languages = tuple(languages)
        self._licence = licence
        self._commercial = commercial
        self._requests = SpeechRequests(self._server, form=response_format, rate_hz=rate_hz)
        self._learning = threading.Lock()
        self._catalogue: Mapping[str, tuple[str, Voice]] | None = None

    def __repr__(self) -> str:
        return f"OpenAISpeech(base_url={self._server.base_url!r})"

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
        """The model at its server, and what is asked of it; the server has to be asked if no model was named.

        Two servers may mean different models by the same name. The address is in it as a number only: where a studio
        keeps its servers is nobody's business who gets a production.

        Raises:
            SynthesisError: The server was asked and has no model, or does not answer.
        """
        where = hashlib.blake2b(self._server.base_url.encode(), digest_size=4).hexdigest()
        how = "".join(mark for mark, on in ((" instructed", self._instructed), (" paced", self._speed)) if on)
        return (
            f"openai-speech {SETTINGS_VERSION} {self._server.model} at {where} {self._form} {self._rate_hz} "
            f"{self._max_chars}{how}"
        )

    @property
    def voices(self) -> Sequence[Voice]:
        """The catalogue; the server is asked for it once, unless its voices were named.

        Raises:
            SynthesisError: It does not answer, or has no list of voices.
        """
        return tuple(voice for _, voice in self._voices().values())

    @property
    def abilities(self) -> Abilities:
        """As far as it is known: what a server refuses is learnt from its first refusal.

        Raises:
            SynthesisError: The server was asked for its model and has none, or does not answer.
        """
        styles = dict.fromkeys(PACED, StyleMeans.PROSODY) if self._speed and self._requests.dialect.paced else {}
        if self._instructed and self._requests.dialect.instructed:
            styles |= dict.fromkeys(MANNERS, StyleMeans.INSTRUCTION)
        return Abilities(
            languages=self._languages,
            rate_hz=self._rate_hz,
            code_licence="see the server's",
            weights_licence=self._licence,
            commercial=self._commercial,
            styles=styles,
            max_chars=self._max_chars,
        )

    @property
    def takes_vary(self) -> bool:
        """Another attempt has another seed; a server that has no seeds draws anew anyhow."""
        return True

    def check_language(self, tag: str) -> None:
        """Refuse a language that is not among those the options name, if they name any.

        Raises:
            SettingsError: It is not among them.
        """
        if reason := self._unspoken(tag):
            raise SettingsError(reason)

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        """Render lines, in order, each as soon as it and those before it are there.

        Closing the iterator breaks off what is under way.

        Raises:
            SynthesisError: The server cannot be reached, refuses the key, or has no such model.
            SettingsError: The key would cross a network unencrypted.
        """
        voices, model = self._voices(), self._server.model
        exchange = self._server.open()
        ahead: deque[tuple[SpokenLine, Future[list[Audio]] | FailedTake]] = deque()
        rest = iter(lines)
        try:
            while True:
                while len(ahead) < _AHEAD * self._concurrency and (line := next(rest, None)) is not None:
                    refused = self._refused(line, voices)
                    if refused is None:
                        ahead.append(
                            (line, exchange.start(self._sounds(exchange, line, voices[line.voice.id][0], model)))
                        )
                    else:
                        ahead.append((line, refused))
                if not ahead:
                    return
                line, spoken = ahead[0]
                take = spoken if isinstance(spoken, FailedTake) else self._take(line, spoken)
                ahead.popleft()
                yield take
        finally:
            for _, spoken in ahead:
                if isinstance(spoken, Future):
                    spoken.cancel()

    @property
    def streams(self) -> bool:
        """Whether the format that is asked for can be heard while it comes."""
        return self._requests.streams

    def stream(self, line: SpokenLine) -> Generator[Audio, None, None]:
        """The sound of one line while the server sends it; see `StreamsSpeech`.

        Raises:
            SynthesisError: It cannot be spoken, broke off, or the server cannot be used.
            SettingsError: The key would cross a network unencrypted.
        """
        if not self.streams:
            raise SynthesisError(f"{self._form} cannot be heard while it comes; choose response_format wav or pcm")
        voices, model = self._voices(), self._server.model
        if (refused := self._refused(line, voices)) is not None:
            raise SynthesisError(refused.reason)
        exchange = self._server.open()
        wishes = self._wishes(line, voices[line.voice.id][0])
        with contextlib.closing(self._heard(exchange, wishes, model)) as sounds:
            yield from finished_as_it_comes(sounds)

    def _heard(self, exchange: Exchange, wishes: Sequence[Wish], model: str) -> Generator[Audio, None, None]:
        """The sound of the pieces of a line, as it comes."""
        sounds: queue.SimpleQueue[Audio | None] = queue.SimpleQueue()

        async def listen() -> None:
            for number, wish in enumerate(wishes):
                if number:
                    sounds.put(Audio.silence(PIECE_GAP_S, self._rate_hz))
                await self._requests.listen(exchange, wish, model, sounds.put)

        work = exchange.start(listen())
        work.add_done_callback(lambda _: sounds.put(None))
        try:
            while (sound := sounds.get()) is not None:
                yield sound
            self._server.result_of(work)
        except PieceError as error:
            raise SynthesisError(str(error)) from error
        finally:
            work.cancel()

    @property
    def _instructed(self) -> bool:
        if self._instructions is None:
            return _IGNORES_INSTRUCTIONS.search(self._server.model.casefold()) is None
        return self._instructions

    def _voices(self) -> Mapping[str, tuple[str, Voice]]:
        with self._learning:
            if self._catalogue is None:
                model, listed = self._server.model, self._listed() if not self._told else ()
                found = catalogue(
                    listed,
                    self._told,
                    source=f"the server {self._server.base_url}, model {model}",
                    licence=self._licence,
                    recipe=f"openai-speech {model}",
                )
                if not found:
                    raise SynthesisError(
                        f"{self._server.base_url} has no list of voices; name them with the option voices, like "
                        "voices: [alloy, nova]"
                    )
                self._catalogue = found
            return self._catalogue

    def _listed(self) -> Sequence[ListedVoice]:
        exchange = self._server.open()
        listed: Sequence[ListedVoice] = self._server.result_of(exchange.start(self._list_of_voices(exchange)))
        return listed or documented_voices(self._server.base_url, self._server.model)

    async def _list_of_voices(self, exchange: Exchange) -> Sequence[ListedVoice]:
        try:
            return listed_voices(
                await self._server.insist(functools.partial(exchange.get, "audio/voices"), draw="voices")
            )
        except TROUBLES as trouble:
            # Most servers have no such list, and say so in many ways. One that wants a key, or does not answer, is
            # another matter.
            wants_key = isinstance(trouble, RefusedError) and trouble.status in (401, 403)
            if wants_key or isinstance(trouble, TransientError):
                raise await self._server.failure(exchange, trouble) from trouble
            return ()

    def _refused(self, line: SpokenLine, voices: Mapping[str, tuple[str, Voice]]) -> FailedTake | None:
        """A line that need not be sent."""
        if line.voice.id not in voices:
            return FailedTake(line, f"{line.voice.id!r} is no voice of this server; see `speechagents voices`")
        if len(line.text) > MAX_TEXT_CHARS:
            return FailedTake(line, f"the text is longer than {MAX_TEXT_CHARS} characters; split it")
        reason = self._unspoken(line.language)
        return FailedTake(line, reason) if reason else None

    def _unspoken(self, tag: str) -> str:
        if not tag or not self._languages or tag.replace("_", "-").partition("-")[0].lower() in self._languages:
            return ""
        return f"this server does not speak {tag[:40]!r}; it speaks {', '.join(self._languages)}"

    def _take(self, line: SpokenLine, spoken: Future[list[Audio]]) -> Take | FailedTake:
        try:
            sounds = self._server.result_of(spoken)
        except PieceError as error:
            return FailedTake(line, str(error))
        if not sounds:
            return Take(line, Audio.silence(BREATH_S, self._rate_hz))
        take = Take(line, finished(joined(sounds)))
        reason = unusable(take)
        return FailedTake(line, reason) if reason else take

    def _wishes(self, line: SpokenLine, voice: str) -> list[Wish]:
        """What is asked for a line, a piece of it at a time; nothing where there is nothing to say."""
        return [
            Wish(
                text,
                voice,
                instruction_of(line.style) if self._instructed else "",
                speed_of(line.style) if self._speed else 1.0,
                seed_of(line, number),
            )
            for number, text in enumerate(pieces(line.text, self._max_chars))
        ]

    async def _sounds(self, exchange: Exchange, line: SpokenLine, voice: str, model: str) -> list[Audio]:
        """The sounds of a line's pieces, in order; none where there is nothing to say."""
        wishes = self._wishes(line, voice)
        work = [asyncio.ensure_future(self._requests.sound(exchange, wish, model)) for wish in wishes]
        try:
            return list(await asyncio.gather(*work))
        finally:
            # Where one piece failed, the others are of no use.
            for one in work:
                one.cancel()


def make_openai_speech(**options: Any) -> OpenAISpeech:
    """The synthesizer, for the registry."""
    return OpenAISpeech(**options)
