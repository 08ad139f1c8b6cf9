"""A model as a policy: answers drawn from it with their probabilities, and those of answers that were drawn before.

Owns sampling, teacher forcing and the frozen start. Does not know what tokens mean, nor what is done with probabilities
(`grpo`). Importing it needs PyTorch; a model is one of Hugging Face Transformers, perhaps with PEFT's adapter around
it.

The policy is the model's softmax at one temperature, whole: no token is cut off, so that what is drawn and what is
learnt are the same distribution. Dropout is off, for a ratio of two probabilities has to be that of the weights. Each
answer is drawn by a generator of its own and does not depend on who else is asked (`controllers.sampling`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from typing import Any, Final

import torch

from speechagents.controllers.sampling import SeededSampling
from speechagents.tuning.rollouts import Drawn

_WHOLE: Final = 1.0
"""Share of the probability that is drawn from: all of it, see `SeededSampling`."""


class ModelPolicy:
    """Draws answers from a model, see `rollouts.Policy`.

    Args:
        model: What a family has loaded.
        ends: Tokens that end an answer, the usual one first.
        temperature: Of the policy.
        answer_tokens: Most tokens of an answer.
        rows: Most answers that are drawn at once.
    """

    def __init__(self, model: Any, *, ends: Sequence[int], temperature: float, answer_tokens: int, rows: int) -> None:
        self._model = model
        self._ends = tuple(ends)
        self._temperature = temperature
        self._answer_tokens = answer_tokens
        self._rows = rows
        self._keeps = "logits_to_keep" in signature(_inner(model).forward).parameters
        self._start = {name: one.detach().clone() for name, one in model.named_parameters() if one.requires_grad}
        model.eval()

    def draw(self, prompts: Sequence[Sequence[int]], seeds: Sequence[int]) -> Sequence[Drawn]:
        """An answer for each prompt, those of about the same length together."""
        order = sorted(range(len(prompts)), key=lambda at: (-len(prompts[at]), at))
        found: dict[int, Drawn] = {}
        for first in range(0, len(order), self._rows):
            chosen = order[first : first + self._rows]
            drawn = self._drawn([prompts[at] for at in chosen], [seeds[at] for at in chosen])
            found.update(zip(chosen, drawn, strict=True))
        return [found[at] for at in range(len(prompts))]

    def log_probs(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]) -> torch.Tensor:
        """Of each token of answers, given all before it, in nats.

        Args:
            prompts: At least one, none of them empty.
            answers: One for each, none of them empty.

        Returns:
            Shape ``(answers, tokens of the longest)``, float32, with gradients where they are on; 0 behind an answer's
            end.
        """
        device = self._model.device
        lengths = [(len(prompt), len(answer)) for prompt, answer in zip(prompts, answers, strict=True)]
        shape = (len(prompts), max(map(sum, lengths)))
        ids = torch.full(shape, self._ends[0], dtype=torch.long)
        mask = torch.zeros(shape, dtype=torch.long)
        for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
            ids[row, : sum(lengths[row])] = torch.tensor([*prompt, *answer])
            mask[row, : sum(lengths[row])] = 1
        first = min(begin for begin, _ in lengths) - 1
        # Vocabularies are large: logits are wanted of answers alone.
        kept = {"logits_to_keep": torch.arange(first, shape[1], device=device)} if self._keeps else {}
        logits = self._model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False, **kept).logits
        logits = logits if self._keeps else logits[:, first:]
        longest = max(count for _, count in lengths)
        # Where in the kept stretch each answer's predictions begin, and which token each of them is of.
        places = torch.tensor(
            [[min(begin - 1 - first + at, shape[1] - first - 1) for at in range(longest)] for begin, _ in lengths]
        ).to(device)
        wanted = torch.tensor([[*answer, *[self._ends[0]] * (longest - len(answer))] for answer in answers]).to(device)
        own = torch.gather(logits, 1, places[:, :, None].expand(-1, -1, logits.shape[-1]))
        found = torch.log_softmax(own.float() / self._temperature, dim=-1).gather(2, wanted[:, :, None])[:, :, 0]
        return torch.where(answer_mask(answers).to(device), found, torch.zeros_like(found))

    @contextmanager
    def as_it_began(self) -> Iterator[None]:
        """With the weights that it had when it was made, for the frozen start's probabilities."""
        now = {name: one.data for name, one in self._model.named_parameters() if name in self._start}
        self._put(self._start)
        try:
            yield
        finally:
            self._put(now)

    def _put(self, weights: dict[str, torch.Tensor]) -> None:
        for name, one in self._model.named_parameters():
            if name in weights:
                one.data = weights[name]

    def _drawn(self, prompts: Sequence[Sequence[int]], seeds: Sequence[int]) -> list[Drawn]:
        from transformers import LogitsProcessorList

        device, end = self._model.device, self._ends[0]
        longest = max(map(len, prompts))
        rows = [[end] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
        masks = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        chance = _Chance(seeds, self._temperature)
        with torch.no_grad(), self._plainly():
            out = self._model.generate(
                input_ids=torch.tensor(rows, device=device),
                attention_mask=torch.tensor(masks, device=device),
                logits_processor=LogitsProcessorList([chance]),
            )
        log_probs = torch.stack(chance.log_probs, dim=1).tolist()
        found = []
        for row, probs in zip(out[:, longest:].tolist(), log_probs, strict=True):
            count = next((at + 1 for at, token in enumerate(row) if token in self._ends), len(row))
            found.append(Drawn(tuple(row[:count]), tuple(probs[:count])))
        return found

    @contextmanager
    def _plainly(self) -> Iterator[None]:
        """Without what the model's folder says of sampling: that would be another policy than the one that learns."""
        from transformers import GenerationConfig

        inner = _inner(self._model)
        own = inner.generation_config
        inner.generation_config = GenerationConfig(  # type: ignore[no-untyped-call, unused-ignore]
            do_sample=False,
            max_new_tokens=self._answer_tokens,
            eos_token_id=list(self._ends),
            pad_token_id=self._ends[0],
            use_cache=True,
        )
        try:
            yield
        finally:
            inner.generation_config = own


class _Chance:
    """Makes the largest score a draw, and remembers how probable each draw was."""

    def __init__(self, seeds: Sequence[int], temperature: float) -> None:
        self._temperature = temperature
        self._sampling = SeededSampling(seeds, [temperature] * len(seeds), top_p=_WHOLE)
        self.log_probs: list[torch.Tensor] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        noisy: torch.Tensor = self._sampling(input_ids, scores)
        drawn = noisy.argmax(dim=-1, keepdim=True)
        probs = torch.log_softmax(scores.float() / self._temperature, dim=-1)
        self.log_probs.append(probs.gather(1, drawn)[:, 0].cpu())
        return noisy


def answer_mask(answers: Sequence[Sequence[int]]) -> torch.Tensor:
    """True where answers have tokens, shape ``(answers, tokens of the longest)``."""
    lengths = torch.tensor([len(answer) for answer in answers])
    return torch.arange(int(lengths.max()))[None, :] < lengths[:, None]


def _inner(model: Any) -> Any:
    """The library's model within what an adapter wraps around it."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
