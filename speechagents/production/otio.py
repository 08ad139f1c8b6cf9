"""A timeline for editors: OpenTimelineIO.

Owns the tracks, clips, gaps and markers. Does not know sound. One track for each role, and one
for effects and ambience; what overlaps there goes to a second track, for clips of a track cannot overlap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.stems import SOUNDS, SOUNDS_TITLE
from speechagents.production.timeline import PlacedLine, PlacedSound, Timeline

_NAMESPACE = "speechagents"


def otio(timeline: Timeline, *, media: str, stems: Mapping[str, str]) -> Iterator[str]:
    """OpenTimelineIO JSON.

    Args:
        timeline: Who speaks when.
        media: Path of the mix relative to the timeline's file, empty if there is none.
        stems: Paths of stems by role or `SOUNDS`, relative as well. A stem is as long as the programme.
    """
    import opentimelineio

    schema = opentimelineio.schema
    result = schema.Timeline(name=timeline.title)
    result.metadata[_NAMESPACE] = {"language": timeline.language}
    for scene in timeline.scenes:
        result.tracks.markers.append(
            schema.Marker(
                name=scene.title,
                marked_range=_range(scene.start_s, scene.end_s - scene.start_s),
                metadata={_NAMESPACE: {"setting": scene.setting}},
            )
        )
    for role in timeline.roles:
        lines = [_of_line(placed) for placed in timeline.lines() if placed.line.role == role]
        _add_tracks(result, role, lines, path=stems.get(role, media), total_s=timeline.duration_s)
    sounds = [_of_sound(placed, timeline.sounds[placed.file]) for scene in timeline.scenes for placed in scene.sounds]
    _add_tracks(result, SOUNDS_TITLE, sounds, path=stems.get(SOUNDS, media), total_s=timeline.duration_s)
    yield result.to_json_string(indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class _Item:
    """A clip before it has a track: its name, its place in frames and what editors may want to know of it."""

    name: str
    start: int
    end: int
    metadata: dict[str, Any]


def _of_line(placed: PlacedLine) -> _Item:
    line = placed.line
    metadata = {
        "line": line.number,
        "role": line.role,
        "text": line.text,
        "style": line.style.tag,
        "strength": line.style.strength,
        "delivery": str(line.delivery),
        "take": placed.take,
        "pan": placed.pan,
    }
    return _Item(f"{line.number} {line.role}", _frames(placed.start_s), _frames(placed.end_s), metadata)


def _of_sound(placed: PlacedSound, file: str) -> _Item:
    metadata = {"sound": file, "gain_db": placed.gain_db, "fade_s": placed.fade_s, "looped": placed.looped}
    return _Item(file, _frames(placed.start_s), _frames(placed.start_s + placed.duration_s), metadata)


def _add_tracks(result: Any, name: str, items: list[_Item], *, path: str, total_s: float) -> None:
    """Tracks for items that belong together, as few as hold them without overlap."""
    import opentimelineio

    schema = opentimelineio.schema
    for number, row in enumerate(_rows(items), 1):
        track = schema.Track(name=name if number == 1 else f"{name} ({number})", kind=schema.TrackKind.Audio)
        _fill(track, row, path=path, total_s=total_s)
        result.tracks.append(track)


def _rows(items: list[_Item]) -> list[list[_Item]]:
    """Items in as few rows as hold them without overlap."""
    rows: list[list[_Item]] = []
    for item in sorted(items, key=lambda item: item.start):
        for row in rows:
            if row[-1].end <= item.start:
                row.append(item)
                break
        else:
            rows.append([item])
    return rows


def _fill(track: Any, row: list[_Item], *, path: str, total_s: float) -> None:
    import opentimelineio

    schema = opentimelineio.schema
    at = 0
    for item in row:
        if item.start > at:
            track.append(schema.Gap(source_range=_range_of(0, item.start - at)))
        reference = (
            schema.ExternalReference(target_url=quote(path), available_range=_range(0.0, total_s))
            if path
            else schema.MissingReference()
        )
        track.append(
            schema.Clip(
                name=item.name,
                media_reference=reference,
                source_range=_range_of(item.start, item.end - item.start),
                metadata={_NAMESPACE: item.metadata},
            )
        )
        at = item.end


def _frames(seconds: float) -> int:
    return round(seconds * PROGRAMME_HZ)


def _range(start_s: float, duration_s: float) -> Any:
    return _range_of(_frames(start_s), _frames(start_s + duration_s) - _frames(start_s))


def _range_of(start: int, duration: int) -> Any:
    import opentimelineio

    time = opentimelineio.opentime
    return time.TimeRange(time.RationalTime(start, PROGRAMME_HZ), time.RationalTime(duration, PROGRAMME_HZ))
