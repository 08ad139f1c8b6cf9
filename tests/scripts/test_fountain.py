"""The Fountain syntax, item by item as https://fountain.io/syntax lists it."""

from __future__ import annotations

import pytest

from speechagents.errors import ScriptError
from speechagents.scripts.fountain import parse_fountain
from speechagents.scripts.script import (
    Action,
    Boneyard,
    Dialogue,
    Element,
    Heading,
    Lyric,
    Note,
    PageBreak,
    Part,
    PartKind,
    Section,
    Synopsis,
    Transition,
)


def read(text: str) -> tuple[Element, ...]:
    return parse_fountain(text).elements


def speech(text: str) -> Part:
    return Part(PartKind.SPEECH, text)


def aside(text: str) -> Part:
    return Part(PartKind.PARENTHETICAL, text)


class TestSceneHeadings:
    @pytest.mark.parametrize(
        "line",
        [
            "INT. HOUSE - DAY",
            "EXT. HOUSE - DAY",
            "EST. HOUSE - DAY",
            "INT HOUSE",
            "EXT HOUSE",
            "EST HOUSE",
            "INT./EXT. CAR - DAY",
            "INT./EXT CAR",
            "INT/EXT. CAR",
            "INT/EXT CAR",
            "I/E. CAR",
            "I/E CAR",
            "EXT/INT CAR",
        ],
    )
    def test_begin_with_a_known_prefix(self, line: str) -> None:
        assert read(f"{line}\n\nHe waits.") == (Heading(line), Action("He waits."))

    def test_may_be_in_small_letters(self) -> None:
        assert read("ext. brick's pool - day") == (Heading("ext. brick's pool - day"),)

    def test_need_a_dot_or_space_behind_the_prefix(self) -> None:
        assert read("INTERNAL AFFAIRS knocks.") == (Action("INTERNAL AFFAIRS knocks."),)

    def test_need_a_blank_line_before_them(self) -> None:
        assert read("He leaves.\nINT. HOUSE") == (Action("He leaves.\nINT. HOUSE"),)

    def test_may_be_followed_by_action_without_a_blank_line(self) -> None:
        assert read("INT. HOUSE\nHe waits.") == (Heading("INT. HOUSE"), Action("He waits."))

    def test_are_forced_by_a_leading_dot(self) -> None:
        assert read(".SNIPER SCOPE POV") == (Heading("SNIPER SCOPE POV"),)

    @pytest.mark.parametrize("line", ["...where the carnival is parked.", ". alone", "..two dots", ".-dash"])
    def test_are_forced_only_by_one_dot_and_a_letter_or_digit(self, line: str) -> None:
        assert read(line) == (Action(line),)

    def test_are_not_forced_by_an_exclamation_mark(self) -> None:
        assert read("!INT. HOUSE") == (Action("INT. HOUSE"),)

    @pytest.mark.parametrize("number", ["1", "1A", "1a", "A1", "I-1-A", "1.", "110A"])
    def test_carry_a_scene_number_between_number_signs(self, number: str) -> None:
        assert read(f"INT. HOUSE - DAY #{number}#") == (Heading("INT. HOUSE - DAY", number),)

    def test_keep_brackets_before_the_number(self) -> None:
        assert read("INT. HOUSE - FLASHBACK (1944) #110A#") == (Heading("INT. HOUSE - FLASHBACK (1944)", "110A"),)

    def test_keep_number_signs_that_hold_more_than_a_number(self) -> None:
        assert read("INT. FLAT #12 AND #13") == (Heading("INT. FLAT #12 AND #13"),)

    def test_keep_a_note_behind_the_number(self) -> None:
        assert read("INT. HOUSE #2# [[cheaper?]]") == (Heading("INT. HOUSE [[cheaper?]]", "2"),)


