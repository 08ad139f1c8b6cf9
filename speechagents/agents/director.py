"""The director: takes stock before each turn, leads from beat to beat, and says when a scene is over.

Owns the ledger's validation and the rules that stand in for a controller. An answer that cannot be used is replaced by
the rules and marked; it never ends a scene. The same inputs give the same stock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from speechagents.controllers.controller import DirectorInput, Directs, Judgement, Ledger, MalformedTurn, Usage
from speechagents.drama import Deed, SceneBrief, clean_name, role_key
from speechagents.errors import ControllerError

REPLAN_AFTER = 3
"""Stalls in a row after which the director makes a new plan."""

_MAX_FACTS = 6
_MAX_CHARS = 500
_WORD = re.compile(r"\w{4,}")
_WINDOW = 8
_MAX_SILENT = 4


@dataclass(frozen=True, slots=True)
class Stock:
    """What the director made of a scene.

    Attributes:
        ledger: The ledger, valid.
        source: ``controller`` or ``rules``.
        problem: Why the controller's ledger was not used; empty if it was, or if there is no controller.
        stalls: Turns in a row without progress or in a loop.
        replanned: A new plan was made because of them.
        usage: What it cost.
    """

    ledger: Ledger
    source: str
    problem: str = ""
    stalls: int = 0
    replanned: bool = False
    usage: Usage = field(default_factory=Usage)


class Director:
    """Directs one scene.

    Args:
        scene: The brief.
        controller: Makes the ledgers; None leaves them to the rules.
        seed: Of the scene.
    """

    def __init__(self, scene: SceneBrief, *, controller: Directs | None, seed: int) -> None:
        self._scene = scene
        self._controller = controller
        self._seed = seed

    def take_stock(self, ask: DirectorInput) -> Stock:
        """Judge the scene as it stands."""
        ledger, source, problem, usage = self._ledger(ask)
        stalled = ask.step > 0 and (ledger.in_loop.holds or not ledger.progress.holds)
        stalls = ask.stalls + 1 if stalled else 0
        replanned = stalls >= REPLAN_AFTER
        if replanned:
            stalls = 0
            beat = min(ledger.beat + 1, max(0, len(self._scene.beats) - 1))
            ledger = replace(ledger, beat=beat, plan=_plan(self._scene, beat, anew=True))
        return Stock(ledger, source, problem, stalls, replanned, usage)

    def _ledger(self, ask: DirectorInput) -> tuple[Ledger, str, str, Usage]:
        if self._controller is None:
            return _by_rules(ask), "rules", "", Usage()
        usage = Usage()
        try:
            answer = self._controller.direct(ask, seed=self._seed + ask.step)
        except ControllerError as error:
            problem = str(error)
        else:
            usage = answer.usage
            if isinstance(answer, MalformedTurn):
                problem = answer.reason
            else:
                problem = _fault(answer, ask)
                if not problem:
                    return _clean(answer), "controller", "", usage
        return _by_rules(ask), "rules", clean_name(problem)[:_MAX_CHARS], usage


def ending(scene: SceneBrief, *, turns: int, silent_in_a_row: int, active: int, done: bool) -> str:
    """Why a scene is over; empty while it is not."""
    if active < 2:
        return "fewer than two roles are left"
    if turns >= scene.turns:
        return f"all {scene.turns} turns are played"
    if fallen_silent(silent_in_a_row, active=active):
        return "silence: nobody has anything to say"
    return "the last beat is played out" if done else ""


def fallen_silent(silent_in_a_row: int, *, active: int) -> bool:
    """Whether so many silent turns mean that nobody has anything to say."""
    return silent_in_a_row >= min(_MAX_SILENT, active)


def _fault(ledger: Ledger, ask: DirectorInput) -> str:
    """Why a ledger cannot be used; empty if it can."""
    if ledger.next_role and role_key(ledger.next_role) not in map(role_key, ask.present):
        return f"{clean_name(ledger.next_role)} is not here"
    if not ask.beat - 1 <= ledger.beat < max(1, len(ask.scene.beats)) or ledger.beat < 0:
        return f"there is no beat {ledger.beat} to be in"
    return ""


def _clean(ledger: Ledger) -> Ledger:
    """A ledger with bounded texts that steer nothing."""

    def judged(one: Judgement) -> Judgement:
        return Judgement(one.holds is True, clean_name(one.reason)[:_MAX_CHARS])

    return Ledger(
        facts=tuple(clean_name(fact)[:_MAX_CHARS] for fact in ledger.facts[:_MAX_FACTS]),
        plan=clean_name(ledger.plan)[:_MAX_CHARS],
        beat=ledger.beat,
        progress=judged(ledger.progress),
        in_loop=judged(ledger.in_loop),
        done=judged(ledger.done),
        next_role=ledger.next_role,
        next_reason=clean_name(ledger.next_reason)[:_MAX_CHARS],
        note=clean_name(ledger.note)[:_MAX_CHARS],
    )


def _by_rules(ask: DirectorInput) -> Ledger:
    """Beats by their share of the turns; progress by new words, loops by repeated ones; what was done is a fact."""
    beats = len(ask.scene.beats)
    share = ask.step * beats // max(1, ask.scene.turns) if beats else 0
    beat = max(ask.beat, min(share, max(0, beats - 1)))
    texts = [one.text for one in ask.heard[-_WINDOW:]]
    words = set(_words(texts[-1])) if texts else set()
    before = {word for text in texts[:-1] for word in _words(text)}
    new = len(words - before)
    repeated = bool(texts) and texts[-1].casefold() in {text.casefold() for text in texts[:-1]}
    return Ledger(
        facts=tuple(
            clean_name(f"{one.speaker}: {one.text}")[:_MAX_CHARS]
            for one in ask.heard[-1:]
            if one.deed in (Deed.ACT, Deed.LEAVE) and not one.private
        ),
        plan=_plan(ask.scene, beat, anew=False),
        beat=beat,
        progress=Judgement(not texts or new > 0, f"{new} new words in the last message"),
        in_loop=Judgement(repeated, "the last message was said before" if repeated else "nothing is repeated"),
        done=Judgement(False, "the rules leave the end to the number of turns"),
    )


def _plan(scene: SceneBrief, beat: int, *, anew: bool) -> str:
    what = scene.beats[beat] if beat < len(scene.beats) else "Let everybody say what they came for."
    return f"Try another way: {what}" if anew else what


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]
