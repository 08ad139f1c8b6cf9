"""Dia in Transformers: dialogue with laughs and sighs, in the voice of what was said before.

Owns what is asked of such a model, the marks for styles that its makers list, and where its answer begins and ends.
Models: nari-labs/Dia-1.6B-0626 with the codec descript/dac_44khz. A voice is a recording with its words; without one
the model takes another voice each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final

from speechagents.voices.abilities import StyleMeans
from speechagents.voices.neural.seeded_chance import Chance
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Prompt, Saying, Speaker, Traits, made_up
from speechagents.voices.neural.transformers_loading import Place, codec_place, load_model, load_part

CODEC: Final = "descript/dac_44khz"
"""Codec of models that name none."""

_STYLES: Final = MappingProxyType(
    {
        "laughing": "(laughs) ",
        "crying": "(sniffs) ",
        "surprised": "(gasps) ",
        "tired": "(sighs) ",
        "shouting": "(screams) ",
        "singing": "(singing) ",
    }
)
_WHO: Final = "[S1] "
_MAX_CHARS: Final = 280


class Dia:
    """A Dia.

    Args:
        place: Where it is.
        config: Its configuration.
        codec: Folder or name of its codec; empty takes the one that the model names, inside it or on this machine.

    Raises:
        SettingsError: Something is lacking.
        WeightsMissing: The codec is not on this machine.
        SynthesisError: Weights are damaged.
    """

    def __init__(self, place: Place, config: Any, *, codec: str = "") -> None:
        import transformers

        self._codec = load_model(transformers.DacModel, codec_place(place, codec, CODEC))
        self._processor = transformers.DiaProcessor(
            load_part(transformers.DiaFeatureExtractor, place), load_part(transformers.DiaTokenizer, place), self._codec
        )
        self.model = load_model(transformers.DiaForConditionalGeneration, place)
        self.model.generation_config.cache_implementation = None
        # The codec belongs to the model: whoever moves one moves both.
        self.model.add_module("audio_codec", self._codec)
        decoder = config.decoder_config
        self._marks = {
            "bos_token_id": decoder.bos_token_id,
            "eos_token_id": decoder.eos_token_id,
            "pad_token_id": decoder.pad_token_id,
            "delay_pattern": list(config.delay_pattern),
        }
        self._most_bytes = int(config.encoder_config.max_position_embeddings)
        self._most_frames = int(decoder.max_position_embeddings)
        rate_hz = int(self._codec.config.sampling_rate)
        self._frames_hz = rate_hz / int(self._codec.config.hop_length)
        self.traits = Traits(
            rate_hz=rate_hz,
            languages=("en",),
            max_chars=_MAX_CHARS,
            styles=dict.fromkeys(_STYLES, StyleMeans.TAG),
            prompt=Prompt.CLIP_AND_WORDS,
        )
        self.speakers: Sequence[Speaker] = made_up(MOST_SPEAKERS, "A voice that the model made up")

    def speak(self, sayings: Sequence[Saying], chance: Chance) -> Sequence[Any]:  # noqa: ARG002 - draws by itself
        """Say a batch."""
        clips = [one.reference.sample.samples for one in sayings if one.reference is not None]
        inputs = self._processor(
            text=[self._text(one) for one in sayings],
            audio=clips or None,
            sampling_rate=self.traits.rate_hz,
            return_tensors="pt",
            truncation=True,
            **self._marks,
        ).to(self.model.device)
        delay = max(self._marks["delay_pattern"])
        frames = [max(1, round(one.most_s * self._frames_hz)) for one in sayings]
        spare = delay + 1
        before = inputs["decoder_attention_mask"].shape[1] - delay
        room = self._most_frames - inputs["decoder_attention_mask"].shape[1] - delay
        codes = self.model.generate(**inputs, max_new_tokens=max(delay + 2, min(max(frames) + spare + delay, room)))
        # The last steps of a line that is stopped are others if the batch goes on: they are left out.
        return [self._sound(row[None], before, most) for row, most in zip(codes, frames, strict=True)]

    def _text(self, saying: Saying) -> str:
        """What is said, behind what was said before; it must fit into what the model reads, counted in bytes."""
        mark = _STYLES.get(saying.style.tag, "") if saying.style.strength else ""
        text = f"{_WHO}{mark}{saying.text}"
        if saying.reference is not None:
            text = f"{_WHO}{saying.reference.words} {text}"
        return text.encode("utf-8", "replace")[-self._most_bytes :].decode("utf-8", "ignore")

    def _sound(self, codes: Any, before: int, most: int) -> Any:
        """The sound of codes ``(1, steps, codebooks)`` from a step on, so many steps at most."""
        pads = int((codes[0, :, 0] == self._marks["pad_token_id"]).sum())
        # The step before the padding is the end's.
        end = min(codes.shape[1] - pads - 1, before + most)
        if end <= before:
            return codes.new_zeros(0)
        steps, books = codes.shape[1:]
        places = self._processor.build_indices(1, steps, books, self._marks["delay_pattern"], revert=True)
        together = self._processor.apply_audio_delay(codes, -1, -1, places)[:, before:end].transpose(1, 2)
        # A few numbers above the codec's own mean nothing, and can be drawn all the same.
        heard = together.clamp(0, int(self._codec.config.codebook_size) - 1)
        return self._codec.decode(audio_codes=heard).audio_values.reshape(-1)
