"""Bark in Transformers: speech with laughs and sighs, in voices that are given as the beginning of what is said.

Owns what is asked of such a model, its presets and the marks for styles that its makers list. Files of presets are
NumPy arrays, read without pickles. Whether weights of a preset are there is known when it is first used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from speechagents.errors import SynthesisError
from speechagents.voices.abilities import StyleMeans
from speechagents.voices.neural.seeded_chance import Chance, seeded_chance
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Saying, Speaker, Traits
from speechagents.voices.neural.transformers_languages import primary_tag
from speechagents.voices.neural.transformers_loading import Place, first_line, load_json, load_model, load_part

_STYLES: Final = MappingProxyType(
    {
        "laughing": "[laughs] {}",
        "surprised": "[gasps] {}",
        "tired": "[sighs] {}",
        "hesitant": "… {}",
        "singing": "♪ {} ♪",
    }
)
"""How a text is marked for a style."""
_NO_PRESET: Final = "plain"
_PRESETS_FILE: Final = "speaker_embeddings_path.json"
_AXES: Final = MappingProxyType({"semantic_prompt": 1, "coarse_prompt": 2, "fine_prompt": 2})
_PRESET: Final = re.compile(r"(v2/)?([a-z]{2})_speaker_(\d)")
_MOST_PRESET_BYTES: Final = 5_000_000
_MAX_CHARS: Final = 180
_MAX_TOKENS: Final = 256
_SECOND_HALF: Final = 0x5BD1E995


class Bark:
    """A Bark.

    Args:
        place: Where it is.
        config: Its configuration.
        language: Whose presets come first, a primary BCP 47 tag.

    Raises:
        SettingsError: Something is lacking.
        SynthesisError: Its weights are damaged.
    """

    def __init__(self, place: Place, config: Any, *, language: str = "en") -> None:  # noqa: ARG002 - one signature
        import transformers
        from transformers.models.bark.generation_configuration_bark import (
            BarkCoarseGenerationConfig,
            BarkFineGenerationConfig,
            BarkSemanticGenerationConfig,
        )

        self._place = place
        self._tokenizer = load_part(transformers.AutoTokenizer, place)
        self.model = load_model(transformers.BarkModel, place)
        settings = self.model.generation_config
        self._semantic = BarkSemanticGenerationConfig(**_as_dict(settings.semantic_config))
        self._coarse = BarkCoarseGenerationConfig(**_as_dict(settings.coarse_acoustics_config))
        self._fine = BarkFineGenerationConfig(**_as_dict(settings.fine_acoustics_config))
        self._codebook = int(settings.codebook_size)
        self._paths = _preset_paths(load_json(place, _PRESETS_FILE))
        self._loaded: dict[str, Any] = {}
        order = sorted(self._paths, key=lambda key: (primary_tag(_language_of(key)) != language, key))
        self.speakers: Sequence[Speaker] = tuple(
            Speaker(key, f"Bark's preset {key}.", _language_of(key)) for key in order[:MOST_SPEAKERS]
        ) or (Speaker(_NO_PRESET, "Another voice in each line: this model has no presets beside it.", "en"),)
        self.traits = Traits(
            rate_hz=int(getattr(settings, "sample_rate", 24_000)),
            languages=tuple(sorted({one.language for one in self.speakers if one.language})) or ("en",),
            max_chars=_MAX_CHARS,
            styles=dict.fromkeys(_STYLES, StyleMeans.TAG),
        )

    def speak(self, sayings: Sequence[Saying], chance: Chance) -> Sequence[Any]:
        """Say a batch: those of one voice together, as the model takes one beginning for all rows."""
        said: list[Any] = [None] * len(sayings)
        for key in dict.fromkeys(one.speaker for one in sayings):
            rows = [row for row, one in enumerate(sayings) if one.speaker == key]
            for row, sound in zip(rows, self._speak_as(key, [sayings[row] for row in rows], rows, chance), strict=True):
                said[row] = sound
        return said

    def _speak_as(self, key: str, sayings: Sequence[Saying], rows: Sequence[int], chance: Chance) -> list[Any]:
        with seeded_chance([chance.seeds[row] for row in rows]):
            meant, history = self._meant(sayings, self._preset(key))
            coarse, lengths = self.model.coarse_acoustics.generate(
                meant,
                history_prompt=history,
                semantic_generation_config=self._semantic,
                coarse_generation_config=self._coarse,
                codebook_size=self._codebook,
                return_output_lengths=True,
            )
        # What follows looks at a whole row, padding included: one by one.
        return [
            self._decoded(row[: int(length)][None], history, chance.seeds[number])
            for row, length, number in zip(coarse, lengths, rows, strict=True)
        ]

    def _meant(self, sayings: Sequence[Saying], history: Any) -> tuple[Any, Any]:
        """The first of three models: what is said, without how it sounds."""
        import torch

        inputs = self._tokenizer(
            [_marked(one) for one in sayings],
            return_tensors="pt",
            padding="max_length",
            truncation=True,
            max_length=min(_MAX_TOKENS, int(self._semantic.max_input_semantic_length)),
            add_special_tokens=False,
            return_attention_mask=True,
            return_token_type_ids=False,
        ).to(self.model.device)
        if not bool(inputs["attention_mask"].any(1).all()):
            raise SynthesisError("the model knows none of the letters of this text")
        most = torch.tensor(
            [max(1, round(one.most_s * self._semantic.semantic_rate_hz)) for one in sayings], device=self.model.device
        )
        longest = min(int(most.max()), self._semantic.max_new_tokens or int(most.max()))
        meant = self.model.semantic.generate(
            inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            history_prompt=history,
            semantic_generation_config=self._semantic,
            max_new_tokens=longest,
        )
        over = torch.arange(meant.shape[1], device=meant.device)[None] >= most[:, None]
        return meant.masked_fill(over, self._semantic.semantic_pad_token), history

    def _decoded(self, coarse: Any, history: Any, seed: int) -> Any:
        """The second half of one row: the finer codes, and sound."""
        if not coarse.shape[1]:
            return coarse.new_zeros(0)
        # Not the streams of the first half again.
        with seeded_chance([seed ^ _SECOND_HALF]):
            fine = self.model.fine_acoustics.generate(
                coarse,
                history_prompt=history,
                semantic_generation_config=self._semantic,
                coarse_generation_config=self._coarse,
                fine_generation_config=self._fine,
                codebook_size=self._codebook,
            )
        return self.model.codec_decode(fine, [fine.shape[-1]])[0].reshape(-1)

    def _preset(self, key: str) -> Any:
        """The beginning that makes a voice; None for none."""
        import torch

        if key == _NO_PRESET:
            return None
        if key not in self._loaded:
            read = {name: _array(self._place.folder, path, _AXES[name]) for name, path in self._paths[key].items()}
            self._loaded[key] = {name: torch.from_numpy(array) for name, array in read.items()}
        return {name: tensor.to(self.model.device) for name, tensor in self._loaded[key].items()}


def _preset_paths(listed: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Files of each preset that a model lists, by its name; anything else in the list is left out."""
    found: dict[str, Mapping[str, str]] = {}
    for key, files in listed.items():
        if _PRESET.fullmatch(key) and isinstance(files, dict) and all(_is_inside(files.get(name)) for name in _AXES):
            found[key] = {name: files[name] for name in _AXES}
    # Of the two generations of presets the newer is better.
    return {key: found[key] for key in found if key.startswith("v2/") or f"v2/{key}" not in found}


