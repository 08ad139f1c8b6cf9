"""Prompts as models take them: text with marks where sound stands, and the tensors that come of both.

Owns chat templates, the places of sounds, and the check that sound is not lost on the way. Does not know how models
are loaded or run (`transformers`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import numpy as np

from speechagents.audio import Audio
from speechagents.controllers.language_model import Prompt
from speechagents.errors import ControllerError

_HEARING_HZ: Final = 16_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Text with marks, and the sounds that stand there, in order."""

    text: str
    sounds: tuple[Audio, ...]

    def after(self, first: Piece) -> Piece:
        """What comes after a piece that this one begins with."""
        return Piece(self.text[len(first.text) :], self.sounds[len(first.sounds) :])


class Encoder:
    """Turns pieces into tensors.

    Args:
        tokenizer: Of the model; pads on the left from now on.
        ears: Turns sounds and text into tensors; None for a model that reads.
        mark: What stands for a sound in text; empty for a model that reads.
        axes: Axes of positions, 3 for models whose positions have time, height and width.
    """

    def __init__(self, tokenizer: Any, ears: Any, *, mark: str, axes: int) -> None:
        tokenizer.padding_side = "left"
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        self.tokenizer = tokenizer
        self.mark = mark
        self._ears = ears
        self._axes = axes
        self._ends = {tokenizer.eos_token_id, tokenizer.pad_token_id}
        whole = tokenizer("one\ntwo", add_special_tokens=False)["input_ids"]
        parts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in ("one\n", "two")]
        self.splits = whole == parts[0] + parts[1]
        """Text cut behind a line's end gives the same tokens as in one piece."""

    @property
    def hears(self) -> bool:
        """It takes sounds."""
        return bool(self.mark)

    @property
    def pad_id(self) -> int:
        """The token that fills up."""
        return int(self.tokenizer.pad_token_id)

    def until_end(self, row: Sequence[int]) -> list[int]:
        """Tokens before the first one that ends an answer."""
        end = next((at for at, token in enumerate(row) if token in self._ends), len(row))
        return list(row[:end])

    def axes(self, positions: Any) -> Any:
        """Positions as the model takes them."""
        return positions if self._axes == 1 else positions[None].expand(self._axes, -1, -1)

    def encode(self, pieces: Sequence[Piece], *, device: Any) -> dict[str, Any]:
        """One left-padded batch.

        Raises:
            ControllerError: Sound went in, and none came out.
        """
        texts = [piece.text for piece in pieces]
        sounds = [sound for piece in pieces for sound in piece.sounds]
        if not sounds:
            found = self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
        else:
            heard = [sound.resampled(_HEARING_HZ).mono().samples.astype(np.float32) for sound in sounds]
            found = self._ears(text=texts, audio=heard, sampling_rate=_HEARING_HZ, return_tensors="pt", padding=True)
            if not self.sounds(found):
                raise ControllerError("sound went into the model's processor and none came out; use --hearing text")
        return {name: value.to(device) for name, value in found.items() if name != "token_type_ids"}

    def length_of(self, piece: Piece, ids: Any) -> int:
        """How many tokens a piece is that other tokens begin with; 0 if that cannot be told.

        Args:
            piece: The beginning.
            ids: Tokens of the whole, shape ``(1, n)``, in which a sound is a run of marks.
        """
        tokens = self.tokenizer(piece.text, add_special_tokens=False)["input_ids"]
        if not piece.sounds:
            return len(tokens)
        mark = self.tokenizer.convert_tokens_to_ids(self.mark)
        runs = [sum(1 for _ in run) for token, run in groupby(ids[0].tolist()) if token == mark]
        if len(runs) < len(piece.sounds) or tokens.count(mark) != len(piece.sounds):
            return 0  # two sounds with nothing between them
        return len(tokens) - len(piece.sounds) + sum(runs[: len(piece.sounds)])

    def sounds(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The tensors of sounds alone."""
        return {name: value for name, value in inputs.items() if name not in ("input_ids", "attention_mask")}

    def sounds_by_row(
        self, prefix: Mapping[str, Any], rows: Mapping[str, Any], counts: Sequence[int]
    ) -> dict[str, Any]:
        """Sounds of a prefix that every row begins with, and the rows' own, in the order of the rows."""
        import torch

        shared, own = self.sounds(prefix), self.sounds(rows)
        found: dict[str, Any] = {}
        for name in {**shared, **own}:
            parts, at = [], 0
            for count in counts:
                parts += [shared[name]] if name in shared else []
                parts += [own[name][at : at + count]] if count else []
                at += count
            found[name] = torch.cat(parts)
        return found


def common(pieces: Sequence[Piece], encoder: Encoder) -> Piece:
    """What all pieces begin with, sounds included, up to the end of a line.

    Behind a line's end, before something that is not white space, every tokenizer that `Encoder.splits` holds of begins
    a new token.
    """
    text = os.path.commonprefix([piece.text for piece in pieces])  # noqa: RUF071 - characters are meant, not paths
    marks = text.split(encoder.mark) if encoder.mark else [text]
    same = 0
    while same + 1 < len(marks) and len({id(piece.sounds[same]) for piece in pieces}) == 1:
        same += 1
    text = encoder.mark.join(marks[: same + 1])
    cut = text.rfind("\n") + 1
    while cut and any(piece.text[cut : cut + 1].isspace() for piece in pieces):
        cut = text.rfind("\n", 0, cut - 1) + 1
    return Piece(text[:cut], pieces[0].sounds[: text[:cut].count(encoder.mark)] if encoder.mark else ())


def rendered(prompt: Prompt, encoder: Encoder) -> Piece:
    """A prompt in the words of the model's chat template."""
    messages: list[dict[str, Any]] = []
    sounds: list[Audio] = []
    for message in prompt.messages:
        content: list[dict[str, str]] = []
        for part in message.parts:
            if part.text:
                # A mark that somebody typed is no sound.
                said = part.text.replace(encoder.mark, "") if encoder.mark else part.text
                content.append({"type": "text", "text": said})
            if part.audio is not None and encoder.hears:
                content.append({"type": "audio", "audio": ""})
                sounds.append(part.audio)
        plain = "".join(part["text"] for part in content) if encoder.mark == "" else content
        messages.append({"role": message.speaker.value, "content": plain})
    text: str = encoder.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    if encoder.hears and text.count(encoder.mark) != len(sounds):
        raise ControllerError(
            f"the model's chat template has {text.count(encoder.mark)} places for {len(sounds)} sounds; "
            "use --hearing text"
        )
    return Piece(text, tuple(sounds))


def make_encoder(name: str, config: Any, where: Mapping[str, Any]) -> Encoder:
    """The encoder of a model: what its processor can do decides whether it hears."""
    import transformers

    axes = 3 if "mrope" in str(_rope(config)) else 1
    if config.model_type in _THINKERS:
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False, **where)
        ears = transformers.AutoFeatureExtractor.from_pretrained(name, trust_remote_code=False, **where)
        return Encoder(tokenizer, _ThinkerEars(tokenizer, ears, config), mark=tokenizer.audio_token, axes=axes)
    try:
        processor = transformers.AutoProcessor.from_pretrained(name, trust_remote_code=False, **where)
    except (OSError, ValueError, ImportError):
        processor = None
    tokenizer = getattr(processor, "tokenizer", None)
    if processor is None or tokenizer is None or getattr(processor, "feature_extractor", None) is None:
        reader = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False, **where)
        return Encoder(reader, None, mark="", axes=axes)
    if getattr(tokenizer, "chat_template", None) is None:
        tokenizer.chat_template = processor.chat_template
    mark = getattr(processor, "audio_token", "") or ""
    return Encoder(tokenizer, processor, mark=mark, axes=axes)


