"""Which room a place sounds like."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechagents.production.rooms import DRY, FURNISHED, OPEN_AIR, all_rooms, room_for


@pytest.mark.parametrize(
    ("slug", "room"),
    [
        ("INT. KITCHEN - DAY", "kitchen"),
        ("INT. CHURCH KITCHEN", "kitchen"),
        ("INT. KITCHEN OF THE CHURCH", "kitchen"),
        ("INT. HOUSE - BATHROOM - NIGHT", "bathroom"),
        ("INT. ABANDONED WAREHOUSES", "warehouse"),
        ("INT. LIVING ROOM", "furnished room"),
        ("INT. ST. MARY'S CATHEDRAL - DAWN", "cathedral"),
        ("INT./EXT. CAR - MOVING - DAY", "car"),
        ("I/E CAVE", "cave"),
        ("EXT. STREET - NIGHT", "street"),
        ("EXT. DARK FOREST", "forest"),
        ("EXT. CAR PARK", "street"),
        ("INNEN. KÜCHE - TAG", "kitchen"),
        ("INT. DOM - NACHT", "cathedral"),
        ("INT. CUISINE DE L'ÉGLISE - JOUR", "kitchen"),
        ("INT. SALLE DE BAIN", "bathroom"),
        ("EXT. FORÊT - NUIT", "forest"),
        ("INT. IGLESIA - DÍA", "church"),
        ("EXT. CALLE - NOCHE", "street"),
        ("INT. GROTTA - NOTTE", "cave"),
        ("INT. COZINHA - DIA", "kitchen"),
        ("KITCHEN", "kitchen"),
    ],
)
def test_places_are_known_in_six_languages(slug: str, room: str) -> None:
    assert room_for(slug).name == room


def test_inside_unknown_is_furnished_outside_is_nearly_dry_and_nothing_is_dry() -> None:
    assert room_for("INT. WHEREVER - DAY") is FURNISHED
    assert room_for("WHEREVER") is FURNISHED
    assert room_for("EXT. WHEREVER - DAY") is OPEN_AIR
    assert room_for("EXT. KITCHEN") is OPEN_AIR
    assert room_for("") is room_for("  ") is DRY


@given(st.text(max_size=600))
def test_any_setting_has_a_room(setting: str) -> None:
    assert room_for(setting) in all_rooms()


def test_rooms_have_names_of_their_own_and_speech_outweighs_every_room() -> None:
    rooms = all_rooms()
    assert len({room.name for room in rooms}) == len(rooms)
    assert all(room.wet_db == -math.inf or -25.0 < room.wet_db <= -8.0 for room in rooms)
