"""Lines that ask for sounds."""

from __future__ import annotations

import pytest

from speechagents.drama import CueKind
from speechagents.scripts.sound_marks import MAX_SOUND_CHARS, is_sound_word, read_sound


@pytest.mark.parametrize(
    ("line", "sound"),
    [
        ("SFX: DOOR  SLAM.", (CueKind.EFFECT, "DOOR SLAM")),
        (" sfx : door", (CueKind.EFFECT, "door")),
        ("Music: a waltz", (CueKind.EFFECT, "a waltz")),
        ("Ambience: rain: heavy", (CueKind.AMBIENCE, "rain: heavy")),
        ("ATMOS: harbour", (CueKind.AMBIENCE, "harbour")),
        ("SFX:", None),
        ("SFX door", None),
        ("The sound: a bell", None),
        ("SFX: " + "x" * (MAX_SOUND_CHARS + 1), None),
    ],
)
def test_a_sound_is_asked_for_by_the_first_word(line: str, sound: tuple[CueKind, str] | None) -> None:
    assert read_sound(line) == sound


def test_sound_words_are_known_in_any_case() -> None:
    assert is_sound_word("Sfx ")
    assert not is_sound_word("Anna")
