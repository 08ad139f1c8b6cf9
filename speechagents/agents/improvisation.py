"""One scene, improvised: who speaks, what they are told, what comes of it, and in which order it reaches the disk.

Owns the loop. Does not know how a turn is decided (`deciding`), what is remembered (`memory`), or how it sounds
(`production`). The state is a pure fold over the recorded steps (`state`, `steps`):
saving, loading and going on is the same as never having stopped.

A turn is recorded, then its messages enter the stream, then they are announced. While a turn is being spoken the next
one is thought about already, if agents read text; with real hearing they wait for the sound. What was thought about a
turn that never reached the disk is lost with it, so nobody ever knows of a message that is not there.

Nothing happens unless the caller asks for the next event: that is how a scene is stepped and paused.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from speechagents.agents.deciding import MAX_REASON_CHARS, Company, Deciding
from speechagents.agents.state import SceneState
from speechagents.agents.steps import Ending, Step, StepLog
from speechagents.agents.transcript import line_of
from speechagents.audio import Audio
from speechagents.drama import Deed, Message, SceneBrief
from speechagents.errors import StorageError
from speechagents.events import MessageSpoken, SceneOver, TurnPassed, Warned
from speechagents.production.scene_stage import Stage
from speechagents.production.speaking import keep, speak
from speechagents.production.takes import TakeFile, take_address
from speechagents.stream import MessageStream
from speechagents.voices.checks import unusable
from speechagents.voices.synthesizer import FailedTake, Take

__all__ = ["Company", "Improvisation", "ImprovisedEvent"]

ImprovisedEvent = MessageSpoken | TurnPassed | SceneOver | Warned


@dataclass(frozen=True, slots=True)
class _Draft:
    """A turn that is decided and being spoken: its messages have no times and takes yet."""

    step: Step
    takes: Future[list[tuple[str, Take | TakeFile] | str | None]]


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
        self._deciding = Deciding(self._scene, company, self._placed)

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
        step = self._deciding.step(self._state)
        if isinstance(step, Step) and not self._company.waits_for_sound:
            self._state.hear(step.messages, step.understood)
        return step

    def _spoken(self, messages: Sequence[Message]) -> list[tuple[str, Take | TakeFile] | str | None]:
        """Take and address of each message, from disk or spoken now in one batch; runs beside the thinking.

        Returns:
            For what makes no sound None, for what could not be spoken the reason.
        """
        stage = self._stage
        found: list[tuple[str, Take | TakeFile] | str | None] = [None] * len(messages)
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
        fresh = speak(stage.synthesizer, [line for _, _, line in missing])
        for (index, address, _), one in zip(missing, fresh, strict=True):
            take = keep(stage.takes, address, one)
            found[index] = take.reason if isinstance(take, FailedTake) else (address, take)
        return found

    def _commit(self, draft: _Draft, log: StepLog, stream: MessageStream) -> Iterator[ImprovisedEvent]:
        """Give a turn its sound and its time, write it down, and announce it."""
        company, state, step = self._company, self._state, draft.step
        takes = draft.takes.result()
        messages = tuple(
            replace(message, fallback=f"could not be spoken: {take}"[:MAX_REASON_CHARS])
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
