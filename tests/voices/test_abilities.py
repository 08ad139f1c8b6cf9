"""What a synthesizer says it can do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from speechagents.drama import Style
from speechagents.styles import STYLES
from speechagents.voices.abilities import Abilities, DeclaresAbilities, StyleMeans
from speechagents.voices.openai_styles import MANNERS, PACED, instruction_of, speed_of

SOME = Abilities(languages=("en",), rate_hz=24_000, code_licence="MIT", weights_licence="Apache-2.0", commercial=True)


def test_what_is_not_said_is_the_least() -> None:
    assert SOME.styles == {}
    assert not SOME.clones
    assert SOME.vram_gb == 0.0
    assert SOME.max_chars == 400


@pytest.mark.parametrize(
    ("field", "value"),
    [("rate_hz", 0), ("max_chars", 0), ("vram_gb", -1.0), ("vram_gb", float("nan"))],
)
def test_what_cannot_be_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{value:g}".replace("-", r"\-")):
        replace(SOME, **{field: value})  # type: ignore[arg-type]


def test_whoever_has_abilities_declares_them() -> None:
    class Declares:
        abilities = SOME

    assert isinstance(Declares(), DeclaresAbilities)
    assert not isinstance(object(), DeclaresAbilities)


def test_styles_are_brought_about_by_four_means() -> None:
    assert {means.value for means in StyleMeans} == {"prosody", "instruction", "tag", "clip"}


# Styles in words


def test_there_is_a_sentence_for_every_style_but_the_plain_one() -> None:
    assert set(MANNERS) == set(STYLES) - {"default"}
    assert set(STYLES) >= PACED
    for tag in MANNERS:
        said = instruction_of(Style(tag))
        assert said[0].isupper()
        assert said.endswith(".")
        assert said.count(".") == 1, "one sentence"
        assert "{" not in said
        assert "  " not in said


def test_a_style_is_said_more_or_less_strongly() -> None:
    assert instruction_of(Style("sad", 0.4)) == "Sound slightly sad, low and slow."
    assert instruction_of(Style("sad", 1.0)) == "Sound sad, low and slow."
    assert instruction_of(Style("sad", 1.9)) == "Sound extremely sad, low and slow."


def test_a_style_of_no_strength_and_an_unknown_one_are_plain() -> None:
    for style in (Style("sad", 0.0), Style(), Style("made-up")):
        assert instruction_of(style) == ""
        assert speed_of(style) == 1.0


def test_speed_grows_with_the_strength() -> None:
    slow = [speed_of(Style("tired", strength)) for strength in (0.0, 0.5, 1.0, 2.0)]
    assert slow == sorted(slow, reverse=True)
    assert all(0.25 <= speed_of(Style(tag, 2.0)) <= 4.0 for tag in STYLES), "what servers take"
