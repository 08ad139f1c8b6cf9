"""What lies behind a message: thoughts, why that role had the floor, bids, and the director's ledger.

Owns that page fragment. Whatever stands here is seen by nobody on stage, and the fragment says so. Every text is
escaped.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

from speechagents.agents.steps import Step
from speechagents.controllers.controller import Bid, Judgement
from speechagents.drama import Deed, Message, SceneBrief, role_key
from speechagents.ui.transcript_view import Told, colour_of

_MOST_BIDS = 25


def inspection(scene: SceneBrief, told: Told) -> str:
    """Everything that is known of a message.

    Args:
        scene: The brief.
        told: The message and its step.
    """
    step, message = told.step, told.message
    entries = "".join(_entries(scene, step, message))
    return (
        f'<div class="sa-inspector"><p class="sa-kicker">Behind message {message.id} · turn {step.number + 1}</p>'
        f'<h3><i class="sa-dot" style="background:{colour_of(scene, message.speaker)}"></i> '
        f"{html.escape(message.speaker)}</h3>"
        '<p class="sa-backstage">Backstage: nobody in the scene sees any of this.</p>'
        f"<dl>{entries}</dl></div>"
    )


def nothing_chosen() -> str:
    """What stands there before a message is chosen."""
    return (
        '<div class="sa-empty"><strong>Look behind a line</strong>Choose the magnifying glass of any message: '
        "thoughts, bids and the director's ledger appear here, and you can let the scene go on differently from "
        "there.</div>"
    )


def _entries(scene: SceneBrief, step: Step, message: Message) -> Iterator[str]:
    if message.deed is Deed.BACK_CHANNEL:
        yield _entry("A murmur", f"A sign of listening under what {step.turn.role} says.")
    elif step.turn.thoughts:
        yield _entry("Thoughts", step.turn.thoughts, kind="sa-thoughts")
    else:
        yield _entry("Thoughts", "none recorded")
    floor = f"{step.choice.role}: {step.choice.reason}"
    yield _entry(
        "Why they had the floor", floor + (", reaching into the turn before" if step.choice.interrupts else "")
    )
    if step.note:
        yield _entry("The director told them", step.note)
    understood = step.understood[step.messages.index(message)]
    if understood != message.text:
        yield _entry("What the others understood", understood)
    if message.fallback:
        yield _entry("A stand-in spoke", f"The controller's own turn could not be used: {message.fallback}")
    if step.bids:
        yield f"<dt>Bids for the floor</dt><dd>{_bids(scene, step)}</dd>"
    yield from _ledger(scene, step)
    usage = step.usage
    spent = (
        f"{usage.tokens_in:,} in, {usage.tokens_out:,} out" if usage.tokens_in or usage.tokens_out else "none: no model"
    )
    yield _entry("Tokens of this turn", spent)


def _ledger(scene: SceneBrief, step: Step) -> Iterator[str]:
    """What the director made of the scene just before the turn."""
    stock = step.stock
    ledger = stock.ledger
    by = "by the controller" if stock.source == "controller" else "by rules"
    yield f'<dt class="sa-part">The director\'s ledger before this turn, {html.escape(by)}</dt><dd></dd>'
    if scene.beats:
        number = min(ledger.beat, len(scene.beats) - 1)
        yield _entry("Beat", f"{number + 1} of {len(scene.beats)}: {scene.beats[number]}")
    if ledger.plan:
        yield _entry("Plan", ledger.plan + (" (made anew: the scene stood still)" if stock.replanned else ""))
    if ledger.facts:
        facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in ledger.facts)
        yield f"<dt>New facts</dt><dd><ul>{facts}</ul></dd>"
    yield _judged("Progress", ledger.progress)
    yield _judged("Going in circles", ledger.in_loop)
    yield _judged("Over", ledger.done)
    if stock.stalls:
        yield _entry("Turns without progress", str(stock.stalls))
    if ledger.next_role:
        yield _entry("Wanted next", ledger.next_role + (f": {ledger.next_reason}" if ledger.next_reason else ""))
    if stock.problem:
        yield _entry("Why not by the controller", stock.problem)


def _bids(scene: SceneBrief, step: Step) -> str:
    rows = []
    for bid in sorted(step.bids, key=lambda one: -one.want)[:_MOST_BIDS]:
        won = role_key(bid.role) == role_key(step.choice.role)
        rows.append(_bid(scene, bid, "sa-won" if won else ""))
    return f'<ul class="sa-bids">{"".join(rows)}</ul>'


def _bid(scene: SceneBrief, bid: Bid, kind: str) -> str:
    reason = html.escape(bid.reason) + (" (would break in)" if bid.interrupts else "")
    want = min(1.0, max(0.0, bid.want))
    return (
        f'<li class="{kind}" style="--sa-role:{colour_of(scene, bid.role)}"><b>{html.escape(bid.role)}</b>'
        f'<span class="sa-bar" aria-hidden="true"><i style="width:{100 * want:.0f}%"></i></span>'
        f"<span>{want:.2f}</span><small>{reason}</small></li>"
    )


def _entry(name: str, text: str, *, kind: str = "") -> str:
    classes = f' class="{kind}"' if kind else ""
    return f"<dt>{html.escape(name)}</dt><dd{classes}>{html.escape(text)}</dd>"


def _judged(name: str, judgement: Judgement) -> str:
    answer = "yes" if judgement.holds else "no"
    return _entry(name, f"{answer}: {judgement.reason}" if judgement.reason else answer)
