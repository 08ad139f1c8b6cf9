"""Voices that tell roles apart, one voice for all, and voices that change hands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from speechagents.benchmark.metrics import voices
from speechagents.benchmark.metrics.metric import Looked, Measured, Metric
from speechagents.benchmark.metrics.take_sound import SpokenTurn
from speechagents.benchmark.metrics.voices import METRICS
from speechagents.benchmark.played import Played
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.voices.measure import voice_distance
from tests.benchmark.metrics.spoken_scenes import Said, Speaker, made_up, played_of

BY_NAME = {metric.name: metric for metric in METRICS}
CAST = ("adam", "beth", "calum", "clara", "pip")
LINES = 30


@pytest.fixture(scope="module")
def lines() -> list[Said]:
    """What five people say in a lift that is stuck."""
    script = shipped_scene_set().scripts["021-the-elevator", 5]
    return [(line.role, line.style, line.text) for line in script.lines[:LINES]]


@pytest.fixture(scope="module")
def cast(lines: list[Said]) -> dict[str, str]:
    return dict(zip(dict.fromkeys(role for role, _, _ in lines), CAST, strict=True))


@pytest.fixture(scope="module")
def own_voices(speaker: Speaker, lines: list[Said], cast: dict[str, str]) -> Played:
    return speaker.play(lines, cast)


@pytest.fixture(scope="module")
def one_voice(speaker: Speaker, lines: list[Said], cast: dict[str, str]) -> Played:
    return speaker.play(lines, cast, voice_of=lambda _, __: "adam")


def measured(name: str, played: Played) -> float:
    found = BY_NAME[name].measure(Looked(played))
    assert found.value is not None
    return found.value


def made_of(monkeypatch: pytest.MonkeyPatch, turns: tuple[SpokenTurn, ...]) -> Callable[[str], Measured]:
    """Measures turns that were made up, by the name of the metric."""
    monkeypatch.setattr(voices, "spoken_turns", lambda _: turns)
    played = played_of(())
    return lambda name: BY_NAME[name].measure(Looked(played))


def test_voices_of_their_own_are_recognised_whatever_their_style(own_voices: Played) -> None:
    assert measured("voice_identified", own_voices) > 0.85
    assert measured("voice_distance_least", own_voices) > 1.5
    assert measured("voice_wavering", own_voices) < 0.3


def test_one_voice_for_all_falls_to_chance(one_voice: Played) -> None:
    assert abs(measured("voice_identified", one_voice)) < 0.25
    assert measured("voice_distance_least", one_voice) < 0.5
    assert measured("voice_distance", one_voice) < 1.5
    assert measured("voice_wavering", one_voice) > 0.8


def test_one_voice_for_all_is_steady(one_voice: Played, own_voices: Played) -> None:
    assert measured("voice_scatter", one_voice) < 1.3 * measured("voice_scatter", own_voices)


def test_voices_that_change_hands_are_caught(
    speaker: Speaker, lines: list[Said], cast: dict[str, str], own_voices: Played
) -> None:
    """From the middle on everybody has the voice of somebody else."""
    other = dict(zip(CAST, (*CAST[1:], CAST[0]), strict=True))
    changed = speaker.play(lines, cast, voice_of=lambda at, voice: voice if at < LINES // 2 else other[voice])
    assert measured("voice_scatter", changed) > 1.5 * measured("voice_scatter", own_voices)
    assert measured("voice_wavering", changed) > 2.0 * measured("voice_wavering", own_voices)


def test_each_turn_is_recognised_or_not(own_voices: Played) -> None:
    found = BY_NAME["voice_identified"].measure(Looked(own_voices))
    assert len(found.by_turn) == found.count
    assert {value for _, value in found.by_turn} <= {0.0, 1.0}
    assert all(own_voices.lines[at].style.tag != "whispering" for at, _ in found.by_turn)


def test_equal_cells_give_equal_numbers(own_voices: Played) -> None:
    for metric in METRICS:
        assert metric.measure(Looked(own_voices)) == metric.measure(Looked(own_voices))


def turns_at(places: dict[str, list[float]]) -> tuple[SpokenTurn, ...]:
    """Turns of roles whose voices differ in pitch alone."""
    pairs = [(role, pitch_st) for role, listed in places.items() for pitch_st in listed]
    return tuple(made_up(at, role, pitch_st=pitch_st) for at, (role, pitch_st) in enumerate(pairs))


def test_distance_is_that_of_voices_less_what_takes_differ_by(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = turns_at({"a": [11.0, 13.0] * 2, "b": [23.0, 25.0] * 2})
    measure = made_of(monkeypatch, turns)
    squares = {
        (one, other): voice_distance(one.sound.fingerprint, other.sound.fingerprint) ** 2
        for one in turns
        for other in turns
    }
    unit = voice_distance(turns[0].sound.fingerprint, turns[1].sound.fingerprint) ** 2 / 4.0  # of one squared semitone
    variance = 4.0 / 3.0 * unit
    between = float(np.mean([squares[one, other] for one in turns[:4] for other in turns[4:]]))
    assert measure("voice_scatter").value == pytest.approx(np.sqrt(variance))
    assert measure("voice_distance").value == pytest.approx(np.sqrt(between - 2.0 * variance))
    assert between == pytest.approx((144.0 + 2.0) * unit)


def test_wavering_is_what_is_left_of_the_intraclass_correlation(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"a": [11.0, 13.0, 12.5], "b": [14.0, 15.0, 13.0], "c": [20.0, 17.0, 19.0]}
    values = np.array(list(places.values()))
    within = float(values.var(axis=1, ddof=1).mean())
    between_ms = 3.0 * float(values.mean(axis=1).var(ddof=1))
    shrout_fleiss = (between_ms - within) / (between_ms + 2.0 * within)
    found = made_of(monkeypatch, turns_at(places))("voice_wavering")
    assert found.value == pytest.approx(1.0 - shrout_fleiss)


def test_chance_is_that_of_the_numbers_of_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of six turns of one role and two of another, chance is right in (6*5 + 2*1) / 8 of 7."""
    turns = turns_at({"a": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "b": [20.0, 40.0]})
    found = made_of(monkeypatch, turns)("voice_identified")
    chance = 32.0 / 56.0
    assert found.value == pytest.approx((7.0 / 8.0 - chance) / (1.0 - chance))


