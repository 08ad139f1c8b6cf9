"""Turns that are judged before they are played: a draft that is not good enough is asked for once more.

Owns who asks whom, and which draft is kept. Does not know how a draft is judged, nor how a turn comes about. Without a
usable judgement a draft is taken as it is: a critic never costs a scene its turn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from speechagents.controllers.controller import (
    AgentInput,
    Answer,
    Bids,
    Controller,
    Criticises,
    Directs,
    MalformedTurn,
    Usage,
)
from speechagents.drama import Deed
from speechagents.errors import ControllerError, SettingsError

MAX_PASSES: Final = 2
GOOD_ENOUGH: Final = 0.6
"""Score from which on a draft is played as it is."""


@dataclass(slots=True)
class _Draft:
    """The best that one agent has come up with, and what all of it cost."""

    best: Answer
    score: float
    advice: str
    usage: Usage


class Criticised:
    """A controller whose turns a critic sees first.

    What else the controller can do (bid, direct) this one can do as well, and no more than that: it has those methods
    only if the controller has them.

    Args:
        controller: Makes the turns.
        critic: Judges them.
        passes: How often a draft that is not good enough is asked for anew, 1 or 2.
        good_enough: Score from which on it is, from 0 to 1.

    Raises:
        SettingsError: An argument is out of range.
    """

    def __init__(
        self, controller: Controller, critic: Criticises, *, passes: int, good_enough: float = GOOD_ENOUGH
    ) -> None:
        if not 1 <= passes <= MAX_PASSES:
            raise SettingsError(f"{passes} passes of a critic are not between 1 and {MAX_PASSES}")
        if not 0.0 <= good_enough <= 1.0:
            raise SettingsError(f"a score of {good_enough} is not between 0 and 1")
        self._controller = controller
        self._critic = critic
        self._passes = passes
        self._good_enough = good_enough
        # On the object, not on the class: that is where `isinstance` looks for what a controller can do.
        if isinstance(controller, Bids):
            self.bid = controller.bid
        if isinstance(controller, Directs):
            self.direct = controller.direct

    @property
    def identity(self) -> str:
        """The controller's and the critic's."""
        critic = f" by {self._critic.identity}" if isinstance(self._critic, Controller) else ""
        return f"{self._controller.identity}, criticised{critic}, {self._passes} passes from {self._good_enough:g}"

    @property
    def hears(self) -> bool:
        """As the controller."""
        return self._controller.hears

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        """The best draft of each agent asked, in order; the first of several that are as good.

        Raises:
            ControllerError: The controller cannot be reached or used at all.
        """
        answers = list(self._controller.respond(asks, seed=seed))
        drafts = {
            at: self._judged(asks[at], answer, seed) for at, answer in enumerate(answers) if isinstance(answer, Answer)
        }
        for number in range(1, self._passes + 1):
            weak = [at for at, draft in drafts.items() if draft.score < self._good_enough]
            if not weak:
                break
            self._mend(asks, drafts, weak, seed=seed + 2 * number)
        for at, answer in enumerate(answers):
            yield replace(drafts[at].best, usage=drafts[at].usage) if at in drafts else answer

    def _mend(self, asks: Sequence[AgentInput], drafts: dict[int, _Draft], weak: Sequence[int], *, seed: int) -> None:
        """Ask for better drafts, all in one batch."""
        advised = [_advised(asks[at], drafts[at].advice) for at in weak]
        try:
            redrafts = list(self._controller.respond(advised, seed=seed))
        except ControllerError:
            return  # the drafts there are will do
        for at, answer in zip(weak, redrafts, strict=False):
            draft = drafts[at]
            if isinstance(answer, MalformedTurn):
                draft.usage += answer.usage
                continue
            again = self._judged(asks[at], answer, seed)
            draft.usage += again.usage
            # A redraft that nobody could judge is no better than one that somebody did.
            if math.isfinite(again.score) and again.score > draft.score:
                draft.best, draft.score, draft.advice = again.best, again.score, again.advice

    def _judged(self, ask: AgentInput, answer: Answer, seed: int) -> _Draft:
        """An answer with its score: endless for what needs no judgement, or gets none."""
        if answer.turn.deed is Deed.SILENT:
            return _Draft(answer, math.inf, "", answer.usage)
        try:
            critique = self._critic.criticise(ask, answer.turn, seed=seed)
        except ControllerError:
            return _Draft(answer, math.inf, "", answer.usage)
        if isinstance(critique, MalformedTurn):
            return _Draft(answer, math.inf, "", answer.usage + critique.usage)
        return _Draft(answer, critique.score, critique.advice, answer.usage + critique.usage)


def _advised(ask: AgentInput, advice: str) -> AgentInput:
    """The same question with the critic's advice as a note of the director."""
    return replace(ask, note=" ".join(note for note in (ask.note, advice) if note))
