"""Options of a build are refused before anybody is asked anything."""

from __future__ import annotations

from typing import Any

import pytest

from speechagents.benchmark.building.settings import BuildSettings
from speechagents.errors import SettingsError


def test_a_licence_is_all_that_has_to_be_said() -> None:
    settings = BuildSettings("Apache-2.0 OR CC-BY-4.0")
    assert (settings.scenes, settings.roles) == (100, (2, 3, 5, 10, 25))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"licence": ""}, "licence '' is no SPDX id"),
        ({"licence": "free for all!"}, "is no SPDX id"),
        ({"name": " x"}, "a benchmark's name"),
        ({"name": "a\nb"}, "a benchmark's name"),
        ({"roles": (3, 2)}, "ascending order"),
        ({"roles": (2, 2)}, "each once"),
        ({"roles": (1, 2)}, "2 to 25 roles"),
        ({"roles": (26,)}, "2 to 25 roles"),
        ({"policy": "shouting"}, "no turn policy"),
        ({"language": "klingonish-language-of-the-stars"}, "no BCP 47 tag"),
        ({"language": ""}, "no BCP 47 tag"),
        ({"scenes": 0}, "scenes: 0 is not between 1 and 1000"),
        ({"scenes": 1_001}, "scenes: 1001"),
        ({"roles_at_once": 3}, "roles at once: 3"),
        ({"seed": -1}, "seed: -1"),
        ({"turns": 9_999}, "turns: 9999"),
        ({"budget_tokens": -1}, "the budget of tokens: -1"),
        ({"budget_items": -1}, "the budget of items: -1"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        BuildSettings(**{"licence": "CC0-1.0", **wrong})
