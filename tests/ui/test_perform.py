"""The Perform page and the shelf in a real browser, as a writer uses them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from speechagents.resources import resource
from speechagents.serving.serve import Served
from tests.conftest import PLAY
from tests.ui.visiting import faults_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# What Gradio's server leaves behind is no fault of ours.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning",
        "ignore::pytest.PytestUnraisableExceptionWarning",
    ),
]

PATIENCE_MS = 60_000


class Visit:
    """One visitor's tab, and what went wrong in it."""

    def __init__(self, browser: Browser, served: Served, *, width: int = 1440) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.context.set_default_timeout(PATIENCE_MS)
        self.page: Page = self.context.new_page()
        self.faults = faults_of(self.page)
        self.url = served.url

    def go(self, path: str = "") -> Page:
        self.page.goto(self.url + path)
        self.page.wait_for_selector("#sa-main")
        return self.page

    def open_by(self, press: Callable[[], None]) -> None:
        """Press what opens a script; again where Gradio had not taken the page over yet, for such a press is lost."""
        from playwright.sync_api import TimeoutError as NothingHappened

        for _ in range(3):
            press()
            with contextlib.suppress(NothingHappened):
                self.page.wait_for_selector("#sa-desk h1", timeout=PATIENCE_MS / 3)
                return
        pytest.fail("nothing opens, however often it is pressed")

    def perform(self, script: str) -> Page:
        """Paste a script, open it, and render it to its end."""
        page = self.go()
        page.fill("#sa-script textarea", script)
        page.click("#sa-read")
        page.wait_for_selector("#sa-desk h1")
        page.click("#sa-render")
        page.wait_for_selector("#sa-results [data-sa-player]")
        return page

    def said(self) -> str:
        """How the last run ended."""
        return self.page.inner_text("#sa-progress")


@pytest.fixture
def visit(browser: Browser, server: Served) -> Iterator[Visit]:
    visit = Visit(browser, server)
    yield visit
    assert visit.faults == []
    visit.context.close()


def test_an_example_is_heard_after_one_press(visit: Visit) -> None:
    page = visit.go()
    visit.open_by(page.locator("#sa-examples button").first.click)
    page.wait_for_selector("#sa-results [data-sa-player]")
    assert page.inner_text("#sa-desk h1") == "Something in the House Moves"
    page.wait_for_function("document.querySelector('[data-sa-player]').duration > 60")
    assert page.locator("#sa-results svg [data-sa-line]").count() == 18


def test_an_uploaded_screenplay_becomes_an_audiobook_that_is_downloaded(visit: Visit, tmp_path: Path) -> None:
    page = visit.go()
    page.set_input_files("#sa-upload input[type=file], input[type=file]", resource("assets", "examples", "short.fdx"))
    page.wait_for_selector("#sa-desk h1")
    assert page.inner_text("#sa-desk h1") == "The Last Biscuit"
    page.click("#sa-render")
    page.wait_for_selector("#sa-results [data-sa-player]")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download programme.m4b").click()
    saved = tmp_path / "biscuit.m4b"
    download.value.save_as(saved)
    assert saved.read_bytes()[4:11] == b"ftypM4B"


def test_a_line_that_was_edited_is_the_only_one_spoken_anew(visit: Visit) -> None:
    page = visit.perform(PLAY)
    assert "6 of 6 lines spoken anew" in visit.said()
    page.locator("#sa-lines textarea").nth(1).fill("(sad) It has stopped.")
    page.click("#sa-render")
    page.wait_for_function("document.querySelector('#sa-progress').innerText.includes('1 of 6 lines spoken anew')")


def test_one_line_is_heard_alone_and_put_into_the_production(visit: Visit) -> None:
    page = visit.perform(PLAY)
    page.get_by_role("tab", name="One line").click()
    page.fill("#sa-words textarea", "Has it stopped raining at last?")
    page.click("#sa-hear")
    page.wait_for_selector("#sa-heard audio[src^='data:audio/mpeg']", state="attached")
    page.wait_for_function("document.querySelector('#sa-heard audio').duration > 0.5")
    page.click("#sa-put")
    page.wait_for_function("document.querySelector('#sa-progress').innerText.includes('1 of 6 lines spoken anew')")


def test_a_reload_joins_the_production_again(visit: Visit) -> None:
    page = visit.perform(PLAY)
    assert "?production=" in page.url
    page.reload()
    page.wait_for_selector("#sa-results [data-sa-player]")
    assert page.inner_text("#sa-desk h1") == "The Umbrella"


def test_a_fault_of_the_script_stays_on_the_page_with_its_line(visit: Visit) -> None:
    page = visit.go()
    page.fill("#sa-script textarea", "ANNA: Hi.\n/* open")
    page.click("#sa-read")
    page.wait_for_selector("#sa-notice .sa-error")
    assert "your text:2:" in page.inner_text("#sa-notice")


def test_another_voice_is_chosen_in_the_cast(visit: Visit) -> None:
    page = visit.perform(PLAY)
    page.get_by_role("tab", name="Cast").click()
    choice = page.get_by_label("Voice of ANNA", exact=True)
    other = choice.locator("option:not([selected])").first.get_attribute("value")
    assert other
    choice.select_option(other)
    page.wait_for_selector("#sa-cast >> text=your choice")
    page.click("#sa-render")
    page.wait_for_function("document.querySelector('#sa-progress').innerText.includes('3 of 6 lines spoken anew')")


def test_two_visitors_see_nothing_of_each_other(browser: Browser, server: Served, visit: Visit) -> None:
    page = visit.perform(PLAY)
    production = re.search(r"production=(\w+)", page.url)
    assert production
    link = page.get_by_role("link", name="Download programme.vtt").get_attribute("href")
    assert link
    other = Visit(browser, server)
    shelf = other.go("productions")
    shelf.wait_for_selector("#sa-shelf .sa-empty")
    stranger = other.go(f"?production={production[1]}")
    stranger.wait_for_selector("#sa-notice .sa-error")
    assert not stranger.is_visible("#sa-desk")
    assert other.context.request.get(server.url + link.lstrip("/")).status in (403, 404)
    assert visit.context.request.get(server.url + link.lstrip("/")).ok
    other.context.close()


def test_the_shelf_renames_and_deletes(visit: Visit) -> None:
    visit.perform(PLAY)
    page = visit.go("productions")
    page.get_by_text("Rename", exact=True).click()
    page.fill("#sa-shelf input[name=title]", "Another Umbrella")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sa-shelf h3:has-text('Another Umbrella')")
    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    page.wait_for_selector("#sa-shelf .sa-empty")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("path", ["", "improvise", "live", "cast", "productions", "about"])
def test_every_page_fits_its_screen_without_a_fault(browser: Browser, server: Served, path: str, width: int) -> None:
    visit = Visit(browser, server, width=width)
    page = visit.go(path)
    page.wait_for_selector("#sa-main h1:visible")
    assert page.locator("nav a[aria-current=page]").count() == 1
    assert page.locator("h1:visible").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.faults == []
    visit.context.close()


def test_the_page_can_be_used_with_the_keyboard_alone(visit: Visit) -> None:
    page = visit.go()
    page.wait_for_selector("#sa-examples button")
    seen = []
    for _ in range(16):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("(document.activeElement.innerText || document.activeElement.tagName).trim()"))
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none", seen
        if seen[-1].startswith("Something in the House"):
            break
    else:
        pytest.fail(f"the examples cannot be reached: {seen}")
    assert seen[0] == "Skip to the page"
    visit.open_by(lambda: page.keyboard.press("Enter"))
