"""Names of sources and what each gives: benchmarks, productions, scripts; and the splits of their scenes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from speechagents import Studio
from speechagents.actors import Actors
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.controllers.controller import AgentInput, MalformedTurn
from speechagents.controllers.scripted import ScriptedController
from speechagents.drama import Deed, Role, SceneBrief, Style, Turn
from speechagents.errors import ProductionError, ScriptError, SettingsError, TuningError
from speechagents.resources import resource
from speechagents.settings import ImproviseSettings
from speechagents.tuning.scene_takes import drafts_of
from speechagents.tuning.source_names import read_sources
from speechagents.tuning.sources import KnownScenes, Source, Wanted, own_scene_id, split_of
from speechagents.tuning.trajectory import Split, Trajectory


def read(name: str | Path, **wanted: object) -> Source:
    (source,) = read_sources([str(name)], Wanted(**wanted))  # type: ignore[arg-type]
    return source


def turns_of(source: Source, *, messages: int = 16) -> Sequence[Trajectory]:
    return [draft.trajectory for take in source.takes for draft in drafts_of(take, messages=messages)]


# Benchmarks.


def test_the_shipped_benchmark_gives_its_scripts_in_its_splits() -> None:
    source = read("hcs:train", roles=(2, 3))
    known = shipped_scene_set().scenes
    assert (source.name, source.kind, source.licence) == ("hcs v1 (train)", "benchmark", "Apache-2.0")
    assert {take.split for take in source.takes} == {Split.TRAIN}
    assert {take.scene_id for take in source.takes} == {one.id for one in known.values() if one.split is Split.TRAIN}
    assert Counter(take.name for take in source.takes) == {"roles-2": 40, "roles-3": 40}
    take = source.takes[0]
    assert take.scene.roles[0] == replace(known[take.scene_id].brief.with_first_roles(2).roles[0])
    assert [moment.step for moment in take.moments] == list(range(len(take.moments)))


def test_scripts_written_by_hand_are_told_from_those_that_a_controller_made() -> None:
    made_by = Counter(take.made_by for take in read("hcs:test", roles=(3,)).takes)
    assert made_by == {"hand": 16, "rehearsal 1": 24}


def test_of_a_source_no_more_is_taken_than_is_wanted() -> None:
    source = read("hcs", roles=(2, 5), scenes=2, turns=4)
    assert Counter(take.split for take in source.takes) == dict.fromkeys(Split, 4)
    assert {len(take.moments) for take in source.takes} == {4}


def test_a_benchmark_of_ones_own_is_read_from_its_folder(tmp_path: Path) -> None:
    shipped, own = resource("assets", "hcs", "v1"), tmp_path / "own"
    index = yaml.safe_load((shipped / "index.yaml").read_text("utf-8"))
    index["scenes"] = index["scenes"][:5]
    for name in ("scenes", "generated"):
        (own / name).mkdir(parents=True)
    for one in index["scenes"]:
        shutil.copy(shipped / "scenes" / f"{one['id']}.yaml", own / "scenes")
    lines = (shipped / "generated" / "roles-2.jsonl").read_text("utf-8").splitlines(keepends=True)
    there = "".join(line for line in lines if json.loads(line)["scene"] in {one["id"] for one in index["scenes"]})
    (own / "generated" / "roles-2.jsonl").write_text(there, "utf-8")
    (own / "index.yaml").write_text(yaml.safe_dump(index, allow_unicode=True), "utf-8")
    assert [take.scene_id[:3] for take in read(own).takes] == ["002", "003", "004", "005"]
    (take,) = read(f"{own}:dev").takes
    assert (take.scene_id, take.split) == ("005-the-recount", Split.DEV)
    assert read(own).notes == ("1 scene has no script for these roles",)


def test_a_split_that_there_is_not_is_told() -> None:
    with pytest.raises(SettingsError, match="hcs has no split 'tests'; there are train, dev, test"):
        read("hcs:tests")


# Splits.


def test_scenes_go_into_splits_by_their_id_eight_of_ten_into_train() -> None:
    counts = Counter(split_of(own_scene_id(f"Scene {number}", str(number))) for number in range(4_000))
    assert 0.77 < counts[Split.TRAIN] / 4_000 < 0.83
    assert 0.08 < counts[Split.DEV] / 4_000 < 0.12
    assert split_of("two-cups-01234567") is split_of("two-cups-01234567")


@pytest.mark.parametrize(
    ("title", "slug"),
    [("Two Cups!", "two-cups"), ("…", "scene"), ("Ärger im Büro", "rger-im-b-ro"), ("x" * 90, "x" * 60)],
)
def test_an_id_is_made_of_the_title_and_tells_stories_apart(title: str, slug: str) -> None:
    one, other = own_scene_id(title, "a"), own_scene_id(title, "b")
    assert one != other
    assert one.rsplit("-", 1)[0] == slug


def test_a_scene_of_a_benchmark_keeps_its_split_wherever_and_by_however_many_it_is_played() -> None:
    known = KnownScenes()
    bench = shipped_scene_set().scenes["001-night-ferry"]
    for count in (2, 10):
        brief = replace(bench.brief.with_first_roles(count), seed=9, turns=4, policy="random")
        for split in (None, Split.TRAIN):
            assert known.place(brief, Wanted(split=split)) == ("001-night-ferry", Split.TEST)
    retold = replace(bench.brief, background=bench.brief.background.replace("the", "this", 2))
    assert known.place(retold, Wanted()) == ("001-night-ferry", Split.TEST)


def test_another_scene_goes_where_it_is_wanted() -> None:
    brief = SceneBrief("Two Cups", (Role("A"), Role("B")), background="It is four in the morning.")
    scene_id, split = KnownScenes().place(brief, Wanted())
    assert split is split_of(scene_id)
    assert KnownScenes().place(brief, Wanted(split=Split.DEV)) == (scene_id, Split.DEV)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"roles": (1,)}, "1 roles are not between 2 and 25"),
        ({"scenes": -1}, "scenes -1"),
        ({"turns": 3_000}, "turns 3000"),
        ({"licence": " "}, "an SPDX id"),
    ],
)
def test_what_cannot_be_wanted(wanted: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        Wanted(**wanted)  # type: ignore[arg-type]


# Productions.

KITCHEN = SceneBrief(
    title="Two Cups",
    setting="INT. KITCHEN - NIGHT",
    background="It is four in the morning, and nobody in the house above the bakery is asleep.",
    roles=(Role("Ella", "25, writer"), Role("Tom", "60, a baker", goals=("To sleep.",)), Role("Sophia")),
    beats=("The kettle boils", "The letter is read"),
    policy="round-robin",
    turns=9,
    seed=2,
)
SAID: Sequence[Turn | MalformedTurn] = (
    Turn("Ella", text="You are still awake?", style=Style("surprised")),
    Turn("Tom", text="I am always awake at four.", style=Style("tired", 1.5), thoughts="She has been crying."),
    Turn("Sophia", Deed.ACT, "puts the kettle on"),
    Turn("Ella", text="Tom, she must not know.", thoughts="Careful.", addresses=("Tom",), private=True),
    MalformedTurn("Tom", "no JSON"),
    Turn("Sophia", text="What are you two whispering about?"),
    Turn("Ella", text="Nothing. The letter is for you.", addresses=("Sophia",)),
    Turn("Tom", text="Read it.", thoughts="At last."),
    Turn("Sophia", Deed.LEAVE, "walks out with it"),
)

UNDERSTUDY = Turn("Tom", text="Hm, well.")
"""What is said where the controller fails."""


def improvise(
    studio: Studio, out: Path, *, scene: SceneBrief = KITCHEN, said: Sequence[Turn | MalformedTurn] = SAID
) -> Sequence[AgentInput]:
    """Let scripted agents play a scene, and give what each was asked."""
    controller = ScriptedController(said)
    settings = ImproviseSettings(formats=())
    list(
        studio.improvise(scene, actors=Actors(controller, ScriptedController([UNDERSTUDY])), out=out, settings=settings)
    )
    return controller.asked


@pytest.fixture(scope="module")
def played(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sequence[AgentInput]]:
    """A production, and what its agents were asked."""
    out = tmp_path_factory.mktemp("kitchen") / "play"
    return out, improvise(studio, out)


def test_a_production_gives_the_turns_of_its_agents_with_their_thoughts(
    played: tuple[Path, Sequence[AgentInput]],
) -> None:
    source = read(played[0])
    turns = turns_of(source)
    assert [one.turn.text for one in turns] == [
        "You are still awake?", "I am always awake at four.", "Tom, she must not know.",
        "What are you two whispering about?", "Nothing. The letter is for you.", "Read it.",
    ]  # fmt: skip
    assert [one.turn.thoughts for one in turns][1::4] == ["She has been crying.", "At last."]
    assert turns[0].turn.thoughts == "Nobody has spoken to me yet. I should speak to everybody.", "none were recorded"
    assert turns[1].turn.style == Style("tired", 1.5)
    assert (turns[2].turn.private, turns[2].turn.addresses) == (True, ("Tom",))
    assert (source.kind, source.name, source.licence) == ("production", "Two Cups", "not stated")
    assert source.notes == ("1 turn is not the controller's own",)
    assert source.takes[0].made_by == "scripted 1"


def test_each_turn_is_given_what_its_agent_was_asked_when_it_was_played(
    played: tuple[Path, Sequence[AgentInput]],
) -> None:
    out, asked = played
    turns = turns_of(read(out), messages=256)
    by_step = {ask.step: ask for ask in asked}
    assert [one.ask for one in turns] == [by_step[one.ask.step] for one in turns]


def test_a_whisper_is_given_to_those_alone_who_heard_it(played: tuple[Path, Sequence[AgentInput]]) -> None:
    turns = {one.turn.text: one for one in turns_of(read(played[0]))}
    whisper = "Tom, she must not know."
    assert whisper not in [one.text for one in turns["What are you two whispering about?"].ask.heard]
    assert [one.private for one in turns["Read it."].ask.heard if one.text == whisper] == [True]


def test_takes_are_used_as_they_are_and_acts_have_none(played: tuple[Path, Sequence[AgentInput]]) -> None:
    (take,) = read(played[0]).takes
    assert take.recorded
    for moment in take.moments:
        spoken = moment.message.deed in (Deed.SPEAK, Deed.BACK_CHANNEL)
        assert (moment.sound is not None and moment.sound.is_file()) == spoken


def test_reading_a_production_changes_nothing_in_it(played: tuple[Path, Sequence[AgentInput]], tmp_path: Path) -> None:
    shutil.copytree(played[0], tmp_path / "play")
    half = tmp_path / "play" / "steps.jsonl"
    half.write_bytes(half.read_bytes()[:-40])  # somebody is writing it
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()}
    read(tmp_path / "play")
    assert {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()
    } == before


def test_the_same_scene_played_twice_is_one_scene_with_two_takes(
    played: tuple[Path, Sequence[AgentInput]], studio: Studio, tmp_path: Path
) -> None:
    other = [
        replace(turn, text="Something else.") if isinstance(turn, Turn) and turn.text == "Read it." else turn
        for turn in SAID
    ]
    improvise(studio, tmp_path / "two", scene=replace(KITCHEN, seed=3), said=other)
    one, two = (source.takes[0] for source in read_sources([str(played[0]), str(tmp_path / "two")], Wanted()))
    assert one.scene_id == two.scene_id
    assert one.name != two.name


def test_a_scene_with_a_person_in_it_is_refused(played: tuple[Path, Sequence[AgentInput]], tmp_path: Path) -> None:
    shutil.copytree(played[0], tmp_path / "play")
    record = tmp_path / "play" / "production.json"
    record.write_text(json.dumps({**json.loads(record.read_text("utf-8")), "kind": "live"}), "utf-8")
    with pytest.raises(TuningError, match="play: a person plays in it"):
        read(tmp_path / "play")


def test_a_production_of_a_script_is_told_to_name_the_script(tmp_path: Path) -> None:
    (tmp_path / "production.json").write_text('{"schema": 1}', "utf-8")
    with pytest.raises(TuningError, match="holds no improvised scene; give the script file"):
        read(tmp_path)


def test_a_damaged_record_is_told(played: tuple[Path, Sequence[AgentInput]], tmp_path: Path) -> None:
    shutil.copytree(played[0], tmp_path / "play")
    steps = tmp_path / "play" / "steps.jsonl"
    steps.write_bytes(b"{}\n" + steps.read_bytes())
    with pytest.raises(ProductionError, match=r"steps\.jsonl"):
        read(tmp_path / "play")


def test_a_scene_without_steps_is_read_from_its_stream(
    played: tuple[Path, Sequence[AgentInput]], tmp_path: Path
) -> None:
    shutil.copytree(played[0], tmp_path / "play")
    (tmp_path / "play" / "steps.jsonl").unlink()
    turns = turns_of(read(tmp_path / "play"))
    assert turns[1].turn.text == "I am always awake at four."
    assert turns[1].turn.thoughts == 'Heard Ella: "You are still awake?". I should answer Ella.'


def test_a_run_of_a_benchmark_gives_its_finished_cells_in_the_splits_of_their_scenes(
    played: tuple[Path, Sequence[AgentInput]], studio: Studio, tmp_path: Path
) -> None:
    bench = shipped_scene_set().scenes["001-night-ferry"].brief.with_first_roles(2)
    said = [Turn(role.name, text=f"I am {role.name}, and I am cold.") for role in bench.roles]
    improvise(studio, tmp_path / "run" / "cells" / "001-night-ferry-2", scene=replace(bench, turns=2), said=said)
    shutil.copytree(played[0], tmp_path / "run" / "cells" / "unfinished")
    (tmp_path / "run" / "cells" / "001-night-ferry-2" / "cell.json").write_text("{}")
    (take,) = read(tmp_path / "run", split=Split.TRAIN).takes
    assert (take.scene_id, take.split) == ("001-night-ferry", Split.TEST)


def test_a_scene_with_other_numbers_of_roles_is_left_out_and_said_so(played: tuple[Path, Sequence[AgentInput]]) -> None:
    source = read(played[0], roles=(2, 4))
    assert (source.takes, source.notes) == ((), ("its 3 roles are not wanted",))


# Scripts.

PLAY = """\
Title: The Umbrella

