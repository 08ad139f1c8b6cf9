"""Whether somebody says what stands in quotation marks, as numbers."""

from __future__ import annotations

import numpy as np

from speechagents.attribution.spoken import describe_speech

from .telling import told

SPEECH = "“Well, I never saw you there!” said Emma."
TITLE = "She had been reading “The Tinderbox” all day."


def test_there_is_one_row_for_each_passage() -> None:
    rows = describe_speech(told(SPEECH, TITLE, "It rained.", SPEECH))
    assert rows.shape == (3, 17)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()


def test_a_title_differs_from_speech_in_much() -> None:
    speech, title = describe_speech(told(SPEECH, "It rained.", TITLE))
    assert (speech != title).sum() >= 8


def test_a_title_is_described_like_any_other_title() -> None:
    rain = ["It rained."] * 25
    one, other = describe_speech(told(*rain, TITLE, *rain, TITLE.replace("Tinderbox", "Nightingale"), *rain))
    assert one.tolist() == other.tolist()


def test_marks_at_both_ends_and_the_place_in_the_paragraph_count() -> None:
    alone, within = describe_speech(told("“Yes.”", *["It rained."] * 25, "He said “yes” twice."))
    opens, closes = 4, 5
    assert (alone[opens], alone[closes]) == (1, 1)
    assert (within[opens], within[closes]) == (0, 0)


def test_a_text_without_quotations_has_no_rows() -> None:
    assert len(describe_speech(told("It rained."))) == 0


def test_an_unclosed_mark_at_the_end_of_the_text_is_described_too() -> None:
    assert len(describe_speech(told("He said “"))) == 1
