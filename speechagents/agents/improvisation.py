"""One scene, improvised: who speaks, what they are told, what comes of it, and in which order it reaches the disk.

Owns the loop. Does not know how anybody thinks (`controllers`), who is chosen (`policies`), what is remembered
(`memory`), or how it sounds (`production`). The state is a pure fold over the recorded steps (`state`, `steps`):
saving, loading and going on is the same as never having stopped.

A turn is recorded, then its messages enter the stream, then they are announced. While a turn is being spoken the next
one is thought about already, if agents read text; with real hearing they wait for the sound. What was thought about a
turn that never reached the disk is lost with it, so nobody ever knows of a message that is not there.

Nothing happens unless the caller asks for the next event: that is how a scene is stepped and paused.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final

from speechagents.agents.director import Director, ending
from speechagents.agents.hearing import Ears
from speechagents.agents.interplay import broken_off, filler, murmur
from speechagents.agents.policies import Choice, Floor, TurnPolicy
from speechagents.agents.state import SceneState
from speechagents.agents.steps import Ending, Step, StepLog
from speechagents.agents.transcript import line_of
from speechagents.audio import Audio
from speechagents.controllers.controller import AgentInput, Answer, Bid, Bids, Controller, DirectorInput, Usage
from speechagents.drama import Deed, Message, SceneBrief, Turn, clean_name, role_key
from speechagents.errors import ControllerError, StorageError
from speechagents.events import MessageSpoken, SceneOver, TurnPassed, Warned
from speechagents.production.scene_stage import Stage
from speechagents.production.takes import take_address
from speechagents.scripts.spoken import is_speakable
from speechagents.stream import MessageStream
from speechagents.voices.checks import unusable
from speechagents.voices.synthesizer import FailedTake, Take

_RECENT_FOR_POLICY: Final = 12
_CUES: Final = 3
_MAX_REASON_CHARS: Final = 300

ImprovisedEvent = MessageSpoken | TurnPassed | SceneOver | Warned


@dataclass(frozen=True, slots=True)
class Company:
    """Who and what makes a scene.

    Attributes:
        controller: Bids for roles, and says whether it hears.
        actor: Takes the turns: the controller, or the controller and its critic.
        understudy: Makes the turns that the controller fails to make.
        policy: Chooses who speaks.
        director: Takes stock.
        ears: How messages reach the agents.
        waits_for_sound: Agents hear: a turn is spoken before the next one is thought about.
    """

    controller: Controller
    actor: Controller
    understudy: Controller
    policy: TurnPolicy
    director: Director
    ears: Ears
    waits_for_sound: bool


@dataclass(frozen=True, slots=True)
class _Draft:
    """A turn that is decided and being spoken: its messages have no times and takes yet."""

    step: Step
    takes: Future[list[tuple[str, Take] | str | None]]


@dataclass(slots=True)
class _Offers:
    """Bids that a policy asked for."""

    bids: list[Bid] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)


class Improvisation:
    """A scene that is being improvised.

    Args:
        scene: What is played.
        company: By whom.
        stage: With which voices; takes are kept there.
        folder: Of the production: ``stream.jsonl`` and ``steps.jsonl``. What is in them already is gone on with.
        decides: The scene as those see it who decide what comes next, if that is another one: a branch keeps the
            rhythm of its scene and goes on by a seed of its own.
    """

    def __init__(
        self, scene: SceneBrief, company: Company, stage: Stage, folder: Path, *, decides: SceneBrief | None = None
    ) -> None:
        self._scene = decides or scene
        self._company = company
        self._stage = stage
        self._folder = folder
        self._state = SceneState(scene)
        self._placed: dict[int, Message] = {}

    def play(self) -> Iterator[ImprovisedEvent]:
        """Play the scene to its end, what is recorded already first.

        Yields:
            `MessageSpoken` and `TurnPassed` in order, `SceneOver` last.

        Raises:
            ControllerError: The controller cannot be used from the start.
            ProductionError: The record is damaged.
        """
        with (
            StepLog(self._folder / "steps.jsonl") as log,
            MessageStream(self._folder / "stream.jsonl") as stream,
            ThreadPoolExecutor(1, thread_name_prefix="takes") as voices,
        ):
            over = yield from self._recorded(log, stream)
            waiting: _Draft | None = None
            while not over:
                decided = self._decide()
                if waiting is not None:
                    yield from self._commit(waiting, log, stream)
                if isinstance(decided, str):
                    over = decided
                    log.append(Ending(over))
                    break
                waiting = _Draft(decided, voices.submit(self._spoken, decided.messages))
                if self._company.waits_for_sound:
                    yield from self._commit(waiting, log, stream)
                    waiting = None
            state = self._state
            yield SceneOver(over, state.steps, len(self._placed), state.fallbacks, state.usage)

    def _recorded(self, log: StepLog, stream: MessageStream) -> Generator[ImprovisedEvent, None, str]:
        """Fold what is on disk, tell it again, and give back why the scene is over, if it is."""
        state = self._state
        for record in log:
            if isinstance(record, Ending):
                return record.reason
            state.take_note(record.stock)
            state.take_turn(record.turn, record.usage)
            state.hear(record.messages, record.understood)
            takes = self._spoken(record.messages)
            sounds = [take if isinstance(take, tuple) else None for take in takes]
            # Only for the clock: the record says what was heard.
            state.timed(record.messages, sounds, eager=record.choice.interrupts)
            for message in record.messages:
                # A kill between the record and the stream leaves the stream behind.
                if message.id > len(stream):
                    stream.append(message)
            yield from self._told(record, reused=True)
        stream.cut(len(state.said))
        return ""

    def _decide(self) -> Step | str:
        """Think out the next turn, or say why there is none."""
        scene, state, company = self._scene, self._state, self._company
        number = state.steps
        stock = company.director.take_stock(
            DirectorInput(
                scene=scene,
                present=state.present,
                facts=state.memory.facts,
                heard=state.memory.recent_all(),
                plan=state.plan,
                beat=state.beat,
                stalls=state.stalls,
                step=number,
            )
        )
        state.take_note(stock)
        done = stock.ledger.done.holds
        over = ending(scene, turns=number, silent_in_a_row=state.silent, active=len(state.present), done=done)
        if over:
            return over
        offers = _Offers()
        choice = company.policy.next_speaker(
            Floor(
                scene=scene,
                present=state.present,
                turns=tuple(state.turns),
                recent=tuple(state.said[-_RECENT_FOR_POLICY:]),
                step=number,
                seed=scene.seed,
                directed=stock.ledger.next_role,
                directed_reason=stock.ledger.next_reason,
                bids=partial(self._bids, offers) if isinstance(company.controller, Bids) else None,
            )
        )
        if choice is None:
            return "nobody is left to speak"
        note = stock.ledger.note if role_key(stock.ledger.next_role) == role_key(choice.role) else ""
        turn, usage = self._turn(choice, note)
        turn = broken_off(turn, seed=scene.seed, step=number)
        hearers = turn.addresses if turn.private else state.present
        listens = murmur(turn, hearers, language=scene.language, seed=scene.seed, step=number)
        messages = state.messages_of(turn, None if listens is None else (listens.role, listens.text))
        step = Step(
            number=number,
            stock=stock,
            choice=choice,
            turn=turn,
            note=note,
            bids=tuple(offers.bids),
            messages=messages,
            understood=tuple(message.text for message in messages),
            usage=usage + offers.usage + stock.usage,
        )
        state.take_turn(turn, step.usage)
        if not company.waits_for_sound:
            state.hear(messages, step.understood)
        return step

    def _ask(self, name: str, note: str = "") -> AgentInput:
        """What a role knows now."""
        scene, state, company = self._scene, self._state, self._company
        role = scene.role(name)
        assert role is not None  # noqa: S101 - policies choose among those present
        heard = recent = state.memory.recent(name)
        if company.waits_for_sound and company.controller.hears:
            heard = tuple(company.ears.heard(self._placed[one.id], one.text, with_audio=True) for one in recent)
        return AgentInput(
            scene=scene,
            present=state.present,
            facts=state.memory.facts,
            heard=heard,
            role=role,
            recalled=state.memory.recall(name, cue=" ".join(one.text for one in recent[-_CUES:])),
            note=note,
            step=state.steps,
            beat=state.beat,
        )

    def _bids(self, offers: _Offers, names: Sequence[str]) -> Sequence[Bid]:
        """Ask several agents at once how much they want the floor."""
        controller = self._company.controller
        assert isinstance(controller, Bids)  # noqa: S101 - offered to the policy only if so
        try:
            for bid in controller.bid([self._ask(name) for name in names], seed=self._seed("bid")):
                offers.usage += bid.usage
                if isinstance(bid, Bid):
                    offers.bids.append(bid)
        except ControllerError:
            if not self._state.said:
                raise
        return offers.bids

    def _turn(self, choice: Choice, note: str) -> tuple[Turn, Usage]:
        """The controller's turn, or the understudy's, which says why."""
        ask = self._ask(choice.role, note)
        usage = Usage()
        try:
            answer = next(iter(self._company.actor.respond([ask], seed=self._seed("turn"))), None)
        except ControllerError as error:
            # Whoever cannot be reached at all is told so at once; later on the scene is worth more.
            if not self._state.said:
                raise
            reason = str(error)
        else:
            usage = answer.usage if answer is not None else usage
            if isinstance(answer, Answer):
                own = _fitting(answer.turn, ask)
                if own is not None:
                    return own, usage
                reason = "nothing in the turn can be spoken"
            else:
                reason = answer.reason if answer is not None else "no answer"
        reason = clean_name(reason)[:_MAX_REASON_CHARS]
        return replace(self._stand_in(ask), fallback=reason), usage

    def _stand_in(self, ask: AgentInput) -> Turn:
        """A turn that keeps the scene alive: the understudy's; a murmur where that does not speak the language."""
        # A language it does not speak is no reason to stop either.
        with contextlib.suppress(ControllerError):
            for answer in self._company.understudy.respond([ask], seed=self._seed("turn")):
                if isinstance(answer, Answer) and (turn := _fitting(answer.turn, ask)) is not None:
                    return turn
        text = filler(self._scene.language, seed=self._scene.seed, step=self._state.steps)
        return Turn(ask.role.name, Deed.SPEAK if text else Deed.SILENT, text)

    def _seed(self, what: str) -> int:
        digest = hashlib.blake2b(f"{self._scene.seed}\0{self._state.steps}\0{what}".encode(), digest_size=8)
        return int.from_bytes(digest.digest(), "big") >> 33  # servers take 31 bits

    def _spoken(self, messages: Sequence[Message]) -> list[tuple[str, Take] | str | None]:
        """Take and address of each message, from disk or spoken now in one batch; runs beside the thinking.

        Returns:
            For what makes no sound None, for what could not be spoken the reason.
        """
        stage = self._stage
        found: list[tuple[str, Take] | str | None] = [None] * len(messages)
        missing = []
        for index, message in enumerate(messages):
            if message.deed in (Deed.SPEAK, Deed.BACK_CHANNEL):
                line = stage.spoken_line(line_of(message, language=self._scene.language))
                address = take_address(stage.synthesizer.identity, line)
                old = stage.takes.load(address, line)
                if old is not None and not unusable(old):
                    found[index] = (address, old)
                else:
                    missing.append((index, address, line))
        fresh = stage.synthesizer.speak([line for _, _, line in missing])
        for (index, address, _), take in zip(missing, fresh, strict=True):
            reason = take.reason if isinstance(take, FailedTake) else unusable(take)
            if isinstance(take, FailedTake) or reason:
                found[index] = reason
            else:
                found[index] = (address, stage.takes.save(address, take))
        return found

    def _commit(self, draft: _Draft, log: StepLog, stream: MessageStream) -> Iterator[ImprovisedEvent]:
        """Give a turn its sound and its time, write it down, and announce it."""
        company, state, step = self._company, self._state, draft.step
        takes = draft.takes.result()
        messages = tuple(
            replace(message, fallback=f"could not be spoken: {take}"[:_MAX_REASON_CHARS])
            if isinstance(take, str)
            else message
            for message, take in zip(step.messages, takes, strict=True)
        )
        sounds = [take if isinstance(take, tuple) else None for take in takes]
        messages = state.timed(messages, sounds, eager=step.choice.interrupts)
        understood = step.understood
        if company.waits_for_sound:
            understood = tuple(
                company.ears.listen(
                    messages, hints=[role.name for role in self._scene.roles], language=self._scene.language
                )
            )
            state.hear(messages, understood)
        step = replace(step, messages=messages, understood=understood)
        log.append(step)
        for message in messages:
            stream.append(message)
        for message, take in zip(messages, takes, strict=True):
            if isinstance(take, str):
                yield Warned(f"message {message.id} of {message.speaker} makes no sound: {take}")
        yield from self._told(step, reused=False)

    def _told(self, step: Step, *, reused: bool) -> Iterator[ImprovisedEvent]:
        self._placed.update((message.id, message) for message in step.messages)
        if not step.messages:
            yield TurnPassed(step.turn, step.choice.reason, reused)
        for message in step.messages:
            thoughts = step.turn.thoughts if message.deed is not Deed.BACK_CHANNEL else ""
            read = partial(self._sound_of, message) if message.take else None
            yield MessageSpoken(message, thoughts, step.choice.reason, reused, read)

    def _sound_of(self, message: Message) -> Audio:
        line = self._stage.spoken_line(line_of(message, language=self._scene.language))
        take = self._stage.takes.load(message.take, line)
        if take is None:
            raise StorageError(f"{self._stage.takes.path(message.take)}: is gone or damaged; resume the scene")
        return take.audio


def _fitting(turn: Turn, ask: AgentInput) -> Turn | None:
    """A turn as the scene can take it: clean text, addressees who are there; None if nothing is left of it."""
    present = {role_key(name): name for name in ask.present}
    own = ask.role.key
    addresses = tuple(
        dict.fromkeys(present[key] for name in turn.addresses if (key := role_key(name)) in present and key != own)
    )
    text = clean_name(turn.text)
    deed = turn.deed if turn.deed is not Deed.BACK_CHANNEL else Deed.SPEAK
    if deed is not Deed.SILENT and not (is_speakable(text) if deed is Deed.SPEAK else text):
        return None
    if turn.private and not addresses:
        return None  # meant for somebody in particular, who is not there
    return replace(
        turn,
        role=ask.role.name,
        deed=deed,
        text="" if deed is Deed.SILENT else text,
        thoughts=clean_name(turn.thoughts),
        addresses=addresses,
        private=turn.private and bool(addresses),
    )
