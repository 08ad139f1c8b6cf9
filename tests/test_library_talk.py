"""What libraries say while they work for this program, and that it is as before when they are done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("transformers")

import transformers
from huggingface_hub import constants, utils

from speechagents.library_talk import without_bars

LIBRARY: Any = transformers.utils.logging
HUB: Any = utils


@pytest.fixture(autouse=True)
def nothing_decided(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bars as they are where nobody has said anything about them, before a test and after it."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", None)
    verbosity, bars = LIBRARY.get_verbosity(), LIBRARY.is_progress_bar_enabled()
    LIBRARY.enable_progress_bar()
    yield
    LIBRARY.set_verbosity(verbosity)
    (LIBRARY.enable_progress_bar if bars else LIBRARY.disable_progress_bar)()


def drawn(capfd: pytest.CaptureFixture[str]) -> bool:
    """Whether the library's bars can be seen."""
    for _ in LIBRARY.tqdm(range(2), desc="Loading weights"):
        pass
    return "%|" in capfd.readouterr().err


def test_no_bars_are_drawn_until_the_block_is_left(capfd: pytest.CaptureFixture[str]) -> None:
    assert drawn(capfd)
    with without_bars():
        assert not drawn(capfd)
        assert HUB.are_progress_bars_disabled()
        with without_bars():
            assert not drawn(capfd)
        assert not drawn(capfd)
    assert drawn(capfd)
    assert not HUB.are_progress_bars_disabled()


def test_how_much_is_said_is_as_before_whatever_happens(capfd: pytest.CaptureFixture[str]) -> None:
    before = LIBRARY.get_verbosity()

    def killed() -> None:
        with without_bars():
            LIBRARY.set_verbosity(before + 10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert LIBRARY.get_verbosity() == before
    assert drawn(capfd)


def test_whoever_has_switched_bars_off_finds_them_off(capfd: pytest.CaptureFixture[str]) -> None:
    LIBRARY.disable_progress_bar()
    with without_bars():
        assert not drawn(capfd)
    assert not drawn(capfd)
    assert HUB.are_progress_bars_disabled()


def test_whoever_has_switched_those_of_downloads_off_finds_these_alone_off(capfd: pytest.CaptureFixture[str]) -> None:
    HUB.disable_progress_bars()
    with without_bars():
        assert not drawn(capfd)
    assert drawn(capfd)
    assert HUB.are_progress_bars_disabled()


def test_whoever_wants_bars_by_the_environment_has_them(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", False)
    with without_bars():
        assert drawn(capfd)
