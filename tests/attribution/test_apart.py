"""Long texts are attributed in a process of their own, with the same result."""

from __future__ import annotations

import subprocess
import sys

import pytest

from speechagents.attribution import apart
from speechagents.attribution.apart import attribute_apart
from speechagents.attribution.attribute import attribute
from speechagents.attribution.quotation import Character, Gender

TEXT = "\n\n".join(
    (
        "Emma Hart met Tom Reed at the gate.",
        "“You are late,” said Emma.",
        "“I am not.”",
        "“You are, Tom. Ask Lucy!” \ud800",
        "Lucy Vane came out of the house. “Who is late?” she asked.",
    )
)
CAST = (Character("Emma Hart", ("Emma",), Gender.FEMALE), Character("Tom Reed", ("Tom",), Gender.MALE))


def paragraphs(text: str) -> list[tuple[int, int]]:
    found, at = [], 0
    for one in text.split("\n\n"):
        found.append((at, at + len(one)))
        at += len(one) + 2
    return found


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The processes that were started."""
    commands: list[list[str]] = []
    run = subprocess.run

    def noted(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        commands.append(command)
        return run(command, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "run", noted)
    return commands


@pytest.mark.parametrize("characters", [None, CAST])
def test_the_result_is_that_of_this_process(
    monkeypatch: pytest.MonkeyPatch, started: list[list[str]], characters: tuple[Character, ...] | None
) -> None:
    monkeypatch.setattr(apart, "LONG_CHARS", 10)
    found = attribute_apart(TEXT, paragraphs(TEXT), characters=characters)
    assert found == attribute(TEXT, paragraphs(TEXT), characters=characters)
    assert str(found.quotes[0].speaker).startswith("Emma")
    assert len(started) == 1


def test_a_short_text_starts_no_process(started: list[list[str]]) -> None:
    attribute_apart(TEXT, paragraphs(TEXT))
    assert started == []


@pytest.mark.parametrize("program", ["", "/no/such/interpreter"])
def test_where_no_process_does_it_it_is_done_here(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(apart, "LONG_CHARS", 10)
    monkeypatch.setattr(apart, "_PROGRAM", "raise SystemExit(3)")
    monkeypatch.setattr(sys, "executable", program or sys.executable)
    assert attribute_apart(TEXT, paragraphs(TEXT)) == attribute(TEXT, paragraphs(TEXT))
