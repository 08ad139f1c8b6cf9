"""Scenes as they might have been played, made without any sound: for tests of what is measured of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from speechagents.benchmark.facts import Fact
from speechagents.benchmark.metrics.metric import Looked, Measured, Metric
from speechagents.benchmark.played import CellRecord, Played
from speechagents.benchmark.scene_set import SceneSet, shipped_scene_set
from speechagents.benchmark.script_file import HAND, SceneScript
from speechagents.drama import Deed, Message, Role, SceneBrief, Style

WORD_S = 0.35
"""Length of a word in these scenes."""
GAP_S = 0.2
"""Silence between two messages, unless others are given."""

Said = tuple[str, str]
"""Who, and what."""
Change = Callable[[Sequence[Said], int], list[Said]]
"""What makes other lines of a script's, by a seed."""


def scene_of(*names: str, background: str = "", roles: Sequence[Role] = ()) -> SceneBrief:
    """A scene with roles that have nothing but names, or with given ones."""
    return SceneBrief("A scene", tuple(roles) or tuple(Role(name) for name in names), background=background)


def messages_of(
    lines: Iterable[Said],
    *,
    styles: Sequence[str] = (),
    gaps_s: Sequence[float] = (),
    deeds: Mapping[int, Deed] | None = None,
    addresses: Mapping[int, Sequence[str]] | None = None,
) -> tuple[Message, ...]:
    """Messages one after the other, each word of the same length.

    Args:
        lines: Who says what.
        styles: One for each line; the last is repeated, none is ``default``.
        gaps_s: Silence before each line but the first, below 0 for an overlap; `GAP_S` where there is none.
        deeds: What the lines at some positions are; all others are spoken.
        addresses: Whom the lines at some positions are meant for.
    """
    messages: list[Message] = []
    end_s = 0.0
    for index, (speaker, text) in enumerate(lines):
        gap_s = 0.0 if index == 0 else gaps_s[index - 1] if index - 1 < len(gaps_s) else GAP_S
        start_s = max(0.0, end_s + gap_s)
        deed = (deeds or {}).get(index, Deed.SPEAK)
        loud = deed in (Deed.SPEAK, Deed.BACK_CHANNEL)
        message = Message(
            id=index + 1,
            speaker=speaker,
            text=text,
            deed=deed,
            style=Style(styles[min(index, len(styles) - 1)] if styles else "default"),
            addresses=tuple((addresses or {}).get(index, ())),
            audience=(),
            start_s=start_s,
            end_s=start_s + (WORD_S * len(text.split()) if loud else 0.0),
            take="",
        )
        messages.append(message)
        end_s = message.end_s
    return tuple(messages)


def played(
    scene: SceneBrief,
    messages: Sequence[Message] | Iterable[Said],
    facts: Sequence[Fact] = (),
    name: str = "001-a-scene-2",
) -> Played:
    """A cell as it was played, from messages or from who says what."""
    made: list[Message] = []
    lines: list[Said] = []
    for one in messages:
        if isinstance(one, Message):
            made.append(one)
        else:
            lines.append(one)
    made.extend(messages_of(lines))
    record = CellRecord("001-a-scene", len(scene.roles), 0, 0, "said all", 1.0, len(made))
    return Played(name, record, scene, tuple(facts), tuple(made))


def played_script(scenes: SceneSet, script: SceneScript, lines: Sequence[Said] | None = None) -> Played:
    """A script as it would be played.

    Args:
        scenes: Those that it is one of.
        script: The script.
        lines: Other lines to play in place of its own.
    """
    scene = scenes.scenes[script.scene_id]
    said = lines if lines is not None else said_in(script)
    styles = [line.style for line in script.lines]
    name = f"{script.scene_id}-{script.roles}"
    return played(scene.brief.with_first_roles(script.roles), messages_of(said, styles=styles), scene.facts, name)


def said_in(script: SceneScript) -> list[Said]:
    """Who says what in a script."""
    return [(line.role, line.text) for line in script.lines]


@functools.cache
def reference_scripts() -> tuple[SceneScript, ...]:
    """The scripts that were written by hand."""
    return tuple(script for script in shipped_scene_set().scripts.values() if script.made_by == HAND)


def shuffled(lines: Sequence[Said], seed: int) -> list[Said]:
    """The same lines by the same speakers in another order."""
    order = np.random.default_rng(seed).permutation(len(lines))
    return [lines[index] for index in order]


def recast(lines: Sequence[Said], seed: int) -> list[Said]:
    """The same turns, but what is said in them is in another order, so that most lines go to somebody else."""
    order = np.random.default_rng(seed).permutation(len(lines))
    return [(speaker, lines[index][1]) for (speaker, _), index in zip(lines, order, strict=True)]


def wrong_roles(lines: Sequence[Said], seed: int) -> list[Said]:
    """The same texts in the same order, by speakers in another order."""
    order = np.random.default_rng(seed).permutation(len(lines))
    return [(lines[index][0], text) for (_, text), index in zip(lines, order, strict=True)]


def measured(metrics: Sequence[Metric], name: str, cell: Played) -> Measured:
    """What the metric of a name finds in a cell."""
    return next(metric for metric in metrics if metric.name == name).measure(Looked(cell))


def value(metrics: Sequence[Metric], name: str, cell: Played) -> float:
    """The same, where there is something to measure."""
    found = measured(metrics, name, cell).value
    assert found is not None
    return found


def paired(metrics: Sequence[Metric], name: str, change: Change, seeds: int = 3) -> Iterator[tuple[float, float]]:
    """For every hand-written script and seed: the value of the script as written, and that of the changed one."""
    for script in reference_scripts():
        written = measured(metrics, name, played_script(shipped_scene_set(), script)).value
        for seed in range(seeds):
            other = played_script(shipped_scene_set(), script, change(said_in(script), seed))
            changed = measured(metrics, name, other).value
            if written is not None and changed is not None:
                yield written, changed
