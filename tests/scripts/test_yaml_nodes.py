"""YAML as nodes: everything keeps its place, nothing is guessed, nothing blows up."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from speechagents.errors import SceneError
from speechagents.scripts.yaml_nodes import MAX_DEPTH, ListNode, MappingNode, Node, TextNode, read_yaml, shown

CHARS = 100_000
LIMIT_S = 10.0
"""CPU time for reading `CHARS`; the slowest takes a tenth of it, anything quadratic many times the limit."""


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once with the parser in C, once with the one in Python, which is all that some installations have."""
    if request.param == "SafeLoader":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)


def plain(node: Node | None) -> object:
    """The values alone."""
    if isinstance(node, TextNode):
        return node.value
    if isinstance(node, ListNode):
        return [plain(item) for item in node.items]
    if isinstance(node, MappingNode):
        return [(key.value, plain(value)) for key, value in node.entries]
    return None


def mapping(text: str) -> MappingNode:
    node = read_yaml(text, source="a.yaml")
    assert isinstance(node, MappingNode)
    return node


def test_scalars_stay_the_text_that_was_written() -> None:
    text = "no: Off\n42: 025\nnull: ~\n1e3: 2024-01-01\n'x': \"y\\tz\"\n"
    assert plain(read_yaml(text, source="")) == [
        ("no", "Off"), ("42", "025"), ("null", "~"), ("1e3", "2024-01-01"), ("x", "y\tz"),
    ]  # fmt: skip


def test_every_node_knows_file_line_and_field() -> None:
    (_, roles), (key, title) = mapping(
        "roles:\n  - {name: A}\n  - name: B\n    goals: [x,\n      y]\ntitle: T\n"
    ).entries
    assert (key.at.source, key.at.line, key.at.field) == ("a.yaml", 6, "title")
    assert (title.at.line, title.at.field) == (6, "title")
    assert isinstance(roles, ListNode)
    second = roles.items[1]
    assert isinstance(second, MappingNode)
    assert (second.at.line, second.at.field, second.flow) == (3, "roles[1]", False)
    goals = second.entries[1][1]
    assert isinstance(goals, ListNode)
    assert [(item.at.line, item.at.field) for item in goals.items] == [
        (4, "roles[1].goals[0]"),
        (5, "roles[1].goals[1]"),
    ]


def test_a_fault_at_a_place_names_it() -> None:
    error = mapping("a:\n  b: 1\n").entries[0][1].at.fault("wrong; mend it")
    assert (str(error), error.source, error.line, error.field) == ("a.yaml:2: a: wrong; mend it", "a.yaml", 2, "a")


