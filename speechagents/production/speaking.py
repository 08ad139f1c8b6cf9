"""From lines to takes: what is on disk is used, what is missing goes to the voices in one batch.

Owns that decision and the doubts about fresh takes. Does not know when a line is heard or what else is in its scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from speechagents.drama import Line
from speechagents.production.takes import TakeStore, take_address
from speechagents.voices.checks import check_take, unusable
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Synthesizer, Take


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """What became of one line.

    Attributes:
        line: What was asked for.
        address: Of its take, or of its recording.
        take: Its sound, or why there is none.
        reused: The take was on disk already.
    """

    line: Line
    address: str
    take: Take | FailedTake
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
    speaking = synthesizer.speak(list(missing.values()))
    failed: dict[str, FailedTake] = {}
    for address, request in zip(addresses, requests, strict=True):
        line, spoken = request.line, request.spoken
        if address in failed:
            yield Rendering(line, address, failed[address], reused=False)
            continue
        if address not in missing:
            take: Take | FailedTake | None = takes.load(address, spoken)
            if take is None and request.recording:
                take = FailedTake(spoken, f"its recording takes/{address}.flac is gone or damaged; bring it back")
            if take is not None:
                yield Rendering(line, address, take, reused=True)
                continue
            # It was there and cannot be read: damaged, so it is spoken again.
            (fresh,) = synthesizer.speak([spoken])
        else:
            del missing[address]
            fresh = next(speaking)
        if isinstance(fresh, Take) and (reason := unusable(fresh)):
            fresh = FailedTake(spoken, reason)
        if isinstance(fresh, FailedTake):
            failed[address] = fresh
            yield Rendering(line, address, fresh, reused=False)
            continue
        for fault in check_take(fresh, timed=bool(fresh.words)):
            warn(f"line {line.number} ({spoken.voice.id}): {fault}")
        yield Rendering(line, address, takes.save(address, fresh), reused=False)
