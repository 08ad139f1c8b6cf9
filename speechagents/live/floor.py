"""Who has the floor on a live stage: one person and up to 24 agents, one voice at a time.

Owns the rules of turn-taking: when agents think, when one of them speaks, how long they wait for the person, and what
becomes of a line when the person speaks into it. Does not know sound, sockets, models or clocks: it is told what
happened and when, and answers with what to do now. Whoever carries that out calls `tick` when `deadline` has come.

**The rules.** There is always a next thought, unless the person has the floor: while one agent speaks, what comes after
it is thought about already. When the person starts to speak over an agent, the agent is turned down at once; it is cut
after real words or half a second of voice, and comes back if that was a cough or a sign of listening. What was thought
before the person said something is forgotten. When it is the person's turn and nothing comes, the agents go on among
themselves after a while.

Sources: gaps between speakers centre near 200 ms (Levinson & Torreira 2015, Front. Psychol. 6:731). The half second
before an interruption counts, and that signs of listening do not take the floor, are our choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum


class Outcome(StrEnum):
    """What came of a thought."""

    SPEAKS = "speaks"
    SILENT = "silent"
    """An agent does something that makes no sound, or nothing."""
    AWAITS = "awaits"
    """It is the person's turn."""
    OVER = "over"


class Said(StrEnum):
    """What the person's voice turned out to be."""

    WORDS = "words"
    MURMUR = "murmur"
    NOTHING = "nothing"


class Do(Enum):
    """What is to be done now."""

    THINK = "think"
    """Decide who is next, the person included."""
    THINK_WITHOUT_PERSON = "think without the person"
    FORGET = "forget"
    """Whatever is being thought, or was thought and not performed, is void."""
    PERFORM = "perform"
    """Speak what was thought."""
    KEEP_SILENCE = "keep silence"
    """Put what was thought into the record; it makes no sound."""
    DUCK = "duck"
    """Turn the speaking agent down."""
    UNDUCK = "unduck"
    CUT_FOR_PERSON = "cut for the person"
    """End the line here; the person speaks."""
    CUT_FOR_CLIENT = "cut for the client"
    """End the line here; the client asked for it."""
    HEAR_PERSON = "hear the person"
    """Put what the person said into the record."""
    END = "end"
    """The scene is over."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Times of the floor, in seconds.

    Attributes:
        gap_s: From the end of one agent's line to the start of the next.
        patience_s: How long the person is waited for when it is its turn.
        cut_after_s: Voice over a line after which the line is cut, whatever was said.
        words_after_s: Voice over a line after which understood words cut it: recognisers hear words in a cough.
        beat_s: Between things that make no sound.
    """

    gap_s: float = 0.2
    patience_s: float = 8.0
    cut_after_s: float = 0.5
    words_after_s: float = 0.25
    beat_s: float = 0.5


