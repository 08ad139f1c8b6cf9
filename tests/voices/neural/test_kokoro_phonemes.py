"""Texts become the letters that Kokoro learnt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speechagents.errors import SynthesisError
from speechagents.voices.neural.ipa import ipa_of
from speechagents.voices.neural.kokoro_phonemes import LANGUAGES, MAX_TOKENS, Phonemes, respelled
from tests.voices.neural.tiny_kokoro_model import LETTERS


@pytest.fixture
def phonemes(tmp_path: Path) -> Phonemes:
    vocabulary = {letter: number for number, letter in enumerate(LETTERS)}
    (tmp_path / "config.json").write_text(json.dumps({"vocab": vocabulary}), "utf-8")
    return Phonemes(tmp_path)


@pytest.mark.parametrize(
    ("text", "language", "letters"),
    [
        ("Good evening!", "en-US", "ɡˈʊd ˈivnɪŋ!"),
        ("I judge the church.", "en-US", "I ʤˈʌʤ ðə ʧˈɜɹʧ."),
        ("A boat, a day, a cow.", "en-US", "ə bˈOt, ə dˈA, ə kˈW."),
        ("The boy's water bottle", "en-US", "ðə bˈYz wˈɔTəɹ bˈɑTᵊl"),
        ("A boat in the square.", "en-GB", "ə bˈQt ɪnðə skwˈɛː."),
        ("¿Qué tal, muchacho?", "es", "¿kˈe tˈal, muʧˈaʧo?"),
        ("Ciao, ragazzi.", "it", "ʧˈao, raɡˈaʦːɪ."),
    ],
)
def test_sounds_are_spelled_as_the_model_learnt_them(text: str, language: str, letters: str) -> None:
    (ipa,) = ipa_of([text], LANGUAGES[language], tie="^")
    assert respelled(ipa, language) == letters


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_model_knows_the_sounds_of_every_language(phonemes: Phonemes, language: str) -> None:
    text = {
        "es": "Se apagó la lámpara, y entonces oímos a alguien reír.",
        "fr": "La lampe s'est éteinte, puis quelqu'un a ri.",
        "hi": "दीया बुझ गया, और फिर किसी के हँसने की आवाज़ आई।",
        "it": "La lampada si spense, e poi qualcuno rise.",
        "pt-BR": "A lâmpada se apagou, e então ouvimos alguém rir.",
    }.get(language, "The lamp went out, and then we heard somebody laugh on the stairs.")
    (ipa,) = ipa_of([text], LANGUAGES[language], tie="^")
    written = respelled(ipa, language)
    unknown = {letter for letter in written if letter not in LETTERS}
    assert not unknown, (written, unknown)


def test_texts_of_a_batch_are_read_as_they_are_alone(phonemes: Phonemes) -> None:
    texts = ["Good evening!", "Nobody moves.", "Good evening!"]
    rows = phonemes.tokens(texts, "en-US")
    assert rows == [phonemes.tokens([text], "en-US")[0] for text in texts]
    assert rows[0] == rows[2] != rows[1]
    assert "".join(LETTERS[number] for number in rows[0]) == "ɡˈʊd ˈivnɪŋ!"


def test_too_much_and_nothing_are_told(phonemes: Phonemes) -> None:
    with pytest.raises(SynthesisError, match=f"more than {MAX_TOKENS}"):
        phonemes.tokens(["good evening " * 60], "en-US")
    with pytest.raises(SynthesisError, match="nothing to say"):
        phonemes.tokens(["…"], "fr")
