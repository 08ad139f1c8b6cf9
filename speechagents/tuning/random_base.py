"""Tiny models with random weights, of real architectures, with a tokenizer made of the data they will be tuned on.

Owns their sizes, their marks and their chat template. They are for trying a recipe out where its real base is not at
hand: folders that are loaded the way real ones are, of half a million weights that learn something within a minute.
Does not know what is tuned, or how. Importing it needs neither PyTorch nor Transformers; writing does.

The same texts, sizes and seed give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from speechagents.errors import TuningError
from speechagents.library_talk import without_bars
from speechagents.tuning.recipe import Base

TEXT_CHARS: Final = 2_000_000
"""Of the texts so many characters are read for the tokenizer: what comes behind changes little."""
RATE_HZ: Final = 16_000
"""Of the sound that they hear."""

_AUDIO, _AUDIO_BEGIN, _AUDIO_END = "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"
_PAD, _BEGIN, _END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
_SEEN: Final = ("<|vision_bos|>", "<|vision_eos|>", "<|IMAGE|>", "<|VIDEO|>")
"""Marks of what is seen: an omni model wants a place for each of them, used or not."""
_MARKS: Final = (_PAD, _BEGIN, _END, _AUDIO, _AUDIO_BEGIN, _AUDIO_END, *_SEEN)

_TEMPLATE: Final = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Words with the sign before them, single digits, runs of signs, line ends: the usual cuts of byte-level tokenizers.
_CUTS: Final = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

_MELS: Final = 80
_POSITIONS: Final = 32_768
_TOWER: Final = 32
"""Width of what hears; it stays frozen, so that it need not be good at anything."""


@dataclass(frozen=True, slots=True)
class _Sizes:
    """How large the language model is."""

    layers: int
    width: int
    heads: int
    feed: int
    vocabulary: int

    @classmethod
    def of(cls, base: Base) -> _Sizes:
        """Those that are asked for, and defaults of about 0.6 million weights."""
        width, heads = base.width or 96, base.heads or 4
        if width % (2 * heads):
            raise TuningError(f"{width} is no multiple of twice {heads} heads", field="base.width")
        least = 256 + len(_MARKS)
        if 0 < base.vocabulary < least:
            raise TuningError(
                f"{base.vocabulary} tokens have no room for 256 bytes and {len(_MARKS)} marks; write {least} or more",
                field="base.vocabulary",
            )
        return cls(base.layers or 4, width, heads, base.feed or width * 8 // 3, base.vocabulary or 2_000)


def write_random_base(folder: Path, base: Base, texts: Iterable[str], *, seed: int) -> Path:
    """Write a model with random weights.

    Args:
        folder: Where to; made if need be.
        base: Its architecture, one of those in `ARCHITECTURES`, and its sizes.
        texts: What the tokenizer is learnt from, see `TEXT_CHARS`.
        seed: Of the weights.

    Returns:
        The folder.

    Raises:
        TuningError: There is no such architecture, or its sizes cannot be.
    """
    import torch

    write = ARCHITECTURES.get(base.random)
    if write is None:
        names = ", ".join(ARCHITECTURES)
        raise TuningError(f"{base.random[:40]!r} is none of {names}", field="base.random")
    sizes = _Sizes.of(base)
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(), without_bars():
        torch.manual_seed(seed)
        write(folder, sizes, texts)
    return folder


def _write_qwen2(folder: Path, sizes: _Sizes, texts: Iterable[str]) -> None:
    library = _library()
    tokenizer = _write_tokenizer(folder, sizes.vocabulary, texts, hears=False)
    config = library.Qwen2Config(**_language(tokenizer, sizes), tie_word_embeddings=True)
    library.Qwen2ForCausalLM(config).save_pretrained(folder)


def _write_qwen2_audio(folder: Path, sizes: _Sizes, texts: Iterable[str]) -> None:
    library = _library()
    tokenizer = _write_tokenizer(folder, sizes.vocabulary, texts, hears=True)
    config = library.Qwen2AudioConfig(
        audio_config={"model_type": "qwen2_audio_encoder", "max_source_positions": 1_500, **_tower()},
        text_config={"model_type": "qwen2", **_language(tokenizer, sizes)},
        audio_token_index=tokenizer.convert_tokens_to_ids(_AUDIO),
    )
    library.Qwen2AudioForConditionalGeneration(config).save_pretrained(folder)
    library.Qwen2AudioProcessor(_ears(), tokenizer, chat_template=_TEMPLATE).save_pretrained(folder)


def _write_qwen2_5_omni(folder: Path, sizes: _Sizes, texts: Iterable[str]) -> None:
    """The part that hears and thinks: what speaks is not tuned."""
    library = _library()
    tokenizer = _write_tokenizer(folder, sizes.vocabulary, texts, hears=True)
    half = sizes.width // sizes.heads // 2
    axes = [half - 2 * (half // 3), half // 3, half // 3]  # time, height, width
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": axes}
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in _MARKS}
    begin, end, image, video = (ids[mark] for mark in _SEEN)
    config = library.Qwen2_5OmniThinkerConfig(
        audio_config={"output_dim": sizes.width, "n_window": 50, **_tower()},
        text_config={**_language(tokenizer, sizes), "rope_parameters": rope},
        vision_config={
            "depth": 1,
            "hidden_size": _TOWER,
            "num_heads": 2,
            "intermediate_size": _TOWER,
            "out_hidden_size": sizes.width,
        },
        audio_token_index=ids[_AUDIO],
        audio_start_token_id=ids[_AUDIO_BEGIN],
        audio_end_token_id=ids[_AUDIO_END],
        vision_start_token_id=begin,
        vision_end_token_id=end,
        image_token_index=image,
        video_token_index=video,
    )
    library.Qwen2_5OmniThinkerForConditionalGeneration(config).save_pretrained(folder)
    _ears().save_pretrained(folder)


ARCHITECTURES: Final[Mapping[str, Callable[[Path, _Sizes, Iterable[str]], None]]] = MappingProxyType(
    {"qwen2": _write_qwen2, "qwen2_audio": _write_qwen2_audio, "qwen2_5_omni": _write_qwen2_5_omni}
)
"""What `write_random_base` can write, by name."""


def _language(tokenizer: Any, sizes: _Sizes) -> dict[str, Any]:
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": sizes.width,
        "intermediate_size": sizes.feed,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "num_key_value_heads": sizes.heads if sizes.heads % 2 else sizes.heads // 2,
        "max_position_embeddings": _POSITIONS,
        "bos_token_id": tokenizer.convert_tokens_to_ids(_BEGIN),
        "eos_token_id": tokenizer.convert_tokens_to_ids(_END),
        "pad_token_id": tokenizer.convert_tokens_to_ids(_PAD),
    }


def _tower() -> dict[str, Any]:
    return {
        "d_model": _TOWER,
        "encoder_layers": 1,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 2 * _TOWER,
        "num_mel_bins": _MELS,
    }


def _ears() -> Any:
    return _library().WhisperFeatureExtractor(feature_size=_MELS, sampling_rate=RATE_HZ, chunk_length=30)


def _write_tokenizer(folder: Path, vocabulary: int, texts: Iterable[str], *, hears: bool) -> Any:
    """A byte-level BPE (Sennrich et al. 2016, arXiv 1508.07909): whatever is written has tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    library = _library()
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CUTS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(_MARKS),
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    inner.train_from_iterator(_first(texts), trainer)
    template = _TEMPLATE if hears else _TEMPLATE.replace(f"{_AUDIO_BEGIN}{_AUDIO}{_AUDIO_END}", "")
    library.PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token=_BEGIN,
        eos_token=_END,
        pad_token=_PAD,
        additional_special_tokens=list(_MARKS),
        chat_template=template,
    ).save_pretrained(folder)
    if hears:
        # Processors ask the tokenizer for these by name.
        path = folder / "tokenizer_config.json"
        about = json.loads(path.read_text("utf-8"))
        names = ("audio_token", "audio_bos_token", "audio_eos_token")
        about["extra_special_tokens"] = dict(zip(names, (_AUDIO, _AUDIO_BEGIN, _AUDIO_END), strict=True))
        path.write_text(json.dumps(about, indent=2, sort_keys=True), "utf-8")
    return library.PreTrainedTokenizerFast.from_pretrained(folder)


def _library() -> Any:
    """Transformers, whose classes say little of their types."""
    import transformers

    return transformers


def _first(texts: Iterable[str]) -> Iterator[str]:
    """As many of the first texts as are read."""
    room = TEXT_CHARS
    for text in texts:
        if room <= 0:
            return
        yield text[:room]
        room -= len(text)
