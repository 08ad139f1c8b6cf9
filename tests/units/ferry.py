"""A small scene, and a vocabulary of its words: what tests of unit models ask with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

from speechagents.audio import Audio
from speechagents.controllers.controller import AgentInput, Heard
from speechagents.drama import Deed, Role, SceneBrief, Style
from speechagents.styles import STYLES
from speechagents.units import tokens
from speechagents.units.tokens import MARKS, UnitTokens, plain, style_mark

UNITS = 24

SCENE = SceneBrief(
    title="Night ferry",
    background="The last ferry is late, and a storm is coming.",
    roles=(
        Role("Ann", profile="a captain, 50, dry"),
        Role("Anna", profile="a passenger who has lost her ticket"),
        Role("Bo", profile="the cook"),
    ),
)

LINES = (
    ("Ann", "The ferry is late.", "default", ()),
    ("Bo", "I have lost the ticket!", "angry", ("Ann",)),
    ("Anna", "Who has the ticket, Bo?", "surprised", ("Bo",)),
)


def asked(role: str = "Bo", *, said: int = len(LINES), audio: Audio | None = None) -> AgentInput:
    """A role of the scene is asked after so many lines, each heard as a sound if there is one."""
    heard = tuple(
        Heard(number, speaker, text, Deed.SPEAK, Style(style), addresses, audio=audio)
        for number, (speaker, text, style, addresses) in enumerate((LINES * 20)[:said], 1)
    )
    found = SCENE.role(role)
    assert found is not None
    return AgentInput(SCENE, tuple(one.name for one in SCENE.roles), (), heard, found)


def units_of(ask: AgentInput) -> tuple[tuple[int, ...], ...]:
    """Some units for each message, other ones for other messages."""
    return tuple(tuple((3 * one.id + at) % UNITS for at in range(8)) for one in ask.heard)


def in_another_scene(ask: AgentInput, **changes: object) -> AgentInput:
    """The same question in a scene that is changed."""
    return replace(ask, scene=replace(ask.scene, **changes))  # type: ignore[arg-type]


@cache
def ferry_tokens() -> UnitTokens:
    """A vocabulary made of the scene's words."""
    texts = [SCENE.title, SCENE.background, *(text for _, text, _, _ in LINES)]
    texts += [text for role in SCENE.roles for text in (role.name, role.profile)]
    return UnitTokens(document(texts, units=UNITS, merges=90))


def document(texts: Sequence[str], *, units: int, merges: int) -> dict[str, object]:
    """A ``tokenizer.json`` as the package `tokenizers` would make it, made without it."""
    words = Counter(
        tuple(tokens._SIGNS[byte] for byte in word.encode())
        for text in texts
        for word in tokens._WORD.findall(f" {plain(text)}")
    )
    merged = []
    for _ in range(merges):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merged.append(best)
        words = Counter({_joined(word, best): count for word, count in words.items()})
    marks = (*MARKS, *map(style_mark, STYLES), *(f"<u{unit}>" for unit in range(units)))
    pieces = (*marks, *sorted(tokens._BYTES), *("".join(pair) for pair in merged))
    return {
        "added_tokens": [{"id": number, "content": mark, "special": True} for number, mark in enumerate(marks)],
        "normalizer": None,
        "pre_tokenizer": dict(tokens._PRE_TOKENIZER),
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {piece: number for number, piece in enumerate(pieces)},
            "merges": [list(pair) for pair in merged],
        },
    }


def _joined(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    found: list[str] = []
    for piece in word:
        if found and (found[-1], piece) == pair:
            found[-1] += piece
        else:
            found.append(piece)
    return tuple(found)
