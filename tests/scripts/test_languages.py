"""Language tags from tags and names."""

from __future__ import annotations

import pytest

from speechagents.scripts.languages import language_tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("de", "de"),
        (" EN-gb ", "en-GB"),
        ("pt_BR", "pt-BR"),
        ("zh-hant-TW", "zh-Hant-TW"),
        ("en-GB-x-rp", "en-GB-x-rp"),
        ("Deutsch", "de"),
        ("français", "fr"),
        ("中文", "cmn"),
        ("zh", "cmn"),
        ("", ""),
        ("Elvish tongue", ""),
        ("e", ""),
        ("../x", ""),
    ],
)
def test_tags_and_names_give_tags(text: str, tag: str) -> None:
    assert language_tag(text) == tag
