"""The transcript: everything a hearer of the scene would want to know, nothing that only agents know, no way out."""

from __future__ import annotations

import re
from dataclasses import replace

from speechagents.agents.steps import Ending, Step
from speechagents.drama import Deed, Role, Style, Turn
from speechagents.ui.theme import role_colour
from speechagents.ui.transcript_view import cast_strip, colour_of, told, transcript
from tests.ui.scenes import EVIL, SCENE, message, step


def shown(*records: Step | Ending, **options: object) -> str:
    return transcript(SCENE, records, key="abc", link=lambda take: f"/take/{take}", **options)  # type: ignore[arg-type]


def test_each_message_has_its_speakers_colour_style_and_addressee() -> None:
    page = shown(step(0, message(1, "Tom", "Is it you?", style=Style("whispering"), addresses=("Ella", "Sophia"))))
    assert f"--sa-role:{role_colour(1)}" in page
    assert "whispering" in page
    assert "to Ella and Sophia" in page
    assert 'data-start="0.5"' in page


def test_private_cut_and_stand_in_lines_are_marked() -> None:
    page = shown(step(0, message(1, audience=("Tom",), cut=True, fallback="the model sent nothing")))
    assert "Heard by Tom alone" in page
    assert "broken off" in page
    assert 'title="the model sent nothing"' in page
    assert not re.search("private|broken off|stand-in", shown(step(0, message(1))))


def test_what_makes_no_sound_has_no_button_to_hear_it() -> None:
    page = shown(step(0, message(1, deed=Deed.ACT, text="puts the kettle on", take="")))
    assert "<p>Ella puts the kettle on</p>" in page
    assert "data-take" not in page
    assert 'data-look="1"' in page
    assert f'data-take="/take/{"ab" * 32}"' in shown(step(0, message(1)))


def test_silence_and_the_end_are_told() -> None:
    page = shown(step(0), Ending("all 6 turns are played"))
    assert "Tom stays silent." in page
    assert "The scene is over: all 6 turns are played." in page


def test_thoughts_never_stand_in_the_transcript() -> None:
    turn = Turn("Ella", text="Hello.", thoughts="I hate him.")
    assert "hate" not in shown(step(0, message(1), turn=turn, note="Hate him."))


def test_nothing_that_is_written_breaks_out_of_the_page() -> None:
    evil = message(1, EVIL, EVIL, addresses=(EVIL,), audience=(EVIL,), fallback=EVIL)
    scene = replace(SCENE, roles=(Role(EVIL), Role("Tom")))
    page = transcript(scene, [step(0, evil), Ending(EVIL)], key=EVIL, link=lambda _: EVIL)
    page += cast_strip(scene, {EVIL: EVIL})
    assert "<img" not in page
    assert not re.search(r'="[^"]*"\'', page)


def test_only_the_latest_are_shown_until_earlier_ones_are_asked_for() -> None:
    records = [step(number, message(number + 1)) for number in range(10)]
    page = shown(*records, shown=4)
    assert re.findall(r'data-message="(\d+)"', page) == ["7", "8", "9", "10"]
    assert "Show earlier turns (6 more)" in page
    assert "data-earlier" not in shown(*records, shown=10)


def test_the_chosen_message_is_told_to_those_who_cannot_see_it() -> None:
    page = shown(step(0, message(1), message(2, "Tom", "Mm-hm.", deed=Deed.BACK_CHANNEL)), chosen=2)
    assert page.count("sa-chosen") == 1
    assert 'data-look="2" aria-pressed="true"' in page
    assert "under the speech" in page


def test_messages_know_their_step() -> None:
    first, second = step(0, message(1), message(2, "Tom")), step(1)
    assert [(one.message.id, one.step) for one in told([first, second, Ending("done")])] == [(1, first), (2, first)]


def test_a_role_keeps_its_colour_however_its_name_is_spelt() -> None:
    assert colour_of(SCENE, "SOPHIA") == role_colour(2)
