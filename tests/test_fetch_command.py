"""``speechagents fetch`` and first use: weights come from a hub on loopback, told of before the first byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
import yaml

from speechagents import backends
from speechagents import presets as presets_module
from speechagents.backends import CONTROLLERS, SYNTHESIZERS
from speechagents.cli import main
from speechagents.errors import SettingsError, WeightsMissing
from speechagents.presets import choose_preset, named_preset, presets
from speechagents.providing import provided
from speechagents.studio import Studio
from speechagents.weights import local_folder
from speechagents.weights_fetching import FetchBegins, FetchEvent, FetchProgress
from speechagents.weights_lines import FetchLines
from tests.hub_server import COMMIT, REPO, HubServer

MODEL = bytes(range(256)) * 100
FILES = {"config.json": b"{}", "model.safetensors": MODEL}


class FolderVoices:
    """A synthesizer that only remembers what it was given."""

    voices: tuple[()] = ()
    identity = "folder"

    def __init__(self, *, model: str, revision: str, jobs: int) -> None:
        self.model = local_folder(model, revision=revision)
        self.jobs = jobs


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer(FILES) as running:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        yield running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Presets of its own: a plain one, one with weights that may not be sold, one whose package is missing."""
    weights = {
        "repo": REPO,
        "revision": COMMIT,
        "files": ["*.json", "*.safetensors"],
        "size_gb": 0.0001,
        "licence": "CC-BY-NC-4.0",
        "commercial": False,
        "what": "voices",
    }
    parts: dict[str, dict[str, Any]] = {
        "plain": {"name": "espeak", "licence": "GPL-3.0-or-later"},
        "fine": {"name": "folder", "model": REPO, "weights": [weights]},
        "grand": {"name": "opera", "licence": "MIT"},
    }
    folder = tmp_path / "presets"
    folder.mkdir()
    for rank, (name, part) in enumerate(parts.items()):
        values = {"name": name, "description": "A preset.", "rank": rank, "synthesizer": part, "vram_gb": 0}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(values), "utf-8")
    points = EntryPoints(
        [
            EntryPoint("espeak", "speechagents.voices.espeak:EspeakSynthesizer", SYNTHESIZERS.group),
            EntryPoint("folder", f"{__name__}:FolderVoices", SYNTHESIZERS.group),
            EntryPoint("opera", "no_such_package:Opera [neural]", SYNTHESIZERS.group),
            EntryPoint("rehearsal", "speechagents.controllers.rehearsal:make_rehearsal", CONTROLLERS.group),
        ]
    )
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))
    monkeypatch.setattr(presets_module, "resource", lambda *_: folder)
    presets.cache_clear()
    yield
    presets.cache_clear()


def test_fetching_tells_licence_and_size_first_and_what_came_at_the_end(
    server: HubServer, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fetch", "fine", "--json"]) == 0
    printed = capsys.readouterr()
    first, second, *_, last = printed.err.splitlines()
    assert first.startswith("preset fine: 100 kB of weights, licence CC-BY-NC-4.0; NON-COMMERCIAL")
    assert second.startswith(f"fetching {REPO} (voices; 100 kB, licence CC-BY-NC-4.0, NON-COMMERCIAL")
    assert last == f"{REPO} is here: 25.6 kB, 25.6 kB fetched"
    (line,) = printed.out.splitlines()
    told = json.loads(line)
    (one,) = told["weights"]
    assert (told["preset"], told["licence"], told["commercial"]) == ("fine", "CC-BY-NC-4.0", False)
    assert (one["repo"], one["revision"], one["fetched_bytes"]) == (REPO, COMMIT, len(MODEL) + 2)
    assert (Path(one["folder"]) / "model.safetensors").read_bytes() == MODEL
    assert choose_preset("auto")[0].name == "fine"


def test_fetching_again_fetches_nothing(server: HubServer, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fetch", "fine"])
    server.asked.clear()
    capsys.readouterr()
    assert main(["fetch", "fine"]) == 0
    assert server.downloads == []
    assert Path(capsys.readouterr().out.strip()).name == COMMIT


def test_a_preset_without_weights_has_nothing_to_fetch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "plain", "--json"]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("preset plain: no weights, licence GPL-3.0-or-later")
    assert json.loads(printed.out)["weights"] == []


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("nothing", "no preset 'nothing'; there are: auto, espeak"),
        ("grand", 'pip install "speechagents[neural]"'),
        ("auto", "name a preset"),
    ],
)
def test_what_cannot_be_fetched_says_why(name: str, remedy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", name]) == 2
    assert remedy in capsys.readouterr().err


def test_without_a_network_the_command_ends_with_the_remedy(
    server: HubServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with HubServer({}) as gone:
        url = gone.url
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", url)
    assert main(["fetch", "fine"]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert "cannot be reached" in last
    assert "with a network" in last


def test_first_use_fetches_and_says_so_on_the_error_stream(
    server: HubServer, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Studio(preset="fine", jobs=2) as studio:
        assert isinstance(studio.synthesizer, FolderVoices)
        assert (studio.synthesizer.model / "model.safetensors").read_bytes() == MODEL
        assert studio.synthesizer.jobs == 2
        assert "weights come on first use" in studio.why
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "licence CC-BY-NC-4.0, NON-COMMERCIAL" in printed.err.splitlines()[0]
    server.asked.clear()
    with Studio(preset="fine", jobs=1):
        assert server.asked == []


def test_auto_asks_no_hub(server: HubServer) -> None:
    preset, _ = choose_preset("auto")
    assert preset.name == "plain"
    assert server.asked == []


def test_first_use_without_a_network_says_what_is_missing(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsMissing, match=rf"preset fine needs {REPO} \(voices; 100 kB, .*HF_HUB_OFFLINE"):
        Studio(preset="fine")
    assert server.asked == []


def test_a_part_without_weights_is_given_its_options() -> None:
    assert provided(named_preset("plain"), "synthesizer") == {}
    assert provided(named_preset("plain"), "listener") == {}


def test_whoever_provides_may_listen(server: HubServer, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events: list[FetchEvent] = []
    options = provided(named_preset("fine"), "synthesizer", announce=events.append)
    assert options == {"model": REPO, "revision": COMMIT}
    assert isinstance(events[0], FetchBegins)
    assert capsys.readouterr().err == ""


def test_progress_is_told_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    weights = named_preset("fine").all_weights[0]
    now_s = 0.0
    lines = FetchLines(sys.stderr, clock=lambda: now_s)
    lines(FetchBegins(weights, 1_000_000, 0, Path("/cache")))
    for now_s in (1.0, 9.0, 11.0, 12.0, 22.0):
        lines(FetchProgress(weights, int(now_s * 10_000), 1_000_000))
    told = capsys.readouterr().err.splitlines()
    assert told[1:] == [f"{REPO}: 110 kB of 1 MB (11 %)", f"{REPO}: 220 kB of 1 MB (22 %)"]


def test_an_unset_variable_stops_a_preset_for_servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_SERVER", raising=False)
    part = {"name": "folder", "model": "${ACME_SERVER}", "licence": "MIT"}
    values = {"name": "away", "description": "A preset.", "rank": 9, "synthesizer": part, "vram_gb": 0}
    (tmp_path / "presets" / "away.yaml").write_text(yaml.safe_dump(values), "utf-8")
    with pytest.raises(SettingsError, match="'away' cannot run here: set the environment variable ACME_SERVER"):
        choose_preset("away")
    monkeypatch.setenv("ACME_SERVER", "http://example.org/v1")
    assert provided(choose_preset("away")[0], "synthesizer") == {"model": "http://example.org/v1"}
