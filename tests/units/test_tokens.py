"""The vocabulary: what is a mark and what is text, what comes back, and that others read the same file alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechagents.errors import WeightsMissing
from speechagents.styles import STYLES
from speechagents.units.tokens import (
    END,
    FILE,
    MARKS,
    MAX_UNITS,
    UnitTokens,
    load_tokens,
    plain,
    style_mark,
    train_tokens,
    unit_marks,
)

tokenizers = pytest.importorskip("tokenizers")

TEXTS = ["The ferry doesn't sail tonight, Ofélia.", "Nobody sails at night, says the harbour master."] * 3
TOKENS = train_tokens(TEXTS, units=16, pieces=300)


def test_a_vocabulary_holds_all_marks_styles_units_and_bytes() -> None:
    assert TOKENS.units == 16
    for mark in (*MARKS, *map(style_mark, STYLES), *(f"<u{unit}>" for unit in range(16))):
        assert TOKENS.encode(mark) == [TOKENS.id_of(mark)]
    assert TOKENS.size == len(MARKS) + len(STYLES) + 16 + 300
    assert TOKENS.decode(TOKENS.encode("日本 \N{GRINNING FACE}")) == "日本 \N{GRINNING FACE}"


def test_known_words_are_fewer_tokens_than_unknown_ones() -> None:
    assert TOKENS.count(" night") == 1
    assert TOKENS.count(" nicht") > 1


def test_units_and_styles_have_tokens_of_their_own_kind() -> None:
    assert TOKENS.unit_ids().tolist() == [TOKENS.id_of(f"<u{unit}>") for unit in range(16)]
    assert set(TOKENS.style_ids().values()) == set(STYLES)
    assert not {*TOKENS.unit_ids().tolist(), *TOKENS.style_ids(), TOKENS.id_of(END)} & set(TOKENS.text_ids().tolist())
    assert TOKENS.encode("<")[0] not in TOKENS.text_ids()


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_a_text_holds_no_mark_and_comes_back(text: str) -> None:
    shown = plain(text + END + unit_marks([3]) + "<style:angry>")
    ids = TOKENS.encode(f"<says>{shown}{END}")
    marks = {TOKENS.id_of(mark) for mark in MARKS} | set(TOKENS.style_ids()) | set(TOKENS.unit_ids().tolist())
    assert [one for one in ids if one in marks] == [TOKENS.id_of("<says>"), TOKENS.id_of(END)]
    assert TOKENS.decode(ids) == f"<says>{shown}{END}"


def test_a_mark_that_was_spelt_with_letters_is_none() -> None:
    spelt = TOKENS.encode("<") + TOKENS.encode("end") + TOKENS.encode(">")
    assert TOKENS.decode(spelt) == "‹end›"


def test_plain_text_is_on_one_line_with_plain_signs() -> None:
    assert plain(" “Don’t…”\n\tshe — said\x00 ") == '"Don\'t..." she - said'


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", "<says>", "<u7><u3>", "<style:sad>"]))
def test_the_package_that_made_it_cuts_every_string_the_same_way(text: str, mark: str) -> None:
    theirs = tokenizers.Tokenizer.from_str(json.dumps(TOKENS.document))
    string = f"{mark}{text} isn't{mark}"
    assert TOKENS.encode(string) == theirs.encode(string).ids


def test_transformers_loads_the_folder_and_cuts_the_same_way(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    TOKENS.save(tmp_path, context=64)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    string = "<scene> The night, Ofélia.<says> Bo<style:calm><u1><u15><text> I don't know 12.<end>"
    assert theirs(string)["input_ids"] == TOKENS.encode(string)
    assert theirs.decode(TOKENS.encode(string)) == string
    assert (theirs.eos_token, theirs.pad_token, theirs.model_max_length) == (END, "<pad>", 64)


def test_the_same_texts_give_the_same_file(tmp_path: Path) -> None:
    assert train_tokens(TEXTS, units=16, pieces=300).document == TOKENS.document
    TOKENS.save(tmp_path, context=64)
    assert load_tokens(tmp_path).document == TOKENS.document


@pytest.mark.parametrize(("units", "pieces"), [(0, 300), (MAX_UNITS + 1, 300), (16, 255)])
def test_sizes_out_of_range_are_refused(units: int, pieces: int) -> None:
    with pytest.raises(ValueError, match="not between"):
        train_tokens(TEXTS, units=units, pieces=pieces)


def _without_mark(document: dict[str, Any]) -> None:
    document["added_tokens"] = [one for one in document["added_tokens"] if one["content"] != "<answers>"]


def _other_words(document: dict[str, Any]) -> None:
    document["pre_tokenizer"] = {"type": "Whitespace"}


def _strange_mark(document: dict[str, Any]) -> None:
    document["added_tokens"].append({"id": TOKENS.size, "content": " the "})


def _gap(document: dict[str, Any]) -> None:
    del document["model"]["vocab"]["<u15>"]
    document["added_tokens"] = [one for one in document["added_tokens"] if one["content"] != "<u15>"]


def _no_vocabulary(document: dict[str, Any]) -> None:
    document["model"]["vocab"] = []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_without_mark, "gaps|<answers> is missing"),
        (_other_words, "cuts words otherwise"),
        (_strange_mark, "marks that a text could hold"),
        (_gap, "gaps"),
        (_no_vocabulary, "items"),
    ],
)
def test_a_file_of_another_kind_is_refused(damage: Callable[[dict[str, Any]], None], said: str, tmp_path: Path) -> None:
    document: Any = deepcopy(TOKENS.document)
    damage(document)
    (tmp_path / FILE).write_text(json.dumps(document))
    with pytest.raises(WeightsMissing, match=said):
        load_tokens(tmp_path)


@pytest.mark.parametrize("written", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 5000])
def test_what_is_no_document_is_refused(written: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(written)
    with pytest.raises(WeightsMissing, match=r"tokenizer\.json"):
        load_tokens(tmp_path)


def test_a_folder_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"tokenizer\.json"):
        load_tokens(tmp_path)


def test_a_vocabulary_needs_units() -> None:
    with pytest.raises(KeyError):
        UnitTokens({})
