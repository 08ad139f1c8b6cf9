"""A controller made of a language model: asks it in words, reads its answers strictly, and asks once more if it must.

Owns that exchange and the account of what it costs. Does not know what is asked (`prompts`), what answers look like
(`grammar`, `proposal`) or where the model runs.

All who are asked together are one batch, and so are those who have to be asked again. Nothing that a model answers
raises: what cannot be used, not even after one repair, is a `MalformedTurn` with a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Generic, TypeVar

from speechagents.controllers.ascribing import Ascribed, Excerpt, Unascribed
from speechagents.controllers.ascription_prompt import ascription_prompt, parse_ascription
from speechagents.controllers.complaints import shown
from speechagents.controllers.controller import (
    AgentInput,
    Answer,
    Bid,
    Critique,
    DirectorInput,
    Ledger,
    MalformedTurn,
    Usage,
)
from speechagents.controllers.grammar import BadAnswerError, parse_bid, parse_critique, parse_ledger, parse_turn
from speechagents.controllers.language_model import LanguageModel, Prompt, Reply
from speechagents.controllers.prompts import (
    bid_prompt,
    critique_prompt,
    ledger_prompt,
    proposal_prompt,
    repair_prompt,
    turn_prompt,
)
from speechagents.controllers.proposal import parse_proposal
from speechagents.drama import MAX_PLAYERS, MIN_PLAYERS, SceneBrief, Turn
from speechagents.errors import ControllerError, SettingsError
from speechagents.scripts.languages import language_tag

PROMPTS_VERSION: Final = 1
"""Part of the identity: other words make other turns."""

Value = TypeVar("Value")
Parse = Callable[[str], Value]


@dataclass(frozen=True, slots=True)
class _Outcome(Generic[Value]):
    """What came of one question: a value, or why there is none; what it cost; and whether anything came back at all."""

    value: Value | None
    reason: str
    usage: Usage
    answered: bool = True


class PromptedController:
    """Acts for roles, bids, directs, proposes scenes, judges drafts and names speakers, all through one language model.

    Args:
        model: Answers the prompts. It is given sound where it hears and there is some.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    def __repr__(self) -> str:
        return f"PromptedController({self._model!r})"

    @property
    def identity(self) -> str:
        """The model's, and the version of the prompts.

        Raises:
            ControllerError: The model cannot be reached.
        """
        return f"prompted {PROMPTS_VERSION} {self._model.identity}"

    @property
    def hears(self) -> bool:
        """The model takes sound.

        Raises:
            ControllerError: The model cannot be reached.
        """
        return self._model.hears

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        """One turn for each agent asked, in order; one batch, and one for all repairs.

        Raises:
            ControllerError: The model cannot be reached or used at all.
        """
        hears = self._hears(asks)
        prompts = [turn_prompt(ask, hears=hears) for ask in asks]
        parsers: list[Parse[Turn]] = [partial(parse_turn, ask=ask) for ask in asks]
        for ask, outcome in zip(asks, self._ask(prompts, parsers, seed=seed), strict=True):
            if outcome.value is None:
                yield MalformedTurn(ask.role.name, outcome.reason, outcome.usage)
            else:
                yield Answer(outcome.value, outcome.usage)

    def bid(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Bid | MalformedTurn]:
        """One bid for each agent asked, in order; one batch, and one for all repairs.

        Raises:
            ControllerError: The model cannot be reached or used at all.
        """
        hears = self._hears(asks)
        prompts = [bid_prompt(ask, hears=hears) for ask in asks]
        parsers: list[Parse[Bid]] = [partial(parse_bid, ask=ask) for ask in asks]
        for ask, outcome in zip(asks, self._ask(prompts, parsers, seed=seed), strict=True):
            if outcome.value is None:
                yield MalformedTurn(ask.role.name, outcome.reason, outcome.usage)
            else:
                yield replace(outcome.value, usage=outcome.usage)

    def direct(self, ask: DirectorInput, *, seed: int) -> Ledger | MalformedTurn:
        """Take stock.

        Raises:
            ControllerError: The model cannot be reached or used at all.
        """
        prompt = ledger_prompt(ask, hears=any(one.audio is not None for one in ask.heard) and self.hears)
        outcome = self._ask_one(prompt, partial(parse_ledger, ask=ask), seed=seed)
        if outcome.value is None:
            return MalformedTurn("", outcome.reason, outcome.usage)
        return replace(outcome.value, usage=outcome.usage)

    def propose(self, idea: str, *, roles: int, language: str, seed: int) -> SceneBrief | MalformedTurn:
        """A scene with exactly so many roles, which a scene file can hold.

        Raises:
            SettingsError: So many roles cannot play, or the language is none.
            ControllerError: The model cannot be reached or used at all.
        """
        if not MIN_PLAYERS <= roles <= MAX_PLAYERS:
            raise SettingsError(f"{roles} roles are not between {MIN_PLAYERS} and {MAX_PLAYERS}")
        tag = language_tag(language)
        if not tag:
            raise SettingsError(f"{shown(language)!r} is no language; write a tag such as en, de, fr-CA or cmn")
        prompt = proposal_prompt(idea, roles=roles, language=tag)
        outcome = self._ask_one(prompt, partial(parse_proposal, roles=roles, language=tag, seed=seed), seed=seed)
        return outcome.value or MalformedTurn("", outcome.reason, outcome.usage)

    def criticise(self, ask: AgentInput, draft: Turn, *, seed: int) -> Critique | MalformedTurn:
        """Judge a draft.

        Raises:
            ControllerError: The model cannot be reached or used at all.
        """
        outcome = self._ask_one(critique_prompt(ask, draft, hears=self._hears([ask])), parse_critique, seed=seed)
        if outcome.value is None:
            return MalformedTurn(ask.role.name, outcome.reason, outcome.usage)
        return replace(outcome.value, usage=outcome.usage)

    def ascribe(self, excerpts: Sequence[Excerpt], *, seed: int) -> Iterator[Ascribed | Unascribed]:
        """Who speaks in each excerpt, in order; one batch, and one for all repairs.

        Raises:
            ControllerError: The model cannot be reached or used at all.
        """
        prompts = [ascription_prompt(excerpt) for excerpt in excerpts]
        parsers = [partial(parse_ascription, excerpt=excerpt) for excerpt in excerpts]
        for outcome in self._ask(prompts, parsers, seed=seed):
            if outcome.value is None:
                yield Unascribed(outcome.reason, outcome.answered, outcome.usage)
            else:
                yield Ascribed(outcome.value, outcome.usage)

    def _hears(self, asks: Sequence[AgentInput]) -> bool:
        """Whether prompts should have sound; the model is not asked where there is none."""
        return any(one.audio is not None for ask in asks for one in ask.heard) and self._model.hears

    def _ask_one(self, prompt: Prompt, parse: Parse[Value], *, seed: int) -> _Outcome[Value]:
        (outcome,) = self._ask([prompt], [parse], seed=seed)
        return outcome

    def _ask(self, prompts: Sequence[Prompt], parsers: Sequence[Parse[Value]], *, seed: int) -> list[_Outcome[Value]]:
        """Ask, and ask those once more whose answers cannot be used."""
        replies = self._replies(prompts, seed=seed)
        outcomes = [_read(reply, parse) for reply, parse in zip(replies, parsers, strict=True)]
        # Whoever gave no answer has been asked often enough already: the model tries again by itself.
        bad = [at for at, reply in enumerate(replies) if not reply.error and outcomes[at].value is None]
        if not bad:
            return outcomes
        repairs = [repair_prompt(prompts[at], replies[at].text, outcomes[at].reason) for at in bad]
        try:
            mended = self._replies(repairs, seed=seed + 1)
        except ControllerError as error:
            # What the others answered is worth keeping.
            mended = [Reply("", error=str(error))] * len(bad)
        for at, reply in zip(bad, mended, strict=True):
            again, before = _read(reply, parsers[at]), outcomes[at]
            reason = "" if again.value is not None else f"{before.reason}; asked again: {again.reason}"
            outcomes[at] = _Outcome(again.value, reason, before.usage + again.usage, again.answered)
        return outcomes

    def _replies(self, prompts: Sequence[Prompt], *, seed: int) -> list[Reply]:
        """One reply for each prompt, whatever the model gives."""
        replies = list(self._model.generate(prompts, seed=seed))[: len(prompts)]
        return replies + [Reply("", error="no answer")] * (len(prompts) - len(replies))


def _read(reply: Reply, parse: Parse[Value]) -> _Outcome[Value]:
    if reply.error:
        return _Outcome(None, shown(reply.error), reply.usage, answered=False)
    try:
        return _Outcome(parse(reply.text), "", reply.usage)
    except BadAnswerError as error:
        return _Outcome(None, shown(str(error)), reply.usage)
