"""The person on stage: what it says, as the client and the floor come to know it.

Owns the person's utterances on the wire and on their way into the record, and the times of the answer to them. Does
not know sound (`ear`), the rules (`floor`) or the record (`scene`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from speechagents.agents.interplay import is_murmur
from speechagents.audio import Audio
from speechagents.live import drama_events, server_events
from speechagents.live.conversation import Conversation
from speechagents.live.ear import Began, EarEvent, Ended, SoundLost, Understood, Voiced
from speechagents.live.floor import Do, Floor, Said
from speechagents.live.server_events import ItemStatus, ServerEvent
from speechagents.live.timing import AnswerTimes


@dataclass(frozen=True, slots=True)
class Speech:
    """What the person said, on its way into the record.

    Attributes:
        text: What was understood, or typed.
        sound: The person's own; None for what was typed.
        start_s: When it began, on the session's clock.
        end_s: When it was over.
    """

    text: str
    sound: Audio | None
    start_s: float
    end_s: float


class Person:
    """The person of one session.

    Args:
        floor: Told what the person does.
        conversation: Gets the person's items.
        tell: Tells the client.
        follow: Carries out what the floor decides.
        language: BCP 47 tag of the scene.

    Attributes:
        answers: The end of the person's turn lets somebody answer.
        interrupts: Its begin breaks into lines.
        times: Of the answer that is owed to it; None if none is.
    """

    def __init__(
        self,
        floor: Floor,
        conversation: Conversation,
        tell: Callable[[ServerEvent], None],
        follow: Callable[[Sequence[Do]], None],
        language: str,
    ) -> None:
        self.answers = True
        self.interrupts = True
        self.times: AnswerTimes | None = None
        self._floor = floor
        self._conversation = conversation
        self._tell = tell
        self._follow = follow
        self._language = language
        self._said: deque[Speech] = deque()
        self._item_id = ""
        self._partial = ""
        self._words = False

    def take(self) -> Speech:
        """What is to be recorded now."""
        return self._said.popleft()

    def type(self, text: str, item_id: str, now_s: float) -> None:
        """The person says something in writing."""
        item = server_events.typed_item(item_id, text)
        self._tell(self._conversation.add(item))
        self._tell(self._conversation.finish(item))
        self._said.append(Speech(text, None, now_s, now_s))
        self.times = AnswerTimes(now_s, now_s, now_s)
        self._follow(self._floor.person_typed(now_s))
        self._hold_answer(now_s)

    def hear(self, event: EarEvent, now_s: float) -> None:
        """The person makes itself heard."""
        match event:
            case Began():
                self._item_id, self._partial, self._words = self._conversation.name("item"), "", False
                self._tell(server_events.speech_started(self._item_id, event.at_s))
                if self.interrupts or not self._floor.is_speaking:
                    self._follow(self._floor.person_began(now_s))
            case Voiced():
                self._voiced(event, now_s)
            case Ended():
                self._tell(server_events.speech_stopped(self._item_id, event.end_s))
                self._tell(server_events.audio_committed(self._item_id, previous_item_id=self._conversation.last))
                self.times = AnswerTimes(event.end_s, now_s, now_s)
                self._follow(self._floor.person_ended(now_s))
            case Understood():
                self._understood(event, now_s)
            case SoundLost():
                reason = f"{event.lost_s:.1f} s of sound came faster than anybody can listen; send it in real time"
                self._tell(server_events.error(reason, code="input_audio_lost"))

    def _voiced(self, event: Voiced, now_s: float) -> None:
        if event.text and event.text != self._partial:
            self._partial = event.text
            self._words = self._words or not is_murmur(event.text, self._language)
            self._tell(drama_events.transcript_partial(self._item_id, event.text))
        if self.interrupts:
            self._follow(self._floor.person_voiced(now_s, event.voiced_s, words=self._words))

    def _understood(self, event: Understood, now_s: float) -> None:
        text = event.transcript.text.strip()
        item = server_events.spoken_item(self._item_id, text, ItemStatus.COMPLETED)
        self._tell(self._conversation.add(item))
        if event.problem:
            self._tell(server_events.transcription_failed(self._item_id, event.problem, code="not_understood"))
        else:
            if text:
                self._tell(server_events.transcription_delta(self._item_id, text))
            length_s = event.end_s - event.start_s
            self._tell(server_events.transcription_completed(self._item_id, text, duration_s=length_s))
        self._tell(self._conversation.finish(item))
        if self.times is not None:
            self.times.understood_s = now_s
        said = Said.NOTHING if not text else Said.MURMUR if is_murmur(text, self._language) else Said.WORDS
        if said is not Said.NOTHING:
            self._said.append(Speech(text, event.sound, event.start_s, event.end_s))
        self._follow(self._floor.person_understood(now_s, said))
        if said is Said.NOTHING or self._said:
            # A cough, or a sign of listening: nobody's turn, nobody's message.
            self._said.clear()
            self.times = None
        self._hold_answer(now_s)

    def _hold_answer(self, now_s: float) -> None:
        if not self.answers:
            self._follow(self._floor.cancel(now_s))
