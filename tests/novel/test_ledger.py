"""The ledger's promise: every character once."""

from __future__ import annotations

import pytest

from speechagents.novel.ledger import LedgerEntry, LedgerKind, checked

TOLD = LedgerEntry(0, 5, LedgerKind.NARRATION, 10)
MARK = LedgerEntry(5, 8, LedgerKind.SKIPPED, reason="footnote mark")
MORE = LedgerEntry(8, 12, LedgerKind.NARRATION, 10)


def test_entries_that_tile_a_text_pass() -> None:
    assert list(checked([TOLD, MARK, MORE], start=0, end=12)) == [TOLD, MARK, MORE]


@pytest.mark.parametrize(
    ("entries", "end", "fault"),
    [
        ([TOLD, MORE], 12, "characters 5 to 8 are missing"),
        ([TOLD, MARK], 12, "characters 8 to 12 are missing"),
        ([TOLD, TOLD], 12, "characters 0 to 5 are accounted for twice"),
        ([TOLD, MARK, MORE], 11, "characters 11 to 12 do not exist"),
        ([TOLD, MARK, LedgerEntry(8, 12, LedgerKind.SPEECH, 9)], 12, "line 9 stands behind line 10"),
    ],
)
def test_others_are_refused_with_their_place(entries: list[LedgerEntry], end: int, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        list(checked(entries, start=0, end=end))


@pytest.mark.parametrize(
    ("kind", "line", "reason"),
    [
        (LedgerKind.SKIPPED, 0, ""),
        (LedgerKind.SKIPPED, 3, "note"),
        (LedgerKind.SPEECH, 0, ""),
        (LedgerKind.SPEECH, 3, "note"),
    ],
)
def test_skipped_text_and_no_other_has_a_reason(kind: LedgerKind, line: int, reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        LedgerEntry(0, 1, kind, line, reason)


def test_an_entry_holds_something() -> None:
    with pytest.raises(ValueError, match="holds nothing"):
        LedgerEntry(4, 4, LedgerKind.NARRATION, 1)
