"""Lines proofed: takes examined, those with faults spoken again, the best kept and remembered.

Owns that order. Does not know how a take is examined (`examining`) or where lines come from.

* A line's takes are its attempts 0, 1 and 2. Attempt 1 is made when 0 has a fault, 2 when 1 has one too; the best of
  them is kept. A voice that always speaks a line in the same way is not asked again, nor is a person.
* What was found is on disk before it is told. Findings and takes that are there are used again: a run that was killed
  goes on where it was, keeps the same takes as one that was not, and listens to nothing twice.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from speechagents.listeners.listener import Listener
from speechagents.production.proofing.examining import Examined, Examiner
from speechagents.production.proofing.finding import Finding, Proofed, ProofLine
from speechagents.production.proofing.pace import Paces, pace_fault
from speechagents.production.proofing.record import ProofRecord
from speechagents.production.speaking import keep, speak
from speechagents.production.takes import TakeFile, TakeStore, take_address
from speechagents.voices.synthesizer import SpeaksAnew, SpokenLine, Synthesizer, Take

MAX_RETAKES: Final = 2
CHUNK_LINES: Final = 32
"""Lines worked on together: what bounds memory, and how late a result is told."""


@dataclass(slots=True)
class _Work:
    """A line while it is worked on.

    Attributes:
        line: The line.
        address: Of its attempt 0, or of its recording.
        found: What is known of its attempts, from 0 on; None for one that could not be made.
        new: An attempt of it was examined in this run.
        spoken: Attempts of it that were made in this run.
    """

    line: ProofLine
    address: str
    found: list[Finding | None] = field(default_factory=list)
    new: bool = False
    spoken: int = 0


class Proofer:
    """Proofs the lines of a play. Safe to use from several threads, for other lines each.

    Args:
        takes: Where takes are kept.
        record: Where findings are.
        synthesizer: Speaks what is missing, and again what has faults.
        listener: Listens to voices that do not speak by rule, and to people; None leaves it at the signal.
        play: All lines of the play, in order, from which voices' paces are told; gone through once, and only where
            somebody listens.
        language: BCP 47 tag of the play.
        names: Names that may be spoken.
    """

    def __init__(
        self,
        takes: TakeStore,
        record: ProofRecord,
        synthesizer: Synthesizer,
        listener: Listener | None,
        *,
        play: Iterable[ProofLine],
        language: str,
        names: Sequence[str] = (),
    ) -> None:
        self._takes = takes
        self._record = record
        self._synthesizer = synthesizer
        self._examiner = Examiner(synthesizer, listener, language=language, names=names)
        self._varies = isinstance(synthesizer, SpeaksAnew) and synthesizer.takes_vary
        self._paces = Paces(play, self._first_findings)
        self._claims = threading.Condition()
        self._claimed: set[str] = set()
        self._ahead: set[str] = set()

    def proof(self, lines: Sequence[ProofLine]) -> Iterator[Proofed]:
        """Proof some lines, in order; takes that are missing are made.

        Lines that cannot be spoken, and recordings that are gone, are passed over: whoever mixes the play tells them.

        Raises:
            StorageError: The disk is full or read-only.
            ListenerError: The listener cannot be used at all.
        """
        for first in range(0, len(lines), CHUNK_LINES):
            yield from self._chunk(lines[first : first + CHUNK_LINES])

    def _chunk(self, lines: Sequence[ProofLine]) -> Iterator[Proofed]:
        work = [_Work(line, line.recorded or self._address(line, 0)) for line in lines]
        self._examine(work, attempt=0)
        for attempt in range(1, MAX_RETAKES + 1):
            again = [one for one in work if self._retakes(one)]
            if again:
                self._examine(again, attempt=attempt)
        for one in work:
            proofed = self._kept(one)
            if proofed is not None:
                yield proofed

    def _retakes(self, one: _Work) -> bool:
        """Whether a line is to be spoken again: the latest attempt has a fault, and its voice can do otherwise."""
        latest = one.found[-1]
        return self._varies and not one.line.recorded and (latest is None or bool(latest.faults))

    def _examine(self, work: Sequence[_Work], *, attempt: int) -> None:
        """Find out about one attempt of some lines, from disk where it is known."""
        unknown: dict[str, list[_Work]] = {}
        for one in work:
            address = self._address_of(one, attempt)
            known = self._record.finding(address, self._examiner.identity(one.line))
            if known is None:
                unknown.setdefault(address, []).append(one)
            else:
                one.spoken += self._was_ahead(address)
                one.found.append(self._with_pace(one.line, known))
        fresh, spoken = self._examined({address: waiting[0].line for address, waiting in unknown.items()}, attempt)
        for address, waiting in unknown.items():
            waiting[0].spoken += address in spoken or self._was_ahead(address)
            for one in waiting:
                finding = fresh.get(address)
                # What a voice failed to make is not remembered: it may fail for reasons that pass.
                one.found.append(finding and self._with_pace(one.line, finding))
                one.new = True

    def _was_ahead(self, address: str) -> bool:
        """Whether a take was made in this run before its turn, to learn the pace of its voice; told once."""
        with self._claims:
            ahead = address in self._ahead
            self._ahead.discard(address)
        return ahead

    def _examined(
        self, wanted: Mapping[str, ProofLine], attempt: int, *, ahead: bool = False
    ) -> tuple[dict[str, Finding], set[str]]:
        """Findings of takes, by address, on disk before anybody goes by them; and which takes were made for them.

        Args:
            wanted: Lines by the address of this attempt of theirs.
            attempt: Which attempt.
            ahead: It is not their turn yet.
        """
        with self._claim(wanted):
            # Another thread may have been at one of them until now.
            known = {
                address: finding
                for address, line in wanted.items()
                if (finding := self._record.finding(address, self._examiner.identity(line))) is not None
            }
            rest = {address: line for address, line in wanted.items() if address not in known}
            made, spoken = self._made(rest, attempt)
            fresh = list(self._examiner.examine(made))
            self._record.note(fresh)
            if ahead:
                with self._claims:
                    self._ahead |= spoken
        return known | {finding.take: finding for finding in fresh}, spoken

    @contextmanager
    def _claim(self, addresses: Mapping[str, ProofLine]) -> Iterator[None]:
        """Work on takes that no other thread works on: nothing is spoken or listened to by two at once."""
        with self._claims:
            self._claims.wait_for(lambda: self._claimed.isdisjoint(addresses))
            self._claimed.update(addresses)
        try:
            yield
        finally:
            with self._claims:
                self._claimed.difference_update(addresses)
                self._claims.notify_all()

    def _made(self, wanted: Mapping[str, ProofLine], attempt: int) -> tuple[list[Examined], set[str]]:
        """Takes from disk, or spoken and put there, and which those are; what cannot be made is left out."""
        made: list[Examined] = []
        missing: dict[str, SpokenLine] = {}
        for address, line in wanted.items():
            spoken = replace(line.spoken, attempt=attempt)
            old = self._takes.load(address, spoken)
            if old is not None:
                made.append(Examined(line, address, old))
            elif not line.recorded:
                missing[address] = spoken
        for address, fresh in zip(missing, speak(self._synthesizer, list(missing.values())), strict=True):
            kept = keep(self._takes, address, fresh)
            take = kept.opened() if isinstance(kept, TakeFile) else kept
            if isinstance(take, Take):
                made.append(Examined(wanted[address], address, take))
        return made, {one.address for one in made} & missing.keys()

    def _kept(self, one: _Work) -> Proofed | None:
        """The best attempt of a line, remembered; None where none can be heard."""
        audible = [(attempt, finding) for attempt, finding in enumerate(one.found) if finding is not None]
        if not audible:
            return None
        # Of equals the first: then as little as possible is another take than without proofing.
        attempt, finding = min(
            audible, key=lambda found: (bool(found[1].faults), -found[1].score, len(found[1].faults), found[0])
        )
        retakes = len(one.found) - 1
        if not one.line.recorded:
            self._record.choose(one.address, attempt=attempt, retakes=retakes)
        return Proofed(one.line.line, finding.take, attempt, retakes, finding, one.new, one.spoken)

    def _with_pace(self, line: ProofLine, finding: Finding) -> Finding:
        """A finding and what the pace of its voice adds to it, which is no part of what is remembered."""
        if not finding.s_per_syllable or not self._examiner.listens_to(line):
            return finding
        fault = pace_fault(finding, self._paces.of(line))
        return replace(finding, faults=(*finding.faults, fault)) if fault else finding

    def _first_findings(self, lines: Sequence[ProofLine]) -> list[Finding]:
        """Findings of some lines' first takes, without what their pace says: it is told from them."""
        work = [_Work(line, line.recorded or self._address(line, 0)) for line in lines]
        known = {one.address: self._record.finding(one.address, self._examiner.identity(one.line)) for one in work}
        unknown = {one.address: one.line for one in work if known[one.address] is None}
        fresh, _ = self._examined(unknown, 0, ahead=True)
        return [finding for address in known if (finding := known[address] or fresh.get(address)) is not None]

    def _address_of(self, one: _Work, attempt: int) -> str:
        return self._address(one.line, attempt) if attempt else one.address

    def _address(self, line: ProofLine, attempt: int) -> str:
        return take_address(self._synthesizer.identity, replace(line.spoken, attempt=attempt))
