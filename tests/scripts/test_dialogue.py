"""The plain dialogue form as people type and paste it."""

from __future__ import annotations

import pytest

from speechagents.errors import ScriptError
from speechagents.scripts.dialogue import parse_dialogue
from speechagents.scripts.script import (
    Action,
    Dialogue,
    Element,
    Heading,
    Note,
    Part,
    PartKind,
    Section,
    Transition,
)


def read(text: str) -> tuple[Element, ...]:
    return parse_dialogue(text).elements


def speech(text: str) -> Part:
    return Part(PartKind.SPEECH, text)


def aside(text: str) -> Part:
    return Part(PartKind.PARENTHETICAL, text)


def say(name: str, *parts: Part | str, extensions: tuple[str, ...] = (), dual: bool = False) -> Dialogue:
    return Dialogue(name, tuple(speech(p) if isinstance(p, str) else p for p in parts), extensions, dual)


class TestSpeakers:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("Anna: Hello!", say("Anna", "Hello!")),
            ("ANNA (happy): Hi", say("ANNA", aside("happy"), "Hi")),
            ("**Anna:** Hi", say("Anna", "Hi")),
            ("**Anna**: Hi", say("Anna", "Hi")),
            ("**Anna** (sad): Hi", say("Anna", aside("sad"), "Hi")),
            ("**Anna (sad):** Hi", say("Anna", aside("sad"), "Hi")),
            ("Anna (V.O.): Hi", say("Anna", "Hi", extensions=("V.O.",))),
            ("Anna (V.O.) (CONT'D) (sad): Hi", say("Anna", aside("sad"), "Hi", extensions=("V.O.", "CONT'D"))),
            ("Anna (ext: on the radio): Hi", say("Anna", "Hi", extensions=("on the radio",))),
            ("Anna (style: BEAT): Hi", say("Anna", aside("BEAT"), "Hi")),
            ("Anna (at 10:30): Hi", say("Anna", aside("at 10:30"), "Hi")),
            ("^Anna: Hi", say("Anna", "Hi", dual=True)),
            ("Mr. O'Brien-Smith: Hi", say("Mr. O'Brien-Smith", "Hi")),
            ("Guard #2: Halt!", say("Guard #2", "Halt!")),
            ("the old man: Hm", say("the old man", "Hm")),
            ("安娜：你好。", say("安娜", "你好。")),
            ("दादी: नमस्ते", say("दादी", "नमस्ते")),
            ("אנה: שלום", say("אנה", "שלום")),
            ("😀: Hi", say("😀", "Hi")),
            ("@10\\: the robot: Beep.", say("10: the robot", "Beep.")),
            ("@He rose and then said: Beep.", say("He rose and then said", "Beep.")),
            ('Anna:"Hi"', say("Anna", '"Hi"')),
        ],
    )
    def test_are_told_by_the_colon_behind_their_name(self, line: str, expected: Dialogue) -> None:
        assert read(line) == (expected,)

    @pytest.mark.parametrize(
        "line",
        [
            "10:30 and no one is here.",
            "10: 30",
            "http://example.org",
            "See http://example.org: it is good.",
            "Then she said: go.",
            "He turned around slowly and whispered to her: go.",
            "Well, then: go.",
            "Anna!: go",
            "SFX: DOOR SLAM",
            "Ambience: rain",
            "C:\\autoexec",
            "ratio 3:1",
        ],
    )
    def test_are_not_made_of_times_links_sentences_and_sounds(self, line: str) -> None:
        assert read(line) == (Action(line),)

    def test_need_something_to_say(self) -> None:
        assert read("Anna:\n\nShe leaves.") == (Action("Anna:"), Action("She leaves."))


