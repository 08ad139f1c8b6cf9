"""A judge: cells as they were played go in, opinions and failures come out, and nothing is asked twice.

Owns what a judge is asked of a cell, how often, and what is kept. Does not know how questions are worded
(`judge_prompt`), how they travel (`judge_server`), or what is made of scores (`opinions`, `agreement`).

Each repetition asks about all criteria at once, with a seed of its own; every second one shows criteria and bands, and
of a pair the transcripts, in reversed order. Several answers with a little chance in them say more than the likeliest
one (Liu et al. 2023, G-Eval, arXiv 2303.16634), and a reason comes before its score (the same, and Zheng et al. 2023,
arXiv 2306.05685).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from speechagents.benchmark.judging.criteria import CRITERIA, Criterion
from speechagents.benchmark.judging.excerpt import Extent, excerpt_of
from speechagents.benchmark.judging.judge_prompt import JUDGING_VERSION, digest_of, pair_prompt, score_prompt
from speechagents.benchmark.judging.judge_server import Answer, JudgeServer, Question
from speechagents.benchmark.judging.judgements import JUDGEMENTS_FILE, AnswerKey, Judgements
from speechagents.benchmark.judging.opinions import (
    Failure,
    FailureKind,
    Judged,
    Order,
    Verdict,
    failures,
    read_scores,
)
from speechagents.benchmark.judging.pairwise import Preference, read_preferences
from speechagents.benchmark.judging.purse import Purse
from speechagents.benchmark.played import Played
from speechagents.controllers.controller import Usage
from speechagents.controllers.language_model import Prompt
from speechagents.controllers.model_server import check_range
from speechagents.controllers.retrying import Sleep
from speechagents.errors import ControllerError

TAKES: Final = 8
"""Most takes that a judge who hears is given of a cell."""

_NO_LINES: Final = Answer(kind=FailureKind.UNASKED, reason="nothing was said or done")
_NO_SOUND: Final = Answer(kind=FailureKind.UNASKED, reason="nothing in it can be heard")


class Judge:
    """A language model that judges; any behind a server that speaks chat completions. Not for several threads at once.

    Nothing is sent before it is used. `close`, or the end of the object, closes the connections.

    Args:
        base_url: Of the server, for example ``http://localhost:11434/v1``; without a path it gets ``/v1``. Empty takes
            that in ``SPEECHAGENTS_SERVER``.
        model: Its name there; empty takes the first that the server lists.
        key_variable: Name of the environment variable that holds the key; empty sends none. None takes
            ``SPEECHAGENTS_API_KEY`` or, over TLS alone, ``OPENAI_API_KEY``. No key crosses a network unencrypted.
        repeats: How often each cell is judged; an even number shows both orders equally often.
        audio: It hears takes instead of reading the styles of their lines.
        criteria: What is judged.
        lines: Most messages that are shown of a cell.
        sound_s: Most sound of a cell, in seconds.
        temperature: Above 0: or another seed would change nothing.
        max_tokens: Most tokens of an answer; models that think before they answer need more.
        budget_tokens: Most tokens of all answers and questions together; 0 for no limit.
        concurrency: Most questions at the same time.
        timeout_s: Longest wait for one whole answer, in seconds.
        attempts: Tries for each question, the first included, where the trouble may pass.
        sleep: Waits before another try.

    Attributes:
        usage: Tokens of all answers that came so far, as the server counts them.

    Raises:
        SettingsError: An argument is out of range, or the key would cross a network unencrypted.
    """

    def __init__(
        self,
        *,
        base_url: str,
        model: str = "",
        key_variable: str | None = None,
        repeats: int = 2,
        audio: bool = False,
        criteria: Sequence[Criterion] = CRITERIA,
        lines: int = 24,
        sound_s: float = 64.0,
        temperature: float = 0.5,
        max_tokens: int = 1_600,
        budget_tokens: int = 0,
        concurrency: int = 4,
        timeout_s: float = 120.0,
        attempts: int = 3,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        check_range("repeats", repeats, 1, 100)
        check_range("lines", lines, 3, 400)
        check_range("sound_s", sound_s, 1, 600)
        check_range("temperature", temperature, 0, 2)
        check_range("max_tokens", max_tokens, 100, 100_000)
        check_range("budget_tokens", budget_tokens, 0, 10**12)
        self._server = JudgeServer(
            base_url=base_url,
            model=model,
            key_variable=key_variable,
            concurrency=concurrency,
            timeout_s=timeout_s,
            attempts=attempts,
            sleep=sleep,
        )
        self._repeats = repeats
        self._audio = audio
        self._criteria = tuple(criteria)
        self._extent = Extent(lines, TAKES if audio else 0, sound_s)
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._purse = Purse(budget_tokens)
        self.usage = Usage()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Break off what is under way and close the connections; the next use opens new ones."""
        self._server.close()

    @property
    def identity(self) -> str:
        """Name of the model, and what else its scores depend on; the server has to be asked if no model was named.

        Raises:
            ControllerError: It was asked and has no model, or does not answer.
        """
        return f"judge {self._server.model} {JUDGING_VERSION}" + (" hearing" if self._audio else "")

    def judge(self, played: Played, *, seed: int) -> Generator[Verdict, None, None]:
        """Opinions and failures on a cell as answers come; `judge_all` says what can go wrong.

        Args:
            played: The cell.
            seed: Of all judging in a run. Equal cells of two systems are asked about with equal seeds.
        """
        with closing(self._run([played], seed)) as run:
            for _, verdicts in run:
                yield from verdicts

    def judge_all(self, cells: Iterable[Played], *, seed: int) -> Generator[Judged, None, None]:
        """Judge cells, several at a time; each is there as soon as all is said about it.

        Cells are drawn when there is room for their questions. Closing the iterator breaks off what is under way; what
        was answered is kept in the cells' folders.

        Args:
            cells: Any number.
            seed: Of all judging in a run.

        Raises:
            ControllerError: The server never worked, and now cannot be reached, or refuses key or model; or the model
                is to hear and does not.
            SettingsError: The key would cross a network unencrypted.
            ProductionError: What is kept of a cell's judgements is damaged.
            StorageError: Answers cannot be kept.
        """
        with closing(self._run(cells, seed)) as run:
            for case, _ in run:
                if not case.waiting:
                    yield Judged(case.played.name, tuple(case.verdicts), case.usage)

    def compare(self, first: Played, second: Played, *, seed: int) -> Generator[Preference | Failure, None, None]:
        """Which of two cells of one scene is better, as answers come; `judge_all` says what can go wrong.

        What is answered is kept in the folder of the first.

        Args:
            first: One cell.
            second: Another one, of the same scene with the same roles.
            seed: Of all judging in a run.

        Raises:
            ValueError: They are of different scenes.
        """
        if [role.key for role in first.scene.roles] != [role.key for role in second.scene.roles]:
            raise ValueError(f"{first.name} and {second.name} are not of the same scene and roles")
        with (
            Judgements(first.folder) as judgements,
            closing(
                self._server.answers(self._pair_questions(first, second, judgements, seed), self._purse)
            ) as answers,
        ):
            for asked, answer in answers:
                self._count(asked, answer)
                asked.keep(answer)
                repeat, order = asked.key.repeat, asked.key.order
                if answer.kind is not None:
                    yield from failures(self._criteria, answer.kind, answer.reason, repeat)
                else:
                    yield from read_preferences(answer.text, self._criteria, repeat=repeat, order=order)

    def _run(self, cells: Iterable[Played], seed: int) -> Generator[tuple[_Case, tuple[Verdict, ...]], None, None]:
        """Cells with what is said of them, answer by answer."""
        opened: list[_Case] = []
        try:
            with closing(self._server.answers(self._questions(cells, opened, seed), self._purse)) as answers:
                for asked, answer in answers:
                    case = next(one for one in opened if one.judgements is asked.judgements)
                    usage = self._count(asked, answer)
                    asked.keep(answer)
                    verdicts = _verdicts(answer, self._criteria, asked.key)
                    case.take(verdicts, usage)
                    if not case.waiting:
                        opened.remove(case)
                        case.judgements.close()
                    yield case, verdicts
        finally:
            for case in opened:
                case.judgements.close()

    def _questions(
        self, cells: Iterable[Played], opened: list[_Case], seed: int
    ) -> Generator[Question[_Asked], None, None]:
        for played in cells:
            judgements = Judgements(played.folder)
            opened.append(_Case(played, judgements, waiting=self._repeats))
            excerpt = excerpt_of(played, self._extent)
            instead = None if excerpt.parts else _NO_LINES
            if self._audio and instead is None and not excerpt.heard:
                instead = _NO_SOUND
            for repeat in range(self._repeats):
                order = Order.of(repeat)
                prompt = score_prompt(
                    played.scene,
                    excerpt,
                    self._criteria,
                    order,
                    max_tokens=self._max_tokens,
                    temperature=self._temperature,
                )
                yield self._question(prompt, judgements, _seed(seed, played.name, repeat), repeat, instead)

    def _pair_questions(
        self, first: Played, second: Played, judgements: Judgements, seed: int
    ) -> Generator[Question[_Asked], None, None]:
        one, other = excerpt_of(first, self._extent), excerpt_of(second, self._extent)
        instead = None if one.parts and other.parts else _NO_LINES
        if self._audio and instead is None and not (one.heard and other.heard):
            instead = _NO_SOUND
        for repeat in range(self._repeats):
            order = Order.of(repeat)
            prompt = pair_prompt(
                first.scene,
                one,
                other,
                self._criteria,
                order,
                max_tokens=self._max_tokens,
                temperature=self._temperature,
            )
            name = f"{first.name}\0{second.name}"
            yield self._question(prompt, judgements, _seed(seed, name, repeat), repeat, instead, pair=True)

    def _question(
        self,
        prompt: Prompt,
        judgements: Judgements,
        seed: int,
        repeat: int,
        instead: Answer | None,
        *,
        pair: bool = False,
    ) -> Question[_Asked]:
        names = tuple(one.name for one in self._criteria)
        key = AnswerKey(self.identity, names, repeat, Order.of(repeat), digest_of(prompt, seed), pair)
        answer = instead or judgements.find(key)
        # Judgements that are there already can be read without the server.
        if answer is None and self._audio and not self._server.hears:
            raise ControllerError(
                f"the model {self._server.model} does not hear, so that it cannot judge sound; let it judge text, or "
                "name another model"
            )
        return Question(_Asked(key, judgements, fresh=answer is None), prompt, seed, answer)

    def _count(self, asked: _Asked, answer: Answer) -> Usage:
        usage = answer.usage if asked.fresh else Usage()
        self.usage += usage
        return usage


