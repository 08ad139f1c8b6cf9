"""A server that misbehaves, and judges behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from speechagents.benchmark.judging.judge import Judge
from tests.benchmark.judging.courtroom import MakeJudge
from tests.controllers.asking import Waits
from tests.controllers.fault_server import PATIENCE_S, FaultServer


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def make(server: FaultServer, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeJudge]:
    """Makes judges that are closed in the end."""
    for variable in ("SPEECHAGENTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    made: list[Judge] = []

    def build(**options: object) -> Judge:
        chosen = {"base_url": server.url, "model": "tiny", "timeout_s": PATIENCE_S, "sleep": waits.sleep, **options}
        made.append(Judge(**chosen))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for judge in made:
        judge.close()


@pytest.fixture
def judge(make: MakeJudge) -> Judge:
    return make()
