"""A preset's own model acts and listens: before a server that happens to run, and with its weights in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from speechagents import actors, backends
from speechagents.actors import choose_actors
from speechagents.backends import CONTROLLERS, LISTENERS
from speechagents.controllers.discovery import FoundServer
from speechagents.errors import SettingsError, WeightsMissing
from speechagents.preset import Preset
from speechagents.presets import named_preset
from speechagents.providing import load_ears
from speechagents.settings import ImproviseSettings

OLLAMA = FoundServer("Ollama", "http://127.0.0.1:11434/v1", ("tiny",))


class NoWeights:
    """A listener whose model is not here."""

    def __init__(self) -> None:
        raise WeightsMissing("not here")


class NoServer:
    """A listener whose server nobody named."""

    def __init__(self) -> None:
        raise SettingsError("no server")


class Ears:
    """A listener that works."""

    identity = "ears"

    def __init__(self, **options: object) -> None:
        self.options = options


@pytest.fixture
def served() -> Preset:
    """A preset whose controller is a server of its own."""
    own = {"base_url": "${ACME_SERVER}", "model": "large"}
    return replace(named_preset("embedded"), name="served", controller="openai", controller_options=own)


@pytest.fixture(autouse=True)
def ollama(monkeypatch: pytest.MonkeyPatch) -> Sequence[FoundServer]:
    monkeypatch.setattr(actors, "find_servers", lambda: (OLLAMA,))
    monkeypatch.setenv("ACME_SERVER", "http://127.0.0.1:9/v1")
    return (OLLAMA,)


def test_the_presets_own_model_acts_though_a_server_runs(served: Preset) -> None:
    chosen, pinned = choose_actors(served, ImproviseSettings())
    assert chosen.why == "controller openai: the preset's"
    assert "large" in chosen.controller.identity
    assert choose_actors(served, pinned)[1] == pinned


def test_who_names_a_model_or_a_server_gets_that(served: Preset) -> None:
    chosen, _ = choose_actors(served, ImproviseSettings(model="tiny"))
    assert chosen.why == "controller openai: found Ollama at http://127.0.0.1:11434/v1 with tiny"
    chosen, _ = choose_actors(served, ImproviseSettings(server="http://127.0.0.1:10/v1"))
    assert chosen.why == "controller openai: asked for"


def test_the_embedded_preset_still_prefers_a_server_that_runs() -> None:
    chosen, _ = choose_actors(named_preset("embedded"), ImproviseSettings())
    assert chosen.why.startswith("controller openai: found Ollama")


def test_ears_that_cannot_listen_here_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        [
            EntryPoint("rehearsal", "speechagents.controllers.rehearsal:make_rehearsal", CONTROLLERS.group),
            EntryPoint("a-server", f"{__name__}:NoServer", LISTENERS.group),
            EntryPoint("b-model", f"{__name__}:NoWeights", LISTENERS.group),
            EntryPoint("c-ears", f"{__name__}:Ears", LISTENERS.group),
        ]
    )
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))
    monkeypatch.setattr(actors, "find_servers", lambda: ())
    chosen, _ = choose_actors(named_preset("embedded"), ImproviseSettings(hearing="audio"))
    assert isinstance(chosen.listener, Ears)


def test_the_presets_ears_are_given_their_options(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints(
        [
            EntryPoint("rehearsal", "speechagents.controllers.rehearsal:make_rehearsal", CONTROLLERS.group),
            EntryPoint("c-ears", f"{__name__}:Ears", LISTENERS.group),
        ]
    )
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))
    monkeypatch.setattr(actors, "find_servers", lambda: ())
    heard = replace(named_preset("embedded"), listener="c-ears", listener_options={"base_url": "${ACME_SERVER}"})
    chosen, _ = choose_actors(heard, ImproviseSettings(hearing="audio"))
    assert isinstance(chosen.listener, Ears)
    assert chosen.listener.options == {"base_url": "http://127.0.0.1:9/v1"}


def test_a_preset_without_ears_has_the_embedded_ones() -> None:
    assert load_ears(replace(named_preset("embedded"), listener_options={"decoders": 1})).identity.startswith(
        "pocketsphinx"
    )
