"""Productions in stores as somebody has them who uses the Python API: an address wherever a folder would do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from speechagents import Script, Studio, parse_script
from speechagents.cluster.store_lock import LOCK_FILE
from speechagents.drama import Role, SceneBrief
from speechagents.errors import ProductionError, ScriptError, SettingsError
from speechagents.events import Event, Finished, LineSpoken, MessageSpoken, ProofFinished
from speechagents.settings import ImproviseSettings, PerformSettings, ReadSettings
from tests.novel.novels import a_book
from tests.test_studio import digests

LINES = 6
SETTINGS = PerformSettings(formats=("flac", "vtt"), master="none")
SCENE = SceneBrief(
    title="Two Cups",
    setting="INT. KITCHEN - NIGHT",
    roles=(Role("Ella", "25, writer"), Role("Tom", "60, a baker")),
    policy="round-robin",
    turns=4,
    seed=2,
)
IMPROVISED = ImproviseSettings(formats=("vtt", "json"), controller="rehearsal")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A machine with a cache of its own; the work is gone on with on another one by its name."""

    def moved(name: str) -> None:
        monkeypatch.setenv("SPEECHAGENTS_CACHE", str(tmp_path / "caches" / name))

    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    moved("here")
    return moved


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    return tmp_path / "store" / "mine"


def last(events: Iterator[Event]) -> Finished:
    *_, event = events
    assert isinstance(event, Finished)
    return event


def test_a_play_is_performed_gone_on_with_exported_and_proofed_at_an_address(
    studio: Studio, play: Path, stored: Path, machine: Callable[[str], None]
) -> None:
    out = f"file://{stored}"
    done = last(studio.perform(play, out=out, settings=SETTINGS))
    assert done.spoken == LINES
    assert done.places == (f"{out}/exports/programme.flac", f"{out}/exports/programme.vtt")
    assert all(Path(place.removeprefix("file://")).is_file() for place in done.places)

    machine("there")
    assert last(studio.resume(out)).spoken == 0
    exported = last(studio.export(out, formats=("srt",), master="none"))
    assert exported.places == (f"{out}/exports/programme.srt",)
    assert (stored / "exports" / "programme.srt").is_file()
    *_, proofed = studio.proof(out)
    assert isinstance(proofed, ProofFinished)
    assert proofed.place == f"{out}/proof.json"
    assert json.loads((stored / "proof.json").read_bytes())
    assert not any(Path().iterdir()), "no folder is called like an address"


def test_it_has_the_bytes_of_a_folder(studio: Studio, play: Path, tmp_path: Path, stored: Path) -> None:
    done = last(studio.perform(play, out=tmp_path / "alone", settings=SETTINGS))
    assert done.places == tuple(str(path) for path in done.files)
    last(studio.perform(play, out=f"file://{stored}", settings=SETTINGS))
    there = digests(stored)
    assert there.pop("mirror.json")
    assert there == digests(tmp_path / "alone")


def test_a_book_is_read_into_a_store(studio: Studio, stored: Path, machine: Callable[[str], None]) -> None:
    fsspec.filesystem("memory").store.clear()
    out = f"memory://{stored}"
    settings = ReadSettings(formats=("flac", "vtt"), master="none")
    book = a_book("CHAPTER ONE\n\nThe road went down.\n\n“Good night,” said Emma.\n\n", title="The Road")
    first = last(studio.read(book, out=out, settings=settings))
    assert first.spoken > 0
    assert all(fsspec.filesystem("memory").exists(place) for place in first.places)
    machine("there")
    assert last(studio.resume(out)).spoken == 0
    assert last(studio.read(book, out=out, settings=settings, resume=True)).spoken == 0


def test_a_scene_is_improvised_replayed_and_branched_in_stores(
    studio: Studio, tmp_path: Path, stored: Path, machine: Callable[[str], None]
) -> None:
    out = f"file://{stored}"
    done = last(studio.improvise(SCENE, out=out, settings=IMPROVISED))
    assert f"{out}/exports/programme.json" in done.places
    machine("there")
    assert len(list(Studio.replay(out))) == 4
    again = list(studio.resume_scene(out))
    assert all(event.reused for event in again if isinstance(event, MessageSpoken))

    other = f"file://{tmp_path}/store/other"
    branch = Studio.branch(out, at=2, out=other, seed=9)
    assert branch.message == 2
    assert (tmp_path / "store" / "other" / "branch.json").is_file()
    events = list(studio.resume_scene(other))
    assert [event.reused for event in events if isinstance(event, MessageSpoken)][:2] == [True, True]
    assert digests(stored / "exports") == digests(done.folder / "exports"), "the scene that was left is as it was"


