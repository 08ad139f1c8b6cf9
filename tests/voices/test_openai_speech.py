"""Voices behind a server: what is asked of it, what becomes of its answers, and what is learnt of it."""

from __future__ import annotations

import gc
import io
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile as sf

from speechagents.drama import Style
from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.abilities import DeclaresAbilities, StyleMeans
from speechagents.voices.openai_speech import SERVER_VARIABLE, OpenAISpeech, make_openai_speech
from speechagents.voices.synthesizer import ChecksLanguage, FailedTake, Gender, SpeaksAnew, SpokenLine, Take
from tests.controllers.asking import Waits
from tests.controllers.fault_server import (
    PATIENCE_S,
    Line,
    complains,
    drops_at_once,
    free_ports,
    hangs,
    sends,
)
from tests.voices.fault_speech_server import RATE_HZ, SpeechServer, encoded, refuses, speaks, tone

Make = Callable[..., OpenAISpeech]
TEXT = "Good evening, everybody."


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with SpeechServer() as running:
        yield running


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def make(server: SpeechServer, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes synthesizers of the server that are closed in the end."""
    for variable in ("SPEECHAGENTS_API_KEY", "OPENAI_API_KEY", SERVER_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    made: list[OpenAISpeech] = []

    def build(**options: object) -> OpenAISpeech:
        chosen = {"base_url": server.url, "model": "tiny", "timeout_s": PATIENCE_S, "sleep": waits.sleep, **options}
        made.append(OpenAISpeech(**chosen))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for one in made:
        one.close()


def lines(speech: OpenAISpeech, *texts: str, voice: int = 0, style: Style = Style()) -> list[SpokenLine]:
    return [SpokenLine(text, speech.voices[voice], style) for text in texts]


def take(speech: OpenAISpeech, text: str = TEXT, *, voice: int = 0, style: Style = Style()) -> Take:
    (result,) = speech.speak(lines(speech, text, voice=voice, style=style))
    assert isinstance(result, Take), result
    return result


def failure(speech: OpenAISpeech, text: str = TEXT) -> str:
    (result,) = speech.speak(lines(speech, text))
    assert isinstance(result, FailedTake), result
    return result.reason


# What is sent, and what comes back


def test_a_line_becomes_one_request_and_its_sound_a_take(server: SpeechServer, make: Make) -> None:
    speech = make(voices=["alloy"])
    spoken = take(speech)
    (request,) = server.received
    assert request.path == "/v1/audio/speech"
    assert "audio/*" in request.headers["accept"]
    asked = request.json
    assert 0 <= asked.pop("seed") < 2**31
    assert asked == {"model": "tiny", "input": TEXT, "voice": "alloy", "response_format": "wav"}
    assert spoken.audio.rate_hz == RATE_HZ
    assert spoken.audio.duration_s == pytest.approx(len(TEXT) * 0.06, abs=0.1)
    assert spoken.words == ()


def test_the_official_client_is_understood_by_the_server_of_these_tests(server: SpeechServer, make: Make) -> None:
    """What is sent here is what OpenAI's own client sends, field by field."""
    import openai

    with openai.OpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
        answer = client.audio.speech.create(
            model="tiny",
            voice="alloy",
            input=TEXT,
            response_format="wav",
            instructions="Sound angry, hard and loud.",
            extra_body={"seed": 1},
        )
        assert answer.content == encoded(tone(len(TEXT), voice="alloy", seed=1))
        assert [model.id for model in client.models.list()] == ["gpt-tiny", "kokoro", "whisper-tiny"]
    speech = make(voices=["alloy"])
    take(speech, style=Style("angry"))
    theirs, ours = server.received
    assert theirs.path == ours.path
    assert theirs.json.keys() == ours.json.keys()
    assert {**theirs.json, "seed": 0} == {**ours.json, "seed": 0}


def test_nothing_is_sent_before_a_line_is_spoken(server: SpeechServer, make: Make) -> None:
    speech = make(voices=["alloy"])
    assert list(speech.speak([])) == []
    assert speech.identity
    assert speech.voices
    assert server.connections == 0


@pytest.mark.parametrize("form", ["wav", "flac", "mp3", "pcm"])
def test_every_format_that_can_be_asked_for_is_read(server: SpeechServer, make: Make, form: str) -> None:
    spoken = take(make(response_format=form, voices=["alloy"]))
    assert server.received[0].json["response_format"] == form
    assert spoken.audio.duration_s == pytest.approx(len(TEXT) * 0.06, abs=0.15)


def test_takes_have_the_declared_rate_whatever_the_server_sends(server: SpeechServer, make: Make) -> None:
    for rate_hz in (8_000, 44_100, 48_000):
        server.answers.append(sends(encoded(tone(30, rate_hz=rate_hz)), kind="audio/wav"))
    speech = make(voices=["alloy"])
    texts = ("One.", "Two.", "Three.", "…")
    rates = [one.audio.rate_hz for one in speech.speak(lines(speech, *texts)) if isinstance(one, Take)]
    assert rates == [speech.abilities.rate_hz] * 4


def test_stereo_is_mixed(server: SpeechServer, make: Make) -> None:
    mono = tone(30).samples
    file = io.BytesIO()
    sf.write(file, np.stack([mono, mono], axis=1), RATE_HZ, format="WAV", subtype="PCM_16")
    server.answers.append(sends(file.getvalue(), kind="audio/x-wav"))
    assert take(make(voices=["alloy"])).audio.channels == 1


def test_the_same_line_sends_the_same_bytes_and_another_attempt_another_seed(server: SpeechServer, make: Make) -> None:
    speech = make(voices=["alloy"])
    line = SpokenLine(TEXT, speech.voices[0])
    again = SpokenLine(TEXT, speech.voices[0], attempt=1)
    list(speech.speak([line]))
    list(speech.speak([line]))
    list(speech.speak([again]))
    one, two, three = (received.body for received in server.received)
    assert one == two != three


def test_a_long_line_is_sent_in_pieces_and_comes_back_as_one_take(server: SpeechServer, make: Make) -> None:
    speech = make(voices=["alloy"], max_chars=60)
    text = " ".join(f"This is sentence number {number}." for number in range(9))
    spoken = take(speech, text)
    assert len(server.texts) == 5
    assert sorted(server.texts) == sorted(set(server.texts)), "each once"
    assert all(len(one) <= 60 for one in server.texts)
    # Requests overlap, the sound does not: as long as its pieces together, and a pause between each two.
    assert spoken.audio.duration_s == pytest.approx(sum(map(len, server.texts)) * 0.06 + 4 * 0.25, abs=0.5)


def test_a_line_of_which_one_piece_fails_fails_as_a_whole(server: SpeechServer, make: Make) -> None:
    server.rule = lambda received: complains(400, "cannot say 3") if "number 3" in received.json["input"] else None
    speech = make(voices=["alloy"], max_chars=30)
    text = " ".join(f"This is sentence number {number}." for number in range(6))
    failed, spoken = speech.speak(lines(speech, text, "Fine."))
    assert isinstance(failed, FailedTake)
    assert "cannot say 3" in failed.reason
    assert isinstance(spoken, Take)


# Order, and many at a time


def test_takes_come_in_order_whatever_order_they_are_finished_in(server: SpeechServer, make: Make) -> None:
    last_is_done = threading.Event()

    def first_waits(line: Line) -> None:
        if line.received.json["input"] == "Zero.":
            last_is_done.wait(PATIENCE_S)
        speaks(line)
        if line.received.json["input"] == "Three.":
            last_is_done.set()

    server.otherwise = first_waits
    speech = make(voices=["alloy"], concurrency=4)
    texts = ["Zero.", "One.", "Two.", "Three."]
    assert [one.line.text for one in speech.speak(lines(speech, *texts))] == texts


def test_as_many_requests_as_allowed_are_under_way_together(server: SpeechServer, make: Make) -> None:
    together = threading.Barrier(4, timeout=PATIENCE_S)
    most = 0
    now = 0
    counting = threading.Lock()

    def meets(line: Line) -> None:
        nonlocal most, now
        with counting:
            now += 1
            most = max(most, now)
        together.wait()
        with counting:
            now -= 1
        speaks(line)

    server.otherwise = meets
    speech = make(voices=["alloy"], concurrency=4)
    results = list(speech.speak(lines(speech, *(f"Number {number}." for number in range(12)))))
    assert all(isinstance(one, Take) for one in results)
    assert most == 4


def test_a_long_script_is_not_sent_all_at_once(server: SpeechServer, make: Make) -> None:
    speech = make(voices=["alloy"], concurrency=2)
    asked: list[str] = []

    class Script(list[SpokenLine]):
        def __iter__(self) -> Iterator[SpokenLine]:
            for line in super().__iter__():
                asked.append(line.text)
                yield line

    speaking = speech.speak(Script(lines(speech, *(f"Number {number}." for number in range(50)))))
    next(speaking)
    assert len(asked) == 6
    speaking.close()  # type: ignore[attr-defined]


def test_lines_of_several_threads_do_not_mix(make: Make) -> None:
    speech = make(voices=["alloy", "nova"])

    def speak(who: int) -> list[str]:
        said = lines(speech, *(f"{who} says {number}." for number in range(5)), voice=who % 2)
        return [one.line.text for one in speech.speak(said)]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(speak, range(4)))
    assert found == [[f"{who} says {number}." for number in range(5)] for who in range(4)]


