"""The web app: its pages, each with an address of its own, under one header.

Owns the list of pages and what stands around every one of them. Does not know what a page holds (each is a function
that lays itself out inside the Blocks it is called in) nor how the app is served.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components import Navbar

from speechagents import __version__
from speechagents.ui.about import about_page
from speechagents.ui.api import add_endpoints
from speechagents.ui.cast import cast_page
from speechagents.ui.improvise import improvise_page
from speechagents.ui.live import live_page
from speechagents.ui.perform import perform_page
from speechagents.ui.productions import productions_page

if TYPE_CHECKING:
    from speechagents.serving.house import House


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        name: As in the header.
        path: Its address below the app's; empty for the first page.
        lay_out: Puts it into the Blocks that are open.
    """

    name: str
    path: str
    lay_out: Callable[[House], None]


PAGES = (
    Page("Perform", "", perform_page),
    Page("Improvise", "improvise", improvise_page),
    Page("Live", "live", live_page),
    Page("Cast", "cast", cast_page),
    Page("Productions", "productions", productions_page),
    Page("About", "about", about_page),
)


def build_app(house: House) -> gr.Blocks:
    """All pages, and the endpoints that programs may call.

    Args:
        house: The studio, what belongs to each visitor, and what runs.
    """
    app: gr.Blocks
    with gr.Blocks(title="SpeechAgents", analytics_enabled=False) as app:
        _frame(house, PAGES[0])
        add_endpoints(house)
    for page in PAGES[1:]:
        with app.route(page.name, f"/{page.path}"):
            _frame(house, page)
    return app


def _frame(house: House, page: Page) -> None:
    Navbar(visible=False)
    gr.HTML(_header(page), elem_classes="sa-header", js_on_load=None)
    with gr.Column(elem_id="sa-main", elem_classes=["sa-page", f"sa-{page.name.lower()}"]):
        page.lay_out(house)
    gr.HTML(_footer(house), elem_classes="sa-footer", js_on_load=None)


def _header(current: Page) -> str:
    # Relative, so that the app works below any path that a proxy puts it under.
    links = "".join(
        f'<a href="{page.path or "./"}"{" aria-current=page" if page is current else ""}>{html.escape(page.name)}</a>'
        for page in PAGES
    )
    return (
        '<a class="sa-skip" href="#sa-main">Skip to the page</a><header>'
        '<a class="sa-brand" href="./"><svg viewBox="0 0 32 32" aria-hidden="true">'
        '<rect width="32" height="32" rx="7"/>'
        '<path d="M8 20v-8M13 24V8M19 22V10M24 19v-6"/></svg><span>SpeechAgents</span></a>'
        f'<nav aria-label="Pages">{links}</nav>'
        '<button type="button" class="sa-light" data-sa-light aria-pressed="false" aria-label="Dark page" '
        'title="Light or dark"><svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="8"/>'
        '<path d="M12 4a8 8 0 0 1 0 16z"/></svg></button></header>'
    )


def _footer(house: House) -> str:
    studio: Any = house.studio
    return (
        f'<p>SpeechAgents {html.escape(__version__)} · preset <a href="about">{html.escape(studio.preset.name)}</a> '
        f"({html.escape(studio.why)})</p><p>Voices are synthetic unless a person takes the stage.</p>"
    )
