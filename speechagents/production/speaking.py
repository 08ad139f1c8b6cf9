"""From lines to takes: what is on disk is used, what is missing goes to the voices in one batch.

Owns that decision, the doubts about fresh takes, and that what voices elsewhere have encoded is kept as it is. Does not
know when a line is heard or what else is in its scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from speechagents.drama import Line
from speechagents.production.takes import TakeFile, TakeStore, take_address
from speechagents.voices.checks import check_take, unusable
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer, Take


@runtime_checkable
class SpeaksToFiles(Protocol):
    """What a synthesizer may offer besides: takes as the files that a store keeps of them, usable and checked.

    For voices elsewhere, whose takes travel encoded: they are neither decoded to be checked here nor encoded again.
    """

    def speak_files(self, lines: Sequence[SpokenLine]) -> Iterator[TakeFile | FailedTake]:
        """Render lines, as `Synthesizer.speak` does; the files are those that a store would write."""


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """What became of one line.

    Attributes:
        line: What was asked for.
        address: Of its take, or of its recording.
        take: Its sound, decoded or not, or why there is none.
        reused: The take was on disk already.
    """

    line: Line
    address: str
    take: Take | TakeFile | FailedTake
    reused: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A line as a voice is asked to speak it.

    Attributes:
        line: The line.
        spoken: Its text, voice and style.
        recording: Address of a recording that is used as it is; empty lets the voice speak.
    """

    line: Line
    spoken: SpokenLine
    recording: str = ""

    def address(self, identity: str) -> str:
        """Where its take lies."""
        return self.recording or take_address(identity, self.spoken)


def speak(synthesizer: Synthesizer, lines: Sequence[SpokenLine]) -> Iterator[Take | TakeFile | FailedTake]:
    """Have lines spoken, to files where the voices offer that."""
    if isinstance(synthesizer, SpeaksToFiles):
        return synthesizer.speak_files(lines)
    return synthesizer.speak(lines)


def keep(takes: TakeStore, address: str, fresh: Take | TakeFile | FailedTake) -> Take | TakeFile | FailedTake:
    """Put a fresh take into the store, and give it back as it is there; or why it must not be kept.

    Raises:
        StorageError: The disk is full.
    """
    if isinstance(fresh, TakeFile):
        takes.save_file(address, fresh)
        return fresh
    if isinstance(fresh, FailedTake):
        return fresh
    if reason := unusable(fresh):
        return FailedTake(fresh.line, reason)
    return takes.save(address, fresh)


def render(
    requests: Sequence[Request], synthesizer: Synthesizer, takes: TakeStore, warn: Callable[[str], None]
) -> Iterator[Rendering]:
    """Address and take of every line, in order.

    What is missing goes to the voices in one batch; a line that occurs twice is spoken once.

    Args:
        requests: What to speak.
        synthesizer: The voices.
        takes: Where takes are kept.
        warn: Told what is doubtful about a fresh take.

    Raises:
        StorageError: The disk is full.
    """
    identity = synthesizer.identity
    addresses = [request.address(identity) for request in requests]
    missing = {
        address: request.spoken
        for address, request in zip(addresses, requests, strict=True)
        if not request.recording and not takes.path(address).exists()
    }
    speaking = speak(synthesizer, list(missing.values()))
    failed: dict[str, FailedTake] = {}
    for address, request in zip(addresses, requests, strict=True):
        line, spoken = request.line, request.spoken
        if address in failed:
            yield Rendering(line, address, failed[address], reused=False)
            continue
        if address not in missing:
            take: Take | TakeFile | FailedTake | None = takes.load(address, spoken)
            if take is None and request.recording:
                take = FailedTake(spoken, f"its recording takes/{address}.flac is gone or damaged; bring it back")
            if take is not None:
                yield Rendering(line, address, take, reused=True)
                continue
            # It was there and cannot be read: damaged, so it is spoken again.
            (fresh,) = speak(synthesizer, [spoken])
        else:
            del missing[address]
            fresh = next(speaking)
        take = keep(takes, address, fresh)
        if isinstance(take, FailedTake):
            failed[address] = take
        elif not isinstance(fresh, FailedTake):
            for fault in _doubts(fresh):
                warn(f"line {line.number} ({spoken.voice.id}): {fault}")
        yield Rendering(line, address, take, reused=False)


def _doubts(fresh: Take | TakeFile) -> tuple[str, ...]:
    """What is doubtful about a take as it was spoken, before it was rounded."""
    return fresh.doubts if isinstance(fresh, TakeFile) else check_take(fresh, timed=bool(fresh.words))
