"""Tasks made by rule: many kinds, right answers, the same for a seed, and no split that asks what another one asks."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest

from speechagents.pronunciation.numbers import english_cardinal, english_ordinal
from speechagents.tuning.general_rules import KINDS_OF_TASKS, Task, made_by_rule, split_of_task
from speechagents.tuning.general_words import DAYS, KINDS, MONTHS, OPPOSITES, PLURALS
from speechagents.tuning.trajectory import Split

NUMBERS = {english_cardinal(number): number for number in range(200)}
NUMBER = re.compile("|".join(sorted(NUMBERS, key=len, reverse=True)))


def tasks(kind: str, count: int = 300, *, seed: int = 1) -> list[Task]:
    chance = np.random.default_rng(seed)
    return [KINDS_OF_TASKS[kind](chance) for _ in range(count)]


def quoted(text: str) -> str:
    (found,) = re.findall('"([^"]+)"', text)
    return str(found)


def listed(text: str) -> list[str]:
    """What stands in a list with commas."""
    return str(re.findall(r"[\w-]+(?:, [\w-]+)+", text)[-1]).split(", ")


def numbers_in(text: str) -> list[int]:
    return [NUMBERS[word] for word in NUMBER.findall(text.lower())]


def test_the_same_seed_gives_the_same_tasks_and_another_one_others() -> None:
    one, again, other = (made_by_rule(Split.TRAIN, seed=seed, count=140) for seed in (1, 1, 2))
    assert one == again
    assert len({task.question for task in one} & {task.question for task in other}) < 30


def test_all_kinds_come_in_turn() -> None:
    counts = Counter(task.task for task in made_by_rule(Split.TEST, seed=3, count=70))
    assert counts == dict.fromkeys(KINDS_OF_TASKS, 5)
    assert len(KINDS_OF_TASKS) >= 8


def test_no_task_comes_twice_and_ids_are_unique() -> None:
    found = made_by_rule(Split.DEV, seed=4, count=900)
    assert len(found) == 900
    assert len({task.id for task in found}) == len({task.question for task in found}) == len(found)


@pytest.mark.parametrize("kind", KINDS_OF_TASKS)
def test_each_kind_has_tasks_in_each_split(kind: str) -> None:
    splits = Counter(split_of_task(kind, task.about) for task in tasks(kind, 2_000))
    assert splits[Split.TRAIN] > 1_200
    assert min(splits[Split.DEV], splits[Split.TEST]) > 60


def test_no_split_asks_what_another_one_asks_in_any_wording_or_order() -> None:
    def essence(task: str, question: str) -> object:
        if task in ("ordering", "alphabet", "comparison", "odd one out"):
            return task, frozenset(listed(question) if "," in question else re.findall(r"\d+", question))
        if task == "opposite":
            return next(pair for pair in OPPOSITES if quoted(question) in pair)
        if task == "arithmetic":
            return frozenset(numbers_in(question)), bool(re.search("minus|away|left", question))
        if task == "plural":
            return next(pair for pair in PLURALS if re.search(rf"\b{pair[0]}\b", question))
        if task in ("belonging", "counting", "backwards"):
            return task, tuple(re.findall("letter ([a-z])", question)), quoted(question)
        return task, question.partition(":")[2] or question

    def asked_of(split: Split) -> set[object]:
        made = [one for seed in (1, 2) for one in made_by_rule(split, seed=seed, count=700)]
        return {essence(one.task, one.question) for one in made}

    asked = {split: asked_of(split) for split in Split}
    assert min(map(len, asked.values())) > 700
    assert not asked[Split.TRAIN] & asked[Split.TEST]
    assert not asked[Split.TRAIN] & asked[Split.DEV]
    assert not asked[Split.DEV] & asked[Split.TEST]


def test_sums_and_differences_are_right() -> None:
    for task in tasks("arithmetic"):
        one, other = numbers_in(task.question)
        taken = re.search("minus|away|left", task.question) is not None
        assert NUMBERS[task.answer] == (abs(one - other) if taken else one + other)


def test_comparisons_are_right_and_yes_is_as_frequent_as_no() -> None:
    found = tasks("comparison", 1_000)
    for task in found:
        one, other = map(int, re.findall(r"\d+", task.question))
        assert (task.answer == "Yes") == (one > other if "larger" in task.question else one < other)
    assert 400 < sum(task.answer == "Yes" for task in found) < 600


def test_orders_are_right() -> None:
    for task in tasks("ordering"):
        numbers = [int(number) for number in listed(task.question)]
        falling = task.question.find("largest") != -1 and (
            "smallest" not in task.question or task.question.find("largest") < task.question.find("smallest")
        )
        assert [int(number) for number in listed(task.answer)] == sorted(numbers, reverse=falling)
    for task in tasks("alphabet"):
        assert listed(task.answer) == sorted(listed(task.question))


def test_letters_are_counted_and_turned_round() -> None:
    for task in tasks("counting"):
        (letter,) = re.findall("letter ([a-z]) ", task.question)
        assert NUMBERS[task.answer] == quoted(task.question).count(letter)
    for task in tasks("backwards"):
        assert task.answer == quoted(task.question)[::-1]


def test_words_have_their_opposites_and_plurals() -> None:
    plurals = dict(PLURALS)
    for task in tasks("opposite"):
        asked = quoted(task.question)
        (pair,) = [pair for pair in OPPOSITES if asked in pair]
        assert {asked, task.answer} == set(pair)
    for task in tasks("plural"):
        word = next(word for word in re.findall(r"\w+", task.question) if word in plurals)
        assert task.answer == plurals[word]


def test_words_are_repeated_and_picked() -> None:
    ordinals = [english_ordinal(number) for number in range(1, 6)]
    for task in tasks("copying"):
        assert task.question.endswith(f": {task.answer}")
        assert 3 <= len(task.answer.split()) <= 6
    for task in tasks("picking"):
        at = next(at for at, word in enumerate(ordinals) if f" {word} " in task.question)
        assert task.answer == listed(task.question)[at]


def test_days_and_months_are_counted_round() -> None:
    for task in tasks("calendar"):
        names = DAYS if any(day in task.question for day in DAYS) else MONTHS
        (start,) = [name for name in names if re.search(rf"\b{name}\b", task.question)]
        (away,) = numbers_in(task.question)
        back = re.search("before|ago|back", task.question) is not None
        assert task.answer == names[(names.index(start) + (-away if back else away)) % len(names)]


def test_things_belong_where_they_belong() -> None:
    kind_of = {word: kind for kind, words in KINDS.items() for word in words}
    assert len(kind_of) == sum(map(len, KINDS.values())), "no word is of two kinds"
    for task in tasks("belonging"):
        assert (task.answer == "Yes") == (kind_of[quoted(task.question)] in task.question)
    for task in tasks("odd one out"):
        kinds = Counter(kind_of[word] for word in listed(task.question))
        assert kinds[kind_of[task.answer]] == 1
        assert sorted(kinds.values()) == [1, 3]


def test_sequences_go_on() -> None:
    for task in tasks("sequence"):
        numbers = [int(number) for number in re.findall(r"\d+", task.question)]
        steps = {after - before for before, after in zip(numbers, [*numbers[1:], int(task.answer)], strict=True)}
        assert len(steps) == 1
