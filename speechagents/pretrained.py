"""Language models of Hugging Face Transformers in this process, at any size: loaded once, moved where they are needed.

Owns how one gets from disk into a memory: which class, on which GPU or over how many, in which precision, with which
attention, quantised or not; and what is said aloud when something else than what was asked for is done. Does not know
what a model is for: a brain and voices may be the same one. Imports PyTorch and Transformers when asked, not before.

Weights are safetensors alone, no code that comes with a model is run, and the network is asked only to download. A
model that is quantised, or spread over several GPUs, stays where it was loaded: libraries cannot move such weights.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from speechagents.devices import Device, choose_device, memory_errors
from speechagents.errors import BackendMissing, MemoryFull, SettingsError, SpeechAgentsError
from speechagents.library_talk import without_bars
from speechagents.pretrained_options import ATTENTIONS, DTYPES, QUANTISED_SIZE, library_options, size_on_disk_gb
from speechagents.residency import SPARE, LoadedModels, Residence
from speechagents.weights import local_folder

_LOG: Final = logging.getLogger(__name__)

_FILES: Final = ("*.safetensors", "*.json", "*.txt", "*.jinja", "*.model", "spk_dict.pt", "README.md")
"""What is downloaded of a model. The last one holds the voices of an omni model; whoever reads it runs nothing."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model, and how it is to be loaded. Back ends that choose the same share it.

    Attributes:
        model: A folder, or a name on the Hugging Face hub whose files are in the local cache.
        revision: Of a name on the hub.
        download: Fetch what is missing.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1`` …, ``mps``; ``auto`` takes a GPU if one can be used, and spreads
            a model over all of them if one is too small for it.
        dtype: ``auto`` (as the weights are), ``float32``, ``bfloat16`` or ``float16``.
        attention: Implementation of attention, such as ``sdpa`` or ``flash_attention_2``; empty leaves the choice to
            the library.
        quantisation: ``int8`` or ``int4`` make the weights smaller while they are loaded; empty leaves them as they
            are, which may be quantised already.
        speaks: Of an omni model load what speaks, too, not the part alone that hears and thinks.
    """

    model: str
    revision: str = ""
    download: bool = False
    device: str = "auto"
    dtype: str = "auto"
    attention: str = ""
    quantisation: str = ""
    speaks: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise SettingsError(f"dtype {self.dtype[:40]!r} is none of {', '.join(DTYPES)}")
        if self.attention not in ATTENTIONS:
            raise SettingsError(
                f"attention {self.attention[:40]!r} is none of {', '.join(filter(None, ATTENTIONS))}; leave it empty "
                "for the library's own choice"
            )
        if self.quantisation and self.quantisation not in QUANTISED_SIZE:
            raise SettingsError(f"quantisation {self.quantisation[:40]!r} is none of {', '.join(QUANTISED_SIZE)}")


class PretrainedModel:
    """A model in memory: a `Resident`, used by one thread at a time.

    Args:
        choice: Which.
        residence: The memory that it shares with others; None is one of its own.
        failure: What is raised if it cannot be loaded.

    Raises:
        SettingsError: The device cannot be used, the model is quantised already, or it cannot speak.
        WeightsMissing: It is not on this machine.
        BackendMissing: A package that its weights need is not installed.
        MemoryFull: It does not fit.
    """

    def __init__(self, choice: ModelChoice, *, residence: Residence | None, failure: type[SpeechAgentsError]) -> None:
        self.choice = choice
        self.device: Device = choose_device(choice.device)
        self.folder = _folder(choice)
        self._failure = failure
        self._residence = residence or Residence()
        self._one_at_a_time = threading.RLock()
        self._when_out: list[Callable[[], None]] = []
        self._notices: list[str] = []
        self._module: Any = None
        with self._loading_errors():
            import transformers

            self.config = transformers.AutoConfig.from_pretrained(
                self.folder, trust_remote_code=False, local_files_only=True
            )
            self._kind, self._part_config = _kind(self.config, speaks=choice.speaks)
            self._size_gb = size_on_disk_gb(
                self.folder,
                dtype=choice.dtype,
                quantisation=choice.quantisation,
                part="" if self._part_config is self.config else "thinker.",
            )
        self._spread = self._is_to_be_spread()
        quantised = bool(choice.quantisation or getattr(self._part_config, "quantization_config", None))
        self._moves = self.device.is_gpu and not self._spread and not quantised
        if choice.device == "auto" and not self.device.is_gpu:
            self._notice(self.device.why)
        if self._moves or not self.device.is_gpu:
            with self._residence.using(self):
                pass
        else:
            self._residence.keep(self)

    @property
    def notices(self) -> tuple[str, ...]:
        """What is done otherwise than asked for, for people."""
        return tuple(self._notices)

    @property
    def moves(self) -> bool:
        """It can make room for others."""
        return self._moves

    @property
    def size_gb(self) -> float:
        """What its weights take of the GPU: measured, or what their files weigh before they are loaded; 0 on a CPU."""
        return self._size_gb if self.device.is_gpu else 0.0

    @property
    def module(self) -> Any:
        """The library's model, whole."""
        return self._module

    @property
    def thinker(self) -> Any:
        """What answers prompts: of an omni model a part, else the model itself."""
        return getattr(self._module, "thinker", self._module)

    @property
    def thinker_config(self) -> Any:
        """The configuration of what answers prompts."""
        return getattr(self.config, "thinker_config", None) or self.config

    @contextlib.contextmanager
    def using(self) -> Iterator[Any]:
        """Have the library's model to oneself and in memory, for as long as the block lasts.

        Raises:
            MemoryFull: There is no room for it.
        """
        with self._one_at_a_time, self._residence.using(self):
            yield self._module

    def when_out(self, forget: Callable[[], None]) -> None:
        """Have something called whenever the model moves out: what else lies on the GPU because of it is to go, too."""
        self._when_out.append(forget)

    def move_in(self) -> None:
        """Into the memory of the GPU, from disk the first time."""
        try:
            if self._module is None:
                with self._loading_errors(), memory_errors(), without_bars():
                    self._load()
            elif self._moves:
                with memory_errors():
                    self._module.to(self.device.name)
        except MemoryFull as error:
            raise MemoryFull(
                f"the model {self.choice.model!r} ({self._size_gb:.1f} GB) does not fit into memory {self.device.why}; "
                "take a smaller one, or quantisation int8 or int4"
            ) from error

    def move_out(self) -> None:
        """Into the memory of this machine; what cannot move is gone, and comes from disk if it is wanted again."""
        import torch

        for forget in self._when_out:
            forget()
        if not self.device.is_gpu:
            return
        if not self._moves:
            self._module = None
        elif self._module is not None:
            self._module.to("cpu")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _load(self) -> None:
        import transformers

        options, notices = library_options(
            dtype=self.choice.dtype,
            attention=self.choice.attention,
            quantisation=self.choice.quantisation,
            config=self._part_config,
            device=self.device,
            spread=self._spread,
        )
        for notice in notices:
            self._notice(notice)
        # Not the classes' own way where they have one: that of an omni model asks the hub for its voices once more.
        module, told = transformers.PreTrainedModel.from_pretrained.__func__(
            self._kind,
            str(self.folder),
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            **options,
        )
        # Buffers that no file has are computed; parameters would be made up.
        if missing := sorted({name for name, _ in module.named_parameters()} & set(told["missing_keys"])):
            raise ValueError(f"{len(missing)} of its weights are not in its files, {missing[0]} among them")
        if hasattr(module, "token2wav"):
            module.token2wav.float()  # the one part that computes in full precision, whatever the rest is
        module.eval()
        if "device_map" not in options:
            module.to(self.device.name)
        self._size_gb = _size_gb(module, self.device)
        self._module = module

    def _is_to_be_spread(self) -> bool:
        """Whether one GPU is too small for it, and there are more."""
        import torch

        if self.choice.device != "auto" or not self.device.name.startswith("cuda"):
            return False
        return torch.cuda.device_count() > 1 and self._size_gb > self.device.memory_gb * (1.0 - SPARE)

    def _notice(self, text: str) -> None:
        self._notices.append(text)
        _LOG.warning("%s: %s", Path(self.choice.model).name, text)

    @contextlib.contextmanager
    def _loading_errors(self) -> Iterator[None]:
        from safetensors import SafetensorError

        try:
            yield
        except ImportError as error:
            # The library says itself which package the weights need, and how to install it.
            raise BackendMissing(f"the model {self.choice.model!r} cannot be loaded: {_said(error)}") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as error:
            raise self._failure(
                f"the model {self.choice.model!r} cannot be loaded: {_said(error)}; download it again, or update "
                "transformers if the model is newer"
            ) from error


