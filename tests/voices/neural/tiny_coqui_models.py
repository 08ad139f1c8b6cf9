"""Tiny Coqui models with random weights: made here, without a network, and saved as folders like released ones.

They speak noise, in the same shapes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SPEAKERS = ("p225", "p226", "p227")
XTTS_SPEAKERS = ("Claribel Dervla", "Andrew Chipper", "Somebody Else")
SENTENCES = (
    "the lamp went out and then we heard somebody laugh on the stairs",
    "nobody moves that piano before i have had my soup",
    "good evening everybody this is the third of november",
)


def vits(folder: Path, *, languages: tuple[str, ...] = ("en",), wide: bool = False) -> Path:
    """A VITS with three speakers at 22 050 Hz.

    Args:
        folder: Where to.
        languages: That it knows.
        wide: Its decoder looks as far ahead as that of released models, and takes five times as long.
    """
    import torch

    from speechagents.voices.neural.coqui_library import coqui

    library = coqui()
    config = library.VitsConfig()
    config.from_dict(
        {
            "model": "vits",
            "audio": {"sample_rate": 22_050, "hop_length": 256, "fft_size": 1024, "win_length": 1024},
            "text_cleaner": "multilingual_cleaners",
            "use_phonemes": False,
            "phoneme_language": "en-us",
            "characters": {
                "characters_class": "TTS.tts.models.vits.VitsCharacters",
                "pad": "_",
                "punctuations": "!¡'(),-.:;¿? \"",
                "characters": "abcdefghijklmnopqrstuvwxyzäöüß",
                "phonemes": "ɪʊəɛæɑɔʌɹŋʃʒθðˈˌːɡɐɚɜ",
            },
            "add_blank": True,
            "speakers": list(SPEAKERS),
            "languages": list(languages),
            "use_speaker_embedding": True,
            "num_speakers": len(SPEAKERS),
            "model_args": {
                "hidden_channels": 16,
                "hidden_channels_ffn_text_encoder": 16,
                "num_heads_text_encoder": 2,
                "num_layers_text_encoder": 2,
                "num_layers_posterior_encoder": 2,
                "num_layers_flow": 1,
                "upsample_initial_channel_decoder": 16,
                "resblock_kernel_sizes_decoder": [3, 7, 11] if wide else [3],
                "resblock_dilation_sizes_decoder": [[1, 3, 5]] * (3 if wide else 1),
                "speaker_embedding_channels": 8,
                "use_speaker_embedding": True,
                "num_speakers": len(SPEAKERS),
                "use_language_embedding": len(languages) > 1,
                "init_discriminator": False,
            },
        }
    )
    torch.manual_seed(0)
    model = library.Vits(config)
    with torch.no_grad():
        # Random speakers differ by chance alone, and random weights say little.
        model.emb_g.weight.mul_(4.0)
    folder.mkdir(parents=True, exist_ok=True)
    values = {
        **config.to_dict(),
        # What a released configuration says: paths of whoever trained it, which are not followed.
        "speakers_file": "/data/speaker_ids.json",
        "use_phonemes": False,
        "phonemizer": "espeak",
        "speakers": [],
    }
    values["model_args"] = {**values["model_args"], "speakers_file": "/data/speaker_ids.json"}
    (folder / "config.json").write_text(json.dumps(values), "utf-8")
    (folder / "speaker_ids.json").write_text(json.dumps({name: n for n, name in enumerate(SPEAKERS)}), "utf-8")
    torch.save({"model": model.state_dict(), "step": 1, "config": {}}, folder / "model_file.pth")
    return folder


def xtts(folder: Path, *, codes: int = 9) -> Path:
    """An XTTS of the second version's architecture at 24 000 Hz; its decoder is of full size, Coqui has no other.

    Args:
        folder: Where to.
        codes: Most codes that it writes.
    """
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from speechagents.voices.neural.coqui_library import coqui

    library = coqui()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[en]", "[de]", "[zh-cn]", "[ja]"]
    tokenizer.train_from_iterator(
        SENTENCES, trainers.BpeTrainer(vocab_size=80, special_tokens=special, show_progress=False)
    )
    tokenizer.save(str(folder / "vocab.json"))
    config = library.XttsConfig()
    config.from_dict(
        {
            "model": "xtts",
            "languages": ["en", "de", "zh-cn", "ja"],
            "temperature": 0.75,
            "top_k": 50,
            "top_p": 0.85,
            "repetition_penalty": 5.0,
            "model_args": {
                "gpt_layers": 2,
                "gpt_n_model_channels": 64,
                "gpt_n_heads": 4,
                "gpt_number_text_tokens": 80,
                "gpt_start_text_token": 3,
                "gpt_stop_text_token": 0,
                "gpt_num_audio_tokens": 34,
                "gpt_start_audio_token": 32,
                "gpt_stop_audio_token": 33,
                "gpt_max_audio_tokens": codes,
                "gpt_max_text_tokens": 402,
                "gpt_use_perceiver_resampler": True,
                "decoder_input_dim": 64,
                "d_vector_dim": 512,
            },
        }
    )
    torch.manual_seed(0)
    model = library.Xtts(config)
    model.tokenizer = library.VoiceBpeTokenizer(vocab_file=folder / "vocab.json")
    model.init_models()
    (folder / "config.json").write_text(json.dumps(config.to_dict()), "utf-8")
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    shown = {
        name: {
            "gpt_cond_latent": torch.randn(1, 32, 64),
            "speaker_embedding": torch.nn.functional.normalize(torch.randn(1, 512, 1), dim=1),
        }
        for name in XTTS_SPEAKERS
    }
    torch.save(shown, folder / "speakers_xtts.pth")
    return folder


class Payload:
    """What an attacker puts into a pickle: unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return (Path.touch, (self._path,))