class TestAction:
    def test_is_any_other_paragraph(self) -> None:
        assert read("They drink.\n\nA long beat.") == (Action("They drink."), Action("A long beat."))

    def test_keeps_its_line_breaks(self) -> None:
        text = "And then there's a long beat.\nLonger than is funny.\nLong enough to be depressing."
        assert read(text) == (Action(text),)

    def test_is_forced_by_an_exclamation_mark(self) -> None:
        assert read("!SCANNING THE AISLES...\nWhere is he?") == (Action("SCANNING THE AISLES...\nWhere is he?"),)

    def test_is_forced_line_by_line(self) -> None:
        assert read("!> not centred <\n!~not sung") == (Action("> not centred <\n~not sung"),)

    def test_keeps_leading_spaces(self) -> None:
        assert read("A card:\n\n          Scott --") == (Action("A card:"), Action("          Scott --"))

    def test_has_four_spaces_for_a_tab(self) -> None:
        assert read("\t\tHe waits.") == (Action("        He waits."),)

    def test_is_centred_between_greater_and_less(self) -> None:
        assert read(">THE END<") == (Action("THE END", centered=True),)

    def test_loses_the_spaces_around_centred_text(self) -> None:
        assert read(">   THE END   <") == (Action("THE END", centered=True),)

    def test_joins_centred_lines_of_one_paragraph(self) -> None:
        assert read("> THE <\n> END <") == (Action("THE\nEND", centered=True),)


class TestCharacters:
    def test_stand_in_capitals_above_their_speech(self) -> None:
        assert read("STEEL\nThe man's a myth!") == (Dialogue("STEEL", (speech("The man's a myth!"),)),)

    def test_need_a_blank_line_before_them(self) -> None:
        assert read("He turns.\nSTEEL\nGo!") == (Action("He turns.\nSTEEL\nGo!"),)

    def test_need_text_right_below(self) -> None:
        assert read("STEEL\n\nThe man's a myth!") == (Action("STEEL"), Action("The man's a myth!"))

    def test_need_a_letter(self) -> None:
        assert read("23\nskidoo") == (Action("23\nskidoo"),)

    def test_may_hold_digits(self) -> None:
        assert read("R2D2\nBeep.") == (Dialogue("R2D2", (speech("Beep."),)),)

    def test_may_be_indented(self) -> None:
        assert read("\t\t\tSTEEL\n\tGo!") == (Dialogue("STEEL", (speech("Go!"),)),)

    @pytest.mark.parametrize("extension", ["V.O.", "O. S.", "CONT'D", "on the radio"])
    def test_have_extensions_in_any_case(self, extension: str) -> None:
        assert read(f"MOM ({extension})\nLuke!") == (Dialogue("MOM", (speech("Luke!"),), (extension,)),)

    def test_have_several_extensions(self) -> None:
        assert read("MOM (V.O.) (CONT'D)\nLuke!") == (Dialogue("MOM", (speech("Luke!"),), ("V.O.", "CONT'D")),)

    def test_are_forced_by_an_at_sign_that_keeps_their_case(self) -> None:
        assert read("@McCLANE\nYippie ki-yay!") == (Dialogue("McCLANE", (speech("Yippie ki-yay!"),)),)

    def test_of_scripts_without_capitals_are_forced(self) -> None:
        assert read("@安娜\n你好。") == (Dialogue("安娜", (speech("你好。"),)),)
        assert read("安娜\n你好。") == (Action("安娜\n你好。"),)

    def test_keep_a_note_on_their_line_as_silent_speech(self) -> None:
        assert read("ANNA [[rename?]]\nHi.") == (Dialogue("ANNA", (speech("[[rename?]]\nHi."),)),)

    def test_lose_the_emphasis_around_them(self) -> None:
        assert read("**ANNA** (V.O.)\nHi.") == (Dialogue("ANNA", (speech("Hi."),), ("V.O.",)),)


