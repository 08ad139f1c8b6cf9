"""Tiny omni models with random weights that hear and speak: thinker, talker and what makes sound of its codes.

Each is saved as a folder that is loaded the way a real one is. They say nothing that anybody could understand, in sound
of the right shape and rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.controllers.tiny_models import (
    AUDIO_BOS,
    AUDIO_EOS,
    AUDIO_TOKEN,
    CHAT_TEMPLATE,
    language_sizes,
    make_ears,
    make_tokenizer,
)

SPEAKERS = ("Chelsie", "Ethan")
_WIDE = 0.4
"""Deviation of weights: large enough for every token of the input to matter."""


def qwen2_5_omni_that_speaks(folder: Path) -> Path:
    """A Qwen2.5-Omni: one stream of codes at 50 Hz, a spectrogram out of noise, a vocoder."""
    import torch
    from transformers import Qwen2_5OmniConfig, Qwen2_5OmniForConditionalGeneration

    tokenizer = make_tokenizer(folder, CHAT_TEMPLATE)
    ids, unused = tokenizer.convert_tokens_to_ids, len(tokenizer) - 1
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}
    marks = {
        "audio_token_index": ids(AUDIO_TOKEN),
        "image_token_index": unused,
        "video_token_index": unused,
        "audio_start_token_id": ids(AUDIO_BOS),
        "audio_end_token_id": ids(AUDIO_EOS),
        "vision_start_token_id": unused,
        "vision_end_token_id": unused,
    }
    thinker = {
        "audio_config": {
            "d_model": 16,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "num_mel_bins": 80,
            "initializer_range": _WIDE,
            "output_dim": 32,
            "n_window": 50,
        },
        "text_config": {**language_sizes(tokenizer), "rope_parameters": rope},
        "vision_config": {
            "depth": 1,
            "hidden_size": 16,
            "num_heads": 2,
            "intermediate_size": 16,
            "out_hidden_size": 32,
        },
        "initializer_range": _WIDE,
        **marks,
    }
    talker = {
        "vocab_size": 72,
        "tts_text_start_token_id": ids("A"),
        "tts_text_end_token_id": ids("B"),
        "tts_text_pad_token_id": ids("C"),
        "tts_codec_pad_token_id": 64,
        "tts_codec_start_token_id": 65,
        "tts_codec_end_token_id": 66,
        "tts_codec_mask_token_id": 68,
        "embedding_size": 32,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "rope_parameters": rope,
        "initializer_range": _WIDE,
        **marks,
    }
    sound = {
        "dit_config": {
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "head_dim": 8,
            "ff_mult": 1,
            "emb_dim": 16,
            "block_size": 8,
            "look_ahead_layers": [0],
            "look_backward_layers": [0],
            "num_embeds": 65,
            "mel_dim": 8,
            "enc_emb_dim": 8,
            "enc_dim": 8,
            "enc_channels": [8, 8, 8, 8, 24],
            "enc_attention_channels": 8,
            "enc_res2net_scale": 2,
            "enc_se_channels": 8,
        },
        "bigvgan_config": {
            "mel_dim": 8,
            "upsample_initial_channel": 64,
            "resblock_kernel_sizes": [3],
            "resblock_dilation_sizes": [[1, 3, 5]],
        },
    }
    torch.manual_seed(0)
    config = Qwen2_5OmniConfig(thinker_config=thinker, talker_config=talker, token2wav_config=sound)
    model = Qwen2_5OmniForConditionalGeneration(config)
    _soften(model.token2wav)
    model.save_pretrained(folder)
    make_ears().save_pretrained(folder)
    voices = {
        name: {"bos_token": ids(mark), "cond": torch.randn(1, 8), "ref_mel": torch.randn(1, 20, 8)}
        for name, mark in zip(SPEAKERS, "DE", strict=True)
    }
    torch.save(voices, folder / "spk_dict.pt")
    return folder


def qwen3_omni_that_speaks(folder: Path) -> Path:
    """A Qwen3-Omni with experts: several codes a step at 12.5 Hz, and a decoder for them."""
    import torch
    from transformers import Qwen3OmniMoeConfig, Qwen3OmniMoeForConditionalGeneration

    tokenizer = make_tokenizer(folder, CHAT_TEMPLATE)
    ids, unused = tokenizer.convert_tokens_to_ids, len(tokenizer) - 1
    rope = {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1], "mrope_interleaved": True}
    experts = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
    marks = {"audio_token_id": ids(AUDIO_TOKEN), "image_token_id": unused, "video_token_id": unused}
    thinker = {
        "audio_config": {
            "d_model": 16,
            "encoder_layers": 1,
            "encoder_attention_heads": 2,
            "encoder_ffn_dim": 16,
            "num_mel_bins": 80,
            "initializer_range": _WIDE,
            "output_dim": 32,
            "n_window": 50,
            "n_window_infer": 100,
            "downsample_hidden_size": 8,
        },
        "text_config": {**language_sizes(tokenizer), **experts, "head_dim": 8, "rope_parameters": rope},
        "vision_config": {
            "depth": 1,
            "hidden_size": 16,
            "num_heads": 2,
            "intermediate_size": 16,
            "out_hidden_size": 32,
            "num_position_embeddings": 16,
            "deepstack_visual_indexes": [0],
        },
        "initializer_range": _WIDE,
        "audio_start_token_id": ids(AUDIO_BOS),
        "vision_start_token_id": unused,
        **marks,
    }
    small = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "initializer_range": _WIDE,
    }
    talker = {
        "text_config": {
            **small,
            **experts,
            "vocab_size": 1024 + 64,
            "shared_expert_intermediate_size": 16,
            "rope_parameters": rope,
        },
        "code_predictor_config": {**small, "vocab_size": 64, "num_code_groups": 4},
        "num_code_groups": 4,
        "thinker_hidden_size": 32,
        "spatial_merge_size": 2,
        "accept_hidden_layer": 1,
        "codec_eos_token_id": 70,
        "codec_nothink_id": 71,
        "codec_think_bos_id": 72,
        "codec_think_eos_id": 73,
        "codec_pad_id": 74,
        "codec_bos_id": 75,
        "speaker_id": {name.lower(): 80 + number for number, name in enumerate(SPEAKERS)},
        "audio_start_token_id": ids(AUDIO_BOS),
        "vision_start_token_id": unused,
        "initializer_range": _WIDE,
        **marks,
    }
    sound = {
        "codebook_size": 64,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_quantizers": 4,
        "decoder_dim": 32,
        "initializer_range": _WIDE,
    }
    torch.manual_seed(0)
    config = Qwen3OmniMoeConfig(
        thinker_config=thinker,
        talker_config=talker,
        code2wav_config=sound,
        im_start_token_id=ids("<|im_start|>"),
        im_end_token_id=ids("<|im_end|>"),
        tts_pad_token_id=ids("A"),
        tts_bos_token_id=ids("B"),
        tts_eos_token_id=ids("C"),
        system_token_id=_first(tokenizer, "system"),
        user_token_id=_first(tokenizer, "user"),
        assistant_token_id=_first(tokenizer, "assistant"),
    )
    model = Qwen3OmniMoeForConditionalGeneration(config)
    for one in model.talker.parameters():  # the library leaves some of them as memory was
        one.data.normal_(0.0, _WIDE)
    _soften(model.code2wav.decoder)
    model.save_pretrained(folder)
    make_ears().save_pretrained(folder)
    return folder


def _soften(sound: Any) -> None:
    """Weights small enough for the sound not to be clipped."""
    for one in sound.parameters():
        if one.dim() > 1:
            one.data.normal_(0.0, 0.1)


def _first(tokenizer: Any, word: str) -> int:
    return int(tokenizer(word, add_special_tokens=False)["input_ids"][0])


SPEAKING: Mapping[str, Callable[[Path], Path]] = {
    "qwen2_5_omni": qwen2_5_omni_that_speaks,
    "qwen3_omni_moe": qwen3_omni_that_speaks,
}