def kept_verdicts(folder: Path) -> Mapping[str, tuple[Verdict, ...]]:
    """What judges said of a cell so far, by identity: of each repetition the latest; nothing is asked.

    Args:
        folder: Of the cell.

    Raises:
        ProductionError: The file is damaged.
    """
    if not (folder / JUDGEMENTS_FILE).is_file():
        return {}
    with Judgements(folder) as judgements:
        latest = {(key.judge, key.repeat): (key, answer) for key, answer in judgements.all.items() if not key.pair}
    found: dict[str, tuple[Verdict, ...]] = {}
    for key, answer in latest.values():
        criteria = [one for one in CRITERIA if one.name in key.criteria]
        found[key.judge] = (*found.get(key.judge, ()), *_verdicts(answer, criteria, key))
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A question that is under way, and where its answer belongs; `fresh` ones come from the server."""

    key: AnswerKey
    judgements: Judgements
    fresh: bool

    def keep(self, answer: Answer) -> None:
        if self.fresh and answer.final:
            self.judgements.keep(self.key, answer)


@dataclass(slots=True, eq=False)
class _Case:
    """A cell about which answers are still to come."""

    played: Played
    judgements: Judgements
    waiting: int
    verdicts: list[Verdict] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    def take(self, verdicts: Iterable[Verdict], usage: Usage) -> None:
        self.waiting -= 1
        self.verdicts += verdicts
        self.usage += usage


def _verdicts(answer: Answer, criteria: Sequence[Criterion], key: AnswerKey) -> tuple[Verdict, ...]:
    if answer.kind is not None:
        return failures(criteria, answer.kind, answer.reason, key.repeat)
    return read_scores(answer.text, criteria, repeat=key.repeat, order=key.order)


def _seed(seed: int, name: str, repeat: int) -> int:
    digest = hashlib.blake2b(f"{seed}\0{name}\0{repeat}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
