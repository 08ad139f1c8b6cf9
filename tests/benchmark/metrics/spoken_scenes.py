"""Scenes that were spoken with embedded voices: for tests of what is measured of their sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from speechagents.audio import Audio
from speechagents.benchmark.metrics.take_sound import SpokenTurn, TakeSound
from speechagents.benchmark.played import CellRecord, Played
from speechagents.drama import Deed, Message, Role, SceneBrief, Style, role_key
from speechagents.production.takes import TakeStore, recording_address, take_address
from speechagents.voices.espeak import EspeakSynthesizer
from speechagents.voices.synthesizer import SpokenLine, Take

GAP_S = 0.2

Said = tuple[str, str, str]
"""Who, in which style, and what."""


@dataclass(frozen=True)
class Speaker:
    """Speaks scenes into a folder; what was spoken before is there already.

    Attributes:
        synthesizer: The embedded voices.
        folder: Of all scenes: a take's name tells what it holds.
    """

    synthesizer: EspeakSynthesizer
    folder: Path

    def play(
        self,
        lines: Sequence[Said],
        voices: Mapping[str, str],
        *,
        style_of: Callable[[int, str], str] = lambda _, style: style,
        voice_of: Callable[[int, str], str] = lambda _, voice: voice,
        spoil: Callable[[int, Audio], Audio] | None = None,
    ) -> Played:
        """Speak lines.

        Args:
            lines: In order.
            voices: Id of each role's voice.
            style_of: In which style a line is really spoken, by its position and the style that is asked for.
            voice_of: By which voice, by its position and the voice of its role.
            spoil: Changes the sound of a line, by its position.
        """
        known = {voice.id: voice for voice in self.synthesizer.voices}
        asked = [
            SpokenLine(text, known[voice_of(at, voices[role])], Style(style_of(at, style)), "en")
            for at, (role, style, text) in enumerate(lines)
        ]
        store = TakeStore(self.folder / "takes")
        addresses = [take_address(self.synthesizer.identity, line) for line in asked]
        takes = [store.load(address, line) for address, line in zip(addresses, asked, strict=True)]
        missing = [at for at, take in enumerate(takes) if take is None]
        for at, spoken in zip(missing, self.synthesizer.speak([asked[at] for at in missing]), strict=True):
            assert isinstance(spoken, Take), spoken
            takes[at] = store.save(addresses[at], spoken)
        messages: list[Message] = []
        end_s = 0.0
        for at, ((role, style, text), address, take) in enumerate(zip(lines, addresses, takes, strict=True)):
            assert take is not None
            if spoil is not None:
                changed = spoil(at, take.audio)
                address = recording_address(changed)
                store.save(address, Take(take.line, changed))
            start_s = end_s + GAP_S
            end_s = start_s + take.audio.duration_s
            messages.append(Message(at + 1, role, text, Deed.SPEAK, Style(style), (), (), start_s, end_s, address))
        return played_of(messages, folder=self.folder)


def played_of(messages: Sequence[Message], *, folder: Path | None = None, record: CellRecord | None = None) -> Played:
    """A cell with these messages."""
    names = list(dict.fromkeys([*(message.speaker for message in messages), "Anna", "Ben"]))
    scene = SceneBrief("A scene", tuple(map(Role, names)))
    kept = record or CellRecord("001-a-scene", len(names), 0, 0, "the script is over", 10.0, len(messages))
    return Played("001-a-scene-2", kept, scene, (), tuple(messages), folder=folder)


def made_up(
    position: int,
    role: str,
    style: Style | str = "default",
    *,
    rate: float = 4.0,
    level_db: float = -23.0,
    pitch_st: float | None = 12.0,
    spread_st: float | None = 3.0,
    voiced: float = 0.8,
    clarity_db: float = 12.0,
    effort_db: float = -10.0,
    pause_share: float = 0.1,
    cepstrum: Sequence[float] = (0.0,) * 12,
) -> SpokenTurn:
    """A turn of nine syllables whose sound was never heard: each measure is given."""
    active_s = 9.0 / rate
    sound = TakeSound(
        duration_s=active_s / (1.0 - pause_share),
        active_s=active_s,
        level_db=level_db,
        pitch_st=pitch_st,
        spread_st=spread_st,
        voiced=voiced,
        harmonicity_db=clarity_db,
        effort_db=effort_db,
        cepstrum=tuple(cepstrum),
        clipped=False,
        silent=False,
    )
    wanted = style if isinstance(style, Style) else Style(style)
    return SpokenTurn(position, role_key(role), wanted, "we are all here to mend the old boat", sound)