INT. HALLWAY - DAY

Rain beats on the glass. ANNA (30s) waits with an umbrella.

ANNA
(whispering)
Is it still raining?

MR BEN
It is not raining, Anna.
(angry)
It is a flood!

She opens the door.

ANNA
Then we swim.

INT. EMPTY ROOM - DAY

ANNA
Nobody is here.

EXT. STREET - LATER

MR BEN
That was the day she left.

CAROL
Which one?
"""


def script(tmp_path: Path, text: str = PLAY) -> Path:
    path = tmp_path / "umbrella.fountain"
    path.write_text(text, "utf-8")
    return path


def test_each_scene_of_a_script_is_a_scene_with_those_who_speak_in_it(tmp_path: Path) -> None:
    source = read(script(tmp_path), licence="CC0-1.0")
    hallway, street = source.takes
    assert [role.name for role in hallway.scene.roles] == ["ANNA", "MR BEN"]
    assert [role.name for role in street.scene.roles] == ["MR BEN", "CAROL"]
    assert (hallway.scene.setting, hallway.scene.title) == ("INT. HALLWAY - DAY", "INT. HALLWAY - DAY")
    assert hallway.scene.background == "Rain beats on the glass. Anna (30s) waits with an umbrella."
    assert "30s" in hallway.scene.roles[0].profile
    assert source.notes == ("scene 2 has 1 role, and a scene has 2 to 25",)
    assert (source.name, source.kind, source.licence) == ("The Umbrella", "script", "CC0-1.0")
    assert hallway.scene_id != street.scene_id, "each scene is a group of its own"


def test_what_is_narrated_is_nobodys_turn_and_what_comes_later_is_no_background(tmp_path: Path) -> None:
    hallway = read(script(tmp_path)).takes[0]
    assert [(one.message.speaker, one.message.text, one.message.style.tag) for one in hallway.moments] == [
        ("ANNA", "Is it still raining?", "whispering"),
        ("MR BEN", "It is not raining, Anna.", "default"),
        ("MR BEN", "It is a flood!", "angry"),
        ("ANNA", "Then we swim.", "default"),
    ]
    assert "door" not in hallway.scene.background


def test_a_speech_that_goes_on_in_one_style_is_one_turn(tmp_path: Path) -> None:
    long = " ".join(f"This is sentence number {number}." for number in range(40))
    text = f"INT. ROOM - DAY\n\nANNA\nOne.\n(beat)\nTwo.\n\nBEN\n{long}\n\nANNA\nThree.\n"
    (take,) = read(script(tmp_path, text)).takes
    assert [one.message.text for one in take.moments] == ["One. Two.", long, "Three."]


@pytest.mark.parametrize("name", ["dialogue.txt", "short.fdx", "two-hander.fountain", "deutsch.fountain"])
def test_every_form_of_script_is_read(name: str) -> None:
    source = read(resource("assets", "examples", name))
    turns = turns_of(source)
    assert len(turns) > 4
    assert {one.ask.scene.language for one in turns} == {"de" if name == "deutsch.fountain" else "en"}


def test_where_scenes_of_a_script_go_can_be_said(tmp_path: Path) -> None:
    assert {take.split for take in read(script(tmp_path), split=Split.TEST).takes} == {Split.TEST}
    first, again = (read(script(tmp_path)).takes for _ in range(2))
    assert [take.split for take in first] == [take.split for take in again]


# What is no source.


def test_a_folder_of_something_else_is_told_what_would_be_one(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="holds neither a production, nor a benchmark"):
        read(tmp_path)


def test_a_file_that_is_no_script_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="no such file"):
        read(tmp_path / "gone.txt")
