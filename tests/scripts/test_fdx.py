"""Final Draft files as its versions write them, and files that try to do harm."""

from __future__ import annotations

import pytest

from speechagents.errors import ScriptError
from speechagents.scripts.fdx import parse_fdx
from speechagents.scripts.inline import plain
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
    Transition,
)


def document(content: str, rest: str = "") -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no" ?>\n'
        '<FinalDraft DocumentType="Script" Template="No" Version="5">\n'
        f"<Content>\n{content}\n</Content>\n{rest}\n</FinalDraft>\n"
    ).encode()


def paragraph(kind: str, text: str, attributes: str = "") -> str:
    return f'<Paragraph Type="{kind}" {attributes}><Text>{text}</Text></Paragraph>'


def read(content: str, rest: str = "") -> tuple[Element, ...]:
    return parse_fdx(document(content, rest)).elements


def say(name: str, *parts: Part | str, extensions: tuple[str, ...] = (), dual: bool = False) -> Dialogue:
    return Dialogue(name, tuple(Part(PartKind.SPEECH, p) if isinstance(p, str) else p for p in parts), extensions, dual)


def test_typed_paragraphs_become_elements() -> None:
    content = "".join(
        (
            paragraph("Scene Heading", "INT. KITCHEN", 'Number="12A"'),
            '<Paragraph Type="Scene Heading"><SceneProperties Page="1"/><Text>EXT. YARD</Text></Paragraph>',
            paragraph("Action", "Ravi enters &amp; waits."),
            paragraph("Character", "RAVI (V.O.) (CONT'D)"),
            paragraph("Parenthetical", "(dripping)"),
            paragraph("Dialogue", "It rains."),
            paragraph("Lyrics", "La la"),
            paragraph("Shot", "CLOSE ON THE CUP"),
            paragraph("General", "A remark."),
            paragraph("Lyrics", "Off we go"),
            paragraph("Transition", "CUT TO:"),
            paragraph("Cast List", "(Ravi, Mei)"),
            paragraph("New Act", "ACT TWO"),
        )
    )
    assert read(content) == (
        Heading("INT. KITCHEN", "12A"),
        Heading("EXT. YARD"),
        Action("Ravi enters & waits."),
        say(
            "RAVI",
            Part(PartKind.PARENTHETICAL, "dripping"),
            "It rains.",
            Part(PartKind.LYRIC, "La la"),
            extensions=("V.O.", "CONT'D"),
        ),
        Action("CLOSE ON THE CUP"),
        Action("A remark."),
        Lyric("Off we go"),
        Transition("CUT TO:"),
        Note("(Ravi, Mei)"),
        Action("ACT TWO", centered=True),
    )


@pytest.mark.parametrize("wrapped", [True, False])
def test_dual_dialogue_is_simultaneous_from_the_second_speaker(wrapped: bool) -> None:
    inner = "".join(paragraph(kind, text) for kind, text in [("Character", "MEI"), ("Dialogue", "Told you.")] * 2)
    dual = f"<DualDialogue>{inner}</DualDialogue>"
    content = f"<Paragraph>{dual}</Paragraph>" if wrapped else dual
    assert read(content + paragraph("Action", "Rain.")) == (
        say("MEI", "Told you."),
        say("MEI", "Told you.", dual=True),
        Action("Rain."),
    )


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ('<Text Style="Italic">soaked</Text>', "*soaked*"),
        ('<Text Style="Bold">soaked</Text>', "**soaked**"),
        ('<Text Style="Bold+Italic+Underline">soaked</Text>', "***_soaked_***"),
        ('<Text>He is </Text><Text Style="Bold"> very </Text><Text>wet.</Text>', "He is  **very** wet."),
        ('<Text Style="Bold" RevisionID="1">so</Text><Text Style="Bold">aked</Text>', "**soaked**"),
        ('<Text>He </Text><Text Style="Strikeout">never </Text><Text>ran.</Text>', "He /*never */ran."),
    ],
)
def test_type_styles_become_emphasis_and_plain_text_stays_plain(runs: str, text: str) -> None:
    assert read(f'<Paragraph Type="Action">{runs}</Paragraph>') == (Action(text),)


def test_what_looks_like_markup_is_spoken_as_written() -> None:
    (action,) = read(paragraph("Action", "2 * 3 * 4 _x_ [[y]] /* z */ a\\b"))
    assert isinstance(action, Action)
    assert plain(action.text) == "2 * 3 * 4 _x_ [[y]] /* z */ a\\b"


