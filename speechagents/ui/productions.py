"""The Productions page: what a visitor has made here, and what may be done with it.

Owns the list and its buttons. Does not know how productions are kept (`serving.workspace`) or made. Only the visitor's
own shelf is ever looked at. Deleting asks first, in the page: the button that does it unfolds beneath the first one.
"""

from __future__ import annotations

import asyncio
import html
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import gradio as gr

from speechagents.errors import ProductionError, SpeechAgentsError
from speechagents.improvising import is_improvised
from speechagents.serving.run_view import RunState, RunView
from speechagents.terminal import clock
from speechagents.ui.error_box import error_box, note
from speechagents.ui.handlers import PRIVATE, TRIGGER, on_load, pressed
from speechagents.ui.results import size_text

if TYPE_CHECKING:
    from speechagents.serving.cards import ProductionCard
    from speechagents.serving.house import House
    from speechagents.serving.visitors import Visitor

_POLL_S: Final = 1.0
_WATCH_S: Final = 3_600.0
"""A page that is left open stops looking after an hour."""

_KINDS: Final = {"perform": "Performed script", "read": "Book", "improvise": "Improvised scene", "live": "Live scene"}
_STATES: Final = {
    "new": ("Not rendered yet", ""),
    "working": ("Unfinished", ""),
    "partly": ("Lines failed", "sa-bad"),
    "done": ("Finished", "sa-good"),
    "damaged": ("Cannot be read", "sa-bad"),
}
_RESUMABLE: Final = frozenset({"working", "partly"})


def productions_page(house: House) -> None:
    """Lay the page out inside the Blocks that are open."""
    page = Productions(house)
    gr.HTML(
        '<p class="sa-kicker">Productions</p><h1>Your shelf</h1><p class="sa-lead">Everything you have made here. '
        "Nobody else can see it; who is not logged in is known by this browser alone.</p>",
        js_on_load=None,
    )
    notice = gr.HTML(js_on_load=None, elem_id="sa-notice")
    shelf = gr.HTML(js_on_load=TRIGGER, elem_id="sa-shelf")
    on_load(page.follow, None, shelf, **PRIVATE)
    shelf.click(page.act, None, [notice, shelf], **PRIVATE).then(page.follow, None, shelf, **PRIVATE)


