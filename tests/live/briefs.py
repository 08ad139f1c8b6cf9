"""A small scene."""

from __future__ import annotations

from speechagents.drama import Role, SceneBrief


def brief() -> SceneBrief:
    """Three people in a kitchen."""
    return SceneBrief(
        title="The Kettle",
        setting="INT. KITCHEN - DAY",
        background="The kettle is broken, and nobody has said so yet.",
        roles=(Role("Anna", "a nurse"), Role("Ben", "her brother"), Role("Cleo", "the landlady")),
        turns=40,
    )
