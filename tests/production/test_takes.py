"""Takes on disk."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.errors import StorageError, SynthesisError
from speechagents.production.takes import TakeFile, TakeStore, encode_take, take_address
from speechagents.voices.synthesizer import Age, Gender, SpokenLine, Take, Voice, Word

VOICE = Voice("ada", "A voice.", Gender.FEMALE, Age.ADULT, "en-GB", "Hello.", 200.0, "pitch 1", "CC0-1.0", "test")
LINE = SpokenLine("Hello there.", VOICE)
KNOWN_ADDRESS = "0f66250dd36600b0654f20078f60fe5f5595cdd6fa0ed64a65437c0fcfacf3c7"
"""Of `LINE` by engine 1, before lines could have units."""


def take() -> Take:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, 2000).astype(np.float32)
    return Take(LINE, Audio(samples, 22_050), (Word("Hello", 0.0, 0.0331234), Word("there.", 0.04, 0.09)))


def test_a_saved_take_is_loaded_as_it_was_given_back(tmp_path: Path) -> None:
    store, address = TakeStore(tmp_path / "takes"), take_address("engine 1", LINE)
    saved = store.save(address, take())
    loaded = store.load(address, LINE)
    assert loaded is not None
    assert np.array_equal(loaded.audio.samples, saved.audio.samples)
    assert loaded.words == saved.words
    assert loaded.audio.rate_hz == 22_050
    assert np.abs(saved.audio.samples - take().audio.samples).max() <= 0.5 / 32768 + 1e-9


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = TakeStore(tmp_path / "1"), TakeStore(tmp_path / "2")
    address = take_address("engine 1", LINE)
    one.save(address, take())
    two.save(address, take())
    assert one.path(address).read_bytes() == two.path(address).read_bytes()


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(LINE, text="Hello, there."),
        dataclasses.replace(LINE, style=Style("sad")),
        dataclasses.replace(LINE, style=Style("default", 0.5)),
        dataclasses.replace(LINE, language="de"),
        dataclasses.replace(LINE, attempt=1),
        dataclasses.replace(LINE, units=(3, 1)),
        dataclasses.replace(LINE, voice=dataclasses.replace(VOICE, id="bea")),
        dataclasses.replace(LINE, voice=dataclasses.replace(VOICE, recipe="pitch 2")),
    ],
)
def test_whatever_is_heard_is_part_of_the_address(other: SpokenLine) -> None:
    assert take_address("engine 1", other) != take_address("engine 1", LINE)
    assert take_address("engine 2", LINE) != take_address("engine 1", LINE)


def test_other_units_are_another_take_and_no_units_are_the_take_of_earlier_versions() -> None:
    addresses = {
        take_address("engine 1", dataclasses.replace(LINE, **changes))
        for changes in ({"units": (3, 1)}, {"units": (3, 11)}, {"units": (31,)}, {"attempt": 1}, {})
    }
    assert len(addresses) == 5
    assert take_address("engine 1", LINE) == KNOWN_ADDRESS


def test_what_is_not_heard_is_no_part_of_the_address() -> None:
    described = dataclasses.replace(LINE, voice=dataclasses.replace(VOICE, description="Another."))
    assert take_address("engine 1", described) == take_address("engine 1", LINE)


@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "scrambled", "other file"])
def test_a_damaged_take_counts_as_missing(tmp_path: Path, damage: str) -> None:
    store, address = TakeStore(tmp_path), take_address("engine 1", LINE)
    store.save(address, take())
    path = store.path(address)
    data = path.read_bytes()
    match damage:
        case "gone":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "scrambled":
            path.write_bytes(data[:100] + bytes(300) + data[400:])
        case _:
            path.write_bytes(b"RIFF" + data)
    assert store.load(address, LINE) is None


def test_a_file_that_somebody_else_has_encoded_is_kept_as_it_is(tmp_path: Path) -> None:
    here, there, address = TakeStore(tmp_path / "here"), TakeStore(tmp_path / "there"), take_address("engine 1", LINE)
    saved = here.save(address, take())
    file = TakeFile.read(encode_take(take()), LINE, doubts=("it clips",))
    assert file is not None
    there.save_file(address, file)
    assert there.path(address).read_bytes() == here.path(address).read_bytes()
    assert (file.line, file.words, file.duration_s, file.doubts) == (LINE, saved.words, saved.duration_s, ("it clips",))
    opened = file.opened()
    assert opened is not None
    assert np.array_equal(opened.audio.samples, saved.audio.samples)
    assert np.array_equal(file.audio.samples, saved.audio.samples)


@pytest.mark.parametrize("data", [b"", b"fLaC", b"RIFF and something else", bytes(500)])
def test_what_is_no_file_of_a_take_is_not_read(data: bytes) -> None:
    assert TakeFile.read(data, LINE) is None


@pytest.mark.parametrize("damage", ["cut", "scrambled"])
def test_what_is_damaged_further_on_shows_when_somebody_listens(damage: str) -> None:
    data = encode_take(take())
    half = len(data) // 2
    file = TakeFile.read(data[:half] if damage == "cut" else data[:half] + bytes(300) + data[half + 300 :], LINE)
    assert file is not None
    assert file.opened() is None
    with pytest.raises(SynthesisError, match=r"take of 'Hello there\.' is damaged"):
        file.audio  # noqa: B018 - to hear it


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 63 + "/"])
def test_only_an_address_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no take address"):
        TakeStore(tmp_path).path(name)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        TakeStore(tmp_path / "file" / "takes").save(take_address("engine 1", LINE), take())
    assert not list(tmp_path.glob("**/*.part"))
