"""What tests of prompts share: a language model that answers as it is told, and questions to ask it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from speechagents.controllers.controller import AgentInput, DirectorInput, Heard, Usage
from speechagents.controllers.language_model import Prompt, Reply
from speechagents.drama import Deed, Role, SceneBrief, Style

Says = Callable[[Prompt, int], str | Reply]
"""Makes the answer to the prompt with a number, counted from 0 over all batches."""

SCENE = SceneBrief(
    "Picnic",
    (
        Role(
            "Ella",
            "25, aspiring writer",
            goals=("To be read.",),
            secrets=("She has signed.",),
            relations=(("Tom", "her brother"),),
        ),
        Role("Tom", "60, a baker", goals=("To sleep.",), secrets=("He is broke.",), relations=(("Ella", "a worry"),)),
        Role("Sophia", "27, nurse"),
    ),
    setting="EXT. CITY PARK - DAY",
    background="Friends gather for a picnic.",
    beats=("They arrive.", "The cake is cut."),
    turns=9,
)
FREE_TEXT = '"' + r"[^\"\\]*" + '"'


class TellingModel:
    """Answers with what a function says, and remembers what it was asked.

    Attributes:
        batches: Prompts of each call.
        seeds: Seed of each call.
    """

    def __init__(self, says: Says | Sequence[str | Reply], *, hears: bool = False) -> None:
        self._says = says
        self._hears = hears
        self._asked = 0
        self.batches: list[Sequence[Prompt]] = []
        self.seeds: list[int] = []

    @property
    def identity(self) -> str:
        return "telling 1"

    @property
    def hears(self) -> bool:
        return self._hears

    def generate(self, prompts: Sequence[Prompt], *, seed: int) -> Iterator[Reply]:
        self.batches.append(prompts)
        self.seeds.append(seed)
        for prompt in prompts:
            said = self._says(prompt, self._asked) if callable(self._says) else self._says[self._asked]
            self._asked += 1
            yield said if isinstance(said, Reply) else Reply(said, Usage(10, 3))


def turn(speech: str = "Is there cake?", **fields: Any) -> str:
    """A good answer of an agent."""
    good = {
        "thoughts": "I am hungry.",
        "action": "speak",
        "addresses": [],
        "whisper": False,
        "style": "happy",
        "strength": 1.0,
        "speech": speech,
    }
    return json.dumps({**good, **fields})


def ledger(**fields: Any) -> str:
    """A good answer of the director."""
    judged = {"reason": "because", "holds": False}
    good = {
        "facts": ["Ella: is hungry"],
        "progress": {"reason": "it moves", "holds": True},
        "in_loop": judged,
        "done": judged,
        "beat": 1,
        "plan": "Bring on the cake.",
        "next_reason": "he is quiet",
        "next_role": "Tom",
        "note": "Cut it.",
    }
    return json.dumps({**good, **fields})


def heard(number: int, speaker: str, text: str, **fields: Any) -> Heard:
    return Heard(**{"id": number, "speaker": speaker, "text": text, "deed": Deed.SPEAK, "style": Style(), **fields})


def ask(name: str = "Ella", *said: Heard, scene: SceneBrief = SCENE, **fields: Any) -> AgentInput:
    role = scene.role(name)
    assert role is not None
    known = {"scene": scene, "present": tuple(one.name for one in scene.roles), "facts": (), "heard": said}
    return AgentInput(**{**known, "role": role, **fields})


def directed(*said: Heard, scene: SceneBrief = SCENE, **fields: Any) -> DirectorInput:
    known = {"scene": scene, "present": tuple(one.name for one in scene.roles), "facts": (), "heard": said}
    return DirectorInput(**{**known, **fields})


def text_of(prompt: Prompt) -> str:
    """All that a prompt says, rules included."""
    return "\n".join("".join(part.text for part in message.parts) for message in prompt.messages)


def unquoted(prompt: Prompt) -> str:
    """What a prompt says outside quotes, with empty quotes in their places."""
    return re.sub(FREE_TEXT, '""', text_of(prompt))


def chars(prompt: Prompt) -> int:
    return len(text_of(prompt))


def company(count: int, profile: str = "35, a gardener with a loud laugh and muddy boots") -> SceneBrief:
    """A scene with so many roles."""
    names = [f"{first}{second}" for first in ("Ann", "Bert", "Cora", "Dirk", "Enna") for second in "abcde"]
    return SceneBrief("Crowd", tuple(Role(name, profile) for name in names[:count]), background="A room.")