def test_who_stops_listening_breaks_off_what_is_under_way(server: SpeechServer, make: Make) -> None:
    arrived = threading.Semaphore(0)
    hang = hangs(server)

    def answers_the_first(line: Line) -> None:
        if line.received.json["input"] == "Number 0.":
            speaks(line)
        else:
            arrived.release()
            hang(line)

    server.otherwise = answers_the_first
    speech = make(voices=["alloy"], concurrency=3)
    speaking = speech.speak(lines(speech, *(f"Number {number}." for number in range(4))))
    assert isinstance(next(speaking), Take)
    assert all(arrived.acquire(timeout=PATIENCE_S) for _ in range(3))
    speaking.close()  # type: ignore[attr-defined]
    assert server.wait_for_hang_ups(3)
    server.otherwise = speaks
    assert isinstance(take(speech), Take)


def test_closing_ends_the_connections_and_the_next_use_opens_new_ones(server: SpeechServer, make: Make) -> None:
    speech = make(voices=["alloy"])
    take(speech)
    speech.close()
    take(speech)
    assert server.connections == 2


def test_it_goes_when_nobody_holds_it(make: Make, server: SpeechServer) -> None:
    with OpenAISpeech(base_url=server.url, model="tiny", voices=["alloy"], key_variable="") as speech:
        take(speech)
    gone = weakref.ref(speech)
    del speech
    gc.collect()
    assert gone() is None


