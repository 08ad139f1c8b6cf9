"""A script on the shelf: edited, cast, performed, and one line of it spoken anew."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
import soundfile as sf

from speechagents.errors import CastError, NoSuchProduction, ProductionBusy, ProductionError, ScriptError
from speechagents.scripts.reading import parse_script
from speechagents.serving.house import House
from speechagents.serving.runs import Run
from speechagents.settings import PerformSettings
from speechagents.ui.dialogue_editing import speeches_of, with_speech
from speechagents.ui.drafts import Draft, title_of
from tests.conftest import PLAY
from tests.ui.visiting import ANNA, BEN

QUICK = PerformSettings(formats=("vtt", "json"))


def draft_of(house: House, text: str = PLAY) -> Draft:
    return Draft.begin(house, ANNA, parse_script(text, source="play.fountain"))


def done(run: Run) -> Run:
    assert run.wait(60.0)
    assert run.view().error == ""
    return run


def test_a_script_is_on_the_shelf_before_anything_is_performed(house: House) -> None:
    draft = draft_of(house)
    card = house.shelf(ANNA).card(draft.id)
    assert (card.title, card.state) == ("The Umbrella", "new")
    assert draft.script().title == "The Umbrella"


def test_a_script_in_which_nobody_speaks_takes_no_room_on_the_shelf(house: House) -> None:
    with pytest.raises(ScriptError):
        draft_of(house, "Title: Nothing\n\n= only a synopsis\n")
    assert house.shelf(ANNA).cards() == ()


def test_another_visitors_script_is_not_there(house: House) -> None:
    stolen = replace(draft_of(house), visitor=BEN)
    for use in (stolen.script, lambda: stolen.cast(QUICK), lambda: stolen.perform(QUICK), stolen.settings):
        with pytest.raises(NoSuchProduction):
            use()


def test_one_changed_line_is_the_only_one_spoken_anew(house: House) -> None:
    draft = draft_of(house)
    first = done(draft.perform(QUICK)).view().finished
    assert first is not None
    assert (first.spoken, first.lines) == (6, 6)
    draft.save(with_speech(draft.script(), 3, "It has stopped.", "sad"))
    again = done(draft.perform(QUICK)).view().finished
    assert again is not None
    assert (again.spoken, again.lines) == (1, 6)


def test_a_line_that_is_only_heard_is_not_kept(house: House) -> None:
    draft = draft_of(house)
    done(draft.perform(QUICK))
    takes = sorted((draft.production.folder / "takes").iterdir())
    changed = with_speech(draft.script(), 3, "It has stopped.", "sad")
    speech = next(s for s in speeches_of(draft.script(), draft.play(QUICK)) if s.index == 3)
    sound = draft.hear(speech.lines, QUICK)
    assert sf.info(io.BytesIO(sound)).duration > 0.5
    assert sorted((draft.production.folder / "takes").iterdir()) == takes
    assert draft.script() != changed


def test_another_voice_sounds_otherwise_and_is_refused_if_there_is_none(house: House) -> None:
    draft = draft_of(house)
    speech = speeches_of(draft.script(), draft.play(QUICK))[0]
    own = draft.cast(QUICK)["ANNA"].voice.id
    other = next(voice.id for voice in house.studio.synthesizer.voices if voice.id != own)
    assert draft.hear(speech.lines, QUICK) != draft.hear(speech.lines, QUICK, voice=other)
    with pytest.raises(CastError):
        draft.hear(speech.lines, QUICK, voice="nobody")


def test_a_chosen_voice_stays_and_the_reasons_of_the_others_too(house: House) -> None:
    draft = draft_of(house)
    before = draft.cast(QUICK)
    wanted = next(v.id for v in house.studio.synthesizer.voices if v.id not in {c.voice.id for c in before})
    after = draft.give_voice("ANNA", wanted, QUICK)
    assert (after["ANNA"].voice.id, after["ANNA"].why) == (wanted, "your choice")
    assert (after["MR BEN"].voice, after["MR BEN"].why) == (before["MR BEN"].voice, before["MR BEN"].why)
    done(draft.perform(QUICK))
    assert draft.production.record()["cast"]["ANNA"] == wanted


@pytest.mark.parametrize(("role", "voice"), [("NOBODY", "adam"), ("ANNA", "no-such-voice"), ("ANNA", "../x")])
def test_a_role_or_voice_that_is_not_there_changes_nothing(house: House, role: str, voice: str) -> None:
    draft = draft_of(house)
    with pytest.raises(CastError):
        draft.give_voice(role, voice, QUICK)
    assert not draft.production.cast_path.exists()


def test_what_is_being_performed_is_not_edited(house: House) -> None:
    draft = draft_of(house, "Title: Long\n\n" + "ANNA\nAnd so on, and so on, and so on.\n\nBEN\nWhy?\n\n" * 200)
    run = draft.perform(QUICK)
    run.pause()
    try:
        with pytest.raises(ProductionBusy):
            draft.save(draft.script())
        with pytest.raises(ProductionBusy):
            draft.give_voice("ANNA", "adam", QUICK)
        with pytest.raises(ProductionBusy):
            draft.perform(QUICK)
    finally:
        run.stop()
        assert run.wait(60.0)


def test_the_options_of_the_last_run_are_remembered(house: House) -> None:
    draft = draft_of(house)
    assert draft.settings() == PerformSettings()
    wanted = PerformSettings(formats=("vtt", "json"), master="r128", narrator=True, seed=7)
    done(draft.perform(wanted))
    assert draft.settings() == wanted


def test_a_production_without_a_script_says_where_it_belongs(house: House) -> None:
    scene = house.shelf(ANNA).create("A scene", "improvise")
    with pytest.raises(ProductionError, match="page it was made on"):
        Draft(house, ANNA, scene).script()


def test_a_script_without_a_title_is_called_by_its_file() -> None:
    assert title_of(parse_script("ANNA: Hi.", source="my-play.txt")) == "my-play"
    assert title_of(parse_script("ANNA: Hi.")) == "Untitled"
