"""The timeline as opentimelineio reads it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import opentimelineio
import pytest

from speechagents.drama import Line
from speechagents.production.exports import export
from speechagents.production.otio import otio
from speechagents.production.stems import SOUNDS, SOUNDS_TITLE
from speechagents.production.tags import Tags
from speechagents.production.timeline import PlacedLine, PlacedScene, PlacedSound, Timeline

from .conftest import TITLE, ArrayProgramme, Exports


def read(text: str) -> Any:
    return opentimelineio.adapters.read_from_string(text, "otio_json")


def clips(track: Any) -> list[Any]:
    return [item for item in track if isinstance(item, opentimelineio.schema.Clip)]


def test_each_role_has_a_track_with_its_lines_in_place(plain: Exports, timeline: Timeline) -> None:
    found = read(plain.path("otio").read_text("utf-8"))
    assert found.name == TITLE
    assert [track.name for track in found.tracks] == list(timeline.roles)
    for track in found.tracks:
        spoken = [placed for placed in timeline.lines() if placed.line.role == track.name]
        assert len(clips(track)) == len(spoken)
        for clip, placed in zip(clips(track), spoken, strict=True):
            place = clip.trimmed_range_in_parent()
            assert place.start_time.to_seconds() == pytest.approx(placed.start_s, abs=1e-4)
            assert place.duration.to_seconds() == pytest.approx(placed.duration_s, abs=1e-4)
            # The media are as long as the programme: a clip shows the part that it stands at.
            assert clip.source_range.start_time == place.start_time
            assert clip.metadata["speechagents"]["text"] == placed.line.text
            assert clip.metadata["speechagents"]["style"] == placed.line.style.tag
            assert clip.metadata["speechagents"]["take"] == placed.take


def test_scenes_are_markers(plain: Exports, timeline: Timeline) -> None:
    markers = list(read(plain.path("otio").read_text("utf-8")).tracks.markers)
    assert [marker.name for marker in markers] == [scene.title for scene in timeline.scenes]
    for marker, scene in zip(markers, timeline.scenes, strict=True):
        assert marker.marked_range.start_time.to_seconds() == pytest.approx(scene.start_s, abs=1e-4)


def test_clips_refer_to_stems_else_to_a_lossless_mix_else_to_nothing(plain: Exports, timeline: Timeline) -> None:
    mixed = read(plain.path("otio").read_text("utf-8"))
    assert {clip.media_reference.target_url for track in mixed.tracks for clip in clips(track)} == {"programme.flac"}
    stems = read("".join(otio(timeline, media="programme.mp3", stems={"Anna": "stems/Anna & Co?.flac"})))
    urls = {track.name: clips(track)[0].media_reference.target_url for track in stems.tracks}
    assert urls["Anna"] == "stems/Anna%20%26%20Co%3F.flac"
    assert urls["Chorus of the Drowned"] == "programme.mp3"
    bare = read("".join(otio(timeline, media="", stems={})))
    assert isinstance(clips(bare.tracks[0])[0].media_reference, opentimelineio.schema.MissingReference)


def test_lines_of_one_role_that_overlap_share_no_track() -> None:
    lines = tuple(PlacedLine(Line(n, "A", "x"), "", start, 2.0) for n, start in enumerate((0.0, 1.0, 2.0, 2.5), 1))
    found = read("".join(otio(Timeline("T", (PlacedScene("S", "", 0.0, 9.0, lines),)), media="", stems={})))
    numbers = {track.name: [c.metadata["speechagents"]["line"] for c in clips(track)] for track in found.tracks}
    assert numbers == {"A": [1, 3], "A (2)": [2], "A (3)": [4]}


def with_sounds() -> Timeline:
    """Rain under a whole scene of which one line is spoken, and a door that opens twice."""
    lines = (PlacedLine(Line(1, "A", "x"), "", 1.0, 2.0),)
    sounds = (
        PlacedSound(1, 0.2, 8.6, gain_db=-12.0, looped=True),
        PlacedSound(0, 3.5, 0.5),
        PlacedSound(0, 6.0, 0.5),
    )
    return Timeline("T", (PlacedScene("S", "", 0.0, 9.0, lines, sounds),), ("door.wav", "rain.wav"))


def test_effects_and_ambience_have_tracks_of_their_own() -> None:
    found = read("".join(otio(with_sounds(), media="programme.wav", stems={})))
    tracks = {track.name: clips(track) for track in found.tracks}
    assert list(tracks) == ["A", SOUNDS_TITLE, f"{SOUNDS_TITLE} (2)"]
    heard = [
        (clip.metadata["speechagents"]["sound"], clip.trimmed_range_in_parent().start_time.to_seconds())
        for clip in (*tracks[SOUNDS_TITLE], *tracks[f"{SOUNDS_TITLE} (2)"])
    ]
    assert heard == [("rain.wav", pytest.approx(0.2)), ("door.wav", pytest.approx(3.5)), ("door.wav", pytest.approx(6))]
    (rain,) = tracks[SOUNDS_TITLE]
    assert rain.metadata["speechagents"]["looped"]
    assert rain.source_range.duration.to_seconds() == pytest.approx(8.6)


@pytest.mark.parametrize(
    ("stems", "url"), [({}, "programme.wav"), ({SOUNDS: "stems/stem-002.flac"}, "stems/stem-002.flac")]
)
def test_sounds_refer_to_their_stem_else_to_the_mix(stems: dict[str, str], url: str) -> None:
    found = read("".join(otio(with_sounds(), media="programme.wav", stems=stems)))
    heard = [clip for track in found.tracks if track.name.startswith(SOUNDS_TITLE) for clip in clips(track)]
    assert {clip.media_reference.target_url for clip in heard} == {url}


@pytest.mark.parametrize(
    ("present", "url"),
    [
        (("mp3", "m4b", "flac", "24.wav", "wav"), "programme.wav"),
        (("mp3", "m4b", "flac", "24.wav"), "programme.24.wav"),
        (("mp3", "m4b", "flac"), "programme.flac"),
        (("mp3", "m4b"), "programme.m4b"),
        (("mp3", "vtt"), "programme.mp3"),
        (("vtt",), None),
    ],
)
def test_a_timeline_exported_alone_refers_to_a_mix_that_is_there_already(
    drama: ArrayProgramme, timeline: Timeline, tags: Tags, tmp_path: Path, present: tuple[str, ...], url: str | None
) -> None:
    for suffix in present:
        (tmp_path / f"programme.{suffix}").touch()
    for _ in export(drama, timeline, out=tmp_path, formats=("otio",), master="none", tags=tags):
        pass
    found = read((tmp_path / "programme.otio").read_text("utf-8"))
    references = [clip.media_reference for track in found.tracks for clip in clips(track)]
    assert references
    assert {getattr(reference, "target_url", None) for reference in references} == {url}
