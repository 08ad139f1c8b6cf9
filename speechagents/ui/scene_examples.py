"""The scenes that are shipped, as cards to begin with.

Owns which of them stand in front and how they are drawn. Does not know what becomes of the one that is chosen: a card
says its name in ``data-example``.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from speechagents.drama import SceneBrief
from speechagents.resources import resource
from speechagents.scripts.scene_file import read_scene

READY_EXAMPLES: Final = ("city-park-picnic", "three-burglaries", "parzelle-vierzehn")
"""Those that stand in front: three ways to take turns, two languages."""


@dataclass(frozen=True, slots=True)
class Example:
    """A scene that is shipped."""

    name: str
    scene: SceneBrief


@cache
def examples() -> tuple[Example, ...]:
    """The shipped scenes, the ready ones first."""
    found = {
        path.stem: Example(path.stem, read_scene(path))
        for path in resource("assets", "examples", "scenes").glob("*.yaml")
    }
    ready = [found.pop(name) for name in READY_EXAMPLES if name in found]
    return (*ready, *(found[name] for name in sorted(found)))


def example_cards(shown: Sequence[Example]) -> str:
    """The ready ones as cards, the others behind a word."""
    cards = []
    for example in shown:
        scene = example.scene
        facts = f"{len(scene.roles)} roles · {scene.turns} turns · {scene.policy} · {scene.language}"
        cards.append(
            f'<button type="button" class="sa-card" data-example="{html.escape(example.name, quote=True)}">'
            f"<b>{html.escape(scene.title)}</b><span>{html.escape(_shortened(scene.background))}</span>"
            f'<span class="sa-facts">{html.escape(facts)}</span></button>'
        )
    ready, more = cards[: len(READY_EXAMPLES)], cards[len(READY_EXAMPLES) :]
    return (
        f'<div class="sa-cards">{"".join(ready)}</div><details class="sa-more"><summary>{len(more)} more examples'
        f'</summary><div class="sa-cards">{"".join(more)}</div></details>'
    )


def _shortened(text: str, chars: int = 130) -> str:
    return text if len(text) <= chars else text[:chars].rsplit(" ", 1)[0] + " …"
