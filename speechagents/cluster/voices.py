"""Voices elsewhere: a synthesizer whose lines are spoken by workers.

Owns what travels: a line with the identity of the voices that it was meant for goes out, and the file of its take, just
as a store would write it, comes back. So takes have the same addresses and the same bytes as without workers, and are
encoded once. The worker has checked the sound too: the driver checks that the file is the one that was sent, and
decodes it where somebody listens. Does not know who the workers are (`executor`), nor what becomes of a line whose
worker is lost (`dispatch`).

What a synthesizer is and can do is told by the voices of this process where they are light, and where they are heavy
by a worker, once: a driver that only hands out lines loads no model (`workforce` decides). Two things are not offered,
whatever the voices could do here: hearing a line while it is made, as takes travel whole; and making voices of
recordings, as each worker would have to be taught them.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Protocol

from speechagents.cluster.dispatch import Dispatcher, Quarantined
from speechagents.cluster.executor import Needs, Post
from speechagents.errors import ClusterError, SettingsError
from speechagents.preset import Preset
from speechagents.production.takes import TakeFile, encode_take
from speechagents.providing import in_common, load_voices
from speechagents.voices.abilities import Abilities, DeclaresAbilities
from speechagents.voices.checks import check_take, unusable
from speechagents.voices.synthesizer import (
    ChecksLanguage,
    FailedTake,
    SpeaksAnew,
    SpeaksByRule,
    SpokenLine,
    Synthesizer,
    Take,
    Voice,
)

_BATCH: Final = 32
"""Lines that a worker is given at once, where there are so many: as many pieces as most models speak together."""

_HEAVY_GB: Final = 1.0
"""Weights of a voice from which on it wants a GPU. Smaller voices keep up on a CPU."""
_DAMAGED: Final = "its take came back damaged; run the same command again"


class Speakers(Protocol):
    """What `SpreadSynthesizer` asks of the voices that it stands for."""

    @property
    def identity(self) -> str:
        """As `Synthesizer.identity`."""

    @property
    def voices(self) -> Sequence[Voice]:
        """As `Synthesizer.voices`."""


class VoiceTask(Protocol):
    """Something else that a worker does with the voices that it has loaded."""

    def done_with(self, synthesizer: Synthesizer) -> Any:
        """Do it, on the worker."""


@dataclass(frozen=True, slots=True)
class LineTask:
    """A line on its way to a worker.

    Attributes:
        line: The line.
        identity: Of the voices that shall speak it.
    """

    line: SpokenLine
    identity: str


@dataclass(frozen=True, slots=True)
class SentTake:
    """A take on its way back.

    Attributes:
        data: Its file.
        sha256: Of the data as it was sent.
        doubts: What is doubtful about it, for people.
    """

    data: bytes
    sha256: bytes
    doubts: tuple[str, ...]

    @classmethod
    def of(cls, take: Take) -> SentTake:
        """Encoded and checked, as it was spoken."""
        data = encode_take(take)
        return cls(data, hashlib.sha256(data).digest(), check_take(take, timed=bool(take.words)))

    def arrived(self, line: SpokenLine) -> TakeFile | None:
        """The take of that line; None when it is not as it was sent."""
        if hashlib.sha256(self.data).digest() != self.sha256:
            return None
        return TakeFile.read(self.data, line, doubts=self.doubts)


class VoiceService:
    """What a worker does with the voices it has loaded: it speaks lines together, and does `VoiceTask` one by one.

    A line's result is a `SentTake`, or the reason why there is none.

    Args:
        synthesizer: The voices.
    """

    def __init__(self, synthesizer: Synthesizer) -> None:
        self._synthesizer = synthesizer

    def do(self, tasks: Sequence[LineTask | VoiceTask]) -> Iterator[Any]:
        """One result for each task, in order.

        Raises:
            ClusterError: These are not the voices that a task was meant for.
        """
        for are_lines, some in itertools.groupby(tasks, key=lambda task: isinstance(task, LineTask)):
            if are_lines:
                yield from self._spoken(list(some))  # type: ignore[arg-type]  # they are
            else:
                yield from (task.done_with(self._synthesizer) for task in some if not isinstance(task, LineTask))

    def close(self) -> None:
        """End the voices' own processes."""
        close: Callable[[], None] | None = getattr(self._synthesizer, "close", None)
        if close is not None:
            close()

    def _spoken(self, tasks: Sequence[LineTask]) -> Iterator[SentTake | str]:
        for task in tasks:
            check_identity(self._synthesizer, task.identity)
        for take in self._synthesizer.speak([task.line for task in tasks]):
            if isinstance(take, FailedTake):
                yield take.reason
            elif reason := unusable(take):
                # Judged before it is rounded, as it is where nothing travels.
                yield reason
            else:
                yield SentTake.of(take)


