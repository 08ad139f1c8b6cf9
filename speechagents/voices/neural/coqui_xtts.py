"""XTTS through Coqui's library: 17 languages, and voices made of recordings.

Owns how such a model is built from its folder, its voices (what it is shown of each is computed once and kept), and how
several lines are spoken together. Casanova et al. 2024, arXiv 2406.04904: a GPT-2 writes codes of sound one after the
other, then its states for all codes at once become sound.

Coqui speaks one line at a time. Here the codes of a batch are written together, which takes nearly all of the time: the
prompts are padded on the left, where the model's own positions, which belong to the embeddings, do not notice. States
and sound follow line by line. Does not know queues, seeds or voices' names for people.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from speechagents.audio import Audio
from speechagents.devices import Device, memory_errors
from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.neural.coqui_folder import checkpoint_path, read_config, read_tensors, read_weights
from speechagents.voices.neural.coqui_library import coqui
from speechagents.voices.neural.pace import pace
from speechagents.voices.neural.pieces import pieces
from speechagents.voices.neural.speech_family import Saying, Speaker
from speechagents.voices.neural.transformers_languages import primary_tag
from speechagents.voices.neural.transformers_loading import first_line

_MAX_CHARS: Final = 200
_HEARD_HZ: Final = 22_050
"""Rate at which recordings are shown to the model."""
_LEAST_CLIP_S: Final = 1.0
_NEEDED: Final = {"zh": "pypinyin", "ja": "cutlet"}
"""Packages without which Coqui cannot read a language's writing."""
_MOST_VOCABULARY_BYTES: Final = 20_000_000
_FIRST_CODES: Final = 20
"""Codes after which a line is heard for the first time (one is 1024 / 22 050 s)."""
_UNSETTLED_CODES: Final = 8
"""Codes at the end of a beginning whose sound depends on what follows: the decoder looks about 4 of them ahead."""
_TRAINING: Final = ("torch_mel_spectrogram_style_encoder", "torch_mel_spectrogram_dvae", "dvae")


