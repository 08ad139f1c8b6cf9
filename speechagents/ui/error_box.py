"""What went wrong, as a box that stays on the page.

Owns its wording for visitors: our own errors in their own words, without the folders of the server; nothing of any
other error.
"""

from __future__ import annotations

import html
import logging
from typing import TYPE_CHECKING

from speechagents.errors import SpeechAgentsError

if TYPE_CHECKING:
    from speechagents.serving.house import House

_log = logging.getLogger(__name__)


def error_box(error: BaseException | str, house: House, *, title: str = "That did not work") -> str:
    """An error as a page fragment.

    Args:
        error: What was raised, or a sentence.
        house: Whose folders are nobody's business.
        title: Headline.
    """
    return box(plain_words(error, house), title=title)


def box(text: str, *, title: str) -> str:
    """A sentence as an error that is announced to those who cannot see it."""
    return f'<div class="sa-error" role="alert"><strong>{html.escape(title)}</strong><p>{html.escape(text)}</p></div>'


def note(text: str, *, title: str = "") -> str:
    """A sentence worth knowing."""
    headline = f"<strong>{html.escape(title)}</strong>" if title else ""
    return f'<div class="sa-note">{headline}<p>{html.escape(text)}</p></div>'


def plain_words(error: BaseException | str, house: House) -> str:
    """What to tell a visitor."""
    if isinstance(error, BaseException) and not isinstance(error, SpeechAgentsError):
        _log.error("unexpected while a page was served", exc_info=error)
        return "Something went wrong on the server. Try again; if it happens again, tell whoever runs it."
    text = str(error)
    for folder in (str(house.settings.data.absolute()), str(house.settings.data)):
        text = text.replace(folder + "/", "").replace(folder, "")
    return text
