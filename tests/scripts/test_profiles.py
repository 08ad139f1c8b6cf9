"""Introductions of roles in the action."""

from __future__ import annotations

import pytest

from speechagents.scripts.profiles import MAX_PROFILE_CHARS, find_profiles


@pytest.mark.parametrize(
    ("action", "profile"),
    [
        ("ANNA (30s), a weary nurse, drops her bag.", "30s, a weary nurse"),
        ("ANNA, 34, a weary nurse, drops her bag.", "34, a weary nurse"),
        ("Enter ANNA (early 30s).", "early 30s"),
        ("Anna is a nurse of thirty. She waits.", "a nurse of thirty"),
        ("ANNA, in her thirties, waits.", "in her thirties"),
        ("ANNA waits. Later ANNA (30s) leaves.", "30s"),
        ("ANNA (60), die Nachbarin, wartet.", "60, die Nachbarin"),
        ("ANNA, wiping her hands, waits.", ""),
        ("JOANNA (30s) waits.", ""),
        ("ANNA waits.", ""),
    ],
)
def test_an_introduction_gives_age_and_apposition(action: str, profile: str) -> None:
    assert find_profiles(["Anna"], [action]).get("anna", "") == profile


def test_the_longest_name_at_a_place_is_meant() -> None:
    assert find_profiles(["ANNA", "ANNA MARIA"], ["ANNA MARIA (30s) waits. ANNA (60) too."]) == {
        "anna maria": "30s",
        "anna": "60",
    }


def test_the_first_description_counts() -> None:
    assert find_profiles(["ANNA"], ["ANNA (30s) waits.", "ANNA (now 60) waits."]) == {"anna": "30s"}


def test_a_profile_is_bounded() -> None:
    action = "ANNA" + ", a woman of many, many words and a long life" * 20
    assert len(find_profiles(["ANNA"], [action])["anna"]) <= MAX_PROFILE_CHARS
