"""Higgs Audio v2 in Transformers: speech as the answer in a chat, in a voice that was heard in it before.

Owns what is asked of such a model, its codec and where its answer ends. Models:
bosonai/higgs-audio-v2-generation-3B-base with the codec bosonai/higgs-audio-v2-tokenizer. A voice is a recording with
its words. The codec's code imports torchaudio for a resampling; where that cannot be imported, `coqui_torchaudio`
resamples.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Any, Final

from speechagents.errors import SettingsError
from speechagents.voices.neural.seeded_chance import Chance
from speechagents.voices.neural.speech_family import MOST_SPEAKERS, Prompt, Saying, Speaker, Traits, made_up
from speechagents.voices.neural.transformers_loading import (
    Place,
    codec_place,
    first_line,
    load_json,
    load_model,
    load_part,
)
from speechagents.voices.synthesizer import Gender

CODEC: Final = "bosonai/higgs-audio-v2-tokenizer"
"""Codec of models that name none."""

_CODEC_CODE: Final = "transformers.models.higgs_audio_v2_tokenizer.modeling_higgs_audio_v2_tokenizer"
_SYSTEM: Final = "Generate audio following instruction."
_ROOM: Final = "Audio is recorded from a quiet room."
_ASKED: Final = {Gender.FEMALE: "SPEAKER0: feminine", Gender.MALE: "SPEAKER0: masculine"}
_TOKENS: Final = ("audio_token", "audio_bos_token", "audio_eos_token", "audio_delay_token")
_MAX_CHARS: Final = 400


class Higgs:
    """A Higgs Audio v2.

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

        self._codec = load_model(_codec_class(), codec_place(place, codec, CODEC))
        self._tokenizer = load_part(transformers.AutoTokenizer, place)
        if not self._tokenizer.chat_template:
            raise SettingsError(f"the model in {place.folder} has no chat_template.jinja; download the model again")
        named = load_json(place, "processor_config.json")
        self._processor = transformers.HiggsAudioV2Processor(
            load_part(transformers.DacFeatureExtractor, place),
            self._tokenizer,
            None,
            audio_stream_bos_id=int(config.audio_stream_bos_id),
            audio_stream_eos_id=int(config.audio_stream_eos_id),
            **{name: named[name] for name in _TOKENS if isinstance(named.get(name), str)},
        )
        # Given to it at once, the processor would compare it with a class that the library hides without torchaudio.
        self._processor.audio_tokenizer = self._codec
        self.model = load_model(transformers.HiggsAudioV2ForConditionalGeneration, place)
        self.model.generation_config.cache_implementation = None
        # The codec belongs to the model: whoever moves one moves both.
        self.model.add_module("audio_codec", self._codec)
        self._frames_hz = int(self._codec.config.sample_rate) / int(self._codec.config.hop_length)
        self._delay = int(config.num_codebooks) + 1
        self.traits = Traits(
            rate_hz=int(self._codec.config.sample_rate),
            languages=("en", "zh", "de", "ko"),
            max_chars=_MAX_CHARS,
            prompt=Prompt.CLIP_AND_WORDS,
        )
        self.speakers: Sequence[Speaker] = made_up(
            MOST_SPEAKERS, "A voice that the model made up", genders=(Gender.FEMALE, Gender.MALE)
        )
        self._genders = {speaker.key: speaker.gender for speaker in self.speakers}

    def speak(self, sayings: Sequence[Saying], chance: Chance) -> Sequence[Any]:  # noqa: ARG002 - draws by itself
        """Say a batch."""
        inputs = self._processor(
            text=[self._asked(one) for one in sayings],
            audio=[one.reference.sample.samples for one in sayings if one.reference is not None] or None,
            sampling_rate=self.traits.rate_hz,
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=False,
        ).to(self.model.device)
        heard = inputs["audio_input_ids"].shape[1] if "audio_input_ids" in inputs else 0
        frames = [max(1, round(one.most_s * self._frames_hz)) + self._delay for one in sayings]
        codes = self.model.generate(**inputs, max_new_tokens=max(frames))
        samples = [round(one.most_s * self.traits.rate_hz) for one in sayings]
        return [self._sound(row[None, heard:])[:most] for row, most in zip(codes, samples, strict=True)]

    def _asked(self, saying: Saying) -> str:
        """The chat so far."""
        scene, text, earlier = [_ROOM], saying.text, []
        if saying.reference is not None:
            earlier = [
                _message("user", saying.reference.words),
                {"role": "assistant", "content": [{"type": "audio"}]},
            ]
        elif (gender := self._genders.get(saying.speaker, Gender.NEUTRAL)) in _ASKED:
            scene.append(_ASKED[gender])
            text = f"[SPEAKER0] {text}"
        chat = [_message("system", _SYSTEM), _message("scene", *scene), *earlier, _message("user", text)]
        return str(self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True))

    def _sound(self, codes: Any) -> Any:
        """The sound of codes ``(1, steps, codebooks)``, each codebook one step later than the one before."""
        ends = (codes[0] == self._processor.audio_stream_eos_id).all(-1).nonzero()
        length = int(ends[0]) if len(ends) else codes.shape[1]
        if length <= self._delay:
            return codes.new_zeros(0)
        return self._processor.batch_decode(codes)[0].reshape(-1)


def _message(role: str, *texts: str) -> dict[str, Any]:
    return {"role": role, "content": [{"type": "text", "text": text} for text in texts]}


def _codec_class() -> Any:
    """The library's class of the codec, whether or not torchaudio can be imported."""
    standing: dict[str, Any] = {}
    if _CODEC_CODE not in sys.modules:
        try:
            importlib.import_module("torchaudio")
        except (ImportError, OSError):
            from speechagents.voices.neural.coqui_torchaudio import stand_in

            standing = {name: module for name, module in stand_in().items() if name.startswith("torchaudio")}
    sys.modules.update(standing)
    try:
        return importlib.import_module(_CODEC_CODE).HiggsAudioV2TokenizerModel
    except ImportError as error:
        raise SettingsError(f"this transformers has no codec for Higgs Audio: {first_line(error)}") from error
    finally:
        # The codec keeps what it imported; for everybody else there is none, as before.
        for name in standing:
            sys.modules.pop(name, None)
