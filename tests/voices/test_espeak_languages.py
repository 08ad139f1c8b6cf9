"""Which language a tag means, and that each one speaks."""

from __future__ import annotations

import pytest

from speechagents.errors import SettingsError
from speechagents.voices.espeak import EspeakSynthesizer, language_file, languages
from speechagents.voices.synthesizer import ChecksLanguage, FailedTake, SpokenLine, Take, Voice


@pytest.mark.parametrize(
    ("tag", "file"),
    [
        ("de", "gmw/de"), ("de-DE", "gmw/de"), ("de_AT", "gmw/de"), ("pt", "roa/pt"), ("pt-BR", "roa/pt-BR"),
        ("PT-br", "roa/pt-BR"), ("zh", "sit/cmn"), ("zh-CN", "sit/cmn"), ("zh-Hans-CN", "sit/cmn"),
        ("cmn", "sit/cmn"), ("zh-HK", "sit/yue"),
        ("es-MX", "roa/es-419"), ("es-ES", "roa/es"), ("fr-CA", "roa/fr"),
        ("en", "gmw/en"), ("en-GB", "gmw/en"), ("en-US", "gmw/en-US"), ("en-GB-scotland", "gmw/en-GB-scotland"),
        ("it", "roa/it"), ("no", "gmq/nb"), ("ko", "ko"),
    ],
)  # fmt: skip
def test_tags_in_use_find_their_file(tag: str, file: str) -> None:
    assert language_file(tag) == file


def test_an_unknown_language_lists_what_is_similar() -> None:
    with pytest.raises(SettingsError, match=r"'fr4'.*\bfr\b"):
        language_file("fr4")


@pytest.mark.parametrize("tag", ["", "xx", "../../etc/passwd", "klingon\x00"])
def test_what_is_no_language_is_refused(tag: str) -> None:
    with pytest.raises(SettingsError):
        language_file(tag)


@pytest.mark.parametrize("tag", ["xx", "fo", "kaa", "xex", "tlh"])
def test_a_well_formed_language_that_nobody_speaks_is_refused_beforehand(espeak: EspeakSynthesizer, tag: str) -> None:
    assert isinstance(espeak, ChecksLanguage)
    with pytest.raises(SettingsError, match=rf"does not speak the language '{tag}'; (did you mean|known are) \w"):
        espeak.check_language(tag)


@pytest.mark.parametrize("tag", ["", "en", "EN_gb", "pt-BR", "zh-Hans-CN", "fr-CA"])
def test_a_language_that_is_spoken_passes(espeak: EspeakSynthesizer, tag: str) -> None:
    espeak.check_language(tag)


def test_a_line_of_its_own_in_an_unknown_language_fails_alone(espeak: EspeakSynthesizer, narrator: Voice) -> None:
    one, other = espeak.speak([SpokenLine("Hello.", narrator, language="xx"), SpokenLine("Hello.", narrator)])
    assert isinstance(one, FailedTake)
    assert isinstance(other, Take)


def test_every_language_speaks(espeak: EspeakSynthesizer, narrator: Voice) -> None:
    tags = languages()
    assert len(tags) > 120
    takes = espeak.speak([SpokenLine("a", narrator, language=tag) for tag in tags])
    silent = [
        tag for tag, take in zip(tags, takes, strict=True) if not isinstance(take, Take) or take.audio.peak < 0.01
    ]
    assert silent == []
