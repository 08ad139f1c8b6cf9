"""Whether what is said agrees with the scene, with who says it, and with itself."""

from __future__ import annotations

import numpy as np
import pytest

from speechagents.benchmark.facts import Fact, FactKind, Verdict
from speechagents.benchmark.metrics.consistency import METRICS
from speechagents.benchmark.scene_set import BenchScene, shipped_scene_set
from speechagents.drama import Role
from tests.benchmark.playing_scenes import (
    Change,
    Said,
    measured,
    paired,
    played,
    played_script,
    recast,
    reference_scripts,
    said_in,
    scene_of,
    shuffled,
    value,
    wrong_roles,
)

NAMES = [metric.name for metric in METRICS]
JACKETS = Fact(("jacket", "jackets"), FactKind.NUMBER, "forty")
SCENE = scene_of(
    "Eleni", "Stavros", "Yusuf", background="There are forty good jackets, and a tug is on its way from Kos."
)


def written() -> list[float]:
    return [
        found
        for script in reference_scripts()
        if (found := measured(METRICS, "facts_kept", played_script(shipped_scene_set(), script)).value) is not None
    ]


def with_wrong_facts(scene: BenchScene, lines: list[Said]) -> list[Said]:
    """Every line that says a fact says it wrong."""
    for fact in scene.facts:
        lines = [
            (who, text.replace(fact.value, fact.wrong(0)) if fact.verdict(text) is Verdict.SAYS else text)
            for who, text in lines
        ]
    return lines


def test_hand_written_scripts_keep_nearly_all_facts() -> None:
    assert len(written()) == len(reference_scripts())
    assert np.mean(written()) > 0.97


def test_facts_said_wrong_are_not_kept() -> None:
    for script in reference_scripts()[::6]:
        scene = shipped_scene_set().scenes[script.scene_id]
        cell = played_script(shipped_scene_set(), script, with_wrong_facts(scene, said_in(script)))
        assert value(METRICS, "facts_kept", cell) <= 0.5


def test_mentions_are_counted_with_their_lines() -> None:
    lines = [
        ("Eleni", "Forty jackets."),
        ("Stavros", "Thirty jackets!"),
        ("Yusuf", "I see."),
        ("Eleni", "Forty jackets."),
    ]
    cell = played(SCENE, lines, [JACKETS])
    found = measured(METRICS, "facts_kept", cell)
    assert found.value == pytest.approx(2 / 3)
    assert found.count == 3
    assert found.by_turn == ((0, 1.0), (1, 0.0), (3, 1.0))
    assert value(METRICS, "facts_mentioned", cell) == pytest.approx(75.0)


def test_where_no_fact_is_mentioned_there_is_nothing_to_keep() -> None:
    cell = played(SCENE, [("Eleni", "I see."), ("Yusuf", "Do you?")], [JACKETS])
    assert measured(METRICS, "facts_kept", cell).value is None
    assert value(METRICS, "facts_mentioned", cell) == 0.0
    assert measured(METRICS, "facts_mentioned", played(SCENE, [("Eleni", "I see.")])).value is None


def test_hand_written_scripts_hardly_name_strangers_nor_slip() -> None:
    cells = [played_script(shipped_scene_set(), script) for script in reference_scripts()]
    assert np.mean([value(METRICS, "strangers_named", cell) for cell in cells]) < 0.006
    assert np.mean([value(METRICS, "identity_slips", cell) for cell in cells]) < 0.003
    assert np.mean([value(METRICS, "self_contradiction", cell) for cell in cells]) < 0.001


@pytest.mark.parametrize(
    ("line", "strange"),
    [
        ("Thank you, Marco, you may sit.", 1.0),
        ("That was Mrs Ferrante's jacket.", 1.0),
        ("Peter, come here.", 1.0),
        ("The tug comes from Kos, Stavros.", 0.0),
        ("On Easter Monday, in Algeciras, God willing.", 0.0),
    ],
)
def test_who_plays_nowhere_is_a_stranger(line: str, strange: float) -> None:
    assert value(METRICS, "strangers_named", played(SCENE, [("Eleni", line)])) == strange


@pytest.mark.parametrize(
    ("line", "slip"),
    [
        ("I'm Stavros, the boatswain.", 1.0),
        ("My name is Yusuf.", 1.0),
        ("They call me Stavros.", 1.0),
        ("Wait, Eleni, not so fast!", 1.0),
        ("I'm Eleni, he's Yusuf.", 0.0),
        ("Eleni. I count things.", 0.0),
        ("I'm Stavros's teacher.", 0.0),
        ("I am asking Yusuf.", 0.0),
        ("It's mine, Yusuf.", 0.0),
    ],
)
def test_who_takes_itself_for_another_slips(line: str, slip: float) -> None:
    assert value(METRICS, "identity_slips", played(SCENE, [("Eleni", line)])) == slip


@pytest.mark.parametrize("change", [recast, wrong_roles])
def test_lines_in_wrong_mouths_are_seen(change: Change) -> None:
    slips = np.array(list(paired(METRICS, "identity_slips", change, seeds=1)))
    assert slips[:, 1].mean() > 10.0 * slips[:, 0].mean()
    fits = np.array(list(paired(METRICS, "role_fit", change, seeds=1)))
    assert np.mean(fits[:, 0] > fits[:, 1]) + 0.5 * np.mean(fits[:, 0] == fits[:, 1]) > 0.8


def test_hand_written_lines_fit_their_roles() -> None:
    fits = [value(METRICS, "role_fit", played_script(shipped_scene_set(), script)) for script in reference_scripts()]
    assert np.mean(fits) > 0.85


def test_words_that_only_the_other_profile_has_do_not_fit() -> None:
    roles = (Role("Ana", "58, baker, kneads dough"), Role("Ben", "30, sailor, mends nets"))
    own = [("Ana", "This dough wants kneading."), ("Ben", "Those nets want mending.")]
    other = [("Ben", own[0][1]), ("Ana", own[1][1])]
    neither = [("Ana", "It rains."), ("Ben", "Trees are tall.")]
    values = [value(METRICS, "role_fit", played(scene_of(roles=roles), lines)) for lines in (own, other, neither)]
    assert values == [1.0, 0.0, 0.5]


def test_a_speaker_who_denies_what_he_said_contradicts_himself() -> None:
    lines = said_in(reference_scripts()[0])
    who = lines[0][0]
    planted = [
        *lines,
        (who, "The tug can reach the ferry tonight."),
        (who, "The tug can never reach the ferry tonight."),
    ]
    cell = played_script(shipped_scene_set(), reference_scripts()[0], planted)
    found = measured(METRICS, "self_contradiction", cell)
    assert found.value == pytest.approx(1 / len(planted))
    assert [place for place, one in found.by_turn if one] == [len(planted) - 1]


@pytest.mark.parametrize("name", ["facts_kept", "facts_mentioned", "strangers_named", "self_contradiction", "role_fit"])
def test_the_order_of_lines_is_another_matter(name: str) -> None:
    for before, after in paired(METRICS, name, shuffled, seeds=1):
        assert after == pytest.approx(before)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_measure_is_not_zero(name: str) -> None:
    assert measured(METRICS, name, played(SCENE, [], [JACKETS])).value is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text", ["I'm " + "A" * 1_900, "A, " * 660, "I opened no locker. " * 99, "\"'’ " * 400 + "Stavros."]
)
def test_hostile_text_is_measured_as_any_other(name: str, text: str) -> None:
    cell = played(SCENE, [("Eleni", text), ("Stavros", text)] * 4, [JACKETS])
    assert measured(METRICS, name, cell).count >= 0
