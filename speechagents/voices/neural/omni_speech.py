"""Omni models as voices: the talker of Qwen2.5-Omni and Qwen3-Omni says lines that it is given.

Owns how the thinker is made to say a line and nothing else, how the talker's chance is one stream for each line, and
what differs between the two kinds. Does not know how a model gets into memory (`pretrained`): a brain may think with
the same one, loaded once. Does not know voices and prompts (`omni_voices`).

An omni model answers in words, and its talker speaks them from what the thinker felt at each. So the line is put into
the thinker's mouth: while it answers, every token but the line's next one is forbidden. The talker then speaks just
these words, in the manner that the prompt asks for, as far as the model follows.

Importing this module needs PyTorch and Transformers; nothing else in the package imports it but the registry.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np

from speechagents.audio import Audio
from speechagents.devices import memory_errors
from speechagents.errors import BackendMissing, SettingsError, SynthesisError
from speechagents.pretrained import ModelChoice, pretrained
from speechagents.residency import LoadedModels, Residence
from speechagents.styles import STYLES
from speechagents.voices.abilities import Abilities, StyleMeans
from speechagents.voices.neural.batching import BatchedSpeech
from speechagents.voices.neural.omni_voices import LANGUAGES, catalogue, licence, read_speakers, request
from speechagents.voices.neural.seeded_chance import seeded_chance
from speechagents.voices.neural.speech_model import Utterance
from speechagents.voices.synthesizer import Voice

for _package in ("torch", "transformers"):
    if importlib.util.find_spec(_package) is None:
        raise ModuleNotFoundError(f"No module named {_package!r}", name=_package)

RATE_HZ: Final = 24_000
"""Both kinds; it stands in no configuration, but on the models' pages."""
MAX_CHARS: Final = 300
MAX_BATCH: Final = 8

_NEEDS: Final = (5, 24)
"""Version of transformers from which on several lines are spoken at once: before, padding was heard."""
_END: Final = "<|im_end|>"
_FEWEST_CODES: Final = 3
_SPARE_S: Final = 3.0
_SLOWEST_CHARS_PER_S: Final = 3.0
"""Chinese, spoken slowly: a talker that does not stop by itself is stopped after that."""
_REPETITION_PENALTY: Final = 1.05
_NOISE: Final = 1 << 40
"""Set in the seeds of what is drawn after the talker, so that it is another stream than the talker's."""


