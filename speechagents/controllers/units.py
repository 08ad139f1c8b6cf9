"""The controller that this project trained itself: a small language model that hears and writes speech units.

Owns what it is asked and what becomes of its answers. Does not know how answers are computed (`units.generation`), nor
how prompts are worded (`units.wording`). It is small, and at home in scenes like those it learnt from: it shows that
the method works, and is no actor for just any scene.

Where agents hear sound it hears units; where they read it reads the words. How much somebody wants the floor is how
likely the model holds it that they speak next.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from speechagents.audio import Audio
from speechagents.controllers.controller import AgentInput, Answer, Bid, Heard, MalformedTurn, Usage
from speechagents.errors import SettingsError
from speechagents.residency import LoadedModels
from speechagents.units.generation import Sampling
from speechagents.units.speech import Codec, UnitSpeech, check_spoken, load_unit_speech
from speechagents.units.wording import next_prompt, read_turn, role_marks, turn_prompt

SOUNDS_KEPT: Final = 128
"""Sounds whose units are kept, with the sounds: more than agents are given at once."""
_TRIES: Final = 2


class UnitsController:
    """Acts and bids by a unit language model. Safe to use from several threads.

    Args:
        speech: Codec and model.
        sampling: How tokens are chosen.
    """

    def __init__(self, speech: UnitSpeech, *, sampling: Sampling) -> None:
        self._model = speech.model
        self._sampling = sampling
        self._ears = _Ears(speech.codec)
        chance = f"{sampling.temperature:g} {sampling.unit_temperature:g} {sampling.top_p:g}"
        self._identity = f"unit controller 2 {speech.identity} {chance}"

    @property
    def identity(self) -> str:
        """Codec, model and how tokens are chosen."""
        return self._identity

    @property
    def hears(self) -> bool:
        """It hears what was said, as units."""
        return True

    def check_language(self, tag: str) -> None:
        """Refuse any language but English.

        Raises:
            SettingsError: It is another one.
        """
        check_spoken(tag)

    def respond(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Answer | MalformedTurn]:
        """One turn for each agent asked, in order."""
        for ask in asks:
            yield self._turn(ask, seed)

    def bid(self, asks: Sequence[AgentInput], *, seed: int) -> Iterator[Bid | MalformedTurn]:  # noqa: ARG002
        """One bid for each agent asked, in order; nothing is drawn, so all seeds are alike.

        Agents who heard the same have one prompt, which is computed once.
        """
        known: dict[tuple[str, tuple[str, ...]], dict[str, float]] = {}
        for ask in asks:
            marks = role_marks(ask.present)
            try:
                prompt = next_prompt(
                    ask, self._ears.units(ask.heard), room=self._model.prompt_room, count=self._model.count
                )
                key = (prompt, ask.present)
                fresh = key not in known
                if fresh:
                    known[key] = dict(zip(marks, self._model.chances(prompt, list(marks.values())), strict=True))
            except ValueError as error:
                yield MalformedTurn(ask.role.name, str(error))
                continue
            chance = known[key].get(ask.role.key, 0.0)
            usage = Usage(tokens_in=self._model.count(prompt)) if fresh else Usage()
            reason = f"speaks next with a chance of {chance:.0%}"
            yield Bid(ask.role.name, min(1.0, chance), reason=reason, usage=usage)

    def _turn(self, ask: AgentInput, seed: int) -> Answer | MalformedTurn:
        marks = role_marks(ask.present)
        own = marks.get(ask.role.key, "")
        others = [mark for mark in marks.values() if mark != own]
        usage, reason = Usage(), ""
        for attempt in range(_TRIES):
            try:
                prompt = turn_prompt(
                    ask, self._ears.units(ask.heard), room=self._model.prompt_room, count=self._model.count
                )
                written = self._model.turn(
                    prompt,
                    others,
                    own=own,
                    sampling=self._sampling,
                    seed=_seed(seed, attempt, ask.role.key, ask.step),
                )
                usage += Usage(written.tokens_in, written.tokens_out)
                return Answer(read_turn(written.text, ask), usage)
            except ValueError as error:
                reason = str(error)
        return MalformedTurn(ask.role.name, reason, usage)


class _Ears:
    """Sounds as units; those of the latest sounds are kept, since all agents are given the same.

    Args:
        codec: Encodes them.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._changing = threading.Lock()
        # By identity: agents of a scene are given one object, and to compare samples would take as long as to encode
        # them. The sound is kept as well, or else another one could come to have its identity.
        self._kept: OrderedDict[int, tuple[Audio, tuple[int, ...]]] = OrderedDict()

    def units(self, heard: Sequence[Heard]) -> list[tuple[int, ...]]:
        """Units of each message; none for one without a sound."""
        sounds = {id(one.audio): one.audio for one in heard if one.audio is not None}
        with self._changing:
            fresh = [sound for key, sound in sounds.items() if key not in self._kept]
            for sound, units in zip(fresh, self._codec.encode(fresh) if fresh else [], strict=True):
                self._kept[id(sound)] = (sound, units)
            found = {key: self._kept[key][1] for key in sounds}
            for key in sounds:
                self._kept.move_to_end(key)
            while len(self._kept) > SOUNDS_KEPT:
                self._kept.popitem(last=False)
        return [found[id(one.audio)] if one.audio is not None else () for one in heard]


def make_units_controller(*, model: str = "", loaded: LoadedModels | None = None, **options: Any) -> UnitsController:
    """A controller that hears and writes units.

    Args:
        model: Folder with ``codec/`` and ``lm/``; empty takes the one that comes with this package.
        loaded: Models that are loaded already: voices of the same folder use the same one.
        options: Those of `units.generation.Sampling`.

    Raises:
        SettingsError: An option is out of range, or the codec is damaged.
        WeightsMissing: There is no such folder, or something in it is missing.
    """
    try:
        sampling = Sampling(**options)
    except ValueError as error:
        raise SettingsError(f"the controller units: {error}") from error
    return UnitsController(load_unit_speech(model, loaded=loaded), sampling=sampling)


def _seed(seed: int, attempt: int, role: str, step: int) -> int:
    """Of one answer: it does not depend on who else is asked."""
    told = f"{seed}\0{attempt}\0{role}\0{step}"
    return int.from_bytes(hashlib.blake2b(told.encode(), digest_size=8).digest(), "big")
