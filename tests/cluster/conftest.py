"""What tests of workers share: voices of this process, and workers of two kinds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from speechagents.cluster.local import InProcess, LocalPool
from speechagents.voices.espeak import EspeakSynthesizer


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes look for what tests made up where this process does."""
    monkeypatch.syspath_prepend(Path(__file__).resolve().parents[2])


@pytest.fixture(scope="module")
def here() -> Iterator[EspeakSynthesizer]:
    """The voices, in this process."""
    with EspeakSynthesizer(jobs=1) as voices:
        yield voices


@pytest.fixture(scope="module")
def pool() -> Iterator[LocalPool]:
    """Two processes."""
    with closing(LocalPool(2)) as opened:
        yield opened


@pytest.fixture
def threads() -> Iterator[InProcess]:
    """Two threads."""
    with closing(InProcess(2)) as opened:
        yield opened
