"""The arithmetic of the live benchmark: which pip is which, where a voice ends, what was understood, what grows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from benchmarks.live import targets
from benchmarks.live_figures import share, slope, spread
from benchmarks.live_server import Sample, takes
from benchmarks.live_speech import FRAME, sentences, voice_end, words_understood
from benchmarks.live_transport import PITCHES_HZ, Pip, tape, ways
from speechagents.resources import resource
from speechagents.scripts.scene_file import read_scene


def went_in(at_s: float, number: int) -> Pip:
    return Pip("microphone", at_s, PITCHES_HZ[number])


def came_out(at_s: float, number: int) -> Pip:
    return Pip("loudspeaker", at_s, PITCHES_HZ[number] * 1.01)


def seconds(heard: list[Pip]) -> list[float]:
    return [round(way, 6) for way, _ in ways(heard)[0]]


class TestPips:
    def test_each_is_known_by_its_pitch_also_when_others_overtake_it_or_are_lost(self) -> None:
        heard = [went_in(1.0, 0), went_in(1.7, 1), came_out(1.75, 1), went_in(2.4, 2), came_out(2.5, 0)]

        assert seconds(heard) == [1.5, 0.05]

    def test_one_that_is_not_heard_again_is_lost_once_it_must_have_come(self) -> None:
        heard = [went_in(1.0, 0), went_in(7.0, 1), came_out(7.05, 1), went_in(7.8, 2)]

        found, lost = ways(heard)

        assert (len(found), lost) == (1, 1), "the third may still be on its way"

    def test_one_that_comes_out_answers_for_one_that_went_in(self) -> None:
        heard = [went_in(1.0, 0), went_in(2.0, 0), came_out(2.1, 0)]

        assert seconds(heard) == [1.1]

    def test_a_noise_of_no_pitch_is_no_pip(self) -> None:
        assert ways([went_in(1.0, 0), Pip("loudspeaker", 1.1, 570.0), Pip("microphone", 1.2, 0.0)]) == ([], 0)

    def test_the_tape_has_the_same_pitch_again_only_after_the_longest_way(self) -> None:
        _, starts = tape()

        assert min(later - start for start, later in zip(starts, starts[len(PITCHES_HZ) :], strict=False)) > 5.0
        assert len({round(later - start, 3) for start, later in pairwise(starts)}) > 100


class TestSpeech:
    def test_a_voice_ends_with_its_last_sound_and_not_with_the_noise_after_it(self) -> None:
        noise = np.random.default_rng(1).normal(0.0, 0.0005, 100 * FRAME).astype(np.float32)
        voice = noise.copy()
        voice[10 * FRAME : 60 * FRAME] += 0.3 * np.sin(np.arange(50 * FRAME, dtype=np.float32) / 20)

        assert voice_end(voice) == pytest.approx(60 * FRAME, abs=FRAME // 4)

    def test_what_visitors_ask_ends_in_its_last_frames_and_is_for_somebody_in_the_scene(self) -> None:
        scene = read_scene(resource("assets", "examples", "scenes", "city-park-picnic.yaml"))
        for sentence in sentences():
            assert scene.role(sentence.to) is not None
            assert sentence.to != scene.roles[0].name, "that is who asks"
            assert 0.5 < sentence.voiced_frames / len(sentence.frames) <= 1.0
            assert 0.0 <= sentence.tail_s < 0.02

    def test_silence_has_no_voice(self) -> None:
        assert voice_end(np.zeros(10 * FRAME, np.float32)) == 0

    @pytest.mark.parametrize(
        ("said", "heard", "understood"),
        [
            ("Leo, will you play?", "leo will you play", (4, 4)),
            ("Leo, will you play?", "Leo wheel you", (2, 4)),
            ("Who is who?", "", (0, 3)),
            ("go now", "now go", (1, 2)),
        ],
    )
    def test_words_count_if_they_were_understood_in_their_order(
        self, said: str, heard: str, understood: tuple[int, int]
    ) -> None:
        assert words_understood(said, heard) == understood


class TestFigures:
    def test_of_nothing_there_is_no_spread(self) -> None:
        assert spread([]) == {"count": 0}
        assert share(0, 0) == 0.0

    def test_a_spread_names_the_middle_and_the_slow_end(self) -> None:
        assert spread(list(range(101))) == {"count": 101, "p50": 50.0, "p95": 95.0, "least": 0, "most": 100}

    def test_a_slope_is_growth_in_a_minute(self) -> None:
        assert slope([0.0, 30.0, 60.0, 90.0], [200.0, 201.0, 202.0, 203.0]) == pytest.approx(2.0)

    def test_a_server_takes_what_it_took_while_its_visitors_were_there(self) -> None:
        before = [Sample(float(at), 500.0, 10.0, at / 2) for at in range(10)]
        there = [Sample(float(at), 200.0 + (at - 10) / 60, 10.0, at / 2) for at in range(10, 130)]

        found = takes(before + there, 10.0, 129.0)

        assert found["rss_mb_per_minute"] == pytest.approx(1.0)
        assert found["rss_mb_by_minute"] == pytest.approx([200.5, 201.5], abs=0.1)
        assert found["rss_mb_most"] == pytest.approx(202.0, abs=0.1)
        assert found["cpu_percent_of_a_core"] == pytest.approx(50.0)

    def test_targets_speak_of_what_was_measured(self) -> None:
        soaked = {"took": {"rss_mb_per_minute": 0.4}, "reconnects": 1, "lost": 2}

        reached = targets({"listeners": {"late_frames_percent": 1.5}, "soak": soaked})

        assert list(reached.values()) == [1.5, 0.4, 3]