def test_centred_paragraphs_and_new_pages_are_kept() -> None:
    content = paragraph("Action", "A.") + paragraph("Action", "THE END", 'Alignment="Center" StartsNewPage="Yes"')
    assert read(content) == (Action("A."), PageBreak(), Action("THE END", centered=True))


def test_a_script_note_inside_a_paragraph_stays_there() -> None:
    note = '<ScriptNote ID="1"><Paragraph><Text>why [[so]]?</Text></Paragraph></ScriptNote>'
    assert read(f'<Paragraph Type="Action"><Text>He runs.</Text>{note}</Paragraph>') == (
        Action("He runs. [[why [ [so] ]?]]"),
    )


def test_a_script_note_with_a_range_stands_before_its_paragraph() -> None:
    notes = '<ScriptNotes><ScriptNote Range="9,11"><Paragraph><Text>why?</Text></Paragraph></ScriptNote></ScriptNotes>'
    content = paragraph("Action", "He runs.") + paragraph("Action", "He stops.")
    assert read(content, notes) == (Action("He runs."), Note("why?"), Action("He stops."))


def test_an_omitted_scene_is_struck_out() -> None:
    content = (
        '<Paragraph Type="Scene Heading" Number="3"><Text>OMITTED</Text><OmittedScene>'
        + paragraph("Scene Heading", "EXT. YARD")
        + paragraph("Action", "Rain.")
        + "</OmittedScene></Paragraph>"
    )
    assert set(read(content)) == {Heading("OMITTED", "3"), Boneyard("EXT. YARD\n\nRain.")}


def test_empty_paragraphs_are_nothing() -> None:
    assert read('<Paragraph Type="Action"><Text></Text></Paragraph><Paragraph Type="Dialogue"/>') == ()


def test_a_cue_that_nobody_follows_is_shown_as_action() -> None:
    assert read(paragraph("Character", "RAVI") + paragraph("Action", "Rain.")) == (Action("RAVI"), Action("Rain."))


def test_dialogue_without_a_cue_is_shown_as_action() -> None:
    assert read(paragraph("Dialogue", "Hello?")) == (Action("Hello?"),)


def test_the_title_page_is_read_by_its_order() -> None:
    lines = ["RAIN", "a tragedy", "", "Written by", "", "Jane Writer", "", "Based on a cloud"]
    content = "".join(f'<Paragraph Alignment="Center"><Text>{line}</Text></Paragraph>' for line in lines)
    content += '<Paragraph Alignment="Left"><Text>555-0100</Text></Paragraph>'
    header = "<HeaderAndFooter><Header><Paragraph><Text>page</Text></Paragraph></Header></HeaderAndFooter>"
    rest = f"<TitlePage>{header}<Content>{content}</Content></TitlePage>"
    script = parse_fdx(document(paragraph("Action", "A."), rest))
    assert script.title_page == (
        ("Title", "RAIN\na tragedy"),
        ("Credit", "Written by"),
        ("Author", "Jane Writer"),
        ("Source", "Based on a cloud"),
        ("Contact", "555-0100"),
    )
    assert script.elements == (Action("A."),)


def test_lines_of_the_source_are_counted_in_the_file() -> None:
    (action,) = read("\n\n" + paragraph("Action", "A."))
    assert action.source_line == 6


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<FinalDraft><Content></FinalDraft>", r"^a\.fdx:1: no well-formed XML"),
        (b"<html></html>", r"^a\.fdx:1: the file holds <html>, not a Final Draft script"),
        (b"<FinalDraft>" + b"<a>" * 40, r"^a\.fdx:1: nested deeper than 32"),
        (b'<!DOCTYPE FinalDraft SYSTEM "x.dtd"><FinalDraft/>', r"^a\.fdx:\d: holds a document type"),
        (
            b'<!DOCTYPE z [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><FinalDraft>&b;</FinalDraft>',
            r"^a\.fdx:\d: holds a document type",
        ),
        (
            b'<!DOCTYPE z [<!ENTITY a SYSTEM "file:///etc/passwd">]><FinalDraft>&a;</FinalDraft>',
            r"^a\.fdx:\d: holds a document type",
        ),
    ],
)
def test_broken_foreign_and_harmful_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        parse_fdx(data, source="a.fdx")
