"""The words by which a novel says who speaks."""

from __future__ import annotations

from speechagents.attribution.lexicon import lexicon, word_set
from speechagents.attribution.quotation import Gender


def test_words_are_in_the_form_in_which_tokens_are_compared() -> None:
    words = lexicon()
    every = (words.speech_verbs, words.weak_verbs, words.verbs, words.person_nouns, words.titles, words.addresses)
    for word in (word for group in every for word in group):
        assert word == word.lower().replace("’", "'")
        assert "_" not in word


def test_a_weak_verb_is_a_verb_of_saying() -> None:
    assert lexicon().weak_verbs <= lexicon().speech_verbs


def test_nouns_titles_and_ways_of_address_tell_a_gender_where_they_can() -> None:
    words = lexicon()
    assert (words.person_nouns["landlord"], words.titles["mrs"]) == (Gender.MALE, Gender.FEMALE)
    assert (words.addresses["sir"], words.addresses["madam"]) == (Gender.MALE, Gender.FEMALE)
    assert words.titles["dr"] is Gender.UNKNOWN, "doctors are of either gender"


def test_a_short_name_may_stand_for_several() -> None:
    assert {"catherine", "katharine"} <= lexicon().nicknames["kitty"]
    assert lexicon().nicknames["lizzy"] == {"elizabeth"}
    assert lexicon().given_names["emma"] is Gender.FEMALE


def test_it_is_read_once() -> None:
    assert lexicon() is lexicon()


def test_a_set_of_words_is_written_as_one_text() -> None:
    assert word_set(" in  at\nfrom ") == {"in", "at", "from"}
