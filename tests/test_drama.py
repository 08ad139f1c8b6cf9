"""Values of a drama are valid or do not exist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.drama import Deed, Line, Role, Scene, SoundCue, Style, Turn, clean_name, role_key


@pytest.mark.parametrize(("one", "other"), [("ANNA", "Anna"), (" Old  Man ", "OLD MAN"), ("Éva", "E\u0301VA")])
def test_two_spellings_of_a_name_are_one_role(one: str, other: str) -> None:
    assert role_key(one) == role_key(other)


def test_different_names_stay_different_roles() -> None:
    assert len({role_key(name) for name in ("Ann", "Anna", "Anne", "ANN #2")}) == 4


@given(st.text(max_size=200))
def test_a_clean_name_cannot_steer_a_terminal(name: str) -> None:
    shown = clean_name(name)
    assert "\x1b" not in shown
    assert "\n" not in shown
    assert "\u202e" not in shown
    assert clean_name(shown) == shown


@pytest.mark.parametrize("strength", [-0.1, 2.1, float("nan"), float("inf")])
def test_a_style_has_a_strength_between_0_and_2(strength: float) -> None:
    with pytest.raises(ValueError, match="strength"):
        Style("sad", strength)


@pytest.mark.parametrize(
    "fault",
    [
        {"number": 0},
        {"role": " "},
        {"text": "\n"},
        {"text": "x" * 2001},
        {"pause_s": -1.0},
        {"pause_s": float("nan")},
        {"pause_s": 61.0},
        {"units": (-1,)},
        {"units": (3, 65_536)},
        {"units": (1,) * 10_001},
    ],
)
def test_a_line_that_cannot_be_spoken_does_not_exist(fault: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"line|pause|unit"):
        Line(**{"number": 1, "role": "ANNA", "text": "Hello.", **fault})  # type: ignore[arg-type]


def test_a_role_needs_a_name_of_bearable_length() -> None:
    with pytest.raises(ValueError, match="name"):
        Role("   ")
    with pytest.raises(ValueError, match="300"):
        Role("x" * 301)
    assert Role("Anna").key == Role("ANNA ").key


def test_lines_of_a_scene_leave_out_its_sounds() -> None:
    line = Line(1, "ANNA", "Hello.")
    assert Scene("One", items=(SoundCue("rain"), line)).lines == (line,)


def test_only_what_is_said_has_speech_units() -> None:
    assert Turn("Ann", text="Yes.", units=(0, 65_535)).units == (0, 65_535)
    with pytest.raises(ValueError, match="act has no speech units"):
        Turn("Ann", Deed.ACT, "nods", units=(1,))
    with pytest.raises(ValueError, match="speech unit is not between"):
        Turn("Ann", text="Yes.", units=(70_000,))
