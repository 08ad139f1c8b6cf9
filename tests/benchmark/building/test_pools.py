"""A pool of 25 roles out of as many proposals as it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from speechagents.benchmark.building.asking import Unusable
from speechagents.benchmark.building.ideas import Idea
from speechagents.benchmark.building.pools import MAX_ASKS, Grown, grow
from speechagents.benchmark.scene_set import POOL, Facets
from speechagents.drama import Role, SceneBrief
from tests.benchmark.building.authors import person, whole_scene

IDEA = Idea(1, "A goat in the lift.", Facets("lift", "anywhere", "present", "casual", "a goat", ()), "a test")

Proposing = Callable[[str, int, int], SceneBrief | Unusable]


def grown(proposing: Proposing, *, at_once: int = POOL) -> tuple[Grown, list[tuple[str, int]]]:
    asked: list[tuple[str, int]] = []

    def propose(idea: str, roles: int, seed: int) -> SceneBrief | Unusable:
        asked.append((idea, roles))
        return proposing(idea, roles, seed)

    return grow(IDEA, propose, at_once=at_once, seed=3), asked


def test_one_proposal_is_enough_where_a_controller_can_make_it() -> None:
    found, asked = grown(whole_scene)
    assert found.scene is not None
    assert len(found.scene.roles) == POOL
    assert asked == [(IDEA.text, POOL)]


def test_who_can_make_fewer_is_asked_for_fewer_and_more_often() -> None:
    def six_at_most(idea: str, roles: int, seed: int) -> SceneBrief | Unusable:
        return whole_scene(idea, roles, seed) if roles <= 6 else Unusable(f"the scene has 3 roles, not {roles}")

    found, asked = grown(six_at_most)
    assert found.scene is not None
    assert [roles for _, roles in asked[:3]] == [25, 12, 6]
    assert found.at_once == 6
    assert found.asks == len(asked) <= MAX_ASKS
    assert len({role.key for role in found.scene.roles}) == POOL


def test_further_roles_are_related_to_those_who_are_there() -> None:
    def related(idea: str, roles: int, seed: int) -> SceneBrief:
        scene = whole_scene(idea, roles, seed)
        if seed == first_seed[0] or not first_seed:
            return scene
        old = first[0].roles[:2]
        new = [
            replace(role, relations=((old[0].name.upper(), "my aunt"), ("Nobody", "a ghost"), (role.name, "myself")))
            for role in scene.roles[2:]
        ]
        return replace(scene, roles=(*old, *new))

    first: list[SceneBrief] = []
    first_seed: list[int] = []

    def propose(idea: str, roles: int, seed: int) -> SceneBrief:
        if not first:
            first_seed.append(seed)
            first.append(whole_scene(idea, roles, seed))
            return first[0]
        return related(idea, roles, seed)

    found, asked = grown(propose, at_once=8)
    assert found.scene is not None
    names = [role.name for role in found.scene.roles]
    assert names[:8] == [role.name for role in first[0].roles]
    assert all(role.relations == ((names[0], "my aunt"),) for role in found.scene.roles[8:])
    assert f"{names[0]} and {names[1]} are in it" in asked[1][0]
    assert asked[1][0].startswith(IDEA.text)


def test_names_that_come_again_are_told() -> None:
    def ever_the_same(idea: str, roles: int, seed: int) -> SceneBrief:
        fresh = whole_scene(idea, roles, seed)
        return replace(fresh, roles=(person("again", name="Sarah"), *fresh.roles[1:]))

    found, asked = grown(ever_the_same, at_once=5)
    assert found.scene is not None
    assert sum(role.name == "Sarah" for role in found.scene.roles) == 1
    assert "Nobody is called" not in asked[1][0]
    assert len(asked) < MAX_ASKS


@pytest.mark.parametrize(
    "role",
    [
        Role("Anna", goals=("To sit.",)),
        Role("Anna", "44, a glazier"),
        Role("…", "44, a glazier", goals=("To sit.",)),
    ],
)
def test_a_role_without_a_profile_or_a_goal_or_a_name_is_not_taken(role: Role) -> None:
    def lacking(idea: str, roles: int, seed: int) -> SceneBrief:
        scene = whole_scene(idea, roles, seed)
        return replace(scene, roles=(*scene.roles[:-1], role))

    found, _ = grown(lacking)
    assert found.scene is not None
    assert role.name not in [one.name for one in found.scene.roles]
    assert found.asks == 2


def test_a_role_that_is_another_one_under_another_name_is_dropped() -> None:
    def twins(idea: str, roles: int, seed: int) -> SceneBrief:
        scene = whole_scene(idea, roles, seed)
        return replace(scene, roles=(*scene.roles[:-1], replace(scene.roles[0], name="Zygmunt")))

    found, _ = grown(twins)
    assert found.scene is not None
    assert found.dropped == 1
    assert "Zygmunt" not in [role.name for role in found.scene.roles]


@pytest.mark.parametrize("other", ["Anna Lee", "ANNA", "Dr Anna"])
def test_names_that_could_be_one_are_not_both_taken(other: str) -> None:
    def named(idea: str, roles: int, seed: int) -> SceneBrief:
        scene = whole_scene(idea, roles, seed)
        first, last = person("a", name="Anna"), person("b", name=other)
        return replace(scene, roles=(first, *scene.roles[1:-1], *((last,) if other != "ANNA" else ())))

    found, _ = grown(named)
    assert found.scene is not None
    assert [role.name for role in found.scene.roles if "anna" in role.key] == ["Anna"]


def test_who_brings_nobody_new_is_given_up_on_and_the_fault_is_told() -> None:
    same = whole_scene("x", 10, 1)

    def same_people(idea: str, roles: int, seed: int) -> SceneBrief:
        return same

    found, asked = grown(same_people)
    assert found.scene is None
    assert "10 of 25 roles came together" in found.refusal
    assert "is there already" in found.refusal
    assert len(asked) == 5


def test_who_can_propose_nothing_is_given_up_on_and_the_fault_is_told() -> None:
    def prose(idea: str, roles: int, seed: int) -> Unusable:
        return Unusable("it holds no JSON object")

    found, asked = grown(prose)
    assert (found.scene, found.refusal) == (None, "it holds no JSON object")
    assert [roles for _, roles in asked] == [25, 12, 6, 4]


def test_a_scene_about_nothing_is_refused() -> None:
    found, _ = grown(lambda idea, roles, seed: replace(whole_scene(idea, roles, seed), background="A room."))
    assert found.scene is None
    assert "background" in found.refusal


def test_what_a_proposal_says_of_voices_policy_turns_and_seed_is_not_kept() -> None:
    def bossy(idea: str, roles: int, seed: int) -> SceneBrief:
        scene = whole_scene(idea, roles, seed)
        people = tuple(replace(role, voice="en-gb-1") for role in scene.roles)
        return replace(scene, roles=people, policy="random", turns=999, seed=5)

    found, _ = grown(bossy)
    assert found.scene is not None
    assert (found.scene.policy, found.scene.turns, found.scene.seed) == ("addressed", 24, 0)
    assert not any(role.voice for role in found.scene.roles)
