"""What models are measured with, and what can be had without any model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from speechagents.controllers.controller import AgentInput, Heard
from speechagents.drama import Deed, Role, SceneBrief, Style, Turn
from speechagents.errors import TuningError
from speechagents.styles import STYLES
from speechagents.tuning.held_out import (
    ADDRESSED,
    BEFORE_LAST,
    CHANCE,
    COMMONEST,
    OTHERS,
    HeldOut,
    baselines,
    choose_held_out,
    commonest_style,
)
from speechagents.tuning.measures import group_of
from speechagents.tuning.trajectory import Instruction, Split, Trajectory

NAMES = ("Ann", "Ben", "Cy", "Dee")


def turn(
    scene: str,
    number: int,
    role: str,
    said: Sequence[str],
    *,
    to: tuple[str, ...] = (),
    style: str = "calm",
    words: str = "Well.",
) -> Trajectory:
    """A turn after some names have spoken, the last of them to somebody."""
    heard = tuple(
        Heard(at, who, words, Deed.SPEAK, Style(), to if at == len(said) else ()) for at, who in enumerate(said, 1)
    )
    brief = SceneBrief(scene, tuple(map(Role, NAMES)))
    return Trajectory(
        id=f"{scene}/script/{number}",
        scene_id=scene,
        split=Split.TEST,
        ask=AgentInput(brief, NAMES, (), heard, Role(role), step=number),
        turn=Turn(role, text=f"Line {number}.", style=Style(style)),
        heard_sounds=("",) * len(heard),
        sound="",
        heard_units=((),) * len(heard),
        units=(),
    )


def general(task: str, number: int) -> Instruction:
    return Instruction(f"{task}/{number}", Split.TEST, "?", "!", task)


def scored(samples: Sequence[Trajectory], name: str, measure: str = "next_speaker") -> list[float]:
    held_out = choose_held_out(samples, ())
    return [one.value for one in baselines(held_out)[name].measures[measure].values()]


class TestChoice:
    MANY = tuple(turn(f"s{scene}", number, "Ann", ["Ben"]) for scene in range(10) for number in range(1, 9))

    def test_few_samples_are_of_many_scenes(self) -> None:
        chosen = choose_held_out(self.MANY, (), most=20)

        assert set(Counter(one.scene_id for one in chosen.turns).values()) == {2}
        assert len(chosen.turns) == len(chosen.questions) == 20

    def test_few_instructions_are_of_all_kinds(self) -> None:
        many = [general(task, number) for task, count in (("sums", 50), ("copies", 3)) for number in range(count)]

        chosen = choose_held_out(self.MANY, many, most=10)

        assert Counter(one.task for one in chosen.general) == {"sums": 7, "copies": 3}

    def test_instructions_about_speech_do_not_take_the_place_of_others(self) -> None:
        speech = [replace(general("hear", number), question_units=(1, 2)) for number in range(50)]

        chosen = choose_held_out(self.MANY, [*speech, *(general("sums", number) for number in range(50))], most=10)

        assert Counter(one.task for one in chosen.general) == {"hear": 10, "sums": 10}

    def test_a_seed_draws_the_same_in_whatever_order_samples_come_and_another_one_others(self) -> None:
        one = choose_held_out(self.MANY, (), most=20, seed=1)

        assert choose_held_out(self.MANY[::-1], (), most=20, seed=1) == one
        assert choose_held_out(self.MANY, (), most=20, seed=2).turns != one.turns
        assert choose_held_out(self.MANY, (), most=20, seed=2).digest != one.digest

    def test_the_digest_sees_what_is_asked_and_not_only_its_id(self) -> None:
        other = (replace(self.MANY[0], turn=Turn("Ann", text="Something else.")), *self.MANY[1:])

        assert choose_held_out(self.MANY, ()).digest != choose_held_out(other, ()).digest

    def test_nothing_to_measure_with_is_refused(self) -> None:
        with pytest.raises(TuningError, match="no held-out samples"):
            choose_held_out((), ())

    def test_the_commonest_style_is_that_of_most_turns(self) -> None:
        styles = ("sad", "angry", "sad", "calm", "calm")
        turns = [turn("s", at, "Ann", ["Ben"], style=style) for at, style in enumerate(styles)]

        assert commonest_style(turns) == "calm", "of two that are as common the first by name"
        assert commonest_style(turns[:3]) == "sad"


def test_what_is_about_the_speech_of_a_scene_is_of_that_scene() -> None:
    """Ten samples of one scene are no evidence about ten scenes."""
    first, second = (
        replace(general("hear", at), id=f"hear/001-ferry/roles-2/{at}", question_units=(1,)) for at in (1, 2)
    )

    assert group_of(first) == group_of(second) == "001-ferry"
    assert group_of(general("sums", 1)) != group_of(general("sums", 2))
    assert group_of(replace(general("chat", 1), id="file.jsonl:7")) == "file.jsonl:7"


class TestBaselines:
    def test_chance_guesses_among_all_that_are_present_or_among_all_but_the_last_speaker(self) -> None:
        samples = [turn("s", 1, "Ann", ["Ben"]), turn("s", 2, "Ben", ["Ben"])]

        assert scored(samples, CHANCE) == [0.25, 0.25]
        assert scored(samples, OTHERS) == [pytest.approx(1 / 3), 0.0], "Ben has just spoken and speaks again"

    def test_whoever_was_addressed_last_speaks_next(self) -> None:
        samples = [
            turn("s", 1, "Cy", ["Ann", "Ben"], to=("Cy",)),
            turn("s", 2, "Dee", ["Ann", "Ben"], to=("Cy",)),
            turn("s", 3, "Dee", ["Ann", "Ben"], to=("Cy", "Dee")),
            turn("s", 4, "Dee", ["Ann", "Ben"]),
        ]

        assert scored(samples, ADDRESSED) == [1.0, 0.0, 0.5, 0.25]

    def test_who_is_called_by_name_was_addressed(self) -> None:
        said = ["Ann", "Ben"]

        assert scored([turn("s", 1, "Dee", said, words="Dee, wait.")], ADDRESSED) == [1.0]
        assert scored([turn("s", 1, "Cy", said, words="Dee, wait.")], ADDRESSED) == [0.0]
        assert scored([turn("s", 1, "Dee", said, words="I saw Dee there.")], ADDRESSED) == [0.25], (
            "nobody was spoken to"
        )

    def test_the_one_before_the_last_speaks_again(self) -> None:
        samples = [
            turn("s", 1, "Ann", ["Ann", "Ben"]),
            turn("s", 2, "Cy", ["Ann", "Ben"]),
            turn("s", 3, "Ann", ["Ann", "Ben", "Ben"]),
            turn("s", 4, "Ann", ["Ben"]),
        ]

        assert scored(samples, BEFORE_LAST) == [1.0, 0.0, 1.0, 0.25]

    def test_somebody_who_has_left_is_not_guessed(self) -> None:
        sample = turn("s", 1, "Cy", ["Ann", "Ben"], to=("Cy",))
        gone = replace(sample, ask=replace(sample.ask, present=("Ben", "Cy", "Dee")))

        assert scored([gone], BEFORE_LAST) == [pytest.approx(1 / 3)]

    def test_styles_are_guessed_by_chance_or_the_commonest_is_named(self) -> None:
        samples = tuple(turn("s", at, "Ann", ["Ben"], style=style) for at, style in enumerate(("sad", "calm", "sad")))
        found = baselines(HeldOut(samples, (), (), "sad"))

        assert found[COMMONEST].mean("style") == pytest.approx(2 / 3)
        assert found[CHANCE].mean("style") == pytest.approx(1 / len(STYLES))
