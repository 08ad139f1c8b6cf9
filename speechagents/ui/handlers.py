"""How pages hear from the browser: what is pressed, when a page is opened, and how handlers are registered.

Owns those few agreements with Gradio, so that no page needs to know its inner names. Knows no page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import gradio as gr
from gradio.context import Context

PRIVATE: Final[Mapping[str, Any]] = {
    "api_visibility": "private",
    "concurrency_limit": None,
    "show_progress": "hidden",
}
"""How the pages' own handlers are registered: not for programs, and none waiting for another visitor's."""

TRIGGER: Final = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-do]');
  if (!button || button.tagName === 'SELECT') return;
  const field = button.closest('[data-entry]')?.querySelector('input[name]');
  trigger('click', { do: button.dataset.do, id: button.dataset.id || '', text: field ? field.value : '' });
});
element.addEventListener('change', (event) => {
  const choice = event.target.closest('select[data-do]');
  if (choice) trigger('select', { do: choice.dataset.do, id: choice.dataset.id || '', text: choice.value });
});
element.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !event.target.matches('input[name]')) return;
  const button = event.target.closest('[data-entry]')?.querySelector('[data-do]');
  if (button) { event.preventDefault(); button.click(); }
});
"""
"""Lets buttons, choices and fields in a piece of HTML say what was pressed: ``data-do`` is the deed, ``data-id`` what
it is about, and a field beside it (inside one ``data-entry``) gives a text."""

_MAX_TEXT: Final = 2_000


def pressed(event: gr.EventData) -> Mapping[str, str]:
    """What the page says was pressed; nothing in it is to be believed before it was looked up."""
    data = event._data  # noqa: SLF001 - Gradio gives no other way to it
    if not isinstance(data, dict):
        return {}
    return {str(key): str(value)[:_MAX_TEXT] for key, value in data.items()}


def on_load(handler: Callable[..., Any], inputs: Any, outputs: Any, **how: Any) -> Any:
    """Run a handler whenever the page that is being laid out is opened."""
    root = Context.root_block
    if root is None:
        raise LookupError("a page is laid out inside Blocks")
    return root.load(handler, inputs, outputs, **how)


def opened_production(request: gr.Request) -> str:
    """The production that the page's address names, empty if it names none."""
    return str(dict(request.query_params).get("production", ""))[:64]
