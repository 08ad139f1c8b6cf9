"""The Improvise page through its handlers: from the form to the files, and never to another visitor's scene."""

from __future__ import annotations

from collections.abc import Iterator
from shutil import copytree
from typing import Any

import gradio as gr
import pytest

from speechagents import Studio
from speechagents.agents.steps import Step
from speechagents.drama import Role, SceneBrief
from speechagents.serving.house import House
from speechagents.ui.improvise import ImprovisePage
from speechagents.ui.scene_form import draft_of, yaml_of
from tests.ui.visiting import ANNA, BEN, event_of, is_skipped, lay_out, open_house, request_of

SCENE = SceneBrief(
    "The Last Bus",
    (Role("Ella", "25, a writer"), Role("Tom", "60, a baker"), Role("Sophia", "27, a nurse")),
    beats=("They wait", "The bus comes"),
    turns=6,
    seed=4,
)


class Browser:
    """What one visitor's page holds between handlers."""

    def __init__(self, page: ImprovisePage, visitor: Any) -> None:
        self.page = page
        self.request = request_of(visitor)
        self.values: dict[int, Any] = {}

    def do(self, name: str, *inputs: Any) -> None:
        """Call a handler, and keep what it gives for its components."""
        blocks = PAGES[id(self.page)]
        wired = next(one for one in blocks.fns.values() if getattr(one.fn, "__name__", "") == name)
        given = getattr(self.page, name)(*inputs)
        for component, value in zip(wired.outputs, given, strict=True):
            if not is_skipped(value):
                self.values[component._id] = value

    def now(self, component: Any) -> Any:
        value = self.values.get(component._id, getattr(component, "value", None))
        return value.get("value") if isinstance(value, dict) and "value" in value else value

    @property
    def seen(self) -> list[Any]:
        page = self.page
        return [self.now(one) for one in (page._production, page._chosen, page._shown, page._drawn)]


PAGES: dict[int, gr.Blocks] = {}


