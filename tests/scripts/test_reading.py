"""Files of every kind, and files that are no scripts."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from speechagents.errors import ScriptError
from speechagents.scripts.dialogue_writer import write_dialogue
from speechagents.scripts.fountain import parse_fountain
from speechagents.scripts.reading import MAX_SCRIPT_BYTES, ScriptKind, detect_kind, load_script, parse_script
from speechagents.scripts.script import Action, Dialogue, Part, PartKind, Script
from speechagents.scripts.script_json import script_to_json

FOUNTAIN = "INT. CAFÉ - DAY\n\nANNA\nHi.\n"
SCRIPT = parse_fountain(FOUNTAIN)
FDX = (
    '<FinalDraft DocumentType="Script"><Content><Paragraph Type="Scene Heading"><Text>INT. CAFÉ - DAY</Text>'
    '</Paragraph><Paragraph Type="Character"><Text>ANNA</Text></Paragraph><Paragraph Type="Dialogue">'
    "<Text>Hi.</Text></Paragraph></Content></FinalDraft>"
)


def load(folder: Path, data: bytes, name: str = "play.txt") -> Script:
    path = folder / name
    path.write_bytes(data)
    return load_script(path)


class TestKinds:
    @pytest.mark.parametrize(
        "text",
        [
            FOUNTAIN,
            write_dialogue(SCRIPT),
            script_to_json(SCRIPT),
            FDX,
            '<?xml version="1.0" encoding="UTF-16"?>\n' + FDX,
        ],
    )
    def test_are_told_by_content_and_not_by_the_name(self, tmp_path: Path, text: str) -> None:
        assert load(tmp_path, text.encode(), "play.bin") == SCRIPT

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("Anna: Hi\nBen: Ho", ScriptKind.DIALOGUE),
            ("INT. HOUSE\n\nAnna: Hi", ScriptKind.DIALOGUE),
            ("ANNA: HI\n\nBEN: HO", ScriptKind.DIALOGUE),
            ("Title: X\nAuthor: Y\n\nANNA\nHi.", ScriptKind.FOUNTAIN),
            ("Title: X\n\nAnna: Hi.", ScriptKind.DIALOGUE),
            ("ANNA\nNote: this is odd.\n\nBEN\nYes.", ScriptKind.FOUNTAIN),
            ("FADE IN:\n\nINT. HOUSE", ScriptKind.FOUNTAIN),
            ("SFX: DOOR\n\nSFX: BELL\n\nANNA\nHi.", ScriptKind.FOUNTAIN),
            ("It rains.", ScriptKind.FOUNTAIN),
            ("---\nTitle: X\n---\nIt rains.", ScriptKind.DIALOGUE),
            ("@Anna\nHi.\n\n@Ben\nHo.", ScriptKind.FOUNTAIN),
            (' {"format": 1}', ScriptKind.JSON),
            ("<FinalDraft/>", ScriptKind.FDX),
            ("<3 she writes.", ScriptKind.FOUNTAIN),
        ],
    )
    def test_follow_the_rules(self, text: str, kind: ScriptKind) -> None:
        assert detect_kind(text) is kind

    def test_the_name_of_the_file_is_kept_for_messages(self, tmp_path: Path) -> None:
        assert load(tmp_path, b"Anna: Hi", "my play.txt").source == "my play.txt"


class TestEncodings:
    @pytest.mark.parametrize(
        "data",
        [
            FOUNTAIN.encode(),
            FOUNTAIN.encode("utf-8-sig"),
            FOUNTAIN.encode("utf-16"),
            codecs.BOM_UTF16_BE + FOUNTAIN.encode("utf-16-be"),
            codecs.BOM_UTF32_LE + FOUNTAIN.encode("utf-32-le"),
            FOUNTAIN.replace("\n", "\r\n").encode(),
            FOUNTAIN.replace("\n", "\r").encode(),
        ],
    )
    def test_unicode_with_or_without_its_mark_is_read(self, tmp_path: Path, data: bytes) -> None:
        assert load(tmp_path, data) == SCRIPT

    @pytest.mark.parametrize(
        ("text", "encoding", "guess"),
        [
            ("ANNA\nHi.\n\nIt's a café, “here”.\n", "cp1252", "WINDOWS-1252"),
            ("ANNA\nHi.\n\nCafé crème déjà vu à la carte.\n", "mac-roman", "MACINTOSH"),
            ("АННА\nПривет, как дела?\n" * 20, "cp1251", "WINDOWS-1251"),
            ("@安娜\n你好，今天怎么样？\n" * 20, "gb18030", "GB18030"),
            ("@アンナ\nこんにちは、元気ですか。\n" * 20, "shift_jis", "SHIFT_JIS"),
        ],
    )
    def test_others_are_refused_with_line_guess_and_remedy(
        self, tmp_path: Path, text: str, encoding: str, guess: str
    ) -> None:
        message = rf"^play\.txt:\d: byte 0x[0-9a-f]{{2}} .* iconv -f {guess} -t UTF-8"
        with pytest.raises(ScriptError, match=message):
            load(tmp_path, text.encode(encoding))

    def test_the_line_of_the_first_bad_byte_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ScriptError) as caught:
            load(tmp_path, b"ANNA\nHi.\n\nCaf\xe9.\n")
        assert caught.value.line == 4
        assert "byte 0xe9 (byte 14 of the file)" in str(caught.value)

    def test_utf_16_without_a_mark_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ScriptError, match="looks like UTF-16LE without a byte order mark"):
            load(tmp_path, "ANNA\nHi.".encode("utf-16-le"))

    def test_broken_utf_16_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ScriptError, match="broken UTF-16"):
            load(tmp_path, codecs.BOM_UTF16_LE + b"\x00\xd8A\x00")


class TestFilesThatAreNoScripts:
    @pytest.mark.parametrize("data", [b"", b"  \n\t\n", codecs.BOM_UTF8])
    def test_an_empty_file_is_an_error(self, tmp_path: Path, data: bytes) -> None:
        with pytest.raises(ScriptError, match=r"^play\.txt: empty; write a line such as"):
            load(tmp_path, data)

    @pytest.mark.parametrize(
        ("data", "name"),
        [
            (b"%PDF-1.7 ...", "a PDF"),
            (b"PK\x03\x04rest", "DOCX"),
            (b"\xd0\xcf\x11\xe0rest", "Word"),
            (b"{\\rtf1 Hi}", "RTF"),
            (b"ID3\x04rest", "MP3"),
            (b"\x89PNG\r\n", "picture"),
            (b"ab\x00cd" * 100, "binary"),
            (b"<!doctype html><p>Hi", "HTML"),
            (b"<?xml version='1.0'?><a/>", "not a Final Draft script"),
        ],
    )
    def test_other_formats_are_refused_by_name_with_a_remedy(self, tmp_path: Path, data: bytes, name: str) -> None:
        with pytest.raises(ScriptError, match=rf"^play\.txt: .*{name}.*; export the script as Fountain"):
            load(tmp_path, data)

    def test_a_file_of_50_mb_is_refused_without_being_read_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "long.txt"
        with path.open("wb") as file:
            file.truncate(50 * 1024 * 1024)
        with pytest.raises(ScriptError, match=r"^long\.txt: larger than 20 MB; split it"):
            load_script(path)

    def test_a_text_too_long_is_refused(self) -> None:
        with pytest.raises(ScriptError, match="longer than 20 million characters"):
            parse_script("A" * (MAX_SCRIPT_BYTES + 1))

    def test_a_missing_file_is_an_error_that_names_its_path(self, tmp_path: Path) -> None:
        with pytest.raises(ScriptError, match=r"no such file: .*nowhere\.txt; check its name"):
            load_script(tmp_path / "nowhere.txt")

    def test_a_folder_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ScriptError, match="a folder, not a script"):
            load_script(tmp_path)

    def test_binary_text_is_an_error(self) -> None:
        with pytest.raises(ScriptError, match="binary data"):
            parse_script("a\0b")

    @pytest.mark.parametrize("text", ["Anna: Hi\n\nBen: [[x", "ANNA\nHi.\n\n[[x"])
    def test_an_unclosed_note_is_an_error_with_file_and_line(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(ScriptError, match=r"^play\.txt:[34]: this note is not closed"):
            load(tmp_path, text.encode())


def test_a_script_on_one_line_without_a_newline_is_read(tmp_path: Path) -> None:
    assert load(tmp_path, b"Anna: Hi").elements == (Dialogue("Anna", (Part(PartKind.SPEECH, "Hi"),)),)


def test_control_characters_neither_break_lines_nor_stay() -> None:
    assert parse_script("It\x0brains\x07.\x0c").elements == (Action("It rains."),)
