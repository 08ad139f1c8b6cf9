"""What can run on this machine, what is missing, and what to do about it.

Owns the examination and its report. Asks the registry, the presets and the encoders; knows no back end.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from speechagents import __version__
from speechagents.backends import CONTROLLERS, LISTENERS, SYNTHESIZERS
from speechagents.controllers.discovery import FoundServer, find_servers
from speechagents.drama import clean_name
from speechagents.errors import SpeechAgentsError
from speechagents.gpus import gpus
from speechagents.presets import Preset, choose_preset, presets


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing examined.

    Attributes:
        name: What was looked at.
        ok: It works.
        detail: What was seen, or what to do.
    """

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class PresetState:
    """Whether a preset can run here; see `Preset` for the fields.

    Attributes:
        to_fetch_gb: What of its download is still to come.
        lacks: What is in `missing`, one thing each.
    """

    name: str
    ready: bool
    missing: str
    licence: str
    download_gb: float
    vram_gb: float
    commercial: bool = True
    to_fetch_gb: float = 0.0
    description: str = ""
    lacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackEndState:
    """Whether a back end can be loaded here.

    Attributes:
        kind: Synthesizer, controller or listener.
        name: Its name.
        missing: What keeps it from loading, with the remedy; empty when nothing does.
    """

    kind: str
    name: str
    missing: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of an examination."""

    findings: Sequence[Finding]
    presets: Sequence[PresetState]
    back_ends: Sequence[BackEndState] = ()
    servers: Sequence[FoundServer] = ()

    @property
    def healthy(self) -> bool:
        """Everything that the default needs works."""
        return all(finding.ok for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "version": __version__,
            "healthy": self.healthy,
            "findings": [asdict(finding) for finding in self.findings],
            "presets": [asdict(preset) for preset in self.presets],
            "back_ends": [asdict(back_end) for back_end in self.back_ends],
            "servers": [asdict(server) for server in self.servers],
        }

    def as_text(self) -> str:
        """A report for people."""
        rows = [f"speechagents {__version__}"]
        rows += [f"{'ok ' if finding.ok else 'BAD'}  {finding.name}: {finding.detail}" for finding in self.findings]
        for preset in self.presets:
            rows += _preset_rows(preset)
        rows += [
            f"{'-- ' if back_end.missing else 'ok '}  {back_end.kind} {back_end.name}: {back_end.missing or 'ready'}"
            for back_end in self.back_ends
        ]
        rows += [
            # A server may call its models whatever it likes.
            clean_name(f"ok   server {server.name} at {server.base_url}: {', '.join(server.models[:5]) or 'no list'}")
            for server in self.servers
        ]
        if not self.servers:
            rows.append(
                "--   server: none with models answers on this machine (Ollama, LM Studio, llama.cpp and vLLM were "
                "looked for at their usual ports); name one with --server URL or SPEECHAGENTS_SERVER"
            )
        return "\n".join(rows)


def examine() -> Report:
    """Try the parts that a performance needs, for real where it is quick."""
    states = [_state(preset) for preset in presets()]
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Report(
        findings=(Finding("python", sys.version_info >= (3, 11), python), _voices(), _encoders(), _gpus()),
        presets=states,
        back_ends=[
            BackEndState(kind.kind, name, kind.missing(name))
            for kind in (SYNTHESIZERS, CONTROLLERS, LISTENERS)
            for name in kind.names()
        ],
        servers=find_servers(),
    )


def _state(preset: Preset) -> PresetState:
    lacks = preset.lacks
    return PresetState(
        name=preset.name,
        ready=not lacks,
        missing="; ".join(lacks),
        licence=preset.licence,
        download_gb=preset.download_gb,
        vram_gb=preset.vram_gb,
        commercial=preset.commercial,
        to_fetch_gb=round(sum(one.size_gb for one in preset.unfetched), 2),
        description=preset.description,
        lacks=lacks,
    )


def _preset_rows(preset: PresetState) -> list[str]:
    """What a preset is, in one line, and what it lacks, in one line each."""
    download = f"{preset.download_gb:g} GB to download" if preset.download_gb else "no download"
    if preset.download_gb and preset.to_fetch_gb < preset.download_gb:
        download = f"{preset.download_gb:g} GB, {preset.to_fetch_gb:g} of it to download"
    memory = f"GPU with {preset.vram_gb:g} GB" if preset.vram_gb else "no GPU"
    unknown = preset.licence.startswith("see ")
    sold = "" if preset.commercial or unknown else ", NON-COMMERCIAL"
    mark, state = ("ok ", "ready") if preset.ready else ("-- ", "not ready")
    head = f"{mark}  preset {preset.name}: {state}; {memory}, {download}, licence {preset.licence}{sold}"
    return [head, *(f"       {one}" for one in preset.lacks)]


def _voices() -> Finding:
    from speechagents.studio import Studio
    from speechagents.voices.synthesizer import SpokenLine, Take

    try:
        preset, why = choose_preset()
        if not preset.is_light:
            # Loading it would take minutes, and a server would be asked for work.
            return Finding("voices", ok=True, detail=f"{why}; not tried here")
        with Studio(preset=preset.name, jobs=1) as studio:
            voice = studio.synthesizer.voices[0]
            (take,) = studio.synthesizer.speak([SpokenLine("All is well.", voice)])
            heard = f"{len(studio.synthesizer.voices)} voices; {why}"
    except SpeechAgentsError as error:
        return Finding("voices", ok=False, detail=str(error))
    if not isinstance(take, Take):
        return Finding("voices", ok=False, detail=take.reason)
    return Finding("voices", ok=True, detail=f"{heard}; spoke {take.audio.duration_s:.1f} s to try")


def _gpus() -> Finding:
    """GPUs, told by the driver alone: importing PyTorch takes longer than all the rest."""
    found = ", ".join(f"{gpu.name} with {gpu.memory_gb:.0f} GB" for gpu in gpus())
    return Finding(
        "gpu", ok=True, detail=found or "none with a driver of NVIDIA; presets without a GPU run all the same"
    )


def _encoders() -> Finding:
    from av.codec import codecs_available

    wanted = {"aac": "m4b", "libmp3lame": "mp3", "libopus": "opus"}
    lacking = [form for codec, form in wanted.items() if codec not in codecs_available]
    if lacking:
        return Finding(
            "encoders", ok=False, detail=f"this build of PyAV cannot write {', '.join(lacking)}: pip install -U av"
        )
    return Finding("encoders", ok=True, detail="wav, flac, mp3, opus, m4b")
