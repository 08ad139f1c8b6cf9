"""Finding out whether a server takes sound, and sending it."""

import base64
import io

import numpy as np
import pytest
import soundfile as sf

from speechagents.audio import Audio
from speechagents.controllers.controller import Usage
from speechagents.controllers.hearing_probe import heard_sound
from speechagents.controllers.language_model import Part, Prompt, PromptMessage, Reply, Speaker
from speechagents.errors import ControllerError
from tests.controllers.asking import SCHEMA, Make, Waits, ask, prompt
from tests.controllers.fault_server import Answer, FaultServer, Received, complains, says, sends

SOUND = Audio(np.sin(np.arange(22_050, dtype=np.float32) / 10) * np.float32(0.5), 22_050)


def takes_sound(received: Received) -> Answer:
    return says("A tone.", tokens=(20, 2) if received.sounds else (12, 2))


def drops_sound(received: Received) -> Answer:
    return says("Something.", tokens=(12, 2))


def test_sound_is_sent_as_a_wav_file_of_16_khz_mono_where_it_is_taken(server: FaultServer, make: Make) -> None:
    server.rule = takes_sound
    model = make()
    list(model.generate([prompt("Listen:", audio=SOUND)], seed=1))
    content = server.received[-1].json["messages"][-1]["content"]
    assert [part["type"] for part in content] == ["text", "input_audio"]
    assert content[0]["text"] == "Listen:"
    assert content[1]["input_audio"]["format"] == "wav"
    file = io.BytesIO(base64.b64decode(content[1]["input_audio"]["data"]))
    assert sf.info(file).subtype == "PCM_16"
    file.seek(0)
    samples, rate = sf.read(file, dtype="float32")
    assert (rate, samples.ndim) == (16_000, 1)
    assert abs(len(samples) / rate - SOUND.duration_s) < 0.001
    assert 0.48 < np.abs(samples).max() < 0.52


def test_stereo_and_too_loud_sound_is_sent_as_well(server: FaultServer, make: Make) -> None:
    loud = Audio(np.full((16_000, 2), 1.5, np.float32), 16_000)
    list(make(hears=True).generate([prompt("Listen:", audio=loud)], seed=1))
    samples, _ = sf.read(io.BytesIO(base64.b64decode(server.received[0].sounds[0])), dtype="int16")
    assert samples.shape == (16_000,)
    assert samples.min() == 32_767


def test_whether_a_server_takes_sound_is_found_out_once(server: FaultServer, make: Make) -> None:
    server.rule = takes_sound
    model = make()
    assert model.hears
    assert [len(request.sounds) for request in server.received] == [1, 0]
    assert model.hears
    assert len(server.received) == 2
    assert not make(hears=False).hears
    assert make(hears=True).hears
    assert len(server.received) == 2, "who is told does not ask"


def test_text_alone_finds_out_nothing(server: FaultServer, make: Make) -> None:
    ask(make())
    assert [len(request.sounds) for request in server.received] == [0]
    assert len(server.received) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        complains(400, "Invalid content part type: input_audio"),
        complains(422),
        complains(404, "No endpoints found that support input audio"),
        complains(500, "audio input is not supported - hint: you may need to provide the mmproj"),
        says("I'm sorry, but I am not able to directly listen to audio."),
        says("Audio is unsupported."),
        sends({"error": {"message": "no"}}),
    ],
)
def test_a_server_that_refuses_sound_is_given_text_alone(
    server: FaultServer, make: Make, waits: Waits, refusal: Answer
) -> None:
    server.rule = lambda received: refusal if received.sounds else None
    model = make()
    assert not model.hears
    (reply,) = model.generate([prompt("Listen:", audio=SOUND)], seed=1)
    assert reply.text == "fine"
    assert server.received[-1].json["messages"][-1]["content"] == "Listen:"
    assert waits == [], "it is refused at once"


def test_a_server_that_drops_sound_without_a_word_is_found_out_by_what_it_counts(
    server: FaultServer, make: Make
) -> None:
    server.rule = drops_sound
    assert not make().hears


def test_a_server_that_counts_nothing_is_believed(server: FaultServer, make: Make) -> None:
    server.otherwise = says("A tone.", tokens=(0, 0))
    assert make().hears


def test_a_server_in_trouble_is_not_taken_for_deaf(server: FaultServer, make: Make) -> None:
    server.otherwise = complains(503, "loading")
    model = make()
    with pytest.raises(ControllerError, match="loading"):
        assert model.hears
    server.otherwise = says("A tone.")
    server.rule = takes_sound
    assert model.hears


def test_a_sound_that_many_heard_is_the_same_in_all_their_prompts(server: FaultServer, make: Make) -> None:
    list(make(hears=True).generate([prompt("One", audio=SOUND), prompt("Two", audio=SOUND)], seed=1))
    assert len({request.sounds[0] for request in server.received}) == 1


def test_sound_is_left_out_of_what_others_than_users_say(server: FaultServer, make: Make) -> None:
    said = PromptMessage(Speaker.ASSISTANT, (Part("I said this.", SOUND),))
    heard = PromptMessage(Speaker.USER, (Part("", SOUND),))
    list(make(hears=True).generate([Prompt((said, heard), SCHEMA)], seed=1))
    messages = server.received[0].json["messages"]
    assert messages[0] == {"role": "assistant", "content": "I said this."}
    assert [part["type"] for part in messages[1]["content"]] == ["input_audio"]


@pytest.mark.parametrize("text", ["Beep.", "I cannot hear anything.", "Nothing.", "A supported tone.", ""])
def test_who_hears_nothing_in_particular_may_hear_all_the_same(text: str) -> None:
    assert heard_sound(Reply(text, Usage(20, 1)), Reply("What sound?", Usage(12, 1)))


@pytest.mark.parametrize(
    "text",
    [
        "I can’t process audio.",
        "As a text-based model I hear nothing.",
        "I don't have the ability to listen to sounds.",
        "This model does not support audio.",
    ],
)
def test_who_says_that_it_cannot_hear_is_believed(text: str) -> None:
    assert not heard_sound(Reply(text, Usage(20, 1)), Reply("What sound?", Usage(12, 1)))


def test_a_model_that_says_nothing_with_and_without_sound_is_judged_by_what_is_counted() -> None:
    empty = Reply("", Usage(12, 16), error="the answer is empty")
    assert heard_sound(Reply("", Usage(20, 16), error="the answer is empty"), empty)
    assert not heard_sound(empty, empty)
