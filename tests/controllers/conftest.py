"""A server that misbehaves, and models of it."""

from collections.abc import Iterator

import pytest

from speechagents.controllers.openai import OpenAIModel
from tests.controllers.asking import Make, Waits
from tests.controllers.fault_server import PATIENCE_S, FaultServer


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        yield running


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def make(server: FaultServer, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes models of the server that are closed in the end."""
    for variable in ("SPEECHAGENTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    made: list[OpenAIModel] = []

    def build(**options: object) -> OpenAIModel:
        chosen = {"base_url": server.url, "model": "tiny", "timeout_s": PATIENCE_S, "sleep": waits.sleep, **options}
        made.append(OpenAIModel(**chosen))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for model in made:
        model.close()


@pytest.fixture
def model(make: Make) -> OpenAIModel:
    return make(hears=False)
