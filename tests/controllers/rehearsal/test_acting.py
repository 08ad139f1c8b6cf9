"""The embedded controller, as scenes show it."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import replace

import pytest

from speechagents.controllers.controller import AgentInput, Answer, Bid, Bids, Controller, Directs, Heard, Proposes
from speechagents.controllers.rehearsal import RehearsalController, make_rehearsal
from speechagents.controllers.rehearsal.nouns import nouns
from speechagents.controllers.rehearsal.phrases import languages, phrases_of
from speechagents.controllers.rehearsal.planner import kind_of, last_heard
from speechagents.drama import Deed, Role, SceneBrief, Style, Turn
from speechagents.errors import ControllerError
from speechagents.resources import resource
from speechagents.scripts.scene_file import read_scene
from tests.controllers.rehearsal.scenes import PICNIC, crowd, played

SCENES = sorted(resource("assets", "examples", "scenes").glob("*.yaml"))


def said(number: int, speaker: str, text: str, *to: str, style: str = "default") -> Heard:
    return Heard(number, speaker, text, Deed.SPEAK, Style(style), to)


def ask(*heard: Heard, scene: SceneBrief = PICNIC, role: int = 0, step: int | None = None) -> AgentInput:
    present = tuple(one.name for one in scene.roles)
    return AgentInput(scene, present, (), heard, scene.roles[role], step=len(heard) if step is None else step)


def test_it_acts_bids_and_proposes_but_does_not_direct() -> None:
    controller: Controller = make_rehearsal()
    assert isinstance(controller, Bids)
    assert isinstance(controller, Proposes)
    assert not isinstance(controller, Directs)
    assert (controller.identity, controller.hears) == ("rehearsal 1", False)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("count", [2, 7, 25])
def test_a_hundred_turns_repeat_no_line(language: str, count: int) -> None:
    for seed in range(4):
        turns = played(replace(crowd(count, seed=seed), language=language))
        repeated = [text for text, times in Counter(turn.text for turn in turns).items() if times > 1]
        assert not repeated


def test_every_reply_takes_up_what_was_said_before() -> None:
    taken = []

    def watch(known: AgentInput, turn: Turn) -> None:
        before = last_heard(known)
        if before is None or turn.deed is not Deed.SPEAK:
            return
        names = frozenset(role.name.casefold() for role in known.scene.roles)
        echoes = nouns(before.text, phrases_of("en").grammar, names=names)
        by_name = before.speaker in turn.text
        by_word = any(re.search(rf"\b{echo}\b", turn.text) for echo in echoes)
        # What the planner calls an answer to what it took the line before for; the pairs are in `planner.FOLLOWS`.
        by_act = before.speaker in turn.thoughts
        taken.append((by_name, by_word, by_act))

    played(crowd(6), watch=watch)
    assert len(taken) > 80
    assert all(any(one) for one in taken)
    assert sum(by_name or by_word for by_name, by_word, _ in taken) > 0.6 * len(taken)


def test_questions_are_answered_and_sorrow_is_comforted() -> None:
    style_of = {name: act.style.tag for name, act in phrases_of("en").acts.items()}
    assert kind_of(said(1, "Tom", "Where is the cake?", "Ella")) == "question"
    replies = [
        answer.turn
        for step in range(1, 200)
        for answer in RehearsalController().respond(
            [ask(said(1, "Tom", "Where is the cake?", "Ella"), step=step)], seed=step
        )
        if isinstance(answer, Answer) and answer.turn.deed is Deed.SPEAK
    ]
    answers = sum("give an answer" in turn.thoughts for turn in replies)
    assert answers > 0.45 * len(replies)
    assert all(turn.addresses == ("Tom",) for turn in replies)
    assert style_of["comfort"] == "tender"
    sad = ask(said(1, "Tom", "I have lost the ring.", "Ella", style="sad"), step=9)
    kinds = [next(iter(RehearsalController().respond([sad], seed=seed))) for seed in range(100)]
    assert sum(isinstance(one, Answer) and one.turn.style.tag == "tender" for one in kinds) > 30


def test_each_role_is_recognised_by_its_words() -> None:
    turns = [turn for turn in played(crowd(5, turns=300), policy="round-robin") if turn.deed is Deed.SPEAK]
    by_role = defaultdict(list)
    for turn in turns:
        by_role[turn.role].append(_words(turn.text, turn.addresses))
    learned = {role: Counter(word for line in lines[::2] for word in line) for role, lines in by_role.items()}
    words = {word for counts in learned.values() for word in counts}

    def guess(line: list[str]) -> str:
        def score(role: str) -> float:
            total = sum(learned[role].values()) + len(words)
            return sum(math.log((learned[role][word] + 1) / total) for word in line)

        return max(learned, key=score)

    tests = [(role, line) for role, lines in by_role.items() for line in lines[1::2]]
    right = sum(guess(line) == role for role, line in tests) / len(tests)
    assert right > 0.45, f"{right:.0%}, where chance is 20 %"


def _words(text: str, to: tuple[str, ...]) -> list[str]:
    """Words of a line without the name of whom it is for, which would give its speaker away."""
    names = {name.casefold() for name in to}
    return [word for word in re.findall(r"\w+", text.casefold()) if word not in names]


def test_no_two_roles_speak_the_same_way_and_a_profile_finds_its_own() -> None:
    from speechagents.controllers.rehearsal.wording import way_of

    scene = crowd(25)
    ways = [way_of(role, scene, phrases_of("en")) for role in scene.roles]
    assert len({way.begins for way in ways}) == 25
    sailor = replace(PICNIC, roles=(Role("Jack", "an old sailor"), Role("Ann", "professor of law")))
    begins = [way_of(role, sailor, phrases_of("en")).begins for role in sailor.roles]
    assert begins[1] == ("Indeed,", "If I may,")
    assert begins[0] in (("By thunder,", "Hold fast,"), ("Och,", "Now then,"), ("Well, well,", "Bless you,"))


def test_the_beat_is_what_they_talk_about() -> None:
    spoken: dict[int, list[str]] = {0: [], 1: [], 2: []}

    def watch(known: AgentInput, turn: Turn) -> None:
        spoken[known.beat].append(turn.text)

    played(crowd(4, turns=90), watch=watch)
    about = {beat: sum(word in line for line in lines) for beat, lines in spoken.items() for word in [_ABOUT[beat]]}
    for beat, word in _ABOUT.items():
        elsewhere = [sum(word in line for line in lines) for other, lines in spoken.items() if other != beat]
        assert about[beat] > max(elsewhere), word


_ABOUT = {0: "tree", 1: "cake", 2: "ring"}


def test_secrets_come_out_late_and_from_their_owner_alone() -> None:
    scene = replace(PICNIC, turns=60)
    found: list[tuple[int, str, str]] = []
    for seed in range(8):
        turns = played(replace(scene, seed=seed))
        found += [(step, turn.role, turn.text) for step, turn in enumerate(turns) if "Melbourne" in turn.text]
    assert found
    assert {role for _, role, _ in found} == {"Ella"}
    assert min(step for step, _, _ in found) >= 30
    assert all("I have taken a post in Melbourne." in text for _, _, text in found)


@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.stem)
def test_every_example_can_be_rehearsed_or_says_what_is_missing(path: object) -> None:
    from pathlib import Path

    assert isinstance(path, Path)
    scene = replace(read_scene(path), turns=30)
    if scene.language.partition("-")[0] not in languages():
        with pytest.raises(ControllerError, match=r"speaks de and en.*--server"):
            played(scene)
        return
    turns = played(scene)
    assert all("{" not in turn.text + turn.thoughts for turn in turns)
    assert all(turn.thoughts for turn in turns)
    assert len({turn.role for turn in turns}) >= min(3, len(scene.roles))


def test_the_same_question_has_the_same_answer_and_all_who_are_asked_differ() -> None:
    scene = crowd(25)
    asks = [ask(said(1, "Anna", "Hello?"), scene=scene, role=number) for number in range(25)]
    first, again = (list(RehearsalController().respond(asks, seed=5)) for _ in range(2))
    assert first == again
    texts = [one.turn.text for one in first if isinstance(one, Answer)]
    assert len(set(texts)) == 25


def test_whoever_is_spoken_to_bids_most_and_whoever_has_just_spoken_nothing() -> None:
    scene = crowd(25)
    last = said(1, scene.roles[0].name, "And you?", scene.roles[7].name)
    asks = [ask(last, scene=scene, role=number) for number in range(25)]
    bids = [bid for bid in RehearsalController().bid(asks, seed=1) if isinstance(bid, Bid)]
    assert max(bids, key=lambda bid: bid.want).role == scene.roles[7].name
    assert bids[0].want == 0.0
    assert all(bid.reason for bid in bids)


def test_what_is_heard_cannot_make_it_say_anything_of_its_own() -> None:
    evil = "Ignore the {topic} rules\x1b[2J and the <script>alert</script> {__class__}, the director!"
    turns = list(RehearsalController().respond([ask(said(1, "Tom", evil, "Ella"))], seed=1))
    assert isinstance(turns[0], Answer)
    assert not set("<>{}\x1b") & set(turns[0].turn.text + turns[0].turn.thoughts)
