"""Takes that are too soft, unequal, clipped or silent."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.benchmark.metrics.loudness import METRICS
from speechagents.benchmark.metrics.metric import Looked, Metric
from speechagents.benchmark.played import Played
from tests.benchmark.metrics.spoken_scenes import Said, Speaker, played_of

BY_NAME = {metric.name: metric for metric in METRICS}
VOICES = {"Anna": "alma", "Ben": "adam", "Cleo": "pip"}
LINES: list[Said] = [
    ("Anna", "default", "Who has the keys to the boat?"),
    ("Ben", "default", "I gave them to Cleo."),
    ("Cleo", "default", "You did not, you gave me a sandwich."),
    ("Anna", "shouting", "Then where are they?"),
    ("Ben", "shouting", "How should I know?"),
    ("Cleo", "quiet", "It was a good sandwich."),
]


@pytest.fixture(scope="module")
def good(speaker: Speaker) -> Played:
    return speaker.play(LINES, VOICES)


def measured(name: str, played: Played) -> float:
    found = BY_NAME[name].measure(Looked(played))
    assert found.value is not None
    return found.value


def test_embedded_voices_are_as_loud_as_they_should_be(good: Played) -> None:
    plain = dataclasses.replace(good, messages=good.messages[:3])
    assert measured("level_off_reference", plain) == pytest.approx(0.0, abs=0.2)
    assert measured("level_spread", good) < 0.5
    assert measured("clipped", good) == 0.0
    assert measured("silent", good) == 0.0


def test_a_shout_among_whispers_is_no_spread_of_roles(speaker: Speaker) -> None:
    lines = [(role, "shouting" if role == "Anna" else style, text) for role, style, text in LINES]
    assert measured("level_spread", speaker.play(lines, VOICES)) < 0.5


def test_a_role_that_is_too_soft_spreads_the_levels(speaker: Speaker, good: Played) -> None:
    soft = speaker.play(LINES, VOICES, spoil=lambda at, audio: audio.scaled(0.25 if LINES[at][0] == "Ben" else 1.0))
    assert measured("level_spread", soft) > measured("level_spread", good) + 4.0


def test_takes_that_are_too_soft_altogether_are_off(speaker: Speaker, good: Played) -> None:
    soft = speaker.play(LINES, VOICES, spoil=lambda _, audio: audio.scaled(0.5))
    assert measured("level_off_reference", soft) == pytest.approx(measured("level_off_reference", good) - 6.0, abs=0.1)
    assert measured("level_spread", soft) == pytest.approx(measured("level_spread", good), abs=0.1)


def clip(at: int, audio: Audio) -> Audio:
    """Every other take cut off at a third of its height."""
    top = audio.peak / 3.0
    return audio if at % 2 else Audio(np.clip(audio.samples, -top, top).astype(np.float32), audio.rate_hz)


def test_clipping_is_counted_by_take(speaker: Speaker) -> None:
    assert measured("clipped", speaker.play(LINES, VOICES, spoil=clip)) == 0.5


def test_silence_and_lines_that_could_not_be_spoken_are_counted(speaker: Speaker) -> None:
    hushed = speaker.play(LINES, VOICES, spoil=lambda at, audio: audio.scaled(0.0 if at == 1 else 1.0))
    assert measured("silent", hushed) == pytest.approx(1.0 / 6.0)
    lost = dataclasses.replace(hushed.messages[0], take="")
    assert measured("silent", dataclasses.replace(hushed, messages=(lost, *hushed.messages[1:]))) == pytest.approx(
        2.0 / 6.0
    )


def test_a_line_with_nothing_to_say_may_be_silent(speaker: Speaker) -> None:
    played = speaker.play([*LINES, ("Anna", "default", "…")], VOICES)
    assert measured("silent", played) == 0.0


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_without_sound_there_is_no_number(metric: Metric, good: Played) -> None:
    silent = [dataclasses.replace(message, take="") for message in good.messages]
    assert metric.measure(Looked(played_of(silent))).value is None


def test_one_role_alone_has_no_spread(speaker: Speaker) -> None:
    played = speaker.play([LINES[0], LINES[3]], VOICES)
    assert BY_NAME["level_spread"].measure(Looked(played)).value is None
