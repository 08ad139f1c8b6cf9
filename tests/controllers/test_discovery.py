"""Finding servers."""

import asyncio
from collections.abc import Iterator

import pytest

from speechagents.controllers.discovery import LOCAL_PORTS, SERVER_VARIABLE, FoundServer, find_servers
from tests.controllers.fault_server import FaultServer, drips, drops_at_once, free_ports, hangs, head, never_ends, sends


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    for variable in (SERVER_VARIABLE, "SPEECHAGENTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with FaultServer() as running:
        yield running


def test_looks_where_the_known_servers_listen() -> None:
    assert dict(LOCAL_PORTS) == {"Ollama": 11434, "LM Studio": 1234, "llama.cpp": 8080, "vLLM": 8000}


def test_finds_servers_on_this_machine_with_their_models_in_the_order_asked_for(server: FaultServer) -> None:
    (silent,) = free_ports(1)
    with FaultServer() as other:
        other.models = sends({"data": [{"id": "other"}]})
        found = find_servers(timeout_s=5, ports=[("B", other.port), ("nobody", silent), ("A", server.port)])
    assert found == (FoundServer("B", other.url, ("other",)), FoundServer("A", server.url, ("tiny", "large")))


def test_finds_nothing_where_nobody_listens(server: FaultServer) -> None:
    assert find_servers(timeout_s=5, ports=[("nobody", port) for port in free_ports(3)]) == ()


def test_the_server_that_the_environment_names_comes_first_and_once(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer() as named:
        named.models = sends({"data": [{"id": "chosen"}]})
        monkeypatch.setenv(SERVER_VARIABLE, f" {named.url}/ ")
        found = find_servers(timeout_s=5, ports=[("A", server.port), ("again", named.port)])
    assert [(one.name, one.models) for one in found] == [(SERVER_VARIABLE, ("chosen",)), ("A", ("tiny", "large"))]


def test_the_server_that_the_environment_names_is_listed_even_if_it_is_down(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    monkeypatch.setenv(SERVER_VARIABLE, f"http://127.0.0.1:{port}")
    (found,) = find_servers(timeout_s=5, ports=[])
    assert found == FoundServer(SERVER_VARIABLE, f"http://127.0.0.1:{port}/v1", ())


@pytest.mark.parametrize(
    "value", ["ftp://example.org", "http://[::1", "http://host:99999", "http://a b", "http://user:pw@host/v1"]
)
def test_nonsense_in_the_environment_is_left_out(
    server: FaultServer, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(SERVER_VARIABLE, value)
    assert [one.name for one in find_servers(timeout_s=5, ports=[("A", server.port)])] == ["A"]


def test_only_the_named_server_is_shown_a_key(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEECHAGENTS_API_KEY", "own-secret-key")
    monkeypatch.setenv("OPENAI_API_KEY", "openai-secret-key")
    with FaultServer() as named:
        monkeypatch.setenv(SERVER_VARIABLE, named.url)
        find_servers(timeout_s=5, ports=[("A", server.port)])
    assert [request.headers.get("authorization") for request in named.listed] == ["Bearer own-secret-key"]
    assert [request.headers.get("authorization") for request in server.listed] == [None]


def test_all_are_asked_together_and_the_slow_ones_are_given_up(server: FaultServer) -> None:
    with FaultServer() as silent, FaultServer() as slow, FaultServer() as endless:
        silent.models = hangs(silent)
        slow.models = drips(head(200, {"Content-Type": "application/json"}))
        endless.models = never_ends
        ports = [("silent", silent.port), ("slow", slow.port), ("endless", endless.port), ("A", server.port)]
        assert [one.name for one in find_servers(timeout_s=1.0, ports=ports)] == ["A"]
        assert silent.wait_for_hang_ups(1)
        assert slow.wait_for_hang_ups(1)
        assert endless.wait_for_hang_ups(1)


@pytest.mark.parametrize(
    "answer",
    [
        drops_at_once,
        sends(b"<html>It works!</html>", kind="text/html"),
        sends(b"{", kind="application/json"),
        sends([]),
        sends({"data": "tiny"}),
        sends({"data": [None, 3, {"id": None}, {"name": "tiny"}, {"id": ""}]}),
        sends({"data": [{"id": "tiny"}]}, status=401),
        sends({"data": [{"id": "tiny"}]}, status=302, headers={"Location": "http://example.org/v1/models"}),
        sends(b"[" * 100_000),
        lambda line: line.send(b"SSH-2.0-OpenSSH_9.2\r\n") or line.hang_up(),
    ],
)
def test_whatever_else_listens_on_a_port_is_no_server(server: FaultServer, answer: object) -> None:
    server.models = answer  # type: ignore[assignment]
    assert find_servers(timeout_s=5, ports=[("A", server.port)]) == ()


def test_names_that_cannot_be_shown_as_they_are_are_left_out_and_there_are_not_too_many(server: FaultServer) -> None:
    bad = ["\x1b[2Jboo", "a\nb", "\u202egpj", " padded ", "x" * 1000, "\ud800"]
    names = [*bad, "good:8b", "good:8b", *(f"model-{number}" for number in range(1000))]
    server.models = sends({"data": [{"id": name} for name in names]})
    (found,) = find_servers(timeout_s=5, ports=[("A", server.port)])
    assert found.models[:2] == ("good:8b", "model-0")
    assert len(found.models) <= 200


def test_models_that_cannot_chat_come_last(server: FaultServer) -> None:
    server.models = sends({"data": [{"id": name} for name in ("nomic-embed-text", "whisper-1", "llama", "qwen")]})
    (found,) = find_servers(timeout_s=5, ports=[("A", server.port)])
    assert found.models == ("llama", "qwen", "nomic-embed-text", "whisper-1")


def test_works_inside_a_running_event_loop(server: FaultServer) -> None:
    async def work() -> tuple[FoundServer, ...]:
        return find_servers(timeout_s=5, ports=[("A", server.port)])

    assert len(asyncio.run(work())) == 1


def test_no_proxy_stands_between_this_machine_and_itself(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert len(find_servers(timeout_s=5, ports=[("A", server.port)])) == 1