# Voices


def test_the_servers_own_list_of_voices_is_the_catalogue(server: SpeechServer, make: Make) -> None:
    speech = make()
    assert [voice.id for voice in speech.voices] == ["af-heart", "am-onyx", "bf-emma"]
    assert [voice.gender for voice in speech.voices] == [Gender.FEMALE, Gender.MALE, Gender.FEMALE]
    assert [voice.accent for voice in speech.voices] == ["en-US", "en-US", "en-GB"]
    take(speech, voice=2)
    assert server.received[0].json["voice"] == "bf_emma"
    assert len(server.asked_for_voices) == 1, "it is asked once"


def test_named_voices_are_not_looked_up(server: SpeechServer, make: Make) -> None:
    speech = make(voices={"Ryan": {"gender": "male", "accent": "en-GB", "description": "A baritone."}, "vivian": None})
    ryan, vivian = speech.voices
    assert (ryan.id, ryan.gender, ryan.accent, ryan.description) == ("ryan", Gender.MALE, "en-GB", "A baritone.")
    assert vivian.gender is Gender.NEUTRAL
    take(speech)
    assert server.received[0].json["voice"] == "Ryan"
    assert server.asked_for_voices == []


def test_openais_own_voices_are_known_where_a_server_of_its_models_has_no_list(
    server: SpeechServer, make: Make
) -> None:
    server.voices = complains(404, "Invalid URL (GET /v1/audio/voices)")
    speech = make(model="gpt-4o-mini-tts")
    assert len(speech.voices) == 13
    assert {"alloy", "nova", "cedar"} <= {voice.id for voice in speech.voices}
    with pytest.raises(SynthesisError, match=r"has no list of voices; name them"):
        _ = make(model="something-else").voices


def test_every_voice_has_the_licence_and_the_source_that_are_known(make: Make, server: SpeechServer) -> None:
    for voice in make(licence="Apache-2.0").voices:
        assert voice.licence == "Apache-2.0"
        assert server.url in voice.source
        assert "model tiny" in voice.source
    assert make().voices[0].licence == "see the server's terms"