@pytest.fixture(scope="module")
def house(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(studio, tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="module")
def page(house: House) -> Iterator[ImprovisePage]:
    made: list[ImprovisePage] = []
    blocks = lay_out(lambda one: made.append(ImprovisePage(one)), house)
    PAGES[id(made[0])] = blocks
    yield made[0]
    PAGES.clear()


@pytest.fixture
def anna(page: ImprovisePage, production: str) -> Browser:
    """Anna's browser, with her scene on the stage."""
    browser = Browser(page, ANNA)
    browser.do("_reopened", production, browser.request)
    return browser


def form_of(scene: SceneBrief, page: ImprovisePage) -> list[Any]:
    """The scene as the editor's components hold it, as YAML."""
    return ["yaml", yaml_of(draft_of(scene)), *(one.value for one in page._editor.inputs[2:])]


def finished(page: ImprovisePage, production: str) -> None:
    run = page._playing.run(ANNA, production)
    assert run is not None
    assert run.wait(120.0)


@pytest.fixture(scope="module")
def production(page: ImprovisePage) -> str:
    """Anna's scene, played to its files from the form."""
    browser = Browser(page, ANNA)
    browser.do("_begun", browser.request, *form_of(SCENE, page))
    begun: str = browser.now(page._production)
    finished(page, begun)
    return begun


def steps_of(page: ImprovisePage, production: str) -> list[Step]:
    records = page._playing.records.of(page._house.shelf(ANNA).folder(production))
    return [one for one in records if isinstance(one, Step)]


def test_a_scene_is_played_and_shown_with_its_files(anna: Browser, page: ImprovisePage, production: str) -> None:
    transcript = anna.now(page._transcript)
    for step in steps_of(page, production):
        assert all(f'data-message="{message.id}"' in transcript for message in step.messages)
        assert step.turn.thoughts not in transcript
    assert "finished" in anna.now(page._status)
    assert "programme.m4b" in anna.now(page._results)
    assert anna.now(page._timer).active is False


def test_a_tick_sends_only_what_has_changed(anna: Browser, page: ImprovisePage) -> None:
    production, chosen, shown, drawn = anna.seen
    again = page._ticked(production, chosen, shown, drawn, anna.request)
    assert all(map(is_skipped, again[2:]))


def test_a_scene_that_is_none_stays_in_the_editor(anna: Browser, page: ImprovisePage, house: House) -> None:
    before = house.shelf(ANNA).cards()
    form = form_of(SCENE, page)
    form[1] = "title: Nobody"
    anna.do("_begun", anna.request, *form)
    assert "This is no scene yet" in anna.now(page._editor.marks[0])
    assert house.shelf(ANNA).cards() == before


def test_looking_behind_a_message_offers_a_branch(anna: Browser, page: ImprovisePage, production: str) -> None:
    anna.do("_selected", *anna.seen, anna.request, event_of(message=3))
    step = next(one for one in steps_of(page, production) if any(message.id == 3 for message in one.messages))
    assert step.turn.thoughts in anna.now(page._inspector).replace("&#x27;", "'")
    assert 'data-look="3" aria-pressed="true"' in anna.now(page._transcript)
    assert anna.now(page._branching)["visible"] is True
    assert "understands no notes" in anna.now(page._note_hint)
    anna.do("_selected", *anna.seen, anna.request, event_of(message="3); drop"))
    assert anna.now(page._branching)["visible"] is False


def test_a_branch_takes_the_stage(anna: Browser, page: ImprovisePage, house: House, production: str) -> None:
    anna.do("_selected", *anna.seen, anna.request, event_of(message=2))
    fork = ["They quarrel", "It rains.", "Tom", 8.0, "99"]
    anna.do("_branched", production, 2, *fork, anna.request)
    branch = anna.now(page._production)
    assert branch != production
    finished(page, branch)
    anna.do("_ticked", *anna.seen, anna.request)
    assert "up to message 2" in anna.now(page._status)
    scene = page._playing.scene(ANNA, branch)
    assert scene is not None
    assert (scene.beats[-1], scene.turns) == ("They quarrel", 8)
    assert {card.id for card in house.shelf(ANNA).cards()} >= {production, branch}


@pytest.mark.parametrize(
    ("at", "turns", "seed", "why"),
    [
        (2, 8.0, "-1", "seed"),
        (2, 8.0, "x" * 40, "seed"),
        (99, 8.0, "1", "no message 99"),
        (2, 1.0, "1", "none to go on"),
    ],
)
def test_a_branch_that_cannot_be_is_refused_on_the_page(
    anna: Browser, page: ImprovisePage, production: str, at: int, turns: float, seed: str, why: str
) -> None:
    anna.do("_branched", production, at, "", "", "", turns, seed, anna.request)
    assert why in anna.now(page._error)
    assert anna.now(page._production) == production


def test_a_page_that_is_opened_again_shows_the_scene_of_its_address(page: ImprovisePage, production: str) -> None:
    later = Browser(page, ANNA)
    later.do("_arrived", request_of(ANNA, production=production))
    assert later.now(page._production) == production
    assert "data-message" in later.now(page._transcript)
    fresh = Browser(page, ANNA)
    fresh.do("_arrived", request_of(ANNA))
    assert fresh.now(page._production) == ""
    assert production in [choice[1] for choice in fresh.values[page._mine._id].choices]


def test_a_scene_is_shown_to_nobody_but_its_visitor(page: ImprovisePage, production: str, house: House) -> None:
    ben = Browser(page, BEN)
    ben.do("_arrived", request_of(BEN, production=production))
    assert ben.now(page._production) == ""
    ben.do("_reopened", production, ben.request)
    assert "not on your shelf" in ben.now(page._error)
    ben.do("_ticked", production, 0, 60, page._drawn.value, ben.request)
    ben.do("_selected", production, 0, 60, page._drawn.value, ben.request, event_of(message=1))
    ben.do("_branched", production, 1, "", "", "", 8.0, "1", ben.request)
    shown = "".join(str(value) for value in ben.values.values())
    assert "data-message" not in shown
    assert "Last Bus" not in shown
    assert house.shelf(BEN).cards() == ()


def test_nobody_looks_behind_a_scene_that_they_are_in(anna: Browser, page: ImprovisePage, house: House) -> None:
    live = house.shelf(ANNA).create("On stage", "live")
    copytree(house.shelf(ANNA).folder(anna.now(page._production)), house.shelf(ANNA).folder(live))
    record = house.shelf(ANNA).folder(live) / "production.json"
    record.write_text(record.read_text("utf-8").replace('"state": "done"', '"state": "working"'), "utf-8")
    during = Browser(page, ANNA)
    during.do("_reopened", live, during.request)
    during.do("_selected", *during.seen, during.request, event_of(message=1))
    assert "You are on this stage" in during.now(page._status)
    assert "data-message" not in during.now(page._transcript)
    assert "Choose the magnifying glass" in during.now(page._inspector)
    record.write_text(record.read_text("utf-8").replace('"state": "working"', '"state": "done"'), "utf-8")
    after = Browser(page, ANNA)
    after.do("_reopened", live, after.request)
    after.do("_selected", *after.seen, after.request, event_of(message=1))
    assert "data-message" in after.now(page._transcript)
    assert "Behind message 1" in after.now(page._inspector)
    assert after.values[page._branching._id]["visible"] is False


def test_no_handler_is_offered_to_programs(page: ImprovisePage) -> None:
    assert {one.api_visibility for one in PAGES[id(page)].fns.values()} == {"private"}
