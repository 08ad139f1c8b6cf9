"""Asking a controller once: what it answered is on disk before anybody uses it, and what it may cost is bounded.

Owns the journal ``build.jsonl`` and the account of a build. A build is a function of its options and of the answers in
this journal, so that going on after a kill is the same as never having been killed: the same questions are asked in the
same order, and those that have an answer are not put to the controller again. Does not know what becomes of answers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from speechagents.benchmark.building.scripting import SilentPlay, play_silently
from speechagents.benchmark.building.settings import BuildSettings
from speechagents.benchmark.script_file import ScriptLine
from speechagents.controllers.controller import Controller, MalformedTurn, Proposes, Usage
from speechagents.drama import SceneBrief
from speechagents.errors import BenchmarkError, SceneError
from speechagents.journal import MAX_ENTRY_BYTES, Journal, entry_line
from speechagents.scripts.scene_file import parse_scene, write_scene

JOURNAL_FILE: Final = "build.jsonl"

_TOKEN_CHARS: Final = 4
"""Characters of a token in English, about: the rule of thumb of the tokenizer guide of OpenAI's API."""
_MAX_REASON_CHARS: Final = 300


class BudgetSpentError(Exception):
    """A question would cost more than the build may; the message says which budget is used up."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """What came back cannot be used.

    Attributes:
        reason: For people.
    """

    reason: str


class Asker:
    """Asks a controller for proposals and plays.

    Args:
        controller: Who is asked.
        journal: Of the build; its first entry says what is built, the others are answers.
        about: What is built; must be what the journal says.
        settings: Of the build; their budgets count.

    Attributes:
        usage: What everything cost, as far as the controller told, earlier runs included.
        estimated_tokens: Of proposals, earlier runs included.
        items: Scenes and scripts that were begun.
        put: Questions that were put to the controller by this run.

    Raises:
        BenchmarkError: The journal is of another build, or an entry of it is damaged.
    """

    def __init__(
        self, controller: Controller, journal: Journal, about: Mapping[str, Any], settings: BuildSettings
    ) -> None:
        self._controller = controller
        self._journal = journal
        self._settings = settings
        self._known: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self.usage = Usage()
        self.estimated_tokens = 0
        self.items = 0
        self.put = 0
        for number, entry in enumerate(journal.entries(), 1):
            with self._damage(number):
                if number == 1:
                    _refuse_another(entry["about"], about, journal.path.parent)
                else:
                    self._count(number, entry)
        if not len(journal):
            journal.append({"about": dict(about)})

    @property
    def tokens(self) -> int:
        """What counts against the budget."""
        return self.usage.tokens_in + self.usage.tokens_out + self.estimated_tokens

    def begin_item(self) -> None:
        """A scene or a script is begun."""
        self.items += 1

    def propose(self, idea: str, roles: int, seed: int) -> SceneBrief | Unusable:
        """A scene of an idea.

        Raises:
            BudgetSpentError: It has not been asked yet, and may not be.
            ControllerError: The controller cannot be used.
        """
        language = self._settings.language
        key = _key("propose", idea, roles, language, seed)
        if key not in self._known:
            self._spend()
            assert isinstance(self._controller, Proposes)  # noqa: S101 - nobody else is built with
            found = self._controller.propose(idea, roles=roles, language=language, seed=seed)
            self._learn(key, _proposal_entry(found, idea))
        number, entry = self._known[key]
        with self._damage(number):
            return Unusable(str(entry["refused"])) if "refused" in entry else _scene(entry)

    def play(self, scene: SceneBrief, name: str) -> SilentPlay | Unusable:
        """A scene, played without a sound.

        Args:
            scene: With the roles that play, its policy and its seed.
            name: Of the script.

        Raises:
            BudgetSpentError: It has not been played yet and may not be, or what it cost has used up the budget.
            ControllerError: The controller cannot be used.
        """
        key = _key("play", name, write_scene(scene))
        if key not in self._known:
            self._spend()
            spent = Usage()

            def after_turn(usage: Usage) -> None:
                nonlocal spent
                spent = usage
                self._spend(usage)

            try:
                play = play_silently(scene, self._controller, after_turn=after_turn)
            except BaseException:
                # It has to be paid for all the same.
                if spent != Usage():
                    self._learn("", {"usage": _counts(spent)})
                raise
            if play.failed == play.turns:
                # Most likely nobody answers; whoever goes on later may find somebody who does.
                self._learn("", {"usage": _counts(play.usage)})
                self.put += 1
                return Unusable(f"none of its turns could be used ({play.fault})")
            self._learn(key, _play_entry(play))
        number, entry = self._known[key]
        with self._damage(number):
            return Unusable(str(entry["refused"])) if "refused" in entry else _play(entry)

    @property
    def answers(self) -> int:
        """How many there are; see `forget`."""
        return len(self._journal)

    def forget(self, answers: int) -> None:
        """Keep the first answers alone, so that the others are asked for again by the next run; they stay paid for.

        Args:
            answers: As many as there were at some time.
        """
        usage, estimated = Usage(), 0
        for entry in list(self._journal.entries())[answers:]:
            usage += Usage(*entry.get("usage", (0, 0)))
            estimated += entry.get("estimated", 0)
        self._journal.cut(answers)
        self._journal.append({"key": "", "usage": _counts(usage), "estimated": estimated})

    def _spend(self, usage: Usage | None = None) -> None:
        """Go on only within the budgets."""
        settings = self._settings
        tokens = self.tokens + (usage.tokens_in + usage.tokens_out if usage else 0)
        if settings.budget_tokens and tokens >= settings.budget_tokens:
            raise BudgetSpentError(f"{tokens} tokens are used up; the budget is {settings.budget_tokens}")
        if settings.budget_items and self.items > settings.budget_items:
            raise BudgetSpentError(f"{settings.budget_items} scenes and scripts were asked for, which is the budget")

    def _learn(self, key: str, entry: Mapping[str, Any]) -> None:
        full = {"key": key, **entry}
        if len(entry_line(full)) > MAX_ENTRY_BYTES:
            kept = {name: value for name, value in full.items() if name in ("key", "usage", "estimated")}
            full = {**kept, "refused": f"longer than {MAX_ENTRY_BYTES // 1000} kB"}
        self._journal.append(full)
        self.put += bool(key)
        self._count(len(self._journal), full)

    def _count(self, number: int, entry: Mapping[str, Any]) -> None:
        self._known[str(entry["key"])] = number, entry
        tokens_in, tokens_out = entry.get("usage", (0, 0))
        self.usage += Usage(int(tokens_in), int(tokens_out))
        self.estimated_tokens += int(entry.get("estimated", 0))

    @contextmanager
    def _damage(self, number: int) -> Iterator[None]:
        """Tell which entry of the journal is damaged: it may have been edited."""
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError, SceneError) as error:
            reason = f"is damaged ({error}); delete this line and all below it, then run the same command again"
            raise BenchmarkError(reason, source=str(self._journal.path), line=number) from error


def _proposal_entry(found: SceneBrief | MalformedTurn, idea: str) -> Mapping[str, Any]:
    if isinstance(found, MalformedTurn):
        return {"refused": found.reason[:_MAX_REASON_CHARS], "usage": _counts(found.usage)}
    try:
        text = write_scene(found)
    except SceneError as error:
        return {"refused": str(error)[:_MAX_REASON_CHARS], "estimated": len(idea) // _TOKEN_CHARS}
    return {"scene": text, "estimated": (len(idea) + len(text)) // _TOKEN_CHARS}


def _play_entry(play: SilentPlay) -> Mapping[str, Any]:
    return {
        "lines": [[line.role, line.style, line.text] for line in play.lines],
        "turns": play.turns,
        "failed": play.failed,
        "ending": play.ending,
        "fault": play.fault,
        "usage": _counts(play.usage),
    }


def _play(entry: Mapping[str, Any]) -> SilentPlay:
    return SilentPlay(
        lines=tuple(ScriptLine(str(role), str(style), str(text)) for role, style, text in entry["lines"]),
        turns=int(entry["turns"]),
        failed=int(entry["failed"]),
        ending=str(entry["ending"]),
        usage=Usage(*map(int, entry["usage"])),
        fault=str(entry["fault"]),
    )


def _scene(entry: Mapping[str, Any]) -> SceneBrief:
    return parse_scene(str(entry["scene"]), source="proposal")


def _counts(usage: Usage) -> list[int]:
    return [usage.tokens_in, usage.tokens_out]


def _key(*asked: object) -> str:
    return hashlib.blake2b(json.dumps(asked).encode(), digest_size=12).hexdigest()


def _refuse_another(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Go on with what was begun, or with the same and further ideas."""
    # Through JSON and back, so that both sides have lists.
    wanted: dict[str, Any] = json.loads(json.dumps(dict(now)))
    for name in sorted(set(before) | set(wanted)):
        one, other = before.get(name), wanted.get(name)
        if name == "ideas" and isinstance(one, list) and isinstance(other, list):
            other = other[: len(one)]
        if one != other:
            raise BenchmarkError(f"{folder}: was begun with another {name}; go on with the same, or name a new folder")
