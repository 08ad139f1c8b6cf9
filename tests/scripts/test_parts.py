"""Lines below a cue told apart."""

from __future__ import annotations

import pytest

from speechagents.scripts.inline import source_lines
from speechagents.scripts.parts import read_parts, write_part
from speechagents.scripts.script import Part, PartKind

SPEECH, ASIDE, LYRIC = PartKind.SPEECH, PartKind.PARENTHETICAL, PartKind.LYRIC


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a\nb", [(SPEECH, "a\nb")]),
        ("(a)\n(b)\nc", [(ASIDE, "a"), (ASIDE, "b"), (SPEECH, "c")]),
        ("(a\nb)\nc", [(ASIDE, "a b"), (SPEECH, "c")]),
        ("(a\nb\nc\nd\ne)", [(SPEECH, "(a\nb\nc\nd\ne)")]),
        ("(a\n(b)", [(SPEECH, "(a"), (ASIDE, "b")]),
        ("()", [(SPEECH, "()")]),
        ("~a\n~\n~b\nc", [(LYRIC, "a\n\nb"), (SPEECH, "c")]),
        ("~", [(SPEECH, "~")]),
        ("\\~a\n\\(b)\n\\\\(c)", [(SPEECH, "~a\n(b)\n\\(c)")]),
        ("\n\na\n\nb\n", [(SPEECH, "a\n\nb")]),
        ("", []),
    ],
)
def test_lines_become_parts(text: str, parts: list[tuple[PartKind, str]]) -> None:
    assert read_parts(source_lines(text)) == tuple(Part(kind, words) for kind, words in parts)


@pytest.mark.parametrize(
    ("part", "lines"),
    [
        (Part(SPEECH, "a\n\n(b)\n~c\n(d"), ["a", "", "\\(b)", "\\~c", "\\(d"]),
        (Part(SPEECH, "(a) b"), ["(a) b"]),
        (Part(ASIDE, "a) (b"), ["(a) (b)"]),
        (Part(LYRIC, "a\n\nb"), ["~a", "~", "~b"]),
        (Part(SPEECH, "a [[b\nc]]\nd"), ["a [[b\nc]]", "d"]),
    ],
)
def test_parts_become_lines(part: Part, lines: list[str]) -> None:
    assert write_part(part) == lines
