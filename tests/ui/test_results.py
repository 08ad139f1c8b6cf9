"""What a production has given, as a part of a page: signed links to its own files alone."""

from __future__ import annotations

import json

import pytest

from speechagents.errors import NoSuchProduction
from speechagents.scripts.reading import parse_script
from speechagents.serving.house import House
from speechagents.settings import PerformSettings
from speechagents.ui.drafts import Draft
from speechagents.ui.results import results_view, size_text
from tests.conftest import PLAY
from tests.ui.visiting import ANNA, BEN


def performed(house: House, **options: object) -> Draft:
    draft = Draft.begin(house, ANNA, parse_script(PLAY))
    run = draft.perform(PerformSettings(**{"formats": ("mp3", "vtt", "json"), **options}))  # type: ignore[arg-type]
    assert run.wait(60.0)
    return draft


def test_before_anything_is_made_a_hint_stands_there(house: House) -> None:
    draft = Draft.begin(house, ANNA, parse_script(PLAY))
    assert "Nothing to hear yet" in results_view(house, ANNA, draft.id)


def test_player_picture_and_every_file_with_its_verdict(house: House) -> None:
    draft = performed(house)
    shown = results_view(house, ANNA, draft.id)
    assert shown.count("<audio") == 1
    assert "<svg" in shown
    for name in ("programme.mp3", "programme.vtt", "programme.json"):
        assert f"/productions/{draft.id}/files/exports/{name}?key=" in shown
    assert shown.count("meets podcast") == 1
    assert str(house.settings.data) not in shown


def test_a_file_that_misses_its_standard_says_by_what(house: House) -> None:
    draft = performed(house)
    path = draft.production.folder / "production.json"
    record = json.loads(path.read_text("utf-8"))
    gate = record["gates"]["mp3"]
    gate["passed"] = False
    gate["verdicts"][0].update(passed=False, value=-3.25)
    path.write_text(json.dumps(record), "utf-8")
    assert f"misses podcast: {gate['verdicts'][0]['rule']} -3.2" in results_view(house, ANNA, draft.id)


def test_files_that_are_gone_and_damaged_timelines_are_left_out(house: House) -> None:
    draft = performed(house)
    (draft.production.exports / "programme.vtt").unlink()
    (draft.production.exports / "programme.json").write_text("{}", "utf-8")
    shown = results_view(house, ANNA, draft.id)
    assert "programme.vtt" not in shown
    assert "<svg" not in shown
    assert "programme.mp3" in shown


def test_another_visitor_sees_nothing(house: House) -> None:
    draft = performed(house)
    with pytest.raises(NoSuchProduction):
        results_view(house, BEN, draft.id)


def test_sizes_are_written_as_people_read_them() -> None:
    assert [size_text(n) for n in (10, 34_567, 2_340_000, 5_600_000_000)] == ["1 kB", "35 kB", "2.3 MB", "5.60 GB"]
