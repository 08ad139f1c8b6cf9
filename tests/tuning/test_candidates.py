"""How likely a model holds the parts of an answer, and which of several answers it holds likeliest."""

from __future__ import annotations

import math
from inspect import signature
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from speechagents.tuning.candidates import Likelihoods, Ranked, span_nats
from speechagents.tuning.family import Example, Part
from tests.tuning.letter_family import SIZE, LetterFamily, joined, llama

FAMILY = LetterFamily()


class Bigrams(torch.nn.Module):  # type: ignore[misc, unused-ignore]
    """Expects each letter by the one before it alone; it keeps no cache."""

    def __init__(self, table: torch.Tensor) -> None:
        super().__init__()
        self.table = torch.nn.Parameter(table)

    def forward(self, input_ids: torch.Tensor, **_: Any) -> Any:
        class Out:
            logits = self.table[input_ids]

        return Out()


def letters(prompt: str, *answer: tuple[Part, str]) -> Example:
    return joined([ord(one) for one in prompt], [(part, [ord(one) for one in text]) for part, text in answer])


def names(*several: str) -> list[Example]:
    return [letters("who?", (Part.ANSWER, name), (Part.FORM, ".")) for name in several]


class TestSpans:
    def test_each_part_has_the_likelihood_that_the_model_gave_to_its_tokens_before_it_read_them(self) -> None:
        table = torch.randn((SIZE, SIZE), generator=torch.Generator().manual_seed(1))
        expected = torch.log_softmax(table, dim=-1)
        example = letters("ab", (Part.THOUGHTS, "cd"), (Part.FORM, "e"), (Part.LINE, "fgh"))

        (scores,) = Likelihoods(Bigrams(table), FAMILY).spans([example])

        by_hand = [
            -sum(float(expected[ord(pair[0]), ord(pair[1])]) for pair in pairs)
            for pairs in (("bc", "cd"), ("de",), ("ef", "fg", "gh"))
        ]
        assert [(one.part, one.tokens) for one in scores] == [(Part.THOUGHTS, 2), (Part.FORM, 1), (Part.LINE, 3)]
        assert [one.nats for one in scores] == pytest.approx(by_hand, rel=1e-6)

    def test_a_part_is_what_the_model_would_write_only_if_every_token_of_it_is_its_likeliest(self) -> None:
        table = torch.zeros((SIZE, SIZE))
        for before, after in ("=4", "42", "2."):
            table[ord(before), ord(after)] = 5.0

        right, half, wrong = Likelihoods(Bigrams(table), FAMILY).spans(
            [letters("6*7=", (Part.ANSWER, text)) for text in ("42.", "43.", "17.")]
        )

        assert [one[0].greedy for one in (right, half, wrong)] == [True, False, False]

    def test_what_stands_beside_an_answer_in_a_batch_does_not_change_it(self) -> None:
        model = llama(seed=3)
        examples = [letters("x" * length, (Part.LINE, "some words")) for length in (2, 150, 40, 3, 90)]

        together = Likelihoods(model, FAMILY, batch_tokens=10_000).spans(examples)
        alone = Likelihoods(model, FAMILY, batch_tokens=1).spans(examples)

        assert [one[0].nats for one in together] == pytest.approx([one[0].nats for one in alone], rel=1e-5)
        assert len({round(one[0].nats, 3) for one in alone}) == 5, "the prompts matter"

    def test_a_model_in_training_is_read_without_dropout_and_goes_on_training(self) -> None:
        model = llama(seed=3).train()
        examples = [letters("who are you?", (Part.LINE, "nobody"))]

        first, second = (Likelihoods(model, FAMILY).spans(examples) for _ in range(2))

        assert first == second
        assert model.training
        assert all(one.grad is None for one in model.parameters())

    def test_parts_are_summed(self) -> None:
        (scores,) = Likelihoods(llama(seed=3), FAMILY).spans(
            [letters("a", (Part.LINE, "bc"), (Part.FORM, "d"), (Part.UNITS, "efg"))]
        )

        nats, tokens = span_nats(scores, Part.LINE, Part.UNITS)

        assert tokens == 5
        assert nats == pytest.approx(scores[0].nats + scores[2].nats)


