"""Exchanging JSON with servers that do what they like: time, size and keys."""

import json
import logging
import traceback
from collections.abc import Iterator

import pytest

from speechagents.controllers.exchange import Content, Exchange, Limits, UnusableAnswerError, Upload
from speechagents.controllers.retrying import TransientError
from speechagents.controllers.server_address import ServerAddress
from speechagents.errors import ControllerError, SettingsError
from tests.controllers.asking import Make, Waits, ask, prompt
from tests.controllers.fault_server import (
    PATIENCE_S,
    Answer,
    FaultServer,
    Line,
    complains,
    completion,
    drips,
    drops_midway,
    hangs,
    head,
    in_turn,
    never_ends,
    says,
    sends,
)

SECRET = "sk-do-not-tell-anybody-0123456789"  # noqa: S105 - made up


# Time and size


def test_a_server_that_never_answers_is_given_up_and_let_go(server: FaultServer, make: Make, waits: Waits) -> None:
    server.otherwise = hangs(server)
    reply = ask(make(hears=False, timeout_s=0.4, attempts=3))
    assert "within 0.4 s" in reply.error
    assert (len(server.received), len(waits)) == (3, 2)
    assert server.wait_for_hang_ups(3)


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Slow: ",
        head(200, {"Content-Type": "application/json", "Content-Length": "100000"}) + b"{",
        head(500, {"Content-Type": "application/json", "Content-Length": "100000"}) + b"{",
    ],
    ids=["status", "headers", "body", "complaint"],
)
def test_a_server_that_answers_byte_by_byte_cannot_stretch_the_time(
    server: FaultServer, make: Make, first: bytes
) -> None:
    server.otherwise = drips(first)
    reply = ask(make(hears=False, timeout_s=0.2, attempts=1))
    assert "within 0.2 s" in reply.error or "connection broke" in reply.error
    assert server.wait_for_hang_ups(1)


def test_one_slow_answer_harms_no_other(server: FaultServer, make: Make) -> None:
    server.rule = in_turn(says("zero"), hangs(server), says("two"))
    model = make(hears=False, timeout_s=1.0, attempts=1)
    replies = list(model.generate([prompt(str(number)) for number in range(3)], seed=1))
    assert [reply.text for reply in replies] == ["zero", "", "two"]
    assert "within 1 s" in replies[1].error


def test_an_answer_of_a_megabyte_is_read_where_it_is_allowed(server: FaultServer, make: Make) -> None:
    server.otherwise = says("a" * 1_000_000)
    assert ask(make(hears=False, max_answer_bytes=1_100_000)).text == "a" * 1_000_000
    reply = ask(make(hears=False, max_answer_bytes=1_000_000))
    assert "longer than 1000000 bytes" in reply.error
    assert len(server.received) == 2


def test_no_more_of_an_answer_without_end_is_read_than_allowed(server: FaultServer, make: Make) -> None:
    sent = 0

    def counts(line: Line) -> None:
        nonlocal sent
        line.send(head(200, {"Content-Type": "application/json"}))
        while not line.closing.is_set():
            line.send(b"a" * 65_536)
            sent += 65_536

    server.answers.extend([counts, never_ends])
    model = make(hears=False, max_answer_bytes=10_000)
    assert "longer than 10000 bytes" in ask(model).error
    assert server.wait_for_hang_ups(1)
    assert sent < 32_000_000, "what the sockets of both sides hold"
    assert "longer than 10000 bytes" in ask(model).error


def test_a_server_cannot_pile_up_cookies(server: FaultServer, make: Make) -> None:
    server.answers.append(sends(completion("fine"), headers={"Set-Cookie": "crumbs=" + "x" * 1_000}))
    model = make(hears=False)
    ask(model)
    ask(model)
    assert "cookie" not in server.received[1].headers


