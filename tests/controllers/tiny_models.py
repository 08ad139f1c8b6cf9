"""Tiny models with random weights, of the architectures that controllers load: made here, without a network.

Each is saved as a folder that is loaded the way a real one is: configuration, safetensors, tokenizer, feature
extractor. They answer nonsense, in the same shapes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from speechagents.resources import resource

AUDIO_TOKEN, AUDIO_BOS, AUDIO_EOS = "<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"

CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEXT_TEMPLATE = CHAT_TEMPLATE.replace("<|audio_bos|><|AUDIO|><|audio_eos|>", "")

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", AUDIO_TOKEN, AUDIO_BOS, AUDIO_EOS)


def text_model(folder: Path, width: int = 32) -> Path:
    """A Qwen2 that reads; of a width that the back ends of four-bit weights want, if need be."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = make_tokenizer(folder, TEXT_TEMPLATE)
    torch.manual_seed(0)
    Qwen2ForCausalLM(Qwen2Config(**language_sizes(tokenizer, width))).save_pretrained(folder)
    return folder


def qwen2_audio(folder: Path) -> Path:
    """A Qwen2-Audio that hears."""
    import torch
    from transformers import Qwen2AudioConfig, Qwen2AudioForConditionalGeneration, Qwen2AudioProcessor

    tokenizer = make_tokenizer(folder, CHAT_TEMPLATE)
    config = Qwen2AudioConfig(
        audio_config={
            "model_type": "qwen2_audio_encoder",
            "d_model": 16,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "num_mel_bins": 80,
            "initializer_range": 0.4,
            "max_source_positions": 1500,
        },
        text_config={"model_type": "qwen2", **language_sizes(tokenizer)},
        initializer_range=0.4,
        audio_token_id=tokenizer.convert_tokens_to_ids(AUDIO_TOKEN),
    )
    torch.manual_seed(0)
    Qwen2AudioForConditionalGeneration(config).save_pretrained(folder)
    Qwen2AudioProcessor(make_ears(), tokenizer, chat_template=CHAT_TEMPLATE).save_pretrained(folder)
    return folder


def qwen2_5_omni(folder: Path) -> Path:
    """The thinker of a Qwen2.5-Omni, without a talker."""
    import torch
    from transformers import Qwen2_5OmniThinkerConfig, Qwen2_5OmniThinkerForConditionalGeneration

    tokenizer = make_tokenizer(folder, CHAT_TEMPLATE)
    text = language_sizes(tokenizer)
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}
    config = Qwen2_5OmniThinkerConfig(
        audio_config={
            "d_model": 16,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "num_mel_bins": 80,
            "initializer_range": 0.4,
            "output_dim": 32,
            "n_window": 50,
        },
        text_config=text,
        initializer_range=0.4,
        vision_config={"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 16, "out_hidden_size": 32},
        audio_token_index=tokenizer.convert_tokens_to_ids(AUDIO_TOKEN),
        audio_start_token_id=tokenizer.convert_tokens_to_ids(AUDIO_BOS),
        audio_end_token_id=tokenizer.convert_tokens_to_ids(AUDIO_EOS),
        vision_start_token_id=len(tokenizer) - 1,
        vision_end_token_id=len(tokenizer) - 1,
        vision_token_id=len(tokenizer) - 1,
        image_token_index=len(tokenizer) - 1,
        video_token_index=len(tokenizer) - 1,
    )
    torch.manual_seed(0)
    Qwen2_5OmniThinkerForConditionalGeneration(config).save_pretrained(folder)
    make_ears().save_pretrained(folder)
    return folder


BUILDERS: Mapping[str, Callable[[Path], Path]] = {
    "text": text_model,
    "qwen2_audio": qwen2_audio,
    "qwen2_5_omni": qwen2_5_omni,
}


def language_sizes(tokenizer: Any, width: int = 32) -> dict[str, Any]:
    """Sizes of a language model for a tokenizer."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": width,
        "intermediate_size": width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 32_768,
        # Large enough for every token of the input to matter.
        "initializer_range": 0.4,
        "bos_token_id": tokenizer.convert_tokens_to_ids("<|im_start|>"),
        "eos_token_id": tokenizer.convert_tokens_to_ids("<|im_end|>"),
        "pad_token_id": tokenizer.convert_tokens_to_ids("<|endoftext|>"),
    }


def make_ears() -> Any:
    """What turns sound into features."""
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=80, sampling_rate=16_000, chunk_length=30)


def make_tokenizer(folder: Path, template: str) -> Any:
    """A tokenizer with the marks of Qwen's family."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    inner = Tokenizer.from_str(_trained())
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(_SPECIAL),
        chat_template=template,
    )
    tokenizer.save_pretrained(folder)
    if AUDIO_TOKEN in template:
        path = folder / "tokenizer_config.json"
        about = json.loads(path.read_text("utf-8"))
        about["extra_special_tokens"] = {
            "audio_token": AUDIO_TOKEN,
            "audio_bos_token": AUDIO_BOS,
            "audio_eos_token": AUDIO_EOS,
        }
        path.write_text(json.dumps(about), "utf-8")
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer


@functools.cache
def _trained() -> str:
    """Two thousand tokens learned from our own phrases, split as Qwen splits."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    inner = Tokenizer(models.BPE())
    split = Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(split, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2_000, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    texts = [resource("models", "rehearsal", "en.yaml"), *resource("assets", "examples", "scenes").glob("*.yaml")]
    inner.train_from_iterator((path.read_text("utf-8") for path in sorted(texts)), trainer)
    return str(inner.to_str())
