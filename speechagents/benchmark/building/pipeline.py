"""Building a benchmark: ideas become scenes with 25 roles each, and scenes become scripts, in a folder.

Owns the order of the steps and what is refused. What a step asks and how it is checked is told in `pools` and
`scripting`, what is kept on disk in `asking` and `publishing`.

A build is a function of its options and of what the controller answered; everything else that is left to chance follows
from the seed. Answers are journaled, so that a build that was killed, or stopped by its budget, goes on with the same
command and ends with the same bytes as one that never stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

import filelock

from speechagents.benchmark.building.asking import JOURNAL_FILE, Asker, BudgetSpentError, Unusable
from speechagents.benchmark.building.duplicates import ROLE_AT_LEAST, SCRIPT_AT_LEAST, STORY_AT_LEAST, Twins
from speechagents.benchmark.building.events import BuildEvent, Built, ItemRefused, SceneBuilt, ScriptBuilt
from speechagents.benchmark.building.found_facts import facts_in
from speechagents.benchmark.building.ideas import Idea, combined_ideas, read_ideas
from speechagents.benchmark.building.pools import grow
from speechagents.benchmark.building.publishing import Publication, scene_id_of
from speechagents.benchmark.building.scripting import check_play, script_scene
from speechagents.benchmark.building.settings import BuildSettings
from speechagents.benchmark.cells import turns_of
from speechagents.benchmark.fields import entries, items, read_document
from speechagents.benchmark.scene_set import read_scene_set
from speechagents.benchmark.script_file import SceneScript
from speechagents.controllers.controller import Controller, Proposes
from speechagents.drama import SceneBrief
from speechagents.errors import BenchmarkError, ProductionBusy
from speechagents.journal import Journal
from speechagents.production.storage import PARTIAL_SUFFIX, storage_errors
from speechagents.scripts.scene_file import MAX_TITLE_CHARS
from speechagents.voices.synthesizer import ChecksLanguage

MOST_SHARED: Final = 0.25
"""Largest share of a pool's roles that may resemble roles of earlier scenes."""
MOST_IN_VAIN: Final = 10
"""Ideas in a row of which nothing comes before a build gives up. Going on later asks again where nobody answered well,
and goes on behind what were duplicates."""


def build(settings: BuildSettings, controller: Controller, folder: Path) -> Iterator[BuildEvent]:
    """Build a benchmark, or go on with one.

    Args:
        settings: What is built.
        controller: Proposes the scenes and plays the scripts.
        folder: Where; a new one, or one in which the same build was begun. When the build is over, and at any moment
            after its first scene, `read_scene_set` reads it.

    Yields:
        What came of each scene and script, in order; `Built` last.

    Raises:
        BenchmarkError: The folder holds something else, or the controller proposes no scenes.
        SettingsError: The controller does not speak the language.
        ControllerError: The controller cannot be used; what it has answered is kept.
        ProductionBusy: Another run is building in the folder.
        StorageError: The folder cannot be written.
    """
    if not isinstance(controller, Proposes):
        raise BenchmarkError(f"{controller.identity} proposes no scenes; build with another controller")
    if isinstance(controller, ChecksLanguage):
        controller.check_language(settings.language)
    ideas = read_ideas(settings.ideas) if settings.ideas is not None else None
    with _alone(folder), Journal(folder / JOURNAL_FILE) as journal:
        about = _about(settings, controller.identity, ideas)
        asker = Asker(controller, journal, about, settings)
        _refuse_fewer(folder, settings)
        work = _Build(settings, asker, Publication(folder, settings, controller.identity), controller.identity)
        ended, complete = "", False
        try:
            ended = yield from work.steps(ideas if ideas is not None else combined_ideas(settings.seed))
            complete = work.scenes == settings.scenes
        except BudgetSpentError as error:
            ended = str(error)
        if work.scenes:
            read_scene_set(folder)
        yield Built(
            work.scenes,
            work.scripts,
            work.refused,
            work.duplicates,
            asker.usage,
            asker.estimated_tokens,
            ended,
            complete,
        )


