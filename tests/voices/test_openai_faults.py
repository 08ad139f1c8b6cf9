"""Speech servers that do what they like: what a line comes to, and what never leaves this machine."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator

import pytest

from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.openai_speech import OpenAISpeech
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take
from tests.controllers.asking import Waits
from tests.controllers.fault_server import PATIENCE_S, Answer, complains, drips, drops_at_once, hangs, head, sends
from tests.voices.fault_speech_server import SpeechServer, breaks_off, encoded, speaks_for_ever, tone, with_length

SECRET = "sk-do-not-tell-anybody-0123456789"  # noqa: S105 - made up
TEXT = "Good evening."
GOOD = encoded(tone(len(TEXT)))


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with SpeechServer() as running:
        yield running


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def speech(server: SpeechServer, waits: Waits) -> Iterator[OpenAISpeech]:
    with made(server, waits) as one:
        yield one


def made(server: SpeechServer, waits: Waits, **options: object) -> OpenAISpeech:
    chosen = {"model": "tiny", "voices": ["alloy"], "key_variable": "", "timeout_s": PATIENCE_S, "attempts": 2}
    return OpenAISpeech(base_url=server.url, sleep=waits.sleep, **{**chosen, **options})  # type: ignore[arg-type]


def speak(speech: OpenAISpeech, text: str = TEXT) -> Take | FailedTake:
    (result,) = speech.speak([SpokenLine(text, speech.voices[0])])
    return result


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_trouble_that_may_pass_is_tried_again(
    server: SpeechServer, speech: OpenAISpeech, waits: Waits, status: int
) -> None:
    server.answers.append(complains(status, "busy"))
    assert isinstance(speak(speech), Take)
    assert len(server.received) == 2
    assert len(waits) == 1


def test_a_server_that_says_how_long_to_wait_is_obeyed(
    server: SpeechServer, speech: OpenAISpeech, waits: Waits
) -> None:
    server.answers.append(complains(429, "slow down", headers={"Retry-After": "7"}))
    assert isinstance(speak(speech), Take)
    assert waits == [7.0]


@pytest.mark.parametrize(
    ("answer", "said", "tries"),
    [
        (complains(500, "CUDA error"), "status 500: CUDA error", 2),
        (complains(400, "input is too long"), "status 400: input is too long", 1),
        (complains(422), "status 422", 1),
        (drops_at_once, "connection broke", 2),
        (breaks_off, "connection broke", 2),
        (sends(GOOD[: len(GOOD) // 2], kind="audio/wav"), "breaks off", 2),
        (sends(b"", kind="audio/wav"), "no sound", 2),
        (sends(encoded(tone(10))[:44] + bytes(40_000), kind="audio/wav"), "breaks off|silence", 2),
        (sends(with_length(GOOD[:44] + bytes(40_000), 0, 0), kind="audio/wav"), "silence", 2),
        (sends(b"<html>Sign in</html>", kind="text/html"), "answers with text/html, not audio", 1),
        (sends(b"<html>Sign in</html>", kind="audio/wav"), "no sound that can be read", 1),
        (sends({"error": {"message": "no GPU left"}}), r"application/json, not audio.*\(no GPU left\)", 1),
        (sends(GOOD, kind="text/event-stream"), "text/event-stream, not audio", 1),
        (sends(GOOD, kind="audio/wav", headers={"Content-Encoding": "gzip"}), "packs", 1),
        (sends(b"", status=302, headers={"Location": "http://example.org/"}), "redirects", 1),
    ],
    ids=[
        "500",
        "400",
        "422",
        "dropped",
        "cut connection",
        "cut file",
        "empty",
        "cut header",
        "silence",
        "HTML",
        "HTML as sound",
        "JSON",
        "events",
        "packed",
        "redirect",
    ],
)
def test_what_cannot_be_spoken_fails_its_line_with_the_reason(
    server: SpeechServer, speech: OpenAISpeech, answer: Answer, said: str, tries: int
) -> None:
    server.answers.extend([answer] * tries)
    voice = speech.voices[0]
    failed, spoken = speech.speak([SpokenLine(TEXT, voice), SpokenLine("…", voice)])
    assert isinstance(failed, FailedTake)
    assert re.search(said, failed.reason), failed.reason
    assert isinstance(spoken, Take)
    assert len(server.received) == tries
    assert isinstance(speak(speech), Take), "and the next line is spoken"


@pytest.mark.parametrize("kind", ["audio/wav", "application/octet-stream", "AUDIO/X-WAV; rate=24000", ""])
def test_servers_call_sound_by_many_names(server: SpeechServer, speech: OpenAISpeech, kind: str) -> None:
    server.answers.append(sends(GOOD, kind=kind))
    assert isinstance(speak(speech), Take)


def test_a_sound_without_end_is_not_read_to_the_end(server: SpeechServer, waits: Waits) -> None:
    server.otherwise = speaks_for_ever
    with made(server, waits, max_answer_bytes=1_000_000) as speech:
        result = speak(speech)
    assert isinstance(result, FailedTake)
    assert "longer than 1000000 bytes" in result.reason


def test_a_sound_far_too_long_for_its_text_is_refused(server: SpeechServer, speech: OpenAISpeech) -> None:
    server.answers.append(sends(encoded(tone(2_000)), kind="audio/wav"))
    result = speak(speech)
    assert isinstance(result, FailedTake)
    assert "far too long for its text" in result.reason


@pytest.mark.parametrize(
    "first",
    [b"", head(200, {"Content-Type": "audio/wav", "Content-Length": "100000"}) + GOOD[:100]],
    ids=["nothing", "half"],
)
def test_a_server_that_answers_byte_by_byte_cannot_stretch_the_time(
    server: SpeechServer, waits: Waits, first: bytes
) -> None:
    server.otherwise = drips(first)
    with made(server, waits, timeout_s=0.3, attempts=1) as speech:
        result = speak(speech)
    assert isinstance(result, FailedTake)
    assert "within 0.3 s" in result.reason or "connection broke" in result.reason


def test_a_server_that_never_answers_is_given_up_and_let_go(server: SpeechServer, waits: Waits) -> None:
    server.otherwise = hangs(server)
    with made(server, waits, timeout_s=0.3) as speech:
        result = speak(speech)
    assert isinstance(result, FailedTake)
    assert "within 0.3 s; allow more with timeout_s" in result.reason
    assert len(server.received) == 2
    assert server.wait_for_hang_ups(2)


@pytest.mark.parametrize(
    "answer",
    [
        sends({"voices": []}),
        sends({"voices": "alloy"}),
        sends({"voices": [{"label": "no name"}, 7, None, "", "two\nlines", "x" * 1_000]}),
        sends([]),
        sends(b"<html></html>", kind="text/html"),
        sends(b"{", kind="application/json"),
        complains(404),
        complains(405),
        complains(501),
    ],
)
def test_a_useless_list_of_voices_is_none(server: SpeechServer, waits: Waits, answer: Answer) -> None:
    server.voices = answer
    with made(server, waits, voices=()) as speech, pytest.raises(SynthesisError, match="name them with the option"):
        _ = speech.voices


def test_names_in_a_list_of_voices_are_not_believed_blindly(server: SpeechServer, waits: Waits) -> None:
    names = ["../../etc/passwd", "a b", "A-B", "Große Stimme", "云健", "x" * 190, "Ann", "ann"]
    server.voices = sends({"voices": names})
    with made(server, waits, voices=()) as speech:
        ids = [voice.id for voice in speech.voices]
        assert len(set(ids)) == len(names)
        assert all(set(one) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for one in ids)
        assert ids[0] == "etc-passwd"
        for voice in speech.voices:
            list(speech.speak([SpokenLine(TEXT, voice)]))
    assert [received.json["voice"] for received in server.received] == names


def test_ids_do_not_depend_on_the_order_of_the_list(server: SpeechServer, waits: Waits) -> None:
    found = []
    for names in (["a b", "A-B", "云健"], ["云健", "A-B", "a b"]):
        server.voices = sends({"voices": [{"voice_id": name, "gender": "Female"} for name in names]})
        with made(server, waits, voices=()) as speech:
            found.append({voice.recipe: voice.id for voice in speech.voices})
    assert found[0] == found[1]


# Keys


def test_a_key_does_not_cross_a_network_unencrypted(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("MY_KEY", "SPEECHAGENTS_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, SECRET)
    named: tuple[str | None, ...] = ("MY_KEY", "OPENAI_API_KEY", None)
    for key_variable in named:
        with pytest.raises(SettingsError, match="unencrypted; use an https address"):
            OpenAISpeech(base_url="http://192.168.1.5:8000/v1", key_variable=key_variable)
    OpenAISpeech(base_url="http://192.168.1.5:8000/v1", key_variable="")
    OpenAISpeech(base_url="https://192.168.1.5:8000/v1", key_variable="MY_KEY")


def test_the_key_goes_to_the_server_and_nowhere_else(
    server: SpeechServer, waits: Waits, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MY_KEY", SECRET)
    seen: list[str] = []
    with made(server, waits, key_variable="MY_KEY", attempts=1) as speech:
        assert isinstance(speak(speech), Take)
        for echo in (
            complains(400, f"bad key {SECRET}"),
            complains(500, f"bad key {SECRET}"),
            sends(f"bad key {SECRET}".encode(), status=418, kind="text/plain"),
            sends({"error": SECRET}),
        ):
            server.answers.append(echo)
            seen.append(repr(speak(speech)))
        server.voices = sends({"voices": [{"name": "alloy", "description": SECRET}]})
        seen += [repr(speech), speech.identity, repr(speech.voices), repr(vars(speech))]
    with made(server, waits, key_variable="MY_KEY", voices=()) as other:
        seen.append(repr(other.voices))
        server.otherwise = complains(401, f"bad key {SECRET}")
        with pytest.raises(SynthesisError) as caught:
            speak(other)
        seen.extend(traceback.format_exception(caught.value))
    assert all(received.headers["authorization"] == f"Bearer {SECRET}" for received in server.received)
    seen += [f"{record.getMessage()} {record.args!r}" for record in caplog.records]
    assert "***" in seen[0]
    assert not [text for text in seen if SECRET in text]


def test_a_key_in_the_name_of_a_media_type_is_struck_out(
    server: SpeechServer, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    server.otherwise = sends(b"x", kind=f"text/{SECRET}")
    with made(server, waits, key_variable="MY_KEY") as speech:
        result = speak(speech)
    assert isinstance(result, FailedTake)
    assert "answers with text/***, not audio" in result.reason


def test_a_key_that_is_meant_for_others_is_not_shown_to_whoever_listens_on_a_local_port(
    server: SpeechServer, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPEECHAGENTS_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with made(server, waits, key_variable=None) as speech:
        speak(speech)
    assert "authorization" not in server.received[0].headers
