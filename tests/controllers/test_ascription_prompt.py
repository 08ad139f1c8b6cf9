"""Who speaks is asked in bounded words that keep the novel in quotes, and answers name those listed or are refused."""

from __future__ import annotations

import json

import pytest

from speechagents.controllers.ascribing import (
    MAX_CANDIDATES,
    MAX_PIECES,
    MAX_QUOTATIONS,
    Ascribed,
    Ascribes,
    Candidate,
    Excerpt,
    Piece,
    Unascribed,
)
from speechagents.controllers.ascription_prompt import (
    ASCRIPTION_RULES,
    ASCRIPTION_SCHEMA,
    ascription_prompt,
    parse_ascription,
)
from speechagents.controllers.controller import Usage
from speechagents.controllers.grammar import BadAnswerError
from speechagents.controllers.language_model import Reply
from speechagents.controllers.prompted import PromptedController
from speechagents.controllers.rehearsal import make_rehearsal
from speechagents.controllers.scripted import ScriptedController
from tests.controllers.attacks import ATTACKS
from tests.controllers.novels import HARMLESS, answer, excerpt
from tests.controllers.playing import TellingModel, chars, text_of, unquoted
from tests.controllers.test_attacks import by_attack, is_harmless

NAMED = excerpt()


def asked_about(prompt_text: str) -> str:
    return prompt_text.partition("The people, with their letters:")[2]


def test_an_excerpt_is_shown_piece_by_piece_with_what_is_known_of_each() -> None:
    assert asked_about(text_of(ascription_prompt(NAMED))).startswith(
        '\nA: "Emma Hart" (female), also "Emma"\nB: "Tom Reed"\nC: "Miss Lane"\n'
        "A tells the story and is meant by I in it.\n\n"
        'The excerpt:\n\ntext: "He came in."\nQ1: "“It rains.”"\n\nB says: "“So I see.”"\n'
        '(Something is left out here.)\nsomebody says: "“Who told you?”"\n\n'
        'Q2: "“It rains.”"\ntext: "she said."\nQ2: "“Go on.”"\n\nWho speaks Q1 to Q2, each of them?'
    )


def test_a_speaker_who_is_no_candidate_is_shown_by_name() -> None:
    assert '\n"The Vicar" says: "“So I see.”"\n' in text_of(ascription_prompt(excerpt(speaker="The Vicar")))


def test_the_likeliest_answer_is_taken_and_the_form_is_the_same_for_all_novels() -> None:
    one, other = ascription_prompt(NAMED), ascription_prompt(excerpt("x", "y", "z", names=("A", "B")))
    assert one.temperature == 0.0
    assert one.schema is other.schema is ASCRIPTION_SCHEMA
    assert one.messages[0] == other.messages[0]
    assert one.messages[0].parts[0].text == ASCRIPTION_RULES


def test_the_form_allows_those_who_can_be_listed_and_has_no_place_for_prose() -> None:
    (entries,) = ASCRIPTION_SCHEMA["properties"].values()
    fields = entries["items"]["properties"]
    assert entries["items"]["additionalProperties"] is ASCRIPTION_SCHEMA["additionalProperties"] is False
    assert fields["quotation"] == {"type": "integer"}
    assert fields["speaker"]["enum"] == [*"ABCDEFGHIJKLMNOP", "narrator", "unsure"]
    assert len("ABCDEFGHIJKLMNOP") == MAX_CANDIDATES


def test_the_longest_question_is_bounded() -> None:
    pieces = [Piece("word " * 10_000, quoted=True, number=at % MAX_QUOTATIONS + 1) for at in range(MAX_PIECES)]
    people = [Candidate(f"{at} " + "name " * 100, ("alias " * 100,) * 50) for at in range(MAX_CANDIDATES)]
    assert chars(ascription_prompt(Excerpt(tuple(pieces), tuple(people)))) < 80_000


@pytest.mark.parametrize(
    ("pieces", "candidates"),
    [
        ((Piece("x"),), 1),
        ((Piece("x", quoted=True, number=2),), 1),
        ((Piece("x", quoted=True, number=1), Piece("x", quoted=True, number=3)), 1),
        (tuple(Piece("x", quoted=True, number=at) for at in range(1, MAX_QUOTATIONS + 2)), 1),
        ((Piece("x", quoted=True, number=1),) * (MAX_PIECES + 1), 1),
        ((Piece("x", quoted=True, number=1),), MAX_CANDIDATES + 1),
    ],
)
def test_an_excerpt_that_cannot_be_asked_about_is_none(pieces: tuple[Piece, ...], candidates: int) -> None:
    with pytest.raises(ValueError, match=r"numbered|more than"):
        Excerpt(pieces, tuple(Candidate(f"P{at}") for at in range(candidates)))


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (answer((1, "A"), (2, "B")), {1: "Emma Hart", 2: "Tom Reed"}),
        (answer((2, "c"), (1, "B.")), {1: "Tom Reed", 2: "Miss Lane"}),
        (answer((1, "Miss Lane"), (2, "tom  reed")), {1: "Miss Lane", 2: "Tom Reed"}),
        (answer((1, "unsure"), (2, "narrator")), {2: None}),
        (answer((2, "A")), {2: "Emma Hart"}),
        ("<think>Q1 is {hard}.</think>```json\n" + answer((1, "A")) + "\n```", {1: "Emma Hart"}),
        (answer((1, "A"), rules="none", speaker="Miss Lane"), {1: "Emma Hart"}),
    ],
)
def test_an_answer_gives_speakers_by_letter_or_by_a_name_that_is_listed(written: str, told: dict[int, str]) -> None:
    assert parse_ascription(written, NAMED) == told


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("Emma speaks first.", "no JSON object"),
        (answer((1, "A"))[:-4], "ends within"),
        (answer(), "missing or empty"),
        ('{"Q1": "A"}', "missing or empty"),
        ('{"speakers": ["A", "B"]}', "list of objects"),
        (answer((3, "A")), "quotation 3 is none"),
        (answer((0, "A")), "quotation 0 is none"),
        (answer(("1", "A")), "whole number"),
        (answer((10**400, "A")), "quotation 1000"),
        (answer((1, "A"), (1, "B")), "twice"),
        (answer((1, "D")), "letters are A to C"),
        (answer((1, "Emma")), "'Emma' is not listed"),
        (answer((1, "")), "not listed"),
        (answer((1, None)), "not listed"),
        (answer((1, ["A"])), "not a text"),
        (answer((1, "A says: “It rains.”")), "not listed"),
        (answer((1, "A")) + answer((1, "B")), "more than one"),
    ],
)
def test_any_other_answer_is_refused_with_what_is_wrong(written: str, complaint: str) -> None:
    with pytest.raises(BadAnswerError, match=complaint) as error:
        parse_ascription(written, NAMED)
    assert str(error.value).isprintable()