class _Build:
    """One run of a build.

    Attributes:
        scenes: In the benchmark.
        scripts: In the benchmark.
        refused: Scenes and scripts that were no good.
        duplicates: Scenes, roles, lines and scripts that were left out as such.
    """

    def __init__(self, settings: BuildSettings, asker: Asker, publication: Publication, made_by: str) -> None:
        self._settings = settings
        self._asker = asker
        self._publication = publication
        self._made_by = made_by
        self._at_once = settings.roles_at_once
        self._titles: set[str] = set()
        self._stories, self._cast, self._plays = Twins(), Twins(), Twins()
        self.scenes = self.scripts = self.refused = self.duplicates = 0

    def steps(self, ideas: Iterable[Idea]) -> Generator[BuildEvent, None, str]:
        """Build scene after scene, each with its scripts; gives back why it is over."""
        vain, sure = 0, self._asker.answers
        for idea in ideas:
            if self.scenes == self._settings.scenes:
                break
            if vain == MOST_IN_VAIN:
                self._asker.forget(sure)
                return f"nothing came of {MOST_IN_VAIN} ideas in a row; look at the reasons, then run it again"
            put = self._asker.put
            event = self._scene(idea)
            yield event
            if isinstance(event, SceneBuilt):
                yield from self._scripts(event.scene_id)
            vain = 0 if isinstance(event, SceneBuilt) or self._asker.put == put else vain + 1
            if not vain or (isinstance(event, ItemRefused) and event.duplicate):
                sure = self._asker.answers
        if self.scenes == self._settings.scenes:
            return "all scenes are built"
        return "there are no more ideas; add some, or build fewer scenes"

    def _scene(self, idea: Idea) -> SceneBuilt | ItemRefused:
        """Make a scene of an idea."""
        put = self._asker.put
        self._asker.begin_item()
        grown = grow(idea, self._asker.propose, at_once=self._at_once, seed=self._settings.seed)
        self.duplicates += grown.dropped
        scene = grown.scene
        if scene is None:
            return self._refuse(f"idea {idea.number}", grown.refusal)
        self._at_once = grown.at_once
        if twin := self._twin(scene):
            return self._refuse(f"idea {idea.number}", twin, duplicate=True)
        scene = replace(scene, title=self._free_title(scene.title))
        scene_id = scene_id_of(idea.number, scene.title)
        self._remember(scene_id, scene)
        self._publication.add_scene(
            scene_id,
            scene,
            idea.facets,
            facts_in(scene.background, scene.language),
            idea=idea.origin,
            seed=self._settings.seed,
            asks=grown.asks,
            roles_dropped=grown.dropped,
        )
        self.scenes += 1
        return SceneBuilt(scene_id, scene.title, grown.asks, reused=self._asker.put == put)

    def _scripts(self, scene_id: str) -> Iterator[BuildEvent]:
        for roles in self._settings.roles:
            yield self._script(scene_id, roles)

    def _script(self, scene_id: str, roles: int) -> ScriptBuilt | ItemRefused:
        """Have a scene played, and make a script of it."""
        settings, put, name = self._settings, self._asker.put, f"{scene_id}-{roles}"
        seed = _seed(settings.seed, name)
        turns = settings.turns or turns_of(roles)
        brief = script_scene(self._publication.briefs[scene_id], roles, turns=turns, policy=settings.policy, seed=seed)
        self._asker.begin_item()
        play = self._asker.play(brief, name)
        if isinstance(play, Unusable):
            return self._refuse(name, play.reason)
        checked = check_play(play, brief)
        self.duplicates += checked.repeated
        if checked.refusal:
            return self._refuse(name, checked.refusal, duplicate=checked.duplicate)
        text = " ".join(line.text for line in checked.lines)
        if (twin := self._plays.like(text, SCRIPT_AT_LEAST)) is not None:
            reason = f"resembles {twin.name} ({twin.resemblance:.2f})"
            return self._refuse(name, reason, duplicate=True)
        try:
            script = self._publication.checked_script(SceneScript(scene_id, roles, self._made_by, checked.lines))
        except BenchmarkError as error:
            return self._refuse(name, str(error))
        self._plays.add(name, text)
        self._publication.add_script(
            script,
            seed=seed,
            policy=settings.policy,
            turns=play.turns,
            turns_failed=play.failed,
            lines_dropped=checked.repeated,
            ending=play.ending,
            tokens_in=play.usage.tokens_in,
            tokens_out=play.usage.tokens_out,
        )
        self.scripts += 1
        return ScriptBuilt(scene_id, roles, len(script.lines), reused=self._asker.put == put)

    def _twin(self, scene: SceneBrief) -> str:
        """Why a scene is too much like earlier ones; empty if it is not."""
        if (story := self._stories.like(_story(scene), STORY_AT_LEAST)) is not None:
            return f"its story resembles that of {story.name} ({story.resemblance:.2f})"
        twins = [self._cast.like(f"{role.name}, {role.profile}", ROLE_AT_LEAST) for role in scene.roles]
        known = sum(twin is not None for twin in twins)
        if known > MOST_SHARED * len(scene.roles):
            return f"{known} of its roles resemble those of earlier scenes"
        return ""

    def _free_title(self, title: str) -> str:
        """The title, with a number if another scene has it: scenes that tell different stories may be called alike."""
        numbered = (f"{title[: MAX_TITLE_CHARS - 6].strip()} {number}" for number in count(2))
        return next(one for one in chain([title], numbered) if one.casefold() not in self._titles)

    def _remember(self, scene_id: str, scene: SceneBrief) -> None:
        self._titles.add(scene.title.casefold())
        self._stories.add(scene_id, _story(scene))
        for role in scene.roles:
            self._cast.add(f"{scene_id}, {role.name}", f"{role.name}, {role.profile}")

    def _refuse(self, item: str, reason: str, *, duplicate: bool = False) -> ItemRefused:
        if duplicate:
            self.duplicates += 1
        else:
            self.refused += 1
        return ItemRefused(item, reason, duplicate)


