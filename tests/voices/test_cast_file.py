"""The cast file: written for people, read with care."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from speechagents.drama import NARRATOR, clean_name, role_key
from speechagents.errors import CastError, StorageError
from speechagents.production.storage import PARTIAL_SUFFIX
from speechagents.voices.cast_file import MAX_CAST_FILE_BYTES, cast_text, parse_cast, read_cast_file, write_cast_file
from speechagents.voices.casting import Cast, Casting, Override, Overrides
from speechagents.voices.synthesizer import Age, Gender, Voice

VOICE = Voice("uk-f1", "d", Gender.FEMALE, Age.ADULT, "en", "s", 200.0, "r", "CC0-1.0", "tests", narrates=True)
TELLER = Voice("teller", "d", Gender.MALE, Age.ADULT, "en", "s", 100.0, "r", "CC0-1.0", "tests", narrates=True)


def a_cast(*names: str, pan: float | None = None) -> Cast:
    roles = (Casting(name, VOICE, "woman's name: adult; clear of BEN", 3, 40, pan) for name in names)
    return Cast((Casting(NARRATOR, TELLER, "narrator; used by nobody else"), *roles))


def read(text: str, tmp_path: Path) -> Overrides:
    path = tmp_path / "cast.yaml"
    path.write_text(text, encoding="utf-8")
    return read_cast_file(path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    cast = a_cast("ANNA", "BEN", pan=-0.25)
    write_cast_file(cast, tmp_path / "cast.yaml")
    assert read_cast_file(tmp_path / "cast.yaml") == cast.overrides()


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300).map(clean_name).filter(bool)


@given(names=st.lists(NAMES, max_size=6, unique_by=role_key))
@settings(max_examples=60, deadline=None)
def test_any_name_survives(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cast") / "cast.yaml"
    cast = a_cast(*(name for name in names if role_key(name) != role_key(NARRATOR)))
    write_cast_file(cast, path)
    assert read_cast_file(path) == cast.overrides()


def test_the_file_is_made_for_people(tmp_path: Path) -> None:
    write_cast_file(a_cast("ANNA"), tmp_path / "cast.yaml")
    text = (tmp_path / "cast.yaml").read_text(encoding="utf-8")
    assert text.startswith("# The cast")
    assert "same_as" in text.split("narrator:")[0]
    data = yaml.safe_load(text)
    assert data["narrator"] == "teller"
    assert data["roles"]["ANNA"] == {
        "voice": "uk-f1", "why": "woman's name: adult; clear of BEN", "lines": 3, "words": 40,
    }  # fmt: skip


def test_short_forms_and_words_that_yaml_takes_for_others_are_read_as_text(tmp_path: Path) -> None:
    text = "narrator: teller\nroles:\n  ANNA: uk-f1\n  YES: {same_as: 12}\n"
    text += "  12: {voice: uk-f1, pan: -0.5}\n  null: uk-f1\n"
    assert read(text, tmp_path).wishes == (
        Override(NARRATOR, voice="teller"),
        Override("ANNA", voice="uk-f1"),
        Override("YES", same_as="12"),
        Override("12", voice="uk-f1", pan=-0.5),
        Override("null", voice="uk-f1"),
    )


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "roles:\n", "roles: {}\n"])
def test_an_empty_file_wishes_nothing(text: str, tmp_path: Path) -> None:
    assert read(text, tmp_path) == Overrides()


def test_wishes_remember_their_line(tmp_path: Path) -> None:
    wish = read("roles:\n  ANNA:\n    why: because\n    voice: nobody\n", tmp_path).wishes[0]
    assert wish.place == f"{tmp_path / 'cast.yaml'}:4"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("roles:\n  ANNA: uk-f1\n  anna: uk-f1\n", 3, '"anna" is listed twice, first in line 2'),
        ("roles: {A: x, a: y}\n", 1, "listed twice"),
        ("roles:\n  ANNA: {voice: a, voice: b}\n", 2, "listed twice"),
        ("roles:\n  - ANNA\n", 1, "is a list"),
        ("- ANNA\n", 1, "is not a mapping"),
        ("just words\n", 1, "is not a mapping"),
        ("roles: everybody\n", 1, "is not a mapping"),
        ("roles:\n  ANNA: [a, b]\n", 2, "is a list"),
        ("roles:\n  ANNA:\n    voice: {a: b}\n", 3, "write one value"),
        ("roles:\n  ANNA:\n    voise: a\n", 3, 'unknown key "voise"; there are voice'),
        ("rolls:\n  ANNA: a\n", 1, 'unknown key "rolls"'),
        ("roles:\n  ANNA:\n", 2, "has no voice"),
        ("roles:\n  ANNA: {pan: left}\n", 2, "from -1 to 1"),
        ("roles:\n  ANNA: {pan: 1.5}\n", 2, "from -1 to 1"),
        ("roles:\n  ANNA: {pan: .nan}\n", 2, "from -1 to 1"),
        ("roles:\n  ANNA: {voice: a, same_as: BEN}\n", 2, "both a voice and same_as"),
        ("roles:\n  ? [A, B]\n  : a\n", 2, "plain text"),
        ("roles: &all\n  ANNA: a\n", 1, "anchors"),
        ("roles:\n  ANNA: *all\n", 2, "aliases"),
        ("roles:\n  ANNA: !!python/object/apply:os.system [echo]\n", 2, "tag"),
        ("roles:\n  ANNA: !secret x\n", 2, "tag"),
        ("a: 1\n---\nb: 2\n", 1, "unknown key"),
        ("roles:\n  ANNA: 'open\n", 3, "no valid YAML"),
        ("roles:\n\tANNA: a\n", 2, "no valid YAML"),
        ("roles:\n" + "".join(f"  R{n}: a\n" for n in range(700)), 502, "more than 500 roles"),
        ("roles:\n  " + "A" * 301 + ": a\n", 2, "1 to 300"),
    ],
)
def test_faults_are_named_with_file_and_line(text: str, line: int, message: str, tmp_path: Path) -> None:
    with pytest.raises(CastError) as caught:
        read(text, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'cast.yaml'}:{line}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "roles: " + "[" * 400_000, "a: &a [*a, *a]"])
def test_deep_and_bomb_like_files_are_refused_at_once(text: str, tmp_path: Path) -> None:
    with pytest.raises(CastError):
        read(text, tmp_path)


@given(content=st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_garbage_gives_a_cast_error_or_wishes(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cast") / "cast.yaml"
    path.write_bytes(content)
    with suppress(CastError):
        assert isinstance(read_cast_file(path), Overrides)


def test_a_file_that_is_too_large_missing_or_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cast.yaml"
    path.write_bytes(b"#" * (MAX_CAST_FILE_BYTES + 1))
    with pytest.raises(CastError, match="larger than 1000 kB"):
        read_cast_file(path)
    path.write_bytes(b"narrator: x\nroles:\n  \xff\xfe: a\n")
    with pytest.raises(CastError, match=r":3: not UTF-8"):
        read_cast_file(path)
    with pytest.raises(CastError, match="cannot be read"):
        read_cast_file(tmp_path / "missing.yaml")
    with pytest.raises(CastError, match="cannot be read"):
        read_cast_file(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cast.yaml"
    write_cast_file(a_cast("ANNA"), path)
    before = path.read_bytes()

    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageError, match="disk is full"):
        write_cast_file(a_cast("BEN"), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["cast.yaml"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_cast_file(a_cast("ANNA"), tmp_path / "nowhere" / "cast.yaml")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_leaves_bears_the_name_that_the_next_run_clears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A production refuses hidden files that it does not know as its own."""
    names: list[str] = []

    def killed(self: Path, _target: Path) -> Path:
        names.append(self.name)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_cast_file(a_cast("ANNA"), tmp_path / "cast.yaml")
    assert [Path(name).suffix for name in names] == [PARTIAL_SUFFIX]


