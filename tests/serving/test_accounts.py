"""The login file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from speechagents.errors import ServeError, SettingsError
from speechagents.serving.accounts import Accounts, add_account

PASSWORD = "correct horse battery"  # noqa: S105


def test_who_stands_in_the_file_may_come_in(tmp_path: Path) -> None:
    path = tmp_path / "users"
    add_account(path, "anna", PASSWORD)
    add_account(path, "ben", "another password")
    accounts = Accounts(path)
    assert accounts.names() == ("anna", "ben")
    assert accounts.admits("anna", PASSWORD)
    for name, password in (("anna", "another password"), ("ben", PASSWORD), ("carl", PASSWORD), ("", ""), ("anna", "")):
        assert not accounts.admits(name, password)
    assert not accounts.admits("anna", PASSWORD + "x" * 2_000)


def test_passwords_are_not_in_the_file_and_the_file_is_its_owner_s(tmp_path: Path) -> None:
    path = tmp_path / "users"
    add_account(path, "anna", PASSWORD)
    add_account(path, "twin", PASSWORD)
    text = path.read_text("utf-8")
    assert PASSWORD not in text
    first, second = (line.split("$")[-1] for line in text.splitlines())
    assert first != second, "each has a salt of their own"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_people_are_shut_out_and_passwords_changed_while_the_server_runs(tmp_path: Path) -> None:
    path = tmp_path / "users"
    add_account(path, "anna", PASSWORD)
    accounts = Accounts(path)
    before = accounts.mark("anna")
    add_account(path, "anna", "a new password")
    assert accounts.admits("anna", "a new password")
    assert not accounts.admits("anna", PASSWORD)
    assert accounts.mark("anna") not in (None, before), "what was signed for the old password is void"
    path.write_text("# nobody\n", "utf-8")
    assert not accounts.admits("anna", "a new password")
    assert accounts.mark("anna") is None


@pytest.mark.parametrize(
    ("name", "password", "clue"),
    [
        ("", PASSWORD, "name"),
        ("a b", PASSWORD, "name"),
        ("a:b", PASSWORD, "name"),
        ("x" * 65, PASSWORD, "name"),
        ("a\nb:scrypt", PASSWORD, "name"),
        ("anna", "short", "8 to"),
        ("anna", "x" * 2_000, "8 to"),
    ],
)
def test_what_cannot_be_a_name_or_password_is_refused(tmp_path: Path, name: str, password: str, clue: str) -> None:
    with pytest.raises(SettingsError, match=clue):
        add_account(tmp_path / "users", name, password)
    assert not (tmp_path / "users").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna:secret\n",
        "anna:scrypt$16384$8$1$c2FsdHNhbHQ=$short\n",
        "anna:scrypt$1048576$8$1$c2FsdHNhbHQ=$" + "A" * 43 + "=\n",
        "anna:scrypt$16384$8$9$c2FsdHNhbHQ=$" + "A" * 43 + "=\n",
        "\xff",
    ],
)
def test_a_damaged_file_is_refused_with_the_way_to_make_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "users"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ServeError, match="--add-user"):
        Accounts(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="--add-user"):
        Accounts(tmp_path / "users")
