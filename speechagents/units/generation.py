"""What a speech-unit language model answers: seeded choice of tokens within a form, and who is likely to speak next.

Owns sampling and the model as one thing: vocabulary, weights and what was read. Does not know how prompts are worded
(`wording`), what may be written where (`forms`), or how the numbers come about (`llama`).

Answers are written one after the other; prompts of agents who heard the same share what was computed of it. On one core
that is as fast as a batch, since the weights of such a model stay in the processor's cache.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from speechagents.errors import WeightsMissing
from speechagents.units.forms import LEAST_ROOM, Alphabet, Form, SpeechForm, TurnForm, WordsForm
from speechagents.units.llama import CONFIG, WEIGHTS, Floats, Llama, Memory, load_llama
from speechagents.units.tokens import FILE, UnitTokens, load_tokens
from speechagents.units.wording import ANSWER_SHARE

MAX_TEMPERATURE: Final = 4.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen.

    Attributes:
        temperature: Of text: 0 takes the likeliest, 1 draws as likely as the model holds it.
        unit_temperature: The same of speech.
        top_p: The least likely tokens that have 1 - top_p together are never drawn (Holtzman et al. 2020,
            arXiv 1904.09751).
    """

    temperature: float = 0.7
    unit_temperature: float = 0.4
    top_p: float = 0.95

    def __post_init__(self) -> None:
        for name in ("temperature", "unit_temperature"):
            if not 0.0 <= getattr(self, name) <= MAX_TEMPERATURE:
                raise ValueError(f"{name} {getattr(self, name)} is not between 0 and {MAX_TEMPERATURE:g}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p {self.top_p} is not above 0 and up to 1")


@dataclass(frozen=True, slots=True)
class Written:
    """An answer.

    Attributes:
        text: In the unit format, the end included.
        tokens_in: Of the prompt.
        tokens_out: Of the answer.
    """

    text: str
    tokens_in: int
    tokens_out: int


