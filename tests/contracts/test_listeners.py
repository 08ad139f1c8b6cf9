"""Every listener, by every term of its contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from speechagents.listeners.listener import Listener
from speechagents.testing import LISTENER_CHECKS
from speechagents.testing.listeners import Check
from tests.contracts.listeners import CANDIDATES, Candidate

ALL = [pytest.param(one, id=name, marks=[pytest.mark.slow] if one.slow else []) for name, one in CANDIDATES.items()]


@pytest.fixture(scope="module", params=ALL)
def candidate(request: pytest.FixtureRequest) -> Candidate:
    chosen: Candidate = request.param
    if chosen.missing:
        pytest.skip(f"{chosen.missing} is not installed")
    return chosen


@pytest.fixture(scope="module")
def listener(candidate: Candidate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listener]:
    with candidate.open(tmp_path_factory.mktemp("listener")) as made:
        yield made


@pytest.mark.parametrize("check", LISTENER_CHECKS, ids=lambda check: check.__name__)
def test_it(listener: Listener, candidate: Candidate, check: Check) -> None:
    check(listener, candidate.terms)