class Productions:
    """The handlers; they hold nothing of any visitor."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._deeds: Mapping[str, Callable[[Visitor, str, str], str]] = {
            "rename": self._rename,
            "duplicate": self._duplicate,
            "delete": self._delete,
            "resume": self._resume,
            "stop": self._stop,
        }

    async def follow(self, request: gr.Request) -> AsyncIterator[str]:
        """The list, as long as something on it is being made."""
        visitor = self._house.visitor_of(request)
        until = time.monotonic() + _WATCH_S
        shown = ""
        while True:
            view = await asyncio.to_thread(self.shelf, visitor)
            if view != shown:
                shown = view
                yield view
            if not self._busy(visitor) or time.monotonic() > until:
                return
            await asyncio.sleep(_POLL_S)

    def act(self, request: gr.Request, event: gr.EventData) -> tuple[str, str]:
        """A button of the list was pressed."""
        visitor = self._house.visitor_of(request)
        asked = pressed(event)
        try:
            deed = self._deeds.get(asked.get("do", ""))
            if deed is None:
                raise ProductionError("that cannot be done; reload the page")
            notice = note(deed(visitor, asked.get("id", ""), asked.get("text", "")))
        except SpeechAgentsError as error:
            notice = error_box(error, self._house)
        return notice, self.shelf(visitor)

    def _rename(self, visitor: Visitor, production: str, text: str) -> str:
        title = " ".join(text.split())
        if not title:
            raise ProductionError("a production needs a title; write one")
        self._house.shelf(visitor).rename(production, title)
        return "Renamed."

    def _duplicate(self, visitor: Visitor, production: str, _text: str) -> str:
        self._house.shelf(visitor).duplicate(production)
        return "Duplicated; the copy stands on top."

    def _delete(self, visitor: Visitor, production: str, _text: str) -> str:
        title = self._house.shelf(visitor).card(production).title
        self._house.delete(visitor, production)
        return f"“{title}” is deleted."

    def _resume(self, visitor: Visitor, production: str, _text: str) -> str:
        folder = self._house.shelf(visitor).folder(production)
        studio = self._house.studio
        kind = self._house.shelf(visitor).card(production).kind
        if is_improvised(folder):
            self._house.start(visitor, production, kind, lambda: studio.resume_scene(folder))
        else:
            self._house.start(visitor, production, kind, lambda: studio.resume(folder))
        return "It goes on where it stopped."

    def _stop(self, visitor: Visitor, production: str, _text: str) -> str:
        run = self._house.runs.of(visitor, production)
        if run is not None:
            run.stop()
        return "Stopped; what was made is kept."

    def _busy(self, visitor: Visitor) -> bool:
        return any(not run.view().state.over for run in self._house.runs.all_of(visitor))

    def shelf(self, visitor: Visitor) -> str:
        """The list as it stands."""
        cards = self._house.shelf(visitor).cards()
        if not cards:
            return (
                '<div class="sa-empty"><strong>The shelf is empty</strong>Perform one of the examples: it takes a few '
                'seconds.<p><a class="sa-button sa-main" href="./">Perform a script</a> '
                '<a class="sa-button" href="improvise">Improvise a scene</a></p></div>'
            )
        return f'<ul class="sa-shelf">{"".join(self._entry(visitor, card) for card in cards)}</ul>'

    def _entry(self, visitor: Visitor, card: ProductionCard) -> str:
        run = self._house.runs.of(visitor, card.id)
        view = run.view() if run is not None else None
        going = view is not None and not view.state.over
        title = html.escape(card.title)
        id_ = html.escape(card.id, quote=True)
        facts = [_KINDS.get(str(card.kind), str(card.kind)), _date(card.modified)]
        if card.duration_s:
            facts.append(clock(card.duration_s))
        if card.roles:
            facts.append(f"{card.roles} voices")
        facts.append(size_text(card.size_bytes))
        page = "./" if str(card.kind) in ("perform", "read") else "improvise"
        zip_link = html.escape(self._house.zip_link(visitor, card.id), quote=True)
        buttons = [f'<a class="sa-button sa-main" href="{page}?production={id_}">Open</a>']
        if going:
            buttons.append(_button("stop", id_, "Stop", title))
        elif card.state in _RESUMABLE:
            buttons.append(_button("resume", id_, "Resume", title))
        if card.state != "new":
            buttons.append(f'<a class="sa-button" href="{zip_link}" download aria-label="Download {title}">ZIP</a>')
        if not going:
            buttons.append(_button("duplicate", id_, "Duplicate", title))
        rename = (
            f'<details class="sa-fold"><summary class="sa-button">Rename</summary><div class="sa-row" data-entry>'
            f'<input name="title" value="{html.escape(card.title, quote=True)}" maxlength="200" '
            f'aria-label="New title of {title}"><button type="button" class="sa-button" data-do="rename" '
            f'data-id="{id_}">Save title</button></div></details>'
        )
        delete = (
            f'<details class="sa-fold"><summary class="sa-button">Delete…</summary><div class="sa-row" data-entry>'
            f"<span>Delete “{title}” and all its files?</span>"
            f'<button type="button" class="sa-button sa-danger" data-do="delete" data-id="{id_}">Delete for good'
            "</button></div></details>"
        )
        return (
            f'<li class="sa-card"><div class="sa-row sa-shelf-head"><h3>{title}</h3>{_state(card.state, view)}</div>'
            f"<p>{html.escape(' · '.join(facts))}</p>{_progress(view)}"
            f'<div class="sa-row">{"".join(buttons)}{rename}{delete}</div></li>'
        )


def _button(deed: str, id_: str, text: str, title: str) -> str:
    return (
        f'<button type="button" class="sa-button" data-do="{deed}" data-id="{id_}" aria-label="{text} {title}">'
        f"{text}</button>"
    )


def _state(state: str, view: RunView | None) -> str:
    if view is not None and not view.state.over:
        return f'<span class="sa-chip">{"Waiting" if view.state is RunState.WAITING else "Being made"}</span>'
    if view is not None and view.state is RunState.FAILED:
        return f'<span class="sa-chip sa-bad" title="{html.escape(view.error, quote=True)}">Stopped by a fault</span>'
    text, colour = _STATES.get(state, (state, ""))
    return f'<span class="sa-chip {colour}">{html.escape(text)}</span>'


def _progress(view: RunView | None) -> str:
    if view is None or view.state.over:
        return ""
    percent = round(100 * view.progress)
    return (
        f'<div class="sa-bar" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>'
    )


def _date(epoch_s: float) -> str:
    """A day and a time, in UTC: the server does not know the visitor's clock."""
    return f"{datetime.fromtimestamp(epoch_s, UTC):%-d %b %Y, %H:%M} UTC"
