"""Samples of the voices."""

from __future__ import annotations

import soundfile as sf

from speechagents.serving.house import House


def test_a_sample_is_spoken_once_and_kept(house: House) -> None:
    voice = house.studio.synthesizer.voices[0].id
    path = house.samples.path(voice)
    assert path is not None
    assert sf.info(path).duration > 0.5
    written = path.stat().st_mtime_ns
    assert house.samples.path(voice) == path
    assert path.stat().st_mtime_ns == written


def test_no_other_name_is_a_path(house: House) -> None:
    for name in ("nobody", "../secret", "", "adam/../adam"):
        assert house.samples.path(name) is None
