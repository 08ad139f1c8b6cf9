"""Colours that everybody can read, by day and by night, and a page that needs no network."""

from __future__ import annotations

import re

import pytest

from speechagents.ui.theme import DAY, NIGHT, ROLE_COLOURS, STATIC, looks, role_colour

_TEXT = 4.5
_SHAPE = 3.0


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("light", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize("paper", ["paper", "panel", "sunk", "glow"])
@pytest.mark.parametrize("text", ["ink", "soft", "brass", "good", "bad"])
def test_text_is_readable_on_every_ground(light: dict[str, str], paper: str, text: str) -> None:
    assert contrast(light[text], light[paper]) >= _TEXT


@pytest.mark.parametrize("light", [DAY, NIGHT], ids=["day", "night"])
def test_buttons_are_readable_and_edges_are_seen(light: dict[str, str]) -> None:
    assert contrast(light["on-curtain"], light["curtain"]) >= _TEXT
    assert contrast(light["on-curtain"], light["curtain-lit"]) >= _TEXT
    assert contrast(light["edge"], light["panel"]) >= _SHAPE
    assert contrast(light["brass"], light["paper"]) >= _SHAPE


def test_links_are_readable_by_day_and_night() -> None:
    assert contrast(DAY["curtain"], DAY["paper"]) >= _TEXT
    assert contrast(NIGHT["brass"], NIGHT["paper"]) >= _TEXT


@pytest.mark.parametrize("pair", ROLE_COLOURS)
def test_a_role_can_be_read_in_its_colour(pair: tuple[str, str]) -> None:
    for colour, light in zip(pair, (DAY, NIGHT), strict=True):
        assert contrast(colour, light["panel"]) >= _TEXT
        assert contrast(colour, light["paper"]) >= _TEXT
        assert contrast(colour, light["sunk"]) >= _SHAPE


def test_the_colours_of_roles_go_round() -> None:
    assert role_colour(0) == role_colour(len(ROLE_COLOURS)) == "var(--role-0)"
    assert len(set(ROLE_COLOURS)) == len(ROLE_COLOURS)


def test_nothing_is_fetched_from_elsewhere() -> None:
    appearance = looks()
    page = appearance["css"] + appearance["head"] + appearance["theme"]._get_theme_css()
    # The name of a namespace is no address that anybody opens.
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page)) - {"http://www.w3.org"}
    assert addresses == set()
    assert "@import" not in page


def test_every_colour_that_the_style_sheets_use_is_one_of_ours() -> None:
    own = {f"--sa-{name}" for name in DAY} | {f"--role-{n}" for n in range(len(ROLE_COLOURS))}
    assert set(DAY) == set(NIGHT)
    for path in STATIC.glob("*.css"):
        sheet = path.read_text("utf-8")
        set_there = set(re.findall(r"(--[\w-]+)\s*:", sheet))
        used = set(re.findall(r"var\((--(?:sa|role)-[\w-]+)", sheet))
        # The pages set a role's own colour where they draw it.
        assert used <= own | set_there | {"--sa-curtain-text", "--sa-serif", "--sa-wide", "--sa-role"}


def test_motion_can_be_turned_off() -> None:
    assert "prefers-reduced-motion: reduce" in looks()["css"]
