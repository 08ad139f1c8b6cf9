"""Where a scene stands: everything that follows from the steps so far.

Owns the fold of steps into state, and the clock of the scene. Decides nothing and reads nothing from disk; the same
steps in the same order give the same state, whether they happen now or were recorded by a run that was killed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

from speechagents.agents.director import Stock
from speechagents.agents.interplay import is_broken_off, murmur_offset_s
from speechagents.agents.memory import Memory
from speechagents.agents.transcript import line_of
from speechagents.controllers.controller import Heard, Usage
from speechagents.drama import Deed, Message, SceneBrief, Style, Turn, role_key
from speechagents.production.rhythm import SceneClock
from speechagents.production.rooms import room_for
from speechagents.production.takes import TakeFile
from speechagents.voices.synthesizer import Take

BARGE_IN_S = 0.25
"""How far an eager speaker reaches into the end of the turn before: most overlaps in conversation are that short
(Heldner & Edlund 2010, J. Phonetics 38:555)."""


class SceneState:
    """A scene so far.

    Args:
        scene: What is played.
        person: Name of the role that a person plays; empty where agents play all.

    Attributes:
        present: Names of the roles that have not left, in the order of the brief.
        turns: Names of all who had the floor, silent ones included.
        acted: Turns that count against the scene's: all but the person's.
        said: All messages, those of the turn that is being spoken included, without times.
        memory: What can be recalled.
        plan: The director's.
        beat: 0-based index of the beat that is played.
        stalls: Turns in a row without progress.
        silent: Silent turns in a row; a person who keeps quiet is not asked for more.
        fallbacks: Turns that are not the controller's own.
        usage: What everything cost.
    """

    def __init__(self, scene: SceneBrief, *, person: str = "") -> None:
        self._scene = scene
        self._person = role_key(person)
        self.present = tuple(role.name for role in scene.roles)
        self.turns: list[str] = []
        self.acted = 0
        self.said: list[Message] = []
        self.memory = Memory()
        self.plan = ""
        self.beat = 0
        self.stalls = 0
        self.silent = 0
        self.fallbacks = 0
        self.usage = Usage()
        self._clock = SceneClock(
            scene.setting, None, seed=scene.seed, last=True, ring_s=room_for(scene.setting).ring_out_s
        )
        self._speech: Message | None = None  # the latest one with sound that joined nothing
        self._end_s = 0.0

    @property
    def steps(self) -> int:
        """Number of turns decided."""
        return len(self.turns)

    def take_note(self, stock: Stock) -> None:
        """What the director made of the scene."""
        self.memory.establish(stock.ledger.facts)
        self.plan, self.beat, self.stalls = stock.ledger.plan, stock.ledger.beat, stock.stalls

    def take_turn(self, turn: Turn, usage: Usage) -> None:
        """A turn was taken."""
        self.turns.append(turn.role)
        mine = role_key(turn.role) == self._person
        self.acted += not mine
        self.silent = self.silent + 1 if turn.deed is Deed.SILENT and not mine else 0
        self.fallbacks += bool(turn.fallback)
        self.usage += usage
        if turn.deed is Deed.LEAVE:
            self.present = tuple(name for name in self.present if role_key(name) != role_key(turn.role))

    def forked(self) -> SceneState:
        """A state that goes on from here on its own: for thinking about what may never happen."""
        other = copy.copy(self)
        other.turns, other.said = self.turns.copy(), self.said.copy()
        other.memory = self.memory.forked()
        vars(other).update(_clock=copy.deepcopy(self._clock))
        return other

    def hear(self, messages: Sequence[Message], understood: Sequence[str]) -> None:
        """Messages were heard, and understood in some way."""
        for message, text in zip(messages, understood, strict=True):
            self.said.append(_timeless(message))
            heard = Heard(
                id=message.id,
                speaker=message.speaker,
                text=text,
                deed=message.deed,
                style=message.style,
                addresses=message.addresses,
                private=bool(message.audience),
            )
            self.memory.add(heard, message.audience)

    def messages_of(self, turn: Turn, murmur: tuple[str, str] | None) -> tuple[Message, ...]:
        """What a turn will put into the stream, without times and takes.

        Args:
            turn: The turn.
            murmur: Who murmurs what under it, if anybody does.
        """
        if turn.deed is Deed.SILENT:
            return ()
        number = len(self.said) + 1
        first = Message(
            id=number,
            speaker=turn.role,
            text=turn.text,
            deed=turn.deed,
            style=turn.style,
            addresses=turn.addresses,
            audience=turn.addresses if turn.private else (),
            start_s=0.0,
            end_s=0.0,
            take="",
            cut=turn.deed is Deed.SPEAK and is_broken_off(turn.text),
            fallback=turn.fallback,
            units=turn.units,
        )
        if murmur is None:
            return (first,)
        role, text = murmur
        under = Message(number + 1, role, text, Deed.BACK_CHANNEL, Style(), (turn.role,), (), 0.0, 0.0, "")
        return (first, under)

    def timed(
        self, messages: Sequence[Message], takes: Sequence[tuple[str, Take | TakeFile] | None], *, eager: bool
    ) -> tuple[Message, ...]:
        """Give a turn's messages their times.

        Args:
            messages: The turn's.
            takes: Address and take of each; None for what makes no sound.
            eager: The turn reaches into the end of the one before.
        """
        done: list[Message] = []
        under: tuple[str, Take | TakeFile] | None = None  # the turn that a murmur lies under
        for message, take in zip(messages, takes, strict=True):
            joins_after_s: float | None = None
            if message.deed is Deed.BACK_CHANNEL:
                if under is not None:
                    joins_after_s = murmur_offset_s(under[1].words, under[1].duration_s)
                else:
                    take = None
            elif eager:
                joins_after_s = self._barge_in_s()
            if take is None:
                done.append(_at(message, self._end_s, self._end_s, ""))
                continue
            if message.deed is Deed.SPEAK:
                under = take
            done.append(self._placed(message, take, joins_after_s))
        return tuple(done)

    def _placed(self, message: Message, take: tuple[str, Take | TakeFile], joins_after_s: float | None) -> Message:
        address, sound = take
        line = line_of(message, language=self._scene.language, joins_after_s=joins_after_s)
        start_s = self._clock.place(line, sound.duration_s, sound.words)
        placed = _at(message, start_s, start_s + sound.duration_s, address)
        if joins_after_s is None:
            self._speech = placed
        self._end_s = max(self._end_s, placed.end_s)
        return placed

    def _barge_in_s(self) -> float | None:
        """After how much of the last speech an eager speaker begins; None where there is nothing to barge into."""
        speech = self._speech
        if speech is None or speech.cut or speech.audience:
            return None
        length_s = speech.end_s - speech.start_s
        # Under a murmur, too, the end of the speech is what counts; what is nearly over already is let go.
        if self._end_s > speech.end_s + BARGE_IN_S or length_s < 4.0 * BARGE_IN_S or length_s > 60.0:
            return None
        return round(length_s - BARGE_IN_S, 2)


def _at(message: Message, start_s: float, end_s: float, take: str) -> Message:
    return Message(
        message.id,
        message.speaker,
        message.text,
        message.deed,
        message.style,
        message.addresses,
        message.audience,
        round(start_s, 4),
        round(end_s, 4),
        take,
        message.cut,
        message.fallback,
        message.units,
    )


def _timeless(message: Message) -> Message:
    return _at(message, 0.0, 0.0, "")