def test_an_unknown_voice_fails_its_line_alone(server: SpeechServer, make: Make) -> None:
    speech, other = make(voices=["alloy"]), make(voices=["nova"])
    failed, spoken = speech.speak([SpokenLine(TEXT, other.voices[0]), SpokenLine(TEXT, speech.voices[0])])
    assert isinstance(failed, FailedTake)
    assert "'nova' is no voice of this server" in failed.reason
    assert isinstance(spoken, Take)
    assert len(server.received) == 1


# Styles, and what the server takes


def test_a_style_is_said_in_a_sentence(server: SpeechServer, make: Make) -> None:
    speech = make(voices=["alloy"])
    for style in (Style("angry"), Style("angry", 0.5), Style("angry", 2.0), Style("angry", 0.0), Style()):
        take(speech, style=style)
    said = [received.json.get("instructions") for received in server.received]
    assert said == [
        "Sound angry, hard and loud.",
        "Sound slightly angry, hard and loud.",
        "Sound extremely angry, hard and loud.",
        None,
        None,
    ]
    assert speech.abilities.styles["angry"] is StyleMeans.INSTRUCTION


def test_instructions_that_are_refused_are_not_sent_again(server: SpeechServer, make: Make) -> None:
    server.otherwise = refuses(
        "instructions", "Unsupported parameter: 'instructions' is not supported with this model."
    )
    speech = make(voices=["alloy"])
    assert speech.abilities.styles
    for _ in range(3):
        take(speech, style=Style("angry"))
    assert ["instructions" in received.json for received in server.received] == [True, False, False, False]
    assert speech.abilities.styles == {}


def test_a_server_without_seeds_is_not_sent_another(server: SpeechServer, make: Make) -> None:
    server.otherwise = refuses("seed", "1 validation error: body.seed: Extra inputs are not permitted")
    speech = make(voices=["alloy"])
    take(speech)
    take(speech)
    assert ["seed" in received.json for received in server.received] == [True, False, False]


def test_models_that_ignore_instructions_are_not_sent_any(server: SpeechServer, make: Make) -> None:
    for model in ("tts-1-hd", "hexgrad/Kokoro-82M", "speaches-ai/piper-en_GB"):
        speech = make(model=model, voices=["alloy"])
        assert speech.abilities.styles == {}
        take(speech, style=Style("angry"))
        assert "instructions" not in server.received[-1].json
    speech = make(model="tts-1", voices=["alloy"], instructions=True)
    take(speech, style=Style("angry"))
    assert "instructions" in server.received[-1].json


def test_speed_does_for_styles_what_it_can_if_it_is_wanted(server: SpeechServer, make: Make) -> None:
    speech = make(model="kokoro", voices=["alloy"], speed=True)
    for style in (Style("urgent"), Style("sad"), Style("urgent", 2.0), Style("cold"), Style()):
        take(speech, style=style)
    assert [received.json.get("speed") for received in server.received] == [1.2, 0.85, 1.44, None, None]
    assert speech.abilities.styles["urgent"] is StyleMeans.PROSODY
    assert "cold" not in speech.abilities.styles


def test_what_it_can_is_declared(make: Make) -> None:
    speech = make(voices=["alloy"], languages=["en", "de"], licence="MIT", commercial=True, rate_hz=44_100)
    assert isinstance(speech, DeclaresAbilities)
    assert isinstance(speech, ChecksLanguage)
    assert isinstance(speech, SpeaksAnew)
    abilities = speech.abilities
    assert (abilities.languages, abilities.rate_hz, abilities.weights_licence) == (("en", "de"), 44_100, "MIT")
    assert abilities.commercial
    assert not abilities.clones


def test_a_language_that_is_not_among_the_declared_fails_before_anything_is_sent(
    server: SpeechServer, make: Make
) -> None:
    speech = make(voices=["alloy"], languages=["en", "de"])
    speech.check_language("de-AT")
    with pytest.raises(SettingsError, match=r"does not speak 'fr'; it speaks en, de"):
        speech.check_language("fr")
    (failed,) = speech.speak([SpokenLine(TEXT, speech.voices[0], language="fr")])
    assert isinstance(failed, FailedTake)
    assert server.received == []
    make(voices=["alloy"]).check_language("fr")


def test_two_servers_and_two_settings_have_two_identities(make: Make, server: SpeechServer) -> None:
    port = free_ports(1)[0]
    identities = {
        make().identity,
        make(model="other").identity,
        make(base_url=f"http://127.0.0.1:{port}/v1").identity,
        make(instructions=False).identity,
        make(rate_hz=48_000).identity,
        make(response_format="mp3").identity,
    }
    assert len(identities) == 6
    assert not [one for one in identities if str(server.port) in one], "where a server is, is nobody's business"
    assert make().identity == make().identity


