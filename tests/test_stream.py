"""The message stream: ordered, append-only, and on disk before anyone hears of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.drama import Deed, Message, Style
from speechagents.errors import ProductionError
from speechagents.stream import MessageStream, message_from_json, message_to_json, read_stream

MESSAGE = Message(
    1, "Ella", "Have you told them?", Deed.SPEAK, Style("afraid", 0.5), ("Sophia",), (), 0.6, 1.9, "ab" * 32
)

TEXT = st.text(min_size=1, max_size=30).filter(str.strip)
MESSAGES = st.builds(
    Message,
    id=st.integers(1, 10**6),
    speaker=TEXT,
    text=TEXT,
    deed=st.sampled_from([deed for deed in Deed if deed is not Deed.SILENT]),
    style=st.builds(Style, TEXT, st.sampled_from([0.0, 0.5, 1.0, 2.0])),
    addresses=st.lists(TEXT, max_size=3).map(tuple),
    audience=st.lists(TEXT, max_size=3).map(tuple),
    start_s=st.integers(0, 10**6).map(lambda hundredths: hundredths / 100),
    end_s=st.just(2e4),
    take=st.sampled_from(["", "0" * 64]),
    cut=st.booleans(),
    fallback=st.text(max_size=20),
    units=st.lists(st.integers(0, 65_535), max_size=5).map(tuple),
)


@given(MESSAGES)
def test_a_message_survives_the_disk(message: Message) -> None:
    assert message_from_json(json.loads(json.dumps(message_to_json(message)))) == message


def test_a_message_is_on_disk_when_it_can_be_heard(tmp_path: Path) -> None:
    path = tmp_path / "stream.jsonl"
    with MessageStream(path) as stream:
        stream.append(MESSAGE)
        (line,) = path.read_text("utf-8").splitlines()
    found = json.loads(line)
    wanted = {"id", "speaker", "text", "style", "strength", "start_s", "end_s", "take", "audience", "fallback"}
    assert wanted <= set(found)
    assert read_stream(path) == (MESSAGE,)


def test_a_message_without_speech_units_is_written_as_ever() -> None:
    assert "units" not in message_to_json(MESSAGE)
    assert message_to_json(replace(MESSAGE, units=(3, 1)))["units"] == [3, 1]


def test_ids_count_without_a_gap(tmp_path: Path) -> None:
    with MessageStream(tmp_path / "stream.jsonl") as stream:
        stream.append(MESSAGE)
        for wrong in (1, 3):
            with pytest.raises(ValueError, match="cannot follow message 1"):
                stream.append(replace(MESSAGE, id=wrong))
        stream.append(replace(MESSAGE, id=2))
        stream.cut(1)
        assert [message.id for message in stream] == [1]
        assert stream[1] == MESSAGE
        with pytest.raises(KeyError):
            stream[2]


@pytest.mark.parametrize(
    "change",
    [
        {"id": 7},
        {"deed": "sings"},
        {"speaker": 3},
        {"start_s": "now"},
        {"end_s": -1.0},
        {"audience": "everybody"},
        {"strength": 9.0},
        {"text": "  "},
    ],
)
def test_what_is_no_message_is_damage_with_its_place(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "stream.jsonl"
    path.write_text(
        json.dumps(message_to_json(MESSAGE))
        + "\n"
        + json.dumps({**message_to_json(replace(MESSAGE, id=2)), **change})
        + "\n"
    )
    with pytest.raises(ProductionError, match=r"stream\.jsonl:2"):
        read_stream(path)


def test_a_folder_without_a_stream_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProductionError, match="improvise a scene"):
        read_stream(tmp_path / "stream.jsonl")
