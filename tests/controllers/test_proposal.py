"""A scene that a model proposes is one that a file can hold, with as many roles as were asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from speechagents.controllers.grammar import BadAnswerError
from speechagents.controllers.proposal import MAX_PROPOSAL_CHARS, parse_proposal
from speechagents.drama import SceneBrief
from speechagents.scripts.scene_file import parse_scene, write_scene

ROLES: list[dict[str, Any]] = [
    {
        "name": "Ella",
        "profile": "25, writer",
        "goals": ["To be read."],
        "secrets": [],
        "relations": [{"name": "TOM", "is_to_me": "brother"}],
    },
    {"name": "Tom", "profile": "60, baker", "goals": [], "secrets": ["He is broke."], "relations": []},
]


def proposed(**fields: Any) -> SceneBrief:
    scene = {"title": "Picnic", "setting": "EXT. PARK - DAY", "background": "Cake.", "roles": ROLES, "beats": ["Rain."]}
    return parse_proposal(json.dumps({**scene, **fields}), roles=2, language="de", seed=5)


def role(name: str = "Sophia", **fields: Any) -> dict[str, Any]:
    return {"name": name, **fields}


def test_a_proposal_is_a_scene() -> None:
    scene = proposed()
    assert (scene.title, scene.language, scene.seed, scene.beats) == ("Picnic", "de", 5, ("Rain.",))
    assert scene.roles[0].relations == (("Tom", "brother"),)
    assert parse_scene(write_scene(scene)) == scene


def test_texts_are_cleaned_and_cut_to_what_a_file_can_hold() -> None:
    messy = "\ud800 <b>A</b>\x00 \u202e long\n\n: - {text} # " + "word " * 120
    endless = messy * 20
    fields: dict[str, Any] = {
        "profile": endless,
        "goals": [messy, *["x"] * 40, " "],
        "secrets": ["null", "~", "- x", "\ufffe"],
    }
    scene = proposed(
        title=messy,
        setting="null",
        background=endless,
        beats=[messy, *["x", ""] * 40],
        roles=[role("\x07Ella\n<i>"), role(**fields)],
    )
    assert [one.name for one in scene.roles] == ["Ella", "Sophia"]
    assert "<" not in scene.title
    assert (len(scene.roles[1].profile), len(scene.roles[1].goals), len(scene.beats)) == (1999, 12, 24)
    assert parse_scene(write_scene(scene)) == scene


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "C:\\con", "null", "- x", "yes", "1", "{a: b}", "a: b", "O'Neil # x", "&a"]
)
def test_any_name_is_written_and_read_back(name: str) -> None:
    scene = proposed(roles=[role(name), role("Tom", relations=[{"name": name, "is_to_me": "x"}])])
    assert parse_scene(write_scene(scene)) == scene
    assert scene.roles[0].name == name


def test_it_chooses_neither_policy_nor_voices_nor_length_nor_seed() -> None:
    voiced = [{**one, "voice": "x"} for one in ROLES]
    meddled = proposed(policy="director", turns=2000, seed=1, language="fr", roles=voiced)
    assert meddled == proposed()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"roles": ROLES[:1]}, "1 roles, not 2"),
        ({"roles": [*ROLES, role()]}, "3 roles, not 2"),
        ({"roles": None}, "0 roles"),
        ({"roles": ["Ella", "Tom"]}, "not a list of objects"),
        ({"roles": [role("Ella"), role(" ELLA ")]}, "same name"),
        ({"roles": [role("Ella"), role("<b>")]}, "no name"),
        ({"roles": [role("Ella"), role("…")]}, "no name"),
        ({"roles": [role("Ella"), role(goals="all")]}, r"roles\[1\].goals"),
        ({"title": " "}, "no title"),
        ({"title": 5}, "title is not a text"),
        ({"background": "x" * MAX_PROPOSAL_CHARS}, "longer than"),
    ],
)
def test_what_makes_no_scene_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadAnswerError, match=complaint):
        proposed(**fields)


def test_relations_to_nobody_to_oneself_and_said_twice_are_dropped() -> None:
    relations = [{"name": name, "is_to_me": name} for name in ("Nobody", "Ella", "Tom", "tom", "")]
    scene = proposed(roles=[role("Ella", relations=relations), role("Tom")])
    assert scene.roles[0].relations == (("Tom", "Tom"),)
