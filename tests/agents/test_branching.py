"""Where a branch leaves its scene, what it may change, and what the director tells those who play on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from speechagents.agents.branching import Branch, Noted, changed_scene, clean_note, shared
from speechagents.agents.director import Stock
from speechagents.agents.policies import Choice
from speechagents.agents.record import Recorded
from speechagents.agents.steps import Ending, Step
from speechagents.controllers.controller import AgentInput, Answer, Controller, Heard, Judgement, Ledger, MalformedTurn
from speechagents.drama import Deed, Message, Role, SceneBrief, Style, Turn
from speechagents.errors import SceneError, SettingsError

SCENE = SceneBrief(
    "Picnic",
    (Role("Ella"), Role("Tom"), Role("Sophia")),
    beats=("They meet", "The cake is cut", "Rain"),
    turns=6,
    seed=3,
)
CALM = Judgement(holds=False, reason="")


def step(number: int, *ids: int, beat: int = 0) -> Step:
    """A step whose first message is a turn of Ella's and whose second one is Tom's murmur."""
    stock = Stock(Ledger((), "", beat, progress=CALM, in_loop=CALM, done=CALM), "rules")
    who = (("Ella", Deed.SPEAK), ("Tom", Deed.BACK_CHANNEL))
    messages = tuple(
        Message(one, name, "Hm.", deed, Style(), (), (), 0.0, 0.0, "")
        for one, (name, deed) in zip(ids, who, strict=False)
    )
    return Step(
        number,
        stock,
        Choice("Ella", "it is its turn"),
        Turn("Ella", Deed.SPEAK if ids else Deed.SILENT, "Hm." if ids else ""),
        messages=messages,
        understood=("Hm.",) * len(messages),
    )


def record(*entries: Step | Ending) -> list[Recorded]:
    return [Recorded(b"\n", entry, number) for number, entry in enumerate(entries, 1)]


PLAYED = record(step(0, 1), step(1), step(2, 2, 3), step(3, 4), Ending("all turns are played"))


@pytest.mark.parametrize(("at", "steps"), [(1, 1), (2, 3), (3, 3), (4, 4)])
def test_a_message_is_shared_with_its_whole_step(at: int, steps: int) -> None:
    kept, last = shared(PLAYED, at)
    assert (len(kept), last.number) == (steps, steps - 1)


@pytest.mark.parametrize("at", [0, 5, -1])
def test_a_message_that_is_not_there_is_refused_with_those_that_are(at: int) -> None:
    with pytest.raises(SettingsError, match="choose one from 1 to 4"):
        shared(PLAYED, at)
    with pytest.raises(SettingsError, match="play the scene first"):
        shared([], at)


def test_beats_that_are_played_stay_and_those_to_come_change() -> None:
    changed = changed_scene(SCENE, step(2, 2, beat=1), beats=["  A wasp \n comes ", ""], turns=9)
    assert changed == replace(SCENE, beats=("They meet", "A wasp comes"), turns=9)
    assert changed_scene(SCENE, step(2, 2, beat=1)) == SCENE


@pytest.mark.parametrize(
    ("options", "field"),
    [({"beats": ["fine", "x" * 501]}, r"beats\[1\]: 501 characters"), ({"beats": ["x"] * 25}, "beats: 25 beats")],
)
def test_beats_have_the_limits_of_scene_files(options: dict[str, Any], field: str) -> None:
    with pytest.raises(SceneError, match=field):
        changed_scene(SCENE, step(0, 1), **options)


@pytest.mark.parametrize("turns", [None, 6, 2, 2_001])
def test_a_branch_has_a_turn_left_to_take(turns: int | None) -> None:
    with pytest.raises(SettingsError, match="choose 7 to 2000 turns in all"):
        changed_scene(SCENE, step(5, 9), turns=turns)


def test_notes_are_cleaned_and_meant_for_roles_that_exist() -> None:
    assert clean_note(" Be\tkinder\n", "TOM", SCENE) == ("Be kinder", "Tom")
    assert clean_note("", "Tom", SCENE) == ("", "")
    with pytest.raises(SettingsError, match="Anna is no role of this scene; there are Ella, Tom, Sophia"):
        clean_note("Be kinder", "Anna", SCENE)
    with pytest.raises(SettingsError, match="501 characters"):
        clean_note("x" * 501, "", SCENE)


def test_a_branch_decides_by_its_own_seed_and_comes_back_from_disk() -> None:
    branch = Branch(message=4, step=3, seed=8, note="Be kinder", note_to="Tom")
    assert branch.deciding(SCENE) == replace(SCENE, seed=8)
    assert Branch.from_json(branch.as_json()) == branch


@pytest.mark.parametrize("wrong", [{"step": "3"}, {"seed": True}, {"message": 0}, {"note": None}, {"seed": 2**63}])
def test_a_damaged_branch_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Branch.from_json({**Branch(4, 3, 8).as_json(), **wrong})


class Listening:
    """Remembers the notes it was given, and stays silent."""

    identity = "listening"
    hears = False

    def __init__(self) -> None:
        self.notes: list[str] = []

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        self.notes += [ask.note for ask in asks]
        for ask in asks:
            yield Answer(Turn(ask.role.name, Deed.SILENT))


def asked(name: str, *heard: tuple[int, str], number: int = 3, note: str = "") -> AgentInput:
    role = SCENE.role(name)
    assert role is not None
    said = tuple(Heard(one, speaker, "Hm.", Deed.SPEAK, Style()) for one, speaker in heard)
    return AgentInput(SCENE, ("Ella", "Tom", "Sophia"), (), said, role, step=number, note=note)


def test_everybody_is_told_until_they_have_answered() -> None:
    listening = Listening()
    noted = Noted(listening, Branch(message=4, step=3, seed=8, note="It rains."))
    assert isinstance(noted, Controller)
    asks = [
        asked("Ella", (4, "Ella")),
        asked("Tom", (4, "Ella"), (5, "Tom")),
        asked("Sophia", note="Leave soon."),
        asked("Ella", number=2),
    ]
    assert len(list(noted.respond(asks, seed=1))) == 4
    assert listening.notes == ["It rains.", "", "Leave soon. It rains.", ""]


def test_a_note_to_one_role_stays_with_it() -> None:
    listening = Listening()
    noted = Noted(listening, Branch(message=4, step=3, seed=8, note="It rains.", note_to="tom"))
    list(noted.respond([asked("Ella"), asked("Tom")], seed=1))
    assert listening.notes == ["", "It rains."]