@pytest.mark.parametrize("entry", ["", "{voice: [a]}", "{pan: left}", "{voice: a, same_as: b}"])
def test_a_long_name_in_the_file_does_not_fill_the_screen(entry: str, tmp_path: Path) -> None:
    with pytest.raises(CastError) as caught:
        read(f'roles:\n  "{"x" * 280}\\e[2J": {entry}\n', tmp_path)
    message = str(caught.value).removeprefix(str(tmp_path))
    assert len(message) < 160
    assert message.isprintable()


OTHERS = "narrator: teller\nmerge:\n- [a, {b: [c]}]\nroles:\n  ANNA: uk-f1\nis: 12\n"


def test_keys_that_somebody_else_reads_are_passed_over() -> None:
    wishes = parse_cast(OTHERS, Path("cast.yaml"), others=("merge", "is")).wishes
    assert [(wish.role, wish.voice) for wish in wishes] == [(NARRATOR, "teller"), ("ANNA", "uk-f1")]


def test_and_refused_where_nobody_does() -> None:
    with pytest.raises(CastError, match=r'cast.yaml:6: unknown key "is"; there are narrator, roles and merge'):
        parse_cast(OTHERS, Path("cast.yaml"), others=("merge",))


def test_what_is_told_of_a_role_stands_beside_its_voice_and_is_no_wish(tmp_path: Path) -> None:
    text = cast_text(a_cast("ANNA"), {"anna": {"gender": "female", "aliases": "A; B", "first": "“Hi: you.” (line 3)"}})
    assert yaml.safe_load(text)["roles"]["ANNA"]["first"] == "“Hi: you.” (line 3)"
    assert read(text, tmp_path) == a_cast("ANNA").overrides()
