"""A server for one task: which model is taken, and what is said when it cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from speechagents.controllers.exchange import Limits, RefusedError, UnreachableError, UnusableAnswerError
from speechagents.controllers.model_server import ModelServer, Task, check_range
from speechagents.controllers.retrying import TransientError
from speechagents.errors import SettingsError, SynthesisError
from tests.controllers.asking import Waits
from tests.controllers.fault_server import PATIENCE_S, FaultServer, complains, free_ports, sends

TASK = Task("speech", re.compile(r"tts|kokoro"), "A_SPEECH_SERVER", SynthesisError)
LIMITS = Limits(timeout_s=PATIENCE_S, answer_bytes=100_000, requests=2)


def made(base_url: str, **options: object) -> ModelServer:
    chosen = {"model": "", "key_variable": "", "limits": LIMITS, "attempts": 2, "sleep": Waits().sleep, **options}
    return ModelServer(TASK, base_url=base_url, **chosen)  # type: ignore[arg-type]


@pytest.fixture
def model_server(server: FaultServer) -> Iterator[ModelServer]:
    one = made(server.url)
    yield one
    one.close()


@pytest.mark.parametrize(
    ("listed", "taken"),
    [
        (["gpt", "kokoro", "tts-1"], "kokoro"),
        (["Qwen/Qwen3-TTS"], "Qwen/Qwen3-TTS"),
        (["chat", "other"], "chat"),
    ],
)
def test_the_first_model_that_is_likely_to_do_the_task_is_taken(
    server: FaultServer, model_server: ModelServer, listed: list[str], taken: str
) -> None:
    server.models = sends({"data": [{"id": name} for name in listed]})
    assert model_server.model == taken
    assert model_server.model == taken
    assert len(server.listed) == 1, "it is asked once"


def test_a_named_model_is_not_looked_up(server: FaultServer) -> None:
    assert made(server.url, model="huge").model == "huge"
    assert server.connections == 0


def test_a_server_without_models_is_told(server: FaultServer, model_server: ModelServer) -> None:
    server.models = sends({"data": []})
    with pytest.raises(SynthesisError, match="lists no models; load one there, or name it"):
        _ = model_server.model
    server.models = complains(500)
    with pytest.raises(SynthesisError, match="status 500"):
        _ = model_server.model
    with pytest.raises(SynthesisError, match="is the server running"):
        _ = made(f"http://127.0.0.1:{free_ports(1)[0]}/v1").model


def test_what_is_hopeless_for_one_request_is_so_for_all(model_server: ModelServer) -> None:
    first = [UnreachableError("no connection"), RefusedError(401, ""), RefusedError(403, ""), RefusedError(404, "")]
    assert all(map(model_server.is_hopeless, first))
    others = [TransientError("busy"), RefusedError(400, ""), UnusableAnswerError("HTML")]
    assert not any(map(model_server.is_hopeless, others))
    model_server.proven = True
    assert [model_server.is_hopeless(one) for one in first] == [True, True, False, False]


def test_the_environment_names_a_server_where_nobody_else_does(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=r"no server for speech is named.*A_SPEECH_SERVER"):
        made("")
    monkeypatch.setenv("A_SPEECH_SERVER", f" {server.url}/ ")
    assert made("").base_url == server.url


@pytest.mark.parametrize(
    "limits",
    [
        Limits(timeout_s=0.0, answer_bytes=100_000, requests=2),
        Limits(timeout_s=5.0, answer_bytes=10, requests=2),
        Limits(timeout_s=5.0, answer_bytes=100_000, requests=1_000),
    ],
)
def test_limits_that_cannot_be_are_refused(server: FaultServer, limits: Limits) -> None:
    with pytest.raises(SettingsError, match="is not between"):
        made(server.url, limits=limits)


def test_a_range_holds_its_ends() -> None:
    check_range("it", 1, 1, 2)
    check_range("it", 2, 1, 2)
    for value in (0.99, 2.01, float("nan")):
        with pytest.raises(SettingsError, match=r"it .* is not between 1 and 2"):
            check_range("it", value, 1, 2)
