"""The shelf: what a visitor may do with their own productions, and that nobody else's are ever seen."""

from __future__ import annotations

import re

import pytest

from speechagents.scripts.reading import parse_script
from speechagents.serving.house import House
from speechagents.serving.visitors import Visitor
from speechagents.settings import PerformSettings
from speechagents.ui.drafts import Draft
from speechagents.ui.productions import Productions
from tests.conftest import PLAY
from tests.ui.visiting import ANNA, BEN, event_of, request_of


def draft_of(house: House, visitor: Visitor = ANNA) -> Draft:
    return Draft.begin(house, visitor, parse_script(PLAY))


def act(house: House, deed: str, production: str, text: str = "", visitor: Visitor = ANNA) -> tuple[str, str]:
    return Productions(house).act(request_of(visitor), event_of(do=deed, id=production, text=text))


def test_an_empty_shelf_shows_where_to_begin(house: House) -> None:
    assert "The shelf is empty" in Productions(house).shelf(ANNA)


def test_a_production_can_be_opened_on_the_page_it_was_made_on(house: House) -> None:
    script = draft_of(house).id
    scene = house.shelf(ANNA).create("A scene", "improvise")
    shown = Productions(house).shelf(ANNA)
    assert f'href="./?production={script}"' in shown
    assert f'href="improvise?production={scene}"' in shown


def test_it_is_renamed_duplicated_and_deleted(house: House) -> None:
    draft = draft_of(house)
    _, shown = act(house, "rename", draft.id, "  The   <Other>  Umbrella ")
    assert "The &lt;Other&gt; Umbrella" in shown
    _, shown = act(house, "duplicate", draft.id)
    assert shown.count("<li") == 2
    notice, shown = act(house, "delete", draft.id)
    assert "is deleted" in notice
    assert shown.count("<li") == 1
    assert draft.id not in shown


def test_deleting_asks_first(house: House) -> None:
    draft_of(house)
    fold = re.search(r"<details[^>]*><summary[^>]*>Delete…</summary>(.*?)</details>", Productions(house).shelf(ANNA))
    assert fold
    assert "Delete “The Umbrella” and all its files?" in fold[1]
    assert 'data-do="delete"' in fold[1]
    assert Productions(house).shelf(ANNA).count('data-do="delete"') == 1


def test_what_was_stopped_is_gone_on_with(house: House) -> None:
    draft = draft_of(house)
    settings = PerformSettings(formats=("vtt", "json"))
    assert draft.perform(settings).wait(60.0)
    draft.production.write_record({**draft.production.record(), "state": "working"})
    assert 'data-do="resume"' in Productions(house).shelf(ANNA)
    notice, _ = act(house, "resume", draft.id)
    assert "goes on" in notice
    run = draft.run
    assert run is not None
    assert run.wait(60.0)
    done = run.view().finished
    assert done is not None
    assert (done.spoken, done.lines) == (0, 6)


@pytest.mark.parametrize("deed", ["rename", "duplicate", "delete", "resume"])
def test_nobody_can_touch_what_is_not_theirs(house: House, deed: str) -> None:
    draft = draft_of(house, BEN)
    notice, shown = act(house, deed, draft.id, "mine now", visitor=ANNA)
    assert "That did not work" in notice
    assert draft.id not in shown
    assert house.shelf(BEN).card(draft.id).title == "The Umbrella"


@pytest.mark.parametrize(("deed", "production"), [("explode", "x"), ("delete", "../../etc"), ("rename", "")])
def test_what_makes_no_sense_is_told_and_not_raised(house: House, deed: str, production: str) -> None:
    notice, _ = act(house, deed, production, "x")
    assert 'class="sa-error"' in notice
