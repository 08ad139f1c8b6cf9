"""Tiny text-to-speech models that are shown a voice by a recording: CSM, Dia, Higgs Audio, VibeVoice.

With random weights, made without a network, saved as a folder that is loaded the way a real one is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

CHAT: Final = (
    "{% for message in messages %}<|start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|audio_out_bos|><|AUDIO_OUT|><|audio_eos|>{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}<|eot|>{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n<|audio_out_bos|>"
    "{% endif %}"
)
SCRIPT: Final = (
    "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'audio' %} Speaker "
    "{{ message['role'] }}:<|vision_start|><|vision_pad|><|vision_end|>\n{% endif %}{% endfor %}{% endfor %}"
    "{% for message in messages %}{% for part in message['content'] %}{% if part['type'] == 'text' %} Speaker "
    "{{ message['role'] }}: {{ part['text'] }}\n{% endif %}{% endfor %}{% endfor %} Speech output:\n<|vision_start|>"
)


def csm(folder: Path) -> Path:
    """A CSM with Mimi inside."""
    import torch
    from transformers import CsmConfig, CsmForConditionalGeneration, CsmProcessor, EncodecFeatureExtractor

    special = ("<|pad|>", "<|begin_of_text|>", "<|end_of_text|>", "<|AUDIO|>", "<|audio_eos|>")
    tokenizer = byte_tokenizer(folder, special, pad="<|pad|>", bos="<|begin_of_text|>", eos="<|end_of_text|>")
    number = tokenizer.convert_tokens_to_ids
    body = {"num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "initializer_range": 0.3}
    config = CsmConfig(
        **body,
        num_codebooks=4,
        vocab_size=34,
        text_vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        max_position_embeddings=2048,
        pad_token_id=number("<|pad|>"),
        bos_token_id=number("<|begin_of_text|>"),
        codebook_pad_token_id=33,
        codebook_eos_token_id=0,
        audio_token_id=number("<|AUDIO|>"),
        audio_eos_token_id=number("<|audio_eos|>"),
        depth_decoder_config={
            **body,
            "num_codebooks": 4,
            "backbone_hidden_size": 16,
            "vocab_size": 34,
            "hidden_size": 16,
            "intermediate_size": 16,
            "max_position_embeddings": 5,
        },
        codec_config={
            "model_type": "mimi",
            "hidden_size": 16,
            "num_filters": 4,
            "num_residual_layers": 1,
            "upsampling_ratios": [8, 6, 5, 4],
            "codebook_size": 32,
            "codebook_dim": 16,
            "vector_quantization_hidden_dimension": 16,
            "num_quantizers": 4,
            "upsample_groups": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "head_dim": 8,
            "intermediate_size": 16,
        },
    )
    torch.manual_seed(0)
    model = CsmForConditionalGeneration(config)
    for name, values in model.codec_model.named_buffers():
        if name.endswith("codebook.embed_sum"):
            values.copy_(torch.randn_like(values))
    model.generation_config.do_sample = True
    model.generation_config.depth_decoder_do_sample = True
    model.depth_decoder.generation_config.do_sample = True
    model.save_pretrained(folder)
    CsmProcessor(EncodecFeatureExtractor(sampling_rate=24_000), tokenizer).save_pretrained(folder)
    return folder


def dia(folder: Path) -> Path:
    """A Dia with its codec inside."""
    import torch
    from transformers import DiaConfig, DiaFeatureExtractor, DiaForConditionalGeneration, DiaTokenizer

    head = {"hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 16, "head_dim": 8, "initializer_range": 0.3}
    config = DiaConfig(
        encoder_config={**head, "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 256},
        decoder_config={
            **head,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "cross_num_attention_heads": 2,
            "cross_num_key_value_heads": 2,
            "cross_head_dim": 8,
            "cross_hidden_size": 16,
            "vocab_size": 20,
            "num_channels": 3,
            "max_position_embeddings": 1024,
            "eos_token_id": 16,
            "pad_token_id": 17,
            "bos_token_id": 18,
        },
        delay_pattern=[0, 2, 3],
        initializer_range=0.3,
    )
    torch.manual_seed(0)
    model = DiaForConditionalGeneration(config)
    # The end is a token like others, but a little less likely.
    model.logits_dense.weight.data[config.decoder_config.eos_token_id] *= 0.3
    model.generation_config.update(
        do_sample=True,
        guidance_scale=3.0,
        temperature=1.3,
        top_k=12,
        top_p=0.95,
        decoder_start_token_id=18,
        bos_token_id=18,
        eos_token_id=16,
        pad_token_id=17,
    )
    model.save_pretrained(folder)
    DiaTokenizer().save_pretrained(folder)
    DiaFeatureExtractor(sampling_rate=16_000, hop_length=800).save_pretrained(folder)
    _dac(n_codebooks=3, codebook_size=16).save_pretrained(folder / "codec")
    return folder


def higgs(folder: Path) -> Path:
    """A Higgs Audio v2 with its codec inside."""
    import torch
    from transformers import (
        DacFeatureExtractor,
        HiggsAudioV2Config,
        HiggsAudioV2ForConditionalGeneration,
        HiggsAudioV2TokenizerConfig,
    )

    from speechagents.voices.neural.transformers_higgs import _codec_class

    special = ("<|pad|>", "<|start|>", "<|eot|>", "<|AUDIO_OUT|>", "<|audio_out_bos|>", "<|audio_eos|>")
    tokenizer = byte_tokenizer(
        folder, (*special, "<|reserved_special_token_6|>"), pad="<|pad|>", eos="<|eot|>", chat=CHAT
    )
    number = tokenizer.convert_tokens_to_ids
    config = HiggsAudioV2Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        max_position_embeddings=2048,
        initializer_range=0.3,
        num_codebooks=2,
        codebook_size=18,
        audio_token_id=number("<|AUDIO_OUT|>"),
        audio_bos_token_id=number("<|audio_out_bos|>"),
        audio_delay_token_id=number("<|reserved_special_token_6|>"),
        audio_stream_bos_id=16,
        audio_stream_eos_id=17,
        pad_token_id=number("<|pad|>"),
        bos_token_id=number("<|start|>"),
        eos_token_id=number("<|eot|>"),
    )
    torch.manual_seed(0)
    model = HiggsAudioV2ForConditionalGeneration(config)
    model.generation_config.update(do_sample=True, temperature=1.0, top_k=12, ras_win_len=7, ras_win_max_num_repeat=2)
    model.save_pretrained(folder)
    DacFeatureExtractor(sampling_rate=16_000, hop_length=320).save_pretrained(folder)
    codec = _codec_class()(
        HiggsAudioV2TokenizerConfig(
            target_bandwidths=[0.2, 0.4],
            sample_rate=16_000,
            semantic_sample_rate=16_000,
            codebook_size=16,
            codebook_dim=8,
            downsample_factor=320,
            acoustic_model_config={
                "model_type": "dac",
                "encoder_hidden_size": 4,
                "decoder_hidden_size": 16,
                "hidden_size": 16,
                "downsampling_ratios": [8, 5, 4, 2],
                "upsampling_ratios": [8, 5, 4, 2],
                "codebook_size": 16,
                "n_codebooks": 2,
                "codebook_dim": 4,
            },
            semantic_model_config={
                "model_type": "hubert",
                "hidden_size": 16,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 16,
                "conv_dim": [4] * 7,
                "num_conv_pos_embeddings": 4,
                "num_conv_pos_embedding_groups": 2,
            },
        )
    )
    codec.save_pretrained(folder / "codec")
    return folder


def vibevoice(folder: Path) -> Path:
    """A VibeVoice."""
    import torch
    from transformers import (
        VibeVoiceAcousticTokenizerFeatureExtractor,
        VibeVoiceConfig,
        VibeVoiceForConditionalGeneration,
    )

    special = ("<|endoftext|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>")
    tokenizer = byte_tokenizer(folder, special, pad="<|endoftext|>", eos="<|endoftext|>", chat=SCRIPT)
    number = tokenizer.convert_tokens_to_ids
    hearing = {"num_filters": 2, "downsampling_ratios": [8, 10, 20], "depths": [1, 1, 1, 1], "kernel_size": 3}
    config = VibeVoiceConfig(
        text_config={
            "model_type": "qwen2",
            "vocab_size": len(tokenizer),
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "initializer_range": 0.3,
            "max_position_embeddings": 4096,
            "pad_token_id": number("<|endoftext|>"),
            "eos_token_id": number("<|endoftext|>"),
            "bos_token_id": None,
        },
        audio_config={
            "model_type": "vibevoice_acoustic_tokenizer",
            "hidden_size": 8,
            "initializer_range": 0.3,
            **hearing,
        },
        semantic_model_config={
            "model_type": "vibevoice_acoustic_tokenizer_encoder",
            "hidden_size": 8,
            "initializer_range": 0.3,
            **hearing,
        },
        diffusion_head_config={
            "hidden_size": 16,
            "latent_size": 8,
            "num_hidden_layers": 1,
            "intermediate_size": 16,
            "frequency_embedding_size": 16,
        },
        pad_token_id=number("<|endoftext|>"),
        eos_token_id=number("<|endoftext|>"),
        audio_bos_token_id=number("<|vision_start|>"),
        audio_eos_token_id=number("<|vision_end|>"),
        audio_token_id=number("<|vision_pad|>"),
    )
    torch.manual_seed(0)
    model = VibeVoiceForConditionalGeneration(config)
    # Sound is likely behind the mark that begins it and behind sound, but not certain: lines end by themselves.
    begin = model.get_input_embeddings().weight.data[config.audio_bos_token_id]
    model.lm_head.weight.data[:] = 0.0
    model.lm_head.weight.data[config.audio_token_id] = begin
    model.model.multi_modal_projector.linear_2.bias.data[:] = begin
    model.generation_config.update(
        guidance_scale=1.3,
        num_diffusion_steps=2,
        eos_token_id=number("<|endoftext|>"),
        pad_token_id=number("<|endoftext|>"),
    )
    model.save_pretrained(folder)
    VibeVoiceAcousticTokenizerFeatureExtractor(pad_to_multiple_of=1600).save_pretrained(folder)
    return folder


def _dac(**options: Any) -> Any:
    import torch
    from transformers import DacConfig, DacModel

    torch.manual_seed(1)
    model = DacModel(
        DacConfig(
            encoder_hidden_size=4,
            decoder_hidden_size=16,
            downsampling_ratios=[2, 4, 10, 10],
            codebook_dim=4,
            sampling_rate=16_000,
            **options,
        )
    )
    # Codes shall be heard.
    for quantizer in model.quantizer.quantizers:
        quantizer.codebook.weight.data *= 30.0
        quantizer.out_proj.weight.data *= 30.0
    for weights in model.decoder.parameters():
        weights.data *= 3.0 if weights.dim() > 1 else 1.0
    return model


def byte_tokenizer(
    folder: Path, special: tuple[str, ...], *, pad: str, bos: str = "", eos: str = "", chat: str = ""
) -> Any:
    """Bytes and marks."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={byte: number for number, byte in enumerate(alphabet)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    marks = {"pad_token": pad, **({"bos_token": bos} if bos else {}), **({"eos_token": eos} if eos else {})}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner,
        additional_special_tokens=list(special),
        **marks,
        **({"chat_template": chat} if chat else {}),
    )
    tokenizer.save_pretrained(folder)
    return tokenizer
