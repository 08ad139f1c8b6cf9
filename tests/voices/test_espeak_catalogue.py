"""The catalogue: who is in it, and that a damaged file is refused."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from speechagents.errors import SettingsError
from speechagents.resources import resource
from speechagents.voices.espeak import EmbeddedVoice, language_file
from speechagents.voices.espeak.catalogue import read_catalogue
from speechagents.voices.synthesizer import Age, Gender

Catalogue = tuple[EmbeddedVoice, ...]


def test_there_are_women_men_children_and_old_people(catalogue: Catalogue) -> None:
    people = Counter((entry.voice.gender, entry.voice.age) for entry in catalogue)
    assert len(catalogue) >= 30
    for gender in (Gender.FEMALE, Gender.MALE):
        assert people[gender, Age.ADULT] >= 8
        assert min(people[gender, age] for age in (Age.CHILD, Age.TEEN, Age.ELDER)) >= 2


def test_there_are_several_accents(catalogue: Catalogue) -> None:
    accents = {entry.voice.accent for entry in catalogue}
    asked = "en-US en-US-nyc en-GB-x-rp en-GB-scotland en-GB-x-gbclan en-GB-x-gbcwmd en-029"
    assert set(asked.split()) <= accents
    assert all(entry.language == language_file(entry.voice.accent) for entry in catalogue)


def test_some_voices_narrate(catalogue: Catalogue) -> None:
    narrators = [entry.voice for entry in catalogue if entry.voice.narrates]
    assert 3 <= len(narrators) <= 6
    assert {voice.gender for voice in narrators} == {Gender.FEMALE, Gender.MALE}


def test_ids_descriptions_and_samples_are_distinct(catalogue: Catalogue) -> None:
    for field in ("id", "description", "sample", "recipe"):
        assert len({getattr(entry.voice, field) for entry in catalogue}) == len(catalogue)
    assert all(re.fullmatch(r"[a-z0-9-]+", entry.voice.id) for entry in catalogue)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("gender: male", "gender: robot", "robot"),
        ("accent: en-US", "accent: xx", "does not speak"),
        ("    age: adult\n", "", "age"),
        ("    age: adult\n", "    age: adult\n    agee: adult\n", "agee"),
        ("id: adam", "id: Adam!", "a-z"),
        ("rate: ", "rate: 9", "rate"),
        ("rate: ", "speed: 100\n      rate: ", "speed"),
        ("f0_hz: ", "f0_hz: 9", "f0_hz"),
        ("fingerprint: [", "fingerprint: [1, ", "15 numbers"),
        ("\nvoices:\n", "\npeople:\n", "list named voices"),
        ("id: adam", "id: [adam", "mapping|expected"),
        ("id: bruno", "id: adam", "twice"),
    ],
)
def test_a_damaged_catalogue_names_the_fault(tmp_path: Path, old: str, new: str, fault: str) -> None:
    text = resource("models", "voices", "espeak.yaml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"mine\.yaml.*{fault}"):
        read_catalogue(path)