class TestDialogue:
    def test_keeps_its_line_breaks(self) -> None:
        assert read("DAN\nThen let's retire them.\n_Permanently_.") == (
            Dialogue("DAN", (speech("Then let's retire them.\n_Permanently_."),)),
        )

    def test_ends_at_a_blank_line(self) -> None:
        assert read("DEALER\nTen.\n\nHit or stand sir?") == (
            Dialogue("DEALER", (speech("Ten."),)),
            Action("Hit or stand sir?"),
        )

    def test_goes_on_behind_a_line_of_two_spaces(self) -> None:
        assert read("DEALER\nTen.\n  \nHit or stand sir?") == (
            Dialogue("DEALER", (speech("Ten.\n\nHit or stand sir?"),)),
        )

    def test_loses_leading_white_space(self) -> None:
        assert read("DAN\n    \tLow.") == (Dialogue("DAN", (speech("Low."),)),)

    def test_may_begin_with_an_ellipsis(self) -> None:
        assert read("DAN\n...so.") == (Dialogue("DAN", (speech("...so."),)),)


class TestParentheticals:
    def test_follow_a_cue_or_speech(self) -> None:
        assert read("STEEL\n(starting the engine)\nSo much for retirement!\n(pause)\nNo!") == (
            Dialogue(
                "STEEL",
                (aside("starting the engine"), speech("So much for retirement!"), aside("pause"), speech("No!")),
            ),
        )

    def test_may_be_indented(self) -> None:
        assert read("STEEL\n\t\t(low)\n\tGo.") == (Dialogue("STEEL", (aside("low"), speech("Go."))),)

    def test_may_be_wrapped(self) -> None:
        assert read("STEEL\n(low, and\nvery slow)\nGo.") == (
            Dialogue("STEEL", (aside("low, and very slow"), speech("Go."))),
        )

    def test_outside_dialogue_are_action(self) -> None:
        assert read("(a pause)") == (Action("(a pause)"),)

    def test_are_whole_lines(self) -> None:
        assert read("STEEL\n(low) Go.") == (Dialogue("STEEL", (speech("(low) Go."),)),)

    def test_are_not_made_of_an_escaped_bracket(self) -> None:
        assert read("STEEL\n\\(sic)") == (Dialogue("STEEL", (speech("(sic)"),)),)


class TestDualDialogue:
    @pytest.mark.parametrize("cue", ["STEEL ^", "STEEL^", "STEEL     ^", "STEEL (V.O.) ^"])
    def test_is_marked_by_a_caret_behind_the_second_cue(self, cue: str) -> None:
        first, second = read(f"BRICK\nScrew retirement.\n\n{cue}\nScrew retirement.")
        assert isinstance(first, Dialogue)
        assert isinstance(second, Dialogue)
        assert (first.dual, second.dual) == (False, True)
        assert second.character == "STEEL"


class TestLyrics:
    def test_begin_with_a_tilde(self) -> None:
        assert read("~Willy Wonka! Willy Wonka!\n~The amazing chocolatier!") == (
            Lyric("Willy Wonka! Willy Wonka!\nThe amazing chocolatier!"),
        )

    def test_inside_dialogue_are_parts_of_it(self) -> None:
        assert read("OOMPA\nListen:\n~Oompa\n~loompa") == (
            Dialogue("OOMPA", (speech("Listen:"), Part(PartKind.LYRIC, "Oompa\nloompa"))),
        )

    def test_end_a_paragraph_of_action(self) -> None:
        assert read("He sings.\n~La la") == (Action("He sings."), Lyric("La la"))


class TestTransitions:
    def test_are_in_capitals_and_end_in_to(self) -> None:
        assert read("A.\n\nCUT TO:\n\nB.") == (Action("A."), Transition("CUT TO:"), Action("B."))

    def test_may_be_indented(self) -> None:
        assert read("\t\t\t\tCUT TO:\n\nB.") == (Transition("CUT TO:"), Action("B."))

    def test_need_blank_lines_around_them(self) -> None:
        assert read("He waits.\nCUT TO:") == (Action("He waits.\nCUT TO:"),)

    def test_need_capitals(self) -> None:
        assert read("Cut to:") == (Action("Cut to:"),)

    def test_are_forced_by_a_greater_sign(self) -> None:
        assert read("> Burn to White.") == (Transition("Burn to White."),)

    def test_are_action_with_a_space_behind_the_colon(self) -> None:
        assert read("CUT TO: ") == (Action("CUT TO:"),)

    def test_are_headings_with_a_dot_before_them(self) -> None:
        assert read(".CUT TO:") == (Heading("CUT TO:"),)


