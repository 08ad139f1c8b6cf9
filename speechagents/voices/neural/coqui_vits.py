"""VITS through Coqui's library: many speakers in one model, spoken in batches.

Owns how such a model is built from its folder, what it is asked, and how its answer is cut. Kim et al. 2021, arXiv
2106.06103; the speed of speech is a factor of its durations. Phonemes come from `ipa`, not from programs that Coqui
would look for. Does not know queues, seeds or voices' names for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from speechagents.devices import Device, memory_errors
from speechagents.errors import SettingsError, SynthesisError
from speechagents.voices.neural.coqui_folder import (
    checkpoint_path,
    read_config,
    read_json,
    read_tensors,
    read_weights,
)
from speechagents.voices.neural.coqui_library import coqui
from speechagents.voices.neural.ipa import ipa_of
from speechagents.voices.neural.pace import pace
from speechagents.voices.neural.speech_family import Saying, Speaker
from speechagents.voices.neural.transformers_languages import primary_tag
from speechagents.voices.neural.transformers_loading import first_line

_MAX_CHARS: Final = 300
_MARGIN_FRAMES: Final = 24
"""Frames of silence that the decoder sees behind each line, more than it looks ahead: so the end of a line sounds the
same whether longer ones stand beside it or not."""
_MOST_SPEAKERS: Final = 10_000
_ESPEAK: Final[Mapping[str, str]] = {
    "en": "gmw/en-US",
    "en-us": "gmw/en-US",
    "en-gb": "gmw/en",
    "de": "gmw/de",
    "de-de": "gmw/de",
    "nl": "gmw/nl",
    "es": "roa/es",
    "fr": "roa/fr",
    "fr-fr": "roa/fr",
    "it": "roa/it",
    "it-it": "roa/it",
    "pt": "roa/pt",
    "pt-br": "roa/pt-BR",
    "pl": "zlw/pl",
    "cs": "zlw/cs",
    "ru": "zle/ru",
    "tr": "trk/tr",
    "hi": "inc/hi",
}
"""espeak-ng's files for the languages that configurations name."""
_PHONEMIZERS: Final = ("espeak", None, "")


class CoquiVits:
    """A VITS model in memory.

    Args:
        folder: With ``config.json``, the weights, and ``speaker_ids.json`` where the configuration names no speakers.
        device: Where it runs.

    Raises:
        SettingsError: The folder lacks something, or holds a model of another kind.
        SynthesisError: Its weights are damaged.
        BackendMissing: Coqui's library does not load.
    """

    max_chars = _MAX_CHARS
    clones = False

    def __init__(self, folder: Path, device: Device) -> None:
        library = coqui()
        self._device = device.name
        values = read_config(folder)
        arguments = values["model_args"]
        if arguments.get("use_d_vector_file") or values.get("use_d_vector_file"):
            raise SettingsError(
                "this VITS is shown speakers as vectors, which is not supported; take one that knows them"
            )
        if arguments.get("encoder_sample_rate"):
            raise SettingsError("this VITS decodes at another rate than it thinks in, which is not supported")
        phonemes = bool(values.get("use_phonemes"))
        self._language_file = _language_file(values) if phonemes else ""
        speakers = _names(folder, values, "speakers", "speaker_ids")
        languages = _names(folder, values, "languages", "language_ids")
        # The discriminator is for training alone.
        arguments["init_discriminator"] = False
        many = bool(arguments.get("use_speaker_embedding") or values.get("use_speaker_embedding"))
        values.update(
            use_phonemes=False, phonemizer=None, speakers=speakers, languages=languages, use_speaker_embedding=many
        )
        arguments["use_speaker_embedding"] = many
        if many and not speakers:
            raise SettingsError(f"{folder} does not say who its speakers are: speaker_ids.json is missing")
        if phonemes and not (values.get("characters") or {}).get("characters_class"):
            values["characters"] = {
                **(values.get("characters") or {}),
                "characters_class": "TTS.tts.utils.text.characters.IPAPhonemes",
            }
        try:
            config = library.VitsConfig()
            config.from_dict(values)
            self.model = library.Vits(config)
        except (ValueError, TypeError, KeyError, AttributeError, AssertionError, RuntimeError, OSError) as error:
            raise SettingsError(f"{folder / 'config.json'} makes no VITS: {first_line(error)}") from error
        _fill(self.model, checkpoint_path(folder))
        with memory_errors():
            self.model.eval().to(device.name)
        self._bound = _Bound()
        self.model.duration_predictor.register_forward_hook(self._bound)
        self.model.waveform_decoder.register_forward_pre_hook(_with_margin)
        self.rate_hz = int(config.audio.sample_rate)
        """Frames per second of its sound."""
        names = self.model.language_manager.language_names
        self.languages: Sequence[str] = tuple(dict.fromkeys(filter(None, map(primary_tag, names))))
        """Primary BCP 47 tags that it speaks; empty when its names for them are none."""
        self._languages = {primary_tag(name): name for name in reversed(names)}
        first = next(iter(self.languages), "")
        manager = self.model.speaker_manager if many else None
        self.speakers: Sequence[Speaker] = (
            [Speaker(name, f"Speaker {name} of the model.", first) for name in manager.name_to_id]
            if manager is not None
            else [Speaker("0", "The voice of the model.", first)]
        )
        """Who it can speak as."""
        self._frames_hz = self.rate_hz / config.audio.hop_length

    def speak(self, sayings: Sequence[Saying]) -> list[Any]:
        """Say a batch: samples of each as a one-dimensional tensor.

        Raises:
            SynthesisError: It knows none of the letters of a text.
        """
        import torch

        model = self.model
        names = [self._languages.get(one.language) or model.language_manager.language_names[0] for one in sayings]
        texts = self._read([one.text for one in sayings], names)
        device = self._device
        lengths = torch.tensor([len(row) for row in texts], device=device)
        ids = torch.zeros(len(texts), int(lengths.max()), dtype=torch.long, device=device)
        for row, text in zip(ids, texts, strict=True):
            row[: len(text)] = torch.tensor(text, device=device)
        speakers = model.speaker_manager.name_to_id if model.args.use_speaker_embedding else None
        who = None if speakers is None else torch.tensor([speakers[one.speaker] for one in sayings], device=device)
        which = torch.tensor([model.language_manager.name_to_id[name] for name in names], device=device)
        rates = torch.tensor([[[pace(one.style)]] for one in sayings], device=device)
        model.length_scale = model.args.length_scale / rates
        most = torch.tensor([[[one.most_s * self._frames_hz]] for one in sayings], device=device)
        self._bound.frames = most / model.length_scale
        said = model.inference(
            ids, {"x_lengths": lengths, "speaker_ids": who, "d_vectors": None, "language_ids": which}
        )
        frames = said["y_mask"].sum((1, 2))
        hop = said["model_outputs"].shape[-1] // (said["y_mask"].shape[-1] + _MARGIN_FRAMES)
        ends = (frames * hop).long().tolist()
        return [row[:end] for row, end in zip(said["model_outputs"].squeeze(1), ends, strict=True)]

    def _read(self, texts: Sequence[str], names: Sequence[str]) -> list[list[int]]:
        """Texts as the numbers of their letters."""
        tokenizer = self.model.tokenizer
        read = list(texts)
        if tokenizer.text_cleaner is not None:
            read = [
                tokenizer.text_cleaner(text, lang=name.partition("-")[0])
                for text, name in zip(texts, names, strict=True)
            ]
        if self._language_file:
            read = ipa_of(read, self._language_file)
        rows = []
        for text, letters in zip(texts, read, strict=True):
            numbers = tokenizer.encode(letters)
            if not numbers:
                raise SynthesisError(f"the model knows none of the letters of {text[:60]!r}; is it in its language?")
            numbers = tokenizer.intersperse_blank_char(numbers) if tokenizer.add_blank else numbers
            rows.append(tokenizer.pad_with_bos_eos(numbers) if tokenizer.use_eos_bos else numbers)
        return rows


