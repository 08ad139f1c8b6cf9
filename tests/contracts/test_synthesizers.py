"""Every synthesizer, by every term of its contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from speechagents.testing import SYNTHESIZER_CHECKS
from speechagents.testing.synthesizers import Check
from speechagents.voices.synthesizer import Synthesizer
from tests.contracts.synthesizers import CANDIDATES, Candidate

ALL = [pytest.param(one, id=name, marks=[pytest.mark.slow] if one.slow else []) for name, one in CANDIDATES.items()]


@pytest.fixture(scope="module", params=ALL)
def candidate(request: pytest.FixtureRequest) -> Candidate:
    chosen: Candidate = request.param
    if chosen.missing:
        pytest.skip(f"{chosen.missing} is not installed")
    return chosen


@pytest.fixture(scope="module")
def synthesizer(candidate: Candidate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synthesizer]:
    with candidate.open(tmp_path_factory.mktemp("synthesizer")) as made:
        yield made


@pytest.mark.parametrize("check", SYNTHESIZER_CHECKS, ids=lambda check: check.__name__)
def test_it(synthesizer: Synthesizer, candidate: Candidate, check: Check) -> None:
    check(synthesizer, candidate.terms)
