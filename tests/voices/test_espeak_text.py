"""What espeak-ng is given to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.voices.espeak.text import spoken_text


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("“It’s here…” he said — quickly.", "It's here, he said, quickly."),
        ("«Bonjour», dit-il.", "Bonjour, dit-il."),
        ("GET OUT OF IT NOW", "get out of it now"),
        ("The IT crowd", "The IT crowd"),
        ("I WAS THERE", "I was there"),
        ("wait--what?", "wait, what?"),
        ("No--", "No,"),
        ("so... yes", "so, yes"),
        ("Really ?", "Really?"),
        ("I paid $5.50, not £3!", "I paid 5.50 dollars, not 3 pounds!"),
        ("*very* _odd_ <b>", "very odd b"),
        ("[[h@l'oU]]", "h@l'oU"),
        ("a\x01b\x00 c\u202e", "ab c"),
        ("AC/DC", "AC DC"),
        ("Mr. J. R. Smith met St. John.", "Mr J R Smith met St John."),
        ("It was I. Then Dr.", "It was I. Then Dr."),
        ("20° & 5%", "20° & 5%"),
        ("太好了！你呢？", "太好了! 你呢?"),
        ("می‌خواهم", "می‌خواهم"),
    ],
)
def test_text_is_made_fit_to_speak(text: str, sent: str) -> None:
    assert spoken_text(text, language="en").text == sent


@pytest.mark.parametrize("text", ["…", "?!", "—", "🙂 🎉", "   ", "*", "\x01\x02", "👨‍👩‍👧"])
def test_text_without_anything_to_say_has_no_tokens(text: str) -> None:
    spoken = spoken_text(text, language="en")
    assert spoken.text == ""
    assert spoken.tokens == ()


def test_tokens_keep_their_own_spelling_and_place() -> None:
    spoken = spoken_text("“It’s” — 🙂 $5 GOOD…", language="en")
    assert spoken.text == "It's, 5 dollars GOOD,"
    assert spoken.tokens == ("“It’s”", "$5", "GOOD…")
    assert [spoken.token_at(spoken.text.index(part)) for part in ("It", "5", "dollars", "GOOD")] == [0, 1, 1, 2]


@given(st.text())
def test_nothing_but_letters_marks_and_known_signs_is_sent(text: str) -> None:
    spoken = spoken_text(text, language="en")
    assert all(ord(c) >= 32 for c in spoken.text)
    assert not set(spoken.text) & set('<>[]{}|\\"')
    assert len(spoken.tokens) == len(spoken.starts)
    assert list(spoken.starts) == sorted(set(spoken.starts))
    assert set(spoken.tokens) <= set(text.split()) or spoken.tokens  # NFC may respell a token
