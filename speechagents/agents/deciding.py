"""Who is next in a scene, and what they do: the part of a turn that is thought, before anything is heard of it.

Owns the order of deciding: the director takes stock, the policy gives somebody the floor, the controller acts for them,
the understudy where it fails. Does not know what comes of a turn: how it sounds, when it is heard and where it is
recorded is the business of whoever asks (`agents.improvisation`, `live.scene`).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from speechagents.agents.director import Director, Stock, ending
from speechagents.agents.hearing import Ears
from speechagents.agents.interplay import broken_off, filler, murmur
from speechagents.agents.policies import Choice, Floor, TurnPolicy
from speechagents.agents.state import SceneState
from speechagents.agents.steps import Step
from speechagents.controllers.controller import (
    AgentInput,
    Answer,
    Bid,
    Bids,
    Controller,
    DirectorInput,
    MalformedTurn,
    Usage,
)
from speechagents.drama import Deed, Message, SceneBrief, Turn, clean_name, role_key
from speechagents.errors import ControllerError
from speechagents.scripts.spoken import is_speakable

MAX_REASON_CHARS: Final = 300
"""Longest reason for which a turn or a message is not what it should have been."""

_RECENT_FOR_POLICY: Final = 12
_CUES: Final = 3


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
class Chosen:
    """Somebody has the floor, and nobody has thought about what to do with it yet.

    Attributes:
        stock: What the director made of the scene.
        choice: Who, and why.
        bids: What everybody offered, if anybody was asked.
        usage: What it cost so far.
    """

    stock: Stock
    choice: Choice
    bids: tuple[Bid, ...] = ()
    usage: Usage = field(default_factory=Usage)

    @property
    def note(self) -> str:
        """What the director tells the role."""
        ledger = self.stock.ledger
        return ledger.note if role_key(ledger.next_role) == role_key(self.choice.role) else ""

    def step(self, number: int, turn: Turn, messages: tuple[Message, ...], usage: Usage) -> Step:
        """The record of it, once it is known what comes of it; everything is understood as it was said.

        Args:
            number: 0-based.
            turn: What the role does.
            messages: The turn's.
            usage: What the turn cost.
        """
        return Step(
            number=number,
            stock=self.stock,
            choice=self.choice,
            turn=turn,
            note=self.note,
            bids=self.bids,
            messages=messages,
            understood=tuple(message.text for message in messages),
            usage=usage + self.usage,
        )


@dataclass(slots=True)
class _Offers:
    """Bids that a policy asked for."""

    bids: list[Bid] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)


class Deciding:
    """Decides turns of one scene. The same state gives the same decisions, as far as the controller goes along.

    Args:
        scene: The scene as those see it who decide; its seed is theirs.
        company: Who they are.
        placed: All messages as they were heard, by id; it grows with the scene.
    """

    def __init__(self, scene: SceneBrief, company: Company, placed: Mapping[int, Message]) -> None:
        self._scene = scene
        self._company = company
        self._placed = placed

    def step(self, state: SceneState) -> Step | str:
        """Decide a whole turn, or say why there is none.

        The state takes the turn. What comes of it is heard by nobody yet: its messages have no times and no sound.

        Args:
            state: Where the scene stands.

        Raises:
            ControllerError: The controller cannot be used, and nobody has said anything yet.
        """
        scene = self._scene
        chosen = self.choose(state)
        if isinstance(chosen, str):
            return chosen
        number = state.steps
        turn, usage = self.act(state, chosen)
        turn = broken_off(turn, seed=scene.seed, step=number)
        hearers = turn.addresses if turn.private else state.present
        listens = murmur(turn, hearers, language=scene.language, seed=scene.seed, step=number)
        messages = state.messages_of(turn, None if listens is None else (listens.role, listens.text))
        step = chosen.step(number, turn, messages, usage)
        state.take_turn(turn, step.usage)
        return step

    def choose(self, state: SceneState, *, called: str = "") -> Chosen | str:
        """Take stock of a scene, and give somebody the floor; or say why the scene is over.

        Args:
            state: Where the scene stands; it takes note of the stock.
            called: Name of the role that somebody outside the scene calls for; empty leaves it to the policy.

        Raises:
            ControllerError: The controller cannot be used, and nobody has said anything yet.
        """
        scene, company = self._scene, self._company
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
        over = ending(scene, turns=state.acted, silent_in_a_row=state.silent, active=len(state.present), done=done)
        if over:
            return over
        if called in state.present:
            return Chosen(stock, Choice(called, "called for"), usage=stock.usage)
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
                bids=partial(self._bids, state, offers) if isinstance(company.controller, Bids) else None,
            )
        )
        if choice is None:
            return "nobody is left to speak"
        return Chosen(stock, choice, tuple(offers.bids), offers.usage + stock.usage)

    def act(self, state: SceneState, chosen: Chosen) -> tuple[Turn, Usage]:
        """What the role that has the floor does, and what it cost: the controller's turn, or the understudy's.

        Raises:
            ControllerError: The controller cannot be used, and nobody has said anything yet.
        """
        ask = self.ask(state, chosen)
        try:
            answer = next(iter(self._company.actor.respond([ask], seed=self._seed(state, "turn"))), None)
        except ControllerError as error:
            # Whoever cannot be reached at all is told so at once; later on the scene is worth more.
            if not state.said:
                raise
            answer = MalformedTurn(ask.role.name, str(error))
        return self.taken(state, ask, answer)

    def ask(self, state: SceneState, chosen: Chosen) -> AgentInput:
        """What the role that has the floor knows, for whoever answers for several scenes at once."""
        return self._ask(state, chosen.choice.role, chosen.note)

    def taken(self, state: SceneState, ask: AgentInput, answer: Answer | MalformedTurn | None) -> tuple[Turn, Usage]:
        """What becomes of an answer: the turn in it, or the understudy's, and what it cost.

        Args:
            state: Where the scene stands.
            ask: What was asked.
            answer: What came back; None for nothing.
        """
        if isinstance(answer, Answer):
            own = _fitting(answer.turn, ask)
            if own is not None:
                return own, answer.usage
            reason = "nothing in the turn can be spoken"
        else:
            reason = answer.reason if answer is not None else "no answer"
        reason = clean_name(reason)[:MAX_REASON_CHARS]
        usage = answer.usage if answer is not None else Usage()
        return replace(self._stand_in(state, ask), fallback=reason), usage

    def _ask(self, state: SceneState, name: str, note: str = "") -> AgentInput:
        """What a role knows now."""
        scene, company = self._scene, self._company
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

    def _bids(self, state: SceneState, offers: _Offers, names: Sequence[str]) -> Sequence[Bid]:
        """Ask several agents at once how much they want the floor."""
        controller = self._company.controller
        assert isinstance(controller, Bids)  # noqa: S101 - offered to the policy only if so
        try:
            for bid in controller.bid([self._ask(state, name) for name in names], seed=self._seed(state, "bid")):
                offers.usage += bid.usage
                if isinstance(bid, Bid):
                    offers.bids.append(bid)
        except ControllerError:
            if not state.said:
                raise
        return offers.bids

    def _stand_in(self, state: SceneState, ask: AgentInput) -> Turn:
        """A turn that keeps the scene alive: the understudy's; a murmur where that does not speak the language."""
        # A language it does not speak is no reason to stop either.
        with contextlib.suppress(ControllerError):
            for answer in self._company.understudy.respond([ask], seed=self._seed(state, "turn")):
                if isinstance(answer, Answer) and (turn := _fitting(answer.turn, ask)) is not None:
                    return turn
        text = filler(self._scene.language, seed=self._scene.seed, step=state.steps)
        return Turn(ask.role.name, Deed.SPEAK if text else Deed.SILENT, text)

    def _seed(self, state: SceneState, what: str) -> int:
        digest = hashlib.blake2b(f"{self._scene.seed}\0{state.steps}\0{what}".encode(), digest_size=8)
        return int.from_bytes(digest.digest(), "big") >> 33  # servers take 31 bits


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
