"""One agent's line while it is on the air.

Owns the line's events on the wire, its sound on the way out, and its voice's thread. Does not know who decides when it
starts or ends (`floor`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

from speechagents.drama import Deed, Message
from speechagents.errors import SpeechAgentsError
from speechagents.live import drama_events, server_events
from speechagents.live.clauses import Clause
from speechagents.live.conversation import Conversation
from speechagents.live.playout import Playout
from speechagents.live.scene import Speaks
from speechagents.live.server_events import Answer, Ending, ItemStatus, ServerEvent
from speechagents.live.timing import AnswerTimes


class StageLine:
    """A line on the air.

    Args:
        spoken: What is said, by whom.
        conversation: Gets its item.
        began_s: When, on the session's clock.
        times: Of the answer to the person that this is; None if it is none.
    """

    def __init__(self, spoken: Speaks, conversation: Conversation, began_s: float, times: AnswerTimes | None) -> None:
        self.spoken = spoken
        self.began_s = began_s
        self.times = times
        self.playout = Playout()
        self.answer = Answer(conversation.name("resp"), conversation.name("item"), spoken.message.speaker)
        self.problem = ""
        self._conversation = conversation
        self._text = ""  # of the clauses that were fed
        self._stopped = False

    @property
    def item_id(self) -> str:
        """Its name on the wire."""
        return self.answer.item_id

    def beginning(self) -> Iterator[ServerEvent]:
        """What the client is told before the first sound."""
        yield self.answer.created()
        yield turn_event(self.spoken.message, self.spoken.why, self.answer)
        yield self.answer.item_added()
        yield self._conversation.add(server_events.agent_item(self.item_id, "", ItemStatus.IN_PROGRESS))
        yield self.answer.part_added()

    def ending(self, ending: Ending) -> Iterator[ServerEvent]:
        """What the client is told after the last sound."""
        yield self.answer.audio_done()
        yield self.answer.transcript_done(self._text)
        yield self.answer.part_done(self._text)
        yield self.answer.item_done(self._text, ending)
        status = ItemStatus.COMPLETED if ending is Ending.COMPLETED else ItemStatus.INCOMPLETE
        yield self._conversation.finish(server_events.agent_item(self.item_id, self._text, status))
        yield self.answer.done(self._text, ending, message=self.problem)

    def speak(
        self,
        clauses: Callable[[Speaks], Iterator[Clause]],
        executor: Executor,
        fed: Callable[[StageLine, str], None],
    ) -> None:
        """Let the voice speak in a thread.

        Args:
            clauses: Speaks a line clause by clause.
            executor: Where.
            fed: Called in the event loop with the words of each clause, and with none at the end.
        """
        loop = asyncio.get_running_loop()

        def run() -> None:
            problem = ""
            try:
                for clause in clauses(self.spoken):
                    if self._stopped or loop.is_closed():
                        return
                    loop.call_soon_threadsafe(self._feed, clause, fed)
            except Exception as error:  # noqa: BLE001 - whatever a voice does, the scene goes on and says so
                problem = str(error) if isinstance(error, SpeechAgentsError) else type(error).__name__
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._end, problem, fed)

        executor.submit(run)

    def stop(self) -> None:
        """Let the voice stop after the clause it is at."""
        self._stopped = True

    def _feed(self, clause: Clause, fed: Callable[[StageLine, str], None]) -> None:
        if not self._stopped:
            words = (" " if self._text and clause.text else "") + clause.text
            self._text += words
            self.playout.feed(clause.audio)
            fed(self, words)

    def _end(self, problem: str, fed: Callable[[StageLine, str], None]) -> None:
        if not self._stopped:
            self.problem = problem
            self.playout.end()
            fed(self, "")


def turn_event(message: Message, reason: str, answer: Answer | None = None) -> ServerEvent:
    """Who has the floor, for the client; without an answer for what makes no sound."""
    return drama_events.turn(
        message.speaker,
        deed=message.deed.value,
        style=message.style.tag,
        reason=reason,
        addresses=message.addresses,
        private=bool(message.audience),
        answer=answer,
        text="" if message.deed is Deed.SPEAK else message.text,
    )