class TestEmphasis:
    @pytest.mark.parametrize("text", ["*a*", "**a**", "***a***", "_a_", "_*a*_", "**\\*9765\\***", "*69 and *23"])
    def test_is_kept_as_written(self, text: str) -> None:
        assert read(f"He dials {text}.") == (Action(f"He dials {text}."),)


class TestTitlePage:
    def test_has_values_beside_or_below_their_keys(self) -> None:
        script = parse_fountain(
            "Title:\n    _**BRICK & STEEL**_\n    _**FULL RETIRED**_\nCredit: Written by\nDraft date: 1/20/2012\n"
            "Contact:\n\tNext Level\n\t1588 Mission Dr.\n\nFADE IN:"
        )
        assert script.title_page == (
            ("Title", "_**BRICK & STEEL**_\n_**FULL RETIRED**_"),
            ("Credit", "Written by"),
            ("Draft date", "1/20/2012"),
            ("Contact", "Next Level\n1588 Mission Dr."),
        )
        assert script.title == "BRICK & STEEL FULL RETIRED"
        assert script.elements == (Action("FADE IN:"),)

    def test_may_be_one_line(self) -> None:
        assert parse_fountain("Draft date: 6/23/2012").title_page == (("Draft date", "6/23/2012"),)

    def test_may_hold_keys_of_ones_own(self) -> None:
        assert parse_fountain("Mood: grim\nTitle: X\n\nHi.").title_page == (("Mood", "grim"), ("Title", "X"))

    def test_keeps_colons_in_values(self) -> None:
        assert parse_fountain("Title: X: the return\n\nHi.").title_page == (("Title", "X: the return"),)

    def test_is_not_made_of_fade_in(self) -> None:
        script = parse_fountain("FADE IN:\n\nINT. HOUSE")
        assert script.title_page == ()
        assert script.elements == (Action("FADE IN:"), Heading("INT. HOUSE"))

    def test_is_not_made_of_a_heading_with_a_colon(self) -> None:
        assert parse_fountain("INT. HOUSE: ATTIC\n\nHi.").title_page == ()

    def test_is_not_made_of_a_sentence_with_a_colon(self) -> None:
        assert read("He says one thing: no.\nThen he leaves.") == (Action("He says one thing: no.\nThen he leaves."),)

    def test_ends_at_the_first_line_of_the_script(self) -> None:
        script = parse_fountain("Title: X\nINT. HOUSE")
        assert (script.title_page, script.elements) == ((("Title", "X"),), (Heading("INT. HOUSE"),))


class TestPageBreaks:
    @pytest.mark.parametrize("line", ["===", "====", "=========="])
    def test_are_three_or_more_equals_signs(self, line: str) -> None:
        assert read(f"A.\n\n{line}\n\nB.") == (Action("A."), PageBreak(), Action("B."))

    def test_hold_nothing_more(self) -> None:
        assert read("=== x") == (Synopsis("== x"),)


