"""What goes to a store, in which order, and what is there when everything ends at any moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from speechagents.cluster import mirror_push
from speechagents.cluster.mirror_files import MANIFEST_FILE, known_of, manifest_of
from speechagents.errors import StorageError
from speechagents.production.folder import Production

from .faulty_files import WRITES, Killed, failing, faulty, killed_at
from .made_up_production import Machine, chapter_name, files_in, performed, record, take_name


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "here", tmp_path / "store", protocol="faulty")


def written(calls: list[tuple[str, str]], store: Path) -> list[str]:
    """What was put into its place, in order."""
    return [Path(name).relative_to(store).as_posix() for call, name in calls if call == "mv"]


def test_the_store_has_everything_but_what_is_only_here(here: Machine) -> None:
    performed(here)
    for name in ("work/scene.f32", ".lock", "exports/.programme.mp3.1-2-3.part", "notes.txt"):
        (here.folder / name).parent.mkdir(exist_ok=True)
        (here.folder / name).write_bytes(b"x")
    with faulty():
        here.push()
    only_here = {"work/scene.f32", ".lock", "exports/.programme.mp3.1-2-3.part", "notes.txt"}
    expected = {name: data for name, data in files_in(here.folder).items() if name not in only_here}
    found = files_in(here.store)
    listed = manifest_of(found.pop(MANIFEST_FILE))
    assert found == expected
    assert listed == {
        name: known_of(here.folder / name)
        for name in ("script.json", "cast.yaml", "stream.jsonl", "exports/programme.mp3", "exports/programme.vtt")
    }


def test_the_record_of_a_run_that_is_over_comes_last_after_the_list_and_the_exports(here: Machine) -> None:
    performed(here)
    with faulty() as calls:
        here.push()
    order = written(calls, here.store)
    assert order[-2:] == [MANIFEST_FILE, "production.json"]
    assert order[-4:-2] == ["exports/programme.mp3", "exports/programme.vtt"]
    assert set(order[:3]) == {take_name(number) for number in range(3)}


def test_while_work_goes_on_its_record_comes_before_its_journals_and_no_export_is_sent(here: Machine) -> None:
    performed(here)
    here.write("steps.jsonl", b'{"number": 0}\n')
    here.write("production.json", record("working"))
    with faulty() as calls:
        here.pusher().push()
    order = written(calls, here.store)
    assert order[3:] == ["script.json", "cast.yaml", "production.json", "steps.jsonl", "stream.jsonl", MANIFEST_FILE]


def test_the_record_of_a_run_that_is_over_waits_for_the_end(here: Machine) -> None:
    performed(here)
    with faulty():
        here.pusher().push()
    assert not (here.store / "production.json").exists()
    assert not (here.store / "exports").exists()


def test_sound_of_a_chapter_comes_before_what_is_said_of_it(here: Machine) -> None:
    here.write(chapter_name(1, "mp3"), b"sound")
    here.write(chapter_name(1, "mp3.json"), b"{}")
    here.write(chapter_name(1, "json"), b"{}")
    with faulty() as calls:
        here.pusher().push()
    assert written(calls, here.store)[0] == chapter_name(1, "mp3")


def test_nothing_is_sent_twice(here: Machine) -> None:
    performed(here)
    with faulty() as calls:
        both = here.pull()
        pusher = here.pusher(both)
        pusher.push(exports=True)
        calls.clear()
        pusher.push(exports=True, last=True)
        here.push()
        assert not [call for call, _ in calls if call in WRITES]


def test_a_file_that_was_written_again_with_the_same_bytes_is_not_sent(here: Machine) -> None:
    performed(here)
    with faulty() as calls:
        here.push()
        performed(here)
        calls.clear()
        here.push()
        assert not [call for call, _ in calls if call in WRITES]


def test_a_journal_that_grew_is_sent_again(here: Machine) -> None:
    performed(here)
    with faulty():
        pusher = here.pusher()
        pusher.push()
        with (here.folder / "stream.jsonl").open("ab") as stream:
            stream.write(b'{"id": 3}\n')
        pusher.push()
    assert (here.store / "stream.jsonl").read_bytes() == here.read("stream.jsonl")


def test_a_chapter_that_lacked_a_line_before_takes_the_place_of_its_sound(here: Machine) -> None:
    here.write(chapter_name(1, "mp3"), b"sound")
    here.write("production.json", record("done"))
    with faulty():
        here.push()
        here.write(chapter_name(1, "mp3"), b"more sound")
        here.push()
    assert (here.store / chapter_name(1, "mp3")).read_bytes() == b"more sound"


def test_chapters_and_stems_that_a_run_has_removed_go_in_the_store_and_takes_stay(here: Machine) -> None:
    performed(here)
    gone = [chapter_name(1, "mp3"), chapter_name(1, "mp3.json"), "exports/stems/stem-002.flac"]
    for name in (*gone, chapter_name(2, "mp3")):
        here.write(name, b"x")
    with faulty():
        here.push()
        both = here.pull()
        for name in (*gone, take_name(1)):
            (here.folder / name).unlink()
        here.pusher(both).push(exports=True, last=True)
    assert not any((here.store / name).exists() for name in gone)
    assert (here.store / chapter_name(2, "mp3")).exists()
    assert (here.store / take_name(1)).exists()
    assert not set(gone) & set(manifest_of((here.store / MANIFEST_FILE).read_bytes()))


def test_a_run_that_did_not_end_well_removes_nothing(here: Machine) -> None:
    performed(here)
    here.write(chapter_name(1, "mp3"), b"x")
    with faulty():
        here.push()
        both = here.pull()
        (here.folder / chapter_name(1, "mp3")).unlink()
        here.pusher(both).push(exports=True)
    assert (here.store / chapter_name(1, "mp3")).exists()


def test_what_others_put_among_the_exports_stays(here: Machine) -> None:
    performed(here)
    with faulty():
        here.push()
        (here.store / "exports" / "review.mp3").write_bytes(b"theirs")
        here.push()
    assert (here.store / "exports" / "review.mp3").read_bytes() == b"theirs"


def test_a_production_that_was_never_begun_leaves_no_trace(here: Machine) -> None:
    with faulty():
        here.push()
    assert files_in(here.store) == {}


def test_large_files_are_sent_one_at_a_time(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_push, "_LARGE_BYTES", 4)
    performed(here)
    with faulty():
        here.push()
    assert (here.store / take_name(2)).read_bytes() == b"take 2"


def test_what_could_not_be_sent_is_sent_by_the_next_push(here: Machine) -> None:
    performed(here)
    with faulty(failing(ConnectionError("away"), "put_file")):
        pusher = here.pusher(here.pull())
        with pytest.raises(StorageError, match="away"):
            pusher.push(exports=True, last=True)
    with faulty():
        pusher.push(exports=True, last=True)
    assert {MANIFEST_FILE} == set(files_in(here.store)) - set(files_in(here.folder))


def run_of_a_scene(here: Machine) -> None:
    """A scene from its first take to its files, with a push now and then."""
    pusher = here.pusher(here.pull())
    here.write("scene.yaml", b"title: Two Cups\n")
    here.write("cast.yaml", b"roles: {}\n")
    here.write("production.json", record("working"))
    steps = messages = b""
    for number in range(3):
        here.write(take_name(number), b"take %d" % number)
        steps += b'{"number": %d}\n' % number
        here.write("steps.jsonl", steps)
        messages += b'{"id": %d}\n' % (number + 1)
        here.write("stream.jsonl", messages)
        pusher.push()
    here.write("exports/programme.mp3", b"mp3" * 100)
    here.write("exports/programme.vtt", b"WEBVTT\n")
    here.write("production.json", record("done"))
    pusher.push(exports=True, last=True)


def writes_of(tmp_path: Path) -> int:
    machine = Machine(tmp_path / "counted" / "here", tmp_path / "counted" / "store", protocol="faulty")
    with faulty() as calls:
        run_of_a_scene(machine)
    return sum(call in WRITES for call, _ in calls)


def test_killed_at_any_write_the_store_holds_a_production_that_is_gone_on_with(tmp_path: Path) -> None:
    writes = writes_of(tmp_path)
    assert writes > 30
    for number in range(writes):
        at = tmp_path / str(number)
        here = Machine(at / "here", at / "store", protocol="faulty")
        with faulty(killed_at(number)), pytest.raises(Killed):
            run_of_a_scene(here)

        there = Machine(at / "there", at / "store")
        there.pull()
        found = files_in(there.folder) if there.folder.exists() else {}
        takes = {name: data for name, data in found.items() if name.startswith("takes/")}
        assert all(data == b"take %d" % place for place in range(3) if (data := takes.get(take_name(place))))
        steps, messages = (found.get(name, b"").count(b"\n") for name in ("steps.jsonl", "stream.jsonl"))
        assert messages <= steps <= len(takes) or not steps
        state = json.loads(found.get("production.json", b'{"state": ""}'))["state"]
        if steps:
            assert state
        if state == "done":
            assert found["exports/programme.mp3"] == b"mp3" * 100
            assert len(takes) == 3
        Production(there.folder)

        # Whoever was killed goes on from what he has, and whoever comes next has all of it.
        here.protocol = "file"
        here.push()
        there.pull()
        assert files_in(there.folder) == files_in(here.folder)
