"""A scene in the form and as YAML is one scene, and a fault is told at the field where it was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.drama import MAX_PLAYERS, Role, SceneBrief
from speechagents.errors import SceneError
from speechagents.resources import resource
from speechagents.scripts.scene_file import parse_scene, read_scene
from speechagents.ui.scene_form import (
    Fault,
    RoleDraft,
    SceneDraft,
    draft_of,
    fault_of,
    role_labels,
    scene_of,
    with_another_role,
    with_role,
    without_role,
    yaml_of,
)

SHIPPED = sorted(resource("assets", "examples", "scenes").glob("*.yaml"))
PICNIC = SceneDraft(
    title="Picnic",
    setting="EXT. PARK - DAY",
    background="Friends meet.",
    beats="They meet\n- The cake is cut\n\n",
    roles=(
        RoleDraft("Ella", "25, a writer", "To be asked\nTo read", "She leaves", "Tom: her brother", "grace"),
        RoleDraft("Tom", relations="Ella: his sister: the younger one"),
    ),
)


def test_the_form_gives_the_scene_that_it_shows() -> None:
    assert scene_of(PICNIC) == SceneBrief(
        "Picnic",
        (
            Role(
                "Ella", "25, a writer", "grace", ("To be asked", "To read"), ("She leaves",), (("Tom", "her brother"),)
            ),
            Role("Tom", relations=(("Ella", "his sister: the younger one"),)),
        ),
        setting="EXT. PARK - DAY",
        background="Friends meet.",
        beats=("They meet", "The cake is cut"),
    )


@pytest.mark.parametrize(
    "path", sorted(resource("assets", "examples", "scenes").glob("*.yaml")), ids=lambda one: one.stem
)
def test_every_shipped_scene_goes_through_the_form_unchanged(path: Path) -> None:
    scene = read_scene(path)
    assert scene_of(draft_of(scene)) == scene
    assert parse_scene(yaml_of(draft_of(scene))) == scene


@given(st.text(max_size=200), st.text(max_size=200), st.text(alphabet="ab: #'\"-{[&*!|>%@`\n\t~null0", max_size=80))
def test_whatever_is_typed_the_file_says_the_same_or_the_form_refuses(title: str, beats: str, profile: str) -> None:
    draft = replace(
        PICNIC, title=title, beats=beats, roles=(replace(PICNIC.roles[0], profile=profile), *PICNIC.roles[1:])
    )
    try:
        scene = scene_of(draft)
    except SceneError:
        return
    assert parse_scene(yaml_of(draft)) == scene == scene_of(draft_of(scene))


def test_an_entry_may_begin_with_a_dash() -> None:
    scene = replace(scene_of(PICNIC), beats=("- a pause -", "* * *", "-5 degrees"))
    assert scene_of(draft_of(scene)) == scene


def changed(**role: str) -> SceneDraft:
    return replace(PICNIC, roles=(PICNIC.roles[0], replace(PICNIC.roles[1], **role)))


@pytest.mark.parametrize(
    ("draft", "field", "role", "message"),
    [
        (replace(PICNIC, turns="0"), "turns", None, "from 1 to 2000"),
        (replace(PICNIC, turns=""), "turns", None, "empty"),
        (replace(PICNIC, turns="many"), "turns", None, "no number"),
        (replace(PICNIC, seed="-1"), "seed", None, "no number"),
        (replace(PICNIC, language="klingonese!"), "language", None, "is no language"),
        (replace(PICNIC, policy="loudest"), "policy", None, "unknown policy"),
        (replace(PICNIC, beats="x" * 501), "beats", None, "shorten it to 500"),
        (replace(PICNIC, title="x" * 301), "title", None, "shorten it to 300"),
        (replace(PICNIC, roles=PICNIC.roles[:1]), "roles", None, "2 to 25 roles"),
        (changed(name=""), "name", 1, "empty"),
        (changed(name="ELLA", relations=""), "name", 1, "two roles"),
        (changed(voice="Grace!"), "voice", 1, "no id of a voice"),
        (changed(profile="x" * 2_001), "profile", 1, "shorten it to 2000"),
        (changed(secrets="fine\n" + "x" * 501), "secrets", 1, "shorten it to 500"),
        (changed(relations="Ella"), "relations", 1, "no colon"),
        (changed(relations="Ella: sister\nella: foe"), "relations", 1, "there twice"),
        (replace(PICNIC, background="x" * 300_000), "", None, "larger than 256 kB"),
    ],
)
def test_a_fault_is_told_at_its_field(draft: SceneDraft, field: str, role: int | None, message: str) -> None:
    with pytest.raises(SceneError) as caught:
        scene_of(draft)
    fault = fault_of(caught.value)
    assert (fault.field, fault.role) == (field, role)
    assert message in fault.message
    assert not fault.message.startswith(("roles[", ":", " "))


def test_a_fault_in_a_file_names_its_field_without_the_line() -> None:
    error = SceneError("shorten it", source="scene.yaml", line=4, field="roles[1].goals[2]")
    assert fault_of(error) == Fault("goals", 1, "shorten it")


def test_whoever_is_renamed_is_known_by_the_new_name() -> None:
    draft = with_role(PICNIC, 0, replace(PICNIC.roles[0], name="Isabella"))
    assert draft.roles[1].relations == "Isabella: his sister: the younger one"
    assert scene_of(draft).roles[1].relations[0][0] == "Isabella"


def test_roles_come_and_go_within_their_number() -> None:
    three = with_another_role(PICNIC)
    assert role_labels(three) == ["Ella", "Tom", "Role 3"]
    assert without_role(three, 2) == PICNIC
    without_ella = without_role(three, 0)
    assert (without_ella.roles[0].name, without_ella.roles[0].relations) == ("Tom", "")
    assert without_role(PICNIC, 0) == PICNIC
    full = replace(PICNIC, roles=(RoleDraft("Ella"),) * MAX_PLAYERS)
    assert with_another_role(full) == full


@pytest.mark.parametrize("index", [-1, 2, 99])
def test_a_role_that_is_not_there_changes_nothing(index: int) -> None:
    assert with_role(PICNIC, index, RoleDraft("Max")) == PICNIC
    assert without_role(with_another_role(PICNIC), index if index != 2 else 3) == with_another_role(PICNIC)


def test_labels_tell_roles_apart() -> None:
    twins: Any = replace(PICNIC, roles=(RoleDraft("Kim"), RoleDraft("Kim")))
    assert role_labels(twins) == ["Kim", "Kim (2)"]