def _is_inside(path: Any) -> bool:
    if not isinstance(path, str) or not path.endswith(".npy"):
        return False
    inside = PurePosixPath(path)
    return not inside.is_absolute() and ".." not in inside.parts and "\\" not in path


def _marked(saying: Saying) -> str:
    """A text with the mark of its style."""
    return _STYLES.get(saying.style.tag, "{}").format(saying.text) if saying.style.strength else saying.text


def _language_of(key: str) -> str:
    found = _PRESET.fullmatch(key)
    return found.group(2) if found else ""


def _array(folder: Path, name: str, axes: int) -> Any:
    path = folder / name
    try:
        if path.stat().st_size > _MOST_PRESET_BYTES:
            raise ValueError(f"more than {_MOST_PRESET_BYTES} bytes")
        array = np.load(path, allow_pickle=False)
        if array.ndim != axes or array.dtype.kind not in "iu" or not array.size:
            raise ValueError("no codes of a voice")
    except (OSError, ValueError, EOFError) as error:
        raise SynthesisError(f"the preset {path} cannot be read: {first_line(error)}; download it again") from error
    return np.ascontiguousarray(array, np.int64)


def _as_dict(settings: Any) -> dict[str, Any]:
    return dict(settings) if isinstance(settings, Mapping) else dict(settings.to_dict())