def check_identity(synthesizer: Synthesizer, identity: str) -> None:
    """Refuse to speak with other voices than were meant: their takes would lie at wrong addresses.

    Raises:
        ClusterError: They are others.
    """
    if synthesizer.identity != identity:
        raise ClusterError(
            f"a worker speaks with {synthesizer.identity!r} and not with {identity!r}; install the same version of "
            "SpeechAgents, of its voices and of their weights for all workers"
        )


class SpreadSynthesizer:
    """A `Synthesizer` whose lines are spoken by workers, some at a time. Safe to use from several threads.

    It offers what the voices offer, save streaming and cloning (see above). A line that cannot be spoken however often
    it is tried is a `FailedTake`, and the others go on.

    Args:
        inner: The voices, or what is known of them; nothing is spoken by it.
        dispatcher: Has the lines spoken.
        post: Speaks them; see `voice_post`.
    """

    # Whoever asks with `isinstance` whether a synthesizer offers something looks for the attribute. So these are there
    # only where the voices have them.
    abilities: Abilities
    rule: str
    takes_vary: bool
    check_language: Callable[[str], None]

    def __init__(self, inner: Speakers, dispatcher: Dispatcher, post: Post) -> None:
        self._inner = inner
        self._dispatcher = dispatcher
        self._post = post
        if isinstance(inner, DeclaresAbilities):
            self.abilities = replace(inner.abilities, clones=False)
        if isinstance(inner, SpeaksByRule):
            self.rule = inner.rule
        if isinstance(inner, SpeaksAnew):
            self.takes_vary = inner.takes_vary
        if isinstance(inner, ChecksLanguage):
            self.check_language = inner.check_language

    @property
    def identity(self) -> str:
        """That of the voices: where a take was made is no part of its address."""
        return self._inner.identity

    @property
    def voices(self) -> Sequence[Voice]:
        """The catalogue."""
        return self._inner.voices

    def speak(self, lines: Sequence[SpokenLine]) -> Generator[Take | FailedTake, None, None]:
        """Render lines, in order, each as soon as it and those before it are there.

        Raises:
            ClusterError: The workers are gone, or have other voices.
            SpeechAgentsError: What loading the voices raised.
        """
        with contextlib.closing(self.speak_files(lines)) as files:
            for file in files:
                if isinstance(file, FailedTake):
                    yield file
                else:
                    yield file.opened() or FailedTake(file.line, _DAMAGED)

    def speak_files(self, lines: Sequence[SpokenLine]) -> Generator[TakeFile | FailedTake, None, None]:
        """Render lines likewise; takes stay encoded (`production.speaking.SpeaksToFiles`).

        Raises:
            ClusterError: The workers are gone, or have other voices.
            SpeechAgentsError: What loading the voices raised.
        """
        if not lines:
            return
        identity = self.identity
        tasks = (LineTask(line, identity) for line in lines)
        with contextlib.closing(self._dispatcher.ordered(self._post, tasks)) as outcomes:
            for line, outcome in zip(lines, outcomes, strict=True):
                if isinstance(outcome, Quarantined):
                    yield FailedTake(line, outcome.reason)
                else:
                    yield _arrived(line, outcome.result)

    def close(self) -> None:
        """End what the voices have started in this process; the workers are somebody else's."""
        close: Callable[[], None] | None = getattr(self._inner, "close", None)
        if close is not None:
            close()


