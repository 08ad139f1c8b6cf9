"""A script on a visitor's shelf, from the first reading to the last file.

Owns where the working copy lies (``script.json`` and ``cast.yaml`` of its production folder, also before anything is
performed) and what may be done with it. Does not know any page: the Perform page and the API both work through it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import soundfile as sf
import yaml

from speechagents.audio import Audio
from speechagents.drama import Line, role_key
from speechagents.errors import CastError, ProductionBusy, ProductionError, SynthesisError
from speechagents.performance import cast_play
from speechagents.production.folder import Production
from speechagents.production.storage import write_atomically
from speechagents.scripts.breakdown import Breakdown
from speechagents.scripts.script import Script
from speechagents.scripts.script_json import script_from_json, script_to_json
from speechagents.settings import PerformSettings
from speechagents.ui.dialogue_editing import traced_breakdown
from speechagents.voices.cast_file import write_cast_file
from speechagents.voices.casting import Cast
from speechagents.voices.synthesizer import SpokenLine, Take

if TYPE_CHECKING:
    from speechagents.serving.house import House
    from speechagents.serving.runs import Run
    from speechagents.serving.visitors import Visitor

_GAP_S: Final = 0.3
_MAX_CAST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Draft:
    """One script of one visitor.

    Attributes:
        house: What the server shares.
        visitor: Whose it is.
        id: Of the production; asking for another visitor's raises `ProductionError` at every use.
    """

    house: House
    visitor: Visitor
    id: str

    @classmethod
    def begin(cls, house: House, visitor: Visitor, script: Script) -> Draft:
        """Put a script on the shelf.

        Raises:
            ScriptError: Nobody says a word in it.
            ProductionError: There is no room for it.
        """
        _check_heard(script)
        draft = cls(house, visitor, house.shelf(visitor).create(title_of(script)))
        draft.save(script)
        return draft

    @property
    def production(self) -> Production:
        """The folder, not opened."""
        return Production(self.house.shelf(self.visitor).folder(self.id))

    @property
    def run(self) -> Run | None:
        """The run that is going on, or the last one that the server remembers."""
        return self.house.runs.of(self.visitor, self.id)

    @property
    def busy(self) -> bool:
        """A run is going on."""
        run = self.run
        return run is not None and not run.view().state.over

    def script(self) -> Script:
        """The working copy.

        Raises:
            ProductionError: There is no such production, or it is no performed script.
        """
        path = self.production.script_path
        try:
            return script_from_json(path.read_text("utf-8"), source=path.name)
        except (OSError, UnicodeDecodeError) as error:
            raise ProductionError("this production holds no script; open it on the page it was made on") from error

    def save(self, script: Script) -> None:
        """Replace the working copy.

        Raises:
            ProductionBusy: It is being performed.
            ScriptError: Nobody says a word in it.
        """
        self._demand_rest()
        _check_heard(script)
        production = self.production
        production.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(production.script_path, script_to_json(script).encode("utf-8"))

    def settings(self) -> PerformSettings:
        """The options of the last run, the defaults before the first."""
        record = self.production.record()
        return PerformSettings.from_json(record["settings"]) if "settings" in record else PerformSettings()

    def play(self, settings: PerformSettings) -> Breakdown:
        """What the script is performed as; its lines know their element, see `dialogue_editing`.

        Raises:
            InputError: The script or an option is at fault.
        """
        return traced_breakdown(self.script(), narrator=settings.narrator, language=settings.language)

    def cast(self, settings: PerformSettings) -> Cast:
        """Who speaks with which voice, and why.

        Raises:
            InputError: The script, the cast or an option is at fault.
        """
        return self._cast(self.play(settings), settings)

    def give_voice(self, role: str, voice: str, settings: PerformSettings) -> Cast:
        """Give a role another voice; only its own lines are spoken anew.

        Raises:
            ProductionBusy: The script is being performed.
            CastError: There is no such role or voice.
        """
        self._demand_rest()
        play = self.play(settings)
        cast = self._cast(play, settings)
        if role not in cast:
            raise CastError(f"no role is called “{role[:60]}”; choose one of the list")
        voices = {known.id: known for known in self.house.studio.synthesizer.voices}
        if voice not in voices:
            raise CastError(f"no voice is called “{voice[:60]}”; choose one of the list")
        castings = tuple(
            replace(casting, voice=voices[voice], why="your choice") if role_key(casting.role) == role_key(role)
            else casting
            for casting in cast
        )  # fmt: skip
        changed = Cast(castings)
        production = self.production
        production.folder.mkdir(parents=True, exist_ok=True)
        write_cast_file(changed, production.cast_path)
        return self._cast(play, settings)

    def perform(self, settings: PerformSettings) -> Run:
        """Perform it in the background.

        Raises:
            InputError: The script or an option is at fault.
            ProductionBusy: It is being performed already.
            ProductionError: There is no room for it.
        """
        self._demand_rest()
        script = self.script()
        traced_breakdown(script, narrator=settings.narrator, language=settings.language)
        folder = self.production.folder
        studio = self.house.studio
        return self.house.start(
            self.visitor, self.id, "perform", lambda: studio.perform(script, out=folder, settings=settings)
        )

    def hear(self, lines: Sequence[Line], settings: PerformSettings, *, voice: str = "") -> bytes:
        """Speak lines as they would be spoken, without keeping them.

        Args:
            lines: Of one role.
            settings: Options of the performance.
            voice: Identifier of another voice than the role's; empty for its own.

        Returns:
            An MP3 file.

        Raises:
            CastError: There is no such voice.
            SynthesisError: A line could not be spoken.
        """
        play = self.play(settings)
        cast = self._cast(play, settings)
        voices = {known.id: known for known in self.house.studio.synthesizer.voices}
        if voice and voice not in voices:
            raise CastError(f"no voice is called “{voice[:60]}”; choose one of the list")
        asked = [
            SpokenLine(
                line.text, voices[voice] if voice else cast[line.role].voice, line.style, line.language or play.language
            )
            for line in lines
        ]
        sounds: list[Audio] = []
        for take in self.house.studio.synthesizer.speak(asked):
            if not isinstance(take, Take):
                raise SynthesisError(f"the line could not be spoken: {take.reason}")
            sounds.append(take.audio)
        return _mp3(sounds)

    def _cast(self, play: Breakdown, settings: PerformSettings) -> Cast:
        production = self.production
        cast = cast_play(self.house.studio.synthesizer, play, None, production.cast_path, seed=settings.seed)
        return _with_reasons(cast, _reasons(production))

    def _demand_rest(self) -> None:
        if self.busy:
            raise ProductionBusy("this production is being performed; wait until it is done, or cancel it first")


def title_of(script: Script) -> str:
    """What a script is called on a shelf."""
    return script.title or script.source.rpartition(".")[0] or "Untitled"


def _check_heard(script: Script) -> None:
    """Refuse a script in which nobody would ever say a word; action alone may still be read by the narrator."""
    traced_breakdown(script, narrator=True)


def _reasons(production: Production) -> Mapping[str, tuple[str, str]]:
    """Voice and reason of each role, as the production's cast file tells them."""
    try:
        if production.cast_path.stat().st_size > _MAX_CAST_BYTES:
            return {}
        document: Any = yaml.safe_load(production.cast_path.read_text("utf-8"))
        return {
            role_key(str(role)): (str(entry["voice"]), str(entry["why"]))
            for role, entry in document["roles"].items()
            if isinstance(entry, dict) and "why" in entry
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return {}


def _with_reasons(cast: Cast, reasons: Mapping[str, tuple[str, str]]) -> Cast:
    """A cast that came from a file, with the reasons that stand there instead of "as the cast file says"."""

    def why(role: str, voice: str, reason: str) -> str:
        remembered = reasons.get(role_key(role))
        return remembered[1] if remembered and remembered[0] == voice else reason

    castings = tuple(replace(c, why=why(c.role, c.voice.id, c.why)) for c in cast)
    return Cast(castings, cast.warnings)


def _mp3(sounds: Sequence[Audio]) -> bytes:
    rate_hz = sounds[0].rate_hz
    gap = np.zeros(round(_GAP_S * rate_hz), np.float32)
    pieces = [piece for sound in sounds for piece in (sound.samples, gap)][:-1]
    encoded = io.BytesIO()
    sf.write(encoded, np.concatenate(pieces), rate_hz, format="MP3")
    return encoded.getvalue()
