"""What is said of a line, and which written word each spoken one belongs to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.pronunciation.lexicon import Lexicon, Reading
from speechagents.pronunciation.respelling import shown
from speechagents.pronunciation.saying import Pronunciation
from speechagents.voices.phonetic import has_sounds, phonetic_word, spelled

LEXICON = Lexicon(
    "en",
    {
        "Siobhan": Reading(ipa="ʃɪˈvɔːn"),
        "quay": Reading(alias="key"),
        "St. Mawes": Reading(alias="Saint Maws"),
        "Marsh": Reading(alias="Marsh"),
        "Marsh Lane": Reading(alias="Mash Lane"),
        "Ross": Reading(ipa="ˈrɒs"),
    },
)
SAYS = Pronunciation(LEXICON, "en")


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("the quay, the Quay and THE QUAY", "the key, the key and THE key"),
        ("the quay's end", "the key's end"),
        ("at St. Mawes.", "at Saint Maws."),
        ("Marsh Lane and Marsh Street", "Mash Lane and Marsh Street"),
        ("Marsh, Lane", "Marsh, Lane"),
        ("quayside", "quayside"),
    ],
)
def test_words_of_the_lexicon_are_said_its_way(written: str, spoken: str) -> None:
    assert SAYS.say(written) == spoken


def test_sounds_go_as_phonetic_words_and_take_the_possessive() -> None:
    assert SAYS.say("“Siobhan,”") == f"“{phonetic_word('ʃɪˈvɔːn', 'shivawn')},”"
    assert SAYS.say("Siobhan's") == phonetic_word("ʃɪˈvɔːnz", "shivawnz")
    assert SAYS.say("Ross’s") == phonetic_word("ˈrɒsɪz", "rosiz")


def test_the_lexicon_counts_before_the_rules_and_a_respelling_before_both() -> None:
    says = Pronunciation(Lexicon("en", {"1984": Reading(alias="the eighties"), "Dr": Reading(alias="Doc")}))
    assert says.say("1984 and 1985") == "the eighties and nineteen eighty-five"
    assert says.say("{1984|the year} {Dr|Driver} Smith") == "the year Driver Smith"


def test_respellings_are_shown_without_and_may_be_sounds() -> None:
    text = "{Siobhan|shiv-AWN} met {Anders|/ˈɑndəʃ/}."
    assert shown(text) == "Siobhan met Anders."
    says = Pronunciation()
    assert says.say(text) == f"shiv-AWN met {phonetic_word('ˈɑndəʃ', 'ahnduhsh')}."
    assert says.said(text)[0] == ("Siobhan", "shiv-AWN")


@pytest.mark.parametrize("text", ["{12}", "{a}", "a|b", "{|x}", "{x|}", "f{x} | {y}"])
def test_other_braces_are_text(text: str) -> None:
    assert shown(text) == text


def test_a_lexicon_for_another_language_is_not_used() -> None:
    assert Pronunciation(LEXICON, "de").say("der quay") == "der quay"
    assert SAYS.say("le quay", "fr") == "le quay"


def test_a_language_without_rules_is_left_to_the_voice() -> None:
    assert Pronunciation(language="fr").say("le 4 mai 1914") == "le 4 mai 1914"


def test_a_line_that_is_read_as_it_is_written_stays_the_very_same() -> None:
    text = "He  said\u00a0so —  “well…”\n"
    assert SAYS.say(text) == text


def test_a_text_cannot_pretend_to_sounds() -> None:
    assert not has_sounds(SAYS.say("\ue000ʃ\ue001x\ue002"))
    assert not has_sounds(Pronunciation().say("{x|\ue000ʃ\ue001x\ue002}"))


def test_written_words_keep_what_is_spoken_for_them() -> None:
    said = SAYS.said("On 4 May 1882 he paid $5 million, “No. 5” Quay.")
    assert said == (
        ("On", "On"), ("4", "the fourth of"), ("May", "May"), ("1882", "eighteen eighty-two"), ("he", "he"),
        ("paid", "paid"), ("$5", "five"), ("million,", "million dollars,"), ("“No.", "“number"), ("5”", "five”"),
        ("Quay.", "key."),
    )  # fmt: skip


def test_a_word_whose_sound_stands_with_another_is_silent() -> None:
    says = Pronunciation(Lexicon("en", {"New York": Reading(alias="Gotham")}))
    assert says.said("in New York, now") == (("in", "in"), ("New", "Gotham,"), ("York,", ""), ("now", "now"))


@given(
    st.text(alphabet="ab 19.,$£%½IVX–-'’{}|\n", max_size=60) | st.text(max_size=60), st.sampled_from(["en", "de", "fr"])
)
def test_the_words_join_to_what_is_said(text: str, language: str) -> None:
    said = SAYS.said(text, language)
    assert [written for written, _ in said] == shown(text).split()
    assert "".join("".join(spoken.split()) for _, spoken in said) == "".join(SAYS.say(text, language).split())


def test_the_same_text_is_always_said_the_same() -> None:
    text = "Siobhan paid $3.50 at the quay on May 4."
    assert Pronunciation(LEXICON).say(text) == SAYS.say(text)
    assert "shivawn" in spelled(SAYS.say(text))
