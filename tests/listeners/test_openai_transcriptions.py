"""Ears behind a server: what is sent to it, what is believed of its answers, and what is learnt of it."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.errors import ListenerError, SettingsError
from speechagents.listeners.listener import Listener, Transcript
from speechagents.listeners.openai_transcriptions import (
    SERVER_VARIABLE,
    OpenAITranscriptions,
    make_openai_transcriptions,
)
from tests.controllers.asking import Waits
from tests.controllers.fault_server import (
    PATIENCE_S,
    Answer,
    Line,
    complains,
    drops_midway,
    free_ports,
    hangs,
    sends,
)
from tests.voices.fault_speech_server import SpeechServer, form_of, refuses, segment, transcribes

SPOKEN = Path(__file__).parent / "spoken"
UMBRELLA = Audio.read(SPOKEN / "umbrella.flac")
TRUTH = Audio.read(SPOKEN / "truth.flac")
SILENCE = Audio.silence(2.0, 16_000)
SECRET = "sk-do-not-tell-anybody-0123456789"  # noqa: S105 - made up

Make = Callable[..., OpenAITranscriptions]


@pytest.fixture
def server() -> Iterator[SpeechServer]:
    with SpeechServer() as running:
        yield running


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def make(server: SpeechServer, waits: Waits, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes listeners of the server that are closed in the end."""
    for variable in ("SPEECHAGENTS_API_KEY", "OPENAI_API_KEY", SERVER_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    made: list[OpenAITranscriptions] = []

    def build(**options: object) -> OpenAITranscriptions:
        chosen = {"base_url": server.url, "model": "tiny", "timeout_s": PATIENCE_S, "sleep": waits.sleep, **options}
        made.append(OpenAITranscriptions(**chosen))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def listener(make: Make) -> OpenAITranscriptions:
    return make()


def hear(listener: Listener, *clips: Audio, hints: tuple[str, ...] = (), language: str = "") -> list[Transcript]:
    return list(listener.transcribe(clips or (UMBRELLA,), hints=hints, language=language))


def sent(server: SpeechServer, number: int = -1) -> Audio:
    """The sound of a request."""
    return Audio.read(io.BytesIO(form_of(server.received[number])["file"][0]))


# What is sent, and what comes back


def test_a_clip_becomes_one_request_and_its_answer_a_transcript(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    (heard,) = hear(listener, hints=("Sophia", "umbrella"), language="en-GB")
    (request,) = server.received
    assert request.path == "/v1/audio/transcriptions"
    form = dict(form_of(request))
    file = form.pop("file")[0]
    assert file.startswith(b"RIFF")
    assert form == {
        "model": [b"tiny"],
        "response_format": [b"verbose_json"],
        "timestamp_granularities[]": [b"word", b"segment"],
        "temperature": [b"0"],
        "prompt": [b"Sophia, umbrella"],
        "language": [b"en"],
    }
    assert heard.text.startswith("It lasts ")
    assert heard.language == "en"
    assert [word.text for word in heard.words] == heard.text.split()


def test_the_official_client_is_understood_by_the_server_of_these_tests(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    """What is sent here is what OpenAI's own client sends, field by field."""
    import openai

    with openai.OpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
        answer = client.audio.transcriptions.create(
            model="tiny",
            file=("clip.wav", (SPOKEN / "umbrella.flac").read_bytes(), "audio/wav"),
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
            prompt="Sophia",
            language="en",
            temperature=0,
        )
        assert answer.text.startswith("It lasts ")
        assert answer.words is not None
        assert [word.word for word in answer.words] == answer.text.split()
    hear(listener, hints=("Sophia",), language="en")
    theirs, ours = server.received
    assert theirs.path == ours.path
    one, other = dict(form_of(theirs)), dict(form_of(ours))
    assert one.pop("file") != other.pop("file")
    assert {name: sorted(values) for name, values in one.items()} == {
        name: sorted(values) if name != "temperature" else [b"0"] for name, values in other.items()
    }
    for received in (theirs, ours):
        assert b'name="file"; filename="clip.wav"' in received.body
        assert received.headers["content-type"].startswith("multipart/form-data; boundary=")


def test_nothing_is_sent_before_it_listens(server: SpeechServer, listener: OpenAITranscriptions) -> None:
    assert list(listener.transcribe([])) == []
    assert listener.identity
    assert server.connections == 0


def test_several_clips_are_worked_on_together_and_come_back_in_order(server: SpeechServer, make: Make) -> None:
    together = threading.Barrier(3, timeout=PATIENCE_S)

    def meets(line: Line) -> None:
        together.wait()
        transcribes(line)

    server.otherwise = meets
    long = Audio(np.concatenate([TRUTH.samples, TRUTH.samples]), TRUTH.rate_hz)
    lengths = [float(one.text.split()[2]) for one in hear(make(concurrency=3), UMBRELLA, long, TRUTH)]
    assert lengths[1] > lengths[2]
    assert lengths[1] > lengths[0]
    assert len(server.received) == 3


def test_a_long_row_of_clips_is_not_sent_all_at_once(server: SpeechServer, make: Make) -> None:
    begun = 0

    class Clips(list[Audio]):
        def __iter__(self) -> Iterator[Audio]:
            nonlocal begun
            for clip in super().__iter__():
                begun += 1
                yield clip

    listening = make(concurrency=2).transcribe(Clips([UMBRELLA] * 20))
    next(listening)
    assert begun == 6
    listening.close()  # type: ignore[attr-defined]


def test_callers_in_several_threads_get_their_own(make: Make) -> None:
    listener = make()
    long = Audio(np.concatenate([TRUTH.samples, TRUTH.samples]), TRUTH.rate_hz)
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda clip: hear(listener, clip, SILENCE), (UMBRELLA, SILENCE, long)))
    assert found[1] == [Transcript(""), Transcript("")]
    assert found[0][0].text != found[2][0].text
    assert found[0][1].text == found[2][1].text == ""


# Silence


def test_silence_is_not_sent(server: SpeechServer, listener: OpenAITranscriptions) -> None:
    hiss = np.random.default_rng(1).standard_normal(48_000).astype(np.float32)
    hum = np.sin(2 * np.pi * 50.0 * np.arange(48_000) / 16_000).astype(np.float32)
    clips = [
        SILENCE,
        Audio.silence(0.0, 16_000),
        Audio(hiss * np.float32(0.003), 16_000),
        Audio(hum * np.float32(0.05), 16_000),
        Audio.silence(1.0, 48_000),
    ]
    assert [one.text for one in hear(listener, *clips, language="de")] == [""] * 5
    assert server.received == []
    assert hear(listener, SILENCE, language="de-AT")[0].language == "de"


def test_silence_around_and_within_speech_is_cut_out_and_times_are_those_of_the_clip(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    rate_hz = UMBRELLA.rate_hz
    pause = np.zeros(10 * rate_hz, np.float32)
    clip = Audio(np.concatenate([pause, UMBRELLA.samples, pause, TRUTH.samples, pause]), rate_hz)
    (heard,) = hear(listener, clip)
    spoken_s = UMBRELLA.duration_s + TRUTH.duration_s
    assert sent(server).duration_s < spoken_s + 1.5
    assert sent(server).rate_hz == 16_000
    first, last = heard.words[0], heard.words[-1]
    assert 9.5 <= first.start_s <= 11.0
    assert 20.0 + spoken_s - 1.5 <= last.end_s <= 20.0 + spoken_s + 0.5
    starts = [word.start_s for word in heard.words]
    assert starts == sorted(starts)


def test_clips_of_any_rate_and_in_stereo_are_sent_as_mono_at_16_khz(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    wide = UMBRELLA.resampled(48_000)
    stereo = Audio(np.ascontiguousarray(np.stack([wide.samples, wide.samples], axis=1)), 48_000)
    hear(listener, UMBRELLA, stereo, UMBRELLA.resampled(8_000))
    sounds = [sent(server, number) for number in range(3)]
    assert {(one.rate_hz, one.channels) for one in sounds} == {(16_000, 1)}
    assert all(one.duration_s == pytest.approx(sounds[0].duration_s, abs=0.5) for one in sounds)


# What is believed


def says(text: str, **fields: object) -> Answer:
    return sends({"text": text, "language": "english", **fields})


def test_text_that_repeats_itself_is_made_up(server: SpeechServer, listener: OpenAITranscriptions) -> None:
    server.answers.extend([says("Thank you. " * 30), says("I am sorry, " * 8 + "I am.")])
    assert [one.text for one in hear(listener, UMBRELLA, TRUTH)] == ["", ""]


def test_more_than_anybody_could_say_in_the_time_is_made_up(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    rng = np.random.default_rng(1)
    server.answers.append(says(" ".join("".join(map(chr, rng.integers(97, 123, 7))) for _ in range(200))))
    assert hear(listener)[0].text == ""


def test_a_segment_that_is_made_up_goes_and_the_others_stay(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    server.answers.append(
        says(
            "Did you see it? Subtitles by nobody. You you you",
            segments=[
                segment(" Did you see it?", 0.0, 1.0),
                segment(" Subtitles by nobody.", 1.0, 2.0, no_speech_prob=0.9, avg_logprob=-1.4),
                segment(" you" * 40, 2.0, 3.0),
            ],
            words=[
                {"word": "Did", "start": 0.0, "end": 0.2},
                {"word": "Subtitles", "start": 1.1, "end": 1.4},
                {"word": "you", "start": 2.1, "end": 2.2},
            ],
        )
    )
    (heard,) = hear(listener)
    assert heard.text == "Did you see it?"
    assert [word.text for word in heard.words] == ["Did"]


def test_words_may_stand_in_their_segments_with_a_confidence(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    """As Speaches and others that pass on what faster-whisper gives."""
    words = [{"word": " Hello", "start": 0.1, "end": 0.4, "probability": 0.75}]
    server.answers.append(says("Hello", segments=[segment("Hello", 0.0, 0.5, words=words)]))
    (word,) = hear(listener)[0].words
    assert (word.text, word.confidence) == ("Hello", 0.75)


@pytest.mark.parametrize(
    "words",
    [
        None,
        "Hello",
        [None, 7, "Hello"],
        [{"word": "Hello"}],
        [{"word": "Hello", "start": "0", "end": 1}],
        [{"word": "Hello", "start": 2.0, "end": 1.0}],
        [{"word": "Hello", "start": float("nan"), "end": 1.0}],
        [{"word": "Hello", "start": -1.0, "end": 1.0}],
        [{"word": "", "start": 0.0, "end": 1.0}],
        [{"word": 7, "start": 0.0, "end": 1.0}],
    ],
)
def test_words_without_times_that_can_be_are_left_out(
    server: SpeechServer, listener: OpenAITranscriptions, words: object
) -> None:
    server.answers.append(says("Hello", words=words))
    assert hear(listener)[0] == Transcript("Hello", (), "en")


def test_words_far_behind_the_end_are_put_at_it(server: SpeechServer, listener: OpenAITranscriptions) -> None:
    server.answers.append(says("Hello", words=[{"word": "Hello", "start": 0.0, "end": 900.0, "probability": 3}]))
    (word,) = hear(listener)[0].words
    assert word.end_s == pytest.approx(UMBRELLA.duration_s, abs=1e-3)
    assert word.confidence == 1.0


def test_text_is_one_clean_line(server: SpeechServer, listener: OpenAITranscriptions) -> None:
    server.answers.append(says(" Did\nyou \x1b[31m see\x00 \ud83d it? "))
    assert hear(listener)[0].text == "Did you [31m see ? it?"


@pytest.mark.parametrize(
    ("said", "tag"), [("english", "en"), ("de", "de"), ("German", "de"), ("klingonese", ""), (None, ""), (7, "")]
)
def test_the_language_that_was_heard_is_a_tag(
    server: SpeechServer, listener: OpenAITranscriptions, said: object, tag: str
) -> None:
    server.answers.append(sends({"text": "Hello", "language": said}))
    assert hear(listener)[0].language == tag


# What the server takes


def test_a_server_without_word_times_is_asked_for_segments_from_then_on(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    server.otherwise = refuses("timestamp_granularities[]", "timestamp_granularities is not supported for this model")
    for _ in range(3):
        (heard,) = hear(listener)
        assert heard.text.startswith("It lasts")
        assert heard.words == ()
    forms = [form_of(received) for received in server.received]
    assert ["timestamp_granularities[]" in form for form in forms] == [True, False, False, False]
    assert all(form["response_format"] == [b"verbose_json"] for form in forms)


@pytest.mark.parametrize(
    "complaint",
    [
        "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe-api-ev3'. Use 'json' instead.",
        "Currently do not support verbose_json for Voxtral",
    ],
    ids=["OpenAI", "vLLM"],
)
def test_a_server_of_plain_text_is_asked_for_that_from_then_on(
    server: SpeechServer, listener: OpenAITranscriptions, complaint: str
) -> None:
    def plain(line: Line) -> None:
        verbose = form_of(line.received)["response_format"] == [b"verbose_json"]
        (complains(400, complaint) if verbose else transcribes)(line)

    server.otherwise = plain
    for _ in range(2):
        assert hear(listener)[0].text.startswith("It lasts")
    forms = [form_of(received)["response_format"] for received in server.received]
    assert forms == [[b"verbose_json"], [b"json"], [b"json"]]


def test_hints_temperature_and_language_are_given_up_where_they_are_refused(
    server: SpeechServer, listener: OpenAITranscriptions
) -> None:
    complaints = {
        "prompt": "prompt is not supported",
        "temperature": "temperature must not be set",
        "language": "language en is unknown",
    }

    def picky(line: Line) -> None:
        form = form_of(line.received)
        wrong = next((name for name in complaints if name in form), "")
        (complains(422, complaints[wrong]) if wrong else transcribes)(line)

    server.otherwise = picky
    assert hear(listener, hints=("Ann",), language="en")[0].text
    assert len(server.received) == 4
    assert hear(listener, hints=("Ann",), language="en")[0].text
    assert len(server.received) == 5


def test_hints_are_cut_and_cannot_break_the_form(server: SpeechServer, listener: OpenAITranscriptions) -> None:
    hear(listener, hints=('"; filename="x"\r\n\r\n--boundary--', "\ud83d", *(f"Name{n}" for n in range(500))))
    form = form_of(server.received[0])
    assert len(form["prompt"][0]) <= 400
    assert b"--boundary--" in form["prompt"][0]
    assert set(form) == {"model", "response_format", "timestamp_granularities[]", "temperature", "prompt", "file"}


# Servers that cannot be used


@pytest.mark.parametrize(
    ("answer", "said", "tries"),
    [
        (complains(500, "CUDA error"), "status 500: CUDA error", 2),
        (complains(429, "slow down"), "status 429", 2),
        (complains(413, "too large"), "status 413: too large", 1),
        (drops_midway, "connection broke", 2),
        (sends(b"<html></html>", kind="text/html"), "text/html, not JSON", 1),
        (sends(b"{", kind="application/json"), "broken JSON", 1),
        (sends({"error": {"message": "no model loaded"}}), "no text: no model loaded", 1),
        (sends({"text": None}), "no text", 1),
        (sends([]), "no text", 1),
    ],
)
def test_a_clip_that_cannot_be_understood_is_told(
    server: SpeechServer, make: Make, answer: Answer, said: str, tries: int
) -> None:
    listener = make(attempts=2)
    server.answers.extend([answer] * tries)
    with pytest.raises(ListenerError, match=said) as caught:
        hear(listener)
    assert server.url in str(caught.value)
    assert len(server.received) == tries
    assert hear(listener)[0].text, "and the next one is understood"


def test_trouble_that_passes_is_not_noticed(server: SpeechServer, make: Make, waits: Waits) -> None:
    server.answers.extend([complains(503), complains(429, headers={"Retry-After": "3"})])
    assert hear(make())[0].text
    assert waits[1] == 3.0


def test_a_server_that_never_answers_is_given_up_and_let_go(server: SpeechServer, make: Make) -> None:
    server.otherwise = hangs(server)
    with pytest.raises(ListenerError, match=r"within 0\.3 s; allow more with timeout_s"):
        hear(make(timeout_s=0.3, attempts=1))
    assert server.wait_for_hang_ups(1)


def test_an_answer_that_is_too_long_is_not_read(server: SpeechServer, make: Make) -> None:
    server.answers.append(says("a" * 100_000))
    with pytest.raises(ListenerError, match="longer than 2000 bytes"):
        hear(make(max_answer_bytes=2_000))


def test_a_server_that_is_not_there_is_told(make: Make) -> None:
    with pytest.raises(ListenerError, match=r"no connection.*is the server running"):
        hear(make(base_url=f"http://127.0.0.1:{free_ports(1)[0]}/v1", attempts=1))


def test_a_wrong_key_and_a_missing_model_are_told(
    server: SpeechServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    server.answers.extend([complains(401, f"wrong: {SECRET}"), complains(404, "no such model")])
    with pytest.raises(ListenerError, match=r"401; check the key in the environment variable MY_KEY") as caught:
        hear(make(key_variable="MY_KEY"))
    assert SECRET not in str(caught.value)
    assert server.received[0].headers["authorization"] == f"Bearer {SECRET}"
    with pytest.raises(ListenerError, match=r"no model 'huge'; it has: gpt-tiny, kokoro, whisper-tiny"):
        hear(make(model="huge"))


def test_a_key_does_not_cross_a_network_unencrypted(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    with pytest.raises(SettingsError, match="unencrypted; use an https address"):
        make(base_url="http://192.168.1.5:8000/v1", key_variable="MY_KEY")


def test_without_a_named_model_the_first_that_looks_like_a_recogniser_is_taken(
    server: SpeechServer, make: Make
) -> None:
    listener = make(model="")
    hear(listener)
    assert form_of(server.received[0])["model"] == [b"whisper-tiny"]
    assert "whisper-tiny" in listener.identity


def test_a_server_is_named_by_the_environment_where_the_options_name_none(
    server: SpeechServer, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=SERVER_VARIABLE):
        make(base_url="")
    monkeypatch.setenv(SERVER_VARIABLE, server.url)
    with make_openai_transcriptions(model="tiny", key_variable="") as listener:
        assert hear(listener)[0].text


def test_the_identity_tells_servers_apart_and_does_not_tell_where_they_are(make: Make, server: SpeechServer) -> None:
    one, other = make(), make(base_url="http://127.0.0.1:9/v1")
    assert one.identity != other.identity
    assert str(server.port) not in one.identity
    assert make(model="other").identity != one.identity
    assert repr(one) == f"OpenAITranscriptions(base_url='{server.url}')"


def test_who_stops_reading_breaks_off_what_is_under_way(server: SpeechServer, make: Make) -> None:
    arrived = threading.Semaphore(0)
    hang = hangs(server)
    first = threading.Event()

    def answers_the_first(line: Line) -> None:
        if not first.is_set():
            first.set()
            transcribes(line)
        else:
            arrived.release()
            hang(line)

    server.otherwise = answers_the_first
    listening = make(concurrency=1).transcribe([UMBRELLA] * 3)
    assert next(listening).text
    assert arrived.acquire(timeout=PATIENCE_S)
    listening.close()  # type: ignore[attr-defined]
    assert server.wait_for_hang_ups(1)
