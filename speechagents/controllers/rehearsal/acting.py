"""A controller without a language model, for trying out a scene: voices, rhythm, staging, and who talks to whom.

Owns the assembly of turns, bids and their reasons. It is honest about what it is: it picks dialogue acts by rule and
phrases by number, and understands nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from speechagents.controllers.controller import AgentInput, Answer, Bid, MalformedTurn
from speechagents.controllers.rehearsal.phrases import Phrases, phrases_of
from speechagents.controllers.rehearsal.planner import Chance, Plan, kind_of, last_heard, part, plan
from speechagents.controllers.rehearsal.proposing import propose_scene
from speechagents.controllers.rehearsal.wording import confession, line_for, plain, way_of
from speechagents.drama import Deed, SceneBrief, Style, Turn, role_key
from speechagents.errors import ControllerError, SettingsError

_LONG_QUIET: Final = 12


class RehearsalController:
    """Acts, bids and proposes scenes by rule. Safe to use from several threads."""

    @property
    def identity(self) -> str:
        """Name and version: with other phrases it would say other things."""
        return "rehearsal 1"

    @property
    def hears(self) -> bool:
        """It reads."""
        return False

    def check_language(self, tag: str) -> None:
        """See that there are phrases for a language.

        Raises:
            SettingsError: There are none.
        """
        try:
            phrases_of(tag)
        except ControllerError as error:
            raise SettingsError(str(error)) from error

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        """One turn for each agent asked, in order.

        Raises:
            ControllerError: There are no phrases for the scene's language.
        """
        for ask in asks:
            yield Answer(_turn(ask, phrases_of(ask.scene.language), _chance(ask, seed)))

    def bid(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Bid | MalformedTurn]:
        """One bid for each agent asked, in order.

        Raises:
            ControllerError: There are no phrases for the scene's language.
        """
        for ask in asks:
            phrases_of(ask.scene.language)
            yield _bid(ask, _chance(ask, seed))

    def propose(self, idea: str, *, roles: int, language: str, seed: int) -> SceneBrief | MalformedTurn:
        """A scene of one sentence.

        Raises:
            ControllerError: There are no phrases for the language.
        """
        return propose_scene(idea, phrases_of(language), roles=roles, language=language, seed=seed)


def make_rehearsal() -> RehearsalController:
    """The controller, for the registry."""
    return RehearsalController()


def _chance(ask: AgentInput, seed: int) -> Chance:
    return lambda what: part(f"{seed} {ask.scene.seed} {ask.step} {ask.role.key} {what}")


def _turn(ask: AgentInput, phrases: Phrases, chance: Chance) -> Turn:
    planned = plan(ask, phrases, chance)
    if planned.act is None:
        deed = phrases.deeds[ask.step // 10 % len(phrases.deeds)]
        return Turn(ask.role.name, Deed.ACT, deed, thoughts=_thoughts(planned, phrases, "calm"))
    said = {plain(one.text) for one in (*ask.heard, *ask.recalled)}
    way = way_of(ask.role, ask.scene, phrases)
    text = line_for(planned, planned.act, way, step=ask.step, seed=ask.scene.seed, said=said)
    if planned.act.name == "reveal":
        text = confession(text, ask.role.secrets, phrases, step=ask.step)
    style = planned.act.style
    strength = min(1.0, max(0.2, style.strength + 0.3 * (chance("strength") - 0.5)))
    return Turn(
        ask.role.name,
        text=text,
        style=style if style.tag == "default" else Style(style.tag, round(strength, 2)),
        thoughts=_thoughts(planned, phrases, style.tag),
        addresses=(planned.to,) if planned.to else (),
    )


def _thoughts(planned: Plan, phrases: Phrases, style: str) -> str:
    pattern = {"nothing": "opening", "question": "asked", "deed": "saw"}.get(planned.kind, "heard")
    intent = planned.act.intent if planned.act is not None else phrases.thoughts["wait"]
    return (
        phrases.thoughts[pattern]
        .replace("{intent}", intent)
        .replace("{speaker}", planned.answers.speaker if planned.answers is not None else "")
        .replace("{echo}", planned.echo)
        .replace("{topic}", planned.topic)
        .replace("{style}", style)
    )


def _bid(ask: AgentInput, chance: Chance) -> Bid:
    """Whoever was addressed wants it most; then whoever has been quiet for long."""
    answers = last_heard(ask)
    own = [at for at, one in enumerate(reversed(ask.heard)) if role_key(one.speaker) == ask.role.key]
    quiet = min(1.0, (own[0] if own else len(ask.heard)) / _LONG_QUIET)
    last = ask.heard[-1] if ask.heard else None
    if last is not None and role_key(last.speaker) == ask.role.key:
        return Bid(ask.role.name, 0.0, reason="has just spoken")
    if answers is not None and last is not None and ask.role.key in map(role_key, last.addresses):
        heated = kind_of(last) == "anger" and chance("interrupt") < 0.25
        return Bid(ask.role.name, round(0.8 + 0.2 * chance("want"), 3), heated, "was spoken to")
    return Bid(ask.role.name, round(0.1 + 0.5 * quiet + 0.15 * chance("want"), 3), reason=f"quiet, {quiet:.0%}")
