"""The cast sheet: written for people, read with care, and it comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from speechagents.attribution.quotation import Attribution, Character, Gender
from speechagents.books.book import Book
from speechagents.drama import role_key
from speechagents.errors import CastError, StorageError
from speechagents.novel.cast_sheet import CastSheet, read_cast_sheet, write_cast_sheet
from speechagents.novel.corrections import Corrections, Merge, Split, Spoken
from speechagents.novel.narration import Narration, narrate
from speechagents.voices.cast_file import MAX_CAST_FILE_BYTES, read_cast_file
from speechagents.voices.casting import Cast, Override
from tests.novel.novels import EMMA, KNIGHTLEY, a_book, by_pitch, lines_of, said_by, voices

TEXT = "CHAPTER 1\n\n“Come,” said Emma.\n\n“Why should I?” asked Knightley.\n\n“So,” said the porter.\n"


def a_novel() -> tuple[Book, Attribution]:
    book = a_book(TEXT)
    porter = Character("The Porter", (), Gender.UNKNOWN)
    return book, said_by(book, "Emma Woodhouse", "Mr. Knightley", "The Porter", characters=(EMMA, KNIGHTLEY, porter))


def produced(sheet: CastSheet | None = None) -> tuple[Narration, Cast]:
    book, attribution = a_novel()
    narration = narrate(book, attribution, sheet=sheet)
    overrides = sheet.overrides if sheet else None
    return narration, narration.cast(voices(4, 4), seed=0, distance=by_pitch, overrides=overrides)


def written(path: Path, sheet: CastSheet | None = None) -> str:
    narration, cast = produced(sheet)
    write_cast_sheet(
        cast,
        path,
        characters={role_key(one.name): one for one in narration.attribution.characters},
        firsts=narration.firsts,
        corrections=sheet.corrections if sheet else None,
    )
    return path.read_text(encoding="utf-8")


def read(text: str, tmp_path: Path) -> CastSheet:
    path = tmp_path / "cast.yaml"
    path.write_text(text, encoding="utf-8")
    return read_cast_sheet(path)


class TestWritten:
    def test_tells_of_everybody_who_speaks(self, tmp_path: Path) -> None:
        data = yaml.safe_load(written(tmp_path / "cast.yaml"))
        assert list(data["roles"]) == ["Mr. Knightley", "Emma Woodhouse", "The Porter"]
        emma = data["roles"]["Emma Woodhouse"]
        assert emma.pop("voice").startswith("w")
        assert "woman" in emma.pop("why")
        assert emma == {
            "gender": "female",
            "aliases": "Emma; Miss Woodhouse",
            "first": "“Come,” (line 11, CHAPTER 1)",
            "lines": 1,
            "words": 1,
        }

    def test_explains_corrections(self, tmp_path: Path) -> None:
        head = written(tmp_path / "cast.yaml").split("narrator:")[0]
        assert all(word in head for word in ("merge:", "split:", "is:", "same_as", "gender"))

    def test_is_a_cast_file_like_any_other(self, tmp_path: Path) -> None:
        written(tmp_path / "cast.yaml")
        assert read_cast_file(tmp_path / "cast.yaml") == produced()[1].overrides()

    def test_goes_to_a_folder_that_is_there(self, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="there is no folder"):
            written(tmp_path / "missing" / "cast.yaml")


class TestRoundTrip:
    def test_unchanged_it_changes_nothing(self, tmp_path: Path) -> None:
        first = written(tmp_path / "cast.yaml")
        sheet = read_cast_sheet(tmp_path / "cast.yaml")
        (plain, cast), (again, recast) = produced(), produced(sheet)
        assert lines_of(again) == lines_of(plain)
        assert again.attribution == plain.attribution
        assert [(c.role, c.voice) for c in recast] == [(c.role, c.voice) for c in cast]
        assert yaml.safe_load(first).keys() == yaml.safe_load(written(tmp_path / "cast.yaml", sheet)).keys()

    def test_corrections_are_written_again_and_hold(self, tmp_path: Path) -> None:
        corrections = (
            "merge:\n- [Emma, The Porter]\nsplit:\n  Knightley: Old Knightley\n"
            "is:\n  11: Mr. Knightley\n  Why should I: narrator\n"
        )
        sheet = read(corrections, tmp_path)
        once = produced(sheet)
        written(tmp_path / "cast.yaml", sheet)
        again = read_cast_sheet(tmp_path / "cast.yaml")
        assert again.corrections.merges == sheet.corrections.merges
        assert again.corrections.splits == sheet.corrections.splits
        assert again.corrections.spoken == sheet.corrections.spoken
        assert lines_of(produced(again)[0]) == lines_of(once[0])
        assert produced(again)[1].overrides() == once[1].overrides()


class TestRead:
    def test_voices_and_corrections(self, tmp_path: Path) -> None:
        sheet = read(
            "narrator: w1\nroles:\n  Emma: {voice: m2, gender: male}\nmerge:\n  - [Emma, Miss W.]\n"
            "split:\n  Mrs. X: Anna\n  John:\nis:\n  412: Emma\n  '@20': narrator\n  You are  mistaken: Anna\n",
            tmp_path,
        )
        place = str(tmp_path / "cast.yaml")
        assert sheet.overrides.wishes == (Override("NARRATOR", voice="w1"), Override("Emma", voice="m2"))
        assert sheet.corrections == Corrections(
            merges=(Merge(("Emma", "Miss W.")),),
            splits=(Split("Mrs. X", "Anna"), Split("John", "John")),
            spoken=(Spoken("412", "Emma"), Spoken("@20", "narrator"), Spoken("You are mistaken", "Anna")),
            added=("Emma",),
            genders=(("Emma", Gender.MALE),),
        )
        assert sheet.corrections.merges[0].place == f"{place}:5"
        assert sheet.corrections.spoken[2].place == f"{place}:12"

    @pytest.mark.parametrize("text", ["", "roles:\n", "merge:\nsplit:\nis:\n", "narrator: w1\n"])
    def test_nothing_to_correct(self, text: str, tmp_path: Path) -> None:
        assert read(text, tmp_path).corrections == Corrections()

    def test_names_stay_text(self, tmp_path: Path) -> None:
        sheet = read("merge:\n  - [No, 12]\nis:\n  1_0: Yes\n", tmp_path)
        assert sheet.corrections.merges == (Merge(("No", "12")),)
        assert sheet.corrections.spoken == (Spoken("1_0", "Yes"),)

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("merge: Emma\n", ":1: merge is no list"),
            ("merge:\n  - Emma\n", ":2: names of one person are a list"),
            ("merge:\n  - [Emma]\n", ":2: names of one person are a list of two"),
            ("merge:\n  - [Emma, [A]]\n", ":2: a name is missing"),
            ("split: [A, B]\n", ":1: split is no mapping"),
            ("split:\n  Emma: [A]\n", ":2: a name is missing"),
            ("is:\n  12:\n", ":2: a name is missing"),
            ("is:\n  '': Emma\n", ":2: a quotation is missing"),
            ("is:\n  12: {a: b}\n", ":2: a name is missing"),
            ("roles:\n  Emma: {gender: fem}\n", ':2: gender of Emma is "fem"; write female, male or unknown'),
            ("unite:\n  - [A, B]\n", ':1: unknown key "unite"; there are narrator, roles, merge, split and is'),
            ("is:\n  12: Emma\n  12: Anna\n", ":3:"),
            ("merge: &x\n  - [A, B]\n", ":1: anchors"),
            ("is: !!python/object:os.system\n  1: A\n", ":1: the tag"),
            ("merge:\n  - [A, [[[[[[B]]]]]]]\n", ": nested too deep"),
            ("is:\n  1: " + "x" * 400 + "\n", ":2: a name has at most 300"),
            ("split:\n" + "".join(f"  A{n}: B\n" for n in range(2001)), ":2: 2001 entries, and at most 2000"),
            ("is:\n" + "".join(f"  {n}: B\n" for n in range(20001)), "20001 entries, and at most 20000"),
            ("merge: [A\n", "no valid YAML"),
        ],
    )
    def test_faults_have_file_line_and_remedy(self, text: str, fault: str, tmp_path: Path) -> None:
        with pytest.raises(CastError) as caught:
            read(text, tmp_path)
        assert str(tmp_path / "cast.yaml") in str(caught.value)
        assert fault in str(caught.value)

    def test_a_huge_file_is_no_cast_sheet(self, tmp_path: Path) -> None:
        with pytest.raises(CastError, match="larger than"):
            read("#" * (MAX_CAST_FILE_BYTES + 1), tmp_path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CastError, match="check the name after --cast"):
            read_cast_sheet(tmp_path / "cast.yaml")