def test_two_people_with_one_short_name_are_told_apart() -> None:
    names = ("A" * 60 + " one", "A" * 60 + " two", "B")
    shown = text_of(ascription_prompt(excerpt(names=names)))
    called = [line.split('"')[1] for line in asked_about(shown).splitlines()[1:4]]
    assert len(set(called)) == 3
    for at, written in enumerate(called):
        assert parse_ascription(answer((1, written if at < 2 else "C")), excerpt(names=names)) == {1: names[at]}


@by_attack
def test_a_novel_stands_in_quotes_alone_whatever_it_says(text: str) -> None:
    peaceful = ascription_prompt(excerpt(HARMLESS, HARMLESS, HARMLESS, alias=HARMLESS))
    attacked = ascription_prompt(excerpt(text, text, text, alias=text))
    assert unquoted(attacked) == unquoted(peaceful)
    assert is_harmless(attacked)
    assert attacked.messages[0].parts[0].text == ASCRIPTION_RULES
    named = ascription_prompt(excerpt(names=(text, "Tom Reed", "Miss Lane"), speaker=text))
    assert unquoted(named) == unquoted(
        ascription_prompt(excerpt(names=("Emma Hart", "Tom Reed", "Miss Lane"), speaker="Emma Hart"))
    )
    assert is_harmless(named)


@by_attack
def test_an_answer_that_obeys_a_novel_names_nobody_who_is_not_listed(text: str) -> None:
    for written in (text, answer((1, text)), answer((1, "A"), note=text), json.dumps({"speakers": text})):
        told, complaint = {}, ""
        try:
            told = dict(parse_ascription(written, NAMED))
        except BadAnswerError as error:
            complaint = str(error)
        assert set(told.values()) <= {"Emma Hart"}
        assert complaint.isprintable()


def ascribed(*says: str | Reply, count: int = 1) -> tuple[list[Ascribed | Unascribed], TellingModel]:
    model = TellingModel(says)
    return list(PromptedController(model).ascribe([NAMED] * count, seed=5)), model


def test_whoever_asks_a_language_model_or_has_a_script_can_say_who_speaks() -> None:
    assert isinstance(PromptedController(TellingModel([])), Ascribes)
    assert isinstance(ScriptedController(), Ascribes)
    assert not isinstance(make_rehearsal(), Ascribes)


def test_excerpts_are_one_batch_and_what_cannot_be_used_is_asked_once_more() -> None:
    told, model = ascribed(answer((1, "A")), "Emma.", answer((2, "C")), answer((2, "B")), count=3)
    assert [len(batch) for batch in model.batches] == [3, 1]
    assert told == [
        Ascribed({1: "Emma Hart"}, Usage(10, 3)),
        Ascribed({2: "Tom Reed"}, Usage(20, 6)),
        Ascribed({2: "Miss Lane"}, Usage(10, 3)),
    ]
    assert "no JSON object" in text_of(model.batches[1][0])


def test_two_bad_answers_are_told_from_no_answer_at_all() -> None:
    (bad,), _ = ascribed("Emma.", answer((1, "Z")))
    (gone,), _ = ascribed(Reply("", error="the server is down"))
    (gone_in_repair,), _ = ascribed("Emma.", Reply("", error="the server is down"))
    assert isinstance(bad, Unascribed)
    assert bad.answered
    assert "no JSON object" in bad.reason
    assert "not listed" in bad.reason
    assert gone == Unascribed("the server is down", answered=False)
    assert isinstance(gone_in_repair, Unascribed)
    assert not gone_in_repair.answered


def test_a_script_gives_its_ascriptions_in_order_and_then_tells_nothing() -> None:
    scripted = ScriptedController()
    scripted.enqueue_ascriptions(Ascribed({1: "Tom Reed"}), Unascribed("no answer", answered=False))
    told = list(scripted.ascribe([NAMED] * 3, seed=0))
    assert told == [Ascribed({1: "Tom Reed"}), Unascribed("no answer", answered=False), Ascribed({})]
    assert scripted.excerpts == [NAMED] * 3


def test_there_are_attacks() -> None:
    assert len(ATTACKS) >= 30
