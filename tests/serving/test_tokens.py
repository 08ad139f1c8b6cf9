"""Signed values: good for one purpose, for a while, and for nobody who changes them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from speechagents.errors import ServeError
from speechagents.serving.tokens import Purpose, Signer, secret_key

from .conftest import Clock


def test_what_was_signed_is_read_again(signer: Signer) -> None:
    assert signer.read(Purpose.LINK, signer.sign(Purpose.LINK, "a", "b/c é")) == ("a", "b/c é")


@pytest.mark.parametrize("purpose", [one for one in Purpose if one is not Purpose.LIVE])
def test_a_token_is_good_for_one_purpose(signer: Signer, purpose: Purpose) -> None:
    assert signer.read(purpose, signer.sign(Purpose.LIVE, "a")) is None


@pytest.mark.parametrize("purpose", Purpose)
def test_a_token_grows_too_old(signer: Signer, clock: Clock, purpose: Purpose) -> None:
    token = signer.sign(purpose, "a")
    clock.now = signer.expires_at(purpose)
    assert signer.read(purpose, token) == ("a",)
    clock.now += 1
    assert signer.read(purpose, token) is None


def test_a_forged_token_is_nobody_s(signer: Signer, clock: Clock) -> None:
    token = signer.sign(Purpose.LIVE, "a")
    other = Signer(b"another secret of at least 32 bytes....", now=clock).sign(Purpose.LIVE, "a")
    swapped = token[:4] + ("A" if token[4] != "A" else "B") + token[5:]
    for forged in (other, swapped, token[:-1], token + "x", "", ".", "a.b.c", "é", token * 50):
        assert signer.read(Purpose.LIVE, forged) is None


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ServeError, match="openssl rand"):
        Signer(b"short")


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = secret_key({}, tmp_path / "data")
    assert len(key) >= 32
    assert secret_key({}, tmp_path / "data") == key
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600
    assert secret_key({"SPEECHAGENTS_SECRET": "given" * 10}, tmp_path / "data") == b"given" * 10


def test_a_secret_cut_short_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"abc")
    with pytest.raises(ServeError, match="delete it"):
        secret_key({}, tmp_path)
