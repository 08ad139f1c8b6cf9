"""A second opinion: a language model is asked about the quotations whose speakers are unsure, and about no others.

Owns that exchange: what is asked, how often, what is done with answers, and what with none. Does not know which text a
question shows (`excerpts`), how it is worded or who answers (`controllers`).

The model labels quotations with people who are there. Whatever it does, the attribution stays usable: what it does not
answer, or not usably, keeps the speaker that was found without it. The same text and the same model are asked the same,
at temperature 0 and with one seed.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from speechagents.attribution.answers import KeptAnswers, Speakers
from speechagents.attribution.excerpts import Question, questions_about, unsure_quotes
from speechagents.attribution.quotation import Attribution, Quote
from speechagents.controllers.ascribing import Ascribed, Ascribes, Excerpt
from speechagents.controllers.ascription_prompt import ASCRIPTIONS_VERSION
from speechagents.controllers.controller import Usage
from speechagents.errors import ControllerError, SettingsError
from speechagents.settings import UNSURE_BELOW

AGREED: Final = 0.9
"""Confidence of a speaker whom the model names too. Not calibrated: it depends on the model."""
TOLD: Final = 0.75
"""Confidence of a speaker whom the model alone names."""

BATCH: Final = 8
"""Questions that are under way together; answers are kept after each batch."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How far the asking is.

    Attributes:
        done: Questions that are through, those of earlier runs included.
        of: All questions.
    """

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Told:
    """What came of asking.

    Attributes:
        attribution: With the speakers that the model named.
        asked: Quotations that were asked about, now or in an earlier run.
        named: Those of them that the model had an answer for.
        changed: Those of them whose speaker is another than before.
        questions: Requests for answers in this run; each holds several quotations.
        usage: Tokens of this run.
        warnings: For people: what the model failed to do. Empty if all went well.
    """

    attribution: Attribution
    asked: int = 0
    named: int = 0
    changed: int = 0
    questions: int = 0
    usage: Usage = field(default_factory=Usage)
    warnings: tuple[str, ...] = ()


def ask_about_unsure(
    text: str,
    paragraphs: Sequence[tuple[int, int]],
    attribution: Attribution,
    controller: Ascribes | None,
    *,
    below: float = UNSURE_BELOW,
    most: int | None = None,
    answers: KeptAnswers | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Told:
    """Ask a language model who speaks where that is unsure, to the end; see `asking_about_unsure`.

    Args:
        text: The novel.
        paragraphs: Offsets of its paragraphs, in order, apart from each other.
        attribution: Who says what, as found without the model.
        controller: Who is asked.
        below: Quotations with less confidence are unsure.
        most: Most quotations to ask about.
        answers: What was answered before.
        seed: Of the model.
        progress: Told how many questions are through, and of how many.
    """
    asking = asking_about_unsure(
        text, paragraphs, attribution, controller, below=below, most=most, answers=answers, seed=seed
    )
    while True:
        try:
            asked = next(asking)
        except StopIteration as end:
            told: Told = end.value
            return told
        if progress is not None:
            progress(asked.done, asked.of)


def asking_about_unsure(
    text: str,
    paragraphs: Sequence[tuple[int, int]],
    attribution: Attribution,
    controller: Ascribes | None,
    *,
    below: float = UNSURE_BELOW,
    most: int | None = None,
    answers: KeptAnswers | None = None,
    seed: int = 0,
) -> Generator[Asked, None, Told]:
    """Ask a language model who speaks where that is unsure, batch by batch.

    Args:
        text: The novel.
        paragraphs: Offsets of its paragraphs, in order, apart from each other.
        attribution: Who says what, as found without the model.
        controller: Who is asked; None asks nobody and goes by the answers that are there.
        below: Quotations with less confidence are unsure.
        most: Ask about no more quotations than so many, the least sure ones; None for all that are unsure.
        answers: What was answered before; None remembers nothing.
        seed: Of the model.

    Yields:
        How far it is: before the first batch of questions, and after each.

    Returns:
        The attribution with the model's answers. A model that fails costs nothing but these: it is told in `warnings`.

    Raises:
        SettingsError: `below` or `most` is out of range.
        StorageError: Answers cannot be kept.
    """
    if not 0.0 <= below <= 1.0:
        raise SettingsError(f"{below} is no confidence; quotations are unsure below a number from 0 to 1")
    if most is not None and most < 0:
        raise SettingsError(f"{most} quotations cannot be asked about")
    unsure = unsure_quotes(attribution, below=below, most=most)
    questions = list(questions_about(text, paragraphs, attribution, unsure, known=below))
    exchange = _Exchange(controller, KeptAnswers() if answers is None else answers, seed)
    heard = yield from exchange.run(questions)
    named: dict[int, str | None] = {}
    for question, speakers in zip(questions, heard, strict=True):
        named |= {question.quotes[number - 1]: name for number, name in (speakers or {}).items()}
    quotes = tuple(
        _with_speaker(quote, named[index]) if index in named else quote
        for index, quote in enumerate(attribution.quotes)
    )
    unanswered = sum(len(question.quotes) for question, speakers in zip(questions, heard, strict=True) if not speakers)
    return Told(
        attribution=replace(attribution, quotes=quotes),
        asked=sum(len(question.quotes) for question in questions),
        named=len(named),
        changed=sum(attribution.quotes[index].speaker != name for index, name in named.items()),
        questions=exchange.sent,
        usage=exchange.usage,
        warnings=exchange.warnings(unanswered),
    )


class _Exchange:
    """Questions put to one controller, batch by batch."""

    def __init__(self, controller: Ascribes | None, answers: KeptAnswers, seed: int) -> None:
        self._controller = controller
        self._answers = answers
        self._seed = seed
        self._failures: Counter[str] = Counter()
        self.sent = 0
        self.usage = Usage()

    def run(self, questions: Sequence[Question]) -> Generator[Asked, None, list[Speakers | None]]:
        """The usable part of each answer, None where there is none."""
        if not questions:
            return []
        keys = [_key(self._seed, question.excerpt) for question in questions]
        by: str | None = None
        try:
            by = self._controller.identity if self._controller else None
        except ControllerError as error:
            # Whoever cannot even say which model there is has answered before, or has not.
            self._fail(str(error), sum(self._answers.find(key, None) is None for key in keys))
        if self._controller is not None and by is not None:
            yield from self._ask_all(self._controller, by, keys, questions)
        kept = [self._answers.find(key, by) for key in keys]
        return [one and _usable(one, question.excerpt) for one, question in zip(kept, questions, strict=True)]

    def _ask_all(
        self, controller: Ascribes, by: str, keys: Sequence[str], questions: Sequence[Question]
    ) -> Generator[Asked, None, None]:
        """Ask what has not been answered yet."""
        still = [at for at, key in enumerate(keys) if self._answers.find(key, by) is None]
        through = len(questions) - len(still)
        yield Asked(through, len(questions))
        for first in range(0, len(still), BATCH):
            batch = {keys[at]: questions[at].excerpt for at in still[first : first + BATCH]}
            if not self._ask(controller, by, batch):
                # Whoever answers nothing at all will not answer the rest either, and each try may take minutes.
                self._fail("it was not asked any more", len(still[first + BATCH :]))
                return
            through += len(still[first : first + BATCH])
            yield Asked(through, len(questions))

    def _ask(self, controller: Ascribes, by: str, batch: Mapping[str, Excerpt]) -> bool:
        """Ask a batch and keep its answers; whether anything came back."""
        self.sent += len(batch)
        waiting, answered, reason = len(batch), False, "no answer"
        try:
            replies = controller.ascribe([*batch.values()], seed=self._seed)
            for (key, excerpt), reply in zip(batch.items(), replies, strict=False):
                waiting -= 1
                self.usage += reply.usage
                if isinstance(reply, Ascribed):
                    self._answers.keep(key, by, _usable(reply.speakers, excerpt))
                else:
                    self._fail(reply.reason, 1)
                    if reply.answered:
                        # It would answer the same again.
                        self._answers.keep(key, by, {})
                answered |= isinstance(reply, Ascribed) or reply.answered
        except ControllerError as error:
            reason = str(error)
        self._fail(reason, waiting)
        return answered

    def _fail(self, reason: str, questions: int) -> None:
        if questions:
            self._failures[reason] += questions

    def warnings(self, unanswered: int) -> tuple[str, ...]:
        """What went wrong, in one sentence; nothing if nothing did."""
        if not self._failures:
            return ()
        # What went wrong first explains the rest.
        reason = next(iter(self._failures))
        told = (
            f"the language model gave no usable answer to {self._failures.total()} questions ({reason}); {unanswered} "
            "quotations keep the speakers that were found without it"
        )
        return (told,)


def _with_speaker(quote: Quote, name: str | None) -> Quote:
    agreed = quote.speaker == name
    return replace(
        quote,
        speaker=name,
        confidence=max(quote.confidence, AGREED) if agreed else TOLD,
        # Whoever was thought to be spoken to may turn out to be the one who speaks.
        addressee=None if quote.addressee == name else quote.addressee,
    )


def _usable(speakers: Mapping[int, str | None], excerpt: Excerpt) -> Speakers:
    """What an answer says about what was asked: other numbers and other people are not believed, whoever answers."""
    names = {one.name for one in excerpt.candidates}
    numbers = set(excerpt.numbers)
    return {
        number: name
        for number, name in sorted(speakers.items())
        if number in numbers and (name is None or name in names)
    }


def _key(seed: int, excerpt: Excerpt) -> str:
    """Names a question: all that is shown."""
    pieces = [(one.text, one.join.value, one.quoted, one.number, one.speaker) for one in excerpt.pieces]
    people = [(one.name, one.aliases, one.gender) for one in excerpt.candidates]
    shown = json.dumps([ASCRIPTIONS_VERSION, seed, excerpt.teller, people, pieces])
    return hashlib.sha256(shown.encode()).hexdigest()
