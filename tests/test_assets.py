"""What is shipped under assets/: every file accounted for, and every figure in the manifest true."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
import yaml

from speechagents.books.reading import read_book
from speechagents.drama import Line, Role, SceneBrief, SoundCue, role_key
from speechagents.resources import resource
from speechagents.scripts.breakdown import Breakdown, break_down
from speechagents.scripts.reading import load_script
from speechagents.scripts.scene_file import read_scene
from speechagents.scripts.script import Dialogue, Heading, PartKind, Script, is_natural_heading
from speechagents.voices.hints import RoleHints, role_hints
from speechagents.voices.synthesizer import Age

ASSETS = resource("assets")
ENTRIES: dict[str, dict[str, Any]] = {
    entry["path"]: entry for entry in yaml.safe_load((ASSETS / "manifest.yaml").read_text(encoding="utf-8"))["files"]
}
SCENES = [path for path, entry in ENTRIES.items() if entry["kind"] == "scene"]
NOVELS = [path for path, entry in ENTRIES.items() if entry["kind"] == "novel"]
EXAMPLES = [path for path in ENTRIES if path.startswith("examples/") and path not in {*SCENES, *NOVELS}]


@dataclass(frozen=True)
class Example:
    script: Script
    breakdown: Breakdown

    @property
    def blocks(self) -> list[Dialogue]:
        return [element for element in self.script.elements if isinstance(element, Dialogue)]

    @property
    def lines(self) -> list[Line]:
        return [line for scene in self.breakdown.scenes for line in scene.lines]

    @property
    def words(self) -> int:
        texts = (part.text for block in self.blocks for part in block.parts if part.kind is not PartKind.PARENTHETICAL)
        return sum(any(map(str.isalnum, word)) for text in texts for word in text.split())

    @property
    def uses(self) -> set[str]:
        """What of a script's means of expression occurs."""
        found: set[str] = {
            item.kind.value for s in self.breakdown.scenes for item in s.items if isinstance(item, SoundCue)
        }
        parts = [part for block in self.blocks for part in block.parts]
        for line in self.lines:
            found |= {line.delivery.value} - {"direct"}
            found |= {"whisper"} if line.style.tag == "whispering" else set()
            found |= {"dual"} if line.simultaneous else set()
        found |= {"interruption"} if any(part.text.endswith("--") for part in parts) else set()
        found |= {"ellipsis"} if any("..." in part.text for part in parts) else set()
        found |= {"lyric"} if any(part.kind is PartKind.LYRIC for part in parts) else set()
        beats = {part.text.casefold() for part in parts if part.kind is PartKind.PARENTHETICAL} & {"beat", "pause"}
        found |= {"beat"} if beats else set()
        headings = [element for element in self.script.elements if isinstance(element, Heading)]
        return found | ({"scene_numbers"} if any(heading.number for heading in headings) else set())


@cache
def example(path: str) -> Example:
    script = load_script(ASSETS / path)
    return Example(script, break_down(script, narrator=False))


@cache
def scene(path: str) -> SceneBrief:
    return read_scene(ASSETS / path)


def hints(role: Role, brief: SceneBrief) -> RoleHints:
    return role_hints(role, language=brief.language)


def test_every_file_is_listed_and_every_listed_file_is_there() -> None:
    there = {path.relative_to(ASSETS).as_posix() for path in ASSETS.rglob("*") if path.is_file()}
    folders = tuple(path for path in ENTRIES if path.endswith("/"))
    assert {path for path in there if not path.startswith(folders)} - {"manifest.yaml"} == set(ENTRIES) - set(folders)
    assert all(any(path.startswith(folder) for path in there) for folder in folders)


@pytest.mark.parametrize("path", ENTRIES)
def test_every_file_names_its_source_and_licence(path: str) -> None:
    entry = ENTRIES[path]
    assert entry["source"].strip()
    assert entry["licence"] in {"Apache-2.0", "CC0-1.0", "CC-BY-4.0"}
    assert entry["title"].strip()
    assert entry["about"].strip()


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_figures_of_an_example_are_true(path: str) -> None:
    entry, here = ENTRIES[path], example(path)
    counted = {
        "scenes": len(here.breakdown.scenes),
        "roles": len(here.breakdown.roles),
        "speeches": len(here.blocks),
        "words": here.words,
        "elements": {type(element).__name__.casefold() for element in here.script.elements},
        "uses": here.uses,
    }
    listed = {figure: entry[figure] for figure in counted}
    assert listed | {"elements": set(entry["elements"]), "uses": set(entry["uses"])} == counted


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_length_of_an_example_is_plausible(path: str) -> None:
    words_per_minute = example(path).words / ENTRIES[path]["minutes"]
    assert 90 <= words_per_minute <= 165


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_example_is_read_without_a_warning(path: str) -> None:
    here = example(path)
    assert not here.breakdown.warnings
    if here.script.title:
        assert here.script.title == ENTRIES[path]["title"]
        assert here.script.title_value("language") == ENTRIES[path]["language"] or path.endswith(".fdx")


