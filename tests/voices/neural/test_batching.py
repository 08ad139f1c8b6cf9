"""From a model to a synthesizer: what is spoken together, and what becomes of a line when something goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.abilities import Abilities, DeclaresAbilities
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.finishing import PIECE_GAP_S
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.synthesizer import ChecksLanguage, FailedTake, SpeaksAnew, SpokenLine, Take, Voice
from tests.voices.neural.scripted_speech import (
    RATE_HZ,
    VOICES,
    ScriptedSpeech,
    StreamingSpeech,
    cannot_say,
    line,
    nothing,
    speech,
)

PATIENCE_S = 20.0
WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")


def always(sound: Audio, utterance: Utterance) -> Audio:
    """The same sound for every text."""
    return sound


def takes(synthesizer: BatchedSpeech, *texts: str) -> list[Take]:
    results = list(synthesizer.speak([line(text) for text in texts]))
    assert all(isinstance(one, Take) for one in results), results
    return [one for one in results if isinstance(one, Take)]


# What is spoken together


def test_lines_of_all_voices_are_one_batch() -> None:
    model = ScriptedSpeech()
    lines = [line(f"Number {number}.", number % 3) for number in range(6)]
    results = list(speech(model).speak(lines))
    assert [one.line for one in results] == lines
    assert len(model.batches) == 1
    assert len(model.batches[0]) == 6


def test_a_batch_holds_no_more_than_it_may() -> None:
    model = ScriptedSpeech()
    takes(speech(model, max_batch=4), *(f"Number {number}." for number in range(10)))
    assert [len(batch) for batch in model.batches] == [4, 4, 2]


def test_only_texts_of_about_the_same_length_go_together_the_longest_first() -> None:
    model = ScriptedSpeech()
    texts = ["x" * length for length in (90, 10, 60, 100, 30, 46)]
    takes(speech(model), *texts)
    assert [sorted(map(len, batch)) for batch in model.batches] == [[46, 60, 90, 100], [10, 30]]
    assert all(batch == sorted(batch, key=len, reverse=True) for batch in model.batches)


def test_the_oldest_line_is_always_in_the_next_batch() -> None:
    model = ScriptedSpeech()
    lines = [line("a" * 100), *[line(f"{'b' * 20} {number}") for number in range(6)], line("c" * 99)]
    speaking = speech(model, max_batch=2).speak(lines)
    next(speaking)
    assert [one[0] for one in model.batches[0]] == ["a", "c"], "not the six that were more"


def test_a_long_line_is_spoken_in_pieces_that_are_joined_with_a_pause() -> None:
    model = ScriptedSpeech(max_chars=30)
    (take,) = takes(speech(model), "This is the first sentence. And this is the second one.")
    assert sorted(model.batches[0]) == ["And this is the second one.", "This is the first sentence."]
    assert take.audio.duration_s == pytest.approx(54 * 0.05 + PIECE_GAP_S, abs=0.01)


def test_pieces_of_a_line_are_joined_in_their_order_whatever_the_batches() -> None:
    pitches = {"one": 110.0, "two": 220.0, "three": 440.0}

    def sound(utterance: Utterance) -> Audio:
        at = np.arange(RATE_HZ // 2) / RATE_HZ
        hz = next(hz for word, hz in pitches.items() if word in utterance.text)
        return Audio((0.3 * np.sin(2 * np.pi * hz * at)).astype(np.float32), RATE_HZ)

    model = ScriptedSpeech(max_chars=80, sound=sound)
    text = f"one {'a' * 60}. two {'b' * 6}{'.' * 60} three {'c' * 70}."
    (take,) = takes(speech(model, max_batch=1), text)
    third = take.audio.frames // 3
    heard = []
    for part in range(3):
        middle = take.audio.samples[part * third + third // 3 : part * third + 2 * third // 3]
        heard.append(float(np.abs(np.fft.rfft(middle)).argmax()) * RATE_HZ / middle.size)
    assert heard == pytest.approx([110.0, 220.0, 440.0], rel=0.05)


def test_a_script_is_not_put_into_the_queue_as_a_whole() -> None:
    model = ScriptedSpeech()
    begun = 0

    class Script(list[SpokenLine]):
        def __iter__(self) -> Iterator[SpokenLine]:
            nonlocal begun
            for one in super().__iter__():
                begun += 1
                yield one

    speaking = speech(model).speak(Script(line(f"Number {number}.") for number in range(500)))
    next(speaking)
    assert begun == 64


def test_lines_with_nothing_to_say_never_reach_the_model() -> None:
    model = ScriptedSpeech()
    for take in takes(speech(model), "", "…", "- - -", "👋"):
        assert take.audio.rate_hz == RATE_HZ
        assert take.audio.peak == 0.0
        assert 0.1 < take.audio.duration_s < 1.0
    assert model.batches == []


def test_what_the_model_is_told_of_a_line() -> None:
    model = ScriptedSpeech()
    list(speech(model).speak([line("Hello.", 1, style=Style("angry", 0.5), language="de-AT")]))
    (utterance,) = model.utterances
    assert (utterance.text, utterance.voice, utterance.style, utterance.language) == (
        "Hello.",
        VOICES[1],
        Style("angry", 0.5),
        "de-AT",
    )


# The same every time


def test_a_line_has_the_same_seed_whatever_it_is_spoken_with() -> None:
    alone, among = ScriptedSpeech(), ScriptedSpeech()
    takes(speech(alone), "Alpha.")
    takes(speech(among), "Bravo.", "Alpha.", "Charlie.")
    assert alone.utterances[0].seed == next(one.seed for one in among.utterances if one.text == "Alpha.")


def test_every_other_line_attempt_and_piece_has_another_seed() -> None:
    model = ScriptedSpeech(max_chars=20)
    list(
        speech(model).speak(
            [
                line("The same thing. The same thing."),
                line("The same thing. The same thing.", attempt=1),
                line("The same thing. The same thing.", 1),
                line("The same thing. The same thing.", style=Style("angry")),
            ]
        )
    )
    seeds = [one.seed for one in model.utterances]
    assert len(seeds) == len(set(seeds)) == 8
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_the_same_line_gives_the_same_samples() -> None:
    one, other = speech(ScriptedSpeech()), speech(ScriptedSpeech(), max_batch=1)
    (alone,) = takes(one, "Alpha.")
    among = takes(other, *WORDS, "Alpha.")[-1]
    assert np.array_equal(alone.audio.samples, among.audio.samples)


# Full memory


def test_a_batch_that_does_not_fit_is_halved_and_no_larger_one_is_tried_again() -> None:
    model = ScriptedSpeech(fits=3)
    synthesizer = speech(model, max_batch=8)
    assert len(takes(synthesizer, *WORDS)) == 8
    assert [len(batch) for batch in model.batches] == [8, 4, 2, 2, 2, 2]
    model.batches.clear()
    takes(synthesizer, *WORDS)
    assert [len(batch) for batch in model.batches] == [2, 2, 2, 2]


def test_an_odd_batch_is_halved_too() -> None:
    model = ScriptedSpeech(fits=2)
    assert len(takes(speech(model, max_batch=7), *WORDS[:7])) == 7
    assert [len(batch) for batch in model.batches] == [7, 3, 1, 1, 1, 1, 1, 1, 1]


def test_each_piece_is_spoken_once_though_its_batch_was_halved() -> None:
    spoken: list[str] = []
    model = ScriptedSpeech(fits=3, trouble=lambda batch: spoken.extend(one.text for one in batch))
    takes(speech(model, max_batch=8), *WORDS)
    assert sorted(spoken) == sorted(WORDS)


def test_a_single_piece_that_does_not_fit_fails_its_line_alone() -> None:
    model = ScriptedSpeech(fits=0)
    results = list(speech(model).speak([line("Alpha."), line("…")]))
    assert isinstance(results[0], FailedTake)
    assert "close other programs, or use a smaller model" in results[0].reason
    assert isinstance(results[1], Take)


# Pieces that cannot be spoken


def test_a_bad_piece_fails_its_line_alone() -> None:
    model = ScriptedSpeech(trouble=cannot_say("charlie"))
    results = list(speech(model).speak([line(word) for word in WORDS]))
    assert [one.line.text for one in results if isinstance(one, FailedTake)] == ["charlie"]
    assert next(one.reason for one in results if isinstance(one, FailedTake)) == "cannot say 'charlie'"
    assert [len(batch) for batch in model.batches] == [8] + [1] * 8


def test_a_line_of_which_one_piece_fails_fails() -> None:
    model = ScriptedSpeech(trouble=cannot_say("second"), max_chars=20)
    results = list(speech(model).speak([line("The first one. The second one. The third."), line("Fine.")]))
    assert isinstance(results[0], FailedTake)
    assert isinstance(results[1], Take)


def test_silence_and_nothing_are_no_takes() -> None:
    for samples in (np.zeros(RATE_HZ, np.float32), np.zeros(0, np.float32), np.full(RATE_HZ, np.nan, np.float32)):
        sound = Audio(samples, RATE_HZ)
        (result,) = speech(ScriptedSpeech(sound=partial(always, sound))).speak([line("Alpha.")])
        assert isinstance(result, FailedTake)
        assert "the model made nothing of it" in result.reason


def test_a_model_that_speaks_in_stereo_is_mixed() -> None:
    wide = Audio(np.stack([np.full(4_000, 0.2, np.float32), np.full(4_000, 0.4, np.float32)], axis=1), RATE_HZ)
    (take,) = takes(speech(ScriptedSpeech(sound=partial(always, wide), max_chars=20)), "The first one. The second one.")
    assert take.audio.channels == 1


def test_what_never_reaches_the_model_fails_with_its_reason() -> None:
    model = ScriptedSpeech()
    stranger = replace(VOICES[0], id="nobody")
    results = list(
        speech(model).speak(
            [
                SpokenLine("Alpha.", stranger),
                line("x" * 20_001),
                line("Alpha.", language="fr-CA"),
            ]
        )
    )
    reasons = [one.reason for one in results if isinstance(one, FailedTake)]
    assert len(reasons) == 3
    assert "'nobody' is no voice" in reasons[0]
    assert "longer than 20000 characters" in reasons[1]
    assert "does not speak 'fr-CA'; it speaks en, de" in reasons[2]
    assert model.batches == []


# Several callers


def test_pieces_of_several_callers_are_spoken_together() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def waits(batch: Sequence[Utterance]) -> None:
        if batch[0].text == "first":
            inside.set()
            go_on.wait(PATIENCE_S)

    model = ScriptedSpeech(trouble=waits)
    synthesizer = speech(model)

    def speak(*words: str) -> list[str]:
        return [one.line.text for one in synthesizer.speak([line(word) for word in words])]

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(speak, "first")
        assert inside.wait(PATIENCE_S)
        others = [threads.submit(speak, "alpha", "bravo"), threads.submit(speak, "charlie")]
        while len(synthesizer._queue) < 3:  # both have put their lines there, and wait
            threading.Event().wait(0.001)
        go_on.set()
        assert first.result() == ["first"]
        assert [one.result() for one in others] == [["alpha", "bravo"], ["charlie"]]
    assert [sorted(batch) for batch in model.batches] == [["first"], ["alpha", "bravo", "charlie"]]


def test_one_thread_at_a_time_is_in_the_model() -> None:
    model = ScriptedSpeech()
    synthesizer = speech(model, max_batch=2)

    def speak(who: int) -> list[str]:
        return [one.line.text for one in synthesizer.speak([line(f"{who} says {number}") for number in range(8)])]

    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(speak, range(6)))
    assert found == [[f"{who} says {number}" for number in range(8)] for who in range(6)]
    assert model.at_once == 1
    assert sorted(text for batch in model.batches for text in batch) == sorted(text for one in found for text in one)


def test_who_stops_listening_takes_its_lines_along() -> None:
    model = ScriptedSpeech()
    synthesizer = speech(model, max_batch=1)
    speaking = synthesizer.speak([line(word) for word in WORDS])
    next(speaking)
    speaking.close()  # type: ignore[attr-defined]
    takes(synthesizer, "zulu")
    assert model.batches == [["alpha"], ["zulu"]]


def test_who_never_begins_to_listen_leaves_nothing_behind() -> None:
    model = ScriptedSpeech()
    synthesizer = speech(model)
    synthesizer.speak([line(word) for word in WORDS])
    takes(synthesizer, "zulu")
    assert model.batches == [["zulu"]]


# A model that breaks


def test_a_model_that_breaks_breaks_the_caller_and_leaves_no_line_behind() -> None:
    model = ScriptedSpeech(max_chars=20)
    synthesizer = speech(model, max_batch=1)

    def breaks(batch: Sequence[Utterance]) -> None:
        raise RuntimeError("a bug in the model")

    model.trouble = breaks
    with pytest.raises(RuntimeError, match="a bug in the model"):
        list(synthesizer.speak([line("The first one. The second one. The third."), line("Another.")]))
    assert synthesizer._queue == []
    model.trouble = nothing
    model.batches.clear()
    takes(synthesizer, "zulu")
    assert model.batches == [["zulu"]]


def test_other_callers_of_a_model_that_breaks_are_told_and_do_not_wait_for_ever() -> None:
    """One caller speaks the pieces of another; the second half of a halved batch must not be forgotten either."""
    first_inside, go_on = threading.Event(), threading.Event()

    def breaks(batch: Sequence[Utterance]) -> None:
        if batch[0].text == "first":
            first_inside.set()
            go_on.wait(PATIENCE_S)
            return
        raise RuntimeError("a bug in the model")

    model = ScriptedSpeech(fits=2, trouble=breaks)
    synthesizer = speech(model, max_batch=8)

    def speak(*words: str) -> str:
        try:
            results = list(synthesizer.speak([line(word) for word in words]))
        except RuntimeError as error:
            return str(error)
        return "; ".join(one.reason for one in results if isinstance(one, FailedTake))

    with ThreadPoolExecutor(3) as threads:
        first = threads.submit(speak, "first")
        assert first_inside.wait(PATIENCE_S)
        others = [threads.submit(speak, "alpha", "bravo"), threads.submit(speak, "charlie", "delta")]
        while len(synthesizer._queue) < 4:
            threading.Event().wait(0.001)
        go_on.set()
        assert first.result(PATIENCE_S) == ""
        assert sorted(one.result(PATIENCE_S) for one in others) == [
            "a bug in the model",
            "the model broke off; the model broke off",
        ]


def test_a_model_that_gives_too_few_sounds_is_no_model() -> None:
    class Short(ScriptedSpeech):
        def render(self, utterances: Sequence[Utterance]) -> Sequence[Audio]:
            return super().render(utterances)[:-1]

    with pytest.raises(ValueError, match="zip"):
        list(speech(Short()).speak([line("Alpha."), line("Bravo.")]))


# What it says of itself


def test_it_is_all_that_a_synthesizer_can_be() -> None:
    synthesizer = speech(ScriptedSpeech())
    assert isinstance(synthesizer, DeclaresAbilities)
    assert isinstance(synthesizer, ChecksLanguage)
    assert isinstance(synthesizer, SpeaksAnew)
    assert synthesizer.identity == "scripted speech 1"
    assert list(synthesizer.voices) == list(VOICES)
    synthesizer.check_language("EN_us")
    synthesizer.check_language("")
    with pytest.raises(SettingsError, match="does not speak 'fr'"):
        synthesizer.check_language("fr")
    speech(ScriptedSpeech(languages=())).check_language("fr")


def test_settings_that_cannot_be_are_refused() -> None:
    for max_batch in (0, 2_000):
        with pytest.raises(SettingsError, match="not between 1 and 1024"):
            speech(ScriptedSpeech(), max_batch=max_batch)
    with pytest.raises(SettingsError, match="at least one voice"):
        BatchedSpeech(ScriptedSpeech(), [])


def test_a_model_that_clones_gives_voices_that_can_be_spoken_with() -> None:
    with pytest.raises(SynthesisError, match="makes no voices of recordings"):
        speech(ScriptedSpeech()).clone(Audio.silence(3.0, RATE_HZ), "Ann")
    model = Cloning()
    synthesizer = speech(model)
    voice = synthesizer.clone(Audio.silence(3.0, RATE_HZ), "Ann")
    assert voice.description == "Ann"
    (result,) = synthesizer.speak([SpokenLine("Alpha.", voice)])
    assert isinstance(result, Take)
    assert list(synthesizer.voices) == list(VOICES), "the catalogue stays the catalogue"


class Cloning(ScriptedSpeech):
    """A model that makes voices."""

    @property
    def abilities(self) -> Abilities:
        return replace(ScriptedSpeech().abilities, clones=True)

    def clone(self, sample: Audio, name: str) -> Voice:
        return replace(VOICES[0], id="cloned", description=name)


# Sound while it is made


def test_a_model_that_streams_is_heard_before_it_has_finished() -> None:
    goes_on = threading.Semaphore(1)
    model = StreamingSpeech(goes_on=lambda: goes_on.acquire(timeout=PATIENCE_S))
    sounds = speech(model).stream(line("This takes some time."))
    first = next(sounds)
    assert model.handed_over <= 2
    goes_on.release(100)
    whole = np.concatenate([first.samples, *(sound.samples for sound in sounds)])
    assert whole.size / RATE_HZ == pytest.approx(21 * 0.05, abs=0.03)


def test_the_pieces_of_a_long_line_are_streamed_one_after_the_other_with_a_pause() -> None:
    model = StreamingSpeech(max_chars=30)
    text = "This is the first sentence. And this is the second one."
    seconds = sum(sound.duration_s for sound in speech(model).stream(line(text)))
    assert model.batches == [["This is the first sentence."], ["And this is the second one."]]
    assert seconds == pytest.approx(54 * 0.05 + PIECE_GAP_S, abs=0.03)


def test_who_stops_listening_stops_the_model_and_others_can_speak() -> None:
    goes_on = threading.Semaphore(0)
    model = StreamingSpeech(goes_on=lambda: goes_on.acquire(timeout=PATIENCE_S))
    synthesizer = speech(model)
    sounds = synthesizer.stream(line("A long sentence that nobody wants to hear to its end, really."))
    goes_on.release(1)
    next(sounds)
    sounds.close()
    goes_on.release(1)
    assert len(takes(synthesizer, "Alpha.")) == 1, "it waits for the model to stop"
    assert model.handed_over <= 3


def test_what_a_model_refuses_is_a_reason_after_what_was_heard() -> None:
    model = StreamingSpeech(trouble=cannot_say("fish"), max_chars=20)
    heard: list[Audio] = []

    def listen() -> None:
        heard.extend(speech(model).stream(line("The first sentence. Then fish.")))

    with pytest.raises(SynthesisError, match="cannot say 'fish'"):
        listen()
    assert sum(sound.duration_s for sound in heard) > 0.8


@pytest.mark.parametrize(
    ("spoken", "said"),
    [
        (replace(line("Hello."), voice=replace(VOICES[0], id="nobody")), "no voice of this model"),
        (line("Bonjour.", language="fr"), "does not speak 'fr'"),
        (line("x" * 20_001), "longer than 20000"),
    ],
)
def test_what_is_refused_as_a_take_is_refused_as_a_stream(spoken: SpokenLine, said: str) -> None:
    with pytest.raises(SynthesisError, match=said):
        next(speech(StreamingSpeech()).stream(spoken))


def test_a_model_that_does_not_stream_says_so() -> None:
    synthesizer = speech(ScriptedSpeech())
    assert not synthesizer.streams
    with pytest.raises(SynthesisError, match="let it speak whole lines"):
        next(synthesizer.stream(line("Hello.")))