def _story(scene: SceneBrief) -> str:
    return f"{scene.title}. {scene.background}"


def _about(settings: BuildSettings, made_by: str, ideas: tuple[Idea, ...] | None) -> Mapping[str, Any]:
    """What must be the same for a build to go on; of ideas in a file, those that were there before."""
    return {
        "made_by": made_by,
        "name": settings.name,
        "licence": settings.licence,
        "roles": settings.roles,
        "seed": settings.seed,
        "language": settings.language,
        "policy": settings.policy,
        "turns": settings.turns,
        "roles_at_once": settings.roles_at_once,
        "ideas": "facets" if ideas is None else [_digest(idea.text) for idea in ideas],
    }


def _refuse_fewer(folder: Path, settings: BuildSettings) -> None:
    """Files of scenes that the index would not name any longer would make the folder unreadable."""
    if not (folder / "index.yaml").is_file():
        return
    there = len(items(entries(read_document(folder / "index.yaml"), ("name", "source", "licence", "scenes"))["scenes"]))
    if there > settings.scenes:
        raise BenchmarkError(f"{folder}: holds {there} scenes already; ask for as many, or name a new folder")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The folder, for this run alone; what a killed run left half-written is gone."""
    with storage_errors(folder):
        if folder.exists() and not folder.is_dir():
            raise BenchmarkError(f"{folder}: is a file; name a folder")
        if folder.is_dir() and not (folder / JOURNAL_FILE).exists() and any(folder.iterdir()):
            raise BenchmarkError(f"{folder}: is not empty, and no build was begun in it; name a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock", timeout=0, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise ProductionBusy(
                f"{folder}: another run is building here; wait for it, or name another folder"
            ) from None
    try:
        for leftover in folder.glob(f"**/.*{PARTIAL_SUFFIX}"):
            leftover.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


def _seed(seed: int, name: str) -> int:
    return int(_digest(f"{seed}\0script\0{name}"), 16)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()
