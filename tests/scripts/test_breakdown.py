"""From document to performance: scenes, lines, roles, pauses, sounds, warnings and what is refused."""

from __future__ import annotations

import pytest

from speechagents.drama import (
    MAX_LINE_CHARS,
    MAX_NAME_CHARS,
    MAX_ROLES,
    NARRATOR,
    CueKind,
    Delivery,
    Line,
    Scene,
    SoundCue,
    Style,
    role_key,
)
from speechagents.errors import ScriptError, SettingsError
from speechagents.scripts.breakdown import (
    ACTION_PAUSE_PER_CHAR_S,
    ACTION_PAUSE_S,
    HEADING_PAUSE_S,
    MAX_ACTION_PAUSE_S,
    MAX_PAUSE_S,
    MAX_WARNINGS,
    Breakdown,
    break_down,
)
from speechagents.scripts.directions import BEAT_S, LONG_PAUSE_S
from speechagents.scripts.reading import parse_script


def perform(text: str, *, narrator: bool = False, language: str = "") -> Breakdown:
    return break_down(parse_script(text, source="play"), narrator=narrator, language=language)


def lines(text: str, *, narrator: bool = False) -> list[Line]:
    return [line for scene in perform(text, narrator=narrator).scenes for line in scene.lines]


def spoken(text: str, *, narrator: bool = False) -> list[tuple[str, str]]:
    return [(line.role, line.text) for line in lines(text, narrator=narrator)]


class TestScenes:
    def test_open_at_headings(self) -> None:
        scenes = perform("INT. A #1#\n\nANNA\nHi.\n\nEXT. B\n\nANNA\nHo.").scenes
        assert [(scene.title, scene.setting) for scene in scenes] == [("INT. A", "INT. A"), ("EXT. B", "EXT. B")]
        assert [[line.text for line in scene.lines] for scene in scenes] == [["Hi."], ["Ho."]]

    @pytest.mark.parametrize(("head", "title"), [("", "Opening"), ("Title: *Rain*\n\n", "Rain")])
    def test_begin_before_the_first_heading_with_the_title_of_the_play(self, head: str, title: str) -> None:
        scenes = perform(f"{head}ANNA\nHi.\n\nINT. B\n\nANNA\nHo.").scenes
        assert [(scene.title, scene.setting) for scene in scenes] == [(title, ""), ("INT. B", "INT. B")]

    def test_open_at_sections_where_there_are_no_headings(self) -> None:
        assert [scene.title for scene in perform("# One\n\nANNA\nHi.\n\n## Two\n\nANNA\nHo.").scenes] == [
            "One",
            "Two",
        ]

    def test_do_not_open_at_sections_beside_headings(self) -> None:
        assert [scene.title for scene in perform("# One\n\nINT. A\n\nANNA\nHi.").scenes] == ["INT. A"]

    def test_without_a_line_are_a_pause_before_the_next(self) -> None:
        (scene,) = perform("INT. A\n\nINT. B\n\nANNA\nHi.").scenes
        assert (scene.title, scene.lines[0].pause_s) == ("INT. B", HEADING_PAUSE_S)

    def test_without_a_line_leave_their_sounds_to_the_next(self) -> None:
        (scene,) = perform("INT. A\n\n[[sfx: bell]]\n\nINT. B\n\nANNA\nHi.").scenes
        assert [type(item) for item in scene.items] == [SoundCue, Line]

    def test_at_the_end_without_a_line_leave_their_sounds_to_the_last(self) -> None:
        (scene,) = perform("INT. A\n\nANNA\nHi.\n\nINT. B\n\n[[sfx: bell]]").scenes
        assert [type(item) for item in scene.items] == [Line, SoundCue]

    def test_number_their_lines_through_the_whole_script(self) -> None:
        assert [line.number for line in lines("INT. A\n\nANNA\nHi.\n\nINT. B\n\nBEN\nHo.\n\nANNA\nOh.")] == [
            1,
            2,
            3,
        ]