class TestNotes:
    def test_stay_in_the_line_they_stand_in(self) -> None:
        text = "AKA DAN and JACK[[Or actual names?]]. They drink."
        assert read(text) == (Action(text),)

    def test_of_their_own_line_are_elements(self) -> None:
        assert read("A.\n\n[[It was Vietnamese, right?]]\n\nJACK\nYes.") == (
            Action("A."),
            Note("It was Vietnamese, right?"),
            Dialogue("JACK", (speech("Yes."),)),
        )

    def test_do_not_keep_a_cue_from_the_blank_line_before_it(self) -> None:
        assert read("[[why?]]\nJACK\nYes.") == (Note("why?"), Dialogue("JACK", (speech("Yes."),)))

    def test_may_run_over_lines(self) -> None:
        assert read("He waits.[[This needs\nwork.]] Rings.") == (Action("He waits.[[This needs\nwork.]] Rings."),)

    def test_may_hold_a_line_of_two_spaces(self) -> None:
        assert read("[[One.\n  \nTwo.]]") == (Note("One.\n\nTwo."),)

    def test_inside_dialogue_stay_there(self) -> None:
        assert read("JACK\nYes [[or\n\nno]] sir.") == (Dialogue("JACK", (speech("Yes [[or\n\nno]] sir."),)),)

    def test_can_be_written_as_plain_brackets(self) -> None:
        assert read("Press \\[[x to go.") == (Action("Press \\[[x to go."),)

    def test_without_an_end_are_an_error_with_its_line(self) -> None:
        with pytest.raises(ScriptError, match=r"^play\.fountain:5: this note is not closed; close it with \]\]"):
            parse_fountain("INT. HOUSE\n\nANNA\nHi.\nWait [[what\n\nBEN\nNothing.", source="play.fountain")

    def test_that_another_note_interrupts_are_an_error_with_their_own_line(self) -> None:
        with pytest.raises(ScriptError, match=r"^x:1: this note"):
            parse_fountain("One [[two\n\nthree [[four]] five", source="x")


class TestBoneyard:
    def test_of_its_own_is_an_element(self) -> None:
        assert read("A.\n\n/*\nINT. GARAGE - DAY\n\nBRICK\nGo!\n*/\n\nB.") == (
            Action("A."),
            Boneyard("INT. GARAGE - DAY\n\nBRICK\nGo!"),
            Action("B."),
        )

    def test_inside_a_line_stays_there(self) -> None:
        assert read("He /* slowly */ goes.") == (Action("He /* slowly */ goes."),)

    def test_inside_dialogue_hides_cues_and_blank_lines(self) -> None:
        assert read("ANNA\nHello /* cut\n\nBEN\nNo. */ you.") == (
            Dialogue("ANNA", (speech("Hello /* cut\n\nBEN\nNo. */ you."),)),
        )

    def test_may_hold_notes(self) -> None:
        assert read("/* [[open */") == (Boneyard("[[open"),)

    def test_without_an_end_is_an_error_with_its_line(self) -> None:
        with pytest.raises(ScriptError, match=r"^a\.fountain:3: this boneyard .* close it with \*/"):
            parse_fountain("A.\n\n/* B.\n\nC.", source="a.fountain")


class TestSectionsAndSynopses:
    def test_sections_have_a_depth(self) -> None:
        assert read("# Act\n\n## Sequence\n\n### Scene") == (
            Section("Act", 1),
            Section("Sequence", 2),
            Section("Scene", 3),
        )

    def test_synopses_are_lines_behind_an_equals_sign(self) -> None:
        assert read("# ACT I\n\n= Set up the story.") == (Section("ACT I"), Synopsis("Set up the story."))

    def test_both_stand_anywhere_outside_dialogue(self) -> None:
        assert read("He waits.\n= He is sad.\n# Act II\nThe door opens.") == (
            Action("He waits."),
            Synopsis("He is sad."),
            Section("Act II"),
            Action("The door opens."),
        )

    def test_a_cue_may_stand_right_below_them(self) -> None:
        assert read("He waits.\n\n# Act II\nANNA\nHi.")[1:] == (
            Section("Act II"),
            Dialogue("ANNA", (speech("Hi."),)),
        )


class TestLinesOfTheSource:
    def test_are_counted_in_the_file(self) -> None:
        heading, action, note, dialogue = read(
            "Title: X\n\nINT. HOUSE\n\nShe [[a\n\nb]] waits.\n\n[[c]]\nANNA\n(low)\nHi.\n"
        )
        assert isinstance(dialogue, Dialogue)
        assert [heading.source_line, action.source_line, note.source_line, dialogue.source_line] == [3, 5, 9, 10]
        assert [part.source_line for part in dialogue.parts] == [11, 12]

    @pytest.mark.parametrize("end", ["\r\n", "\r"])
    def test_are_the_same_with_other_line_ends(self, end: str) -> None:
        text = "INT. HOUSE\n\nANNA\nHi.\n\nShe waits.\n"
        assert parse_fountain(text.replace("\n", end)) == parse_fountain(text)
