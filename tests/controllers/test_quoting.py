"""Untrusted text stands in quotes that it cannot end."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from speechagents.controllers.quoting import NAME_CHARS, Names, plain, quoted, quoted_rows
from speechagents.drama import role_key


@given(st.text(max_size=200), st.integers(1, 60))
def test_a_quotation_is_one_line_without_escapes_that_reads_back_as_the_plain_text(text: str, limit: int) -> None:
    row = quoted(text, limit)
    assert json.loads(row) == plain(text, limit)
    assert len(row) <= limit + 2
    assert row.count('"') == 2
    assert len(row.splitlines()) == 1
    assert not set(row) & set("\\<>[]")


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=25, unique_by=role_key))
def test_no_two_roles_have_the_same_name_and_each_is_found_by_it(names: list[str]) -> None:
    known = Names(names)
    shown = [known.quoted(name) for name in names]
    assert len({role_key(one) for one in shown}) == len(names)
    assert [known.find(one) for one in shown] == names
    assert all(3 <= len(one) <= NAME_CHARS + 6 for one in shown)


def test_a_full_name_is_understood_but_never_for_somebody_who_is_called_so() -> None:
    names = Names(["Anna Karenina of the long and winding name, the first", "<i>Tom</i>", "Tom"])
    assert names.find("anna karenina of the long and winding name, the first") is not None
    assert (names.find("Tom"), names.find("Tom 2")) == ("<i>Tom</i>", "Tom")
    assert names.find("Nobody") is None


def test_a_name_that_nothing_is_left_of_is_a_number() -> None:
    assert Names(["Ella", "<b></b>"]).quoted("<b></b>") == '"Role 2"'


def test_rows_fill_their_room_from_the_first_on() -> None:
    assert quoted_rows(["one", "two", "three"], each=10, total=11) == ['"one"', '"two"']
    assert quoted_rows(["a long first one", "b"], each=6, total=2) == ['"a lon…"']
    assert quoted_rows([], each=6, total=2) == []