# Servers that cannot be used


def test_a_dead_server_is_told_at_the_first_line(make: Make) -> None:
    port = free_ports(1)[0]
    speech = make(base_url=f"http://127.0.0.1:{port}/v1", voices=["alloy"], attempts=2)
    with pytest.raises(SynthesisError, match=r"no connection.*is the server running"):
        list(speech.speak(lines(speech, TEXT, TEXT)))


def test_a_server_that_dies_ends_the_run_and_not_line_by_line(make: Make) -> None:
    with SpeechServer() as dying:
        speech = make(base_url=dying.url, voices=["alloy"], attempts=1)
        speaking = speech.speak(lines(speech, *(f"Number {number}." for number in range(40))))
        next(speaking)
    with pytest.raises(SynthesisError, match="no connection"):
        for _ in speaking:
            pass


def test_a_wrong_key_is_told_with_the_variable_that_holds_it(
    server: SpeechServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-wrong-wrong-wrong")
    server.otherwise = complains(401, "Incorrect API key provided: sk-wr***ong")
    speech = make(voices=["alloy"], key_variable="MY_KEY")
    with pytest.raises(SynthesisError, match=r"status 401; check the key in the environment variable MY_KEY"):
        list(speech.speak(lines(speech, TEXT)))
    server.voices = complains(401)
    with pytest.raises(SynthesisError, match="401"):
        _ = make().voices


def test_a_missing_model_is_told_with_those_that_are_there(server: SpeechServer, make: Make) -> None:
    server.otherwise = complains(404, "The model `huge` does not exist.")
    speech = make(model="huge", voices=["alloy"])
    with pytest.raises(SynthesisError, match=r"no model 'huge'; it has: gpt-tiny, kokoro, whisper-tiny"):
        list(speech.speak(lines(speech, TEXT)))


def test_without_a_named_model_the_first_that_looks_like_speech_is_taken(server: SpeechServer, make: Make) -> None:
    speech = make(model="", voices=["alloy"])
    take(speech)
    assert server.received[0].json["model"] == "kokoro"
    assert "kokoro" in speech.identity
    assert len(server.listed) == 1


def test_after_it_worked_a_refusal_is_about_one_line(server: SpeechServer, make: Make) -> None:
    speech = make(voices=["alloy"])
    take(speech)
    server.answers.append(complains(403, "flagged as violating our policy"))
    assert "flagged as violating" in failure(speech)
    take(speech)


def test_a_server_is_named_by_the_environment_where_the_options_name_none(
    server: SpeechServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=SERVER_VARIABLE):
        make(base_url="")
    monkeypatch.setenv(SERVER_VARIABLE, server.url)
    take(make(base_url="", voices=["alloy"]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"timeout_s": -1.0}, "timeout_s"),
        ({"attempts": 0}, "attempts"),
        ({"rate_hz": 100}, "rate_hz"),
        ({"max_chars": 5}, "max_chars"),
        ({"response_format": "aac"}, "none of wav, flac, mp3, pcm"),
        ({"languages": ["English"]}, "primary tags"),
        ({"languages": "en"}, "primary tags"),
        ({"voices": "alloy"}, r"write \[alloy\]"),
        ({"voices": [7]}, "7 cannot be the name"),
        ({"voices": {"a": {"gender": "whale"}}}, "voice 'a': gender 'whale' is none of female"),
        ({"voices": {"a": {"sex": "male"}}}, "voice 'a': 'sex' is none of"),
        ({"voices": {"a": {"accent": "the north"}}}, "no language tag"),
        ({"voices": {"a": "male"}}, "no mapping"),
        ({"base_url": "ftp://server"}, "http or https"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_once(make: Make, options: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make(**options)


def test_it_takes_what_every_synthesizer_is_given(server: SpeechServer) -> None:
    with make_openai_speech(base_url=server.url, model="tiny", voices=["alloy"], jobs=3, key_variable="") as speech:
        assert isinstance(next(speech.speak(lines(speech, TEXT))), Take)


def test_a_connection_that_ends_before_the_answer_is_tried_again(
    server: SpeechServer, make: Make, waits: Waits
) -> None:
    server.answers.extend([drops_at_once, drops_at_once])
    take(make(voices=["alloy"]))
    assert len(waits) == 2
