"""How a style bends a voice, as parameters."""

from __future__ import annotations

import pytest

from speechagents.drama import Style
from speechagents.styles import STYLES
from speechagents.voices.espeak.recipe import EFFECTS, Recipe, instruction

VOICE = Recipe(pitch=(90, 130), tract=1.05, formants={2: (104, 120, 90)}, breath=(10, 8), roughness=3)


def test_every_style_has_an_effect() -> None:
    assert EFFECTS.keys() == STYLES.keys()


@pytest.mark.parametrize("tag", STYLES)
def test_strength_zero_is_the_default_exactly(tag: str) -> None:
    plain, none = instruction(VOICE, Style()), instruction(VOICE, Style(tag, 0.0))
    assert (none.variant, none.settings) == (plain.variant, plain.settings)
    assert (none.level_db, none.tilt_db, none.tremor) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("tag", sorted(STYLES.keys() - {"default"}))
def test_every_strength_differs_from_the_others(tag: str) -> None:
    made = [instruction(VOICE, Style(tag, strength)) for strength in (0.0, 0.5, 1.0, 1.5, 2.0)]
    assert len({(one.variant, tuple(one.settings.items()), one.level_db) for one in made}) == 5


@pytest.mark.parametrize("tag", STYLES)
@pytest.mark.parametrize("pitch", [(30, 40), (650, 700)])
def test_the_wildest_style_of_the_oddest_voice_stays_in_range(tag: str, pitch: tuple[int, int]) -> None:
    odd = Recipe(pitch=pitch, rate=400, roughness=7, voicing=200, breath=(250,) * 8)
    made = instruction(odd, Style(tag, 2.0))
    fields = {line.split()[0]: [int(x) for x in line.split()[1:]] for line in made.variant.splitlines()}
    low, high = fields["pitch"]
    assert 30 <= low <= high <= 700
    assert 0 <= fields["roughness"][0] <= 7
    assert all(0 <= value <= 250 for value in fields["breath"])
    assert 80 <= made.settings["rate"] <= 400
    assert 0.0 <= made.tremor <= 0.9


@pytest.mark.parametrize(
    "fault",
    [
        {"pitch": (120, 90)}, {"pitch": (10, 90)}, {"pitch": (90, 900)}, {"tract": 3.0}, {"rate": 20},
        {"roughness": 8}, {"voicing": -1}, {"formants": {9: (100, 100, 100)}},
    ],
)  # fmt: skip
def test_a_recipe_out_of_range_is_refused(fault: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not|range|numbered"):
        Recipe(**({"pitch": (90, 130)} | fault))  # type: ignore[arg-type]
