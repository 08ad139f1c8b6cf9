"""Styles that are shown, not shown, lost on the way, or taken for each other."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from speechagents.benchmark.metrics import style_adherence
from speechagents.benchmark.metrics.metric import Looked, Measured, Metric
from speechagents.benchmark.metrics.style_adherence import (
    CLEAR,
    EXPECTED,
    METRICS,
    Cue,
    adherence_by_turn,
    changes,
    expected,
)
from speechagents.benchmark.metrics.take_sound import SpokenTurn
from speechagents.benchmark.played import Played
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.drama import Style
from speechagents.styles import STYLES
from tests.benchmark.metrics.spoken_scenes import Said, Speaker, made_up, played_of

ADHERENCE, KEPT, SEPARATION = METRICS
VOICES = {"Eleni": "beth", "Stavros": "adam"}


@pytest.fixture(scope="module")
def lines() -> list[Said]:
    """The night on the ferry, as it was written."""
    script = shipped_scene_set().scripts["001-night-ferry", 2]
    return [(line.role, line.style, line.text) for line in script.lines]


@pytest.fixture(scope="module")
def acted(speaker: Speaker, lines: list[Said]) -> Played:
    """Every line in its style."""
    return speaker.play(lines, VOICES)


@pytest.fixture(scope="module")
def monotone(speaker: Speaker, lines: list[Said]) -> Played:
    """Every line spoken plainly."""
    return speaker.play(lines, VOICES, style_of=lambda _, __: "default")


@pytest.fixture(scope="module")
def tiring(speaker: Speaker, lines: list[Said]) -> Played:
    """Every line in its style at first, and plainly from the middle on."""
    return speaker.play(lines, VOICES, style_of=lambda at, style: style if at < len(lines) // 2 else "default")


def measured(metric: Metric, played: Played) -> float:
    found = metric.measure(Looked(played))
    assert found.value is not None
    return found.value


def made_of(monkeypatch: pytest.MonkeyPatch, turns: tuple[SpokenTurn, ...]) -> Callable[[int], Measured]:
    """Measures turns that were made up, by the number of the metric."""
    monkeypatch.setattr(style_adherence, "spoken_turns", lambda _: turns)
    return lambda number: METRICS[number].measure(Looked(played_of(())))


def test_embedded_voices_show_their_styles(acted: Played) -> None:
    assert measured(ADHERENCE, acted) > 0.6


def test_a_monotone_voice_shows_none(monotone: Played) -> None:
    assert abs(measured(ADHERENCE, monotone)) < 0.15


def test_other_styles_than_were_asked_for_are_not_taken_for_them(
    speaker: Speaker, acted: Played, lines: list[Said]
) -> None:
    styles = [style for _, style, _ in lines]
    elsewhere = speaker.play(lines, VOICES, style_of=lambda at, _: styles[(at + 11) % len(styles)])
    assert measured(ADHERENCE, elsewhere) < measured(ADHERENCE, acted) - 0.5


def test_a_voice_that_loses_its_styles_is_caught(acted: Played, tiring: Played) -> None:
    assert measured(KEPT, tiring) < -0.5
    assert abs(measured(KEPT, acted)) < 0.25
    by_turn = dict(ADHERENCE.measure(Looked(tiring)).by_turn)
    middle = len(tiring.lines) // 2
    early, late = ([v for at, v in by_turn.items() if (at < middle) is first] for first in (True, False))
    assert np.mean(early) > 0.5
    assert abs(np.mean(late)) < 0.25


def test_styles_are_told_apart_where_they_are_heard(acted: Played, monotone: Played) -> None:
    assert measured(SEPARATION, acted) > 0.5
    assert measured(SEPARATION, monotone) < measured(SEPARATION, acted) - 0.4


def test_equal_cells_give_equal_numbers(acted: Played) -> None:
    for metric in METRICS:
        assert metric.measure(Looked(acted)) == metric.measure(Looked(acted))


def test_every_style_is_expected_to_do_something_but_the_plain_one() -> None:
    assert set(EXPECTED) == set(STYLES) - {"default"}
    assert all(directions and set(directions.values()) <= {-1, 1} for directions in EXPECTED.values())
    assert not any(expected(Style()).values())
    assert not any(expected(Style("angry", 0.0)).values())


def test_no_two_styles_are_expected_to_be_opposite_and_the_same() -> None:
    for low, high in [("sad", "excited"), ("quiet", "shouting"), ("calm", "angry")]:
        shared = EXPECTED[low].keys() & EXPECTED[high].keys()
        assert shared
        assert all(EXPECTED[low][cue] == -EXPECTED[high][cue] for cue in shared)


def scene_with(turn: SpokenTurn) -> list[SpokenTurn]:
    """A turn among plain ones of the same role."""
    return [made_up(0, "anna"), made_up(1, "anna"), turn, made_up(3, "anna")]


def shown_among_plain_ones(turn: SpokenTurn) -> float:
    """How far a turn shows its style; plain ones beside it say nothing."""
    ((position, value),) = adherence_by_turn(scene_with(turn))
    assert position == turn.position
    return value


def test_clear_changes_in_all_directions_count_in_full() -> None:
    # Shouting: louder, higher, with more effort; the rest may be anything.
    shout = made_up(2, "anna", "shouting", level_db=-20.0, pitch_st=15.0, effort_db=-5.0, rate=2.0)
    assert shown_among_plain_ones(shout) == pytest.approx(1.0)


def test_less_than_a_clear_change_counts_in_proportion() -> None:
    shout = made_up(2, "anna", "shouting", level_db=-22.0, pitch_st=12.75, effort_db=-8.5)
    assert shown_among_plain_ones(shout) == pytest.approx(0.5)


def test_the_other_direction_counts_against_it() -> None:
    shout = made_up(2, "anna", "shouting", level_db=-33.0, pitch_st=6.0, effort_db=-20.0)
    assert shown_among_plain_ones(shout) == pytest.approx(-1.0)


def test_half_a_style_is_shown_by_half_the_change() -> None:
    half = made_up(2, "anna", Style("shouting", 0.5), level_db=-22.0, pitch_st=12.75, effort_db=-8.5)
    assert shown_among_plain_ones(half) == pytest.approx(1.0)


def test_a_whisper_is_known_by_its_missing_voice() -> None:
    whisper = made_up(2, "anna", "whispering", voiced=0.1, level_db=-30.0, pitch_st=None, spread_st=None)
    spoken = made_up(2, "anna", "whispering", level_db=-30.0)
    assert shown_among_plain_ones(whisper) == pytest.approx(1.0)
    assert shown_among_plain_ones(spoken) == pytest.approx(0.5)


def test_roles_are_compared_with_themselves() -> None:
    """A giant who is calm is still lower than a child who is excited."""
    turns = [made_up(at, "giant", pitch_st=0.0) for at in (0, 2)] + [
        made_up(at, "child", pitch_st=30.0) for at in (1, 3)
    ]
    turns += [
        made_up(4, "giant", "surprised", pitch_st=3.0, spread_st=5.0),
        made_up(5, "child", "cold", pitch_st=27.0, spread_st=1.0),
    ]
    assert [value for _, value in adherence_by_turn(turns)] == pytest.approx([1.0, 1.0])


def test_no_line_has_to_be_spoken_plainly() -> None:
    """Of half the lines high and half of them low, each is told by the others."""
    turns = [
        made_up(at, "anna", "surprised", pitch_st=15.0, spread_st=5.0)
        if at % 2
        else made_up(at, "anna", "cold", pitch_st=9.0, spread_st=1.0)
        for at in range(8)
    ]
    assert [value for _, value in adherence_by_turn(turns)] == pytest.approx([1.0] * 8)


@pytest.mark.parametrize(
    "turns",
    [
        (),
        (made_up(0, "anna", "angry"),),
        tuple(made_up(at, "anna") for at in range(20)),
        tuple(made_up(at, "anna", "angry", level_db=-10.0) for at in range(20)),
    ],
    ids=["nothing", "one turn", "plain speech", "one style throughout"],
)
def test_where_nothing_can_be_compared_there_is_no_number(
    turns: tuple[SpokenTurn, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = made_of(monkeypatch, turns)
    assert measure(0).value is None
    assert measure(1).value is None
    assert measure(2).value is None


def test_chance_favours_nobody() -> None:
    """Sounds that have nothing to do with styles: the mean over many cells is 0."""
    chance = np.random.default_rng(5)
    tags = [tag for tag in STYLES if tag != "default"]
    means = []
    for _ in range(25):
        turns = [
            made_up(
                at,
                f"role {at % 5}",
                tags[int(chance.integers(len(tags)))],
                rate=4.0 * float(np.exp(0.13 * chance.standard_normal())),
                level_db=-23.0 + float(chance.standard_normal()),
                pitch_st=12.0 + float(chance.standard_normal()),
                spread_st=3.0 + float(chance.standard_normal()),
                voiced=0.8 + 0.06 * float(chance.standard_normal()),
                clarity_db=12.0 + float(chance.standard_normal()),
                effort_db=-10.0 + 1.6 * float(chance.standard_normal()),
                pause_share=0.2 + 0.05 * float(chance.uniform(-1.0, 1.0)),
            )
            for at in range(40)
        ]
        means.append(float(np.mean([value for _, value in adherence_by_turn(turns)])))
    assert abs(np.mean(means)) < 0.05
    assert np.std(means) < 0.12


def test_changes_are_told_in_clear_steps() -> None:
    turns = scene_with(made_up(2, "anna", "shouting", level_db=-19.0, rate=4.0 * float(np.exp(0.2))))
    found = dict(zip(Cue, changes(turns, from_others=True)[2], strict=True))
    assert found[Cue.LEVEL] == pytest.approx(4.0 / CLEAR[Cue.LEVEL])
    assert found[Cue.RATE] == pytest.approx(0.2 / CLEAR[Cue.RATE])
    assert found[Cue.PITCH] == pytest.approx(0.0)


def test_separation_is_the_r_of_clarke(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(2)
    tags = ["default", "angry", "sad", "cold"]
    turns = tuple(
        made_up(at, "anna", tags[at % 4], level_db=-23.0 + at % 4 + float(chance.standard_normal())) for at in range(16)
    )
    found = made_of(monkeypatch, turns)(2)
    sounds = changes(turns, from_others=False)
    pairs = list(itertools.combinations(range(16), 2))
    apart = [float(np.nanmean((sounds[a] - sounds[b]) ** 2)) for a, b in pairs]
    ranks = stats.rankdata(apart)
    same = np.array([a % 4 == b % 4 for a, b in pairs])
    clarke = (ranks[~same].mean() - ranks[same].mean()) / (len(pairs) / 2)
    assert found.value == pytest.approx(clarke)
    assert found.count == len(pairs)