class TestSpeech:
    def test_stands_behind_the_colon_or_below(self) -> None:
        assert read("Anna:\nHello.") == (say("Anna", "Hello."),)

    def test_goes_on_in_plain_lines_right_below(self) -> None:
        assert read("Anna: One\ntwo\nthree.") == (say("Anna", "One\ntwo\nthree."),)

    def test_goes_on_in_indented_lines(self) -> None:
        text = "Anna: One\n    (beat)\n    two\n    ~la\n    Ben: is no speaker here"
        lyric = Part(PartKind.LYRIC, "la")
        assert read(text) == (say("Anna", "One", aside("beat"), "two", lyric, "Ben: is no speaker here"),)

    def test_takes_brackets_on_a_line_of_their_own_for_a_parenthetical(self) -> None:
        assert read("Anna: One\n(beat)\ntwo") == (say("Anna", "One", aside("beat"), "two"),)

    def test_ends_at_the_next_speaker(self) -> None:
        assert read("Anna: One\nBen: Two") == (say("Anna", "One"), say("Ben", "Two"))

    @pytest.mark.parametrize(
        ("line", "element"),
        [
            ("[She leaves.]", Action("She leaves.")),
            ("!She leaves.", Action("She leaves.")),
            ("> CUT", Transition("CUT")),
            ("# Act", Section("Act")),
            ("[[why]]", Note("why")),
        ],
    )
    def test_ends_at_a_marked_line(self, line: str, element: Element) -> None:
        assert read(f"Anna: One\n{line}\nBen: Two") == (say("Anna", "One"), element, say("Ben", "Two"))

    def test_holds_an_empty_line_for_a_lone_backslash(self) -> None:
        assert read("Anna: One\n    \\\n    two") == (say("Anna", "One\n\ntwo"),)

    def test_holds_brackets_behind_a_backslash(self) -> None:
        assert read("Anna: \\(sic)") == (say("Anna", "(sic)"),)

    def test_keeps_brackets_before_words_as_written(self) -> None:
        assert read("Anna: (laughing) Hi") == (say("Anna", "(laughing) Hi"),)


class TestOtherLines:
    def test_an_unmarked_paragraph_is_action(self) -> None:
        assert read("Rain.\nMore rain.\n\nAnna: Hi") == (Action("Rain.\nMore rain."), say("Anna", "Hi"))

    @pytest.mark.parametrize("line", ["[Rain.]", "(Rain.)"])
    def test_a_line_in_brackets_outside_speech_is_action(self, line: str) -> None:
        assert read(line) == (Action("Rain."),)

    def test_a_speaker_ends_a_paragraph_of_action(self) -> None:
        assert read("Rain.\nAnna: Hi") == (Action("Rain."), say("Anna", "Hi"))

    def test_headings_are_those_of_fountain(self) -> None:
        assert read("INT. HOUSE: ATTIC #2#\n\n.NOWHERE") == (Heading("INT. HOUSE: ATTIC", "2"), Heading("NOWHERE"))

    @pytest.mark.parametrize("line", ["Scene 2", "SCENE 2: The garden", "Act II - Later"])
    def test_numbered_scenes_are_headings(self, line: str) -> None:
        assert read(f"{line}\n\nAnna: Hi") == (Heading(line), say("Anna", "Hi"))

    def test_a_text_pasted_with_its_indentation_is_read_like_any_other(self) -> None:
        assert read("    Anna: Hi\n    Ben: Ho") == (say("Anna", "Hi"), say("Ben", "Ho"))


class TestTitlePage:
    def test_stands_between_fences(self) -> None:
        script = parse_dialogue("---\nTitle: X\nMood:\n    a\n    b\n---\nAnna: Hi")
        assert script.title_page == (("Title", "X"), ("Mood", "a\nb"))
        assert script.elements == (say("Anna", "Hi"),)

    def test_needs_no_fences_when_its_first_key_is_known(self) -> None:
        script = parse_dialogue("Title: X\nLanguage: de\n\nAnna: Hi")
        assert script.title_page == (("Title", "X"), ("Language", "de"))

    def test_is_not_made_of_speakers(self) -> None:
        assert parse_dialogue("Anna: Hi\nBen: Ho").title_page == ()

    def test_without_a_second_fence_is_an_error_with_its_line(self) -> None:
        with pytest.raises(ScriptError, match=r"^a\.txt:2: the title page is not closed"):
            parse_dialogue("\n---\nTitle: X", source="a.txt")

    def test_with_other_lines_is_an_error_with_their_line(self) -> None:
        with pytest.raises(ScriptError, match=r"^a\.txt:3: not a line of a title page"):
            parse_dialogue("---\nTitle: X\nhello\n---", source="a.txt")


def test_an_unclosed_note_is_an_error_with_its_line() -> None:
    with pytest.raises(ScriptError, match=r"^a\.txt:2: this note is not closed"):
        parse_dialogue("Anna: Hi\nBen: Ho [[hm", source="a.txt")
