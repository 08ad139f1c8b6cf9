"""Presets say what runs here and why, and what they lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest
import yaml

from speechagents import backends
from speechagents import preset as preset_module
from speechagents import presets as presets_module
from speechagents.backends import CONTROLLERS, LISTENERS, SYNTHESIZERS
from speechagents.errors import SettingsError
from speechagents.preset import KINDS, Licence, resolved
from speechagents.preset_file import read_preset
from speechagents.presets import choose_preset, named_preset, presets
from speechagents.weights import Weights, storage_folder

WEIGHTS: dict[str, Any] = {
    "repo": "acme/voice",
    "files": ["*.safetensors"],
    "size_gb": 1.5,
    "licence": "Apache-2.0",
    "commercial": True,
    "what": "voices",
}
PLAIN: dict[str, Any] = {
    "name": "plain",
    "description": "A preset.",
    "rank": 10,
    "synthesizer": {"name": "espeak", "jobs": 1, "licence": "MIT"},
    "vram_gb": 0,
}
Write = Callable[..., Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where models of the hub are kept, empty."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a preset like `PLAIN` with other fields."""
    (tmp_path / "presets").mkdir()

    def write_one(**changes: object) -> Path:
        values = {**PLAIN, **changes}
        path = tmp_path / "presets" / f"{str(values['name'])[:20]}.yaml"
        path.write_text(yaml.safe_dump({name: value for name, value in values.items() if value is not None}), "utf-8")
        return path

    return write_one


@pytest.fixture
def shelf(write: Write, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """An own folder of presets: one that is ready, and a better one whose package is missing."""
    write()
    write(name="grand", rank=90, synthesizer={"name": "opera", "licence": "MIT"})
    points = EntryPoints(
        [
            EntryPoint("espeak", "speechagents.voices.espeak:EspeakSynthesizer", SYNTHESIZERS.group),
            EntryPoint("opera", "no_such_package:Opera [neural]", SYNTHESIZERS.group),
            EntryPoint("rehearsal", "speechagents.controllers.rehearsal:make_rehearsal", CONTROLLERS.group),
        ]
    )
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))
    monkeypatch.setattr(presets_module, "resource", lambda *_: tmp_path / "presets")
    presets.cache_clear()
    yield write
    presets.cache_clear()


def with_weights(*weights: dict[str, Any], **part: Any) -> dict[str, Any]:
    return {"name": "espeak", "weights": list(weights or (WEIGHTS,)), **part}


