"""Tokens that judging may cost: set aside before a question is sent, and counted when its answer is there.

Owns the sum and the estimate. Does not know what is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from speechagents.controllers.controller import Usage
from speechagents.controllers.language_model import Prompt

_CHARS_PER_TOKEN: Final = 3.0
"""English has four or more with any tokenizer in use; the estimate is to be too high rather than too low."""
_TOKENS_PER_S: Final = 50.0
"""Of sound. Qwen2-Audio has 25 a second (Chu et al. 2024, arXiv 2407.10759); others are of that order."""


class Purse:
    """A budget of tokens; not for several threads at once.

    Args:
        tokens: Most tokens; 0 for no limit.

    Attributes:
        tokens: The same.
        spent: Tokens of all answers so far, as servers count them, or as estimated where they do not.
    """

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.spent = 0
        self._set_aside = 0

    def set_aside(self, cost: int) -> bool:
        """Whether a question that may cost so much can be sent; if so, that much is no longer there."""
        if self.tokens and self.spent + self._set_aside + cost > self.tokens:
            return False
        self._set_aside += cost
        return True

    def settle(self, cost: int, used: int) -> None:
        """Put back what was set aside for a question, and take what it did cost."""
        self._set_aside -= cost
        self.spent += used


@dataclass(frozen=True, slots=True)
class Cost:
    """What a question may cost, in tokens: of the prompt, and at most of the answer."""

    asking: int
    answer: int

    @classmethod
    def of(cls, prompt: Prompt) -> Cost:
        """An estimate that is rather too high."""
        parts = [part for message in prompt.messages for part in message.parts]
        chars = sum(len(part.text) for part in parts)
        sound_s = sum(part.audio.duration_s for part in parts if part.audio is not None)
        return cls(round(chars / _CHARS_PER_TOKEN + sound_s * _TOKENS_PER_S), prompt.max_tokens)

    @property
    def most(self) -> int:
        """In all."""
        return self.asking + self.answer

    def used(self, usage: Usage, answer_chars: int) -> int:
        """What an answer did cost; estimated where the server does not say."""
        counted = usage.tokens_in + usage.tokens_out
        return counted or self.asking + round(answer_chars / _CHARS_PER_TOKEN)
