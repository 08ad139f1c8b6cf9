"""What was found in a text is kept, found again for the same text alone, and never believed when it is damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speechagents.attribution.attribution_json import attribution_from_json, attribution_to_json
from speechagents.attribution.keeping import KeptAttributions
from speechagents.attribution.quotation import Attribution, Character, Gender, Quote, QuoteKind

TEXT = "“Yes,” said Emma, “I do.”"
SPANS = [(0, len(TEXT))]
FOUND = Attribution(
    characters=(Character("Emma", ("Miss Emma",), Gender.FEMALE, 3), Character("Élodie")),
    quotes=(
        Quote(((0, 6), (18, 25)), "Emma", 0.875, QuoteKind.EXPLICIT, addressee="Élodie", tag=(7, 16)),
        Quote(((30, 40),), None, 0.1, QuoteKind.IMPLICIT),
    ),
    first_person="Emma",
)


@pytest.fixture(autouse=True)
def nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks for quotations finds none: what is there was kept."""
    monkeypatch.setattr(
        "speechagents.attribution.attribute.attribute", lambda *_, **__: Attribution(characters=(), quotes=())
    )


def kept(path: Path, text: str = TEXT, spans: list[tuple[int, int]] | None = None) -> KeptAttributions:
    return KeptAttributions(path, text, SPANS if spans is None else spans)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    one = kept(tmp_path / "attribution.json")
    one.know(FOUND)
    one.write()
    return tmp_path / "attribution.json"


def test_values_come_back_as_they_were() -> None:
    assert attribution_from_json(json.loads(json.dumps(attribution_to_json(FOUND)))) == FOUND


@pytest.mark.parametrize(
    "damage",
    [
        lambda values: values.pop("quotes"),
        lambda values: values["quotes"][0].update(spans=[[5, 5]]),
        lambda values: values["quotes"][0].update(spans=[["a", 5]]),
        lambda values: values["quotes"][0].update(kind="sung"),
        lambda values: values["quotes"][0].update(speaker=7),
        lambda values: values["characters"][0].update(gender="x"),
        lambda values: values.update(characters=3),
    ],
)
def test_damaged_values_are_refused(damage: object) -> None:
    values = attribution_to_json(FOUND)
    damage(values)  # type: ignore[operator]
    with pytest.raises(ValueError, match=r"\w"):
        attribution_from_json(values)


def test_the_same_text_is_known(path: Path) -> None:
    assert kept(path).attribution() == FOUND


def test_another_text_other_paragraphs_or_other_characters_are_not(path: Path) -> None:
    for other in (kept(path, TEXT + " "), kept(path, spans=[(0, 5), (5, len(TEXT))])):
        assert other.attribution().quotes == ()
    assert kept(path).attribution([Character("Emma")]).quotes == ()


def test_another_model_finds_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("speechagents.attribution.attribute.MODEL_VERSION", "next")
    assert kept(path).attribution().quotes == ()


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'{"key": 3}', b"\xff\xfe"])
def test_a_damaged_file_counts_as_not_there(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert kept(path).attribution().quotes == ()


def test_what_nobody_asked_for_is_forgotten(path: Path) -> None:
    one = kept(path)
    one.attribution([Character("Emma")])
    one.write()
    assert kept(path).attribution().quotes == ()
