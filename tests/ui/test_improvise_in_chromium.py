"""The Improvise page in a real browser: from an example to files, behind a line, another way, and back again."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from speechagents import Studio
from speechagents.serving.serve import Served, start
from speechagents.serving.settings import ServeSettings
from tests.ui.visiting import faults_of, open_house, sweep

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = Path("/usr/bin/chromium")
LATE = {"improvise": "Play the scene", "cast": "Sounds most like", "about": "Model servers"}
"""What stands on each page when all of it is there."""
EVIL = """\
title: "<img src=x onerror=window.broken=1> ${window.broken=2} {{#each}}"
roles: [{name: "<b onmouseover=broken()>Ella ${1+1}"}, {name: "Tom {{x}}"}]
turns: 4
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium here"),
    # Gradio, its server and Playwright leave sockets and loops to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


sync_api.expect.set_options(timeout=60_000)


@pytest.fixture(scope="module")
def served(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = tmp_path_factory.mktemp("served")
    running = start(ServeSettings(port=port, data=data), house=open_house(studio, data, port=port))
    sweep()
    yield running
    running.stop()
    sweep()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a fresh visitor, on which nothing may go wrong."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    wrong = faults_of(opened)
    opened.set_default_timeout(120_000)
    yield opened
    assert wrong == []
    context.close()


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def play_example(page: Any, served: Served) -> None:
    page.goto(f"{served.url}improvise")
    page.locator("[data-example=city-park-picnic]").click()
    sync_api.expect(page.get_by_label("Title")).to_have_value("City Park Picnic")
    page.get_by_label("Turns").fill("6")
    press(page, "Play the scene")


def test_from_an_example_to_files_behind_a_line_and_another_way(page: Any, served: Served) -> None:
    play_example(page, served)
    page.get_by_role("link", name=re.compile("m4b")).wait_for()
    page.locator("[data-look='3']").click()
    page.get_by_text("Backstage: nobody in the scene sees any of this.").wait_for()
    page.get_by_label("A word from the director").fill("It starts to rain.")
    first = [page.locator(f"#message-{number} p").inner_text() for number in (1, 2, 3)]
    press(page, "Go on differently from here")
    page.get_by_text("A branch: up to message 3").wait_for()
    page.get_by_role("link", name=re.compile("m4b")).wait_for()
    assert [page.locator(f"#message-{number} p").inner_text() for number in (1, 2, 3)] == first
    sync_api.expect(page).to_have_url(re.compile("production="))
    page.reload()
    page.get_by_text("A branch: up to message 3").wait_for()


def test_a_message_is_heard_by_keyboard_and_a_scene_is_listened_along(page: Any, served: Served) -> None:
    play_example(page, served)
    page.locator("[data-take]").nth(1).focus()
    page.keyboard.press("Enter")
    page.locator("#message-2.sa-sounding").wait_for()
    press(page, "Listen along")
    page.locator("#message-3.sa-sounding").wait_for()


def test_a_scene_goes_turn_by_turn(page: Any, served: Served) -> None:
    page.goto(f"{served.url}improvise")
    page.locator("[data-example=city-park-picnic]").click()
    sync_api.expect(page.get_by_label("Title")).to_have_value("City Park Picnic")
    press(page, "Play it turn by turn")
    page.locator("#message-1").wait_for()
    page.get_by_role("button", name="One turn").wait_for()
    before = page.locator("[data-message]").count()
    press(page, "One turn")
    page.locator(f"#message-{before + 1}").wait_for()
    press(page, "End here and make the files")
    page.get_by_role("link", name=re.compile("m4b")).wait_for()


def test_nothing_that_is_written_runs_as_a_script(page: Any, served: Served) -> None:
    page.goto(f"{served.url}improvise")
    page.get_by_role("tab", name="YAML").click()
    # The form is written there first; what is typed before it comes would be written over.
    sync_api.expect(page.get_by_label("Scene file")).not_to_have_value("")
    page.get_by_label("Scene file").fill(EVIL)
    press(page, "Play the scene")
    page.locator("[data-look='2']").click()
    page.get_by_text("Backstage: nobody in the scene sees any of this.").wait_for()
    assert "${window.broken=2} {{#each}}" in page.locator(".sa-status h2").inner_text()
    assert page.evaluate("window.broken") is None


def test_a_fault_is_shown_at_its_field(page: Any, served: Served) -> None:
    page.goto(f"{served.url}improvise")
    page.locator("[data-example=three-burglaries]").click()
    sync_api.expect(page.get_by_label("Name", exact=True)).to_have_value("Beatrix")
    page.get_by_label("Name", exact=True).fill("")
    press(page, "Play the scene")
    sync_api.expect(page.locator(".sa-wrong")).to_contain_text("empty; write a text")
    sync_api.expect(page.get_by_role("alert")).to_contain_text("This is no scene yet")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("name", ["improvise", "cast", "about"])
def test_no_page_is_wider_than_the_screen(page: Any, served: Served, name: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{served.url}{name}")
    page.locator("h1").wait_for()
    page.get_by_text(LATE[name]).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
