"""VibeVoice in Transformers: long speech by next-token diffusion, in the voice of a recording.

Owns what is asked of such a model, whose noise is whose in a batch, and where its answer ends. Models:
vibevoice/VibeVoice-1.5B-hf and -7B-hf (MIT). A voice is a recording; its words need not be known. The library takes its
noise schedule from the package diffusers.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any, Final

from speechagents.errors import BackendMissing, SettingsError
from speechagents.voices.neural.seeded_chance import Chance
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Prompt, Saying, Speaker, Traits, made_up
from speechagents.voices.neural.transformers_loading import Place, load_json, load_model, load_part

_TOKENS: Final = ("audio_bos_token", "audio_eos_token", "audio_token")
_MAX_CHARS: Final = 600


class VibeVoice:
    """A VibeVoice.

    Args:
        place: Where it is.
        config: Its configuration.

    Raises:
        BackendMissing: diffusers is not installed.
        SettingsError: Something is lacking.
        SynthesisError: Its weights are damaged.
    """

    def __init__(self, place: Place, config: Any) -> None:
        import transformers

        if importlib.util.find_spec("diffusers") is None:
            raise BackendMissing("VibeVoice needs a noise schedule: python -m pip install diffusers")
        self._tokenizer = load_part(transformers.AutoTokenizer, place, padding_side="left")
        if not self._tokenizer.chat_template:
            raise SettingsError(f"the model in {place.folder} has no chat_template.jinja; download the model again")
        named = load_json(place, "processor_config.json")
        self._processor = transformers.VibeVoiceProcessor(
            load_part(transformers.AutoFeatureExtractor, place),
            self._tokenizer,
            **{name: named[name] for name in _TOKENS if isinstance(named.get(name), str)},
        )
        self.model = load_model(transformers.VibeVoiceForConditionalGeneration, place)
        self.model.generation_config.cache_implementation = None
        self._config = config
        rate_hz = int(self._processor.feature_extractor.sampling_rate)
        self._samples_of_frame = int(config.audio_config.hop_length)
        self.traits = Traits(rate_hz=rate_hz, languages=("en", "zh"), max_chars=_MAX_CHARS, prompt=Prompt.CLIP)
        self.speakers: Sequence[Speaker] = made_up(MOST_SPEAKERS, "A voice that the model made up")

    def speak(self, sayings: Sequence[Saying], chance: Chance) -> Sequence[Any]:
        """Say a batch."""
        import torch

        inputs = self._processor(
            text=[self._asked(one) for one in sayings],
            audio=[one.reference.sample.samples for one in sayings if one.reference is not None] or None,
            padding=True,
            return_tensors="pt",
        ).to(self.model.device)
        if "input_values" in inputs:
            inputs["input_values"] = inputs["input_values"].to(self.model.dtype)
        frames = [max(1, round(one.most_s * self.traits.rate_hz / self._samples_of_frame)) for one in sayings]
        made = self.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=max(frames) + 1,
            logits_processor=[_Order(self._config, inputs["input_ids"].shape[1], chance)],
            return_dict_in_generate=False,
        )
        nothing = torch.zeros(0)
        return [
            nothing if sound is None else sound.reshape(-1)[: most * self._samples_of_frame]
            for sound, most in zip(made, frames, strict=True)
        ]

    def _asked(self, saying: Saying) -> str:
        content = [{"type": "text", "text": saying.text}]
        if saying.reference is not None:
            content.append({"type": "audio"})
        return str(self._tokenizer.apply_chat_template([{"role": "0", "content": content}], tokenize=False))


class _Order:
    """Tells at each step whose noise is drawn: of those rows that make sound, each twice.

    Sees the scores before the library keeps them to the four tokens that mean something, and changes nothing.
    """

    def __init__(self, config: Any, begin: int, chance: Chance) -> None:
        self._sound, self._end, self._begin, self._chance = config.audio_token_id, config.eos_token_id, begin, chance
        marks = (config.audio_bos_token_id, config.audio_eos_token_id, self._sound, self._end)
        self._marks = sorted(set(marks))

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        chosen = scores[:, self._marks].argmax(-1).tolist()
        ended = (input_ids[:, self._begin :] == self._end).any(-1).tolist()
        rows = [
            row
            for row, (mark, over) in enumerate(zip(chosen, ended, strict=True))
            if self._marks[mark] == self._sound and not over
        ]
        self._chance.order = [*rows, *rows]
        return scores
