"""How likely a model holds the parts of an answer, and which of several answers it holds likeliest.

Owns teacher forcing: the model reads prompt and answer, and what is taken down is the likelihood that it gave to each
token of the answer before it read it. Nothing is written by the model, so that models are compared on the same words.
Does not know what is asked (`evaluation`), nor how samples become tokens (`family`).

Several answers to one prompt share it: it is computed once, and its cache copied to all of them, so that choosing among
22 styles costs little more than reading the turn once. Whether a model can do so is not known by its name: the first
answers are computed in both ways, and only a model for which they agree goes on by the shorter one.

Importing it needs PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from typing import Any, Final

import torch

from speechagents.tuning.family import Example, Family, Part, Span

BATCH_TOKENS: Final = 4_096
"""Tokens of a batch, padding included."""

_AGREE: Final = 1e-3
"""Relative difference of two ways to compute a likelihood in single precision that counts as none."""
_AGREE_HALF: Final = 0.05
"""The same for half precision."""
_NO_CACHE: Final = (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)
"""What models raise that keep no cache, or one that cannot be shortened."""


@dataclass(frozen=True, slots=True)
class SpanScore:
    """A stretch of an answer, as a model expects it.

    Attributes:
        part: What it is.
        nats: Negative natural logarithm of its likelihood behind all that stands before it.
        tokens: Its length.
        greedy: Each of its tokens is the likeliest one: writing the likeliest token again and again would write it.
    """

    part: Part
    nats: float
    tokens: int
    greedy: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """Several answers to one prompt.

    Attributes:
        spans: Of the first answer, all of them.
        nats: Of each answer, the first included, how unlikely it is; comparable with each other alone.
    """

    spans: tuple[SpanScore, ...]
    nats: tuple[float, ...]

    @property
    def first_is_best(self) -> float:
        """1 if the first answer is the likeliest, 0 if another is; of n that are equally likely, 1/n."""
        least = min(self.nats)
        close = 1e-6 * max(1.0, abs(least))
        tied = sum(one - least <= close for one in self.nats)
        return 1.0 / tied if self.nats[0] - least <= close else 0.0


class Likelihoods:
    """A model that is asked how likely answers are.

    Args:
        model: As `Family.load` gives it, trained or not; it is left in the mode it was in.
        family: Makes batches for it.
        batch_tokens: Most tokens of a batch, padding included; a longer answer is a batch of its own.
        share: Compute what answers have in common once, where the model can; None finds that out.
    """

    def __init__(
        self, model: Any, family: Family, *, batch_tokens: int = BATCH_TOKENS, share: bool | None = None
    ) -> None:
        self._model = model
        self._family = family
        self._batch_tokens = batch_tokens
        self._share = share
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        taken = signature(inner.forward).parameters
        self._keeps_logits = "logits_to_keep" in taken
        # The library calls it `cache` from 5.24 on.
        self._cache_name = "cache" if "cache" in taken else "past_key_values"
        first = next(model.parameters())
        self._device, self._dtype = first.device, first.dtype

    @property
    def shares(self) -> bool | None:
        """Whether answers share the work on their prompt; None as long as it is not known."""
        return self._share

    def spans(self, examples: Sequence[Example]) -> list[tuple[SpanScore, ...]]:
        """All spans of each example, in the order of the examples; short ones are computed together."""
        found: dict[int, tuple[SpanScore, ...]] = {}
        with self._reading():
            for numbers in self._batches([len(example.ids) for example in examples]):
                batch = [examples[number] for number in numbers]
                first = min(example.spans[0].start for example in batch) - 1
                logits, offset = self._logits(batch, first)
                for row, number in enumerate(numbers):
                    found[number] = _scores(logits[row], offset, examples[number])
        return [found[number] for number in range(len(examples))]

    def ranked(self, example: Example, others: Sequence[Example], part: Part) -> Ranked:
        """How likely an example's answer is, and others in its place.

        Compared are the tokens from the first one in which answers differ to the end of their first span of a part;
        what comes behind it is not looked at, since it may tell which answer is right. Where one answer begins like
        another (Ann, Anna), the token that ends it is compared, too.

        Args:
            example: The answer that is looked at whole; its prompt is that of all.
            others: The same sample with other answers; where an answer of another length has left another prompt, it
                is looked at behind the example's prompt all the same.
            part: In which the answers differ.

        Raises:
            ValueError: An answer lacks the part.
        """
        cut = _cut([example, *(_behind_prompt_of(example, other) for other in others)], part)
        first = _first_difference(cut, part)
        with self._reading():
            if self._share is None:
                self._share = self._agrees(example, cut, first) if others else None
            if self._share and first >= 2 and others:
                return self._together(example, cut, first)
        (spans,) = self.spans([example])
        return Ranked(spans, self._apart(cut, first))

    def _agrees(self, example: Example, cut: Sequence[Example], first: int) -> bool:
        """Whether sharing gives what reading everything gives."""
        if first < 2:
            return False
        try:
            short = self._together(example, cut, first).nats
        except _NO_CACHE:
            return False
        close = _AGREE if self._dtype == torch.float32 else _AGREE_HALF
        return all(
            math.isclose(one, other, rel_tol=close, abs_tol=close)
            for one, other in zip(short, self._apart(cut, first), strict=True)
        )

    def _apart(self, cut: Sequence[Example], first: int) -> tuple[float, ...]:
        """Each answer read whole."""
        tails = [Example(one.ids, (Span(one.spans[-1].part, first, len(one.ids)),), one.sounds) for one in cut]
        return tuple(scores[0].nats for scores in self.spans(tails))

    def _together(self, example: Example, cut: Sequence[Example], first: int) -> Ranked:
        """The example read whole, and the other answers behind the cache of what they share with it."""
        logits, offset, cache = self._logits([example], min(example.spans[0].start, first) - 1, cached=True)
        spans = _scores(logits[0], offset, example)
        # The last shared token is read again with each answer: what it predicts is the first token that counts.
        kept = first - 1
        cache.crop(kept - len(example.ids))
        cache.batch_repeat_interleave(len(cut))
        tails = [one.ids[kept:-1] for one in cut]
        width = max(map(len, tails))
        ids = torch.zeros((len(tails), width), dtype=torch.long)
        mask = torch.zeros((len(tails), kept + width), dtype=torch.long)
        mask[:, :kept] = 1
        for row, tail in enumerate(tails):
            ids[row, : len(tail)] = torch.tensor(tail)
            mask[row, kept : kept + len(tail)] = 1
        out = self._model(
            input_ids=ids.to(self._device),
            attention_mask=mask.to(self._device),
            use_cache=True,
            **{self._cache_name: cache},
        )
        nats = []
        for row, one in enumerate(cut):
            wanted = torch.tensor(one.ids[first:], device=self._device)
            nats.append(float(_taken(out.logits[row, : len(wanted)], wanted)[0].sum()))
        return Ranked(spans, tuple(nats))

    def _logits(self, batch: Sequence[Example], first: int, *, cached: bool = False) -> Any:
        """What the model expects behind each token from the first that matters, and the position of that one.

        Returns:
            Logits, of shape (examples, tokens, vocabulary), and the position of the first of these tokens; the cache
            as well, if it is asked for.
        """
        inputs = {
            name: value.to(self._device, self._dtype if value.is_floating_point() else value.dtype)
            for name, value in self._family.collate(batch).items()
            if name != "labels"
        }
        width = inputs["input_ids"].shape[1]
        # Logits of a prompt are most of the memory where a vocabulary is large, and nobody looks at them.
        keep = {"logits_to_keep": width - first} if self._keeps_logits else {}
        out = self._model(**inputs, **keep, use_cache=cached)
        offset = width - out.logits.shape[1]
        return (out.logits, offset, getattr(out, self._cache_name)) if cached else (out.logits, offset)

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Numbers of examples that go together: of like lengths, so that little is padded."""
        batch: list[int] = []
        for number in sorted(range(len(lengths)), key=lambda number: (-lengths[number], number)):
            # The first is the longest.
            if batch and (len(batch) + 1) * lengths[batch[0]] > self._batch_tokens:
                yield batch
                batch = []
            batch.append(number)
        if batch:
            yield batch

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """The model without dropout and gradients, and afterwards as it was."""
        training = self._model.training
        self._model.eval()
        try:
            with torch.inference_mode():
                yield
        finally:
            self._model.train(training)


