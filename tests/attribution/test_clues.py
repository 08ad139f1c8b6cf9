"""Speech tags: who is said to speak, in front of a quotation and behind it."""

from __future__ import annotations

import pytest

from speechagents.attribution.clues import RefKind, Tag

from .telling import CAST, meant, names, only, told


def tag(*paragraphs: str) -> Tag:
    return only(told(*paragraphs)).tag


@pytest.mark.parametrize(
    ("paragraph", "speaker"),
    [
        ("“Yes,” said Emma.", "Emma Hart"),
        ("“Yes,” Emma said.", "Emma Hart"),
        ("“Yes,” Emma softly said to Tom.", "Emma Hart"),
        ("“Yes,” he said softly.", "male"),
        ("“Yes,” said she.", "female"),
        ("“Yes,” said the old man.", "old man"),
        ("“Yes,” said his wife.", "wife"),
        ("“Yes,” said Emma's sister.", "sister"),
        ("“Yes,” said the voice of Emma.", "Emma Hart"),
        ("“Yes,” said poor Emma.", "Emma Hart"),
        ("“Yes,” said her nephew Tom.", "Tom Reed"),
        ("“Yes,” cried out the dour cooper.", "dour cooper"),
        ("“Yes,” hissed the left-hand gargoyle.", "left - hand gargoyle"),
        ("“Yes,” hooted Emma.", "Emma Hart"),
        ("“Yes,” was Lucy's reply.", "Lucy Vane"),
        ("“Yes,” was Lucy's honest answer.", "Lucy Vane"),
        ("“Yes,” said I.", "I"),
        ("“Yes,” said Emma, and Tom laughed.", "Emma Hart"),
        ("“Yes,” replied the landlord.", "The Landlord"),
        ("“Yes,” they said.", "OTHER"),
        ("Emma turned and said: “Yes.”", "Emma Hart"),
        ("Emma turned to Tom and said, “Yes.”", "Emma Hart"),
        ("Said Emma, “Yes.”", "Emma Hart"),
        ("Then he whispered, “Yes.”", "male"),
    ],
)
def test_the_subject_of_a_verb_of_saying_speaks(paragraph: str, speaker: str) -> None:
    found = tag(paragraph)
    assert meant(found.subject) == speaker
    assert found.strength == 2


@pytest.mark.parametrize(
    "paragraph",
    [
        "“Yes.” Emma's hat fell off.",
        "“Yes.” The door stood open.",
        "“Yes.”",
        "It was late. “Yes.”",
        "Emma cried. “Yes.”",
        "“Yes.” With Emma it was late.",
    ],
)
def test_without_such_a_verb_there_is_no_tag(paragraph: str) -> None:
    assert tag(paragraph).strength == 0


@pytest.mark.parametrize("verb", ["smiled", "nodded", "read"])
def test_a_verb_of_plain_action_is_a_weak_tag(verb: str) -> None:
    found = tag(f"“Yes.” Emma {verb}.")
    assert (found.strength, meant(found.subject)) == (1, "Emma Hart")


def test_a_tag_knows_its_verb_its_place_and_who_else_is_in_it() -> None:
    behind = tag("“Yes,” whispered Emma to Tom, with a look at Lucy.")
    assert (behind.verb, behind.place, names(behind.objects)) == ("whispered", 2, ["Tom Reed", "Lucy Vane"])
    between = tag("“Yes,” said Emma, “I do.”")
    assert (between.verb, between.place) == ("said", 1)
    ahead = tag("Emma called to Tom, “Yes.”")
    assert (ahead.place, names(ahead.objects)) == (3, ["Tom Reed"])
    led = tag("Emma turned round and said:", "“Yes.”")
    assert (led.place, meant(led.subject)) == (4, "Emma Hart")


def test_a_verb_of_saying_ahead_outweighs_plain_action_behind() -> None:
    assert meant(tag("Emma turned and said, “Yes.” Tom smiled.").subject) == "Emma Hart"


def test_a_tag_spans_its_own_clause() -> None:
    novel = told("“Yes,” said Emma softly. Tom left the room.")
    found = only(novel).tag
    text = " ".join(novel.tokens.words[found.start : found.end])
    assert text == "said Emma softly"


def test_a_noun_with_what_stands_around_it_is_kept() -> None:
    subject = tag("“Yes,” said the old man in the white waistcoat.").subject
    assert (subject.kind, subject.head, subject.rest) == (RefKind.NOUN, ("old", "man"), ("the", "white", "waistcoat"))


def test_a_beat_names_whoever_acts() -> None:
    passage = only(told("Emma put down her cup. “Yes.” Tom looked at her."))
    assert (meant(passage.ahead), meant(passage.behind)) == ("Emma Hart", "Tom Reed")


def test_a_chain_of_voices_ends() -> None:
    endless = "“Oh,” said Tom. The " + "voice of the " * 20_000 + "man."
    assert meant(tag(endless).subject) == "Tom Reed"


def test_an_unresolved_noun_phrase_is_nobody() -> None:
    novel = told("“Yes,” said nobody in particular.", cast=CAST)
    assert only(novel).tag.subject.kind in (RefKind.OTHER, RefKind.NONE)
