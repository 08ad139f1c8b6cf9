"""What a voice did wrong is told from what a listener misheard."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.listeners.listener import TranscribedWord
from speechagents.production.proofing.finding import FaultKind
from speechagents.production.proofing.wordfaults import ROUGH, WordsHeard, judge_words

TEXT = "It was the old man’s boat, and on the 25th of May, 1884, she was still afloat."
HEARD = "it was the old man's boat and on the twenty fifth of may eighteen eighty four she was still afloat"


def timed(words: Sequence[str], lengths_s: Sequence[float] | None = None) -> list[TranscribedWord]:
    """Words one after the other, by default 0.1 s a letter."""
    lengths = list(lengths_s or [0.1 * len(word) for word in words])
    ends = list(accumulate(lengths))
    return [TranscribedWord(word, end - length, end) for word, end, length in zip(words, ends, lengths, strict=True)]


def judged(heard: str, times: Sequence[TranscribedWord] = ()) -> WordsHeard:
    return judge_words(TEXT, heard, times, language="en", sounding=lambda start_s, end_s: end_s - start_s)


def kinds(found: WordsHeard) -> list[FaultKind]:
    return [fault.kind for fault in found.faults]


@pytest.mark.parametrize(
    "heard",
    [
        HEARD,
        HEARD.upper(),
        TEXT,
        HEARD.replace("eighteen eighty four", "one thousand eight hundred eighty four"),
        HEARD.replace("old man's", "old mans"),
        HEARD.replace("twenty fifth", "25th"),
        HEARD.replace("the old", "old"),  # recognisers drop it, and nothing tells that the voice did
        HEARD.replace("boat and", "boat"),
        HEARD.replace("boat", "goat"),
        HEARD.replace("afloat", "a float"),
        HEARD.replace("still", "steel"),
        HEARD.replace("she was", "she a was"),
    ],
)
def test_a_listeners_own_mistakes_are_no_faults(heard: str) -> None:
    assert kinds(judged(heard)) == []


@pytest.mark.parametrize(
    ("heard", "kind", "named"),
    [
        (HEARD.replace("and on the twenty fifth of may ", ""), FaultKind.DROPPED, "and on the 25th of May"),
        (HEARD.replace(" she was still afloat", ""), FaultKind.DROPPED, "she was still afloat"),
        (HEARD.replace("it was the old ", ""), FaultKind.DROPPED, "It was the old"),
        (HEARD.replace("and on the", "and on the and on the"), FaultKind.REPEATED, "and on the"),
        (HEARD.replace("still", "still still"), FaultKind.REPEATED, "still"),
        (HEARD + " thank you for watching", FaultKind.INVENTED, "thank you for watching"),
        (HEARD.replace("boat", "boat which nobody loved"), FaultKind.INVENTED, "which nobody loved"),
        ("la la la", FaultKind.MISREAD, "la la la"),
        ("", FaultKind.MISREAD, "no word"),
    ],
)
def test_a_voices_mistakes_are_named(heard: str, kind: FaultKind, named: str) -> None:
    found = judged(heard)
    assert kinds(found) == [kind]
    assert named in found.faults[0].what


def test_a_word_that_was_not_understood_though_there_is_time_for_it_counts_as_spoken() -> None:
    words = HEARD.split()
    without = [word for word in words if word != "boat"]
    lengths = [0.1 * len(word) for word in without]
    lengths[without.index("and")] += 0.4  # "boat" is in there
    assert kinds(judged(" ".join(without), timed(without, lengths))) == []
    assert kinds(judged(" ".join(without), timed(without))) == [FaultKind.DROPPED]


def test_with_times_even_a_word_of_three_letters_is_missed() -> None:
    without = [word for word in HEARD.split() if word != "old"]
    assert kinds(judged(" ".join(without), timed(without))) == [FaultKind.DROPPED]


def test_the_score_falls_with_what_is_missing_and_what_is_too_much() -> None:
    whole, half = judged(HEARD).score, judged(" ".join(HEARD.split()[:12])).score
    assert whole == pytest.approx(1.0)
    assert 0.4 < half < 0.7
    assert judged(HEARD + " and much more was said").score < whole


@pytest.mark.parametrize(
    ("heard", "kinds_found"),
    [
        (HEARD.replace("boat", "").replace("still", "real steel"), []),
        (HEARD.replace("it was the old", "in was no cold") + " uh", []),
        (HEARD.replace("and on the twenty fifth of may ", ""), [FaultKind.DROPPED]),
        ("quite another story altogether", [FaultKind.MISREAD]),
        ("", [FaultKind.MISREAD]),
    ],
)
def test_a_listener_that_mishears_much_is_believed_only_in_what_is_much(
    heard: str, kinds_found: list[FaultKind]
) -> None:
    assert kinds(judge_words(TEXT, heard, (), language="en", trust=ROUGH)) == kinds_found


@given(
    st.lists(st.sampled_from(["the", "cat", "sat", "1884", "mat", "’", "—", "Mr."]), max_size=12), st.text(max_size=80)
)
def test_whatever_is_heard_the_score_is_a_share(words: list[str], heard: str) -> None:
    found = judge_words(" ".join(words), heard, (), language="en")
    assert 0.0 <= found.score <= 1.0


@given(st.lists(st.text(alphabet="abcdefgh", min_size=1, max_size=8), min_size=1, max_size=15))
def test_what_is_heard_as_written_has_no_faults(words: list[str]) -> None:
    found = judge_words(" ".join(words), " ".join(words), timed(words), language="en")
    assert found.faults == ()
    assert found.score == 1.0
