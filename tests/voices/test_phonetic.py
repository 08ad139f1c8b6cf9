"""Words by their sounds inside a line's text, and how the embedded voices speak them."""

from __future__ import annotations

import pytest

from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.espeak.phonemes import english_phonemes
from speechagents.voices.espeak.text import spoken_text
from speechagents.voices.phonetic import has_sounds, phonetic_word, replaced, spelled, unmarked
from speechagents.voices.synthesizer import SpokenLine, Take

SIOBHAN = phonetic_word("ʃɪˈvɔːn", "shivawn")


def test_a_phonetic_word_is_text_with_letters_for_voices_without_sounds() -> None:
    assert has_sounds(SIOBHAN)
    assert spelled(f"“{SIOBHAN},” he said") == "“shivawn,” he said"
    assert replaced(f"a {SIOBHAN}", lambda ipa, letters: f"<{ipa}|{letters}>") == "a <ʃɪˈvɔːn|shivawn>"
    assert unmarked(SIOBHAN) == "ʃɪˈvɔːnshivawn"


def test_half_a_mark_is_nothing() -> None:
    assert spelled("a\ue000b \ue002c") == "ab c"


@pytest.mark.parametrize(
    ("ipa", "phonemes"),
    [
        ("ʃɪˈvɔːn", "SI'vO:n"),
        ("həˈmaɪəni", "h@'maI@ni"),
        ("ˌɡɜːtə", ",g3:t@"),
        ("t͡ʃeə", "tSe@"),
        ("ʒɑ̃", "ZA:N"),
        ("[[x]]'<>\"", "x'"),
        ("!!", ""),
        ("ˈˌ", ""),
    ],
)
def test_only_known_phonemes_pass(ipa: str, phonemes: str) -> None:
    assert english_phonemes(ipa) == phonemes


def test_a_phonetic_word_is_sent_as_phonemes_in_english_and_as_letters_elsewhere() -> None:
    line = f"“{SIOBHAN},” he said."
    assert spoken_text(line, language="en-GB").text == "[[SI'vO:n]], he said."
    assert spoken_text(line, language="de").text == "shivawn, he said."
    assert spoken_text(line, language="en").tokens == ("“shivawn,”", "he", "said.")


def test_no_bracket_of_a_text_reaches_the_engine() -> None:
    for text in (
        "[[SIv'O:n]]",
        f"[[{SIOBHAN}]]",
        "\ue000[[x]]\ue001[[y]]\ue002",
        "［［x］］",
        phonetic_word("]][[", "[[z]]"),
    ):
        sent = spoken_text(text, language="en").text
        assert sent.replace("[[SI'vO:n]]", "").replace("[[x]]", "").count("[") == 0


def test_capitals_around_it_leave_its_sounds_alone() -> None:
    assert spoken_text(f"BIG {SIOBHAN} LOUD", language="en").text == "big [[SI'vO:n]] loud"


def test_the_embedded_voices_speak_the_sounds() -> None:
    with EspeakSynthesizer(jobs=1) as synthesizer:
        voice = next(voice for voice in synthesizer.voices if voice.accent.startswith("en"))
        texts = (f"I saw {SIOBHAN} today", "I saw shivawn today", "I saw [[SI'vO:n]] today")
        takes = list(synthesizer.speak([SpokenLine(text, voice) for text in texts]))
    by_sound, by_letters, as_text = takes
    assert isinstance(by_sound, Take)
    assert isinstance(by_letters, Take)
    assert isinstance(as_text, Take)
    assert [word.text for word in by_sound.words] == ["I", "saw", "shivawn", "today"]
    # The stress is on the other syllable, so it is another sound; brackets in a text are no phonemes.
    assert by_sound.audio.samples.tobytes() != by_letters.audio.samples.tobytes()
    assert as_text.audio.duration_s > by_sound.audio.duration_s


def test_every_english_accent_has_every_phoneme() -> None:
    # One word with a sound of each kind: an accent that lacked one would fall silent or spell it.
    word = phonetic_word("ˈʃɜːθɪŋdʒaɪðəʒʌtʃɔɪhæbɒlʊmeəwiːɑːjuː", "x")
    with EspeakSynthesizer(jobs=2) as synthesizer:
        accents = {voice.accent: voice for voice in synthesizer.voices if voice.accent.startswith("en")}
        takes = list(synthesizer.speak([SpokenLine(word, voice) for voice in accents.values()]))
    assert len(accents) >= 6
    for take in takes:
        assert isinstance(take, Take)
        assert len(take.words) == 1
        assert 1.2 < take.audio.duration_s < 6.0
