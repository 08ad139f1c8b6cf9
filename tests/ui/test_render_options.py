"""Options as a page or a program gives them."""

from __future__ import annotations

from typing import Any

import pytest

from speechagents.errors import SettingsError
from speechagents.settings import PerformSettings
from speechagents.ui.render_options import settings_of

CHOSEN: dict[str, Any] = {
    "formats": ["vtt", "mp3"],
    "master": "acx",
    "narrator": True,
    "stems": False,
    "seed": "9007199254740993",
    "language": " de ",
}


def test_what_was_chosen_is_what_is_made_and_the_timeline_always() -> None:
    made = settings_of(**CHOSEN)
    assert set(made.formats) == {"vtt", "mp3", "json"}
    assert made == PerformSettings(
        formats=made.formats, master="acx", narrator=True, seed=9_007_199_254_740_993, language="de"
    )


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"formats": ["exe"]}, "unknown format 'exe'"),
        ({"master": "loud"}, "unknown master 'loud'"),
        ({"seed": "many"}, "no whole number"),
        ({"seed": "-1"}, "seed -1"),
        ({"language": "klingon!"}, "BCP 47"),
    ],
)
def test_what_cannot_be_made_is_refused_by_name(wrong: dict[str, Any], part: str) -> None:
    with pytest.raises(SettingsError, match=part):
        settings_of(**{**CHOSEN, **wrong})