class TestLines:
    def test_are_free_of_markup(self) -> None:
        text = "ANNA\n**Hi** _there_ [[no]], /* not */ \\*you\\*.\nAgain."
        assert spoken(text) == [("ANNA", "Hi there , *you*. Again.")]

    def test_are_parted_by_parentheticals_and_go_on(self) -> None:
        first, second = lines("ANNA\nOne.\n(low)\nTwo.")
        assert (first.text, first.continues) == ("One.", False)
        assert (second.text, second.continues) == ("Two.", True)

    def test_do_not_go_on_from_another_speech_of_the_same_role(self) -> None:
        assert [line.continues for line in lines("ANNA\nOne.\n\nANNA (CONT'D)\nTwo.")] == [False, False]

    def test_know_their_place_in_the_source(self) -> None:
        assert [line.source_line for line in lines("INT. A\n\nANNA\nOne.\n(low)\nTwo.")] == [4, 6]

    def test_of_lyrics_are_sung(self) -> None:
        (line,) = lines("ANNA\n~La la\n~lo lo!")
        assert (line.text, line.style.tag) == ("La la, lo lo!", "singing")

    def test_take_their_style_from_the_parenthetical_before_punctuation(self) -> None:
        (line,) = lines("ANNA\n(whispering)\nGET OUT NOW!")
        assert line.style.tag == "whispering"

    def test_take_their_style_from_capitals_without_a_parenthetical(self) -> None:
        (line,) = lines("ANNA\nGET OUT NOW!")
        assert line.style.tag == "shouting"

    def test_keep_the_manner_behind_a_pause(self) -> None:
        assert [line.style.tag for line in lines("ANNA\n(sad)\nOne.\n(beat)\nTwo.")] == ["sad", "sad"]

    def test_lose_the_manner_with_the_next_speech(self) -> None:
        assert [line.style for line in lines("ANNA\n(sad)\nOne.\n\nANNA\nTwo.")][1] == Style()

    def test_without_a_word_are_a_pause(self) -> None:
        first, second = lines("ANNA\nOne.\n\nBEN\n...\n\nANNA\nTwo.")
        assert (first.role, second.role) == ("ANNA", "ANNA")
        assert second.pause_s > 0

    def test_longer_than_the_limit_are_cut_at_sentence_ends(self) -> None:
        sentence = "This is a sentence of a certain length. "
        pieces = lines("ANNA\n" + sentence * 200)
        assert len(pieces) == 4
        assert all(len(piece.text) <= MAX_LINE_CHARS and piece.text.endswith("length.") for piece in pieces)
        assert [piece.continues for piece in pieces] == [False, True, True, True]

    @pytest.mark.parametrize("unit", ["w", "word ", "word, ", "Word. ", "字", "字。", "e\u0301", "👩\u200d🚀x", "—"])
    def test_of_100_000_characters_are_cut_without_loss(self, unit: str) -> None:
        text = "Ab " + unit * (100_000 // len(unit))
        pieces = lines("ANNA\n" + text)
        assert all(len(piece.text) <= MAX_LINE_CHARS for piece in pieces)
        assert "".join("".join(piece.text.split()) for piece in pieces) == "".join(text.split())


class TestPauses:
    def test_are_asked_for_by_parentheticals(self) -> None:
        assert [line.pause_s for line in lines("ANNA\nOne.\n(beat)\nTwo.\n(long pause)\nThree.")] == [
            0.0,
            BEAT_S,
            LONG_PAUSE_S,
        ]

    def test_at_the_end_of_a_speech_come_before_the_next_one(self) -> None:
        assert [line.pause_s for line in lines("ANNA\nOne.\n(beat)\n\nBEN\nTwo.")] == [0.0, BEAT_S]

    def test_are_asked_for_inside_a_line(self) -> None:
        assert [(line.text, line.pause_s) for line in lines("ANNA\nOne. (beat) Two (or three).")] == [
            ("One.", 0.0),
            ("Two (or three).", BEAT_S),
        ]

    def test_grow_with_action_that_nobody_reads_up_to_a_limit(self) -> None:
        short, long = "He sits.", "He sits. " * 100
        pauses = [lines(f"ANNA\nOne.\n\n{action}\n\nBEN\nTwo.")[1].pause_s for action in (short, long)]
        assert pauses == pytest.approx([ACTION_PAUSE_S + len(short) * ACTION_PAUSE_PER_CHAR_S, MAX_ACTION_PAUSE_S])

    def test_are_never_longer_than_the_limit(self) -> None:
        assert lines("ANNA\nOne.\n\n" + "He sits.\n\n" * 100 + "BEN\nTwo.")[1].pause_s == MAX_PAUSE_S

    def test_are_not_made_by_page_furniture(self) -> None:
        assert lines("ANNA\nOne.\n\n(CONTINUED)\n\nCONTINUED: (2)\n\nBEN\nTwo.")[1].pause_s == 0.0


class TestDelivery:
    @pytest.mark.parametrize(
        ("cue", "delivery"),
        [
            ("ANNA", Delivery.DIRECT),
            ("ANNA (CONT'D)", Delivery.DIRECT),
            ("ANNA (V.O.)", Delivery.VOICE_OVER),
            ("ANNA (O.S.) (CONT'D)", Delivery.OFF_SCREEN),
            ("ANNA (on the radio)", Delivery.RADIO),
            ("ANNA (V.O., FILTERED)", Delivery.PHONE),
        ],
    )
    def test_is_said_by_the_extension(self, cue: str, delivery: Delivery) -> None:
        assert lines(f"{cue}\nHi.")[0].delivery is delivery

    def test_is_said_by_a_parenthetical_from_there_on(self) -> None:
        assert [line.delivery for line in lines("ANNA\nOne.\n(over phone, sad)\nTwo.\n(beat)\nThree.")] == [
            Delivery.DIRECT,
            Delivery.PHONE,
            Delivery.PHONE,
        ]

    def test_of_manner_in_an_extension_is_style(self) -> None:
        (line,) = lines("ANNA (WHISPERING)\nHi.")
        assert line.style.tag == "whispering"


class TestDualDialogue:
    def test_makes_the_first_line_of_the_second_speech_simultaneous(self) -> None:
        made = lines("ANNA\nOne.\n\nHe sits.\n\nANNA\nTwo.\n\nBEN ^\nThree.\n(beat)\nFour.")
        assert [line.simultaneous for line in made] == [False, False, True, False]
        assert made[2].pause_s == 0.0

    def test_needs_a_speech_before_it(self) -> None:
        assert [line.simultaneous for line in lines("INT. A\n\nANNA ^\nOne.")] == [False]
        assert not lines("ANNA\nOne.\n\nHe sits.\n\nBEN ^\nTwo.")[1].simultaneous
        assert not lines("ANNA\nOne.\n\nINT. A\n\nBEN ^\nTwo.")[1].simultaneous

    def test_is_not_parted_by_a_note(self) -> None:
        assert lines("ANNA\nOne.\n\n[[quick]]\n\nBEN ^\nTwo.")[1].simultaneous


class TestRoles:
    def test_come_in_order_of_their_first_line(self) -> None:
        assert [role.name for role in perform("BEN\nHi.\n\nANNA\nHo.\n\nBEN\nHm.").roles] == ["BEN", "ANNA"]

    def test_differing_in_case_are_one_with_a_warning(self) -> None:
        made = perform("Anna: Hi.\n\nANNA: Ho.\n\nBEN: Hm.")
        assert [role.name for role in made.roles] == ["Anna", "BEN"]
        assert {line.role for scene in made.scenes for line in scene.lines} == {"Anna", "BEN"}
        assert made.warnings == ("play:3: “ANNA” is taken for “Anna” of line 1: one role",)

    def test_in_common_stay_roles_of_their_own(self) -> None:
        assert [role.name for role in perform("ANNA AND BEN\nHi.\n\nBOTH\nHo.\n\nALL\nHm.").roles] == [
            "ANNA AND BEN",
            "BOTH",
            "ALL",
        ]

    @pytest.mark.parametrize(
        "name",
        ["../../ETC/PASSWD", "😀", "👩‍🚀", "שלום", "السلام", "安娜", "C" * MAX_NAME_CHARS, "CON", "A\u202eB", "Ⅳ"],
    )
    def test_may_have_any_name_that_can_be_seen(self, name: str) -> None:
        (role,) = perform(f"@{name}\nHi.").roles
        assert role.name.replace(" ", "") == name.replace("\u202e", "").replace("\u200d", "")

    def test_whose_names_are_too_long_are_refused_with_their_line(self) -> None:
        with pytest.raises(ScriptError, match=r"^play:3: a role's name of 301 characters, “C{40}…”; shorten it to 300"):
            perform("INT. A\n\n" + "C" * 301 + "\nHi.")

    def test_whose_names_cannot_be_seen_are_refused_with_their_line(self) -> None:
        with pytest.raises(ScriptError, match=r"^play:3: this role's name has no visible character"):
            perform("INT. A\n\n@\u200b\u202e\nHi.")

    def test_are_limited_in_number(self) -> None:
        with pytest.raises(ScriptError, match=rf"^play:{3 * MAX_ROLES + 1}: “R500” is role 501, .* split the script"):
            perform("".join(f"R{number}\nHi.\n\n" for number in range(10_000)))

    def test_have_the_profile_that_introduces_them(self) -> None:
        roles = perform("INT. A\n\nANNA (30s), a weary nurse, sits. Old BEN waits.\n\nANNA\nHi.\n\nBEN\nHo.").roles
        assert [(role.name, role.profile) for role in roles] == [("ANNA", "30s, a weary nurse"), ("BEN", "")]


class TestNarrator:
    TEXT = "INT. KITCHEN - DAY\n\nANNA (30s) *slowly* sits.\nShe waits.\n\nANNA\nHi.\n\nCUT TO:\n\n= S\n\n> THE END <"

    def test_reads_headings_and_action(self) -> None:
        assert spoken(self.TEXT, narrator=True) == [
            (NARRATOR, "Interior. Kitchen. Day."),
            (NARRATOR, "Anna (30s) slowly sits. She waits."),
            ("ANNA", "Hi."),
            (NARRATOR, "The End"),
        ]

    def test_is_silent_when_off(self) -> None:
        assert spoken(self.TEXT) == [("ANNA", "Hi.")]

    def test_reads_without_manner(self) -> None:
        assert {line.style for line in lines("INT. A\n\nBOOM! BANG! STOP!\n\nANNA\nHi.", narrator=True)[:2]} == {
            Style()
        }

    def test_sings_lyrics_that_nobody_else_sings(self) -> None:
        assert lines("~La la\n\nANNA\nHi.", narrator=True)[0].style.tag == "singing"

    def test_reads_scenes_in_which_nobody_speaks(self) -> None:
        assert [scene.title for scene in perform("INT. A\n\nINT. B\n\nANNA\nHi.", narrator=True).scenes] == [
            "INT. A",
            "INT. B",
        ]

    def test_shares_the_role_of_a_narrator_in_the_script(self) -> None:
        roles = perform("INT. A\n\nNarrator: Once.\n\nAnna: Hi.", narrator=True).roles
        assert [role.name for role in roles] == [NARRATOR, "Anna"]

    def test_reads_the_place_as_it_stands_in_other_languages(self) -> None:
        made = perform("Language: de\n\nINT. KÜCHE - TAG\n\nANNA\nHallo.", narrator=True)
        assert made.scenes[0].lines[0].text == "Küche. Tag."


class TestSounds:
    @pytest.mark.parametrize(
        ("text", "name", "kind"),
        [
            ("[[sfx: door slam]]", "door slam", CueKind.EFFECT),
            ("[[Ambience: rain]]", "rain", CueKind.AMBIENCE),
            ("SFX: DOOR SLAM", "DOOR SLAM", CueKind.EFFECT),
            ("SOUND: A bell.", "A bell", CueKind.EFFECT),
            ("AMBIENCE: RAIN", "RAIN", CueKind.AMBIENCE),
        ],
    )
    def test_are_cues_in_notes_and_action_that_nobody_reads(self, text: str, name: str, kind: CueKind) -> None:
        (scene,) = perform(f"INT. A\n\nANNA\nHi.\n\n{text}\n\nANNA\nHo.", narrator=True).scenes
        _, first, cue, second = scene.items
        assert isinstance(first, Line)
        assert isinstance(second, Line)
        assert isinstance(cue, SoundCue)
        assert (cue.name, cue.kind, cue.source_line) == (name, kind, 6)

    def test_stand_where_they_are_asked_for_inside_a_speech(self) -> None:
        (scene,) = perform("ANNA\nOne. [[sfx: bell]] Two.").scenes
        assert [item.name if isinstance(item, SoundCue) else item.text for item in scene.items] == [
            "One.",
            "bell",
            "Two.",
        ]

    def test_stand_where_they_are_asked_for_inside_action(self) -> None:
        (scene,) = perform("One.\nSFX: BELL\nTwo. [[sfx: horn]]\n\nANNA\nHi.", narrator=True).scenes
        assert [item.name if isinstance(item, SoundCue) else item.text for item in scene.items] == [
            "One.",
            "BELL",
            "Two.",
            "horn",
            "Hi.",
        ]

    def test_know_their_line_in_the_source(self) -> None:
        (scene,) = perform("ANNA\nOne.\nTwo [[sfx: a]] three [[no\nno]] [[sfx: b]].\n\nRain.\nSFX: C").scenes
        assert [item.source_line for item in scene.items if isinstance(item, SoundCue)] == [3, 4, 7]

    def test_are_no_pause_for_action(self) -> None:
        assert lines("ANNA\nOne.\n\nSFX: BELL\n\nANNA\nTwo.")[1].pause_s == 0.0


class TestWarnings:
    def test_name_unknown_manners_with_their_line(self) -> None:
        (warning,) = perform("ANNA\n(zorbly)\nHi.").warnings
        assert warning == "play:2: “zorbly” is no known manner of speech; punctuation decides"

    def test_come_once_for_each_manner(self) -> None:
        assert len(perform("ANNA\n(zorbly)\nHi.\n(zorbly)\nHo.").warnings) == 1

    def test_are_limited_in_number(self) -> None:
        stems = [a + b + "qx" for a in "bcdfghjklmnp" for b in "rstvwxzaeiou"]
        made = perform("ANNA\n" + "".join(f"(q{stem}zv)\nHi.\n" for stem in stems)).warnings
        assert len(made) == MAX_WARNINGS + 1
        assert made[-1].endswith("more warnings are left out")

    def test_are_none_for_an_ordinary_script(self) -> None:
        assert perform("INT. A\n\nANNA (V.O.)\n(sadly)\nHi.\n(to Ben)\nYou.\n(beat)\nGo.").warnings == ()


class TestLanguage:
    def test_is_english_unless_said(self) -> None:
        assert perform("Anna: Hi").language == "en"

    @pytest.mark.parametrize(("value", "tag"), [("de", "de"), ("Deutsch", "de"), ("pt_br", "pt-BR"), ("zh", "cmn")])
    def test_is_said_by_the_title_page(self, value: str, tag: str) -> None:
        assert perform(f"Title: X\nLanguage: {value}\n\nAnna: Hi").language == tag

    def test_that_is_asked_for_counts_more(self) -> None:
        assert perform("Title: X\nLanguage: de\n\nAnna: Hi", language="fr").language == "fr"

    def test_that_is_none_is_refused(self) -> None:
        with pytest.raises(ScriptError, match=r"^play: “Elvish tongue” on the title page is no language; write a tag"):
            perform("Title: X\nLanguage: Elvish tongue\n\nAnna: Hi")
        with pytest.raises(SettingsError, match=r"“\?” is no language; give a tag"):
            perform("Anna: Hi", language="?")


class TestNothingToSay:
    def test_is_an_error_with_a_remedy(self) -> None:
        with pytest.raises(ScriptError, match=r"^play: nothing in it is spoken; .* or turn the narrator on"):
            perform("It rains.")

    def test_is_an_error_with_the_narrator_on_too(self) -> None:
        with pytest.raises(ScriptError, match=r"nothing in it is spoken; write speech such as ANNA: Hello\.$"):
            perform("= One\n\n[[two]]\n\n/* three */\n\nCUT TO:", narrator=True)


def test_title_and_author_come_from_the_title_page() -> None:
    made = perform("Title: **Rain**\nAuthors:\n    A. Smith\n    B. Jones\n\nAnna: Hi")
    assert (made.title, made.author) == ("Rain", "A. Smith B. Jones")


def test_every_line_belongs_to_a_role_that_is_listed() -> None:
    made = perform("Anna: One.\n\nANNA: Two.\n\nanna (sad): Three.\n\nBen: Four.", narrator=True)
    listed = {role.name for role in made.roles}
    assert all(line.role in listed for scene in made.scenes for line in scene.lines)
    assert len({role_key(name) for name in listed}) == len(listed)
    assert isinstance(made.scenes[0], Scene)
