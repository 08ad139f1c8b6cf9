"""The doctor says what each preset needs, and stays quick."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from speechagents import doctor
from speechagents.cli import main
from speechagents.doctor import examine
from speechagents.presets import Preset, presets


def test_every_preset_is_told_with_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["presets"]
    assert [one["name"] for one in told] == [preset.name for preset in presets()]
    for one, preset in zip(told, presets(), strict=True):
        assert {"name", "ready", "missing", "licence", "download_gb", "vram_gb"} <= one.keys()
        assert one["ready"] is (one["missing"] == "")
        assert (one["licence"], one["download_gb"], one["vram_gb"]) == (
            preset.licence,
            preset.download_gb,
            preset.vram_gb,
        )


def test_what_is_missing_is_told_to_people_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    (embedded,) = [preset for preset in presets() if preset.name == "embedded"]
    absent = replace(embedded, name="absent", packages=("no-such-thing>=1",), options={"base_url": "${ACME_SERVER}"})
    monkeypatch.delenv("ACME_SERVER", raising=False)
    monkeypatch.setattr(doctor, "presets", lambda: (absent, embedded))
    text = examine().as_text().splitlines()
    at = next(number for number, line in enumerate(text) if "preset absent" in line)
    assert text[at].startswith("--   preset absent: not ready; no GPU, no download, licence GPL-3.0-or-later")
    assert text[at + 1] == "       set the environment variable ACME_SERVER"
    assert text[at + 2] == '       not installed: python -m pip install "no-such-thing>=1"'
    assert text[at + 3].startswith("ok   preset embedded: ready")


def test_a_heavy_preset_is_not_loaded_only_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    (embedded,) = [preset for preset in presets() if preset.name == "embedded"]
    heavy: Preset = replace(embedded, name="heavy", synthesizer="no-such-voices", vram_gb=24.0)
    monkeypatch.setattr(doctor, "choose_preset", lambda: (heavy, "preset heavy: the best that is ready here"))
    (voices,) = [finding for finding in examine().findings if finding.name == "voices"]
    assert voices.ok
    assert voices.detail == "preset heavy: the best that is ready here; not tried here"


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("choose_preset()", {"torch", "transformers", "httpx", "huggingface_hub.file_download"}),
        ("[preset.missing for preset in presets()]", {"torch", "transformers", "huggingface_hub.file_download"}),
    ],
)
def test_looking_imports_nothing_heavy(code: str, heavy: set[str], tmp_path: Path) -> None:
    """Every command chooses a preset; the doctor looks at all of them."""
    program = (
        f"import sys; from speechagents.presets import choose_preset, presets; {code}; "
        f"heavy = {heavy!r} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, timeout=60)