@pytest.mark.parametrize("path", EXAMPLES)
def test_whoever_is_cut_off_is_cut_off_by_somebody_else(path: str) -> None:
    lines = example(path).lines
    for line, following in pairwise(lines):
        if line.text.endswith("--"):
            assert role_key(following.role) != role_key(line.role)


def test_the_town_meeting_has_twenty_five_speaking_roles_in_one_scene() -> None:
    (scene,) = example("examples/town-meeting.fountain").breakdown.scenes
    assert len({role_key(line.role) for line in scene.lines}) == 25


def test_the_comedy_is_mostly_two_people_talking_at_once() -> None:
    lines = example("examples/dual-dialogue-comedy.fountain").lines
    assert sum(line.simultaneous for line in lines) >= 8


def test_the_radio_play_fills_ten_minutes_in_different_rooms() -> None:
    play = example("examples/radio-play.fountain")
    assert 1_300 <= play.words <= 1_600
    assert len({scene.setting for scene in play.breakdown.scenes}) == 7
    for key in ("Title", "Credit", "Author", "Source", "Draft date", "Contact", "Copyright", "Language", "Notes"):
        assert play.script.title_value(key)


def test_the_plain_dialogue_shows_at_least_ten_styles() -> None:
    assert len({line.style.tag for line in example("examples/dialogue.txt").lines}) >= 10


@pytest.mark.parametrize("path", NOVELS)
def test_the_figures_of_a_novel_are_true(path: str) -> None:
    entry, book = ENTRIES[path], read_book(ASSETS / path)
    said = " ".join(book.spoken(block, block.start, block.end) for block in book.blocks() if not block.reason)
    words = sum(any(map(str.isalnum, word)) for word in said.split())
    assert (entry["title"], entry["language"]) == (book.title, book.language)
    assert (entry["chapters"], entry["words"]) == (len(book.chapters), words)
    assert set(entry["uses"]) == {block.reason or block.kind.value for block in book.blocks()}
    assert 130 <= words / entry["minutes"] <= 170
    assert not book.warnings


@pytest.mark.parametrize("path", SCENES)
def test_the_figures_of_a_scene_are_true(path: str) -> None:
    entry, brief = ENTRIES[path], scene(path)
    listed = tuple(entry[figure] for figure in ("title", "language", "roles", "beats"))
    assert listed == (brief.title, brief.language, len(brief.roles), len(brief.beats))


@pytest.mark.parametrize("path", SCENES)
def test_a_scene_gives_every_role_something_to_want_to_hide_and_to_lose(path: str) -> None:
    brief = scene(path)
    assert is_natural_heading(brief.setting)
    assert len(brief.background) > 200
    assert 3 <= len(brief.beats) <= 6
    assert brief.turns >= 4 * len(brief.roles)
    for role in brief.roles:
        assert role.goals, role.name
        assert role.secrets, role.name
        assert len(role.relations) >= min(2, len(brief.roles) - 1), role.name


@pytest.mark.parametrize("path", SCENES)
def test_casting_learns_from_each_profile_of_a_scene_how_old_somebody_is_and_whether_a_woman_or_a_man(
    path: str,
) -> None:
    brief = scene(path)
    unknown = [role.name for role in brief.roles if None in (hints(role, brief).age, hints(role, brief).gender)]
    assert unknown == []


def test_the_scenes_differ_in_size_language_and_policy() -> None:
    briefs = [scene(path) for path in SCENES]
    assert {len(brief.roles) for brief in briefs} >= {2, 5, 10, 25}
    assert {brief.language.partition("-")[0] for brief in briefs} >= {"en", "de", "es"}
    assert {brief.policy for brief in briefs} >= {"addressed", "round-robin", "bidding", "director"}
    ages = [hints(role, brief).age for brief in briefs for role in brief.roles]
    assert set(ages) == set(Age)