def pretrained(
    choice: ModelChoice,
    *,
    residence: Residence | None,
    loaded: LoadedModels | None,
    failure: type[SpeechAgentsError],
) -> PretrainedModel:
    """A model that is shared with all who choose the same, if there is somebody to share with.

    Args:
        choice: Which.
        residence: The memory that it shares with others.
        loaded: What is loaded already; None loads it anew.
        failure: What is raised if it cannot be loaded.

    Raises:
        SpeechAgentsError: As `PretrainedModel` does.
    """

    def load() -> PretrainedModel:
        return PretrainedModel(choice, residence=residence, failure=failure)

    return load() if loaded is None else loaded.get(choice, load)


def _folder(choice: ModelChoice) -> Path:
    if choice.download and not Path(choice.model).expanduser().is_dir():
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError

        try:
            snapshot_download(choice.model, revision=choice.revision or None, allow_patterns=list(_FILES))
        except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
            # What is here may be enough: that is looked at next, and said.
            _LOG.warning("%s: the download failed: %s", choice.model, _said(error))
    return local_folder(choice.model, revision=choice.revision, files=("config.json",))


def _kind(config: Any, *, speaks: bool) -> tuple[Any, Any]:
    """The library's class and configuration for a model, or for the part of it that thinks."""
    import transformers

    architecture = next(iter(config.architectures or ()), "")
    thinker = getattr(config, "thinker_config", None)
    if speaks and (thinker is None or not getattr(config, "enable_audio_output", False)):
        raise ValueError(f"it is no omni model that speaks ({architecture or config.model_type})")
    if thinker is not None and not speaks:
        architecture = architecture.replace("ForConditionalGeneration", "ThinkerForConditionalGeneration")
        if already := getattr(config, "quantization_config", None):
            thinker.quantization_config = already
        config = thinker
    return getattr(transformers, architecture, None) or transformers.AutoModelForCausalLM, config


def _size_gb(module: Any, device: Device) -> float:
    """What weights take on one GPU."""
    tensors = {id(one): one for one in (*module.parameters(), *module.buffers()) if str(one.device) == device.name}
    return float(sum(one.nelement() * one.element_size() for one in tensors.values())) / 1e9


def _said(error: BaseException) -> str:
    return ((str(error) or repr(error)).strip().splitlines() or [""])[0][:300]
