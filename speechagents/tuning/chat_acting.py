"""How chat models are asked for a turn in tokens, and what turn their tokens are.

Owns the way between an agent's input and tokens for one kind of model, both ways. Prompts are, token by token, those of
the family that tunes the model (`chat_family`), and answers are read by the parser of the running system
(`controllers.grammar`): a turn counts as well-formed if the stage would take it at the first asking. Does not know who
draws the tokens. Needs what the family needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from speechagents.controllers.controller import AgentInput
from speechagents.controllers.grammar import BadAnswerError, parse_turn
from speechagents.drama import Turn
from speechagents.tuning.family import Example
from speechagents.tuning.trajectory import MAX_HEARD, Split, Trajectory

if TYPE_CHECKING:
    from speechagents.tuning.chat_family import ChatFamily

_ASKED: Final = "asked"
_NO_WORDS: Final = "Yes."
"""Stands where the answer will be: only what comes before it is wanted."""


class ChatActs:
    """Asks chat models, see `rollouts.Acts`.

    Args:
        family: Of the model. Its prompts leave as much room as its recipe does: whoever lets the model answer takes the
            answer's tokens off ``training.max_tokens`` first.
    """

    def __init__(self, family: ChatFamily) -> None:
        self._family = family

    def prompt(self, ask: AgentInput) -> Sequence[int]:
        """What the model is given.

        Raises:
            TuningError: There is no room for it.
        """
        example = self._example(ask)
        return example.ids[: example.spans[0].start]

    def turn(self, ask: AgentInput, ids: Sequence[int]) -> Turn | None:
        """The turn in an answer, None if there is none."""
        tokenizer = self._family.tokenizer
        text = tokenizer.decode(list(ids), skip_special_tokens=True)
        try:
            return parse_turn(text, ask)
        except BadAnswerError:
            return None

    def ends(self, ask: AgentInput) -> tuple[int, ...]:
        """The tokens that end an answer: the one that a turn ends with, and the one that ends all.

        Args:
            ask: Any input; which one makes no difference.
        """
        last = self._example(ask).ids[-1]
        return tuple(dict.fromkeys((last, int(self._family.tokenizer.eos_token_id))))

    def _example(self, ask: AgentInput) -> Example:
        heard = ask.heard[-MAX_HEARD:]
        return self._family.example(
            Trajectory(
                id=f"{_ASKED}/0/0",
                scene_id=_ASKED,
                split=Split.TRAIN,
                ask=replace(ask, heard=heard),
                turn=Turn(ask.role.name, text=_NO_WORDS),
                heard_sounds=("",) * len(heard),
                sound="",
                heard_units=((),) * len(heard),
                units=(),
            )
        )