def test_a_complaint_without_end_is_cut(server: FaultServer, make: Make) -> None:
    def complains_for_ever(line: Line) -> None:
        line.send(head(400, {"Content-Type": "text/plain"}))
        while not line.closing.is_set():
            line.send(b"no " * 10_000)

    server.answers.append(complains_for_ever)
    reply = ask(make(hears=False))
    assert "status 400: no no no" in reply.error
    assert len(reply.error) < 500
    assert server.wait_for_hang_ups(1)


# Files


@pytest.fixture
def exchange(server: FaultServer) -> Iterator[Exchange]:
    made = Exchange(
        ServerAddress.parse(server.url),
        key=lambda: SECRET,
        limits=Limits(timeout_s=PATIENCE_S, answer_bytes=100_000, requests=2),
    )
    yield made
    made.close()


SOUND = ("audio/", "application/octet-stream")


def test_a_file_is_sent_with_its_form(server: FaultServer, exchange: Exchange) -> None:
    server.answers.append(sends({"text": "fine"}))
    upload = Upload("file", 'clip "one".wav', Content("audio/wav", b"RIFF\r\n--\x00\xff"))
    fields = {"model": "tiny", "granularities[]": ["word", "segment"], "prompt": "Zoë \ud83d\r\n"}
    assert exchange.start(exchange.post_form("audio/transcriptions", fields, upload)).result() == {"text": "fine"}
    (request,) = server.received
    assert request.path == "/v1/audio/transcriptions"
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert int(request.headers["content-length"]) == len(request.body)
    boundary = request.headers["content-type"].removeprefix("multipart/form-data; boundary=").encode()
    parts = [part.strip(b"\r\n") for part in request.body.split(b"--" + boundary)[1:-1]]
    assert [part.rpartition(b"\r\n\r\n")[2] for part in parts] == [
        b"tiny",
        b"word",
        b"segment",
        "Zoë ?".encode(),
        b"RIFF\r\n--\x00\xff",
    ]
    assert b"Content-Type: audio/wav" in parts[-1]


def test_a_file_comes_back_as_it_is(server: FaultServer, exchange: Exchange) -> None:
    server.answers.append(sends(b"\x00\x01sound", kind="Audio/WAV; rate=24000"))
    content = exchange.start(exchange.download("audio/speech", {"input": "Hi"}, kinds=SOUND)).result()
    assert content == Content("audio/wav", b"\x00\x01sound")
    assert "sound" not in repr(content), "bytes are not shown"
    assert server.received[0].headers["accept"] == "audio/*, application/octet-stream"
    assert server.received[0].json == {"input": "Hi"}


def test_a_file_of_another_kind_is_no_answer(server: FaultServer, exchange: Exchange) -> None:
    answers = (
        (sends(b"<html>", kind="text/html"), r"answers with text/html, not audio/\*, application/octet-stream"),
        (complains(200, f"bad key {SECRET}"), r"application/json, not audio.*\(bad key \*\*\*\)"),
        (sends(b"a" * 100_001, kind="audio/wav"), "longer than 100000 bytes"),
        (sends(b"a", kind="audio/wav", headers={"Content-Encoding": "br"}), "packs"),
    )
    for answer, said in answers:
        server.answers.append(answer)
        with pytest.raises(UnusableAnswerError, match=said):
            exchange.start(exchange.download("audio/speech", {}, kinds=SOUND)).result()


def test_a_file_that_breaks_off_is_none(server: FaultServer, exchange: Exchange) -> None:
    server.answers.append(drops_midway)
    with pytest.raises(TransientError, match="connection broke"):
        exchange.start(exchange.download("audio/speech", {}, kinds=("application/json",))).result()


# Keys


