"""CSM in Transformers: speech as the next turn of a conversation, in the voice of an earlier one.

Owns what is asked of such a model and where its answer ends. Models: sesame/csm-1b (Apache-2.0). A voice is a recording
with its words; without one the model takes another voice each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from speechagents.voices.neural.seeded_chance import Chance
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Prompt, Saying, Speaker, Traits, made_up
from speechagents.voices.neural.transformers_loading import Place, load_model, load_part

_MAX_CHARS: Final = 300
_WHO: Final = "[0]"
_BEGIN: Final = "<|begin_of_text|>"
_END: Final = "<|end_of_text|>"


class Csm:
    """A CSM.

    Args:
        place: Where it is.
        config: Its configuration.

    Raises:
        SettingsError: Something is lacking.
        SynthesisError: Its weights are damaged.
    """

    def __init__(self, place: Place, config: Any) -> None:
        import transformers

        self._processor = load_part(transformers.CsmProcessor, place)
        self.model = load_model(transformers.CsmForConditionalGeneration, place)
        for part in (self.model, self.model.depth_decoder):
            # Other caches are compiled for each shape, and no two scenes have the same.
            part.generation_config.cache_implementation = None
        self._eos = int(config.codebook_eos_token_id)
        self._codebook = int(config.codec_config.codebook_size)
        self._samples_of_frame = round(config.codec_config.sampling_rate / config.codec_config.frame_rate)
        self.traits = Traits(
            rate_hz=int(config.codec_config.sampling_rate),
            languages=("en",),
            max_chars=_MAX_CHARS,
            prompt=Prompt.CLIP_AND_WORDS,
        )
        self.speakers: Sequence[Speaker] = made_up(MOST_SPEAKERS, "A voice that the model made up")

    def speak(self, sayings: Sequence[Saying], chance: Chance) -> Sequence[Any]:  # noqa: ARG002 - draws by itself
        """Say a batch."""
        frames = [max(1, round(one.most_s * self.traits.rate_hz / self._samples_of_frame)) for one in sayings]
        inputs = self._inputs(sayings)
        codes = self.model.generate(**inputs, output_audio=False, max_new_tokens=max(frames))
        return [self._sound(row[:most]) for row, most in zip(codes, frames, strict=True)]

    def _inputs(self, sayings: Sequence[Saying]) -> Any:
        texts, clips = [], []
        for one in sayings:
            earlier = ""
            if one.reference is not None:
                heard = f"{self._processor.audio_token}{self._processor.audio_eos_token}"
                earlier = f"{_BEGIN}{_WHO}{one.reference.words}{_END}{heard}"
                clips.append(one.reference.sample.samples)
            texts.append(f"{earlier}{_BEGIN}{_WHO}{one.text}{_END}")
        inputs = self._processor(text=texts, audio=clips or None, return_tensors="pt").to(self.model.device)
        if "input_values" in inputs:
            inputs["input_values"] = inputs["input_values"].to(self.model.dtype)
        return inputs

    def _sound(self, codes: Any) -> Any:
        """The sound of codes ``(frames, codebooks)`` up to the frame that says the end."""
        ends = (codes == self._eos).all(-1).nonzero()
        if len(ends):
            codes = codes[: int(ends[0])]
        if not len(codes):
            return codes.new_zeros(0)
        # A few numbers above the codec's own mean nothing, and can be drawn all the same.
        codes = codes.clamp(max=self._codebook - 1)
        return self.model.codec_model.decode(codes.transpose(0, 1)[None]).audio_values[0, 0]
