"""Casting: who gets which voice, and why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speechagents.drama import MAX_ROLES, NARRATOR, Line, Role, Scene
from speechagents.errors import CastError
from speechagents.voices.casting import Cast, Override, Overrides, cast_roles
from speechagents.voices.synthesizer import Age, Gender, Voice


def _voice(gender: Gender, age: Age, number: int, f0_hz: float, *, narrates: bool = False) -> Voice:
    return Voice(
        id=f"{gender}-{age}-{number}",
        description="A voice for tests.",
        gender=gender,
        age=age,
        accent="en",
        sample="Hello.",
        f0_hz=f0_hz,
        recipe=str(number),
        licence="CC0-1.0",
        source="tests",
        narrates=narrates,
    )


def _catalogue() -> tuple[Voice, ...]:
    """34 voices: 12 men, 10 women, and two each of boys, girls, teens and elders of both genders."""
    voices = [_voice(Gender.MALE, Age.ADULT, n, 80 + 5 * n, narrates=n == 0) for n in range(12)]
    voices += [_voice(Gender.FEMALE, Age.ADULT, n, 150 + 7 * n, narrates=n == 0) for n in range(10)]
    for n in range(2):
        voices += [
            _voice(Gender.MALE, Age.ELDER, n, 90 + 30 * n),
            _voice(Gender.FEMALE, Age.ELDER, n, 160 + 40 * n),
        ]
        voices += [
            _voice(Gender.MALE, Age.TEEN, n, 125 + 20 * n),
            _voice(Gender.FEMALE, Age.TEEN, n, 210 + 20 * n),
        ]
        voices += [
            _voice(Gender.MALE, Age.CHILD, n, 240 + 50 * n),
            _voice(Gender.FEMALE, Age.CHILD, n, 255 + 45 * n),
        ]
    return tuple(voices)


T = TypeVar("T")
VOICES = _catalogue()
_TIMBRE = {voice.id: np.random.default_rng(index).normal(size=4) for index, voice in enumerate(VOICES)}


def distance(one: Voice, other: Voice) -> float:
    """Pitch in thirds of an octave beside four made-up dimensions of timbre."""
    pitch = 3.0 * np.log2(one.f0_hz / other.f0_hz)
    return float(np.hypot(pitch, np.linalg.norm(_TIMBRE[one.id] - _TIMBRE[other.id])))


MEDIAN = float(np.median([distance(a, b) for i, a in enumerate(VOICES) for b in VOICES[:i]]))


def scene(roles: Sequence[str], lines: int, *, title: str = "A scene", words: int = 8, seed: int = 1) -> Scene:
    """A scene in which everybody speaks, in turns drawn by lot."""
    lot = np.random.default_rng(seed)
    order = [*roles, *(str(role) for role in lot.choice(list(roles), lines - len(roles)))]
    return Scene(title, "", tuple(Line(n, role, "word " * words) for n, role in enumerate(order, 1)))


def cast(names: Sequence[str], scenes: Sequence[Scene], **options: object) -> Cast:
    settings_: dict[str, object] = {"seed": 1, "distance": distance} | options
    return cast_roles([Role(name) for name in names], scenes, VOICES, **settings_)  # type: ignore[arg-type]


def _drawn(lot: np.random.Generator, things: Sequence[T], count: int) -> list[T]:
    return [things[index] for index in lot.permutation(len(things))[:count]]


PEOPLE = ["ANNA", "BEN", "OMAR", "GRANDMA", "LITTLE GIRL", "GUARD", "EMMA", "TEENAGE BOY"]


def test_gender_and_age_of_the_name_are_heard() -> None:
    made = cast(PEOPLE, [scene(PEOPLE, 60)])
    heard = {name: (made[name].voice.gender, made[name].voice.age) for name in PEOPLE}
    assert heard["ANNA"] == heard["EMMA"] == (Gender.FEMALE, Age.ADULT)
    assert heard["BEN"] == heard["OMAR"] == (Gender.MALE, Age.ADULT)
    assert heard["GRANDMA"] == (Gender.FEMALE, Age.ELDER)
    assert heard["LITTLE GIRL"] == (Gender.FEMALE, Age.CHILD)
    assert heard["TEENAGE BOY"] == (Gender.MALE, Age.TEEN)
    assert heard["GUARD"][1] is Age.ADULT


def test_an_accent_is_cast_when_a_voice_has_it_and_never_at_the_cost_of_gender() -> None:
    scots = replace(VOICES[3], id="scot", accent="en-GB-scotland")
    voices = [*VOICES, scots]
    play = [scene(["BEN", "ANNA"], 20)]

    def cast_with(*roles: Role) -> Cast:
        return cast_roles(roles, play, voices, seed=1, distance=lambda a, b: float(a.id != b.id))

    made = cast_with(Role("BEN", "a Scotsman"), Role("ANNA", "a Scottish nurse"))
    assert made["BEN"].voice == scots
    assert 'accent of "scotsman"' in made["BEN"].why
    assert made["ANNA"].voice.gender is Gender.FEMALE


def test_every_casting_says_why() -> None:
    made = cast(["ANNA", "BEN", "OMAR"], [scene(["ANNA", "BEN", "OMAR"], 30)])
    assert made["ANNA"].why in {
        "woman's name; adult; clear of BEN and OMAR",
        "woman's name; adult; clear of OMAR and BEN",
    }
    assert made.narrator.why == "narrator; used by nobody else"


def test_the_narrators_voice_narrates_and_is_used_by_nobody_else() -> None:
    names = [f"ROLE {n}" for n in range(60)]
    made = cast(names, [scene(names[i : i + 10], 40) for i in range(0, 60, 10)])
    assert made.narrator.voice.narrates
    assert all(made[name].voice != made.narrator.voice for name in names)


@pytest.mark.parametrize("count", [2, 5, 10, 25, 33])
def test_nobody_shares_a_voice_within_a_scene(count: int) -> None:
    names = [f"ROLE {n}" for n in range(count)]
    made = cast(names, [scene(names, 200)])
    assert len({made[name].voice.id for name in names}) == count
    assert made.warnings == ()


def test_partners_sound_further_apart_than_chance_would_put_them() -> None:
    women, men = ["ANNA", "EMMA", "LUCY", "MARY"], ["BEN", "OMAR", "PETER", "PAUL", "JOHN"]
    names = women + men

    def least(voices: Sequence[Voice]) -> float:
        return min(distance(a, b) for i, a in enumerate(voices) for b in voices[:i]) / MEDIAN

    ours, chance = [], []
    for seed in range(20):
        made = cast(names, [scene(names, 100)], seed=seed)
        ours.append(least([made[name].voice for name in names]))
        lot = np.random.default_rng(seed)
        adults = [voice for voice in VOICES if voice.age is Age.ADULT]
        pick = [_drawn(lot, [v for v in adults if v.gender is g], n) for g, n in ((Gender.FEMALE, 4), (Gender.MALE, 5))]
        chance.append(least(pick[0] + pick[1]))
    assert np.mean(ours) > 1.4 * np.mean(chance)
    assert min(ours) > 0.45


def test_those_who_talk_most_with_each_other_are_the_clearest_apart() -> None:
    talkers = ["BEN", "OMAR", "BEN", "OMAR"] * 20
    lines = [*talkers, "PETER", "BEN", "PAUL", "OMAR", "MARK", "BEN", "LUKE", "OMAR"]
    one = Scene("A scene", "", tuple(Line(n, role, "some words here") for n, role in enumerate(lines, 1)))
    far, least = [], []
    for seed in range(10):
        made = cast(["BEN", "OMAR", "PETER", "PAUL", "MARK", "LUKE"], [one], seed=seed)
        men = [made[name].voice for name in ("BEN", "OMAR", "PETER", "PAUL", "MARK", "LUKE")]
        far.append(distance(men[0], men[1]))
        least.append(min(distance(a, b) for i, a in enumerate(men) for b in men[:i]))
    assert np.mean(far) > 1.2 * np.mean(least)


def test_the_same_seed_gives_the_same_cast_and_another_seed_another() -> None:
    scenes = [scene(PEOPLE, 60)]
    assert cast(PEOPLE, scenes) == cast(PEOPLE, scenes)
    assert len({tuple(c.voice.id for c in cast(PEOPLE, scenes, seed=seed)) for seed in range(8)}) > 4


@given(st.permutations(PEOPLE))
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_roles_does_not_matter(order: list[str]) -> None:
    assert cast(order, [scene(PEOPLE, 60)]) == cast(PEOPLE, [scene(PEOPLE, 60)])


@given(st.integers(0, 2**62), st.sampled_from(["DOORMAN", "ZOË", "OLD WOMAN", "KID"]))
@settings(max_examples=20, deadline=None)
def test_a_small_part_added_later_moves_no_lead(seed: int, newcomer: str) -> None:
    scenes = [scene(PEOPLE, 80)]
    before = cast(PEOPLE, scenes, seed=seed)
    last = Line(900, newcomer, "Yes.")
    after = cast([*PEOPLE, newcomer], [Scene("A scene", "", (*scenes[0].items, last))], seed=seed)
    assert {name: after[name].voice for name in PEOPLE} == {name: before[name].voice for name in PEOPLE}


@given(
    st.lists(
        st.lists(st.sampled_from([f"ROLE {n}" for n in range(80)]), min_size=1, max_size=6, unique=True),
        max_size=25,
    ),
    st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_small_parts_share_voices_but_never_within_a_scene(companies: list[list[str]], seed: int) -> None:
    scenes = [scene(names, 12, seed=n) for n, names in enumerate(companies)]
    made = cast([f"ROLE {n}" for n in range(80)], scenes, seed=seed)
    for names in companies:
        assert len({made[name].voice.id for name in names}) == len(names)
    assert made.warnings == ()


def test_sharing_is_told() -> None:
    groups = [[f"ROLE {g}{n}" for n in range(10)] for g in "ABCDEF"]
    made = cast([name for group in groups for name in group], [scene(group, 40) for group in groups])
    assert any("shared with" in casting.why and "never meets" in casting.why for casting in made)


def test_a_scene_with_more_roles_than_voices_says_so() -> None:
    names = [f"ROLE {n}" for n in range(40)]
    made = cast(names, [scene(names, 200, title="The market")])
    forced = [casting for casting in made if "in one scene" in casting.why]
    assert forced
    assert '"The market" has 40 roles for 33 voices' in forced[-1].why
    assert any("has the same voice" in warning for warning in made.warnings)


def test_a_role_whose_partners_use_all_voices_makes_one_of_them_move() -> None:
    few = [voice for voice in VOICES if voice.age is Age.ADULT and voice.gender is Gender.MALE][:4]  # 3 and a narrator
    # A ring of five: each meets two others, greedy colouring of an unlucky order needs a fourth colour.
    pairs = [("A1", "B1"), ("B1", "C1"), ("C1", "D1"), ("D1", "E1"), ("E1", "A1"), ("F1", "A1"), ("F1", "C1")]
    scenes = [scene(pair, 4, words=words) for words, pair in enumerate(pairs, 3)]
    for seed in range(20):
        made = cast_roles([], scenes, few, seed=seed, distance=distance)
        assert made.warnings == ()


def test_500_roles_are_cast_in_a_second() -> None:
    names = [f"ROLE {n}" for n in range(MAX_ROLES)]
    lot = np.random.default_rng(2)
    scenes = [scene(_drawn(lot, names, 12), 40, seed=n) for n in range(100)]
    began = time.thread_time()
    made = cast(names, scenes)
    assert time.thread_time() - began < 1.5
    assert made.warnings == ()
    assert len(made) == MAX_ROLES + 1


def test_more_roles_than_can_be_cast_are_refused() -> None:
    names = [f"ROLE {n}" for n in range(MAX_ROLES + 1)]
    with pytest.raises(CastError, match="at most 500"):
        cast(names, [])


def test_no_voices_at_all_are_refused() -> None:
    with pytest.raises(CastError, match="no voices"):
        cast_roles([Role("ANNA")], [], [], seed=1, distance=distance)


def test_a_single_voice_speaks_everybody_and_says_so() -> None:
    made = cast_roles([], [scene(["ANNA", "BEN"], 4)], VOICES[:1], seed=1, distance=distance)
    assert {casting.voice for casting in made} == {VOICES[0]}
    assert len(made.warnings) == 2


def test_roles_are_found_in_any_spelling() -> None:
    made = cast(["Anna"], [scene(["ANNA"], 3)])
    assert made["  anna "] == made["ANNA"]
    assert "ANNA" in made
    assert "Zed" not in made
    assert (made["ANNA"].lines, made["ANNA"].words) == (3, 24)


def test_names_that_look_like_paths_or_smileys_are_names_like_any_other() -> None:
    odd = ["../../etc/passwd", "🤖🎭", "אנה", "X" * 300, "a\tb"]
    made = cast(odd, [scene(odd, 10)])
    assert len({made[name].voice.id for name in odd}) == len(odd)


def wishes(*items: Override) -> Overrides:
    return Overrides(items)


def test_a_wish_is_granted_and_the_others_keep_clear_of_it() -> None:
    made = cast(PEOPLE, [scene(PEOPLE, 60)], overrides=wishes(Override("anna", voice="male-elder-1")))
    assert made["ANNA"].voice.id == "male-elder-1"
    assert made["ANNA"].why == "as the cast file says"
    assert sum(casting.voice.id == "male-elder-1" for casting in made) == 1


def test_a_role_can_sound_like_another_one() -> None:
    overrides = wishes(Override("GUARD", same_as="BEN"), Override("OMAR", same_as="guard"))
    made = cast(PEOPLE, [scene(PEOPLE[:3], 60), scene(["GUARD", "EMMA"], 10)], overrides=overrides)
    assert made["GUARD"].voice == made["OMAR"].voice == made["BEN"].voice
    assert made["EMMA"].voice != made["GUARD"].voice


def test_the_narrators_voice_can_be_chosen_and_given_to_a_role() -> None:
    overrides = wishes(Override(NARRATOR, voice="female-adult-3"), Override("BEN", same_as="narrator"))
    made = cast(PEOPLE, [scene(PEOPLE, 60)], overrides=overrides)
    assert made.narrator.voice.id == made["BEN"].voice.id == "female-adult-3"
    assert any("narrator has the same voice" in warning for warning in made.warnings)


def test_one_voice_for_two_partners_is_granted_with_a_warning() -> None:
    overrides = wishes(Override("ANNA", voice="female-adult-1"), Override("EMMA", voice="female-adult-1"))
    made = cast(PEOPLE, [scene(PEOPLE, 60)], overrides=overrides)
    assert made.warnings == ("ANNA has the same voice (female-adult-1) as EMMA in one scene",) or made.warnings == (
        "EMMA has the same voice (female-adult-1) as ANNA in one scene",
    )


def test_casting_again_with_a_cast_gives_the_same_voices() -> None:
    scenes = [scene(PEOPLE, 60)]
    made = cast(PEOPLE, scenes)
    again = cast(PEOPLE, scenes, seed=77, overrides=made.overrides())
    assert {c.role: c.voice for c in again} == {c.role: c.voice for c in made}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            [Override("ANNA", voice="female-adult-33", place="cast.yaml:7")],
            r"^cast.yaml:7: no voice .*female-adult-3",
        ),
        ([Override("ANA", voice="female-adult-3", place="cast.yaml:7")], r"^cast.yaml:7: no role .*mean ANNA"),
        (
            [Override("ANNA", same_as="Benn", place="c.yaml:3")],
            r'c.yaml:3: no role is called "Benn"; did you mean BEN',
        ),
        ([Override("ANNA", same_as="ANNA")], "ANNA → ANNA"),
        (
            [Override("ANNA", same_as="BEN"), Override("BEN", same_as="OMAR"), Override("OMAR", same_as="ANNA")],
            "circle",
        ),
        ([Override("ANNA", voice="male-adult-1"), Override("Anna", voice="male-adult-2")], "listed twice"),
        ([Override(NARRATOR, same_as="BEN")], "role that has a voice in this file"),
    ],
)
def test_wishes_that_cannot_be_granted_are_refused(items: list[Override], message: str) -> None:
    with pytest.raises(CastError, match=message):
        cast(PEOPLE, [scene(PEOPLE, 60)], overrides=wishes(*items))


@pytest.mark.parametrize("wish", ["role", "voice", "same_as"])
def test_a_name_from_outside_is_shortened_and_made_harmless_in_messages(wish: str) -> None:
    hostile = "\x1b[31m\nERROR \u202e" + "x" * 5000
    override = {
        "role": Override(hostile),
        "voice": Override("ANNA", voice=hostile),
        "same_as": Override("ANNA", same_as=hostile),
    }[wish]
    with pytest.raises(CastError) as caught:
        cast(PEOPLE, [scene(PEOPLE, 60)], overrides=wishes(override))
    message = str(caught.value)
    assert '"[31m ERROR xxx' in message
    assert "…" in message
    assert message.isprintable()
    assert len(message) < 250