def test_the_key_is_sent_to_the_server_it_is_meant_for(
    server: FaultServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", f"  {SECRET}\n")
    ask(make(hears=False, key_variable="MY_KEY"))
    assert server.received[0].headers["authorization"] == f"Bearer {SECRET}"


def test_a_key_that_is_meant_for_others_is_not_shown_to_whoever_listens_on_a_local_port(
    server: FaultServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    ask(make(hears=False))
    assert "authorization" not in server.received[0].headers
    monkeypatch.setenv("SPEECHAGENTS_API_KEY", "another-secret-key")
    ask(make(hears=False))
    assert server.received[1].headers["authorization"] == "Bearer another-secret-key"


def test_the_key_never_leaks(
    server: FaultServer, make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that says the key wherever it can, and everything that can be seen of the model."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", SECRET)
    escaped = '{"error": {"message": "KEY"}}'.replace("KEY", "".join(f"\\u{ord(c):04x}" for c in SECRET)).encode()
    echoes: list[Answer] = [
        says(f"Your key is {SECRET}."),
        sends(completion(None, refusal=f"not with {SECRET}")),
        sends(completion([{"type": "text", "text": SECRET}])),
        complains(400, f"bad key {SECRET}"),
        complains(500, f"bad key {SECRET}"),
        sends(f"bad key {SECRET}".encode(), status=418, kind="text/plain"),
        sends(escaped, status=418),
        sends({"error": SECRET}),
        sends(b"", status=307),
        sends(b"{" + SECRET.encode()),
        drops_midway,
    ]
    seen: list[str] = []
    model = make(hears=False, key_variable="MY_KEY", attempts=1)
    for echo in echoes:
        server.answers.append(echo)
        seen.append(repr(ask(model)))
        assert server.received[-1].headers["authorization"] == f"Bearer {SECRET}"
    server.models = sends({"data": [{"id": f"model {SECRET}"}]})
    for status in (401, 403, 404):
        server.otherwise = complains(status, f"bad key {SECRET}")
        with pytest.raises(ControllerError) as caught:
            ask(make(hears=False, key_variable="MY_KEY", model="huge"))
        seen.extend(traceback.format_exception(caught.value))
    seen += [repr(model), str(model), model.identity, json.dumps({k: repr(v) for k, v in vars(model).items()})]
    seen += [f"{record.getMessage()} {record.args!r}" for record in caplog.records]
    assert caplog.records, "the HTTP client logs"
    assert "***" in seen[0]
    assert not [text for text in seen if SECRET in text]


@pytest.mark.parametrize("value", ["two words of key", "ключ", "line\nbreak-in-key", "x" * 10_000])
def test_what_cannot_be_a_key_is_refused_without_saying_it(
    make: Make, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("MY_KEY", value)
    with pytest.raises(SettingsError, match="MY_KEY") as caught:
        make(key_variable="MY_KEY")
    assert value not in str(caught.value)


def test_a_key_does_not_cross_a_network_unencrypted(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MY_KEY", "SPEECHAGENTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, SECRET)
    named: tuple[str | None, ...] = ("MY_KEY", "OPENAI_API_KEY", None)
    for key_variable in named:
        with pytest.raises(SettingsError, match="unencrypted; use an https address"):
            make(base_url="http://192.168.1.5:8000/v1", key_variable=key_variable)
    make(base_url="http://192.168.1.5:8000/v1", key_variable="")
    make(base_url="https://192.168.1.5:8000/v1", key_variable="MY_KEY")


def test_a_key_that_appears_later_does_not_cross_a_network_unencrypted_either(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make(base_url="http://models.invalid/v1", key_variable="MY_KEY", hears=False)
    monkeypatch.setenv("MY_KEY", SECRET)
    with pytest.raises(SettingsError, match="unencrypted"):
        ask(model)


def test_no_proxy_stands_between_this_machine_and_itself(
    server: FaultServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    assert ask(make(hears=False)).text == "fine"


def test_a_proxy_that_cannot_be_used_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "carrier-pigeon://loft")
    with pytest.raises(SettingsError, match="proxy"):
        ask(make(base_url="http://models.invalid/v1", hears=False))
