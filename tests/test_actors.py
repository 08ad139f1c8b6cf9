"""Who acts: asked for, found on this machine, or the preset's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints, entry_points

import pytest

from speechagents import actors, backends
from speechagents.actors import choose_actors, propose_scene
from speechagents.agents.critic import Criticised
from speechagents.audio import Audio
from speechagents.backends import CONTROLLERS, LISTENERS
from speechagents.controllers.controller import Directs
from speechagents.controllers.discovery import FoundServer
from speechagents.errors import SceneError, SettingsError
from speechagents.listeners.listener import Transcript
from speechagents.presets import Preset, presets
from speechagents.settings import ImproviseSettings
from tests.controllers.fault_server import FaultServer

OLLAMA = FoundServer("Ollama", "http://127.0.0.1:11434/v1", ("tiny", "small"))

Running = Callable[..., None]


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Running:
    """Says which servers run on this machine."""

    def say(*servers: FoundServer) -> None:
        monkeypatch.setattr(actors, "find_servers", lambda: servers)

    return say


@pytest.fixture
def embedded() -> Preset:
    return next(preset for preset in presets() if preset.name == "embedded")


def test_with_nothing_running_the_presets_controller_acts_and_says_so(embedded: Preset) -> None:
    chosen, pinned = choose_actors(embedded, ImproviseSettings())
    assert chosen.controller.identity.startswith("rehearsal")
    assert "no server runs on this machine" in chosen.why
    assert (pinned.controller, pinned.server, pinned.model) == ("rehearsal", "", "")


def test_a_server_that_runs_here_is_used_and_named(embedded: Preset, running: Running) -> None:
    running(OLLAMA)
    chosen, pinned = choose_actors(embedded, ImproviseSettings())
    assert "tiny" in chosen.controller.identity
    assert isinstance(chosen.controller, Directs)
    assert "found Ollama at http://127.0.0.1:11434/v1 with tiny" in chosen.why
    assert (pinned.controller, pinned.server, pinned.model) == ("openai", OLLAMA.base_url, "tiny")


def test_a_model_of_that_server_can_be_named(embedded: Preset, running: Running) -> None:
    running(OLLAMA)
    chosen, _ = choose_actors(embedded, ImproviseSettings(model="small"))
    assert "small" in chosen.controller.identity


def test_what_is_asked_for_outranks_what_runs(embedded: Preset, running: Running) -> None:
    running(OLLAMA)
    chosen, _ = choose_actors(embedded, ImproviseSettings(controller="rehearsal"))
    assert chosen.controller.identity.startswith("rehearsal")
    with FaultServer() as server:
        chosen, _ = choose_actors(embedded, ImproviseSettings(server=server.url, model="mine"))
        assert "mine" in chosen.controller.identity


def test_what_was_chosen_is_chosen_again_without_looking(embedded: Preset, running: Running) -> None:
    running(OLLAMA)
    _, pinned = choose_actors(embedded, ImproviseSettings())
    running()
    chosen, again = choose_actors(embedded, pinned)
    assert again == pinned
    assert "tiny" in chosen.controller.identity


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        (ImproviseSettings(controller="openai"), "--server URL"),
        (ImproviseSettings(model="small"), "--server URL"),
        (ImproviseSettings(controller="oracle"), "installed: .*rehearsal"),
        (ImproviseSettings(controller="rehearsal", server="http://127.0.0.1:1"), "rehearsal"),
        (ImproviseSettings(critic_passes=1), "cannot criticise"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_remedy(
    embedded: Preset, settings: ImproviseSettings, remedy: str
) -> None:
    with pytest.raises(SettingsError, match=remedy):
        choose_actors(embedded, settings)


def test_a_critic_sees_the_drafts_of_a_model(embedded: Preset, running: Running) -> None:
    running(OLLAMA)
    chosen, _ = choose_actors(embedded, ImproviseSettings(critic_passes=2))
    assert isinstance(chosen.critic, Criticised)


class Loud:
    """A recogniser that understands the embedded voices."""

    identity = "loud"

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        return iter([Transcript("something")] * len(clips))


def install_listeners(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    ours = [EntryPoint("pocketsphinx", "speechagents.listeners.pocketsphinx:make_pocketsphinx", LISTENERS.group)]
    others = [EntryPoint(name, value, LISTENERS.group) for name, value in values.items()]
    controllers = entry_points(group=CONTROLLERS.group)
    points = EntryPoints([*ours, *others, *controllers])
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))


def test_agents_do_not_hear_through_what_understands_people_only(
    embedded: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_listeners(monkeypatch)
    chosen, _ = choose_actors(embedded, ImproviseSettings(hearing="audio"))
    assert chosen.listener is None
    install_listeners(monkeypatch, zz_loud=f"{__name__}:Loud")
    chosen, _ = choose_actors(embedded, ImproviseSettings(hearing="audio"))
    assert isinstance(chosen.listener, Loud)


def test_agents_hear_through_whatever_the_preset_names(embedded: Preset, monkeypatch: pytest.MonkeyPatch) -> None:
    install_listeners(monkeypatch)
    named = replace(embedded, listener="pocketsphinx", listener_options={"decoders": 1})
    chosen, _ = choose_actors(named, ImproviseSettings(hearing="audio"))
    assert chosen.listener is not None
    assert chosen.listener.identity.startswith("pocketsphinx")


def test_one_sentence_becomes_a_scene(embedded: Preset) -> None:
    idea = "Two old friends meet at a station in the rain and one of them has lied."
    scene = propose_scene(embedded, ImproviseSettings(), idea, roles=2, language="en", seed=3)
    assert len(scene.roles) == 2
    assert scene == propose_scene(embedded, ImproviseSettings(), idea, roles=2, language="en", seed=3)


@pytest.mark.parametrize("idea", ["", " \n", "x" * 1_001])
def test_an_idea_is_one_sentence(embedded: Preset, idea: str) -> None:
    with pytest.raises(SceneError, match="one sentence"):
        propose_scene(embedded, ImproviseSettings(), idea, roles=2, language="en", seed=0)