def _arrived(line: SpokenLine, result: SentTake | str) -> TakeFile | FailedTake:
    """What came back for a line."""
    if isinstance(result, str):
        return FailedTake(line, result)
    return result.arrived(line) or FailedTake(line, _DAMAGED)


# What is known of voices that this process has not loaded


@dataclass(frozen=True, slots=True)
class _Description:
    """What voices say of themselves; None for what they do not offer."""

    identity: str
    voices: tuple[Voice, ...]
    abilities: Abilities | None
    rule: str | None
    takes_vary: bool | None
    checks_language: bool


@dataclass(frozen=True, slots=True)
class _Describe:
    """Asks a worker for it."""

    def done_with(self, synthesizer: Synthesizer) -> _Description:
        return _Description(
            identity=synthesizer.identity,
            voices=tuple(synthesizer.voices),
            abilities=synthesizer.abilities if isinstance(synthesizer, DeclaresAbilities) else None,
            rule=synthesizer.rule if isinstance(synthesizer, SpeaksByRule) else None,
            takes_vary=synthesizer.takes_vary if isinstance(synthesizer, SpeaksAnew) else None,
            checks_language=isinstance(synthesizer, ChecksLanguage),
        )


@dataclass(frozen=True, slots=True)
class _Check:
    """Asks a worker why a language is not spoken; empty when it is."""

    tag: str

    def done_with(self, synthesizer: Synthesizer) -> str:
        try:
            if isinstance(synthesizer, ChecksLanguage):
                synthesizer.check_language(self.tag)
        except SettingsError as error:
            return str(error) or "it is not spoken"
        return ""


class DescribedVoices:
    """Voices as a worker has described them. The worker is asked here; later only whether a language is spoken.

    Args:
        dispatcher: Asks.
        post: Has the voices.

    Raises:
        ClusterError: Nobody can tell.
        SpeechAgentsError: What loading the voices raised.
    """

    abilities: Abilities
    rule: str
    takes_vary: bool
    check_language: Callable[[str], None]

    def __init__(self, dispatcher: Dispatcher, post: Post) -> None:
        told: _Description = _asked(dispatcher, post, _Describe())
        self.identity = told.identity
        self.voices: Sequence[Voice] = told.voices
        if told.abilities is not None:
            self.abilities = told.abilities
        if told.rule is not None:
            self.rule = told.rule
        if told.takes_vary is not None:
            self.takes_vary = told.takes_vary
        if told.checks_language:
            self.check_language = partial(_check_language, dispatcher, post)


def _check_language(dispatcher: Dispatcher, post: Post, tag: str) -> None:
    if reason := _asked(dispatcher, post, _Check(tag)):
        raise SettingsError(reason)


def _asked(dispatcher: Dispatcher, post: Post, task: VoiceTask) -> Any:
    (outcome,) = dispatcher.ordered(replace(post, batch=1), [task])
    if isinstance(outcome, Quarantined):
        raise ClusterError(outcome.reason)
    return outcome.result


def voice_post(preset: Preset, *, jobs: int = 1) -> Post:
    """Workers that have the voices of a preset.

    Each loads them where it is, with the weights and environment variables that it finds there. Weights of more than a
    gigabyte in a preset that wants a GPU want one of their own; what is lighter is spoken on the CPU, line by line.

    Args:
        preset: Whose voices.
        jobs: Cores of each worker.
    """
    weights_gb = sum(one.size_gb for one in preset.weights.get("synthesizer", ()))
    heavy = preset.vram_gb > 0 and weights_gb >= _HEAVY_GB
    needs = Needs(
        cpus=float(jobs),
        gpus=1.0 if heavy else 0.0,
        vram_gb=min(preset.vram_gb, math.ceil(weights_gb)) if heavy else 0.0,
    )
    return Post(f"voices of {preset.name}", partial(_load, preset, jobs), needs, batch=_BATCH, together=heavy)


def _load(preset: Preset, jobs: int) -> VoiceService:
    return VoiceService(load_voices(preset, jobs, shared=in_common()))
