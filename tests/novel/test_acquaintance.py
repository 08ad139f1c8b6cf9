"""Who meets whom in a novel, and what casting makes of it."""

from __future__ import annotations

import time

import numpy as np

from speechagents.drama import MAX_ROLES, NARRATOR, Line, Role
from speechagents.novel.acquaintance import NEAR_TURNS, Acquaintances, FirstLine
from speechagents.novel.narration import NarrationOptions, narrate
from speechagents.voices.casting import cast_company
from speechagents.voices.company import Company
from tests.novel.novels import a_book, a_village, by_pitch, said_by, voices


def heard(*chapters: str) -> Company:
    return counted(*chapters).company({})


def counted(*chapters: str) -> Acquaintances:
    """Chapters as initials of those who speak, ``-`` for the narrator."""
    people = Acquaintances()
    number = 0
    for index, speakers in enumerate(chapters):
        people.open(f"Chapter {index + 1}")
        for initial in speakers:
            number += 1
            people.hear(Line(number, NARRATOR if initial == "-" else initial, f"line {number} it is"))
    return people


def pairs(company: Company, matrix: object) -> set[str]:
    table = np.asarray(matrix)
    names = [role.name for role in company.roles]
    return {"".join(sorted((one, names[j]))) for i, one in enumerate(names) for j in np.flatnonzero(table[i])}


def test_those_meet_who_speak_near_each_other() -> None:
    company = heard("AB-C", "DE")
    assert pairs(company, company.together) == {"AB", "AC", "BC", "DE"}


def test_far_apart_in_one_chapter_is_near_and_no_meeting() -> None:
    company = heard("A" + "BC" * NEAR_TURNS + "D", "E")
    assert "AD" not in pairs(company, company.together)
    assert "AD" in pairs(company, company.near)


def test_nobody_is_remembered_from_the_chapter_before() -> None:
    company = heard("X" * 40 + "A", "B" + "X" * 40)
    assert "AB" not in pairs(company, company.together) | pairs(company, company.near)


def test_a_lead_is_near_to_everybody() -> None:
    company = heard("L" * 30, *"ABCDEFGHIJKM")
    assert pairs(company, company.near) == {f"{min(letter, 'L')}{max(letter, 'L')}" for letter in "ABCDEFGHIJKM"}


def test_lines_words_and_first_lines_are_counted() -> None:
    people = counted("-A", "BA")
    company = people.company({})
    assert [role.name for role in company.roles] == ["A", "B"]
    assert (company.lines.tolist(), company.words.tolist()) == ([2, 1], [8, 4])
    assert company.narrated == (1, 4)
    assert people.firsts()["b"] == FirstLine(3, "line 3 it is", "Chapter 2")


def test_exchange_is_by_turns_not_lines() -> None:
    company = heard("AAABAAACA")
    names = {role.name: index for index, role in enumerate(company.roles)}
    assert company.exchange[names["A"], names["B"]] == company.exchange[names["A"], names["C"]] == 0.5
    assert company.exchange[names["B"], names["C"]] == 0.0


class TestCasting:
    def test_small_parts_share_voices_without_talking_near_each_other(self) -> None:
        chapters = ["".join(chr(0x4E00 + 30 * chapter + person) for person in range(30)) for chapter in range(5)]
        company = heard(*chapters)
        cast = cast_company(company, voices(8, 8), seed=1, distance=by_pitch)
        voice = {role.name: cast[role.name].voice.id for role in company.roles}
        assert not cast.warnings
        for speakers in chapters:
            for at, one in enumerate(speakers):
                assert voice[one] not in {voice[other] for other in speakers[at + 1 : at + NEAR_TURNS]}
        assert cast.narrator.voice.id not in voice.values()

    def test_a_lead_keeps_a_voice_alone_as_long_as_voices_last(self) -> None:
        company = heard("L" * 40 + "M", *(chr(0x4E00 + n) for n in range(9)))
        cast = cast_company(company, voices(4, 4), seed=1, distance=by_pitch)
        assert [casting.voice.id for casting in cast].count(cast["L"].voice.id) == 1
        assert "never heard near it" in " ".join(casting.why for casting in cast)

    def test_where_more_talk_at_once_than_there_are_voices_it_is_said(self) -> None:
        company = heard("ABCDEFGH" * 3)
        cast = cast_company(company, voices(2, 2), seed=1, distance=by_pitch)
        assert any("in one conversation" in warning for warning in cast.warnings)

    def test_the_teller_lends_the_narrator_their_gender(self) -> None:
        company = counted("-A-").company({}, Role(NARRATOR, "a man"))
        cast = cast_company(company, voices(5, 1), seed=1, distance=by_pitch)
        assert cast.narrator.voice.id == "m0"

    def test_the_most_roles_allowed_are_cast_in_bounded_time(self) -> None:
        book = a_book("\n\n".join(a_village(MAX_ROLES)))
        attribution = said_by(book, *(f"Person {number}" for number in range(MAX_ROLES)))
        narration = narrate(book, attribution, options=NarrationOptions(credits=False))
        began = time.process_time()
        cast = narration.cast(voices(18, 19), seed=1, distance=by_pitch)
        assert time.process_time() - began < 5.0
        assert len(cast) == MAX_ROLES + 1
        assert not cast.warnings

    def test_the_same_seed_gives_the_same_cast(self) -> None:
        company = heard("ABCABDE-F", "GHIA")
        once, again = (cast_company(company, voices(4, 4), seed=7, distance=by_pitch) for _ in range(2))
        assert once == again
