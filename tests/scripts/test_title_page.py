"""Title pages read and written."""

from __future__ import annotations

import pytest

from speechagents.scripts.inline import source_lines
from speechagents.scripts.title_page import TitlePage, read_title_page, write_title_page


@pytest.mark.parametrize(
    ("text", "entries", "end"),
    [
        ("Title: X\n\nHi.", (("Title", " X"),), 1),
        ("\n\nTitle: X", (("Title", " X"),), 3),
        ("Title:\n  X\n\tY\nAuthor: Z", (("Title", "\n  X\n\tY"), ("Author", " Z")), 4),
        ("Title: X\nHello there.", (("Title", " X"),), 1),
        ("Foo: X\nHello there.", (), 0),
        ("FADE IN:\n\nHi.", (), 0),
        ("Hello.", (), 0),
        ("", (), 1),
    ],
)
def test_a_title_page_is_keys_with_values(text: str, entries: TitlePage, end: int) -> None:
    assert read_title_page(source_lines(text)) == (entries, end)


def test_longer_values_are_written_below_their_key() -> None:
    assert write_title_page((("Title", "X"), ("Contact", "a\nb"))) == "Title: X\nContact:\n    a\n    b"
