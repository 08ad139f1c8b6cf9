"""Scripts as they are, and spoilt on purpose in one way each: what every metric has to tell apart.

Owns the ways. Does not know how a script is played, nor what is measured. What is drawn is drawn by the cell's seed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from speechagents.benchmark.facts import Fact, Verdict
from speechagents.benchmark.script_file import SceneScript, ScriptLine

_TAKEN_BACK_AFTER: Final = 4
"""Lines between what is said of a fact and the contrary."""
_REPEATED_EVERY: Final = 4
"""Of so many lines one is something that its speaker has said before."""

Spoil = Callable[[SceneScript, tuple[Fact, ...], np.random.Generator], SceneScript]


@dataclass(frozen=True, slots=True)
class Baseline:
    """A way to play a script.

    Attributes:
        name: As it is asked for.
        about: What is done, in a sentence.
        spoil: Changes the script.
        one_voice: All roles have the same voice.
        plain_from: From this share of the lines on, 0 to 1, they are spoken in the style ``default``, whatever their
            style is.
    """

    name: str
    about: str
    spoil: Spoil
    one_voice: bool = False
    plain_from: float = 1.0


def _as_it_is(script: SceneScript, facts: tuple[Fact, ...], chance: np.random.Generator) -> SceneScript:  # noqa: ARG001
    return script


def _shuffled(script: SceneScript, facts: tuple[Fact, ...], chance: np.random.Generator) -> SceneScript:  # noqa: ARG001
    return replace(script, lines=tuple(script.lines[at] for at in chance.permutation(len(script.lines))))


def _wrong_roles(
    script: SceneScript,
    facts: tuple[Fact, ...],  # noqa: ARG001
    chance: np.random.Generator,
) -> SceneScript:
    names = list(dict.fromkeys(line.role for line in script.lines))
    order = [names[at] for at in chance.permutation(len(names))]
    # Around a circle in a drawn order, so that nobody keeps the own lines.
    other = dict(zip(order, [*order[1:], order[0]], strict=True))
    return replace(script, lines=tuple(replace(line, role=other[line.role]) for line in script.lines))


def _wrong_facts(script: SceneScript, facts: tuple[Fact, ...], chance: np.random.Generator) -> SceneScript:
    wrong = {fact: fact.wrong(int(chance.integers(1_000))) for fact in facts}

    def spoilt(line: ScriptLine) -> ScriptLine:
        said = line.text
        for fact, value in wrong.items():
            if fact.verdict(said) is Verdict.SAYS:
                said = re.sub(rf"(?<![\w-]){re.escape(fact.value)}(?![\w-])", value, said, flags=re.IGNORECASE)
        return replace(line, text=said)

    return replace(script, lines=tuple(map(spoilt, script.lines)))


def _taken_back(script: SceneScript, facts: tuple[Fact, ...], chance: np.random.Generator) -> SceneScript:
    lines = list(script.lines)
    told = [at for at, line in enumerate(lines) if any(fact.verdict(line.text) is Verdict.SAYS for fact in facts)]
    wrong = _wrong_facts(script, facts, chance).lines
    for at in sorted(told, reverse=True):
        # Soon afterwards whoever said it says it again, and otherwise.
        lines.insert(min(len(lines), at + _TAKEN_BACK_AFTER), wrong[at])
    return replace(script, lines=tuple(lines))


def _repeating(script: SceneScript, facts: tuple[Fact, ...], chance: np.random.Generator) -> SceneScript:  # noqa: ARG001
    lines: list[ScriptLine] = []
    for at, line in enumerate(script.lines):
        own = [one for one in lines if one.role == line.role]
        again = bool(own) and at % _REPEATED_EVERY == _REPEATED_EVERY - 1
        lines.append(replace(own[int(chance.integers(len(own)))], style=line.style) if again else line)
    return replace(script, lines=tuple(lines))


BASELINES: Final[Mapping[str, Baseline]] = {
    one.name: one
    for one in (
        Baseline("reference", "The scripts as they were written.", _as_it_is),
        Baseline("shuffled", "Their lines in another order, each said by whom it belongs to.", _shuffled),
        Baseline("wrong-roles", "Every line said by another role than it was written for.", _wrong_roles),
        Baseline("wrong-facts", "Other numbers, times, days, colours and names than the scene has.", _wrong_facts),
        Baseline("taken-back", "What is said of a fact is said again soon, and otherwise.", _taken_back),
        Baseline("repeating", "A quarter of the lines is something that its speaker has said before.", _repeating),
        Baseline("monotone", "Every line spoken plainly, whatever its style.", _as_it_is, plain_from=0.0),
        Baseline("fading", "The second half of the lines spoken plainly.", _as_it_is, plain_from=0.5),
        Baseline("one-voice", "All roles spoken by the same voice.", _as_it_is, one_voice=True),
    )
}
"""By name. The first is what all others are compared with."""
