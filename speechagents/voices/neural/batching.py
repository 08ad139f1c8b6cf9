"""From a speech model to a synthesizer: lines become pieces, those of all callers batches, and batches takes.

Owns the queue and what is spoken together: pieces of about the same length, whichever line, voice or scene they belong
to; the oldest always among them. There is no thread: whoever waits for a take speaks whatever waits with it. A batch
that does not fit into memory is halved, and no larger one is tried afterwards. Does not know any model, nor how text is
cut (`pieces`) and takes are finished (`finishing`).

The samples of a piece may depend in their last bits on the batch it was in, as sums of floats do: with ``max_batch=1``
every line sounds the same whoever else speaks, and several times slower.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from speechagents.audio import Audio
from speechagents.errors import MemoryFull, SettingsError, SynthesisError
from speechagents.voices.abilities import Abilities
from speechagents.voices.checks import unusable
from speechagents.voices.neural.finishing import BREATH_S, PIECE_GAP_S, finished, finished_as_it_comes, joined
from speechagents.voices.neural.off_thread import Heard, heard_from
from speechagents.voices.neural.pieces import MAX_TEXT_CHARS, pieces
from speechagents.voices.neural.speech_model import SpeechModel, StreamsSound, Utterance, seed_of
from speechagents.voices.synthesizer import ClonesVoices, FailedTake, SpokenLine, Take, Voice

_AHEAD: Final = 64
"""Lines of one caller that wait at once: the rest of a long script stays where it is."""
_SHORT: Final = 40
"""Characters below which pieces of any length go together: what a model does once for each batch weighs more."""


@dataclass(slots=True, eq=False)
class _Piece:
    """A piece of a line on its way.

    Attributes:
        utterance: What to say.
        sound: It, once it was said.
        reason: Why it could not be.
    """

    utterance: Utterance
    sound: Audio | None = None
    reason: str = ""

    @property
    def settled(self) -> bool:
        return self.sound is not None or bool(self.reason)


@dataclass(slots=True, eq=False)
class _Waiting:
    """A line on its way: its pieces, or what became of it at once."""

    line: SpokenLine
    pieces: list[_Piece] = field(default_factory=list)
    settled: Take | FailedTake | None = None


class BatchedSpeech:
    """A `Synthesizer` over a speech model. Safe to use from several threads, whose lines are spoken together.

    Args:
        model: The model.
        voices: The catalogue; more may come by cloning.
        max_batch: Most pieces spoken at once.

    Raises:
        SettingsError: An argument is out of range.
    """

    def __init__(self, model: SpeechModel, voices: Sequence[Voice], *, max_batch: int = 32) -> None:
        if not 1 <= max_batch <= 1024:
            raise SettingsError(f"a batch of {max_batch} is not between 1 and 1024")
        if not voices:
            raise SettingsError("a synthesizer needs at least one voice")
        self._model = model
        self._voices = {voice.id: voice for voice in voices}
        self._catalogue = tuple(voices)
        self._max_batch = max_batch
        self._queue: list[_Piece] = []
        self._queueing = threading.Lock()
        self._speaking = threading.Lock()

    @property
    def identity(self) -> str:
        """The model's."""
        return self._model.identity

    @property
    def voices(self) -> Sequence[Voice]:
        """The catalogue."""
        return self._catalogue

    @property
    def abilities(self) -> Abilities:
        """The model's."""
        return self._model.abilities

    @property
    def takes_vary(self) -> bool:
        """Whether another attempt, which has another seed, comes out otherwise."""
        return self.abilities.varies

    def check_language(self, tag: str) -> None:
        """Refuse a language that the model does not speak.

        Raises:
            SettingsError: It is not spoken; the message names those that are.
        """
        if reason := self._unspoken(tag):
            raise SettingsError(reason)

    def clone(self, sample: Audio, name: str) -> Voice:
        """Make a voice of a recording; see `ClonesVoices`.

        Raises:
            SynthesisError: The model cannot, or nothing can be made of the sample.
        """
        if not self.abilities.clones or not isinstance(self._model, ClonesVoices):
            raise SynthesisError("this model makes no voices of recordings; `speechagents doctor` tells which do")
        with self._speaking:
            voice = self._model.clone(sample, name)
        self._voices[voice.id] = voice
        return voice

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        """Render lines, in order, each as soon as it and those before it are there."""
        waiting: list[_Waiting] = []
        rest = iter(lines)
        try:
            while True:
                while len(waiting) < _AHEAD and (line := next(rest, None)) is not None:
                    waiting.append(self._begin(line))
                if not waiting:
                    return
                # It is among those that are forgotten until it is settled: to wait for it may raise.
                take = self._take(waiting[0])
                del waiting[0]
                yield take
        finally:
            self._forget([piece for one in waiting for piece in one.pieces])

    @property
    def streams(self) -> bool:
        """Whether the model can be heard while it speaks."""
        return isinstance(self._model, StreamsSound) and self._model.streams

    def stream(self, line: SpokenLine) -> Generator[Audio, None, None]:
        """The sound of one line while it is made; see `StreamsSpeech`. Others wait until it is made.

        Raises:
            SynthesisError: It cannot be spoken, or broke off.
        """
        model = self._model
        if not (isinstance(model, StreamsSound) and model.streams):
            raise SynthesisError("this model cannot be heard while it speaks; let it speak whole lines")
        if reason := self._refusal(line):
            raise SynthesisError(reason)
        gap = Audio.silence(PIECE_GAP_S, self.abilities.rate_hz)

        def say(heard: Heard) -> None:
            with self._speaking:
                for number, utterance in enumerate(self._utterances(line)):
                    if number:
                        heard(gap)
                    model.stream(utterance, heard)

        with contextlib.closing(heard_from(say)) as sounds:
            yield from finished_as_it_comes(sounds)

    def _begin(self, line: SpokenLine) -> _Waiting:
        """Put a line into the queue, or settle it at once."""
        if reason := self._refusal(line):
            return _Waiting(line, settled=FailedTake(line, reason))
        utterances = self._utterances(line)
        if not utterances:
            return _Waiting(line, settled=Take(line, Audio.silence(BREATH_S, self.abilities.rate_hz)))
        waiting = _Waiting(line, list(map(_Piece, utterances)))
        with self._queueing:
            self._queue += waiting.pieces
        return waiting

    def _utterances(self, line: SpokenLine) -> list[Utterance]:
        """The pieces of a line; none where there is nothing to say."""
        return [
            Utterance(text, line.voice, line.style, line.language, seed_of(line, number))
            for number, text in enumerate(pieces(line.text, self.abilities.max_chars))
        ]

    def _refusal(self, line: SpokenLine) -> str:
        """Why a line need not be tried; empty for others."""
        if line.voice.id not in self._voices:
            return f"{line.voice.id!r} is no voice of this model; see `speechagents voices`"
        if len(line.text) > MAX_TEXT_CHARS:
            return f"the text is longer than {MAX_TEXT_CHARS} characters; split it"
        return self._unspoken(line.language)

    def _unspoken(self, tag: str) -> str:
        known = self.abilities.languages
        if not tag or not known or tag.replace("_", "-").partition("-")[0].lower() in known:
            return ""
        return f"this model does not speak {tag[:40]!r}; it speaks {', '.join(known)}"

    def _take(self, waiting: _Waiting) -> Take | FailedTake:
        """A line's take, after all its pieces were spoken, by this thread or another."""
        if waiting.settled is not None:
            return waiting.settled
        while not all(piece.settled for piece in waiting.pieces):
            with self._speaking:
                # Another thread may have spoken them while this one waited.
                if not all(piece.settled for piece in waiting.pieces):
                    self._render(self._next_batch())
        reason = next((piece.reason for piece in waiting.pieces if piece.reason), "")
        if reason:
            return FailedTake(waiting.line, reason)
        sounds = [piece.sound for piece in waiting.pieces if piece.sound is not None]
        take = Take(waiting.line, finished(joined(sounds)))
        reason = unusable(take)
        return FailedTake(waiting.line, f"the model made nothing of it: {reason}") if reason else take

    def _next_batch(self) -> list[_Piece]:
        """The oldest piece and those that are most like it in length, taken from the queue."""
        with self._queueing:
            length = len(self._queue[0].utterance.text)
            order = sorted(self._queue, key=lambda one: abs(len(one.utterance.text) - length))
            batch = [one for one in order if _alike(len(one.utterance.text), length)][: self._max_batch]
            chosen = set(map(id, batch))
            self._queue = [piece for piece in self._queue if id(piece) not in chosen]
        return sorted(batch, key=lambda one: -len(one.utterance.text))

    def _render(self, batch: Sequence[_Piece]) -> None:
        """Speak a batch; whatever happens, every piece of it is settled afterwards."""
        rest = list(batch)
        try:
            while rest:
                now, rest = rest[: self._max_batch], rest[self._max_batch :]
                if not self._tried(now):
                    rest = now + rest
        finally:
            for piece in batch:
                piece.reason = "" if piece.sound is not None else piece.reason or "the model broke off"

    def _tried(self, batch: Sequence[_Piece]) -> bool:
        """Try a batch; False where it has to be tried again in smaller ones. A single piece is settled in any case."""
        # What is caught here has the model's memory on its traceback: nothing else is tried before it is gone.
        try:
            sounds = self._model.render([piece.utterance for piece in batch])
            for piece, sound in zip(batch, sounds, strict=True):
                piece.sound = sound.mono()
            return True
        except MemoryFull as error:
            if len(batch) > 1:
                self._max_batch = len(batch) // 2
                return False
            batch[0].reason = f"{error}; close other programs, or use a smaller model"
            return True
        except SynthesisError as error:
            if len(batch) == 1:
                batch[0].reason = str(error)
                return True
        for piece in batch:
            self._tried([piece])
        return True

    def _forget(self, gone: Sequence[_Piece]) -> None:
        """Nobody wants these any more."""
        unwanted = set(map(id, gone))
        with self._queueing:
            self._queue = [piece for piece in self._queue if id(piece) not in unwanted]


def _alike(one: int, other: int) -> bool:
    """Whether pieces of such lengths are spoken together: at most half of a batch is padding."""
    return max(one, other) <= 2 * max(min(one, other), _SHORT)
