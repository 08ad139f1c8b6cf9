"""Who speaks the messages of a take, and that only so much sound is in memory at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile as sf

from speechagents.drama import Deed
from speechagents.errors import TuningError
from speechagents.tuning.scene_takes import SceneTake
from speechagents.tuning.voicing import BATCH, VoicedMessage, cast_of, voiced
from tests.tuning.made_up_scenes import SAID, QuickVoices, message, sound_of, take_of


def all_of(take: SceneTake, *, seed: int = 0, voices: QuickVoices | None = None) -> Sequence[VoicedMessage]:
    needed = {take.id: frozenset(moment.message.id for moment in take.moments)}
    return [one for batch in voiced([take], needed, voices or QuickVoices(), seed=seed) for one in batch]


def test_each_message_is_spoken_in_its_style_by_its_roles_voice() -> None:
    voices = QuickVoices()
    found = all_of(take_of(), voices=voices)
    assert [one.message for one in found] == [1, 2, 3, 4, 5]
    assert [(line.text, line.style.tag, line.language) for line in voices.spoken] == [
        (text, style, "en") for _, text, style in SAID
    ]
    spoken_by = {who: line.voice.id for (who, _, _), line in zip(SAID, voices.spoken, strict=True)}
    assert len(set(spoken_by.values())) == 3
    assert spoken_by["Sophia"] == "alma", "the voice that the scene asks for"
    assert [line.voice.id for line in voices.spoken][:2] == [line.voice.id for line in voices.spoken][3:]


def test_takes_are_cast_anew_by_a_seed_of_their_own() -> None:
    def casts(takes: Iterable[tuple[str, int]]) -> set[tuple[str, ...]]:
        return {
            tuple(one.voice.id for one in cast_of(take_of(name=name), QuickVoices(), seed=seed)) for name, seed in takes
        }

    assert len(casts((str(name), 0) for name in range(8))) > 2
    assert len(casts(("one", seed) for seed in range(8))) > 2
    assert cast_of(take_of(), QuickVoices(), seed=0) == cast_of(take_of(), QuickVoices(), seed=0)


def test_only_what_is_wanted_is_spoken_and_acts_are_not() -> None:
    voices = QuickVoices()
    take = take_of()
    act = replace(take.moments[1], message=message(2, "Tom", "bows", deed=Deed.ACT))
    take = replace(take, moments=(take.moments[0], act, *take.moments[2:]))
    (batch,) = voiced([take, take_of(name="two")], {take.id: frozenset((1, 2, 4))}, voices, seed=0)
    assert [one.message for one in batch] == [1, 4]
    assert len(voices.spoken) == 2


def test_a_long_take_is_spoken_in_batches() -> None:
    voices = QuickVoices()
    said = [("Tom", f"This is line number {number}.", "calm") for number in range(2 * BATCH + 3)]
    assert [one.message for one in all_of(take_of(said), voices=voices)] == list(range(1, len(said) + 1))
    assert voices.batches == [BATCH, BATCH, 3]


def test_what_cannot_be_spoken_has_no_sound() -> None:
    found = all_of(take_of(), voices=QuickVoices(mute="kettle"))
    assert [one.message for one in found if one.sound is None] == [3]


def test_recorded_messages_are_read_again_and_nobody_speaks(tmp_path: Path) -> None:
    path = tmp_path / "take.flac"
    sf.write(path, sound_of("a few words").samples, 22_050)
    take = take_of()
    take = replace(take, recorded=True, moments=(replace(take.moments[0], sound=path), take.moments[1]))
    voices = QuickVoices()
    first, second = all_of(take, voices=voices)
    assert first.sound is not None
    assert first.sound.duration_s == pytest.approx(0.3)
    assert second.sound is None, "it made none"
    assert voices.spoken == []


def test_a_recording_that_is_gone_is_told_with_its_remedy(tmp_path: Path) -> None:
    take = take_of()
    gone = replace(take.moments[0], sound=tmp_path / "gone.flac")
    with pytest.raises(TuningError, match=r"Two Cups: the sound of message 1 cannot be read .* by --resume"):
        all_of(replace(take, recorded=True, moments=(gone,)))
