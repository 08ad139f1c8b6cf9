"""Files of conversations: what is taken, what is refused and where, and in which split it lies."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from speechagents.errors import TuningError
from speechagents.tuning import chat_messages
from speechagents.tuning.chat_messages import read_chat_file
from speechagents.tuning.trajectory import Instruction, Split


def said(*contents: str, **more: Any) -> dict[str, Any]:
    """A conversation of user and assistant in turn."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[at % 2], "content": text} for at, text in enumerate(contents)], **more}


def by(role: str, content: Any) -> dict[str, Any]:
    """An answer to what somebody said."""
    return {"messages": [{"role": role, "content": content}, {"role": "assistant", "content": "So."}]}


def read(tmp_path: Path, *conversations: Any) -> list[Instruction]:
    path = tmp_path / "general.jsonl"
    lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in conversations]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return list(read_chat_file(path))


def test_a_question_and_its_answer(tmp_path: Path) -> None:
    (one,) = read(tmp_path, said(" What is the capital of Peru?\n", "Lima."))
    assert (one.question, one.answer, one.task) == ("What is the capital of Peru?", "Lima.", "chat")
    assert one.id == "general/1"


def test_what_was_said_before_stands_in_the_question_with_who_said_it(tmp_path: Path) -> None:
    conversation = said("Hello.", "Hello!", "And now?", "Now we begin.")
    conversation["messages"].insert(0, {"role": "system", "content": "Be brief."})
    (one,) = read(tmp_path, conversation)
    assert one.question == "Instructions: Be brief.\nUser: Hello.\nAssistant: Hello!\nUser: And now?"
    assert one.answer == "Now we begin."


def test_a_conversation_may_name_its_kind_and_have_fields_of_others(tmp_path: Path) -> None:
    (one,) = read(tmp_path, said("Two and two?", "Four.", task="sums", id=7, source={"url": "x"}))
    assert one.task == "sums"


def test_empty_lines_are_passed_over_and_equal_questions_taken_once(tmp_path: Path) -> None:
    found = read(tmp_path, said("One?", "1"), b"", b"  ", said("One?", "one"), said("Two?", "2"))
    assert [(one.id, one.answer) for one in found] == [("general/1", "1"), ("general/5", "2")]


def test_the_question_decides_the_split(tmp_path: Path) -> None:
    found = read(tmp_path, *(said(f"What is {number} plus one?", str(number + 1)) for number in range(1_000)))
    again = {one.question: one.split for one in read(tmp_path, *(said(one.question, "?") for one in reversed(found)))}
    assert all(again[one.question] is one.split for one in found)
    counts = Counter(one.split for one in found)
    assert counts[Split.TRAIN] > 750
    assert min(counts[Split.DEV], counts[Split.TEST]) > 70


FAULTS: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{messages: []}", "no JSON"),
    "no UTF-8": (b'{"messages": "\xff"}', "no JSON in UTF-8"),
    "a list": ([1], "no object with messages; write {"),
    "other names": ({"conversations": []}, "no object with messages"),
    "no list": ({"messages": "Hello."}, "messages: is no list of 2 to 200"),
    "a question alone": (said("Why?"), "messages: is no list of 2 to 200"),
    "too many": (said(*["x"] * 202), "messages: is no list of 2 to 200"),
    "no answer at the end": (said("Why?", "So.", "Oh?"), "messages[2].role: is no answer"),
    "no question": (by("system", "x"), "no question"),
    "somebody else": (by("tool", "x"), "messages[0].role: is none of system, user, assistant"),
    "parts": (by("user", [{"type": "text"}]), "messages[0].content: is no text"),
    "nothing said": (said("Why?", "  "), "messages[1].content: is no text"),
    "half a character": (said("Why \ud800?", "So."), "messages[0].content: has half a character"),
    "a long question": (said("x" * 20_001, "So."), "20001 characters in the question"),
    "a long answer": (said("Why?", "x" * 20_001), "20001 characters in the answer"),
    "a kind that is a number": (said("Why?", "So.", task=3), "task: is no text"),
    "a long kind": (said("Why?", "So.", task="x" * 61), "task: is no text"),
    "a field twice": (b'{"messages": [], "messages": []}', "a field is there twice"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_told_with_file_line_and_field(tmp_path: Path, fault: str) -> None:
    line, what = FAULTS[fault]
    with pytest.raises(TuningError) as caught:
        read(tmp_path, said("One?", "1"), line)
    assert str(caught.value).startswith("general.jsonl:2: ")
    assert what in str(caught.value)


def test_lines_and_files_without_end_are_not_taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TuningError, match="longer than 1000 kB"):
        read(tmp_path, b" " * 999_999 + b"x" * 10)
    monkeypatch.setattr(chat_messages, "MAX_FILE_BYTES", 10)
    with pytest.raises(TuningError, match="divide it"):
        read(tmp_path, said("One?", "1"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match=r"gone\.jsonl: cannot be read"):
        list(read_chat_file(tmp_path / "gone.jsonl"))