@pytest.mark.parametrize(
    ("text", "nothing"), [("", True), ("~", True), ("null", True), ("'null'", False), ("No", False)]
)
def test_only_null_a_tilde_and_nothing_at_all_mean_nothing(text: str, nothing: bool) -> None:
    value = mapping(f"a: {text}\n").entries[0][1]
    assert isinstance(value, TextNode)
    assert value.nothing is nothing


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n...\n", "null"])
def test_a_document_of_nothing_is_none(text: str) -> None:
    assert read_yaml(text, source="") is None


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: &x 1\n", 1, "quote a text that begins with &"),
        ("a: 1\nb: *x\n", 2, "quote a text that begins with \\*"),
        ("a: * sigh *\n", 1, "begins with \\* in quotes"),
        ("a: &\n", 1, "begins with & in quotes"),
        ("a: !!python/object/apply:os.system [echo]\n", 1, 'the tag ".*python/object/apply:os" is not allowed'),
        ("a: !secret x\n", 1, "quote a text that begins with !"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("a: b: c\n", 1, "has a colon in it in quotes"),
        ("a: @home\n", 1, "begins with @"),
        ("a:\n\tb: 1\n", 2, "indent with spaces"),
        ("a: 'open\n", 2, "close the quotes"),
        ('a: "C:\\qux"\n', 1, "for a backslash"),
        ("a: [1, 2\n", 2, "check quotes, brackets and indentation"),
        ("a: 1\n  b: 2\n", 2, "no valid YAML"),
        ("a: 1\n? [b]\n: 2\n", 2, "plain text"),
        ("a: 1\nb: x\x07y\n", 2, "U\\+0007"),
        ("a: \ud800\n", 1, "U\\+D800"),
        ("%YAML 9.9\n---\na: 1\n", 1, "no valid YAML"),
        (f"%YAML 1.{'9' * 6000}\n---\na: 1\n", 1, "no valid YAML"),
        ("a:\n" + "".join("  " * n + "- \n" for n in range(1, 9)), MAX_DEPTH + 1, "nested too deep"),
        ("[" * 100_000, 1, "nested too deep"),
        ("- " * 100_000, 1, "nested too deep"),
    ],
)
def test_what_is_refused_is_named_with_its_line_and_remedy(text: str, line: int, message: str) -> None:
    with pytest.raises(SceneError, match=message) as caught:
        read_yaml(text, source="a.yaml")
    assert str(caught.value).startswith(f"a.yaml:{caught.value.line}:")
    # The two parsers see the end of an unclosed text in the line of its last character or the one below.
    assert caught.value.line in (line, line - 1)


def test_a_character_beyond_unicode_is_refused_or_replaced_but_never_a_crash() -> None:
    with pytest.raises(SceneError, match="no valid YAML"):
        read_yaml('a: "\\UFFFFFFFF"\n', source="")


def test_what_a_message_shows_is_short_and_cannot_steer_a_terminal() -> None:
    assert shown("a\x1b[2J\u202eb" + "x" * 9000) == "a [2J b" + "x" * 33


ATTACKS = {
    "braces": ("", "{", ""),
    "closed brackets": ("a: [", "[],", "]"),
    "keys": ("", "a: b\n", ""),
    "entries": ("a:\n", "- x\n", ""),
    "empty entries": ("a: [", "x,", "]"),
    "one long key": ("", "k", ": v"),
    "question marks": ("", "? ", ""),
    "colons": ("", "a:", ""),
    "spaces": ("a: ", " ", "b"),
    "blank lines": ("a: b\n", "\n", "c: d"),
    "quotes": ('a: "', "\\\n", '"'),
    "apostrophes": ("a: '", "''", "'"),
    "comments": ("", "#\n", "a: b"),
    "folded": ("a: >\n", "  x\n", ""),
    "indentation": ("a: |\n", " \n", "  x"),
    "anchors": ("a: [", "&a a,", "]"),
    "laughs": ("a: &a [x]\nb: [", "*a,", "]"),
    "documents": ("", "---\n", ""),
    "directives": ("", "%A b\n", ""),
    "tags": ("a: [", "!a b,", "]"),
    "line separators": ("a: ", "\u2028", "b"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_reading_takes_time_linear_in_the_length(attack: str) -> None:
    before, piece, after = ATTACKS[attack]
    started = time.process_time()
    with suppress(SceneError):
        read_yaml(before + piece * (CHARS // len(piece)) + after, source="")
    assert time.process_time() - started < LIMIT_S


PIECES = st.sampled_from(
    [
        *"abc01-?:,[]{}#&*!|>'\"%@`~\\ \n\t\r",
        "\n  ",
        "\n- ",
        ": ",
        " #",
        "---\n",
        "...\n",
        "<<",
        "null",
        "\ufeff",
        "\x85",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
def test_any_text_becomes_nodes_or_a_named_fault(text: str) -> None:
    node: Node | SceneError | None
    try:
        node = read_yaml(text, source="a.yaml")
    except SceneError as error:
        node = error
    line = node.line if isinstance(node, SceneError) else node.at.line if node else 1
    assert line is not None
    assert 1 <= line <= len(text) + 1
