"""A scene in which one role is a person: agents and the person share one message stream.

Owns the record: what was decided, what of it was heard, what the person said. Does not know sockets, clocks or turn
taking (`live.session`, `live.floor`); whoever drives it says when something was played, and how far.

**The record** is that of an improvised scene, with the same files. A decision changes nothing; it is recorded by `keep`
when it was heard, and only as far as it was: everybody remembers of a line that was cut off what was played of it. So
what was not kept never happened, and a folder that is opened again goes on where the record stops. Each record is on
disk before its messages are in the stream, and these before anybody is told.

**The person** is a role like any other, but nobody acts for it. A policy that gives it the floor makes `decide` answer
`Awaits`. Whoever the person spoke to answers next, under every policy (`live.addressing`). The scene's number of turns
bounds what agents do; the person may say as much as they like. When agents have fallen silent the scene is not over, as
it would be without a person: they wait for the person.

**Sound**: what was played is kept as it was, the person's own voice too, and is never spoken again: an export takes
these recordings. Times are those of the session; an export places the lines anew, without the pauses in which somebody
thought. What the person typed makes no sound here, and is spoken by the voice of their role in an export.

Murmurs under somebody's turn, and turns that agents break off by themselves, are left out: live, the person does that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from speechagents.actors import Actors
from speechagents.agents.deciding import MAX_REASON_CHARS, Chosen, Deciding
from speechagents.agents.director import ending, fallen_silent
from speechagents.agents.policies import make_policy
from speechagents.agents.state import SceneState
from speechagents.agents.transcript import line_of
from speechagents.assembling import (
    SceneKind,
    assemble,
    check_options,
    refuse_another_scene,
    scene_as_played,
    settings_json,
    write_down,
)
from speechagents.audio import Audio
from speechagents.drama import MAX_LINE_CHARS, Deed, Message, SceneBrief, Style, Turn, clean_name, role_key
from speechagents.errors import SettingsError
from speechagents.live.addressing import WithPerson, addressees
from speechagents.live.clauses import Clause
from speechagents.live.decisions import Among, Awaits, Decision, Over, Silent, Speaks
from speechagents.live.record import LiveRecord, line_key
from speechagents.live.speech import LineSpeech
from speechagents.performance import Troupe
from speechagents.production.folder import Production
from speechagents.production.recordings import as_take_sound
from speechagents.production.takes import recording_address
from speechagents.settings import ImproviseSettings
from speechagents.voices.synthesizer import Take

__all__ = ["Among", "Awaits", "Decision", "LiveScene", "Over", "Silent", "Speaks"]

_RENEWED: Final = ("schema", "speechagents", "state")
"""What `production.json` says anew each time."""


class LiveScene:
    """A scene with a person in it, open in its production folder. Use it as a context manager.

    One call after the other changes the record (`keep`, `person_said`). `decide` and the clauses of `speech` may take
    their time in other threads meanwhile; what was decided before somebody else was heard does not hold any more.

    Args:
        troupe: With which voices.
        actors: Who acts for the agents.
        scene: What is played.
        person: Name of the role that the person plays, in any spelling.
        out: The production folder; what is recorded there already is gone on with.
        settings: Options; formats and master are those that an export may go by later.
        seconds: A clock that only ever goes forward, to time the thinking by.

    Attributes:
        scene: The brief as it is played.
        person: Name of the person's role.
        cast: Who speaks with which voice; the person's role has one for what is typed.
        controller: Identity of the controller.
        why: Why these voices and this controller, for people.

    Raises:
        InputError: The scene, the role, the cast or an option is at fault; nothing was written.
        ProductionError: The folder holds something else, or another person's role.
    """

    def __init__(
        self,
        troupe: Troupe,
        actors: Actors,
        scene: SceneBrief,
        person: str,
        out: Path,
        *,
        settings: ImproviseSettings,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scene = scene = scene_as_played(scene, settings)
        role = scene.role(person)
        if role is None:
            names = ", ".join(one.name for one in scene.roles)
            raise SettingsError(f"{clean_name(person) or 'nobody'} is no role of this scene; play one of {names}")
        self.person = role.name
        check_options(troupe, scene, settings)
        self._production = Production(out)
        refuse_another_scene(self._production, scene, SceneKind.LIVE, person=role.name)
        policy = WithPerson(make_policy(scene.policy), role.name)
        assembled = assemble(troupe, actors, scene, settings, self._production, policy=policy)
        self.cast = assembled.cast
        self.controller = actors.controller.identity
        self.why = f"{troupe.why}; {actors.why or self.controller}"
        self._about = {
            "kind": SceneKind.LIVE,
            "person": role.name,
            "controller": self.controller,
            "preset": troupe.preset,
            "voices": troupe.synthesizer.identity,
            "cast": {casting.role: casting.voice.id for casting in assembled.cast},
            "improvise": settings_json(settings),
        }
        self._settings = settings
        self._stage = assembled.stage
        self._company = assembled.company
        self._record = LiveRecord(scene, role.name, out)
        self._deciding = Deciding(scene, assembled.company, self._record.placed)
        self._seconds = seconds
        self._speeches: dict[str, tuple[str, LineSpeech]] = {}  # with the basis of their decision
        self._changing = threading.RLock()
        self._thinking = threading.Lock()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        production = self._production
        with ExitStack() as opening:
            opening.enter_context(production)
            before = {name: value for name, value in production.record().items() if name not in _RENEWED}
            self._about = {**before, **self._about}
            write_down(production, self.scene, self.cast, self._settings, self._about)
            opening.enter_context(self._record)
            opening.callback(self._sum_up)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, speech in self._speeches.values():
            speech.stop()
        self._open.close()

    @property
    def position_s(self) -> float:
        """End of the latest message: where the clock of a session that goes on has to start."""
        return max((message.end_s for message in self.messages()), default=0.0)

    @property
    def present(self) -> tuple[str, ...]:
        """Names of the roles that have not left, the person's included."""
        return self._record.state.present

    @property
    def thinks_ahead(self) -> bool:
        """Whether `decide` may be asked what comes after a line that is still being played: not if agents hear it."""
        return not self._company.waits_for_sound

    def messages(self) -> tuple[Message, ...]:
        """All messages so far."""
        with self._changing:
            return tuple(self._record.placed.values())

    def decide(self, among: Among = Among.EVERYBODY, *, assuming: Speaks | None = None, called: str = "") -> Decision:
        """Who is next and what they do; changes nothing that is recorded.

        Args:
            among: Whether the person may be given the floor.
            assuming: Decide as if this line had been heard whole: thinking ahead while it is being played.
            called: Name of the role that the person's client calls for; empty leaves it to the policy.

        Raises:
            ControllerError: The controller cannot be used, and nobody has said anything yet.
            ValueError: The line that is assumed was decided before somebody else was heard, or agents hear sound.
        """
        if assuming is not None and not self.thinks_ahead:
            raise ValueError("agents who hear a line cannot think about what comes after it before")
        with self._changing:
            state, basis = self._record.supposing(assuming, passes=False)
            later, _ = self._record.supposing(assuming, passes=True)
        passed = False
        with self._thinking:
            began_s = self._seconds()
            chosen = self._choose(state, called)
            if isinstance(chosen, Awaits) and among is Among.AGENTS:
                state, passed = later, True
                chosen = self._choose(state)
            if not isinstance(chosen, Chosen):
                return chosen
            turn, usage = self._deciding.act(state, chosen)
            thought_s = self._seconds() - began_s
        step = chosen.step(state.steps, turn, state.messages_of(turn, None), usage)
        if turn.deed is Deed.SPEAK:
            return Speaks(step, step.messages[0], chosen.choice.reason, thought_s, basis, passed)
        return Silent(step, turn.role, chosen.choice.reason, thought_s, basis, passed)

    def _choose(self, state: SceneState, called: str = "") -> Chosen | Awaits | Over:
        """Give somebody the floor; to the person too when agents have fallen silent."""
        if not called and fallen_silent(state.silent, active=len(state.present)) and not _over(self.scene, state):
            return Awaits(self.person, "nobody else has anything to say")
        chosen = self._deciding.choose(state, called=called)
        if isinstance(chosen, str):
            return Over(chosen)
        if role_key(chosen.choice.role) == role_key(self.person):
            return Awaits(self.person, chosen.choice.reason)
        return chosen

    def holds(self, decided: Speaks | Silent) -> bool:
        """Whether what has happened since is just what was assumed; if not, decide again."""
        with self._changing:
            return decided.basis == self._record.basis

    def speech(self, decided: Speaks) -> Iterator[Clause]:
        """Its sound, each clause as soon as it is spoken; nothing if it cannot be spoken."""
        return self._speech_of(decided).clauses()

    def keep(
        self, decided: Speaks | Silent, *, start_s: float, end_s: float, heard_s: float | None = None
    ) -> tuple[Message, ...]:
        """Record what became of a decision; its messages are on disk when this returns.

        A line of which not a single word was heard counts as a silent turn. What the person said while a line was being
        played may be recorded before the line is.

        Args:
            decided: The decision.
            start_s: When it began, on the session's clock.
            end_s: When it was over; for what makes no sound it is over when it begins.
            heard_s: How much of its sound was played; None for all.

        Returns:
            What enters the stream: nothing for a silent turn.

        Raises:
            ValueError: It was decided before somebody else was heard; decide again.
            StorageError: The disk is full; nothing is recorded.
        """
        record = self._record
        record.refuse_stale(decided)
        turn, drafts = decided.step.turn, decided.step.messages
        if isinstance(decided, Speaks):
            message = self._heard(decided, heard_s)
            drafts = () if message is None else (message,)
            if message is None:
                turn = replace(turn, deed=Deed.SILENT, text="", addresses=(), private=False, units=())
        with self._changing:
            record.refuse_stale(decided)
            messages = tuple(
                replace(draft, id=number, start_s=round(start_s, 4), end_s=round(end_s if draft.take else start_s, 4))
                for number, draft in enumerate(drafts, len(record.state.said) + 1)
            )
            understood = tuple(message.text for message in messages)
            if self._company.waits_for_sound:
                hints = [role.name for role in self.scene.roles]
                understood = tuple(self._company.ears.listen(messages, hints=hints, language=self.scene.language))
            if decided.passed and not record.persons_turn:
                record.append_pass()
            step = replace(decided.step, number=record.state.steps)
            record.append(replace(step, turn=turn, messages=messages, understood=understood))
            self._end_speeches()
        return messages

    def person_said(self, text: str, audio: Audio | None, *, start_s: float, end_s: float) -> Message:
        """Record what the person said.

        It is for those whom it names; if it names nobody, for whoever spoke to the person last or was cut off by them.

        Args:
            text: What was understood, or typed; not empty.
            audio: The person's own sound; None for what was typed.
            start_s: When it began, on the session's clock.
            end_s: When it was over.

        Raises:
            ValueError: There is no text.
            StorageError: The disk is full; nothing is recorded.
        """
        text = clean_name(text)[:MAX_LINE_CHARS]
        if not text:
            raise ValueError("the person said nothing")
        sound = as_take_sound(audio) if audio is not None else None
        with self._changing:
            state = self._record.state
            said = state.said
            last = said[-1] if said else None
            agents = [name for name in state.present if name != self.person]
            named = addressees(text, agents)
            why = "spoke"
            if last is not None and last.speaker in agents:
                why = f"broke in on {last.speaker}" if last.cut else why
                if not named and (last.cut or self.person in last.addresses):
                    named = (last.speaker,)
            message = Message(
                id=len(said) + 1,
                speaker=self.person,
                text=text,
                deed=Deed.SPEAK,
                style=Style(),
                addresses=named,
                audience=(),
                start_s=round(start_s, 4),
                end_s=round(end_s, 4),
                take="",
            )
            if sound is not None:
                line = self._stage.spoken_line(line_of(message, language=self.scene.language))
                message = replace(message, take=self._saved(Take(line, sound)))
            turn = Turn(self.person, text=text, addresses=named)
            self._record.append(self._record.persons_step(turn, why, message))
        return message

    def _speech_of(self, decided: Speaks) -> LineSpeech:
        with self._changing:
            key = line_key(decided)
            if key not in self._speeches:
                line = line_of(decided.message, language=self.scene.language)
                speech = LineSpeech(self._stage.synthesizer, self._stage.spoken_line(line))
                self._speeches[key] = (decided.basis, speech)
            return self._speeches[key][1]

    def _heard(self, decided: Speaks, heard_s: float | None) -> Message | None:
        """A line as far as it was heard, its sound on disk; None if not a single word was."""
        speech, message = self._speech_of(decided), decided.message
        if heard_s is None:
            take = speech.whole()
        elif (heard := speech.heard(heard_s)) is None:
            return None
        else:
            text, take = heard
            if text != message.text:
                message = replace(message, text=text, cut=True, units=())
        if speech.problem:
            fallback = f"could not be spoken: {speech.problem}"[:MAX_REASON_CHARS]
            message = replace(message, fallback=message.fallback or fallback)
        return message if take is None else replace(message, take=self._saved(take))

    def _end_speeches(self) -> None:
        """End those that cannot be heard any more."""
        for key, (basis, speech) in list(self._speeches.items()):
            if not self._record.is_good(basis):
                del self._speeches[key]
                speech.stop()

    def _saved(self, take: Take) -> str:
        """Write a sound to disk as it is; its address."""
        address = recording_address(take.audio)
        self._stage.takes.save(address, take)
        return address

    def _sum_up(self) -> None:
        """Say in ``production.json`` what there is."""
        about = {"title": self.scene.title, "language": self.scene.language, "state": "done"}
        self._production.write_record({**self._about, **about, "duration_s": self.position_s})


def _over(scene: SceneBrief, state: SceneState) -> str:
    """Why a scene is over even if somebody has something to say; empty while it is not."""
    return ending(scene, turns=state.acted, silent_in_a_row=0, active=len(state.present), done=False)
