"""Cues that people can read and players cannot misread."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from speechagents.drama import Line
from speechagents.production.subtitles import CUE_CHARS, CUE_S, cues, srt, timed_words, vtt
from speechagents.production.tags import Tags
from speechagents.production.timeline import PlacedLine, PlacedScene, Timeline
from speechagents.voices.synthesizer import Word

from .conftest import Exports

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300).filter(lambda t: t.strip())


def one_line(text: str, *, role: str = "Anna", words: tuple[Word, ...] = (), duration_s: float = 4.0) -> Timeline:
    placed = PlacedLine(Line(1, role, text), "0" * 64, 1.0, duration_s, words)
    return Timeline("T", (PlacedScene("S", "", 0.0, duration_s + 2.0, (placed,)),))


def seconds(time: str) -> float:
    hours, minutes, rest = time.replace(",", ".").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_another_reader_finds_voices_texts_and_times(plain: Exports) -> None:
    captions = webvtt.read(str(plain.path("vtt"))).captions
    assert [caption.voice for caption in captions][:2] == ["Anna", "Ben &amp; &lt;Co&gt;"]
    assert captions[0].text == "Who goes there — friend?"
    assert captions[1].text == "A friend --&gt; of &lt;b&gt;yours&lt;/b&gt; &amp; mine."
    assert captions[0].start == "00:00:00.800"
    assert len(captions) == 5


def test_words_begin_at_their_times_in_ascending_order(plain: Exports) -> None:
    text = plain.path("vtt").read_text("utf-8")
    first = text.split("\n\n")[2]
    assert first.endswith("<v Anna>Who <00:00:01.100>goes <00:00:01.400>there — <00:00:01.700>friend?</v>")
    for block in text.split("\n\n")[2:]:
        times = [seconds(time) for time in re.findall(r"\d\d:\d\d:\d\d\.\d{3}", block)]
        if times:
            start, end, *inner = times
            assert all(before < after for before, after in pairwise([start, *inner, end]))


def test_lines_that_overlap_give_cues_that_overlap(plain: Exports) -> None:
    captions = webvtt.read(str(plain.path("vtt"))).captions
    assert captions[4].start < captions[3].end


@given(TEXTS, TEXTS)
def test_no_text_or_name_breaks_out_of_its_cue(text: str, role: str) -> None:
    timeline = one_line(text, role=role)
    count = len(list(cues(timeline)))
    written = "".join(vtt(timeline, Tags("A --> B\n\n00:00.000 --> 00:01.000\nhaha")))
    blocks = written.rstrip("\n").split("\n\n")
    assert len(blocks) == 2 + count
    for block in blocks[2:]:
        assert block.count("-->") == 1
        number, times, body = block.split("\n")
        assert number.isdigit()
        assert times.count("-->") == 1
        assert body.startswith("<v ")
        assert body.endswith("</v>")
        assert not re.search(r"<(?!v |/v>|\d\d:)", body)
    entries = "".join(srt(timeline)).rstrip("\n").split("\n\n")
    assert len(entries) == count
    assert all(entry.count("-->") == 1 for entry in entries)


@given(st.integers(1, 120), st.floats(1.0, 60.0))
def test_long_lines_are_cut_into_cues_that_can_be_read(count: int, duration_s: float) -> None:
    text = " ".join(("word", "longer,", "syllables.", "a")[n % 4] for n in range(count))
    found = list(cues(one_line(text, duration_s=duration_s)))
    assert " ".join(word.text for cue in found for word in cue.words) == text
    for cue in found:
        assert len(" ".join(word.text for word in cue.words)) <= CUE_CHARS
        assert len(cue.words) == 1 or cue.words[-1].end_s - cue.words[0].start_s <= CUE_S + 1e-6
    for before, after in pairwise(found):
        assert before.end_s == pytest.approx(after.start_s)
    assert found[0].start_s == 1.0
    assert found[-1].end_s == pytest.approx(1.0 + duration_s)


def test_a_cue_ends_with_a_sentence_rather_than_in_the_middle_of_one() -> None:
    text = "This sentence fills more than half of what a cue can hold, it does. And this one goes on for long."
    first, second = cues(one_line(text))
    assert first.words[-1].text == "does."
    assert second.words[0].text == "And"


def test_times_of_the_back_end_that_make_no_sense_are_bent_not_believed() -> None:
    words = (Word("one", 3.0, 2.0), Word("two", 0.0, 99.0))
    (placed,) = one_line("one two", words=words).scenes[0].lines
    first, second = timed_words(placed)
    assert (first.start_s, first.end_s) == (3.0, 3.0)
    assert (second.start_s, second.end_s) == (3.0, 5.0)


def test_srt_names_the_speaker_where_it_changes(plain: Exports) -> None:
    entries = plain.path("srt").read_text("utf-8").split("\n\n")
    assert entries[0] == "1\n00:00:00,800 --> 00:00:02,100\nAnna: Who goes there — friend?"
    assert entries[2].split("\n")[2].startswith("Anna: I know")
    assert entries[3].split("\n")[2].startswith("Then be gone")
    assert entries[4].split("\n")[2].startswith("Chorus of the Drowned: Gone")


def test_srt_holds_nothing_that_a_player_obeys() -> None:
    """Players act on tags and braces in SubRip, which has no way of escaping them."""
    text = r'<font size="99">Run</font> {\an8}up a\Nb <i>now'
    entry = "".join(srt(one_line(text, role=r"{\c&H00&}<b>Ann-->a")))
    number, times, *rows = entry.rstrip("\n").split("\n")
    shown = " ".join(rows)
    assert (number, times) == ("1", "00:00:01,000 --> 00:00:05,000")
    assert shown.startswith('(⧵c&H00&)‹b›Ann→a: ‹font size="99"›Run‹/font› (⧵an8)up a⧵Nb ‹i›now')


@given(TEXTS, TEXTS)
def test_no_text_or_name_gives_srt_a_tag_or_an_order(text: str, role: str) -> None:
    for entry in "".join(srt(one_line(text, role=role))).rstrip("\n").split("\n\n"):
        body = entry.split("\n", 2)[2]
        assert not set(body) & set("<>{}\\")
