"""Alphabets of sounds."""

from __future__ import annotations

import pytest

from speechagents.pronunciation.phonetics import ipa_of_xsampa, is_ipa, respelt


@pytest.mark.parametrize(
    ("xsampa", "ipa"),
    [('SI"vO:n', "ʃɪˈvɔːn"), ('h@"maI@ni', "həˈmaɪəni"), ("r\\{t", "ɹæt"), ("3:", "ɜː"), ("t_Sa~", "t͡ʃã")],
)
def test_x_sampa(xsampa: str, ipa: str) -> None:
    assert ipa_of_xsampa(xsampa) == ipa.replace("ã", "a\u0303")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ʃɪˈvɔːn", True), ("t͡ʃã", True), ("[[x]]", False), ("", False), ("12", False), ("ˈ", False), ("a<b", False)],
)
def test_what_may_be_ipa(text: str, expected: bool) -> None:
    assert is_ipa(text) is expected


@pytest.mark.parametrize(
    ("ipa", "letters"), [("ʃɪˈvɔːn", "shivawn"), ("ˈkiː", "kee"), ("tʃeə", "chair"), ("θɪŋ", "thing"), ("ʒɑ̃", "zhah")]
)
def test_respelling(ipa: str, letters: str) -> None:
    assert respelt(ipa) == letters
