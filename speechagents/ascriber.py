"""Who gives a second opinion on a novel's quotations: the controller that is named, or the server.

Owns that choice. Nobody is asked unless a controller or a server is named: to send a novel anywhere is for its owner to
decide. Does not know any controller, nor what it is asked (`attribution.asking`).
"""

from __future__ import annotations

from typing import Any, Final

from speechagents.backends import CONTROLLERS
from speechagents.controllers.ascribing import Ascribes
from speechagents.controllers.discovery import find_servers
from speechagents.errors import SettingsError

_SERVER_CONTROLLER: Final = "openai"
"""Talks to any OpenAI-compatible server."""


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
        found = next(iter(find_servers()), None)
        if found is None:
            raise SettingsError("no server answers on this machine; start one, or name it with --server URL")
        options = {"base_url": found.base_url, "model": model or next(iter(found.models), "")}
    chosen = CONTROLLERS.load(name, options)
    if not isinstance(chosen, Ascribes):
        raise SettingsError(
            f"the controller {name} cannot say who speaks; name one that asks a language model, such as "
            f"--controller {_SERVER_CONTROLLER} --server URL"
        )
    return chosen
