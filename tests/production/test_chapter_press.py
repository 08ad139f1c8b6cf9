"""Chapters pressed: kept under what is in them, made again only where something is missing, the same on any thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.drama import Line, Scene, Style
from speechagents.production.binding import sound_formats
from speechagents.production.chapter_press import CHAPTER_GRID, Press, Pressed, batches, press_chapter
from speechagents.production.chapter_store import ChapterStore
from speechagents.production.lanes import Done, run
from speechagents.production.masters import MASTERS
from speechagents.production.takes import TakeStore
from speechagents.voices.synthesizer import FailedTake, SpokenLine, Take, Word

from .proofing.tone_speech import voice
from .readback import decoded
from .test_narration_meter import speechlike


class Murmurs:
    """Voices that murmur for as long as a text is; what they are asked for is noted."""

    identity = "murmurs 1"
    voices = (voice("murmur"),)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def speak(self, lines: Sequence[SpokenLine]) -> Iterator[Take | FailedTake]:
        for line in lines:
            self.asked.append(line.text)
            if "unspeakable" in line.text:
                yield FailedTake(line, "no voice says that")
                continue
            seconds = 0.5 + 0.05 * len(line.text)
            sound = speechlike(seconds, seed=len(line.text))
            yield Take(line, Audio(sound, 44_100), (Word(line.text.split()[0], 0.1, 0.4),))


@pytest.fixture
def voices() -> Murmurs:
    return Murmurs()


@pytest.fixture
def press(voices: Murmurs, tmp_path: Path) -> Press:
    work = tmp_path / "work"
    work.mkdir()
    return Press(
        synthesizer=voices,
        takes=TakeStore(tmp_path / "takes"),
        store=ChapterStore(tmp_path / "chapters"),
        work=work,
        spoken_line=lambda line: SpokenLine(line.text, voices.voices[0], line.style),
        written_words=lambda _line, words: words,
        formats={"m4b": sound_formats(["m4b"])["m4b"]},
        master=MASTERS["acx"],
        seed=0,
    )


def chapter(*texts: str, first: int = 1) -> Scene:
    lines = tuple(Line(first + number, "EMMA", text, pause_s=0.4) for number, text in enumerate(texts))
    return Scene("One", "", lines)


def pressed(press: Press, scene: Scene, *, threads: int = 2) -> Pressed:
    for event in run({"": press_chapter(press, scene, name="chapter")}, threads=threads):
        if isinstance(event, Done):
            assert isinstance(event.result, Pressed)
            return event.result
    raise AssertionError("the job gave no result")


SCENE = chapter("It rained.", "It went on raining until the evening.", "Then it stopped.")


def test_a_chapter_is_whole_packets_long_with_a_head_and_a_tail(press: Press) -> None:
    done = pressed(press, SCENE)
    assert done.frames % CHAPTER_GRID == 0
    sound, _ = decoded(press.store.sound(done.key, "m4b"))
    assert len(sound) == done.frames
    report = press.store.report(done.key, "m4b")
    assert report is not None
    assert report.passed, report.verdicts


def test_nothing_is_left_in_the_work_folder(press: Press) -> None:
    pressed(press, SCENE)
    assert not list(press.work.iterdir())


def test_a_finished_chapter_asks_nobody_anything(press: Press, voices: Murmurs) -> None:
    first = pressed(press, SCENE)
    voices.asked.clear()
    again = pressed(press, SCENE)
    assert (again.key, again.frames, again.fresh, again.spoken) == (first.key, first.frames, False, 0)
    assert not voices.asked


def test_another_format_is_made_of_the_takes_that_are_there(press: Press, voices: Murmurs) -> None:
    first = pressed(press, SCENE)
    made = press.store.sound(first.key, "m4b").stat().st_mtime_ns
    voices.asked.clear()
    both = replace(press, formats={"m4b": press.formats["m4b"], "mp3": sound_formats(["mp3"])["mp3"]})
    assert pressed(both, SCENE).key == first.key
    assert not voices.asked
    assert press.store.has(first.key, "mp3")
    assert press.store.sound(first.key, "m4b").stat().st_mtime_ns == made


def test_the_name_of_a_chapter_is_what_is_in_it_and_not_where_it_stands(press: Press) -> None:
    key = press.key(SCENE)
    moved = Scene("Seven", "", tuple(replace(line, number=line.number + 700) for line in SCENE.lines))
    assert press.key(moved) == key
    one, *rest = SCENE.lines
    for other in (
        replace(one, text="It snowed."),
        replace(one, style=Style("sad")),
        replace(one, pause_s=1.0),
        replace(one, continues=True),
        replace(one, role="ANN"),
    ):
        assert press.key(Scene("One", "", (other, *rest))) != key
    assert replace(press, seed=1).key(SCENE) != key
    assert replace(press, master=MASTERS["podcast"]).key(SCENE) != key


def test_a_line_that_cannot_be_spoken_is_left_out_and_tried_again(press: Press, voices: Murmurs) -> None:
    scene = chapter("It rained.", "An unspeakable thing.", "Then it stopped.")
    done = pressed(press, scene)
    plan = press.store.plan(done.key, 3)
    assert plan is not None
    assert [place.failed for place in plan.places] == ["", "no voice says that", ""]
    assert [placed.line.number for placed in plan.placed(scene).lines] == [1, 3]
    voices.asked.clear()
    pressed(press, scene)
    assert voices.asked == ["An unspeakable thing."]


def test_times_are_those_of_the_sound(press: Press) -> None:
    """Where the plan says that a line begins, sound begins."""
    done = pressed(press, SCENE)
    plan = press.store.plan(done.key, 3)
    assert plan is not None
    sound, rate_hz = decoded(press.store.sound(done.key, "m4b"))
    placed = plan.placed(SCENE, start_s=100.0)
    assert (placed.start_s, placed.end_s) == (100.0, 100.0 + done.frames / rate_hz)
    for line in placed.lines:
        assert line.start_s * 100 == pytest.approx(round(line.start_s * 100))
        start, end = (round((time_s - 100.0) * rate_hz) for time_s in (line.start_s, line.end_s))
        level = float(np.sqrt(np.mean(sound[start:end] ** 2)))
        before = float(np.sqrt(np.mean(sound[max(0, start - 4_000) : start - 200] ** 2)))
        assert before < 0.01 * level
        assert line.words[0].start_s == pytest.approx(line.start_s + 0.1)


@pytest.mark.parametrize("threads", [1, 4])
def test_the_number_of_threads_changes_no_byte(press: Press, tmp_path: Path, threads: int) -> None:
    scene = chapter(*(f"Sentence number {number} of a chapter that is rather long." for number in range(60)))
    first = pressed(press, scene)
    elsewhere = replace(press, store=ChapterStore(tmp_path / f"others-{threads}"))
    assert pressed(elsewhere, scene, threads=threads).key == first.key
    one, other = (store.sound(first.key, "m4b").read_bytes() for store in (press.store, elsewhere.store))
    assert one == other


def test_batches_hold_all_lines_in_order() -> None:
    lines = [Line(number, "EMMA", "x" * (number % 700 + 1)) for number in range(1, 200)]
    found = list(batches(lines))
    assert [line for batch in found for line in batch] == lines
    assert all(sum(len(line.text) for line in batch) <= 2_000 + 700 for batch in found)
    assert not list(batches([]))


def test_what_a_book_no_longer_has_is_not_kept(press: Press) -> None:
    kept, gone = pressed(press, SCENE), pressed(press, chapter("Another."))
    press.store.keep_only({kept.key})
    assert press.store.has(kept.key, "m4b")
    assert not press.store.has(gone.key, "m4b")
    assert press.store.plan(gone.key, 1) is None
