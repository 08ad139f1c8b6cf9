"""Lexicons in PLS 1.0."""

from __future__ import annotations

from pathlib import Path

import pytest

from speechagents.errors import ScriptError
from speechagents.pronunciation.lexicon import Lexicon, Reading, read_lexicon
from speechagents.voices.phonetic import spelled

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon" {}>\n'
)


def read(folder: Path, body: str, attributes: str = 'alphabet="ipa" xml:lang="en-GB"') -> Lexicon:
    path = folder / "names.pls"
    path.write_text(HEAD.format(attributes) + body + "\n</lexicon>", encoding="utf-8")
    return read_lexicon(path)


def test_aliases_phonemes_and_several_spellings(tmp_path: Path) -> None:
    lexicon = read(
        tmp_path,
        "<lexeme><grapheme>Siobhan</grapheme><grapheme>Siobhán</grapheme><phoneme>ʃɪˈvɔːn</phoneme></lexeme>"
        '<lexeme role="x:noun"><grapheme>W3C</grapheme><alias>World Wide\n Web Consortium</alias></lexeme>'
        "<!-- more --><lexeme><grapheme>St. Mawes</grapheme><alias>Saint Maws</alias>"
        "<phoneme>sənt ˈmɔːz</phoneme></lexeme>",
    )
    assert lexicon.language == "en-GB"
    assert lexicon.readings == {
        "Siobhan": Reading(ipa="ʃɪˈvɔːn"),
        "Siobhán": Reading(ipa="ʃɪˈvɔːn"),
        "W3C": Reading(alias="World Wide Web Consortium"),
        "St. Mawes": Reading(alias="Saint Maws", ipa="sənt ˈmɔːz"),
    }
    assert lexicon.warnings == ()


def test_x_sampa_becomes_ipa_and_the_preferred_pronunciation_counts(tmp_path: Path) -> None:
    lexicon = read(
        tmp_path,
        "<lexeme><grapheme>Siobhan</grapheme><phoneme>x</phoneme>"
        '<phoneme prefer="true" alphabet="x-sampa">SI"vO:n</phoneme></lexeme>'
        "<lexeme><grapheme>Siobhan</grapheme><phoneme>later</phoneme></lexeme>",
    )
    assert lexicon.readings["Siobhan"].ipa == "ʃɪˈvɔːn"


def test_a_reading_by_sounds_has_letters_for_voices_without(tmp_path: Path) -> None:
    assert spelled(Reading(ipa="ʃɪˈvɔːn").spoken("en")) == "shivawn"
    assert spelled(Reading("Saint Maws", "sənt ˈmɔːz").spoken("en-GB")) == "Saint Maws"


def test_sounds_alone_say_nothing_in_another_language_and_that_is_said(tmp_path: Path) -> None:
    body = "<lexeme><grapheme>Jean</grapheme><phoneme>ʒɑ̃</phoneme></lexeme>"
    lexicon = read(tmp_path, body, 'xml:lang="fr"')
    assert lexicon.readings["Jean"].spoken("fr") == ""
    assert "1 of its words have phonemes alone" in lexicon.warnings[0]
    assert lexicon.is_for("fr-CA")
    assert not lexicon.is_for("en")


@pytest.mark.parametrize(
    ("body", "line", "message"),
    [
        ("<lexeme>\n<alias>x</alias></lexeme>", 3, "without a <grapheme>"),
        ("\n<lexeme><grapheme>x</grapheme></lexeme>", 4, "'x' has neither <phoneme> nor <alias>"),
        (
            "<lexeme><grapheme>x</grapheme>\n<phoneme alphabet='arpabet'>X</phoneme></lexeme>",
            4,
            "alphabet 'arpabet' is unknown",
        ),
        ("<lexeme><grapheme>x</grapheme>\n<phoneme>[[x]]</phoneme></lexeme>", 4, "is no ipa"),
        ("<lexeme><grapheme>x</grapheme><alias></alias></lexeme>", 3, "a pronunciation of 1 to 300"),
        (f"<lexeme><grapheme>{'x' * 101}</grapheme><alias>y</alias></lexeme>", 3, "more than 100 characters"),
        ("<lexeme>\n<grapheme>x</lexeme>", 4, "broken XML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, body: str, line: int, message: str) -> None:
    with pytest.raises(ScriptError, match=rf"names\.pls:{line}: ") as fault:
        read(tmp_path, body)
    assert message in str(fault.value)


def test_another_kind_of_xml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pls").write_text("<html/>")
    with pytest.raises(ScriptError, match=r"a\.pls:1: no pronunciation lexicon"):
        read_lexicon(tmp_path / "a.pls")
    with pytest.raises(ScriptError, match="no such file"):
        read_lexicon(tmp_path / "gone.pls")


def test_entities_are_not_expanded_and_size_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "a.pls"
    path.write_text(
        '<!DOCTYPE lexicon [<!ENTITY a "aaaa">]>'
        "<lexicon><lexeme><grapheme>x</grapheme><alias>&a;</alias></lexeme></lexicon>"
    )
    assert read_lexicon(path).readings["x"].alias == "&a;"
    path.write_bytes(b" " * (5 * 1024**2 + 1))
    with pytest.raises(ScriptError, match="larger than 5 MB"):
        read_lexicon(path)
