"""A kind of model that reads letters, small enough to be checked by hand: a family as any other, with tiny Llamas.

::

    ANN: HELLO|BEN>THOUGHTS{sad:LINE~units}        a turn
    ANN: HELLO|?BEN.                               who speaks next
    QUESTION=ANSWER.                               a general instruction
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from speechagents.controllers.controller import AgentInput
from speechagents.drama import Role, SceneBrief
from speechagents.errors import TuningError
from speechagents.tuning.adapters import fitted
from speechagents.tuning.family import Example, Part, Span
from speechagents.tuning.recipe import Adapter, AdapterKind
from speechagents.tuning.trajectory import Instruction, NextSpeaker, Sample, Trajectory

LETTERS = 128
"""ASCII; a letter is its own number."""
FIRST_UNIT = LETTERS
SIZE = LETTERS + 8
WHOLE = Adapter(kind=AdapterKind.FULL)


class LetterFamily:
    """A `Family`.

    Args:
        context: Most letters of a sample.
        folder: Of the model; None begins a new one.
        adapter: What of it is learnt.
    """

    def __init__(self, context: int = 400, folder: str = "", adapter: Adapter = WHOLE) -> None:
        self.context = context
        self._folder = folder
        self._adapter = adapter

    def load(self) -> Any:
        """A Llama of two layers."""
        from transformers import LlamaForCausalLM

        model = LlamaForCausalLM.from_pretrained(self._folder) if self._folder else llama(seed=0, scale=0.08)
        return fitted(model, self._adapter, seed=0)

    def example(self, sample: Sample) -> Example:
        """Letters of a sample."""
        if isinstance(sample, Trajectory):
            turn = sample.turn
            prompt = f"{_heard(sample.ask)}|{turn.role}>"
            answer: list[tuple[Part, Sequence[int]]] = [
                (Part.THOUGHTS, _ids(turn.thoughts)),
                (Part.FORM, _ids("{")),
                (Part.STYLE, _ids(turn.style.tag)),
                (Part.FORM, _ids(":")),
                (Part.LINE, _ids(turn.text)),
                (Part.UNITS, [FIRST_UNIT + unit for unit in sample.units]),
                (Part.FORM, _ids("}")),
            ]
        elif isinstance(sample, NextSpeaker):
            prompt = f"{_heard(sample.ask)}|?"
            answer = [(Part.ANSWER, _ids(sample.speaker)), (Part.FORM, _ids("."))]
        else:
            prompt, answer = f"{sample.question}=", [(Part.ANSWER, _ids(sample.answer)), (Part.FORM, _ids("."))]
        return joined(_ids(prompt), answer, context=self.context, name=sample.id)

    def collate(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """Padded on the right."""
        width = max(len(one.ids) for one in examples)
        ids = torch.zeros((len(examples), width), dtype=torch.long)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for row, one in enumerate(examples):
            ids[row, : len(one.ids)] = torch.tensor(one.ids)
            mask[row, : len(one.ids)] = 1
            for span in one.spans:
                labels[row, span.start : span.end] = ids[row, span.start : span.end]
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def joined(
    prompt: Sequence[int], answer: Sequence[tuple[Part, Sequence[int]]], *, context: int = 400, name: str = ""
) -> Example:
    """A prompt and the parts of its answer; those that are empty are left out."""
    ids, spans = list(prompt), []
    for part, more in answer:
        if more:
            spans.append(Span(part, len(ids), len(ids) + len(more)))
            ids += more
    if len(ids) > context:
        raise TuningError(f"{len(ids)} letters have no room", field=name)
    return Example(tuple(ids), tuple(spans))


def llama(*, seed: int, scale: float = 0.3) -> Any:
    """A Llama of two layers with random weights, large enough for every letter to matter."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=SIZE,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            initializer_range=scale,
            attention_dropout=0.5,
            pad_token_id=0,
            bos_token_id=None,
            eos_token_id=ord("."),
        )
    )


def learnt(samples: Sequence[Sample], *, steps: int, family: LetterFamily, seed: int = 0) -> Any:
    """A Llama that has read some samples again and again."""
    model = llama(seed=seed, scale=0.08)
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    batch = family.collate([family.example(sample) for sample in samples])
    model.eval()  # without dropout it learns by heart
    for _ in range(steps):
        loss = model(**batch).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


def ask_of(names: Sequence[str], said: Sequence[tuple[str, str]], role: str, **more: Any) -> AgentInput:
    """What a role knows: who said what."""
    from speechagents.controllers.controller import Heard
    from speechagents.drama import Deed, Style

    scene = SceneBrief("A scene", tuple(Role(name) for name in names))
    heard = tuple(Heard(at, who, text, Deed.SPEAK, Style()) for at, (who, text) in enumerate(said, 1))
    return AgentInput(scene, tuple(names), (), heard, Role(role), **more)


def _heard(ask: AgentInput) -> str:
    return "/".join(f"{one.speaker}: {one.text}" for one in ask.heard)


def _ids(text: str) -> list[int]:
    return [ord(letter) for letter in text]


def instruction(name: str, question: str, answer: str, task: str = "sums") -> Instruction:
    """A general instruction of the test split."""
    from speechagents.tuning.trajectory import Split

    return Instruction(name, Split.TEST, question, answer, task)