_THINKERS: Final = ("qwen2_5_omni_thinker", "qwen3_omni_moe_thinker")
"""Their processors want to see, too, and need torchvision for it; hearing alone does not."""


class _ThinkerEars:
    """What the processor of an omni model does for sound, without its eyes."""

    def __init__(self, tokenizer: Any, extractor: Any, config: Any) -> None:
        self._tokenizer = tokenizer
        self._extractor = extractor
        self._newer = config.model_type == "qwen3_omni_moe_thinker"

    def __call__(
        self, *, text: Sequence[str], audio: Sequence[Any], sampling_rate: int, return_tensors: str, padding: bool
    ) -> dict[str, Any]:
        heard = self._extractor(
            list(audio),
            sampling_rate=sampling_rate,
            return_tensors=return_tensors,
            return_attention_mask=True,
            padding="max_length",
            truncation=False,
        )
        frames = heard["attention_mask"].sum(-1)
        counts = iter(_tokens_of(frames, newer=self._newer).tolist())
        mark = self._tokenizer.audio_token
        spelled = []
        for one in text:
            first, *rest = one.split(mark)
            spelled.append(first + "".join(mark * next(counts) + part for part in rest))
        found = dict(self._tokenizer(spelled, return_tensors=return_tensors, padding=padding, add_special_tokens=False))
        return {**found, "input_features": heard["input_features"], "feature_attention_mask": heard["attention_mask"]}


def _tokens_of(frames: Any, *, newer: bool) -> Any:
    """Tokens that a sound becomes: two convolutions of stride 2, in Qwen3-Omni three in windows of 100 frames."""
    if not newer:
        return ((frames - 1) // 2 + 1 - 2) // 2 + 1
    rest = frames % 100
    once = (rest - 1) // 2 + 1
    return ((once - 1) // 2 + 1 - 1) // 2 + 1 + frames // 100 * 13


def _rope(config: Any) -> Any:
    text = getattr(config, "text_config", config)
    return getattr(text, "rope_parameters", None) or getattr(text, "rope_scaling", None)
