"""A cast list as a table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from speechagents.attribution.character_table import MAX_ALIASES, MAX_BYTES, MAX_CHARACTERS, read_characters
from speechagents.attribution.quotation import Character, Gender
from speechagents.drama import MAX_NAME_CHARS
from speechagents.errors import CastError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cast.csv"


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path, text: str | bytes, line: int | None, *words: str) -> None:
    with pytest.raises(CastError) as error:
        read_characters(written(path, text))
    assert str(error.value).startswith(f"{path}:{line}: " if line else f"{path}: ")
    for word in words:
        assert word in str(error.value)


def test_a_row_is_a_character(path: Path) -> None:
    written(path, "Main Name,Aliases,Gender\nEmma Hart,Emma; Miss Hart,F\nTom Reed,,male\nThe Voice,,\n")
    assert read_characters(path) == (
        Character("Emma Hart", ("Emma", "Miss Hart"), Gender.FEMALE),
        Character("Tom Reed", (), Gender.MALE),
        Character("The Voice", (), Gender.UNKNOWN),
    )


@pytest.mark.parametrize(
    "field",
    [
        "\"{'Emma', 'Miss Hart', 'Emma Hart'}\"",
        "\"['Miss Hart', 'Emma']\"",
        "\"('Miss Hart', 'Emma')\"",
        "Miss Hart|Emma",
        "Miss Hart;; Emma ;Emma",
        "Miss  Hart; Emma; _group",
    ],
)
def test_aliases_are_a_list_a_set_or_separated_and_always_in_one_order(path: Path, field: str) -> None:
    written(path, f"Main Name,Aliases,Gender\nEmma Hart,{field},f\n")
    assert read_characters(path)[0].aliases == ("Emma", "Miss Hart")


def test_columns_beside_and_in_any_order_do_no_harm(path: Path) -> None:
    written(path, "Character ID,Gender,Main Name,Category\n0,M,Tom Reed,major\n1,X,_unknowable,minor\n")
    assert read_characters(path) == (Character("Tom Reed", (), Gender.MALE),)


def test_a_mark_of_order_windows_lines_and_quoted_line_breaks_are_read(path: Path) -> None:
    written(path, b'\xef\xbb\xbfMain Name,Aliases,Gender\r\n"Emma\r\nHart",Emma,F\r\n')
    assert read_characters(path) == (Character("Emma Hart", ("Emma",), Gender.FEMALE),)


def test_rows_without_a_name_are_left_out(path: Path) -> None:
    written(path, "Main Name,Aliases,Gender\n,,\nTom,,M\n   ,Ann,F\n")
    assert [one.name for one in read_characters(path)] == ["Tom"]


def test_a_short_row_is_a_row(path: Path) -> None:
    written(path, "Main Name,Aliases,Gender\nTom\n")
    assert read_characters(path) == (Character("Tom"),)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CastError, match=r"missing\.csv: cannot be read .*check the name after --characters"):
        read_characters(tmp_path / "missing.csv")
    with pytest.raises(CastError, match="cannot be read"):
        read_characters(tmp_path)


def test_errors_name_file_and_line(path: Path) -> None:
    head = "Main Name,Aliases,Gender\n"
    refused(path, "", 1, "Main Name")
    refused(path, "Name,Aliases\nTom,\n", 1, 'no column "Main Name"')
    refused(path, head, None, "names nobody")
    refused(path, f"{head}_unknown,,\n", None, "names nobody")
    refused(path, f"{head}Tom,,\n{'x' * (MAX_NAME_CHARS + 1)},,\n", 3, f"at most {MAX_NAME_CHARS}")
    refused(path, head.encode() + b"Tom,,\nZo\xe9,,\n", 3, "not UTF-8")
    refused(path, f'{head}Tom,,\n"Emma" Hart,,\n', 3, "no CSV")
    refused(path, f'{head}"Tom,,\n', 2, "no CSV")


def test_who_is_listed_twice_is_one_person_with_the_names_of_both_rows(path: Path) -> None:
    written(path, "Main Name,Aliases,Gender\nEmma Hart,Emma,\nTom,,M\nemma hart,Miss Hart,F\n")
    assert read_characters(path) == (
        Character("Emma Hart", ("Emma", "Miss Hart"), Gender.FEMALE),
        Character("Tom", (), Gender.MALE),
    )


def test_badly_quoted_aliases_are_taken_by_their_commas(path: Path) -> None:
    written(path, "Main Name,Aliases,Gender\nRory O'Neill,\"{'Rory', 'Mr. O'Neill'}\",M\n")
    assert read_characters(path)[0].aliases == ("Mr. O'Neill", "Rory")


@pytest.mark.parametrize("field", ["[1, 2]", "[['Emma']]", "{'Emma', 5}", "[None]"])
def test_a_list_of_something_else_than_names(path: Path, field: str) -> None:
    refused(path, f'Main Name,Aliases,Gender\nTom,,M\nEmma Hart,"{field}",F\n', 3, "something else than names")


@pytest.mark.parametrize(
    "field", ["[__import__('os').getcwd()]", "[" * 5000, "{*()}", "(1)(2)", "{'Emma': 1}", "['a'*9]"]
)
def test_nothing_in_a_field_is_run(path: Path, field: str) -> None:
    written(path, f'Main Name,Aliases,Gender\nEmma Hart,"{field}",F\n')
    (emma,) = read_characters(path)
    assert emma.name == "Emma Hart"
    assert all(alias in field for alias in emma.aliases)


def test_limits(path: Path) -> None:
    head = "Main Name,Aliases,Gender\n"
    refused(
        path, head + "".join(f"Zorban {at},,\n" for at in range(MAX_CHARACTERS + 1)), MAX_CHARACTERS + 2, "more than"
    )
    many = ";".join(f"Name {at}" for at in range(MAX_ALIASES + 1))
    refused(path, f"{head}Tom,{many},\n", 2, f"more than {MAX_ALIASES} aliases")
    refused(path, f"{head}Tom,{'x' * (MAX_NAME_CHARS + 1)},\n", 2, f"above {MAX_NAME_CHARS} characters")
    refused(path, head + "x" * MAX_BYTES, None, "larger than")
    written(path, head + "".join(f"Zorban {at},,\n" for at in range(MAX_CHARACTERS)))
    assert len(read_characters(path)) == MAX_CHARACTERS


@pytest.mark.parametrize("text", ["\0\0\0", "\n\n\n", '"', "Main Name,Aliases\nTom," + "x" * 200_000, "a\rb"])
def test_whatever_else_a_file_holds_is_an_error_that_names_it(path: Path, text: str) -> None:
    with pytest.raises(CastError, match=re.escape(str(path)) + r"(:\d+)?: "):
        read_characters(written(path, text))