def _scores(logits: torch.Tensor, offset: int, example: Example) -> tuple[SpanScore, ...]:
    """Spans of an example by the logits of its row."""
    scores = []
    for span in example.spans:
        wanted = torch.tensor(example.ids[span.start : span.end], device=logits.device)
        nats, best = _taken(logits[span.start - 1 - offset : span.end - 1 - offset], wanted)
        scores.append(SpanScore(span.part, float(nats.sum()), len(wanted), bool(best.all())))
    return tuple(scores)


def _taken(logits: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of each token how unlikely it was, in nats, and whether it was the likeliest."""
    wide = logits.float()
    nats = torch.logsumexp(wide, dim=-1) - wide.gather(-1, wanted[:, None])[:, 0]
    # Sums of many small terms: in double precision they do not depend on how tokens are grouped.
    return nats.double(), wide.argmax(dim=-1) == wanted


def _cut(examples: Sequence[Example], part: Part) -> list[Example]:
    """The examples up to the end of their answers."""
    spans = [_span_of(example, part) for example in examples]
    answers = [example.ids[: span.end] for example, span in zip(examples, spans, strict=True)]
    in_another = any(one is not other and other[: len(one)] == one for one in answers for other in answers)
    return [
        _up_to(example, span.end + (1 if in_another and _is_form(example, span.end) else 0))
        for example, span in zip(examples, spans, strict=True)
    ]


def _behind_prompt_of(example: Example, other: Example) -> Example:
    """Another answer behind the prompt of an example."""
    prompt, own = example.spans[0].start, other.spans[0].start
    if other.ids[:own] == example.ids[:prompt]:
        return other
    spans = (Span(span.part, span.start - own + prompt, span.end - own + prompt) for span in other.spans)
    return Example(example.ids[:prompt] + other.ids[own:], tuple(spans), example.sounds)


def _is_form(example: Example, at: int) -> bool:
    return any(span.part is Part.FORM and span.start <= at < span.end for span in example.spans)


def _up_to(example: Example, end: int) -> Example:
    """An example without what comes from a token on."""
    spans = (Span(span.part, span.start, min(span.end, end)) for span in example.spans if span.start < end)
    return Example(example.ids[:end], tuple(spans), example.sounds)


def _first_difference(cut: Sequence[Example], part: Part) -> int:
    """Position of the first token that is compared: where answers differ, or their part begins."""
    shortest = min(len(one.ids) for one in cut)
    found = next((at for at in range(shortest) if len({one.ids[at] for one in cut}) > 1), shortest)
    return min([found, *(_span_of(one, part).start for one in cut)])


def _span_of(example: Example, part: Part) -> Span:
    found = next((span for span in example.spans if span.part is part), None)
    if found is None:
        raise ValueError(f"a candidate has no {part}")
    return found


def span_nats(scores: Sequence[SpanScore], *parts: Part) -> tuple[float, int]:
    """Sum of the nats of some parts, and their tokens."""
    chosen = [score for score in scores if score.part in parts]
    return math.fsum(score.nats for score in chosen), sum(score.tokens for score in chosen)