def test_the_last_event_comes_when_everything_is_there(studio: Studio, play: Path, stored: Path) -> None:
    for event in studio.perform(play, out=f"file://{stored}", settings=SETTINGS):
        if isinstance(event, Finished):
            assert (stored / "exports" / "programme.flac").is_file()
            assert b'"state": "done"' in (stored / "production.json").read_bytes()
            assert not (stored / LOCK_FILE).exists()
        else:
            assert (stored / LOCK_FILE).exists()
            assert not (stored / "exports").exists()


def test_who_walks_away_leaves_what_is_finished_in_the_store(
    studio: Studio, play: Path, stored: Path, machine: Callable[[str], None]
) -> None:
    events = studio.perform(play, out=f"file://{stored}", settings=SETTINGS)
    while not isinstance(next(events), LineSpoken):
        pass
    events.close()
    kept = len(list((stored / "takes").glob("*.flac")))
    assert kept >= 1
    assert not (stored / LOCK_FILE).exists()
    assert not (stored / "exports").exists()
    machine("there")
    assert last(studio.perform(play, out=f"file://{stored}", settings=SETTINGS)).spoken == LINES - kept


def test_bad_input_reaches_no_store(studio: Studio, tmp_path: Path, stored: Path) -> None:
    (tmp_path / "empty.fountain").write_text("", "utf-8")
    with pytest.raises(ScriptError):
        list(studio.perform(tmp_path / "empty.fountain", out=f"file://{stored}"))
    with pytest.raises(ProductionError, match="no production to resume"):
        list(studio.perform(a_play(), out=f"file://{stored}", resume=True))
    with pytest.raises(ProductionError):
        list(studio.export(f"file://{stored}", formats=("srt",)))
    assert digests(stored) == {}


def a_play() -> Script:
    return parse_script("Anna: It rains.\n")


# Where no store will do


EVERYWHERE: dict[str, Callable[[Studio, Any], object]] = {
    "perform": lambda studio, out: list(studio.perform(a_play(), out=out)),
    "read": lambda studio, out: list(studio.read(a_book("It rained.\n\n", title="Rain"), out=out)),
    "resume": lambda studio, out: list(studio.resume(out)),
    "export": lambda studio, out: list(studio.export(out, formats=("srt",))),
    "proof": lambda studio, out: list(studio.proof(out)),
    "improvise": lambda studio, out: list(studio.improvise(SCENE, out=out, settings=IMPROVISED)),
    "resume_scene": lambda studio, out: list(studio.resume_scene(out)),
    "replay": lambda _, out: list(Studio.replay(out)),
    "branch": lambda _, out: Studio.branch(out, at=1, out="other", seed=1),
    "branch to": lambda _, out: Studio.branch("mine", at=1, out=out, seed=1),
    "live": lambda studio, out: studio.live(SCENE, person="Ella", out=out),
    "resume_live": lambda studio, out: studio.resume_live(out),
}


@pytest.mark.parametrize("what", EVERYWHERE)
def test_an_address_that_somebody_made_a_path_of_is_refused_and_no_folder_is_made(studio: Studio, what: str) -> None:
    with pytest.raises(SettingsError, match=r"s3:.* address"):
        EVERYWHERE[what](studio, Path("s3://bucket/plays/mine"))
    assert not any(Path().iterdir())


@pytest.mark.parametrize("what", ["live", "resume_live"])
def test_a_person_plays_in_a_folder_of_this_machine(studio: Studio, what: str) -> None:
    with pytest.raises(SettingsError, match=r"s3://… is an address in a store, .*mirrored. keeps one in a store"):
        EVERYWHERE[what](studio, "s3://bucket/plays/mine")
    assert not any(Path().iterdir())
