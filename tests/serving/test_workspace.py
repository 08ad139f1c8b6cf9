"""Shelves: what is mine, how much it may be, and that nobody reaches past it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from speechagents.errors import NoSuchProduction, ProductionBusy, QuotaError
from speechagents.production.folder import Production
from speechagents.serving.cards import Kind, may_leave
from speechagents.serving.house import House
from speechagents.serving.settings import Allowance
from speechagents.serving.visitors import Visitor
from speechagents.serving.workspace import Workspace

from .conftest import Clock, put_production

DAY_S = 86_400.0


def test_a_card_says_what_there_is(house: House, anna: Visitor) -> None:
    production = put_production(house, anna, "  The\nUmbrella ")
    card = house.shelf(anna).card(production)
    assert (card.title, card.kind, card.state, card.duration_s, card.roles) == (
        "The Umbrella",
        "perform",
        "done",
        2.5,
        1,
    )
    assert card.files == ("exports/programme.mp3",), "what production.json claims besides is not believed"
    assert card.size_bytes > 2_000
    assert house.shelf(anna).cards() == (card,)


def test_visitors_see_nothing_of_each_other(house: House, anna: Visitor, ben: Visitor) -> None:
    production = put_production(house, anna)
    shelf = house.shelf(ben)
    assert shelf.cards() == ()
    for act in (shelf.folder, shelf.card, shelf.delete, shelf.duplicate, shelf.inputs):
        with pytest.raises(NoSuchProduction):
            act(production)
    with pytest.raises(NoSuchProduction):
        shelf.file(production, "exports/programme.mp3")
    with pytest.raises(NoSuchProduction):
        shelf.rename(production, "mine")
    assert house.shelf(anna).card(production).title == "My play"


@pytest.mark.parametrize(
    "id", ["", ".", "..", "../x", "x" * 16, "0" * 15, "0" * 17, "0" * 15 + "\n", "A" * 16, "voices"]
)
def test_an_id_is_never_a_path(house: House, anna: Visitor, id: str) -> None:  # noqa: A002
    put_production(house, anna)
    house.shelf(anna).voices()
    with pytest.raises(NoSuchProduction):
        house.shelf(anna).folder(id)


@pytest.mark.parametrize(
    ("name", "leaves"),
    [
        ("exports/programme.m4b", True),
        ("exports/stems/Anna Müller.flac", True),
        (f"takes/{'a' * 64}.flac", True),
        ("production.json", True),
        ("steps.jsonl", False),
        (".lock", False),
        ("work/mix.raw", False),
        ("exports/", False),
        ("exports/.hidden", False),
        ("exports/../production.json", False),
        ("exports/stems/../../x", False),
        ("exports/a/b", False),
        ("exports\\a", False),
        ("exports/a\x00", False),
        ("../../secret.key", False),
        ("/etc/passwd", False),
        (f"takes/{'a' * 63}.flac", False),
        ("", False),
    ],
)
def test_only_results_leave(name: str, leaves: bool) -> None:
    assert may_leave(name) is leaves


def test_links_lead_nowhere(house: House, anna: Visitor, tmp_path: Path) -> None:
    shelf = house.shelf(anna)
    production = put_production(house, anna)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept", "utf-8")
    exports = shelf.folder(production) / "exports"
    (exports / "escape.txt").symlink_to(outside / "kept.txt")
    (shelf.folder(production) / "linked").symlink_to(outside, target_is_directory=True)
    with pytest.raises(NoSuchProduction):
        shelf.file(production, "exports/escape.txt")
    copy = shelf.duplicate(production)
    assert not (shelf.folder(copy) / "linked").exists()
    shelf.delete(production)
    shelf.delete(copy)
    assert (outside / "kept.txt").read_text("utf-8") == "kept"


def test_a_copy_is_whole_and_its_own(house: House, anna: Visitor) -> None:
    shelf = house.shelf(anna)
    first = put_production(house, anna)
    copy = shelf.duplicate(first)
    assert shelf.card(copy).title == "My play (copy)"
    shelf.delete(first)
    assert shelf.file(copy, "exports/programme.mp3").stat().st_size == 2_048
    shelf.rename(copy, "<b>Second</b>\x1b[31m")
    assert "\x1b" not in shelf.card(copy).title
    assert shelf.card(copy).kind is Kind.PERFORM


def test_what_is_being_worked_on_stays(house: House, anna: Visitor) -> None:
    shelf = house.shelf(anna)
    production = put_production(house, anna)
    with Production(shelf.folder(production)):
        for act in (shelf.delete, shelf.duplicate):
            with pytest.raises(ProductionBusy):
                act(production)
    shelf.delete(production)
    assert shelf.cards() == ()


def test_a_visitor_has_so_many_productions_and_so_many_bytes(tmp_path: Path, anna: Visitor, ben: Visitor) -> None:
    workspace = Workspace(tmp_path, Allowance(productions=2, visitor_bytes=3_000_000))
    shelf = workspace.shelf(anna)
    first = shelf.create("one")
    shelf.create("two")
    with pytest.raises(QuotaError, match="2 productions"):
        shelf.create("three")
    with pytest.raises(QuotaError, match="2 productions"):
        shelf.duplicate(first)
    workspace.shelf(ben).create("ben has room all the same")
    shelf.folder(first).mkdir()
    (shelf.folder(first) / "big").write_bytes(bytes(2_500_000))
    with pytest.raises(QuotaError, match="GB"):
        shelf.check_room()


def test_all_visitors_together_have_so_many_bytes(tmp_path: Path, anna: Visitor, ben: Visitor) -> None:
    clock = Clock()
    workspace = Workspace(tmp_path, Allowance(total_bytes=3_000_000), now=clock)
    production = workspace.shelf(anna).create("one")
    workspace.shelf(anna).folder(production).mkdir()
    (workspace.shelf(anna).folder(production) / "big").write_bytes(bytes(2_500_000))
    clock.now += 61
    with pytest.raises(QuotaError, match="server is full"):
        workspace.shelf(ben).create("two")


def test_what_strangers_left_long_ago_is_deleted_and_nothing_else(tmp_path: Path, anna: Visitor) -> None:
    clock = Clock()
    workspace = Workspace(tmp_path, Allowance(keep_days=30), now=clock)
    known = Visitor("c" * 32, "carla")
    old, new, hers = (
        workspace.shelf(anna).create("old"),
        workspace.shelf(anna).create("new"),
        workspace.shelf(known).create("old"),
    )
    for visitor, production, days in ((anna, old, 31), (anna, new, 29), (known, hers, 400)):
        card = workspace.shelf(visitor).own(production) / "card.json"
        os.utime(card, (clock.now - days * DAY_S,) * 2)
    assert workspace.sweep() == 1
    assert [card.title for card in workspace.shelf(anna).cards()] == ["new"]
    assert [card.title for card in workspace.shelf(known).cards()] == ["old"]


def test_a_deletion_that_a_stop_cut_short_is_finished_by_the_next_sweep(tmp_path: Path, anna: Visitor) -> None:
    workspace = Workspace(tmp_path, Allowance())
    production = workspace.shelf(anna).create("one")
    slot = workspace.shelf(anna).own(production)
    slot.rename(slot.with_name(f".{production}.dead"))
    assert workspace.shelf(anna).cards() == ()
    workspace.sweep()
    assert list((tmp_path / "strangers").iterdir()) == []


def test_a_damaged_record_is_shown_as_such(house: House, anna: Visitor) -> None:
    production = put_production(house, anna)
    (house.shelf(anna).folder(production) / "production.json").write_text("{", "utf-8")
    assert house.shelf(anna).card(production).state == "damaged"
