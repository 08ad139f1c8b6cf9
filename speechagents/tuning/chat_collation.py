"""A batch of examples as tensors: of text, and of text with sound in some, all or none of them.

Owns padding, labels, and the features of sounds. Does not know what examples say (`chat_family`). Importing it needs
PyTorch.

Processors of audio-language models can lose sound without a word: one that was saved under another name is taken for a
bare tokenizer, and the model learns to answer what it never heard. Here the places of sounds that stand in the examples
and those that the processor makes of the same sounds are counted, and have to be the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch

from speechagents.controllers.multimodal_text import Encoder, Piece
from speechagents.errors import ControllerError, TuningError
from speechagents.tuning.family import Example

IGNORED: Final = -100
"""Label of what is not learnt."""


def collated(examples: Sequence[Example], encoder: Encoder) -> Mapping[str, Any]:
    """Tensors of a batch.

    Args:
        examples: At least one.
        encoder: Of the model.

    Returns:
        ``input_ids``, ``attention_mask`` and ``labels`` of shape ``(batch, longest)``, padded on the right, labels
        `IGNORED` outside the spans; and what the model takes of sounds, in the order in which they stand there.

    Raises:
        TuningError: Sound would get lost.
    """
    shape = (len(examples), max(len(one.ids) for one in examples))
    ids = torch.full(shape, encoder.pad_id, dtype=torch.long)
    mask = torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, IGNORED, dtype=torch.long)
    for row, one in enumerate(examples):
        ids[row, : len(one.ids)] = torch.tensor(one.ids, dtype=torch.long)
        mask[row, : len(one.ids)] = 1
        for span in one.spans:
            labels[row, span.start : span.end] = ids[row, span.start : span.end]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels, **_sounds(examples, ids, encoder)}


def _sounds(examples: Sequence[Example], ids: Any, encoder: Encoder) -> Mapping[str, Any]:
    """What the model takes of the sounds; nothing where there is none."""
    sounds = tuple(sound for one in examples for sound in one.sounds)
    places = 0
    if encoder.hears:
        places = int((ids == encoder.tokenizer.convert_tokens_to_ids(encoder.mark)).sum())
    if not sounds:
        if places:
            raise TuningError(f"there are places for {places} tokens of sound, and no sound")
        return {}
    try:
        found = encoder.encode([Piece(encoder.mark * len(sounds), sounds)], device="cpu")
    except (ControllerError, ValueError) as error:
        raise TuningError(f"{len(sounds)} sounds cannot be given to the model: {error}") from error
    made = int((found["input_ids"] == encoder.tokenizer.convert_tokens_to_ids(encoder.mark)).sum())
    if made != places:
        raise TuningError(
            f"of {len(sounds)} sounds the model's processor makes {made} tokens, and the text has places for {places}: "
            "sound would get lost"
        )
    return encoder.sounds(found)
