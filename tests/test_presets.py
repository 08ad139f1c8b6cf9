"""Presets say what runs here and why."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest
import yaml

from speechagents import backends
from speechagents import presets as presets_module
from speechagents.backends import CONTROLLERS, SYNTHESIZERS
from speechagents.errors import SettingsError
from speechagents.presets import choose_preset, presets


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An own folder of presets: one that is ready, and a better one whose package is missing."""
    for name, rank, synthesizer in (("plain", 10, "espeak"), ("grand", 90, "opera")):
        values = {
            "name": name,
            "description": "A preset.",
            "rank": rank,
            "synthesizer": {"name": synthesizer, "jobs": 1},
            "licence": "MIT",
            "commercial": True,
            "download_gb": 0,
            "vram_gb": 0,
        }
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(values))
    points = EntryPoints(
        [
            EntryPoint("espeak", "speechagents.voices.espeak:EspeakSynthesizer", SYNTHESIZERS.group),
            EntryPoint("opera", "no_such_package:Opera [neural]", SYNTHESIZERS.group),
            EntryPoint("rehearsal", "speechagents.controllers.rehearsal:make_rehearsal", CONTROLLERS.group),
        ]
    )
    monkeypatch.setattr(backends, "entry_points", lambda *, group: points.select(group=group))
    monkeypatch.setattr(presets_module, "resource", lambda *_: tmp_path)
    presets.cache_clear()
    yield tmp_path
    presets.cache_clear()


def test_with_nothing_installed_the_embedded_preset_is_chosen() -> None:
    preset, why = choose_preset()
    assert preset.name == "embedded"
    assert preset.download_gb == 0
    assert why.startswith("preset embedded")


def test_auto_takes_the_best_that_is_ready_and_says_what_was_not(shelf: Path) -> None:
    preset, why = choose_preset("auto")
    assert preset.name == "plain"
    assert preset.options == {"jobs": 1}
    assert "not ready here: grand" in why


def test_asking_for_what_cannot_run_names_the_remedy(shelf: Path) -> None:
    with pytest.raises(SettingsError, match=r"'grand' cannot run here: .*pip install \"speechagents\[neural\]\""):
        choose_preset("grand")


def test_an_unknown_preset_lists_the_known(shelf: Path) -> None:
    with pytest.raises(SettingsError, match=r"no preset 'gpu'; there are: auto, espeak, grand, opera, plain"):
        choose_preset("gpu")


def test_a_plugin_can_be_asked_for_by_the_name_of_its_back_end(shelf: Path) -> None:
    preset, _ = choose_preset("espeak")
    assert preset.synthesizer == "espeak"
    with pytest.raises(SettingsError, match=r"'opera' cannot run here"):
        choose_preset("opera")