def test_sounds_without_roles_are_told_apart_by_chance_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(4)
    identified, squared = [], []
    for _ in range(40):
        turns = tuple(
            made_up(
                at,
                f"role {at % 4}",
                pitch_st=12.0 + float(chance.standard_normal()),
                cepstrum=(0.5 * chance.standard_normal(12)).tolist(),
            )
            for at in range(20)
        )
        measure = made_of(monkeypatch, turns)
        identified.append(measure("voice_identified").value)
        squared.append(measure("voice_wavering").value)
    assert abs(np.mean([value for value in identified if value is not None])) < 0.06
    assert np.mean([value for value in squared if value is not None]) > 0.9


@pytest.mark.parametrize(
    "turns",
    [
        (),
        tuple(made_up(at, "a") for at in range(20)),
        tuple(made_up(at, f"role {at}") for at in range(20)),
        tuple(made_up(at, f"role {at % 2}", "whispering", pitch_st=None, spread_st=None) for at in range(20)),
    ],
    ids=["nothing", "one role", "everybody once", "whispers"],
)
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_where_nothing_can_be_compared_there_is_no_number(
    turns: tuple[SpokenTurn, ...], metric: Metric, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made_of(monkeypatch, turns)(metric.name).value is None


def test_the_same_sound_for_all_is_no_measurement_of_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    measure = made_of(monkeypatch, turns_at({"a": [12.0] * 4, "b": [12.0] * 4}))
    assert measure("voice_wavering").value is None
    assert measure("voice_distance").value == 0.0
