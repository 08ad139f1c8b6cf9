"""Of what a model wrote, only what can be spoken is left."""

from __future__ import annotations

import pytest

from speechagents.controllers.plain_speech import (
    MAX_DEED_CHARS,
    MAX_SPEECH_CHARS,
    deed_of,
    labelled,
    speech_of,
    starts_with_name,
)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Hello there.", "Hello there."),
        ("Ella: Hello.", "Hello."),
        ("**ELLA** (softly): Hello.", "Hello."),
        ("Ella: Ella: Hello.", "Hello."),
        ("Hello. Ella: Again.", "Hello. Again."),
        ("Cinderella: a tale.", "Cinderella: a tale."),
        ('"Hello there."', "Hello there."),
        ("“Hello there.”", "Hello there."),
        ('"Yes," he said, "no."', '"Yes," he said, "no."'),
        ("(sighs) Hello (looks away) you (she ((really)) sits).", "Hello you."),
        ("[beat] Hello 【笑】（微笑）.", "Hello."),
        ("*sighs* Hello. *She sits down.*", "Hello."),
        ("I did *not* ask.", "I did not ask."),
        ("I *look at the wall and* wait.", "I wait."),
        ("I **really** did `so` _always_.", "I really did so always."),
        ("# Hello\n- there", "Hello - there"),
        ('<speak>Hello<break time="9s"/> you</speak>', "Hello you"),
        ("2 < 3 > 1", "2 3 1"),
        ("Hel\x07lo \u202eyou\u200b", "Hel lo you"),
        ("(sighs)", ""),
        ("((((", ""),
        ("", ""),
        ("snake_case stays", "snake_case stays"),
    ],
)
def test_it_takes_away_names_directions_and_markup(written: str, spoken: str) -> None:
    assert speech_of(written, ("Ella",)) == spoken


def test_a_long_speech_ends_with_a_sentence() -> None:
    speech = speech_of("I have something to say. " * 100)
    assert len(speech) <= MAX_SPEECH_CHARS
    assert speech.endswith("say.")
    assert len(speech_of("a" * 10_000)) == MAX_SPEECH_CHARS
    assert len(deed_of("walks and walks. " * 100)) <= MAX_DEED_CHARS


@pytest.mark.parametrize(
    ("written", "done"),
    [
        ("puts the kettle on", "puts the kettle on"),
        ("*Ella puts the kettle on*", "puts the kettle on"),
        ("Ella: (puts the kettle on)", "puts the kettle on"),
        ("Ella's hand shakes", "Ella's hand shakes"),
        ("[***]", ""),
    ],
)
def test_a_deed_is_told_in_the_third_person_without_the_name(written: str, done: str) -> None:
    assert deed_of(written, ("Ella",)) == done


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Tom: Hello.", "Tom"),
        ("  **tom** :hello", "Tom"),
        ("Yes. Tom (tired): Hello.", "Tom"),
        ("Yes\nTom：hello", "Tom"),
        ("Father\u00a0 Ioane: bless you", "Father Ioane"),
        ("Tell Tom: hello", None),
        ("Tomorrow: rain", None),
        ("It is Tom.", None),
    ],
)
def test_it_finds_names_that_stand_in_front_like_in_a_script(text: str, found: str | None) -> None:
    assert labelled(text, ("Tom", "Father Ioane", "")) == found


def test_a_name_is_a_word_of_its_own() -> None:
    assert starts_with_name("TOM falls", "Tom")
    assert not starts_with_name("Tommy falls", "Tom")
    assert not starts_with_name("will not move", "Will")
    assert not starts_with_name("Tom's chair falls", "Tom")


@pytest.mark.parametrize("mark", ["*", "_", "(", "[", "<", "#", " ", "`", '"', "Ella", "Ella:", "-", "\n"])
def test_long_runs_of_marks_are_over_soon(mark: str) -> None:
    assert len(speech_of(mark * 100_000, ("Ella",))) <= MAX_SPEECH_CHARS
    assert len(deed_of("a" + mark * 100_000, ("Ella",))) <= MAX_DEED_CHARS
    labelled("Ella" + mark * 100_000, ("Ella",))
