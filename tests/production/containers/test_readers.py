"""Files of every format as mutagen, FFmpeg and libsndfile see them: tags, chapters, covers, lengths."""

from __future__ import annotations

import base64
import io
import json
import shutil
import subprocess
from typing import Any

import av
import mutagen
import mutagen.flac
import mutagen.mp3
import pytest
import soundfile
from PIL import Image

from speechagents.production.programme import PROGRAMME_HZ
from speechagents.production.tags import SYNTHETIC_FIELD, Tags
from speechagents.production.timeline import Timeline

from ..conftest import AUDIO_FORMATS, TITLE, ArrayProgramme, Exports

CHAPTERED = ("m4b", "mp3", "opus", "flac", "wav")


@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_the_length_is_told_right(plain: Exports, drama: ArrayProgramme, name: str) -> None:
    length_s = mutagen.File(plain.path(name)).info.length
    # An MP4 track counts the priming of its codec; the edit list takes it away.
    assert length_s == pytest.approx(drama.frames / PROGRAMME_HZ, abs=0.025 if name == "m4b" else 0.0006)
    with av.open(str(plain.path(name))) as container:
        assert container.duration == pytest.approx(drama.frames / PROGRAMME_HZ * 1e6, abs=7e3)


@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_ffmpeg_reads_title_author_and_the_mark_of_synthetic_voices(plain: Exports, tags: Tags, name: str) -> None:
    with av.open(str(plain.path(name))) as container:
        stream = container.streams.audio[0]
        found = {key.casefold(): value for key, value in {**stream.metadata, **container.metadata}.items()}
    assert found["title"] == TITLE
    assert found["artist"] == tags.author
    assert "Synthetic voices: test voices 1.0" in found["comment"]
    assert "A test." in found["comment"]


@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_a_field_of_its_own_marks_synthetic_voices(plain: Exports, tags: Tags, name: str) -> None:
    found = mutagen.File(plain.path(name)).tags
    if name == "m4b":
        value = bytes(found[f"----:com.apple.iTunes:{SYNTHETIC_FIELD}"][0]).decode()
    elif name in ("mp3", "wav", "wav24"):
        value = found[f"TXXX:{SYNTHETIC_FIELD}"].text[0]
    else:
        value = found[SYNTHETIC_FIELD][0]
    assert value == tags.synthetic


@pytest.mark.parametrize("name", CHAPTERED)
def test_ffmpeg_finds_a_chapter_at_every_scene(plain: Exports, timeline: Timeline, name: str) -> None:
    with av.open(str(plain.path(name))) as container:
        chapters = container.chapters()
    assert [chapter["metadata"]["title"] for chapter in chapters] == ["EXT. BRÜCKE – NIGHT", "Scene 2", "The end"]
    for chapter, scene in zip(chapters, timeline.scenes, strict=True):
        assert chapter["time_base"] is not None
        assert float(chapter["start"] * chapter["time_base"]) == pytest.approx(scene.start_s, abs=0.001)


@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_the_cover_is_inside(plain: Exports, name: str) -> None:
    found = mutagen.File(plain.path(name))
    if name == "m4b":
        data = bytes(found.tags["covr"][0])
    elif name == "flac":
        data = found.pictures[0].data
    elif name == "opus":
        picture: Any = mutagen.flac.Picture
        data = picture(base64.b64decode(found.tags["metadata_block_picture"][0])).data
    else:
        data = found.tags.getall("APIC")[0].data
    assert Image.open(io.BytesIO(data)).size == (1400, 1400)


def test_flac_and_wav_are_sound_for_libsndfile(plain: Exports, drama: ArrayProgramme) -> None:
    for name, subtype in (("flac", "PCM_16"), ("wav", "PCM_16"), ("wav24", "PCM_24")):
        info = soundfile.info(plain.path(name))
        assert (info.frames, info.samplerate, info.channels, info.subtype) == (
            drama.frames,
            PROGRAMME_HZ,
            2,
            subtype,
        )
        sound, _ = soundfile.read(plain.path(name), dtype="float32")
        assert abs(sound - drama.sound).max() <= (0.51 / 2**15 if subtype == "PCM_16" else 0.51 / 2**23 + 1e-7)


def test_mp3_is_constant_192_kbps(plain: Exports) -> None:
    info = mutagen.File(plain.path("mp3")).info
    assert (info.bitrate, info.sample_rate, info.channels) == (192_000, 44_100, 2)
    assert info.bitrate_mode == mutagen.mp3.BitrateMode.CBR
    assert not info.sketchy


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_ffprobe_has_nothing_to_complain_about(plain: Exports, name: str) -> None:
    command = ["ffprobe", "-v", "warning", "-of", "json", "-show_format", "-show_chapters", str(plain.path(name))]
    probe = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(probe.stdout)
    assert probe.stderr == ""
    assert len(found["chapters"]) == 3