class OmniSpeech:
    """A `SpeechModel`: the voices of an omni model.

    Args:
        model: A folder, or a name on the Hugging Face hub whose files are in the local cache.
        residence: The memory that it shares with others.
        loaded: Models that are loaded already: a controller with ``speaks`` and the same options uses the same one.
        options: How it is loaded: ``revision``, ``download``, ``device``, ``dtype``, ``attention`` and
            ``quantisation``, see `pretrained.ModelChoice`.

    Raises:
        SettingsError: An argument is out of range, or the device cannot be used.
        WeightsMissing: There is no such model here.
        SynthesisError: It is damaged, or no omni model that speaks.
        BackendMissing: A package that its weights need is not installed.
        MemoryFull: It does not fit.
    """

    def __init__(
        self,
        *,
        model: str = "",
        residence: Residence | None = None,
        loaded: LoadedModels | None = None,
        **options: Any,
    ) -> None:
        if not model:
            raise SettingsError("the voices of an omni model need a model: a folder, or a name on the hub")
        _check_library()
        choice = ModelChoice(model, speaks=True, **options)
        self._weights = pretrained(choice, residence=residence, loaded=loaded, failure=SynthesisError)
        kind = str(self._weights.config.model_type)
        if kind not in LANGUAGES:
            raise SynthesisError(f"the model {model!r} is no omni model that speaks here ({', '.join(LANGUAGES)} do)")
        self._talker = _Talker25(self._weights) if kind == "qwen2_5_omni" else _Talker3(self._weights)
        self._tokenizer = _tokenizer(self._weights.folder)
        self._marks = sorted(self._tokenizer.get_added_vocab(), key=len, reverse=True)
        self._end = int(self._tokenizer.convert_tokens_to_ids(_END))
        weights_licence, commercial = licence(model, self._weights.folder)
        digest = hashlib.blake2b(
            json.dumps(self._weights.config.to_dict(), sort_keys=True, default=str).encode(), digest_size=6
        )
        named = " ".join(filter(None, (Path(model).name, choice.revision, choice.dtype, choice.quantisation)))
        self._identity = f"omni 1 {named} {digest.hexdigest()}"
        self._voices = catalogue(
            self._talker.speakers, model=model, recipe=f"omni {Path(model).name}", licence=weights_licence
        )
        self._abilities = Abilities(
            languages=LANGUAGES[kind],
            rate_hz=RATE_HZ,
            code_licence="Apache-2.0",
            weights_licence=weights_licence,
            commercial=commercial,
            styles={tag: StyleMeans.INSTRUCTION for tag in STYLES if tag != "default"},
            vram_gb=self._weights.size_gb,
            max_chars=MAX_CHARS,
        )

    @property
    def identity(self) -> str:
        """The model's name, how it is loaded, and a digest of its configuration."""
        return self._identity

    @property
    def abilities(self) -> Abilities:
        """What it can do; how well it follows an instruction is the model's affair."""
        return self._abilities

    @property
    def voices(self) -> Sequence[Voice]:
        """Those that the model brings."""
        return tuple(voice for voice, _ in self._voices.values())

    @property
    def notices(self) -> tuple[str, ...]:
        """What is done otherwise than asked for, for people."""
        return self._weights.notices

    def render(self, utterances: Sequence[Utterance]) -> Sequence[Audio]:
        """Speak a batch; those of one voice go together, for a model speaks with one at a time."""
        import torch

        by_speaker: dict[str, list[int]] = {}
        for at, one in enumerate(utterances):
            if one.voice.id not in self._voices:
                raise SynthesisError(f"{one.voice.id!r} is no voice of this model; see `speechagents voices`")
            by_speaker.setdefault(self._voices[one.voice.id][1], []).append(at)
        sounds: dict[int, Audio] = {}
        with self._weights.using() as module, torch.inference_mode():
            for speaker, places in by_speaker.items():
                spoken = self._spoken(module, speaker, [utterances[at] for at in places])
                sounds.update(zip(places, spoken, strict=True))
        return [sounds[at] for at in range(len(utterances))]

    def _spoken(self, module: Any, speaker: str, utterances: Sequence[Utterance]) -> list[Audio]:
        from transformers import LogitsProcessorList

        texts = [self._plain(one.text) for one in utterances]
        lines = [[*self._tokens(text), self._end] for text in texts]
        asked = [
            request(text, one.style, one.language.partition("-")[0].lower())
            for text, one in zip(texts, utterances, strict=True)
        ]
        prompts = self._padded(asked, module.device)
        length = prompts["input_ids"].shape[1]
        longest_s = [_SPARE_S + len(text) / _SLOWEST_CHARS_PER_S for text in texts]
        most = [max(_FEWEST_CODES, round(one * self._talker.codes_per_s)) for one in longest_s]
        try:
            with memory_errors(), self._talker.drawing([one.seed for one in utterances]):
                words, waves = module.generate(
                    input_ids=prompts["input_ids"],
                    attention_mask=prompts["attention_mask"],
                    speaker=speaker,
                    thinker_max_new_tokens=max(map(len, lines)),
                    thinker_do_sample=False,
                    thinker_eos_token_id=self._end,
                    thinker_pad_token_id=int(self._tokenizer.pad_token_id),
                    thinker_logits_processor=LogitsProcessorList([_GivenWords(lines, length)]),
                    talker_max_new_tokens=max(most) + 1,
                    talker_min_new_tokens=_FEWEST_CODES,
                    **self._talker.options(most),
                )
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, RuntimeError) as error:
            said = ((str(error) or repr(error)).strip().splitlines() or [""])[0][:200]
            raise SynthesisError(f"the model could not speak the line: {said}") from error
        waves = waves if isinstance(waves, list | tuple) else [waves]
        for row, line in zip(words[:, length:].tolist(), lines, strict=True):
            if row[: len(line)] != line:
                raise SynthesisError("the model spoke other words than it was given")
        return [_sound(wave) for _, wave in zip(texts, waves, strict=True)]

    def _padded(self, prompts: Sequence[str], device: Any) -> Any:
        """Prompts as tokens, each with padding in front.

        Where nothing is padded the library drops the mask, and without a mask the talker of Qwen2.5-Omni does not put
        the marks into its prompt with which sound begins (seen in transformers 5.24).
        """
        found = self._tokenizer(prompts, add_special_tokens=False)
        longest = max(map(len, found["input_ids"]))
        return self._tokenizer.pad(found, padding="max_length", max_length=longest + 1, return_tensors="pt").to(device)

    def _plain(self, text: str) -> str:
        """A text without what the model would take for a mark, however often it is nested, or cannot read at all."""
        text, before = text.encode("utf-8", "ignore").decode("utf-8"), ""
        while text != before:
            before = text
            for mark in self._marks:
                text = text.replace(mark, " ")
        if not text.strip():
            raise SynthesisError("nothing in the line can be spoken")
        return text.strip()

    def _tokens(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return found


class _GivenWords:
    """Forbids every token but the next one of each row's line."""

    def __init__(self, lines: Sequence[Sequence[int]], begin: int) -> None:
        self._lines = lines
        self._begin = begin

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        import torch

        at = input_ids.shape[1] - self._begin
        chosen = torch.tensor([line[min(at, len(line) - 1)] for line in self._lines], device=scores.device)
        return torch.full_like(scores, -torch.inf).scatter_(1, chosen[:, None], 0.0)


class _SoundAlone:
    """Forbids codes that no sound belongs to, and ends each row in time, whoever else is still speaking.

    Args:
        codes: In the codebook; the vocabulary has more tokens.
        ends: Tokens that end a row.
        most: Most codes of each row.
    """

    def __init__(self, codes: int, ends: Sequence[int], most: Sequence[int]) -> None:
        self._codes = codes
        self._ends = list(ends)
        self._most = most
        self._made = 0

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - the library's protocol
        import torch

        if bool(torch.isnan(scores).any()):
            # A GPU that looks up a code that does not exist is lost to the whole process.
            raise SynthesisError("the model computes no numbers any more; load it as bfloat16 or float32")
        kept = scores[:, self._ends]
        scores = scores.clone()
        scores[:, self._codes :] = -torch.inf
        scores[:, self._ends] = kept
        for row, most in enumerate(self._most):
            if self._made >= most:
                scores[row] = -torch.inf
                scores[row, self._ends[-1]] = 0.0
        self._made += 1
        return scores


class _Talker25:
    """What is Qwen2.5-Omni's own: voices in a file, one stream of codes, and noise that becomes a spectrogram."""

    def __init__(self, weights: Any) -> None:
        self._config = weights.config
        self._weights = weights
        self._speakers = read_speakers(weights.folder)
        self.speakers: Sequence[str] = tuple(self._speakers)
        sound = self._config.token2wav_config
        self.codes_per_s = RATE_HZ / (sound.dit_config.repeats * int(np.prod(sound.bigvgan_config.upsample_rates)))

    def options(self, most: Sequence[int]) -> dict[str, Any]:
        """Of the library's ``generate``, for rows of so many codes at most."""
        from transformers import LogitsProcessorList

        talker = self._config.talker_config
        ends = [talker.tts_codec_pad_token_id, talker.tts_codec_end_token_id]
        codes = min(self._config.token2wav_config.dit_config.num_embeds, *ends)
        return {
            "talker_eos_token_id": ends,
            "talker_logits_processor": LogitsProcessorList([_SoundAlone(codes, ends, most)]),
        }

    @contextlib.contextmanager
    def drawing(self, seeds: Sequence[int]) -> Iterator[None]:
        """Let each row draw from a stream of its own: first codes, for all rows at once, then noise, row by row."""
        module = self._weights.module
        module.speaker_map.update(self._speakers)
        with ExitStack() as hooks, seeded_chance(seeds), ExitStack() as noise:
            rows = iter(seeds)

            def begin(*_: Any) -> None:
                noise.enter_context(seeded_chance([next(rows) | _NOISE]))

            def end(*_: Any) -> None:
                noise.close()

            hooks.callback(module.token2wav.register_forward_pre_hook(begin).remove)
            hooks.callback(module.token2wav.register_forward_hook(end).remove)
            yield


class _Talker3:
    """What is Qwen3-Omni's own: voices are tokens, and each step has several codes."""

    def __init__(self, weights: Any) -> None:
        self._config = weights.config
        self.speakers: Sequence[str] = tuple(
            str(name).title() for name in weights.config.talker_config.speaker_id or {}
        )
        if not self.speakers:
            raise SynthesisError("the model's configuration names no voices; download the model again")
        sound = weights.config.code2wav_config
        self.codes_per_s = RATE_HZ / int(np.prod([*sound.upsample_rates, *sound.upsampling_ratios]))

    def options(self, most: Sequence[int]) -> dict[str, Any]:
        """Of the library's ``generate``, for rows of so many codes at most."""
        from transformers import LogitsProcessorList, RepetitionPenaltyLogitsProcessor

        sound_alone = _SoundAlone(
            self._config.code2wav_config.codebook_size, [self._config.talker_config.codec_eos_token_id], most
        )
        # The penalty that the library gives by itself, without its warning that the prompt is not in it.
        penalty = RepetitionPenaltyLogitsProcessor(_REPETITION_PENALTY)
        return {
            "return_audio": True,
            "talker_repetition_penalty": 1.0,
            "talker_logits_processor": LogitsProcessorList([penalty, sound_alone]),
        }

    @contextlib.contextmanager
    def drawing(self, seeds: Sequence[int]) -> Iterator[None]:
        """Let each row draw from a stream of its own."""
        with seeded_chance(seeds):
            yield


def make_omni_speech(
    *,
    jobs: int = 0,
    max_batch: int = MAX_BATCH,
    residence: Residence | None = None,
    loaded: LoadedModels | None = None,
    **options: Any,
) -> BatchedSpeech:
    """A synthesizer with the voices of an omni model.

    Args:
        jobs: Nothing here: a GPU speaks a batch at a time.
        max_batch: Most pieces spoken at once.
        residence: The memory that the model shares with others.
        loaded: Models that are loaded already.
        options: Those of `OmniSpeech`.
    """
    del jobs
    model = OmniSpeech(residence=residence, loaded=loaded, **options)
    return BatchedSpeech(model, model.voices, max_batch=max_batch)


def _check_library() -> None:
    import transformers

    installed = tuple(int(part) for part in re.findall(r"\d+", transformers.__version__)[:2])
    if installed < _NEEDS:
        raise BackendMissing(
            f"the voices of omni models need transformers {_NEEDS[0]}.{_NEEDS[1]}, and {transformers.__version__} is "
            "installed: python -m pip install --upgrade transformers"
        )


def _tokenizer(folder: Path) -> Any:
    import transformers

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
        raise SynthesisError(f"the model in {folder} lacks what reads text; download it again") from error
    tokenizer.padding_side = "left"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if not isinstance(tokenizer.convert_tokens_to_ids(_END), int):
        raise SynthesisError(f"the model in {folder} does not know the mark {_END}: it is no omni model of this kind")
    return tokenizer


def _sound(wave: Any) -> Audio:
    samples = wave.detach().reshape(-1).float().cpu().numpy()
    if not samples.size or not np.isfinite(samples).all():
        raise SynthesisError("the model made no sound of the line")
    return Audio(np.ascontiguousarray(samples, np.float32), RATE_HZ)
