"""Who gives a second opinion on a novel's quotations: the controller that is named, or the server.

Owns that choice, and the second opinion on a book that is read aloud. Nobody is asked unless a controller, a model or a
server is named: to send a novel anywhere is for its owner to decide. Does not know any controller, nor what it is asked
(`attribution.asking`).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from speechagents.attribution.answers import FILE_NAME, KeptAnswers
from speechagents.attribution.asking import Told, asking_about_unsure
from speechagents.attribution.quotation import Attribution
from speechagents.backends import CONTROLLERS
from speechagents.controllers.ascribing import Ascribes
from speechagents.controllers.discovery import find_servers
from speechagents.errors import SettingsError
from speechagents.events import Event, SpeakersAsked
from speechagents.settings import ReadSettings

_SERVER_CONTROLLER: Final = "openai"
"""Talks to any OpenAI-compatible server."""


def second_opinion(
    text: str,
    paragraphs: Sequence[tuple[int, int]],
    attribution: Attribution,
    settings: ReadSettings,
    folder: Path,
    *,
    ascriber: Ascribes | None,
) -> Generator[Event, None, Told]:
    """Ask about the unsure quotations of a book that is read aloud, if its settings say so.

    Args:
        text: The book.
        paragraphs: Offsets of its paragraphs.
        attribution: Who says what, as found without a model.
        settings: Which quotations are unsure.
        folder: The production; answers are kept there.
        ascriber: Who is asked; None goes by the answers that are there.

    Yields:
        How far it is.

    Raises:
        StorageError: Answers cannot be kept.
    """
    if not asks(settings):
        return Told(attribution)
    answers = KeptAnswers(folder / FILE_NAME)
    asking = asking_about_unsure(text, paragraphs, attribution, ascriber, below=settings.unsure, answers=answers)
    while True:
        try:
            asked = next(asking)
        except StopIteration as end:
            told: Told = end.value
            return told
        yield SpeakersAsked(asked.done, asked.of)


def asks(settings: ReadSettings) -> bool:
    """Whether the settings name anybody to ask."""
    return bool(settings.controller or settings.model or settings.server)


def pinned(settings: ReadSettings) -> ReadSettings:
    """The settings that choose the same ascriber again, whatever runs on this machine by then.

    Raises:
        SettingsError: No server is named, and none answers on this machine.
    """
    if not asks(settings) or settings.server or settings.controller not in ("", _SERVER_CONTROLLER):
        return settings
    options = _found_server(settings.model)
    return replace(settings, controller=_SERVER_CONTROLLER, server=options["base_url"], model=options["model"])


def choose_ascriber(controller: str, *, model: str = "", server: str = "") -> Ascribes:
    """A controller that says who speaks.

    Args:
        controller: Its name; empty takes the one that talks to servers.
        model: Name of its model; empty leaves the choice to it.
        server: Base URL; empty takes a server that runs on this machine, for the controller that talks to servers.

    Raises:
        SettingsError: There is no such controller, it cannot do this, or no server answers.
        BackendMissing: A package it needs is not installed.
        ControllerError: It cannot be used.
    """
    name = controller or _SERVER_CONTROLLER
    options: dict[str, Any] = {key: value for key, value in (("model", model), ("base_url", server)) if value}
    if name == _SERVER_CONTROLLER and not server:
        options = _found_server(model)
    chosen = CONTROLLERS.load(name, options)
    if not isinstance(chosen, Ascribes):
        raise SettingsError(
            f"the controller {name} cannot say who speaks; name one that asks a language model, such as "
            f"--controller {_SERVER_CONTROLLER} --server URL"
        )
    return chosen


def _found_server(model: str) -> dict[str, str]:
    found = next(iter(find_servers()), None)
    if found is None:
        raise SettingsError("no server answers on this machine; start one, or name it with --server URL")
    return {"base_url": found.base_url, "model": model or next(iter(found.models), "")}
