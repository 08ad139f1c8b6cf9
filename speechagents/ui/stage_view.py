"""How an improvised scene stands, as the Improvise page shows it: the line above the transcript, and which buttons fit.

Owns that reading of a run and a production. Draws fragments of HTML; knows no component.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from speechagents.agents.branching import Branch
from speechagents.agents.steps import Ending, Step
from speechagents.drama import SceneBrief
from speechagents.serving.cards import Kind, ProductionCard
from speechagents.serving.run_view import RunState, RunView
from speechagents.ui.error_box import box, note

FINISHED: Final = ("done", "partly")
"""States of a production whose files are there."""

_SHOWN_WARNINGS: Final = 5


@dataclass(frozen=True, slots=True)
class Controls:
    """Which buttons there are."""

    pause: bool = False
    go_on: bool = False
    step: bool = False
    stop: bool = False
    finish: bool = False

    @property
    def moving(self) -> bool:
        """Something may happen without anybody pressing a button."""
        return self.pause or self.stop


def with_a_person(card: ProductionCard) -> Controls | None:
    """The buttons of a scene in which a person plays; None where agents play alone.

    Such a scene goes on at the live stage only. Until it is over nobody looks behind it from here: the person on stage
    would learn what others whisper and think.
    """
    if card.kind is not Kind.LIVE:
        return None
    return Controls(finish=card.state not in FINISHED)


def still_on_stage() -> str:
    """What stands here while a person plays."""
    return note(
        "A scene in which you play is seen here when it is over and its files are made.", title="You are on this stage"
    )


def controls_of(view: RunView | None, *, state: str, played: int) -> Controls:
    """The buttons that fit.

    Args:
        view: The latest run; None if this server has not worked on the scene.
        state: What the production's record says: ``done`` when the files are there.
        played: Number of recorded steps.
    """
    if view is not None and not view.state.over:
        waits = view.state is RunState.PAUSED
        return Controls(pause=not waits, go_on=waits, step=waits, stop=True, finish=waits and played > 0)
    if (view is not None and view.state is RunState.DONE) or (view is None and state in FINISHED):
        return Controls()
    return Controls(go_on=True, step=True, finish=played > 0)


def status(
    title: str,
    view: RunView | None,
    records: Sequence[Step | Ending],
    scene: SceneBrief | None,
    branch: Branch | None,
    *,
    state: str,
) -> str:
    """The line above the transcript.

    Args:
        title: As on the shelf.
        view: The latest run, if there is one.
        records: What was recorded.
        scene: What is played, once it is written down.
        branch: Where it left another scene, if it did.
        state: What the production's record says.
    """
    steps = sum(isinstance(record, Step) for record in records)
    over = next((record.reason for record in records if isinstance(record, Ending)), "")
    of = f" of at most {scene.turns}" if scene else ""
    facts = [f"turn {steps}{of}"]
    if view is not None and not view.state.over and view.seconds_left is not None:
        facts.append(f"about {max(1, round(view.seconds_left))} s left")
    if over:
        facts.append(over)
    shown = "".join(f"<span>{html.escape(fact)}</span>" for fact in facts)
    word = f'<span class="sa-chip {_kind(view)}">{html.escape(_word(view, state))}</span>'
    parts = [
        f"<h2>{html.escape(title)}</h2>",
        f'<p class="sa-row sa-state" role="status">{word}{shown}</p>',
    ]
    if view is not None and view.over is not None and not view.state.over:
        percent = f"{100 * view.progress:.0f}"
        parts.append(
            '<div class="sa-bar" role="progressbar" aria-label="Making the files" aria-valuemin="0" '
            f'aria-valuemax="100" aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
        )
    if branch is not None:
        parts.append(note(_branched(branch)))
    if view is not None and view.error:
        parts.append(box(view.error, title="The scene stopped"))
    warnings = view.warnings[-_SHOWN_WARNINGS:] if view is not None else ()
    if warnings:
        rows = "".join(f"<li>{html.escape(warning)}</li>" for warning in warnings)
        parts.append(f"<details><summary>{len(warnings)} remarks</summary><ul>{rows}</ul></details>")
    return f'<div class="sa-status">{"".join(parts)}</div>'


def _branched(branch: Branch) -> str:
    told = f", and the director told {branch.note_to or 'everybody'}: “{branch.note}”" if branch.note else ""
    return (
        f"A branch: up to message {branch.message} it is the scene that it came from; from there on it goes by the "
        f"seed {branch.seed}{told}."
    )


def _word(view: RunView | None, state: str) -> str:
    if view is None:
        return {"done": "finished", "partly": "finished, with gaps"}.get(state, "stopped on the way")
    match view.state:
        case RunState.WAITING:
            return f"waiting, number {view.position} in line" if view.position else "waiting"
        case RunState.RUNNING:
            return view.stage or "beginning"
        case RunState.PAUSED:
            return "paused"
        case RunState.DONE:
            return "finished"
        case RunState.FAILED:
            return "failed"
        case RunState.STOPPED:
            return "stopped"


def _kind(view: RunView | None) -> str:
    if view is None:
        return ""
    return {RunState.DONE: "sa-good", RunState.RUNNING: "sa-good", RunState.FAILED: "sa-bad"}.get(view.state, "")
