"""A person on stage among agents: real Chromium, a microphone that speaks, the real server, voices and recogniser."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from speechagents.drama import Message
from speechagents.serving.serve import Served
from speechagents.stream import message_from_json
from tests.browser.conftest import Microphone, OpenPage

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    # Gradio leaves event loops and sockets behind.
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::DeprecationWarning"
    ),
]

Found = TypeVar("Found")
PERSON = "Daniel"
QUESTION = "Sophia, where are you going on Monday?"
PATIENCE_S = 120.0
"""How long a busy machine may take; nothing here is timed."""


def test_a_person_joins_is_understood_answered_interrupts_reloads_and_leaves(
    server: Served, browse: OpenPage, microphone: Microphone
) -> None:
    from playwright.sync_api import expect

    # Said every twelve seconds: into silence the first time, into somebody's line sooner or later.
    page = browse("live", microphone=microphone([3.0, QUESTION, 6.5]))
    page.get_by_role("radio", name="City Park Picnic").click()
    page.get_by_label(PERSON).check(force=True)
    page.get_by_role("button", name="Step on stage").click()
    expect(page.locator(".lv-stage")).to_be_visible()

    # Understood, and answered by whoever was named.
    expect(page.locator(".lv-log .lv-mine").first).to_contain_text("Sophia", timeout=PATIENCE_S * 1000)
    folder = production(server)
    asked = until(page, lambda: next((one for one in said(folder) if to(one, "Sophia")), None))
    answer = until(page, lambda: next((one for one in said(folder) if one.id == asked.id + 1), None))
    assert answer.speaker == "Sophia"
    assert (folder / "takes" / f"{asked.take}.flac").is_file(), "the person's own voice is kept"

    # Interrupted: a line that was cut, with the person's words behind it.
    cut = until(page, lambda: next((one for one in said(folder) if one.cut and one.speaker != PERSON), None))
    assert cut.text.endswith(" --")
    after = until(page, lambda: next((one for one in said(folder) if one.id == cut.id + 1), None))
    assert after.speaker == PERSON
    expect(page.locator(".lv-log .lv-cut").first).to_be_visible()

    # Reloaded: the same scene goes on, and what was said before is still there.
    before = page.locator(".lv-log .lv-caption").count()
    page.reload()
    page.get_by_role("button", name="Return to the stage").click()
    expect(page.locator(".lv-log")).to_contain_text("Sophia")
    assert page.locator(".lv-log .lv-caption").count() >= before
    last = said(folder)[-1].id
    until(page, lambda: said(folder)[-1].id > last or None)

    # Left: what was played is a production with files.
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("link", name="programme.m4b")).to_be_visible(timeout=PATIENCE_S * 1000)
    with page.expect_download() as download:
        page.get_by_role("link", name="programme.m4b").click()
    assert download.value.path().stat().st_size > 50_000


def production(server: Served) -> Path:
    """The folder of the only live production there is."""
    (folder,) = {path.parent for path in server.house.settings.data.glob("productions/*/*/*/production/steps.jsonl")}
    return folder


def said(folder: Path) -> list[Message]:
    """The stream so far; read beside the server that writes it."""
    lines = (folder / "stream.jsonl").read_text("utf-8").splitlines(keepends=True)
    return [message_from_json(json.loads(line)) for line in lines if line.endswith("\n")]


def to(message: Message, name: str) -> bool:
    return message.speaker == PERSON and name in message.addresses


def until(page: Page, find: Callable[[], Found | None]) -> Found:
    """Wait for something, while the page lives on."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        if (found := find()) is not None:
            return found
        page.wait_for_timeout(200)
    pytest.fail("it never came")
