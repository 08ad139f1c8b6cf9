"""VITS in Transformers: one voice for each language (MMS), or many in one model.

Owns what is asked of such a model and how its answer is cut. Kim et al. 2021, arXiv 2106.06103; the speed of speech is
a factor of its durations, so styles that are a matter of pace are done by it.
"""

from __future__ import annotations

import functools
import importlib.util
import math
from collections.abc import Sequence
from typing import Any, Final

from speechagents.errors import BackendMissing, SynthesisError
from speechagents.voices.neural.pace import PACE_STYLES, pace
from speechagents.voices.neural.seeded_chance import Chance
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Saying, Speaker, Traits
from speechagents.voices.neural.transformers_languages import primary_tag
from speechagents.voices.neural.transformers_loading import Place, load_model, load_part

_MAX_CHARS: Final = 350


class Vits:
    """A VITS model.

    Args:
        place: Where it is.
        config: Its configuration.

    Raises:
        BackendMissing: Its letters need a package that is not installed.
        SettingsError: It lacks something.
        SynthesisError: Its weights are damaged.
    """

    def __init__(self, place: Place, config: Any) -> None:
        import transformers

        self._device = place.device.name
        self._tokenizer = load_part(transformers.VitsTokenizer, place)
        _check_letters(self._tokenizer)
        self.model = load_model(transformers.VitsModel, place)
        self._config = config
        self._bound = _Bound()
        self.model.duration_predictor.register_forward_hook(self._bound)
        self.model.decoder.forward = functools.partial(_row_by_row, self.model.decoder.forward)
        language = primary_tag(self._tokenizer.language or "")
        self.traits = Traits(
            rate_hz=int(config.sampling_rate),
            languages=(language,) if language else (),
            max_chars=_MAX_CHARS,
            styles=PACE_STYLES,
        )
        count = int(config.num_speakers)
        self.speakers: Sequence[Speaker] = (
            tuple(
                Speaker(str(number), f"Speaker {number} of the model.", language)
                for number in range(min(count, MOST_SPEAKERS))
            )
            if count > 1
            else (Speaker("0", "The voice of the model.", language),)
        )

    def speak(self, sayings: Sequence[Saying], chance: Chance) -> Sequence[Any]:  # noqa: ARG002 - draws by itself
        """Say a batch."""
        import torch

        inputs = self._tokenizer([one.text for one in sayings], return_tensors="pt", padding=True).to(self._device)
        if not bool((inputs["attention_mask"].sum(1) > 1).all()):
            raise SynthesisError("the model knows none of the letters of this text; is it in the model's language?")
        frames_hz = self.traits.rate_hz / math.prod(self._config.upsample_rates)
        self._bound.frames = torch.tensor([[[one.most_s * frames_hz]] for one in sayings], device=self._device)
        paces = torch.tensor([[[pace(one.style)]] for one in sayings], device=self._device)
        speaker = torch.tensor([int(one.speaker) for one in sayings], device=self._device)
        many = self._config.num_speakers > 1
        # The library takes one speaker for all rows, and looks its vector up by a number.
        each = self.model.embed_speaker.register_forward_pre_hook(lambda *_: (speaker,)) if many else None
        try:
            said = self.model(
                **inputs,
                speaker_id=0 if many else None,
                speaking_rate=paces.to(self.model.dtype) * self._config.speaking_rate,
            )
        finally:
            if each is not None:
                each.remove()
        lengths = said.sequence_lengths.tolist()
        return [row[: int(length)] for row, length in zip(said.waveform, lengths, strict=True)]


class _Bound:
    """Keeps the durations of all letters together below what a text can take."""

    frames: Any = None

    def __call__(self, _: Any, inputs: tuple[Any, ...], log_durations: Any) -> Any:
        import torch

        total = (torch.exp(log_durations.float()) * inputs[1]).sum((1, 2), keepdim=True)
        too_long = (total / self.frames).clamp(min=1.0).nan_to_num(posinf=1e9)
        return torch.minimum(log_durations - torch.log(too_long), torch.log(self.frames)).to(log_durations.dtype)


def _row_by_row(decode: Any, spectrogram: Any, voice: Any = None) -> Any:
    """Decode each row by itself, without its padding, which would be heard at its end otherwise."""
    import torch

    filled = (spectrogram != 0).any(1)
    rows = []
    for number, row in enumerate(filled):
        length = int(row.nonzero().max()) + 1 if bool(row.any()) else 1
        rows.append(
            decode(spectrogram[number : number + 1, :, :length], None if voice is None else voice[number : number + 1])
        )
    longest = max(row.shape[-1] for row in rows)
    return torch.cat([torch.nn.functional.pad(row, (0, longest - row.shape[-1])) for row in rows])


def _check_letters(tokenizer: Any) -> None:
    """Refuse a model whose text has to be changed by a package that is not here: it would say nonsense."""
    for needed, package in ((tokenizer.phonemize, "phonemizer"), (tokenizer.is_uroman, "uroman")):
        if needed and importlib.util.find_spec(package) is None:
            raise BackendMissing(f"this model reads other letters than people write: python -m pip install {package}")