class CoquiXtts:
    """An XTTS model in memory.

    Args:
        folder: With ``config.json``, the weights, ``vocab.json`` and, for voices of its own, ``speakers_xtts.pth``.
        device: Where it runs.

    Raises:
        SettingsError: The folder lacks something, or holds a model of another kind.
        SynthesisError: Its weights are damaged.
        BackendMissing: Coqui's library does not load.
    """

    max_chars = _MAX_CHARS
    clones = True

    def __init__(self, folder: Path, device: Device) -> None:
        library = coqui()
        self._device = device.name
        values = read_config(folder)
        # It is counted in the vocabulary, and without the number Coqui does not build the model twice.
        values["model_args"]["gpt_number_text_tokens"] = None
        try:
            config = library.XttsConfig()
            config.from_dict(values)
            self.model = library.Xtts(config)
            self.model.tokenizer = library.VoiceBpeTokenizer(vocab_file=_vocabulary(folder))
            self.model.init_models()
        except SettingsError:
            raise
        except Exception as error:
            raise SettingsError(f"{folder} makes no XTTS: {first_line(error)}") from error
        self._fill(checkpoint_path(folder))
        with memory_errors():
            self.model.to(device.name)
        self._config = config
        self.rate_hz = int(config.model_args.output_sample_rate)
        """Frames per second of its sound."""
        spoken = [tag for tag in map(primary_tag, config.languages) if tag]
        lacking = {tag for tag, package in _NEEDED.items() if importlib.util.find_spec(package) is None}
        self.languages: Sequence[str] = tuple(tag for tag in dict.fromkeys(spoken) if tag not in lacking)
        """Primary BCP 47 tags that it speaks, those whose writing it could not read left out."""
        self._shown: dict[str, tuple[Any, Any]] = _own_voices(folder / "speakers_xtts.pth")
        first = next(iter(self.languages), "en")
        self.speakers: Sequence[Speaker] = [Speaker(name, f"{name}, of the model.", first) for name in self._shown]
        """Who it can speak as without a recording."""
        if not self.speakers:
            raise SettingsError(f"{folder} has no voices: speakers_xtts.pth is missing or empty")

    def speak(self, sayings: Sequence[Saying]) -> list[Any]:
        """Say a batch: samples of each as a one-dimensional tensor.

        Raises:
            SynthesisError: A text is too long for the model, or has nothing that it can read.
        """
        import torch

        parts = [(number, text) for number, one in enumerate(sayings) for text in self._cut(one)]
        rows = [self._tokens(text, sayings[number].language) for number, text in parts]
        shown = [self._shown[sayings[number].speaker] for number, _ in parts]
        codes = self._write(rows, [latents for latents, _ in shown])
        sounds: list[list[Any]] = [[] for _ in sayings]
        for (number, _), row, (latents, voice), code in zip(parts, rows, shown, codes, strict=True):
            sounds[number].append(self._sound(row, latents, voice, code, pace(sayings[number].style)))
        return [torch.cat(sound) for sound in sounds]

    def stream(self, saying: Saying, heard: Callable[[Any], None]) -> None:
        """Say one alone, and hand over samples while its codes are still being written.

        The first sound follows after `_FIRST_CODES` codes, about a second of speech; each next piece waits for as many
        codes as there were before it, so that to sound all of them again each time costs no more than twice as much.
        What is handed over is what `speak` makes of the same draws: the last `_UNSETTLED_CODES` of a beginning,
        which codes that follow would still change, are held back.

        Args:
            saying: What to say.
            heard: Takes samples, a one-dimensional tensor.

        Raises:
            SynthesisError: A text is too long for the model, or has nothing that it can read.
        """
        latents, voice = self._shown[saying.speaker]
        rate = pace(saying.style)
        for text in self._cut(saying):
            row = self._tokens(text, saying.language)
            handed = 0

            def beginning(codes: Any, row: Sequence[int] = row) -> None:
                nonlocal handed
                sound = self._sound(row, latents, voice, codes, rate)
                settled = len(sound) * (len(codes) - _UNSETTLED_CODES) // len(codes)
                if settled > handed:
                    heard(sound[handed:settled])
                    handed = settled

            (codes,) = self._write([row], [latents], streamer=_Beginnings(beginning))
            heard(self._sound(row, latents, voice, codes, rate)[handed:])

    def show(self, sample: Audio) -> str:
        """Learn a voice from a recording; the same recording is the same voice.

        Returns:
            What it is called from now on (`Speaker.key`).

        Raises:
            SynthesisError: It is too short, or holds no sound.
        """
        import torch

        config = self._config
        heard = sample.mono().resampled(_HEARD_HZ).samples[: _HEARD_HZ * max(1, int(config.max_ref_len), 10)]
        level = float(np.abs(heard).max(initial=0.0))
        if len(heard) < _LEAST_CLIP_S * _HEARD_HZ or not 0.0 < level < float("inf"):
            raise SynthesisError(f"the recording holds no speech, or less than {_LEAST_CLIP_S:g} s of it")
        key = "own " + hashlib.sha256(heard.tobytes()).hexdigest()[:16]
        if key not in self._shown:
            sound = torch.from_numpy(np.array(heard))[None]
            if config.sound_norm_refs:
                sound = sound / level * 0.75
            with memory_errors(), torch.inference_mode():
                latents = self.model.get_gpt_cond_latents(
                    sound.to(self._device), _HEARD_HZ, config.gpt_cond_len, config.gpt_cond_chunk_len
                )
                voice = self.model.get_speaker_embedding(sound.to(self._device), _HEARD_HZ)
            self._shown[key] = latents.cpu(), voice.cpu()
        return key

    def _cut(self, saying: Saying) -> list[str]:
        """A text in parts that the model can take: some languages say more with a letter than others."""
        limit = self.model.tokenizer.char_limits.get(saying.language or "en", _MAX_CHARS)
        return pieces(saying.text, min(limit, _MAX_CHARS)) or [saying.text]

    def _tokens(self, text: str, language: str) -> list[int]:
        language = language or "en"
        if language not in self.languages:
            raise SynthesisError(f"this model does not speak {language[:20]!r}; it speaks {', '.join(self.languages)}")
        # The library reads numbers out, and fails on some.
        try:
            tokens = list(self.model.tokenizer.encode(text.strip().lower(), lang=language))
        except Exception as error:
            raise SynthesisError(f"the model cannot read {text[:60]!r}: {first_line(error)}") from error
        if not 0 < len(tokens) < self.model.args.gpt_max_text_tokens:
            raise SynthesisError(f"{text[:60]!r} is {len(tokens)} tokens for the model; split the text")
        return tokens

    def _write(
        self, rows: Sequence[Sequence[int]], latents: Sequence[Any], streamer: _Beginnings | None = None
    ) -> list[Any]:
        """The codes of each text, up to the one that ends it; a streamer is told those of a single text at once."""
        import torch

        gpt, config = self.model.gpt, self._config
        prompts = []
        for row, shown in zip(rows, latents, strict=True):
            text = torch.tensor([[gpt.start_text_token, *row, gpt.stop_text_token]], device=self._device)
            words = gpt.text_embedding(text) + gpt.text_pos_embedding(text)
            prompts.append(torch.cat([shown.to(self._device), words], dim=1)[0])
        longest = max(len(prompt) for prompt in prompts)
        padded = torch.stack([torch.nn.functional.pad(one, (0, 0, longest - len(one), 0)) for one in prompts])
        ids = torch.ones(len(prompts), longest + 1, dtype=torch.long, device=self._device)
        ids[:, -1] = gpt.start_audio_token
        mask = torch.ones_like(ids)
        for number, prompt in enumerate(prompts):
            mask[number, : longest - len(prompt)] = 0
        gpt.gpt_inference.store_prefix_emb(padded)
        written = gpt.gpt_inference.generate(
            ids,
            attention_mask=mask,
            bos_token_id=gpt.start_audio_token,
            pad_token_id=gpt.stop_audio_token,
            eos_token_id=gpt.stop_audio_token,
            max_length=gpt.max_gen_mel_tokens + ids.shape[-1],
            do_sample=True,
            num_beams=1,
            temperature=float(config.temperature),
            top_k=int(config.top_k),
            top_p=float(config.top_p),
            repetition_penalty=float(config.repetition_penalty),
            streamer=streamer,
        )[:, ids.shape[-1] :]
        ends = (written == gpt.stop_audio_token).int()
        lengths = torch.where(ends.any(1), ends.argmax(1) + 1, written.shape[1]).tolist()
        return [row[:length] for row, length in zip(written, lengths, strict=True)]

    def _sound(self, row: Sequence[int], latents: Any, voice: Any, codes: Any, rate: float) -> Any:
        """What codes sound like."""
        import torch

        gpt = self.model.gpt
        states = gpt(
            torch.tensor([row], device=self._device),
            torch.tensor([len(row)], device=self._device),
            codes[None],
            torch.tensor([len(codes) * gpt.code_stride_len], device=self._device),
            cond_latents=latents.to(self._device),
            return_attentions=False,
            return_latent=True,
        )
        if rate != 1.0:
            states = torch.nn.functional.interpolate(states.transpose(1, 2), scale_factor=1.0 / rate, mode="linear")
            states = states.transpose(1, 2)
        return self.model.hifigan_decoder(states, g=voice.to(self._device)).reshape(-1)

    def _fill(self, path: Path) -> None:
        """Put weights from disk into the model; they must be exactly its own."""
        weights = {name.removeprefix("xtts."): value for name, value in read_weights(path).items()}
        weights = {name: value for name, value in weights.items() if not name.startswith(_TRAINING)}
        gpt = self.model.gpt
        try:
            # Some checkpoints were written after this, and hold the same weights twice.
            if any(name.startswith("gpt.gpt_inference.") for name in weights):
                gpt.init_gpt_for_inference(kv_cache=True)
            self.model.load_state_dict(weights, strict=True)
        except (RuntimeError, KeyError, AttributeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise SynthesisError(f"the weights in {path} are not those of its config.json: {reason}") from error
        gpt.init_gpt_for_inference(kv_cache=True)
        gpt.gpt_inference.forward = _by_its_old_name(gpt.gpt_inference.forward)
        gpt.eval()
        self.model.hifigan_decoder.eval()


class _Beginnings:
    """Collects the codes of one text while they are written; what Transformers calls a streamer.

    Args:
        tell: Called with all codes so far, after `_FIRST_CODES` of them, and whenever they have doubled since.
    """

    def __init__(self, tell: Callable[[Any], None]) -> None:
        self._tell = tell
        self._codes: list[Any] = []
        self._next = _FIRST_CODES
        self._prompted = False

    def put(self, value: Any) -> None:
        """Take the prompt, then each code."""
        import torch

        if not self._prompted:
            self._prompted = True
            return
        self._codes.append(value.reshape(-1)[-1])
        if len(self._codes) == self._next:
            self._next *= 2
            self._tell(torch.stack(self._codes))

    def end(self) -> None:
        """Nothing: the last codes are told by who let them be written."""


def _by_its_old_name(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Coqui's GPT, given what Transformers since 5.24 calls ``cache`` under the name that it knows."""

    @functools.wraps(forward)
    def called(*arguments: Any, **named: Any) -> Any:
        if "cache" in named:
            named["past_key_values"] = named.pop("cache")
        return forward(*arguments, **named)

    return called


def _vocabulary(folder: Path) -> Path:
    path = folder / "vocab.json"
    if not path.is_file() or path.stat().st_size > _MOST_VOCABULARY_BYTES:
        raise SettingsError(f"{path} is missing or too large; download the model again")
    return path


def _own_voices(path: Path) -> dict[str, tuple[Any, Any]]:
    """What the model is to be shown of each of its voices: latents for the GPT, and a vector for the decoder."""
    import torch

    if not path.is_file():
        return {}
    voices = {}
    read = read_tensors(path)
    for name, shown in read.items() if isinstance(read, dict) else ():
        known: dict[str, Any] = shown if isinstance(shown, dict) else {}
        parts: list[Any] = [known.get("gpt_cond_latent"), known.get("speaker_embedding")]
        if not all(isinstance(part, torch.Tensor) and part.ndim == 3 for part in parts):
            raise SettingsError(f"{path} describes the voice {str(name)[:60]!r} in another way; download it again")
        voices[str(name)[:200]] = parts[0].float(), parts[1].float()
    return voices
