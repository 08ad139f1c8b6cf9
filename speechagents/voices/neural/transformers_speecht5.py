"""SpeechT5 in Transformers: one model that takes on any voice given as an x-vector.

Owns what is asked of such a model, its vocoder and where its voices come from: a file with vectors of speakers, or else
made-up vectors, which are nobody's voice. Ao et al. 2022, arXiv 2110.07205; x-vectors: Snyder et al. 2018,
doi 10.1109/ICASSP.2018.8461375.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from speechagents.errors import SettingsError
from speechagents.voices.neural.seeded_chance import Chance
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Saying, Speaker, Traits, made_up
from speechagents.voices.neural.transformers_loading import Place, first_line, load_config, load_model, load_part

VOCODER: Final = "microsoft/speecht5_hifigan"
"""Vocoder that is used where a model brings none."""

_MOST_VECTOR_BYTES: Final = 50_000_000
_MAX_CHARS: Final = 300
_SPARE_FRAMES: Final = 16
"""The last frames of a line that is stopped are others if the batch goes on: they are left out."""
_MARKS: Final = 2
"""Tokens of a text that are no letters."""


class SpeechT5:
    """A SpeechT5 that speaks.

    Args:
        place: Where it is.
        config: Its configuration.
        vocoder: Folder or name of the vocoder; empty takes the folder ``vocoder`` inside the model, or `VOCODER`.
        speaker_vectors: File with x-vectors by name (``.safetensors`` or ``.npz``); empty makes vectors up.

    Raises:
        SettingsError: Something is lacking, or the file of vectors holds none that fit.
        WeightsMissing: The vocoder is not on this machine.
        SynthesisError: Weights are damaged.
    """

    def __init__(self, place: Place, config: Any, *, vocoder: str = "", speaker_vectors: str = "") -> None:
        import torch
        import transformers

        self._device = place.device.name
        self._tokenizer = load_part(transformers.SpeechT5Tokenizer, place)
        self.model = load_model(transformers.SpeechT5ForTextToSpeech, place)
        beside = place.inside("vocoder")
        voicing = beside if not vocoder and beside.folder.is_dir() else place.another(vocoder or VOCODER)
        self._vocoder = load_model(transformers.SpeechT5HifiGan, voicing)
        self._config = config
        # The vocoder belongs to the model: whoever moves one moves both.
        self.model.add_module("vocoder", self._vocoder)
        heard = load_config(voicing)
        self._frames_hz = heard.sampling_rate / float(np.prod(heard.upsample_rates))
        size = int(config.speaker_embedding_dim)
        known = read_vectors(Path(speaker_vectors).expanduser(), size) if speaker_vectors else {}
        self.speakers: Sequence[Speaker] = tuple(
            Speaker(name, f"The speaker {name!r} of {Path(speaker_vectors).name}.", "en") for name in known
        ) or made_up(MOST_SPEAKERS, "A vector made up by chance, nobody's voice")
        drawn = {one.key: _drawn(one.seed or 0, size) for one in self.speakers if one.key not in known}
        self._vectors = {name: torch.from_numpy(vector) for name, vector in {**known, **drawn}.items()}
        self.traits = Traits(
            rate_hz=int(heard.sampling_rate),
            languages=("en",),
            max_chars=max(1, min(_MAX_CHARS, int(config.max_text_positions) - _MARKS)),
        )

    def speak(self, sayings: Sequence[Saying], chance: Chance) -> Sequence[Any]:  # noqa: ARG002 - draws by itself
        """Say a batch."""
        import torch

        inputs = self._tokenizer([one.text for one in sayings], return_tensors="pt", padding=True).to(self._device)
        vectors = torch.stack([self._vectors[one.speaker] for one in sayings]).to(self._device, self.model.dtype)
        step = int(self._config.reduction_factor)
        room = self._config.max_speech_positions * step - step - _SPARE_FRAMES
        most = [min(one.most_s * self._frames_hz, room) for one in sayings]
        prenet = self.model.speecht5.decoder.prenet
        own = getattr(prenet, "_consistent_dropout", None)
        if own is not None:
            # This part drops values by chance when it speaks as well, all rows alike: here each by its own chance.
            prenet._consistent_dropout = _dropped  # noqa: SLF001 - there is no other door
        try:
            mels, lengths = self.model.generate(
                inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                speaker_embeddings=vectors,
                maxlenratio=(max(most) + _SPARE_FRAMES) / inputs["input_ids"].shape[1],
                return_output_lengths=True,
            )
        finally:
            if own is not None:
                del prenet._consistent_dropout  # noqa: SLF001
        # One by one: silence is no zero here, so that padding would be heard at the end.
        return [
            self._vocoder(mel[: min(int(length), int(limit))])
            for mel, length, limit in zip(mels, lengths, most, strict=True)
        ]


def read_vectors(path: Path, size: int) -> Mapping[str, npt.NDArray[np.float32]]:
    """X-vectors by name, in order of the names.

    Args:
        path: ``.safetensors`` or ``.npz`` (without pickles).
        size: Numbers in each.

    Raises:
        SettingsError: There is no such file, or none that fits in it.
    """
    from safetensors import SafetensorError  # type: ignore[import-not-found,unused-ignore]
    from safetensors.numpy import load_file  # type: ignore[import-not-found,unused-ignore]

    try:
        if path.stat().st_size > _MOST_VECTOR_BYTES:
            raise SettingsError(f"{path}: more than {_MOST_VECTOR_BYTES} bytes are no vectors of speakers")
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as opened:
                arrays = {name: opened[name] for name in opened.files[: 4 * MOST_SPEAKERS]}
        else:
            arrays = load_file(path)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise SettingsError(f"{path}: no vectors of speakers can be read: {first_line(error)}") from error
    fitting = {
        name: np.ascontiguousarray(arrays[name].reshape(-1), np.float32)
        for name in sorted(arrays)
        if arrays[name].size == size and np.isfinite(arrays[name].astype(np.float64)).all() and arrays[name].any()
    }
    if not fitting:
        raise SettingsError(f"{path}: there is no vector of {size} numbers in it, which this model needs")
    return dict(list(fitting.items())[:MOST_SPEAKERS])


def _drawn(seed: int, size: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(size).astype(np.float32)


def _dropped(values: Any, p: float) -> Any:
    """Values of ``(rows, steps, units)``, a part of them dropped; each row of a step by its own stream."""
    import torch

    # Only the last step of what goes in is used, so all steps may share what is dropped.
    drawn = torch.randn(values.shape[0], values.shape[2], device=values.device)
    kept = drawn > torch.special.ndtri(torch.tensor(p, device=values.device))
    return torch.where(kept[:, None], values, 0) / (1 - p)
