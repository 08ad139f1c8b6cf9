"""SpeechAgents: a stage for talking agents.

The public face. Names are loaded when they are first used, so that importing the package costs next to nothing.

    from speechagents import PerformSettings, Studio

    with Studio() as studio:
        for event in studio.perform("play.fountain", out="my-play"):
            print(event)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from speechagents.audio import Audio
    from speechagents.books.book import Book
    from speechagents.books.reading import read_book
    from speechagents.drama import Line, Role, Scene, Style
    from speechagents.errors import SpeechAgentsError
    from speechagents.scripts.reading import load_script, parse_script
    from speechagents.scripts.script import Script
    from speechagents.settings import PerformSettings, ReadSettings
    from speechagents.studio import Studio

__version__ = "0.1.0"

__all__ = [
    "Audio",
    "Book",
    "Line",
    "PerformSettings",
    "ReadSettings",
    "Role",
    "Scene",
    "Script",
    "SpeechAgentsError",
    "Studio",
    "Style",
    "__version__",
    "load_script",
    "parse_script",
    "read_book",
]

_HOMES = {
    "Audio": "audio",
    "Book": "books.book",
    "Line": "drama",
    "PerformSettings": "settings",
    "ReadSettings": "settings",
    "Role": "drama",
    "Scene": "drama",
    "Script": "scripts.script",
    "SpeechAgentsError": "errors",
    "Studio": "studio",
    "Style": "drama",
    "load_script": "scripts.reading",
    "parse_script": "scripts.reading",
    "read_book": "books.reading",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