class Floor:
    """The floor of one session. Times are seconds on any clock that does not go back.

    Args:
        pace: Its times.
    """

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._thinking = False
        self._thought: Outcome | None = None  # ready, and not yet acted on
        self._speaking = False
        self._ducked = False
        self._talking = False
        self._understanding = 0  # utterances that ended and are not understood yet
        self._not_before_s = 0.0
        self._waits_until_s: float | None = None
        self._held_until_s: float | None = None
        self._without_person = False
        self._paused = False
        self._over = False

    @property
    def is_speaking(self) -> bool:
        """An agent speaks."""
        return self._speaking

    @property
    def is_over(self) -> bool:
        """The scene has ended."""
        return self._over

    @property
    def person_has_it(self) -> bool:
        """The person speaks, or is being understood."""
        return self._talking or self._understanding > 0

    @property
    def waits_for_person(self) -> bool:
        """It is the person's turn, and nothing has come yet."""
        return self._thought is Outcome.AWAITS and not self._speaking and not self.person_has_it

    @property
    def deadline(self) -> float | None:
        """When `tick` is to be called at the latest; None if nothing is waited for."""
        if self._paused or self._over or self.person_has_it:
            return None
        if self._held_until_s is not None:
            return self._held_until_s
        if self._thought is None or self._speaking:
            return None
        return self._waits_until_s if self._thought is Outcome.AWAITS else self._not_before_s

    def tick(self, now_s: float) -> tuple[Do, ...]:
        """Time has passed."""
        return self._go_on(now_s)

    def thought(self, now_s: float, outcome: Outcome) -> tuple[Do, ...]:
        """What was asked for by ``THINK`` is there, and was not forgotten in the meantime."""
        self._thinking = False
        self._thought = outcome
        return self._go_on(now_s)

    def played_out(self, now_s: float) -> tuple[Do, ...]:
        """The agent's line was heard to its end."""
        self._speaking = self._ducked = False
        self._not_before_s = now_s + self._pace.gap_s
        return self._go_on(now_s)

    def voice_failed(self, now_s: float) -> tuple[Do, ...]:
        """The agent's line broke off by itself; what was thought ahead counted on it."""
        self._speaking = self._ducked = False
        self._not_before_s = now_s + self._pace.beat_s
        return (*self._forget(), *self._go_on(now_s))

    def person_began(self, now_s: float) -> tuple[Do, ...]:
        """The person has started to make sound."""
        del now_s  # kept for one shape of all that happens
        self._talking = True
        if self._speaking and not self._ducked:
            self._ducked = True
            return (Do.DUCK,)
        return ()

    def person_voiced(self, now_s: float, voiced_s: float, *, words: bool) -> tuple[Do, ...]:
        """The person goes on.

        Args:
            now_s: Now.
            voiced_s: Seconds of voice since it began.
            words: Words that are no mere sign of listening have been understood.
        """
        enough_s = self._pace.words_after_s if words else self._pace.cut_after_s
        if self._talking and self._speaking and voiced_s >= enough_s:
            return self._cut(now_s, Do.CUT_FOR_PERSON)
        return ()

    def person_ended(self, now_s: float) -> tuple[Do, ...]:
        """The person has fallen silent; what was said is being understood."""
        del now_s
        if self._talking:
            self._talking = False
            self._understanding += 1
        return ()

    def person_understood(self, now_s: float, said: Said) -> tuple[Do, ...]:
        """What the person said since it began is known."""
        self._understanding = max(0, self._understanding - 1)
        return self._said(now_s, said)

    def person_typed(self, now_s: float) -> tuple[Do, ...]:
        """The person said something without a voice."""
        return self._said(now_s, Said.WORDS)

    def cancel(self, now_s: float) -> tuple[Do, ...]:
        """The client wants quiet: the line is cut, and the person is waited for."""
        done = self._cut(now_s, Do.CUT_FOR_CLIENT) if self._speaking else self._forget()
        self._held_until_s = now_s + self._pace.patience_s
        return done

    def urge(self, now_s: float) -> tuple[Do, ...]:
        """The client wants somebody to speak now."""
        self._held_until_s = None
        if self._thought is Outcome.AWAITS:
            self._waits_until_s = now_s
        return self._go_on(now_s)

    def call(self, now_s: float) -> tuple[Do, ...]:
        """The client wants somebody in particular to speak next."""
        self._held_until_s = None
        return (*self._forget(), *self._go_on(now_s))

    def pause(self) -> None:
        """Nobody begins anything until `play`."""
        self._paused = True

    def break_off(self) -> None:
        """What was being thought came to nothing; nobody begins anything until `play`, which thinks again."""
        self._forget()
        self._paused = True

    def play(self, now_s: float) -> tuple[Do, ...]:
        """Go on after `pause`; the person is waited for anew."""
        self._paused = False
        self._waits_until_s = None
        return self._go_on(now_s)

    def _said(self, now_s: float, said: Said) -> tuple[Do, ...]:
        # "Yes" under somebody's line is a sign of listening; into silence it is an answer.
        if said is Said.WORDS or (said is Said.MURMUR and not self._ducked):
            done = self._cut(now_s, Do.CUT_FOR_PERSON) if self._speaking else self._forget()
            self._without_person = False
            self._held_until_s = None
            self._not_before_s = now_s
            return (*done, Do.HEAR_PERSON, *self._go_on(now_s))
        done = ()
        if self._ducked and not self._talking:
            self._ducked = False
            done = (Do.UNDUCK,)
        return (*done, *self._go_on(now_s))

    def _cut(self, now_s: float, how: Do) -> tuple[Do, ...]:
        self._speaking = self._ducked = False
        self._not_before_s = now_s
        return (how, *self._forget())

    def _forget(self) -> tuple[Do, ...]:
        forgets = self._thinking or self._thought is not None
        self._thinking = False
        self._thought = None
        self._waits_until_s = None
        return (Do.FORGET,) if forgets else ()

    def _go_on(self, now_s: float) -> tuple[Do, ...]:
        """All that can be done now."""
        done: list[Do] = []
        while not (self._paused or self._over or self.person_has_it):
            if self._held_until_s is not None:
                if now_s < self._held_until_s:
                    break
                self._held_until_s = None
            step = self._think() if self._thought is None else self._act(now_s, self._thought)
            if not step:
                break
            done += step
        return tuple(done)

    def _think(self) -> tuple[Do, ...]:
        if self._thinking:
            return ()
        self._thinking = True
        how = Do.THINK_WITHOUT_PERSON if self._without_person else Do.THINK
        self._without_person = False
        return (how,)

    def _act(self, now_s: float, thought: Outcome) -> tuple[Do, ...]:
        """Act on a thought, if its time has come."""
        if self._speaking:
            return ()
        if thought is Outcome.AWAITS:
            if self._waits_until_s is None:
                self._waits_until_s = now_s + self._pace.patience_s
            if now_s < self._waits_until_s:
                return ()
            self._without_person = True
            return self._forget()
        if now_s < self._not_before_s:
            return ()
        self._thought = None
        if thought is Outcome.SPEAKS:
            self._speaking = True
            return (Do.PERFORM,)
        if thought is Outcome.SILENT:
            self._not_before_s = now_s + self._pace.beat_s
            return (Do.KEEP_SILENCE,)
        self._over = True
        return (Do.END,)
