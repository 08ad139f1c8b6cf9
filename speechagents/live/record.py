"""What has happened in a scene with a person in it: on disk, and as the state that follows from it.

Owns the order of writing, and the digest by which a decision is known to be out of date. Does not know sound, nor who
decides. The state is a pure fold over the recorded steps, so a record that is opened again goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from speechagents.agents.director import Stock
from speechagents.agents.policies import Choice
from speechagents.agents.state import SceneState
from speechagents.agents.steps import Step, StepLog
from speechagents.controllers.controller import Judgement, Ledger, Usage
from speechagents.drama import Deed, Message, SceneBrief, Turn, role_key
from speechagents.live.decisions import Silent, Speaks
from speechagents.stream import MessageStream

_YES: Final = Judgement(True, "")
_NO: Final = Judgement(False, "")


class LiveRecord:
    """The record of one scene. Use it as a context manager; it is read when it is entered.

    Args:
        scene: What is played.
        person: Name of the person's role.
        folder: Of the production: ``steps.jsonl`` and ``stream.jsonl``.

    Attributes:
        state: Where the scene stands.
        placed: All messages by id, with their times.
        basis: A digest of what has happened.
    """

    def __init__(self, scene: SceneBrief, person: str, folder: Path) -> None:
        self._person = person
        self._folder = folder
        self.state = SceneState(scene, person=person)
        self.placed: dict[int, Message] = {}
        self.basis = ""
        # Besides `basis` those before it since which only the person has been heard.
        self._good = {""}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            self._log = opening.enter_context(StepLog(self._folder / "steps.jsonl"))
            self._stream = opening.enter_context(MessageStream(self._folder / "stream.jsonl"))
            for record in self._log:
                if isinstance(record, Step):
                    self._fold(record)
            self._stream.cut(len(self.state.said))
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def persons_turn(self) -> bool:
        """Whether the person had the floor last."""
        turns = self.state.turns
        return bool(turns) and turns[-1] == self._person

    def is_good(self, basis: str) -> bool:
        """Whether what was decided on a basis can still be heard: nobody but the person has been heard since."""
        return basis in self._good

    def refuse_stale(self, decided: Speaks | Silent) -> None:
        """Refuse a decision that cannot be heard any more.

        Raises:
            ValueError: Another agent was heard since.
        """
        if not self.is_good(decided.basis):
            raise ValueError(f"{decided.step.turn.role} decided before somebody else was heard; decide again")

    def append(self, step: Step) -> None:
        """Write a step through to the disk, then its messages; then it has happened.

        Raises:
            StorageError: The disk is full; nothing has happened, or, where a message did not fit any more, it stands in
                the record and is in the stream when the scene is opened again.
        """
        self._log.append(step)
        self._fold(step)

    def append_pass(self) -> None:
        """The person kept quiet."""
        self.append(self.persons_step(_pass(self._person), "kept quiet"))

    def persons_step(self, turn: Turn, why: str, *messages: Message) -> Step:
        """What the person does as a step: it changes nothing that the director makes of the scene."""
        ledger = Ledger((), self.state.plan, self.state.beat, _YES, _NO, _NO)
        return Step(
            number=self.state.steps,
            stock=Stock(ledger, "person", stalls=self.state.stalls),
            choice=Choice(self._person, why),
            turn=turn,
            messages=messages,
            understood=tuple(message.text for message in messages),
        )

    def supposing(self, assumed: Speaks | None, *, passes: bool) -> tuple[SceneState, str]:
        """Where the scene would stand, and on which basis that is decided.

        Args:
            assumed: A line that is taken for heard.
            passes: The person is taken to keep quiet, which is part of the decision, not of its basis.

        Raises:
            ValueError: The line cannot be heard any more.
        """
        state, basis = self.state.forked(), self.basis
        if assumed is not None:
            self.refuse_stale(assumed)
            if assumed.passed and not self.persons_turn:
                state.take_turn(_pass(self._person), Usage())
                basis = _after(basis, self._person, ())
            step = assumed.step
            messages = tuple(replace(message, id=len(state.said) + 1) for message in step.messages)
            state.take_note(step.stock)
            state.take_turn(step.turn, step.usage)
            state.hear(messages, step.understood)
            basis = _after(basis, step.turn.role, messages)
        if passes:
            state.take_turn(_pass(self._person), Usage())
        return state, basis

    def _fold(self, step: Step) -> None:
        state = self.state
        state.take_note(step.stock)
        state.take_turn(step.turn, step.usage)
        state.hear(step.messages, step.understood)
        self.placed.update((message.id, message) for message in step.messages)
        self.basis = _after(self.basis, step.turn.role, step.messages)
        heard_person = bool(step.messages) and role_key(step.turn.role) == role_key(self._person)
        self._good = {*self._good, self.basis} if heard_person else {self.basis}
        for message in step.messages:
            # A kill between the record and the stream leaves the stream behind.
            if message.id > len(self._stream):
                self._stream.append(message)


def line_key(decided: Speaks) -> str:
    """What a line is known by while it is not recorded; the same decision on the same basis is the same line."""
    return _after(decided.basis, decided.step.turn.role, decided.step.messages)


def _pass(person: str) -> Turn:
    return Turn(person, Deed.SILENT)


def _after(basis: str, role: str, messages: Sequence[Message]) -> str:
    """A digest of what has happened, one turn further."""
    happened = [basis, role, *((one.text, one.style.tag, one.style.strength, one.addresses) for one in messages)]
    return hashlib.blake2b(repr(happened).encode("utf-8", "replace"), digest_size=16).hexdigest()
