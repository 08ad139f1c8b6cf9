"""A scene being played live: what the floor decides is carried out here.

Owns the order of thinking, speaking, hearing and recording, and what of it the client is told. Does not know the rules
of turn-taking (`floor`), how agents think and what is recorded (`scene`), how sound is paced (`playout`), or sockets.

Everything here runs in the event loop and never waits: what takes time is done in threads (`backstage`), and voices
speak beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final

from speechagents.drama import Message
from speechagents.live import drama_events, server_events
from speechagents.live.backstage import Backstage
from speechagents.live.conversation import Conversation
from speechagents.live.ear import EarEvent
from speechagents.live.floor import Do, Floor, Outcome
from speechagents.live.outbox import Outbox
from speechagents.live.person import Person
from speechagents.live.scene import Among, Awaits, Decision, LiveScene, Over, Silent, Speaks
from speechagents.live.server_events import Ending
from speechagents.live.stage_line import StageLine, turn_event
from speechagents.live.timing import Alarm, Clock
from speechagents.stream import message_to_json

DUCKED_GAIN: Final = 0.3
"""How loud an agent stays while it is not yet clear whether the person means to interrupt: about -10 dB."""

_OUTCOMES: Final = {Speaks: Outcome.SPEAKS, Silent: Outcome.SILENT, Awaits: Outcome.AWAITS, Over: Outcome.OVER}


@dataclass(frozen=True, slots=True)
class Threads:
    """Where things are done that take time; sessions share them.

    Attributes:
        thinking: Controllers and the disk.
        voices: Synthesis.
    """

    thinking: Executor
    voices: Executor


class Play:
    """A scene that is being played.

    Args:
        scene: Agents and record, open.
        outbox: What the client is told.
        conversation: The items so far.
        clock: Tells the time.
        threads: Where things are done that take time.
        floor: The rules.

    Attributes:
        scene: What is played.
        zero_s: When the scene's time was 0, on the clock.
    """

    def __init__(
        self,
        scene: LiveScene,
        outbox: Outbox,
        conversation: Conversation,
        clock: Clock,
        threads: Threads,
        floor: Floor | None = None,
    ) -> None:
        self.scene = scene
        self.zero_s = clock.now_s() - scene.position_s
        self._outbox = outbox
        self._conversation = conversation
        self._clock = clock
        self._threads = threads
        self._floor = floor or Floor()
        self._person = Person(self._floor, conversation, outbox.put, self._follow, scene.scene.language)
        self._backstage = Backstage(threads.thinking, self._fail)
        self._alarm: Alarm | None = None
        self._thoughts = 0  # number of the latest thought; whatever has another number is forgotten
        self._called = ""  # the role that the next thought is to be of
        self._ready: Decision | None = None
        self._line: StageLine | None = None
        self._later: tuple[int, Among] | None = None  # a thought that waits for the line on the air to be recorded
        self._shown = ("", "", False)

    @property
    def is_over(self) -> bool:
        """The scene has ended."""
        return self._floor.is_over

    def show(self, message: Message) -> None:
        """Tell the client of a message, if the person heard it."""
        if self._person_hears(message):
            self._outbox.put(drama_events.message(message_to_json(message)))

    # What the client asks for

    def pause(self) -> None:
        """Stop where it is, in the middle of a line too."""
        self._floor.pause()
        if self._line is not None:
            self._line.playout.pause(self._now_s())
        self._wind()

    def go_on(self) -> None:
        """Begin, or go on where it was."""
        if self._line is not None:
            self._line.playout.play(self._now_s())
        self._follow(self._floor.play(self._now_s()))
        self._pump()

    def turn_taking(self, *, answers: bool, interrupts: bool) -> None:
        """Whether the end of the person's turn lets somebody answer, and its begin breaks into lines."""
        self._person.answers, self._person.interrupts = answers, interrupts

    def urge(self) -> None:
        """Let somebody speak now."""
        self._follow(self._floor.urge(self._now_s()))

    def call(self, name: str) -> bool:
        """Let a role speak next; false if no agent of that name is there."""
        role = self.scene.scene.role(name)
        if role is None or role.name == self.scene.person or role.name not in self.scene.present:
            return False
        self._called = role.name
        self._follow(self._floor.call(self._now_s()))
        return True

    def cancel(self, response_id: str = "") -> bool:
        """Cut the line that is on the air; false if it is not that one."""
        if self._line is None or (response_id and response_id != self._line.answer.response_id):
            return False
        self._follow(self._floor.cancel(self._now_s()))
        return True

    def type(self, text: str, item_id: str) -> None:
        """The person says something in writing."""
        self._person.type(text, item_id, self._now_s())

    def hear(self, event: EarEvent) -> None:
        """The person makes itself heard."""
        self._person.hear(event, self._now_s())

    def played(self, item_id: str, played_s: float) -> None:
        """The client has played so much of a line."""
        if self._line is not None and self._line.item_id == item_id:
            self._line.playout.reported(played_s, self._now_s())
            self._pump()

    async def close(self) -> None:
        """End it where it is; what was heard of a line that is on the air stays."""
        self._floor.pause()
        self._forget()
        if self._line is not None:
            self._cut(Ending.CLIENT_CANCELLED)
        self._wind()
        await self._backstage.close()

    # What the floor decides

    def _follow(self, todo: Sequence[Do]) -> None:
        """Carry out what the floor decided, in that order."""
        for do in todo:
            match do:
                case Do.THINK:
                    self._think(Among.EVERYBODY)
                case Do.THINK_WITHOUT_PERSON:
                    self._think(Among.AGENTS)
                case Do.FORGET:
                    self._forget()
                case Do.PERFORM:
                    self._perform()
                case Do.KEEP_SILENCE:
                    self._keep_silence()
                case Do.DUCK:
                    self._duck(DUCKED_GAIN)
                case Do.UNDUCK:
                    self._duck(1.0)
                case Do.CUT_FOR_PERSON:
                    self._cut(Ending.TURN_DETECTED)
                case Do.CUT_FOR_CLIENT:
                    self._cut(Ending.CLIENT_CANCELLED)
                case Do.HEAR_PERSON:
                    self._record_person()
                case Do.END:
                    self._end()
        self._show_queue()
        self._wind()

    def _think(self, among: Among) -> None:
        self._thoughts += 1
        if self._line is not None and not self.scene.thinks_ahead:
            self._later = (self._thoughts, among)
        else:
            self._ask(self._thoughts, among, assuming=self._line.spoken if self._line is not None else None)

    def _ask(self, number: int, among: Among, *, assuming: Speaks | None = None) -> None:
        called, self._called = self._called, ""
        self._backstage.think(
            partial(self.scene.decide, among, assuming=assuming, called=called),
            partial(self._decided, number),
            wanted=lambda: number == self._thoughts,
        )

    def _forget(self) -> None:
        self._thoughts += 1
        self._ready = None
        self._later = None

    def _decided(self, number: int, decided: Decision) -> None:
        if number != self._thoughts:
            return
        now_s = self._now_s()
        self._ready = decided
        times = self._person.times
        if times is not None and times.decided_s is None:
            times.decided_s = now_s
        self._follow(self._floor.thought(now_s, _OUTCOMES[type(decided)]))

    def _perform(self) -> None:
        spoken, self._ready = self._ready, None
        assert isinstance(spoken, Speaks)  # noqa: S101 - the floor performs what speaks
        times, self._person.times = self._person.times, None
        line = self._line = StageLine(spoken, self._conversation, self._now_s(), times)
        if self._person_hears(spoken.message):
            self._tell_all(line.beginning())
            line.speak(self.scene.speech, self._threads.voices, self._fed)
        else:
            # Whispered to somebody else: it takes its place in the record, and the person knows nothing of it.
            line.playout.end()
        self._pump()

    def _fed(self, line: StageLine, words: str) -> None:
        if line is self._line:
            if words:
                self._outbox.put(line.answer.transcript_delta(words))
            self._pump()

    def _pump(self) -> None:
        """Send what is due, and notice the end of a line."""
        line, now_s = self._line, self._now_s()
        if line is not None:
            self._tell_all([line.answer.audio_delta(piece) for piece in line.playout.due(now_s)])
            if line.times is not None and line.playout.has_begun:
                line.times.sounded_s = now_s
                self._outbox.put(drama_events.metrics(line.item_id, line.times.latencies()))
                line.times = None
            if line.playout.is_over(now_s) and line.problem:
                self._finish(line, Ending.FAILED, heard_s=line.playout.heard_s(now_s))
                self._follow(self._floor.voice_failed(now_s))
            elif line.playout.is_over(now_s):
                self._finish(line, Ending.COMPLETED, heard_s=None)
                self._follow(self._floor.played_out(now_s))
        self._wind()

    def _finish(self, line: StageLine, ending: Ending, *, heard_s: float | None) -> None:
        """A line is off the air: tell the client how it ended, and record what was heard of it."""
        self._line = None
        line.stop()
        if self._person_hears(line.spoken.message):
            self._tell_all(line.ending(ending))
        keep = partial(self.scene.keep, line.spoken, heard_s=heard_s, start_s=line.began_s, end_s=self._now_s())
        self._backstage.record(keep, self._recorded)
        later, self._later = self._later, None
        if later is not None:
            self._ask(*later)

    def _cut(self, ending: Ending) -> None:
        line = self._line
        assert line is not None  # noqa: S101 - the floor cuts what is on the air
        heard_s = line.playout.heard_s(self._now_s())
        self._outbox.withdraw(line.item_id)
        self._outbox.put(line.answer.output_cleared())
        self._outbox.put(server_events.item_truncated(line.item_id, heard_s))
        self._finish(line, ending, heard_s=heard_s)

    def _duck(self, gain: float) -> None:
        if self._line is not None:
            self._outbox.put(drama_events.duck(self._line.item_id, gain))

    def _keep_silence(self) -> None:
        silent, self._ready = self._ready, None
        assert isinstance(silent, Silent)  # noqa: S101 - the floor keeps what is silent
        now_s = self._now_s()
        self._tell_all(
            [turn_event(message, silent.reason) for message in silent.step.messages if self._person_hears(message)]
        )
        self._backstage.record(partial(self.scene.keep, silent, start_s=now_s, end_s=now_s), self._recorded)

    def _record_person(self) -> None:
        speech = self._person.take()
        say = partial(self.scene.person_said, speech.text, speech.sound, start_s=speech.start_s, end_s=speech.end_s)
        self._backstage.record(say, self.show)

    def _recorded(self, messages: Sequence[Message]) -> None:
        for message in messages:
            self.show(message)

    def _end(self) -> None:
        over, self._ready = self._ready, None
        assert isinstance(over, Over)  # noqa: S101 - the floor ends what is over
        self._outbox.put(drama_events.scene_over(over.reason))

    # Ways and means

    def _fail(self, reason: str) -> None:
        """Something cannot be done any more: the scene stops, the session stays."""
        self._floor.break_off()
        self._forget()
        self._outbox.put(server_events.error(reason, code="scene_failed", kind=server_events.ERROR_OURS))
        self._outbox.put(drama_events.scene_paused())

    def _person_hears(self, message: Message) -> bool:
        return message.heard_by(self.scene.person)

    def _tell_all(self, events: Iterable[server_events.ServerEvent]) -> None:
        for event in events:
            self._outbox.put(event)

    def _show_queue(self) -> None:
        """Tell who speaks and who is next, when that has changed."""
        speaking = following = ""
        if self._line is not None and self._person_hears(self._line.spoken.message):
            speaking = self._line.spoken.message.speaker
        if isinstance(self._ready, Speaks) and self._person_hears(self._ready.message):
            following = self._ready.message.speaker
        elif isinstance(self._ready, Awaits):
            following = self.scene.person
        shown = (speaking, following, self._floor.waits_for_person)
        if shown != self._shown:
            self._shown = shown
            self._outbox.put(drama_events.queue(speaking=speaking, following=following, waits_for_person=shown[2]))

    def _wind(self) -> None:
        """Set the alarm for the next thing that only time brings."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        dues = [self._floor.deadline]
        if self._line is not None:
            dues.append(self._line.playout.next_due_s(self._now_s()))
        soonest = min((due for due in dues if due is not None), default=None)
        if soonest is not None:
            self._alarm = self._clock.call_at(self.zero_s + soonest, self._rung)

    def _rung(self) -> None:
        self._alarm = None
        self._pump()
        self._follow(self._floor.tick(self._now_s()))

    def _now_s(self) -> float:
        """Seconds on the scene's clock."""
        return self._clock.now_s() - self.zero_s
