"""Embedded voices for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from speechagents.voices.espeak import EspeakSynthesizer
from tests.benchmark.metrics.spoken_scenes import Speaker


@pytest.fixture(scope="session")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Speaker]:
    """Speaks scenes."""
    with EspeakSynthesizer(jobs=1) as synthesizer:
        yield Speaker(synthesizer, tmp_path_factory.mktemp("spoken"))
