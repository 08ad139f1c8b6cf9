"""What comes from a store, and which side of a file counts."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest

from speechagents.cluster import mirror_pull
from speechagents.cluster.mirror_files import MANIFEST_FILE
from speechagents.cluster.mirror_pull import pull
from speechagents.errors import ProductionError, StorageError
from speechagents.production.folder import Production

from .faulty_files import QUICK, failing, faulty, store_at
from .made_up_production import Machine, chapter_name, files_in, performed, record, take_name, write


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "here", tmp_path / "store")


@pytest.fixture
def there(tmp_path: Path) -> Machine:
    """Another machine with the same store."""
    return Machine(tmp_path / "there", tmp_path / "store")


def test_another_machine_gets_everything(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    there.pull()
    assert files_in(there.folder) == files_in(here.folder)
    assert there.told == []


def test_an_empty_store_gives_nothing(here: Machine) -> None:
    here.pull()
    assert not here.folder.exists()


def test_what_is_here_already_is_not_fetched_again(here: Machine) -> None:
    performed(here)
    here.push()
    here.protocol = "faulty"
    with faulty() as calls:
        here.pull()
    fetched = {Path(name).name for call, name in calls if call == "get_file"}
    assert fetched == {"production.json", "script.json", "cast.yaml", "stream.jsonl"}


def test_takes_that_are_missing_here_are_fetched_alone(here: Machine) -> None:
    performed(here)
    here.push()
    (here.folder / take_name(1)).unlink()
    here.protocol = "faulty"
    with faulty() as calls:
        here.pull()
    assert [name for call, name in calls if call == "get_file" and "/takes/" in name] == [
        str(here.store / take_name(1))
    ]
    assert here.read(take_name(1)) == b"take 1"


def test_of_two_takes_of_one_name_the_longer_is_whole(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    (here.store / take_name(0)).write_bytes(b"ta")
    (here.folder / take_name(1)).write_bytes(b"ta")
    here.push()
    assert here.read(take_name(1)) == b"take 1"
    there.pull()
    assert there.read(take_name(0)) == b"take 0"


def test_an_edit_in_the_store_counts_even_if_nothing_but_a_letter_changed(here: Machine) -> None:
    performed(here)
    here.push()
    write(here.store, "cast.yaml", b"roles: {ANNA: clara}\n")
    here.pull()
    assert here.read("cast.yaml") == b"roles: {ANNA: clara}\n"
    assert here.told == []


def test_an_edit_in_the_working_copy_counts_if_the_store_has_none(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    here.write("cast.yaml", b"roles: {ANNA: clara}\n")
    here.push()
    there.pull()
    assert there.read("cast.yaml") == b"roles: {ANNA: clara}\n"


def test_of_edits_in_both_the_stores_counts_and_the_other_is_kept(here: Machine) -> None:
    performed(here)
    here.push()
    here.write("cast.yaml", b"roles: {ANNA: mine}\n")
    write(here.store, "cast.yaml", b"roles: {ANNA: yours}\n")
    here.pull()
    assert here.read("cast.yaml") == b"roles: {ANNA: yours}\n"
    assert (here.copy.aside / "cast.yaml").read_bytes() == b"roles: {ANNA: mine}\n"
    assert "cast.yaml was changed here and in" in here.told[0]


def test_a_journal_that_goes_on_where_the_stores_ends_is_the_newer_one(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    write(here.store, "stream.jsonl", b'{"id": 1}\n{"id": 2}\n{"id": 3}\n')
    here.write("stream.jsonl", b'{"id": 1}\n{"id": 2}\n{"id": 3}\n{"id": 4}\n')
    here.push()
    there.pull()
    assert there.read("stream.jsonl").count(b"\n") == 4
    assert here.told == []


def test_a_run_that_went_on_elsewhere_is_gone_on_with(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    there.pull()
    there.write("stream.jsonl", b'{"id": 1}\n{"id": 2}\n{"id": 3}\n')
    there.write("exports/programme.mp3", b"new" * 1_000)
    there.write(take_name(9), b"take 9")
    there.push()
    here.pull()
    assert files_in(here.folder) == files_in(there.folder)
    assert here.told == []


def test_files_that_were_removed_in_the_store_go_here_too_and_are_kept(here: Machine) -> None:
    performed(here)
    here.push()
    (here.store / "cast.yaml").unlink()
    (here.store / "exports" / "programme.vtt").unlink()
    here.pull()
    assert not here.has("cast.yaml")
    assert not here.has("exports/programme.vtt")
    assert (here.copy.aside / "cast.yaml").is_file()
    assert sum("was removed there" in line for line in here.told) == 2
    assert here.has(take_name(0))


def test_what_never_reached_the_store_stays_here(here: Machine) -> None:
    performed(here)
    here.pull()
    assert here.has("cast.yaml")
    assert here.has("exports/programme.mp3")


def test_an_export_that_was_cut_short_is_not_taken(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    (here.store / "exports" / "programme.mp3").write_bytes(b"mp3" * 10)
    there.pull()
    assert not there.has("exports/programme.mp3")
    assert there.has("exports/programme.vtt")


def test_an_export_of_the_right_size_with_other_bytes_is_not_taken(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    (here.store / "exports" / "programme.mp3").write_bytes(b"xyz" * 1_000)
    there.pull()
    assert not there.has("exports/programme.mp3")
    assert "exports/programme.mp3: is damaged, and not used" in there.told[0]


def test_notes_of_chapters_are_compared_by_the_list_of_digests(here: Machine, there: Machine) -> None:
    performed(here)
    here.write(chapter_name(1, "mp3"), b"sound")
    here.write(chapter_name(1, "mp3.json"), b'{"bytes": 5}')
    here.push()
    there.pull()
    there.protocol = "faulty"
    with faulty() as calls:
        there.pull()
    assert not [name for call, name in calls if call == "get_file" and "/chapters/" in name]
    here.write(chapter_name(1, "mp3.json"), b'{"bytes": 6}')
    here.push()
    there.pull()
    assert there.read(chapter_name(1, "mp3.json")) == b'{"bytes": 6}'


def test_without_the_list_of_digests_the_files_are_compared_themselves(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    (here.store / MANIFEST_FILE).write_bytes(b"rubbish")
    there.pull()
    assert there.read("cast.yaml") == here.read("cast.yaml")
    assert not there.has("exports/programme.mp3")
    here.push()
    there.pull()
    assert files_in(there.folder) == files_in(here.folder)


def test_strange_names_in_a_store_are_left_alone(here: Machine, there: Machine) -> None:
    performed(here)
    here.push()
    strange = ("notes.txt", "takes/x.flac", "exports/.hidden", "exports/a b.mp3", "work/x.f32", "deep/a/b.json")
    for name in strange:
        write(here.store, name, b"x")
    there.pull()
    assert files_in(there.folder) == files_in(here.folder)
    assert all((here.store / name).is_file() for name in strange)


def test_what_a_killed_writer_left_in_the_store_is_removed(here: Machine) -> None:
    performed(here)
    here.push()
    leftovers = (".cast.yaml.0123abcd.part", f"takes/.{'a' * 64}.flac.0123abcd.part", "exports/.p.mp3.0123abcd.part")
    for name in leftovers:
        (here.store / name).write_bytes(b"half")
    here.pull()
    assert not any((here.store / name).exists() for name in leftovers)


@pytest.mark.parametrize("name", ["holiday.jpg", "settings.json", "photos/1.jpg", "README"])
def test_a_folder_of_something_else_is_refused_and_not_touched(here: Machine, name: str) -> None:
    write(here.store, name, b"x")
    with pytest.raises(ProductionError, match="is not empty and no production"):
        here.pull()
    assert files_in(here.store) == {name: b"x"}


def test_what_a_run_left_before_it_was_a_production_is_gone_on_with(here: Machine) -> None:
    for name in ("script.json", "cast.yaml", take_name(1)):
        write(here.store, name, b"{}")
    here.pull()
    assert set(files_in(here.folder)) == {"script.json", "cast.yaml", take_name(1)}
    Production(here.folder)


def test_more_than_can_be_is_refused_before_anything_is_fetched(
    here: Machine, there: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed(here)
    here.push()
    monkeypatch.setattr(mirror_pull, "MAX_BYTES", 3_000)
    with pytest.raises(ProductionError, match="holds more than 3 kB"):
        there.pull()
    monkeypatch.setattr(mirror_pull, "MAX_BYTES", 10**9)
    monkeypatch.setattr(mirror_pull, "MAX_ENTRIES", 5)
    with pytest.raises(ProductionError, match="holds more than 5 files"):
        there.pull()
    assert not there.folder.exists()


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    here: Machine, there: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed(here)
    here.push()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(10_000, 9_000, 1_000))
    with pytest.raises(StorageError, match="and 1 kB are free; free some space, or set SPEECHAGENTS_CACHE"):
        there.pull()
    assert not there.folder.exists()


def test_a_store_that_goes_away_leaves_what_came_and_the_next_try_goes_on(here: Machine, there: Machine) -> None:
    performed(here, takes=20)
    here.push()
    there.protocol = "faulty"
    fetched = 0

    def fault(call: str, _name: str) -> BaseException | None:
        nonlocal fetched
        fetched += call == "get_file"
        return ConnectionError("away") if fetched > 10 else None

    with faulty(fault), pytest.raises(StorageError, match="away"):
        there.pull()
    came = sum(name.startswith("takes/") for name in files_in(there.folder))
    assert 0 < came < 20
    with faulty() as calls:
        there.pull()
    assert came + sum(call == "get_file" and "/takes/" in name for call, name in calls) == 20
    assert files_in(there.folder) == files_in(here.folder)


def test_a_store_that_cannot_be_listed_is_told_after_all_tries(here: Machine) -> None:
    here.protocol = "faulty"
    with faulty(failing(ConnectionError("away"), "ls")) as calls, pytest.raises(StorageError, match="away"):
        here.pull()
    assert len(calls) == QUICK.tries


def test_a_store_that_hides_what_it_has_is_not_taken_for_an_empty_one(here: Machine) -> None:
    performed(here)
    here.push()
    with here.copy.alone(), pytest.raises(StorageError, match="does not tell all that it has"):
        pull(store_at(here.store, protocol="file"), here.copy, here.told.append)
    assert here.has("cast.yaml")


def test_a_record_of_a_run_that_goes_on_is_replaced_by_that_of_one_that_is_over(here: Machine, there: Machine) -> None:
    here.write("production.json", record("working"))
    here.push()
    there.pull()
    there.write("production.json", record("done"))
    there.push()
    here.pull()
    assert here.read("production.json") == record("done")