class UnitModel:
    """A speech-unit language model in memory. Safe to use from several threads, which wait for each other.

    Args:
        llama: Its weights.
        tokens: Its vocabulary.
        units: How many of its units can be voiced; None is all.
        digest: Of its files.

    Raises:
        ValueError: Weights and vocabulary do not go together.
    """

    def __init__(self, llama: Llama, tokens: UnitTokens, *, units: int | None = None, digest: str = "") -> None:
        if llama.sizes.vocab_size < tokens.size:
            raise ValueError(f"it has {llama.sizes.vocab_size} embeddings for {tokens.size} tokens")
        self._context = llama.sizes.max_position_embeddings
        self._tokens = tokens
        self._alphabet = Alphabet(tokens, units=units)
        self._memory = Memory(llama)
        self._at_work = threading.Lock()
        self._digest = digest

    @property
    def digest(self) -> str:
        """Of its files: what must be the same for the same answers."""
        return self._digest

    @property
    def prompt_room(self) -> int:
        """Most tokens of a prompt; the rest is for the answer."""
        return self._context - round(ANSWER_SHARE * self._context)

    @property
    def computed_tokens(self) -> int:
        """Tokens that the model has been through so far; those that prompts share count once."""
        return self._memory.computed

    def count(self, text: str) -> int:
        """How many tokens a string of the unit format has."""
        return self._tokens.count(text)

    def turn(self, prompt: str, others: Sequence[str], *, own: str = "", sampling: Sampling, seed: int) -> Written:
        """A turn behind a `wording.turn_prompt`.

        Args:
            prompt: The prompt.
            others: Marks of those who can be spoken to.
            own: Mark of the role that speaks, if it has one.
            sampling: How tokens are chosen.
            seed: Of all chance.

        Raises:
            ValueError: The prompt leaves no room.
        """
        ids = self._prompt(prompt)
        form = TurnForm(
            self._alphabet,
            [self._tokens.id_of(mark) for mark in others],
            own=self._tokens.id_of(own) if own else None,
            room=self._context - len(ids),
        )
        return self._write(ids, form, sampling, seed)

    def speech(self, prompt: str, *, words: int, sampling: Sampling, seed: int) -> Written:
        """Units behind a `wording.read_prompt`.

        Args:
            prompt: The prompt.
            words: Tokens of the words in it; how long speech may get follows from them.
            sampling: How tokens are chosen.
            seed: Of all chance.

        Raises:
            ValueError: The prompt leaves no room.
        """
        ids = self._prompt(prompt)
        return self._write(ids, SpeechForm(self._alphabet, words=words, room=self._context - len(ids)), sampling, seed)

    def words(self, prompt: str, *, sampling: Sampling, seed: int, most: int = 256) -> Written:
        """Words behind a `wording.hear_prompt` or `wording.question_prompt`, of so many tokens at most.

        Raises:
            ValueError: The prompt leaves no room.
        """
        ids = self._prompt(prompt)
        return self._write(ids, WordsForm(self._alphabet, room=min(most, self._context - len(ids))), sampling, seed)

    def chances(self, prompt: str, roles: Sequence[str]) -> list[float]:
        """How likely each role is behind a `wording.next_prompt`, all together 1.

        Args:
            prompt: The prompt.
            roles: Marks, one at least.

        Raises:
            ValueError: The prompt leaves no room.
        """
        ids = self._prompt(prompt)
        with self._at_work:
            logits = self._memory.read(ids)
        scores = logits[[self._tokens.id_of(mark) for mark in roles]].astype(np.float64)
        shares = np.exp(scores - scores.max())
        return [float(share) for share in shares / shares.sum()]

    def _prompt(self, prompt: str) -> list[int]:
        ids = self._tokens.encode(prompt)
        if len(ids) + LEAST_ROOM > self._context:
            raise ValueError(f"a prompt of {len(ids)} tokens leaves no room in a context of {self._context}")
        return ids

    def _write(self, ids: Sequence[int], form: Form, sampling: Sampling, seed: int) -> Written:
        chance = np.random.default_rng(seed)
        written: list[int] = []
        over = False
        with self._at_work:
            logits = self._memory.read(ids)
            while not over:
                allowed = form.allowed()
                temperature = sampling.unit_temperature if form.speaks else sampling.temperature
                token = int(allowed[_chosen(logits[allowed], temperature, sampling.top_p, chance)])
                written.append(token)
                over = form.take(token)
                if not over:
                    logits = self._memory.follow([token])[0]
        return Written(self._tokens.decode(written), len(ids), len(written))


def load_unit_model(folder: Path, *, units: int | None = None) -> UnitModel:
    """The model in a folder.

    Args:
        folder: With ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
        units: How many units can be voiced; None is all of the model's.

    Raises:
        WeightsMissing: There is none, or it is damaged, or its units are fewer.
    """
    tokens, llama = load_tokens(folder), load_llama(folder)
    if units is not None and tokens.units < units:
        raise WeightsMissing(
            f"{folder}: knows {tokens.units} units, and the codec beside it {units}; get both from the same place"
        )
    digest = hashlib.blake2b(digest_size=6)
    for name in (FILE, CONFIG, WEIGHTS):
        digest.update((folder / name).read_bytes())
    try:
        return UnitModel(llama, tokens, units=units, digest=digest.hexdigest())
    except ValueError as error:
        raise WeightsMissing(f"{folder}: {error}; get the folder again") from error


def _chosen(logits: Floats, temperature: float, top_p: float, chance: np.random.Generator) -> int:
    """Place of the token that is drawn; the likeliest of equals is the first."""
    if temperature == 0.0 or len(logits) == 1:
        return int(np.argmax(logits))
    order = np.argsort(-logits, kind="stable")
    scaled = logits[order].astype(np.float64) / temperature
    shares = np.exp(scaled - scaled[0])
    sums = np.cumsum(shares / shares.sum())
    # As many as it takes to have top_p together, the likeliest at least.
    kept = sums[: int(np.searchsorted(sums, top_p)) + 1]
    return int(order[int(np.searchsorted(kept, chance.random() * kept[-1], side="right").clip(0, len(kept) - 1))])