class TestRanked:
    def test_the_likeliest_answer_is_found_by_the_chain_of_its_tokens(self) -> None:
        table = torch.zeros((SIZE, SIZE))
        table[ord("?"), ord("B")] = 2.0

        likelihoods = Likelihoods(Bigrams(table), FAMILY)
        ben, ann, tom = names("Ben", "Ann", "Tom")

        assert likelihoods.ranked(ben, [ann, tom], Part.ANSWER).first_is_best == 1.0
        assert likelihoods.ranked(tom, [ann, ben], Part.ANSWER).first_is_best == 0.0

    def test_of_answers_that_are_equally_likely_each_is_right_in_its_share_of_times(self) -> None:
        likelihoods = Likelihoods(Bigrams(torch.zeros((SIZE, SIZE))), FAMILY)
        ben, *others = names("Ben", "Ann", "Tom", "Eve")

        assert likelihoods.ranked(ben, others, Part.ANSWER).first_is_best == 0.25

    def test_a_name_that_begins_another_does_not_win_by_being_shorter(self) -> None:
        table = torch.zeros((SIZE, SIZE))
        for before, after, nats in (
            ("?", "A", 9.0),
            ("A", "n", 9.0),
            ("n", "n", 9.0),
            ("n", "a", 9.0),
            ("a", ".", 9.0),
        ):
            table[ord(before), ord(after)] = nats
        anna, ann = names("Anna", "Ann")

        ranked = Likelihoods(Bigrams(table), FAMILY).ranked(anna, [ann], Part.ANSWER)

        assert ranked.first_is_best == 1.0

    def test_what_comes_behind_the_part_does_not_tell_which_answer_is_right(self) -> None:
        model = llama(seed=5)
        sad, angry = (
            letters("ben>", (Part.STYLE, style), (Part.LINE, line))
            for style, line in (("sad", "I am so sorry"), ("mad", "Get out of here at once"))
        )
        other = letters("ben>", (Part.STYLE, "sad"), (Part.LINE, "xyz"))

        one = Likelihoods(model, FAMILY).ranked(sad, [angry], Part.STYLE)
        another = Likelihoods(model, FAMILY).ranked(other, [angry], Part.STYLE)

        assert one.nats == pytest.approx(another.nats, rel=1e-5)
        assert one.spans != another.spans

    def test_sharing_the_prompt_gives_the_same_and_reads_it_once(self) -> None:
        model = llama(seed=5)
        read: list[int] = []
        model.register_forward_pre_hook(
            lambda _module, _arguments, named: read.append(named["input_ids"].numel()), with_kwargs=True
        )
        prompt = "a long time ago " * 12
        examples = [
            letters(prompt, (Part.THOUGHTS, "hm "), (Part.STYLE, style), (Part.LINE, "well then"))
            for style in ("sad", "angry", "calm", "cold", "tender", "tired")
        ]

        apart = Likelihoods(model, FAMILY, share=False)
        whole = apart.ranked(examples[0], examples[1:], Part.STYLE)
        read_apart = sum(read)
        read.clear()
        together = Likelihoods(model, FAMILY, share=True)
        shared = together.ranked(examples[0], examples[1:], Part.STYLE)

        assert shared.nats == pytest.approx(whole.nats, rel=1e-4)
        assert [one.nats for one in shared.spans] == pytest.approx([one.nats for one in whole.spans], rel=1e-5)
        assert sum(read) < read_apart / 4

    def test_a_model_that_keeps_a_cache_is_found_to_share_and_one_without_is_not(self) -> None:
        sad, glad = (letters("how?", (Part.STYLE, style)) for style in ("sad", "glad"))
        cached, plain = Likelihoods(llama(seed=5), FAMILY), Likelihoods(Bigrams(torch.zeros((SIZE, SIZE))), FAMILY)

        for one in (cached, plain):
            assert one.shares is None
            one.ranked(sad, [glad], Part.STYLE)

        assert (cached.shares, plain.shares) == (True, False)

    def test_a_model_whose_cache_gives_something_else_is_read_the_long_way(self) -> None:
        model = llama(seed=5)
        forward = model.forward

        def forgetful(*arguments: Any, **named: Any) -> Any:
            named.pop("cache", None)
            named.pop("past_key_values", None)
            named["attention_mask"] = torch.ones_like(named["input_ids"])
            return forward(*arguments, **named)

        forgetful.__signature__ = signature(forward)  # type: ignore[attr-defined]
        model.forward = forgetful
        sad, glad = (letters("how are we?", (Part.STYLE, style)) for style in ("sad", "glad"))
        likelihoods = Likelihoods(model, FAMILY)

        found = likelihoods.ranked(sad, [glad], Part.STYLE)

        assert likelihoods.shares is False
        assert found.nats == pytest.approx(Likelihoods(model, FAMILY, share=False).ranked(sad, [glad], Part.STYLE).nats)

    def test_all_answers_stand_behind_the_prompt_of_the_first(self) -> None:
        """A family may cut another message for a longer answer; what was asked must be the same."""
        model = llama(seed=5)
        sad = letters("ann: hello|ben>", (Part.STYLE, "sad"))
        longer = letters("ben>", (Part.STYLE, "sarcastic"))
        same = letters("ann: hello|ben>", (Part.STYLE, "sarcastic"))

        one = Likelihoods(model, FAMILY).ranked(sad, [longer], Part.STYLE)

        assert one.nats == pytest.approx(Likelihoods(model, FAMILY).ranked(sad, [same], Part.STYLE).nats)

    def test_an_answer_without_the_part_is_refused(self) -> None:
        with pytest.raises(ValueError, match="no style"):
            Likelihoods(llama(seed=5), FAMILY).ranked(*_two_lines(), Part.STYLE)

    def test_ties_are_told_from_what_is_merely_close(self) -> None:
        assert Ranked((), (2.0, 2.001)).first_is_best == 1.0
        assert Ranked((), (2.0, 2.0, 5.0)).first_is_best == 0.5
        assert math.isclose(Ranked((), (3.0, 2.0, 2.0)).first_is_best, 0.0)


def _two_lines() -> tuple[Example, list[Example]]:
    return letters("a", (Part.LINE, "b")), [letters("a", (Part.LINE, "c"))]