def put(cache: Path, repo: str = "acme/voice") -> Path:
    """Weights in the cache."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    folder = storage_folder(cache, repo) / "snapshots" / commit
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"")
    refs = storage_folder(cache, repo) / "refs"
    refs.mkdir()
    (refs / "main").write_text(commit, "ascii")
    return folder


def test_with_nothing_installed_the_embedded_preset_is_chosen() -> None:
    preset, why = choose_preset()
    assert preset.name == "embedded"
    assert preset.download_gb == 0
    assert preset.is_light
    assert why.startswith("preset embedded")


def test_auto_takes_the_best_that_is_ready_and_says_what_was_not(shelf: Write) -> None:
    preset, why = choose_preset("auto")
    assert preset.name == "plain"
    assert preset.options == {"jobs": 1}
    assert "not ready here: grand" in why


def test_asking_for_what_cannot_run_names_the_remedy(shelf: Write) -> None:
    with pytest.raises(SettingsError, match=r"'grand' cannot run here: .*pip install \"speechagents\[neural\]\""):
        choose_preset("grand")


def test_an_unknown_preset_lists_the_known(shelf: Write) -> None:
    with pytest.raises(SettingsError, match=r"no preset 'gpu'; there are: auto, espeak, grand, opera, plain"):
        choose_preset("gpu")


def test_a_plugin_can_be_asked_for_by_the_name_of_its_back_end(shelf: Write) -> None:
    preset, _ = choose_preset("espeak")
    assert preset.synthesizer == "espeak"
    with pytest.raises(SettingsError, match=r"'opera' cannot run here"):
        choose_preset("opera")


def test_a_preset_of_ones_own_is_asked_for_by_its_file(shelf: Write, tmp_path: Path) -> None:
    own = shelf(name="mine", synthesizer={"name": "espeak", "licence": "MIT"}).rename(tmp_path / "my voices.yaml")
    preset, why = choose_preset(str(own))
    assert (preset.name, preset.synthesizer) == ("mine", "espeak")
    assert why.startswith(f"preset {own}: asked for")
    with pytest.raises(SettingsError, match=r"nowhere\.yaml: cannot be read"):
        choose_preset("nowhere.yaml")
    own.write_text(f"# {'x' * 70_000}\n", "utf-8")
    with pytest.raises(SettingsError, match=r"my voices\.yaml: larger than 64 kB"):
        choose_preset(str(own))


def test_auto_never_takes_what_would_begin_a_download(shelf: Write, cache: Path) -> None:
    shelf(name="fine", rank=50, synthesizer=with_weights())
    preset, why = choose_preset("auto")
    assert preset.name == "plain"
    assert "not ready here: grand, fine" in why
    put(cache)
    assert choose_preset("auto")[0].name == "fine"


def test_who_is_asked_for_by_name_may_lack_weights_and_says_so(shelf: Write) -> None:
    shelf(name="fine", rank=50, synthesizer=with_weights())
    preset, why = choose_preset("fine")
    assert why == "preset fine: asked for; 1.5 GB of weights come on first use"
    assert preset.blocked == ""
    assert "1.5 GB" in preset.missing
    assert "licence Apache-2.0" in preset.missing
    assert "`speechagents fetch fine`" in preset.missing


def test_a_preset_for_a_gpu_says_what_is_wrong_with_this_machine(shelf: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preset_module, "lacking_gpu", lambda vram_gb: f"no GPU of {vram_gb:g} GB" if vram_gb else "")
    shelf(name="large", rank=95, vram_gb=24)
    with pytest.raises(SettingsError, match=r"'large' cannot run here: no GPU of 24 GB"):
        choose_preset("large")
    assert choose_preset("auto")[0].name == "plain"


def test_all_that_is_missing_is_told_with_its_remedy(shelf: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preset_module, "lacking_gpu", lambda _: "no GPU: use --preset plain")
    monkeypatch.delenv("ACME_SERVER", raising=False)
    shelf(
        name="all",
        vram_gb=8,
        synthesizer={
            "name": "opera",
            "base_url": "${ACME_SERVER}",
            "weights": [WEIGHTS],
            "packages": ["no-such-thing>=1.2", "PyYAML>=6"],
        },
    )
    lacks = named_preset("all").lacks
    assert lacks[0] == "set the environment variable ACME_SERVER"
    assert lacks[1] == "no GPU: use --preset plain"
    assert "speechagents[neural]" in lacks[2]
    assert lacks[3] == 'not installed: python -m pip install "no-such-thing>=1.2"'
    assert "speechagents fetch all" in lacks[4]
    assert named_preset("all").missing == "; ".join(lacks)


def test_licence_and_download_follow_from_the_parts(write: Write) -> None:
    ears = {**WEIGHTS, "repo": "acme/ears", "size_gb": 0.5, "licence": "MIT"}
    preset = read_preset(
        write(
            synthesizer=with_weights(licence="GPL-3.0-or-later"),
            listener={"name": "whisper", "weights": [ears, WEIGHTS]},
        )
    )
    assert preset.download_gb == 2.0  # what two parts share counts once
    assert preset.licence == "GPL-3.0-or-later"
    assert preset.commercial
    assert preset.weights["listener"][0].repo == "acme/ears"


def test_what_may_not_be_sold_makes_a_preset_that_may_not_be_sold(write: Write) -> None:
    strict = {**WEIGHTS, "repo": "acme/strict", "licence": "CPML", "commercial": False}
    preset = read_preset(write(synthesizer=with_weights(strict, WEIGHTS, licence="GPL-3.0-or-later")))
    assert preset.licence == "CPML"
    assert not preset.commercial


def test_licences_have_an_order() -> None:
    names = ["MIT", "CC-BY-4.0", "GPL-3.0-or-later", "Acme Community Licence", "CC-BY-NC-4.0"]
    ranks = [Licence(name, commercial=name != "CC-BY-NC-4.0").strictness for name in names]
    assert ranks == [0, 1, 2, 3, 4]


def test_equally_strict_licences_are_all_named(write: Write) -> None:
    ears = {**WEIGHTS, "repo": "acme/ears", "licence": "MIT"}
    preset = read_preset(write(synthesizer=with_weights(WEIGHTS, ears, WEIGHTS)))
    assert preset.licence == "Apache-2.0 and MIT"


def test_options_are_given_revisions_folders_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {
        "model": "acme/voice",
        "codec": "acme/codec",
        "base_url": "${ACME_SERVER}",
        "batch": 8,
        "other": "acme/x",
    }
    with pytest.raises(SettingsError, match="ACME_SERVER"):
        resolved(options, {})
    monkeypatch.setenv("ACME_SERVER", "http://example.org/v1")
    voice = Weights(**{**WEIGHTS, "files": ("*",), "revision": "v2"})
    codec = Weights(**{**WEIGHTS, "files": ("*",), "repo": "acme/codec"})
    assert resolved(options, {voice: Path("/voice"), codec: Path("/codec")}) == {
        "model": "acme/voice",
        "revision": "v2",
        "codec": "/codec",
        "base_url": "http://example.org/v1",
        "batch": 8,
        "other": "acme/x",
    }


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": "Grand!"}, "small letters"),
        ({"name": "auto"}, "small letters"),
        ({"rank": "high"}, "rank 'high' is not a whole number"),
        ({"rank": True}, "rank 'True' is not a whole number"),
        ({"rank": None}, "rank is missing"),
        ({"vram_gb": -1}, "not between 0 and 2000"),
        ({"colour": "red"}, "colour is no field"),
        ({"synthesizer": "espeak"}, "synthesizer 'espeak' is not a mapping"),
        ({"synthesizer": {"licence": "MIT"}}, r"synthesizer\.name 'None' is not a text"),
        ({"synthesizer": {"name": "espeak"}}, "no part names a licence"),
        ({"synthesizer": with_weights({**WEIGHTS, "size_gb": "big"})}, r"weights\[0\]\.size_gb 'big' is not"),
        ({"synthesizer": with_weights({**WEIGHTS, "size_gb": 0})}, "not between 0 and 2000"),
        ({"synthesizer": with_weights({**WEIGHTS, "repo": "nowhere"}), "vram_gb": None}, "vram_gb is missing"),
        ({"synthesizer": with_weights({**WEIGHTS, "url": "x"})}, r"weights\[0\]\.url is no field"),
        ({"synthesizer": with_weights({**WEIGHTS, "commercial": "yes"})}, "not true or false"),
        ({"synthesizer": with_weights({**WEIGHTS, "files": ["../x"]})}, "inside it"),
        ({"synthesizer": with_weights(packages=["evil @ https://example.org"])}, "no requirement"),
    ],
)
def test_a_file_that_cannot_be_says_where(write: Write, changes: dict[str, object], complaint: str) -> None:
    path = write(**changes)
    with pytest.raises(SettingsError, match=complaint) as caught:
        read_preset(path)
    assert str(caught.value).startswith(path.name)


def test_a_file_that_is_no_yaml_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("name: [", "utf-8")
    with pytest.raises(SettingsError, match=r"broken\.yaml: cannot be read"):
        read_preset(tmp_path / "broken.yaml")


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: str(preset.name))
def test_shipped_presets_name_back_ends_that_exist(preset: presets_module.Preset) -> None:
    named = {"synthesizer": preset.synthesizer, "controller": preset.controller, "listener": preset.listener}
    assert not {kind: name for kind, name in named.items() if name and name not in KINDS[kind].names()}


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: str(preset.name))
def test_shipped_presets_fetch_no_pickles_but_what_is_none(preset: presets_module.Preset) -> None:
    pickled = [
        name for one in preset.all_weights for name in one.files if name.endswith((".bin", ".pt", ".pth", ".ckpt"))
    ]
    # CTranslate2 calls its own format so, and Kokoro's voices are plain numbers.
    assert set(pickled) <= {"model.bin", "voices/*.bin"}


def test_shipped_presets_are_those_that_are_promised() -> None:
    assert {preset.name for preset in presets()} == {
        "embedded",
        "laptop",
        "gpu-8gb",
        "gpu-24gb",
        "gpu-80gb",
        "server",
        "understudy",
    }
    by_rank = {preset.name: preset.rank for preset in presets()}
    assert len(set(by_rank.values())) == len(by_rank)
    # What can always run comes last, but for the one that nobody is given who did not ask for it.
    assert sorted(by_rank, key=lambda name: by_rank[name])[:2] == ["understudy", "embedded"]
    assert all(preset.vram_gb == float(preset.name[4:-2]) for preset in presets() if preset.name.startswith("gpu-"))
    assert LISTENERS.names()
