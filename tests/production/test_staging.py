"""Where people stand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from speechagents.drama import NARRATOR, Delivery, Line, Scene, role_key
from speechagents.production.staging import MAX_PAN, line_pan, positions
from speechagents.voices.casting import Cast, Casting
from speechagents.voices.synthesizer import Age, Gender, Voice

VOICE = Voice("v", "d", Gender.FEMALE, Age.ADULT, "en", "s", 200.0, "r", "CC0-1.0", "tests", narrates=True)


def scene(*roles: str) -> Scene:
    return Scene("A scene", "", tuple(Line(n, role, "some words") for n, role in enumerate(roles, 1)))


def cast(words: Mapping[str, int], pan: Mapping[str, float] = MappingProxyType({})) -> Cast:
    roles = (Casting(role, VOICE, "", 1, count, pan.get(role)) for role, count in words.items())
    return Cast((Casting(NARRATOR, VOICE, ""), *roles))


def test_somebody_alone_stands_in_the_middle() -> None:
    assert positions(scene("ANNA", NARRATOR), cast({"ANNA": 5}), seed=1) == {"anna": 0.0, "narrator": 0.0}


def test_two_stand_apart_on_opposite_sides() -> None:
    places = positions(scene("ANNA", "BEN"), cast({"ANNA": 5, "BEN": 4}), seed=1)
    assert places["anna"] == -places["ben"] != 0.0


def test_those_who_answer_each_other_stand_on_opposite_sides() -> None:
    talk = ["A", "B", "A", "B", "A", "B", "C", "D", "C", "D", "C", "D", "A", "C"]
    for seed in range(20):
        places = positions(scene(*talk), cast({"A": 30, "B": 20, "C": 15, "D": 10}), seed=seed)
        assert places["a"] * places["b"] < 0.0
        assert places["c"] * places["d"] < 0.0


def test_leads_stand_nearest_to_the_middle_and_all_places_differ() -> None:
    roles = [f"R{n:02}" for n in range(25)]
    places = positions(scene(*roles), cast({role: 1000 - 10 * n for n, role in enumerate(roles)}), seed=1)
    pans = [abs(places[role_key(role)]) for role in roles]
    assert max(pans[:2]) <= min(pans[2:])
    assert max(pans) == MAX_PAN
    assert len({places[role_key(role)] for role in roles}) == 25


def test_the_stage_widens_with_the_company() -> None:
    def widest(count: int) -> float:
        roles = [f"R{n}" for n in range(count)]
        return max(map(abs, positions(scene(*roles), cast(dict.fromkeys(roles, 5)), seed=1).values()))

    assert widest(2) < widest(4) < widest(6) <= MAX_PAN


@given(st.lists(st.sampled_from("ABCDEFGHIJ"), min_size=1, max_size=60), st.integers(0, 2**62))
def test_sides_are_balanced_and_places_reproducible(talk: list[str], seed: int) -> None:
    company = cast(dict.fromkeys("ABCDEFGHIJ", 5))
    places = positions(scene(*talk), company, seed=seed)
    assert places == positions(scene(*talk), company, seed=seed)
    assert set(places) == {role_key(role) for role in talk} | {"narrator"}
    left, right = (sum(pan * side > 0 for pan in places.values()) for side in (-1, 1))
    assert abs(left - right) <= 1
    assert all(abs(pan) <= MAX_PAN for pan in places.values())


def test_the_seed_turns_the_stage_round() -> None:
    found = {positions(scene("A", "B"), cast({"A": 5, "B": 4}), seed=seed)["a"] for seed in range(16)}
    assert len(found) == 2


def test_a_fixed_place_is_kept_and_the_partner_stands_across() -> None:
    for pan in (-0.6, 0.6):
        places = positions(scene("A", "B", "A", "B"), cast({"A": 5, "B": 4}, {"A": pan}), seed=1)
        assert places["a"] == pan
        assert places["b"] * pan < 0.0


def test_a_voice_over_is_heard_in_the_middle_and_off_stage_far_out() -> None:
    places = {"anna": -0.3, "ben": 0.3}
    assert line_pan(Line(1, "Anna", "Hi."), places) == -0.3
    assert line_pan(Line(1, "ANNA", "Hi.", delivery=Delivery.VOICE_OVER), places) == 0.0
    assert line_pan(Line(1, "ANNA", "Hi.", delivery=Delivery.OFF_SCREEN), places) < -0.9
    assert line_pan(Line(1, "BEN", "Hi.", delivery=Delivery.OFF_SCREEN), places) > 0.9
    assert line_pan(Line(1, "BEN", "Hi.", delivery=Delivery.PHONE), places) == 0.3
