"""Styles that a script asks for and its voices do not have are told before anything is spoken."""

from __future__ import annotations

from speechagents.drama import Style
from speechagents.voices.abilities import Abilities, StyleMeans
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.missing_styles import missing_styles


class Fast:
    """Speaks faster when it is urgent, and has nothing else."""

    def __init__(self) -> None:
        self.abilities = Abilities(
            ("en",), 24_000, "Apache-2.0", "Apache-2.0", commercial=True, styles={"urgent": StyleMeans.PROSODY}
        )


def test_what_is_not_done_is_told_with_the_number_of_lines_the_most_first() -> None:
    wanted = [Style("whispering"), Style("sad"), Style("sad"), Style("urgent"), Style()]
    assert missing_styles(Fast(), wanted) == (
        "these voices do not do every style; spoken plainly: sad (2 lines), whispering (1 line)",
    )


def test_nothing_is_told_where_every_style_is_done_or_has_no_strength() -> None:
    assert missing_styles(Fast(), [Style("urgent"), Style(), Style("sad", 0.0)]) == ()


def test_a_synthesizer_that_declares_nothing_is_asked_nothing() -> None:
    assert missing_styles(object(), [Style("sad")]) == ()


def test_the_embedded_voices_do_them_all() -> None:
    from speechagents.styles import STYLES

    with EspeakSynthesizer(jobs=1) as synthesizer:
        assert missing_styles(synthesizer, map(Style, STYLES)) == ()
        assert {"en", "de", "fr"} <= set(synthesizer.abilities.languages)
