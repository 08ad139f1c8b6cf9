"""Tiny text-to-speech models with random weights, one of each kind that the adapter takes, made without a network.

Each is saved as a folder that is loaded the way a real one is: configuration, safetensors, tokenizer, feature
extractor, codec, presets. They say noise, in the same shapes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from tests.voices.neural.tiny_speech_prompted import byte_tokenizer, csm, dia, higgs, vibevoice

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz '"


def vits(folder: Path, *, speakers: int = 1, language: str = "eng") -> Path:
    """A VITS as MMS has them, or one with several speakers."""
    import torch
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    letters = {letter: number for number, letter in enumerate(["<pad>", *LETTERS, "<unk>"])}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(letters), "utf-8")
    tokenizer = VitsTokenizer(
        str(folder / "vocab.json"), language=language, add_blank=True, normalize=True, phonemize=False
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(speakers)
    model = VitsModel(
        VitsConfig(
            vocab_size=len(letters),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            ffn_dim=16,
            flow_size=16,
            spectrogram_bins=9,
            duration_predictor_num_flows=1,
            duration_predictor_filter_channels=16,
            prior_encoder_num_flows=1,
            prior_encoder_num_wavenet_layers=1,
            posterior_encoder_num_wavenet_layers=1,
            depth_separable_num_layers=1,
            upsample_initial_channel=16,
            upsample_rates=[8, 8],
            upsample_kernel_sizes=[16, 16],
            resblock_kernel_sizes=[3],
            resblock_dilation_sizes=[[1]],
            num_speakers=speakers,
            speaker_embedding_size=8 if speakers > 1 else 0,
            sampling_rate=16_000,
        )
    )
    model.save_pretrained(folder)
    return folder


def many_voices(folder: Path) -> Path:
    """A VITS with 30 speakers."""
    return vits(folder, speakers=30)


def speecht5(folder: Path) -> Path:
    """A SpeechT5 with its vocoder inside."""
    import torch
    from transformers import (
        SpeechT5Config,
        SpeechT5ForTextToSpeech,
        SpeechT5HifiGan,
        SpeechT5HifiGanConfig,
        SpeechT5Tokenizer,
    )

    _sentencepiece(folder / "spm_char.model")
    tokenizer = SpeechT5Tokenizer(str(folder / "spm_char.model"))
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    model = SpeechT5ForTextToSpeech(
        SpeechT5Config(
            vocab_size=len(tokenizer),
            hidden_size=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=16,
            decoder_ffn_dim=16,
            num_mel_bins=8,
            reduction_factor=2,
            speaker_embedding_dim=12,
            speech_decoder_prenet_units=16,
            speech_decoder_postnet_units=16,
            max_text_positions=200,
            max_speech_positions=1500,
        )
    )
    # To stop now and then, and not at once.
    model.speech_decoder_postnet.prob_out.bias.data.fill_(-2.4)
    model.speech_decoder_postnet.prob_out.weight.data *= 12.0
    model.save_pretrained(folder)
    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(
            model_in_dim=8,
            sampling_rate=16_000,
            upsample_initial_channel=16,
            upsample_rates=[32, 32],
            upsample_kernel_sizes=[64, 64],
            resblock_kernel_sizes=[3],
            resblock_dilation_sizes=[[1]],
            normalize_before=True,
            initializer_range=0.3,
        )
    )
    vocoder.save_pretrained(folder / "vocoder")
    return folder


def bark(folder: Path) -> Path:
    """A Bark with two presets."""
    import torch
    from transformers import BarkConfig, BarkModel, EncodecConfig
    from transformers.models.bark.configuration_bark import BarkCoarseConfig, BarkFineConfig, BarkSemanticConfig

    tokenizer = byte_tokenizer(folder, ("[PAD]",), pad="[PAD]")
    semantic, codes, text = 40, 16, len(tokenizer)
    body = {
        "num_layers": 1,
        "num_heads": 2,
        "hidden_size": 16,
        "block_size": 256,
        "dropout": 0.0,
        "initializer_range": 0.3,
    }
    torch.manual_seed(0)
    model = BarkModel(
        BarkConfig(
            semantic_config=BarkSemanticConfig(
                **body, input_vocab_size=semantic + 8 + text + 2, output_vocab_size=semantic + 1
            ).to_dict(),
            coarse_acoustics_config=BarkCoarseConfig(
                **body, input_vocab_size=semantic + 2 * codes + 2, output_vocab_size=semantic + 2 * codes + 2
            ).to_dict(),
            fine_acoustics_config=BarkFineConfig(
                **body, input_vocab_size=codes + 1, output_vocab_size=codes, n_codes_total=4, n_codes_given=1
            ).to_dict(),
            codec_config=EncodecConfig(
                sampling_rate=24_000,
                num_filters=4,
                hidden_size=8,
                num_residual_layers=1,
                upsampling_ratios=[20, 16],
                codebook_size=codes,
                codebook_dim=8,
                target_bandwidths=[1.5],
                num_lstm_layers=1,
            ).to_dict(),
        )
    )
    for name, values in model.codec_model.named_buffers():
        if name.endswith("codebook.embed"):
            values.copy_(torch.randn_like(values))
    model.save_pretrained(folder)
    drawing = {"do_sample": True, "temperature": 0.7}
    settings = {
        "model_type": "bark",
        "sample_rate": 24_000,
        "codebook_size": codes,
        "semantic_config": {
            **drawing,
            "eos_token_id": semantic,
            "max_new_tokens": 60,
            "text_encoding_offset": semantic + 8,
            "text_pad_token": semantic + 8 + text,
            "semantic_infer_token": semantic + 8 + text + 1,
            "semantic_vocab_size": semantic,
            "max_input_semantic_length": 64,
            "semantic_rate_hz": 10.0,
        },
        "coarse_acoustics_config": {
            **drawing,
            "coarse_semantic_pad_token": semantic + 2 * codes,
            "coarse_infer_token": semantic + 2 * codes + 1,
            "coarse_rate_hz": 15,
            "n_coarse_codebooks": 2,
            "max_coarse_input_length": 64,
            "max_coarse_history": 60,
            "sliding_window_len": 20,
        },
        "fine_acoustics_config": {
            "temperature": 0.5,
            "max_fine_history_length": 32,
            "max_fine_input_length": 64,
            "n_fine_codebooks": 4,
        },
    }
    (folder / "generation_config.json").write_text(json.dumps(settings), "utf-8")
    listed: dict[str, Any] = {"repo_or_path": "somewhere/else"}
    lot = np.random.default_rng(0)
    (folder / "speaker_embeddings" / "v2").mkdir(parents=True)
    for name in ("v2/de_speaker_3", "v2/en_speaker_1", "v2/en_speaker_6"):
        shapes = {"semantic_prompt": (20,), "coarse_prompt": (2, 30), "fine_prompt": (4, 30)}
        listed[name] = {}
        for key, shape in shapes.items():
            path = f"speaker_embeddings/{name}_{key}.npy"
            np.save(folder / path, lot.integers(0, codes, shape), allow_pickle=False)
            listed[name][key] = path
    (folder / "speaker_embeddings_path.json").write_text(json.dumps(listed), "utf-8")
    return folder


BUILDERS: Final[Mapping[str, Callable[[Path], Path]]] = MappingProxyType(
    {
        "vits": vits,
        "many_voices": many_voices,
        "speecht5": speecht5,
        "bark": bark,
        "csm": csm,
        "dia": dia,
        "higgs": higgs,
        "vibevoice": vibevoice,
    }
)


def _sentencepiece(path: Path) -> None:
    """Letters, as SpeechT5 has them."""
    import io

    import sentencepiece  # type: ignore[import-not-found,unused-ignore]

    path.parent.mkdir(parents=True, exist_ok=True)
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([LETTERS, "the lamp went out, and then we heard somebody laugh."]),
        model_writer=made,
        model_type="char",
        vocab_size=40,
        hard_vocab_limit=False,
        bos_id=0,
        pad_id=1,
        eos_id=2,
        unk_id=3,
        minloglevel=3,
    )
    path.write_bytes(made.getvalue())
