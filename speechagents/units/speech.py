"""A codec and a unit language model that belong together: what hears, writes and speaks in units.

Owns where the two lie and that they are loaded once. Does not know who asks (`controllers.units`) nor who speaks
(`voices.unit_speech`).

::

    models/understudy/codec/    see `codec`
    models/understudy/lm/       config.json, model.safetensors, tokenizer.json
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from speechagents.audio import Audio
from speechagents.drama import Style
from speechagents.errors import SettingsError, WeightsMissing
from speechagents.residency import LoadedModels
from speechagents.resources import resource
from speechagents.units.codec import load_codec
from speechagents.units.generation import UnitModel, load_unit_model

LANGUAGE: Final = "en"
"""The only one: codec and model have heard no other."""


class Codec(Protocol):
    """Sound to units and back, as `codec.UnitCodec` does it."""

    @property
    def units(self) -> int:
        """Size of the inventory."""

    @property
    def voices(self) -> tuple[str, ...]:
        """Ids of the voices that it speaks with."""

    @property
    def styles(self) -> tuple[str, ...]:
        """Tags of the styles that it knows."""

    @property
    def identity(self) -> str:
        """What must be equal for equal units and sound."""

    def encode(self, sounds: Sequence[Audio]) -> list[tuple[int, ...]]:
        """The units of sounds."""

    def voiced(self, units: Sequence[int], *, voice: str, style: Style) -> Audio:
        """Sound of units."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class UnitSpeech:
    """A codec and a model of its units.

    Attributes:
        codec: Sound to units and back.
        model: Reads and writes units.
    """

    codec: Codec
    model: UnitModel

    @property
    def identity(self) -> str:
        """What must be equal for equal answers."""
        return f"{self.codec.identity} model {self.model.digest}"


def load_unit_speech(model: str = "", *, loaded: LoadedModels | None = None) -> UnitSpeech:
    """Codec and model of a folder; whoever shares `loaded` and asks for the same gets the same.

    Args:
        model: The folder; empty takes the one that comes with this package.
        loaded: Models that are loaded already.

    Raises:
        WeightsMissing: There is no such folder, or something in it is missing or does not go together.
        SettingsError: The codec in it is damaged.
    """
    folder = _folder(model)

    def load() -> UnitSpeech:
        codec = load_codec(folder / "codec")
        return UnitSpeech(codec, load_unit_model(folder / "lm", units=codec.units))

    return (loaded or LoadedModels()).get(("unit speech", str(folder.resolve())), load)


def speaks(tag: str) -> bool:
    """Whether a BCP 47 tag is of the language; empty means the voice's own."""
    return not tag or tag.replace("_", "-").partition("-")[0].lower() == LANGUAGE


def check_spoken(tag: str) -> None:
    """Refuse a language that is not spoken.

    Raises:
        SettingsError: It is not.
    """
    if not speaks(tag):
        raise SettingsError(f"unit speech does not speak {tag[:40]!r}, only {LANGUAGE}; take another preset")


def _folder(model: str) -> Path:
    if model:
        folder = Path(model).expanduser()
        if not folder.is_dir():
            raise WeightsMissing(f"there is no folder {str(folder)[:300]!r} with codec/ and lm/ in it")
        return folder
    try:
        return resource("models", "understudy")
    except FileNotFoundError as error:
        raise WeightsMissing(str(error)) from error
