"""Options of a performance are checked before anything is made, and remembered."""

import json
from pathlib import Path

import pytest

from speechagents.errors import SettingsError
from speechagents.settings import PerformSettings, ReadSettings


def test_settings_survive_the_record_of_a_production() -> None:
    settings = PerformSettings(
        formats=("wav", "vtt"), master="acx", narrator=True, seed=7, language="de", sounds=Path("/doors")
    )
    assert PerformSettings.from_json(json.loads(json.dumps(settings.as_json()))) == settings
    assert PerformSettings.from_json(PerformSettings().as_json()) == PerformSettings()


@pytest.mark.parametrize("seed", [-1, 2**63, "one", 1.5])
def test_a_seed_is_a_whole_number(seed: int) -> None:
    with pytest.raises(SettingsError, match="seed"):
        PerformSettings(seed=seed)


@pytest.mark.parametrize("language", ["de/../x", "e n", "x" * 40])
def test_a_language_is_a_tag(language: str) -> None:
    with pytest.raises(SettingsError, match="BCP 47"):
        PerformSettings(language=language)


@pytest.mark.parametrize(
    "damage", [None, [], {"cast": 5}, {"formats": 5}, {"formats": [5]}, {"language": 5}, {"seed": True}, {"master": []}]
)
def test_damaged_settings_are_an_error_not_a_crash(damage: object) -> None:
    with pytest.raises(SettingsError, match=r"production\.json"):
        PerformSettings.from_json(damage)


def test_paths_are_remembered_so_that_they_hold_from_any_folder() -> None:
    remembered = PerformSettings(cover=Path("cover.jpg")).as_json()
    assert Path(remembered["cover"]).is_absolute()


def test_settings_of_a_book_come_back_from_json() -> None:
    settings = ReadSettings(
        formats=("m4b",), chapters="1-3", seed=7, credits=False, min_confidence=0.5, cast=Path("/a/cast.yaml")
    )
    assert ReadSettings.from_json(json.loads(json.dumps(settings.as_json()))) == settings


@pytest.mark.parametrize(
    "wrong",
    [{"formats": "m4b"}, {"credits": "yes"}, {"seed": "7"}, {"min_confidence": "much"}, {"cover": 3}, {"notes": 1}],
)
def test_damaged_settings_of_a_book_name_the_option(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        ReadSettings.from_json({**ReadSettings().as_json(), **wrong})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"notes": "sing"}, "notes"),
        ({"tags": "shout"}, "tags"),
        ({"min_confidence": 1.5}, "between 0 and 1"),
        ({"title": "x" * 301}, "title"),
        ({"seed": -1}, "seed"),
        ({"language": "not a tag"}, "BCP 47"),
    ],
)
def test_options_of_a_book_that_mean_nothing_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ReadSettings(**options)  # type: ignore[arg-type]
