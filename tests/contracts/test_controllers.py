"""Every controller, by every term of its contract."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from speechagents.controllers.controller import Controller
from speechagents.testing import CONTROLLER_CHECKS
from speechagents.testing.controllers import Check
from tests.contracts.controllers import CANDIDATES, Candidate

ALL = [pytest.param(one, id=name, marks=[pytest.mark.slow] if one.slow else []) for name, one in CANDIDATES.items()]


@pytest.fixture(scope="module", params=ALL)
def candidate(request: pytest.FixtureRequest) -> Candidate:
    chosen: Candidate = request.param
    if chosen.missing:
        pytest.skip(f"{chosen.missing} is not installed")
    return chosen


@pytest.fixture(scope="module")
def controller(candidate: Candidate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    with candidate.open(tmp_path_factory.mktemp("controller")) as made:
        yield made


@pytest.mark.parametrize("check", CONTROLLER_CHECKS, ids=lambda check: check.__name__)
def test_it(controller: Controller, candidate: Candidate, check: Check) -> None:
    check(controller, candidate.terms)
