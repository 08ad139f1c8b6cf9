"""Steps of a made-up scene, for tests of what is shown of them."""

from __future__ import annotations

from speechagents.agents.director import Stock
from speechagents.agents.policies import Choice
from speechagents.agents.steps import Step
from speechagents.controllers.controller import Bid, Judgement, Ledger, Usage
from speechagents.drama import Deed, Message, Role, SceneBrief, Style, Turn

EVIL = "<img src=x onerror=alert(1)>${alert(2)}\"'"
"""What a role, a model or a visitor might write to break out of a page."""

SCENE = SceneBrief("Picnic", (Role("Ella"), Role("Tom"), Role("Sophia")), beats=("They meet", "The cake"), turns=6)


def message(number: int, speaker: str = "Ella", text: str = "Hello.", **more: object) -> Message:
    values: dict[str, object] = {
        "deed": Deed.SPEAK,
        "style": Style(),
        "addresses": (),
        "audience": (),
        "start_s": 0.5 * number,
        "end_s": 0.5 * number + 0.4,
        "take": "ab" * 32,
        **more,
    }
    return Message(number, speaker, text, **values)  # type: ignore[arg-type]


def step(number: int, *messages: Message, **more: object) -> Step:
    speaker = messages[0].speaker if messages else "Tom"
    ledger = Ledger(
        facts=("The cake is here",),
        plan="Let them meet",
        beat=0,
        progress=Judgement(holds=True, reason="3 new words"),
        in_loop=Judgement(holds=False, reason="nothing is repeated"),
        done=Judgement(holds=False, reason="there is more to come"),
        next_role="Sophia",
        next_reason="she was silent",
    )
    values: dict[str, object] = {
        "stock": Stock(ledger, "rules"),
        "choice": Choice(speaker, "Tom spoke to them"),
        "turn": Turn(speaker, messages[0].deed if messages else Deed.SILENT, messages[0].text if messages else ""),
        "messages": messages,
        "understood": tuple(one.text for one in messages),
        **more,
    }
    return Step(number, **values)  # type: ignore[arg-type]


BID = Bid("Sophia", 0.8, reason="I know it", usage=Usage(10, 2))
