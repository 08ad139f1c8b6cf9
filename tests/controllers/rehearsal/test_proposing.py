"""Scenes made of one sentence by rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.controllers.controller import MalformedTurn
from speechagents.controllers.rehearsal import RehearsalController
from speechagents.drama import SceneBrief
from speechagents.errors import ControllerError
from speechagents.scripts.scene_file import parse_scene, write_scene

IDEA = "Five friends discover at a picnic that one of them is leaving the country."


def proposed(idea: str, *, roles: int = 5, language: str = "en", seed: int = 0) -> SceneBrief:
    scene = RehearsalController().propose(idea, roles=roles, language=language, seed=seed)
    assert isinstance(scene, SceneBrief)
    return scene


@pytest.mark.parametrize("roles", [2, 5, 25])
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_file_can_hold_it(roles: int, language: str) -> None:
    scene = proposed(IDEA, roles=roles, language=language)
    assert parse_scene(write_scene(scene)) == scene
    assert len(scene.roles) == roles
    assert all(role.profile and role.goals for role in scene.roles)
    assert len(scene.beats) == 5


def test_the_sentence_decides_where_and_what_about() -> None:
    scene = proposed(IDEA)
    assert scene.setting == "EXT. PARK - DAY"
    assert scene.background == IDEA
    assert any("picnic" in beat or "country" in beat for beat in scene.beats)
    assert proposed("Mutiny on a ship bound for an island.").setting == "EXT. HARBOUR - DAWN"


def test_whoever_is_named_plays() -> None:
    scene = proposed("Ella and Thomas quarrel about the house.", roles=3)
    assert [role.name for role in scene.roles[:2]] == ["Ella", "Thomas"]
    assert not any("Ella" in beat for beat in scene.beats)


def test_another_seed_casts_another_scene() -> None:
    assert proposed(IDEA) == proposed(IDEA)
    assert proposed(IDEA).roles != proposed(IDEA, seed=1).roles


def test_a_language_without_phrases_is_refused_with_the_remedy() -> None:
    with pytest.raises(ControllerError, match="--server"):
        RehearsalController().propose(IDEA, roles=2, language="fr", seed=0)


@given(st.text(max_size=300), st.integers(2, 25))
def test_any_sentence_makes_a_scene_or_none_but_never_a_broken_one(idea: str, roles: int) -> None:
    scene = RehearsalController().propose(idea, roles=roles, language="en", seed=1)
    if not isinstance(scene, MalformedTurn):
        assert parse_scene(write_scene(scene)) == scene