class _Bound:
    """Keeps the durations of all letters of a text together below what it can take to say it."""

    frames: Any = None

    def __call__(self, _: Any, inputs: tuple[Any, ...], log_durations: Any) -> Any:
        import torch

        total = (torch.exp(log_durations.float()) * inputs[1]).sum((1, 2), keepdim=True)
        too_long = (total / self.frames).clamp(min=1.0).nan_to_num(posinf=1e9)
        return torch.minimum(log_durations - torch.log(too_long), torch.log(self.frames)).to(log_durations.dtype)


def _with_margin(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """What the decoder is given, with silence behind it."""
    import torch

    return (torch.nn.functional.pad(inputs[0], (0, _MARGIN_FRAMES)), *inputs[1:])


def _fill(model: Any, path: Path) -> None:
    """Put weights from disk into a model; they must be exactly its own."""
    unused = ("disc.", "speaker_encoder.")
    weights = {name: value for name, value in read_weights(path).items() if not name.startswith(unused)}
    try:
        model.load_state_dict(weights, strict=True)
    except (RuntimeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SynthesisError(f"the weights in {path} are not those of its config.json: {reason}") from error


def _names(folder: Path, values: Mapping[str, Any], field: str, file: str) -> list[str]:
    """Speakers or languages in the order of their numbers: from a file beside the model, else its configuration."""
    listed: Any = values.get(field) or []
    for path in (folder / f"{file}.json", folder / f"{field}.json", folder / f"{field}.pth"):
        if path.is_file():
            listed = read_json(path) if path.suffix == ".json" else read_tensors(path)
            break
    if isinstance(listed, dict):
        numbered = all(isinstance(number, int) for number in listed.values())
        if not numbered or sorted(listed.values()) != list(range(len(listed))):
            raise SettingsError(f"the {field} in {folder} are not numbered from 0 on")
        listed = sorted(listed, key=listed.__getitem__)
    if not isinstance(listed, list) or len(listed) > _MOST_SPEAKERS:
        raise SettingsError(f"the {field} in {folder} are no list of names")
    if not all(isinstance(name, str) and 0 < len(name) <= 200 for name in listed):
        raise SettingsError(f"the {field} in {folder} are no list of names")
    return listed


def _language_file(values: Mapping[str, Any]) -> str:
    """The file by which espeak-ng speaks the language whose phonemes a model reads."""
    phonemizer, language = values.get("phonemizer"), str(values.get("phoneme_language") or "")
    if phonemizer not in _PHONEMIZERS:
        raise SettingsError(f"the model reads phonemes of {str(phonemizer)[:40]!r}; only espeak's are made here")
    if language.lower() not in _ESPEAK:
        raise SettingsError(f"phonemes of {language[:20]!r} are not made here, only of {', '.join(_ESPEAK)}")
    return _ESPEAK[language.lower()]
