"""General tasks made by rule: small things that a model should go on to be able to do, each with one right answer.

Owns the kinds and how a task of each is made. Nothing is fetched, and nothing was taken from a benchmark of others.
What a task is about (its operands, not its wording) decides in which split it lies, so that no split holds what another
one asks, whatever the seeds and however many tasks are made.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from speechagents.pronunciation.numbers import english_cardinal, english_ordinal
from speechagents.tuning.general_words import DAYS, KINDS, MONTHS, OPPOSITES, PLURALS
from speechagents.tuning.trajectory import Instruction, Split

MAX_TRIES: Final = 400
"""Tasks of a kind that are thrown away in a row, for lying in another split or having been made, before the kind is
taken to be used up."""

_OF_TEN: Final = (Split.TRAIN,) * 8 + (Split.DEV, Split.TEST)
_WORDS: Final = tuple(word for words in KINDS.values() for word in words)


@dataclass(frozen=True, slots=True)
class Task:
    """A task.

    Attributes:
        about: What decides its split: the same for all wordings and for questions that come to the same.
        question: As asked.
        answer: The right one.
        side: Tells questions about the same from each other that may both be asked; empty where there is one.
    """

    about: str
    question: str
    answer: str
    side: str = ""


def split_of_task(kind: str, about: str) -> Split:
    """The split of what a task is about: eight of ten train, one dev, one test."""
    ranks = _RANKS.get(kind)
    return _OF_TEN[(ranks[about] if ranks is not None else _number(about)) % len(_OF_TEN)]


def made_by_rule(split: Split, *, seed: int, count: int) -> Sequence[Instruction]:
    """Tasks of all kinds in turn.

    Args:
        split: Of the tasks.
        seed: Chooses among all that there are of it.
        count: How many; there are fewer where all kinds are used up.
    """
    making = {kind: _of_kind(kind, make, split, seed) for kind, make in KINDS_OF_TASKS.items()}
    found: list[Instruction] = []
    while making and len(found) < count:
        for kind in list(making):
            one = next(making[kind], None)
            if one is None:
                del making[kind]
            elif len(found) < count:
                found.append(one)
    return tuple(found)


def _of_kind(kind: str, make: Make, split: Split, seed: int) -> Iterator[Instruction]:
    """Different tasks of a kind, until there are none left."""
    digest = hashlib.sha256(f"{seed}\0{kind}\0{split.value}".encode()).digest()
    chance = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    made: set[tuple[str, str]] = set()
    tries = 0
    while tries < MAX_TRIES:
        task = make(chance)
        if (task.about, task.side) in made or split_of_task(kind, task.about) is not split:
            tries += 1
            continue
        tries = 0
        made.add((task.about, task.side))
        digits = hashlib.sha256(task.question.encode()).hexdigest()[:12]
        yield Instruction(f"{kind}/{digits}", split, task.question, task.answer, kind)


def _arithmetic(chance: np.random.Generator) -> Task:
    one, other = (int(number) for number in chance.integers(0, 100, 2))
    if chance.random() < 0.5:
        low, high = sorted((one, other))
        question = _one(
            chance,
            "What is {0} plus {1}? Answer in words.",
            "Add {0} and {1}, and write the result in words.",
            "How many are {0} and {1} together? Write it in words.",
        )
        words = english_cardinal(one), english_cardinal(other)
        return Task(f"{low}+{high}", question.format(*words), english_cardinal(one + other))
    low, high = sorted((one, other))
    question = _one(
        chance,
        "What is {1} minus {0}? Answer in words.",
        "Take {0} away from {1}, and write the result in words.",
        "How many are left of {1} when {0} go? Write it in words.",
    )
    words = english_cardinal(low), english_cardinal(high)
    return Task(f"{high}-{low}", question.format(*words), english_cardinal(high - low))


def _comparison(chance: np.random.Generator) -> Task:
    one, other = (int(number) for number in chance.choice(1000, 2, replace=False))
    larger = chance.random() < 0.5
    word = "larger" if larger else "smaller"
    question = _one(
        chance, "Is {0} {2} than {1}?", "Yes or no: {0} is {2} than {1}.", "Would you call {0} {2} than {1}?"
    )
    right = one > other if larger else one < other
    return Task(_unordered(one, other), question.format(one, other, word), "Yes" if right else "No")


def _ordering(chance: np.random.Generator) -> Task:
    numbers = [int(number) for number in chance.choice(1000, 4, replace=False)]
    falling = chance.random() < 0.5
    question = _one(
        chance,
        "Put these numbers in order, the {1} first: {0}",
        "Sort from the {1} to the {2}: {0}",
        "Write these again, beginning with the {1}: {0}",
    )
    first, last = ("largest", "smallest") if falling else ("smallest", "largest")
    return Task(
        _unordered(*numbers),
        question.format(_list(numbers), first, last),
        _list(sorted(numbers, reverse=falling)),
    )


def _alphabet(chance: np.random.Generator) -> Task:
    words = _some(chance, _WORDS, 3)
    question = _one(
        chance,
        "Put these words in alphabetical order: {0}",
        "Which order would a dictionary give these words? {0}",
        "Sort by the alphabet: {0}",
    )
    return Task(_unordered(*words), question.format(_list(words)), _list(sorted(words)))


def _counting(chance: np.random.Generator) -> Task:
    word = _some(chance, _WORDS, 1)[0]
    # Half of the time a letter that is in it: nearly all others are not.
    letters = word if chance.random() < 0.7 else "abcdefghijklmnopqrstuvwxyz"
    letter = letters[int(chance.integers(len(letters)))]
    question = _one(
        chance,
        'How many times does the letter {0} stand in "{1}"? Answer in words.',
        'Count the letter {0} in "{1}", and write the number in words.',
        'How often is there a letter {0} in the word "{1}"? Answer in words.',
    )
    return Task(f"{letter} {word}", question.format(letter, word), english_cardinal(word.count(letter)))


def _backwards(chance: np.random.Generator) -> Task:
    word = _some(chance, _WORDS, 1)[0]
    if chance.random() < 0.8:
        # Words are few; two that have nothing to do with each other are many.
        word += " " + _some(chance, _WORDS, 1)[0]
    question = _one(
        chance,
        'Spell "{0}" backwards.',
        'Write "{0}" from its end to its beginning.',
        'Write "{0}" with its letters in reverse order.',
    )
    return Task(word, question.format(word), word[::-1])


def _opposite(chance: np.random.Generator) -> Task:
    pair = OPPOSITES[int(chance.integers(len(OPPOSITES)))]
    sides = [side for side in (0, 1) if _OPPOSED[pair[side]] == 1]
    side = sides[int(chance.integers(len(sides)))]
    question = _one(
        chance,
        'What is the opposite of "{0}"? Answer in one word.',
        'Name the word that means the contrary of "{0}".',
        'Which word is the reverse of "{0}" in meaning?',
    )
    return Task(_unordered(*pair), question.format(pair[side]), pair[1 - side], pair[side])


def _plural(chance: np.random.Generator) -> Task:
    one, several = PLURALS[int(chance.integers(len(PLURALS)))]
    question = _one(
        chance,
        'What is the plural of "{0}"? Answer in one word.',
        "One {0}, two … which word?",
        'Which word stands for several of "{0}"?',
    )
    return Task(one, question.format(one), several)


def _copying(chance: np.random.Generator) -> Task:
    words = _some(chance, _WORDS, int(chance.integers(3, 7)))
    question = _one(chance, "Repeat this: {0}", "Write the same once more: {0}", "Copy these words: {0}")
    return Task(" ".join(words), question.format(" ".join(words)), " ".join(words))


def _picking(chance: np.random.Generator) -> Task:
    words = _some(chance, _WORDS, 5)
    at = int(chance.integers(len(words)))
    question = _one(
        chance,
        "Which word comes {0} here? {1}",
        "Write only the {0} of these words: {1}",
        "Name the {0} word of this list: {1}",
    )
    return Task(f"{at} {' '.join(words)}", question.format(english_ordinal(at + 1), _list(words)), words[at])


def _calendar(chance: np.random.Generator) -> Task:
    names, unit = ((DAYS, "day"), (MONTHS, "month"))[int(chance.integers(2))]
    start, away = int(chance.integers(len(names))), int(chance.integers(1, 31))
    back = chance.random() < 0.5
    many = f"{english_cardinal(away)} {unit}{'s' if away > 1 else ''}"
    question = _one(
        chance,
        "Which {2} is {1} {3} {0}?",
        "It is {0}. Which {2} {4} {1} {5}?",
        "Count {1} {6} from {0}. Which {2} do you come to?",
    )
    side = ("before", "was", "ago", "back") if back else ("after", "will it be", "from now", "on")
    if back:
        question = question.replace("Which {2} {4} {1} {5}", "Which {2} {4} it {1} {5}")
    return Task(
        f"{names[start]} {'-' if back else '+'}{away}",
        question.format(names[start], many, unit, *side),
        names[(start + (-away if back else away)) % len(names)],
    )


def _belonging(chance: np.random.Generator) -> Task:
    kinds = list(KINDS)
    kind, other = (kinds[int(at)] for at in chance.choice(len(kinds), 2, replace=False))
    word = _some(chance, KINDS[kind], 1)[0]
    said = kind if chance.random() < 0.5 else other
    question = _one(chance, 'Is "{0}" the name of {1}?', 'Yes or no: "{0}" is {1}.', 'Would you say that "{0}" is {1}?')
    answer = "Yes" if said == kind else "No"
    return Task(word, question.format(word, said), answer, answer)


def _odd_one_out(chance: np.random.Generator) -> Task:
    kinds = list(KINDS)
    kind, other = (kinds[int(at)] for at in chance.choice(len(kinds), 2, replace=False))
    odd = _some(chance, KINDS[other], 1)[0]
    words = [*_some(chance, KINDS[kind], 3), odd]
    question = _one(
        chance,
        "Which of these does not belong with the others? {0}",
        "Three of these are of one kind. Name the one that is not: {0}",
        "One word here is of another kind. Which? {0}",
    )
    return Task(_unordered(*words), question.format(_list(_some(chance, words, 4))), odd)


def _sequence(chance: np.random.Generator) -> Task:
    start, step = int(chance.integers(0, 60)), int(chance.integers(2, 13))
    down = chance.random() < 0.3
    numbers = [start + step * (4 - at if down else at) for at in range(5)]
    question = _one(
        chance, "Which number comes next? {0}", "Go on with one number: {0}", "{0} … What stands behind the last one?"
    )
    return Task(" ".join(map(str, numbers)), question.format(_list(numbers[:4])), str(numbers[4]))


Make = Callable[[np.random.Generator], Task]

KINDS_OF_TASKS: Final[Mapping[str, Make]] = {
    "arithmetic": _arithmetic,
    "comparison": _comparison,
    "ordering": _ordering,
    "alphabet": _alphabet,
    "counting": _counting,
    "backwards": _backwards,
    "opposite": _opposite,
    "plural": _plural,
    "copying": _copying,
    "picking": _picking,
    "calendar": _calendar,
    "belonging": _belonging,
    "odd one out": _odd_one_out,
    "sequence": _sequence,
}
"""How a task of each kind is made."""

_OPPOSED: Final[Mapping[str, int]] = {
    word: sum(word in pair for pair in OPPOSITES) for word in itertools.chain.from_iterable(OPPOSITES)
}


def _unordered(*items: object) -> str:
    return " ".join(sorted(map(str, items)))


def _number(about: str) -> int:
    return int.from_bytes(hashlib.sha256(about.encode()).digest()[:8], "big")


def _ranks(abouts: Iterable[str]) -> Mapping[str, int]:
    """Places of things in the order of their hashes: of few things no split must be left without any."""
    return {about: rank for rank, about in enumerate(sorted(abouts, key=_number))}


_RANKS: Final[Mapping[str, Mapping[str, int]]] = {
    "opposite": _ranks(_unordered(*pair) for pair in OPPOSITES),
    "plural": _ranks(one for one, _ in PLURALS),
    "belonging": _ranks(_WORDS),
}


def _one(chance: np.random.Generator, *wordings: str) -> str:
    return wordings[int(chance.integers(len(wordings)))]


def _some(chance: np.random.Generator, words: Sequence[str], count: int) -> list[str]:
    return [words[int(at)] for at in chance.choice(len(words), count, replace=False)]


def _list(items: Sequence[object]) -> str:
    return ", ".join(map(str, items))
