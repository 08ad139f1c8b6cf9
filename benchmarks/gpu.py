"""What batches and shared prefixes are worth on a device, beside what the device can do at most.

    python -m benchmarks.gpu [--size real|small] [--device auto] [--batches 1,2,4,8,16,32] [--write]

Models have random weights: of the size of real ones (``--size real``, for a GPU), or tiny (``--size small``, for a
CPU). Without a GPU ``real`` measures nothing and says so. Measured are

* voices, for batches of 1 to 32 lines: seconds of sound a second, time to the first take, memory of the GPU, and the
  share of the device's limit. A model that speaks step by step reads all its weights for each step, so that is a
  bandwidth: bytes of weights × steps over the time, against a copy of memory. One that speaks in one go is held against
  the product of large matrices, by PyTorch's count of its operations,
* a scene of 25 roles: all lines one by one and in batches, and what all agents think of the next turn, likewise,
* prefix reuse: tokens that the model computes for a bid of all 25 and a turn, when the scene has gone on by one message
  behind 100, with and without it, and the time.

Random models say noise and seldom stop by themselves: each line is as long as its text lets it be.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.agents import asks_after, scene_of, short_answers
from benchmarks.device_limits import Limits, measure_limits, synchronise
from benchmarks.svg_plot import line_plot
from speechagents.controllers.prompted import PromptedController

RESULTS = Path(__file__).parent / "results"
BATCHES = (1, 2, 4, 8, 16, 32)
ROLES = 25
MESSAGES = 100
TEXT = "The lamp went out, and then we heard somebody laugh."
REAL_CSM: dict[str, Any] = {
    # Sizes of a Llama 3.2 1 B with a decoder of 100 M, as CSM's card describes it; codec by the library's defaults.
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "initializer_range": 0.02,
}
REAL_CSM_DEPTH: dict[str, Any] = {
    "backbone_hidden_size": 2048,
    "hidden_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
}
REAL_BRAIN: dict[str, Any] = {
    # The language model of a thinker of 3 B.
    "hidden_size": 2048,
    "intermediate_size": 11_008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "initializer_range": 0.02,
}


def voices(kind: str, folder: Path, device: str, batches: Sequence[int], limits: Limits) -> list[dict[str, Any]]:
    """A model's speed by the size of batches."""
    from speechagents.voices.neural.batching import BatchedSpeech
    from speechagents.voices.neural.transformers_speech import TransformersSpeech
    from speechagents.voices.synthesizer import SpokenLine, Take

    model = TransformersSpeech(model=str(folder), device=device, dtype=limits.dtype)
    rows = []
    for size in batches:
        voice = model.voices[0]
        lines = [SpokenLine(f"{TEXT} Number {10 + number}.", voice) for number in range(size)]
        list(BatchedSpeech(model, model.voices, max_batch=size).speak(lines))  # what is made once is made
        _forget_peak(device)
        began = time.perf_counter()
        takes, first_s = [], 0.0
        for take in BatchedSpeech(model, model.voices, max_batch=size).speak(lines):
            first_s = first_s or time.perf_counter() - began
            if not isinstance(take, Take):
                raise SystemExit(f"{kind}: {take.reason}")
            takes.append(take)
        synchronise(device)
        wall_s = time.perf_counter() - began
        sound_s = sum(take.audio.duration_s for take in takes)
        rows.append(
            {
                "model": kind,
                "weights_gb": round(model.size_gb, 6),
                "batch": size,
                "sound_s": round(sound_s, 2),
                "wall_s": round(wall_s, 3),
                "times_real_time": round(sound_s / wall_s, 3),
                "first_take_s": round(first_s, 3),
                "peak_gb": _peak_gb(device),
                "share_of_limit": _share(
                    kind, model, lines, max(take.audio.duration_s for take in takes), wall_s, limits
                ),
            }
        )
        print("  ".join(f"{name} {value}" for name, value in rows[-1].items()), flush=True)
    return rows


def _share(kind: str, model: Any, lines: Sequence[Any], longest_s: float, wall_s: float, limits: Limits) -> float:
    """How much of what the device could do a batch made it do."""
    import torch

    from speechagents.voices.neural.speech_model import Utterance, seed_of

    if kind == "csm":
        steps = longest_s * 12.5  # frames a second of its codec, in each of which all weights are read
        return float(round(model.size_gb * steps / wall_s / limits.bandwidth_gb_s, 3))
    said = [Utterance(line.text, line.voice, line.style, line.language, seed_of(line, 0)) for line in lines]
    # PyTorch's counter of operations cannot look into this model's normalised weights; its profiler can.
    with torch.profiler.profile(with_flops=True) as profile:
        model.render(said)
    operations = sum(event.flops for event in profile.key_averages())
    return float(round(operations / wall_s / limits.compute_tflop_s / 1e12, 4))


def scene(folder: Path, brain: Path, device: str, limits: Limits) -> dict[str, Any]:
    """Lines and thoughts of 25 roles, one by one and in batches."""
    from speechagents.voices.neural.batching import BatchedSpeech
    from speechagents.voices.neural.transformers_speech import TransformersSpeech
    from speechagents.voices.synthesizer import SpokenLine

    model = TransformersSpeech(model=str(folder), device=device, dtype=limits.dtype)
    lines = [SpokenLine(f"{TEXT} Number {10 + at}.", model.voices[at % len(model.voices)]) for at in range(ROLES)]

    def spoken(most: int) -> float:
        return _seconds(lambda: list(BatchedSpeech(model, model.voices, max_batch=most).speak(lines)), device)

    spoken(ROLES)  # voices that are made up once
    alone_s, together_s = spoken(1), spoken(ROLES)
    thinker = _brain(brain, device, limits, reuse=True)
    controller = PromptedController(short_answers(thinker))
    _, asks = asks_after(scene_of(ROLES), MESSAGES)

    def thought(groups: Sequence[Sequence[Any]]) -> float:
        return _seconds(lambda: [list(controller.bid(group, seed=1)) for group in groups], device)

    thought([asks])
    think_alone_s, think_together_s = thought([[ask] for ask in asks]), thought([asks])
    return {
        "roles": ROLES,
        "lines_one_by_one_s": round(alone_s, 3),
        "lines_batched_s": round(together_s, 3),
        "lines_speed_up": round(alone_s / together_s, 2),
        "thoughts_one_by_one_s": round(think_alone_s, 3),
        "thoughts_batched_s": round(think_together_s, 3),
        "thoughts_speed_up": round(think_alone_s / think_together_s, 2),
        "speed_up": round((alone_s + think_alone_s) / (together_s + think_together_s), 2),
    }


def prefix(brain: Path, device: str, limits: Limits) -> dict[str, Any]:
    """Tokens and seconds of a bid of all and a turn behind 100 messages, with and without reuse."""
    _, asks = asks_after(scene_of(ROLES), MESSAGES)
    before = [replace(ask, heard=ask.heard[:-1]) for ask in asks]
    found: dict[str, Any] = {"messages": MESSAGES, "roles": ROLES}
    for name, reuse in (("reused", True), ("afresh", False)):
        thinker = _brain(brain, device, limits, reuse=reuse)
        controller = PromptedController(short_answers(thinker))
        list(controller.bid(before, seed=1))  # the scene as it was before the last message
        known = thinker.computed_tokens

        def step(controller: PromptedController = controller) -> None:
            list(controller.bid(asks, seed=1))
            list(controller.respond(asks[:1], seed=1))

        found[f"seconds_{name}"] = round(_seconds(step, device), 3)
        found[f"tokens_{name}"] = thinker.computed_tokens - known
    found["times_fewer_tokens"] = round(found["tokens_afresh"] / found["tokens_reused"], 2)
    found["times_faster"] = round(found["seconds_afresh"] / found["seconds_reused"], 2)
    return found


def _brain(folder: Path, device: str, limits: Limits, *, reuse: bool) -> Any:
    from speechagents.controllers.transformers import TransformersModel

    return TransformersModel(model=str(folder), device=device, dtype=limits.dtype, reuse=reuse)


def _seconds(work: Callable[[], Any], device: str) -> float:
    synchronise(device)
    began = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - began


def _forget_peak(device: str) -> None:
    import torch

    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)


def _peak_gb(device: str) -> float | None:
    """Most memory of the GPU that PyTorch has held; None on a CPU."""
    import torch

    return round(torch.cuda.max_memory_allocated(device) / 1e9, 2) if device.startswith("cuda") else None


def build(folder: Path, *, real: bool, device: str) -> dict[str, Path]:
    """Models with random weights, saved as real ones are."""
    import torch
    from transformers import AutoConfig, CsmForConditionalGeneration, Qwen2ForCausalLM, VitsConfig, VitsModel

    from tests.controllers.tiny_models import text_model
    from tests.voices.neural.tiny_speech_models import vits
    from tests.voices.neural.tiny_speech_prompted import csm

    made = {"vits": vits(folder / "vits"), "csm": csm(folder / "csm"), "brain": text_model(folder / "brain")}
    if not real:
        return made
    with torch.device(device):
        small = AutoConfig.from_pretrained(made["vits"])
        VitsModel(VitsConfig(vocab_size=small.vocab_size)).save_pretrained(made["vits"])
        voice = AutoConfig.from_pretrained(made["csm"])
        voice.update(REAL_CSM)
        voice.depth_decoder_config.update(
            {
                **REAL_CSM,
                "hidden_size": 1024,
                "num_hidden_layers": 4,
                "num_attention_heads": 8,
                "num_key_value_heads": 2,
            }
            | {"backbone_hidden_size": 2048}
        )
        CsmForConditionalGeneration(voice).to(torch.bfloat16).save_pretrained(made["csm"])
        brain = AutoConfig.from_pretrained(made["brain"])
        brain.update(REAL_BRAIN)
        brain.layer_types = ["full_attention"] * REAL_BRAIN["num_hidden_layers"]
        Qwen2ForCausalLM(brain).to(torch.bfloat16).save_pretrained(made["brain"])
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures and a plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("real", "small"), default="real")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)))
    parser.add_argument("--write", action="store_true", help="write gpu-*.json and gpu-*.svg under benchmarks/results")
    arguments = parser.parse_args(argv)
    if not all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
        print("nothing measured: the extra [neural] is not installed")
        return 0
    from speechagents.controllers import sampling
    from speechagents.devices import choose_device

    device = choose_device(arguments.device)
    real = arguments.size == "real"
    if real and not device.is_gpu:
        print(f"nothing measured: {device.why}; --size small measures tiny models on a CPU")
        return 0
    sampling.grammar_of = lambda *_: None
    limits = measure_limits(device.name, "bfloat16" if real else "float32")
    print(
        f"{limits.name}: {limits.bandwidth_gb_s} GB/s, {limits.compute_tflop_s} TFLOP/s in {limits.dtype}", flush=True
    )
    report: dict[str, Any] = {"device": asdict(limits), "size": arguments.size, "cores": os.cpu_count()}
    batches = [int(part) for part in arguments.batches.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        made = build(Path(scratch), real=real, device=device.name)
        report["voices"] = [
            row for kind in ("vits", "csm") for row in voices(kind, made[kind], device.name, batches, limits)
        ]
        report["scene"] = scene(made["csm"], made["brain"], device.name, limits)
        report["prefix"] = prefix(made["brain"], device.name, limits)
    print(json.dumps({"scene": report["scene"], "prefix": report["prefix"]}, indent=1))
    if arguments.write:
        name = f"gpu-{re.sub('[^a-z0-9]+', '-', limits.name.lower()).strip('-')}-{arguments.size}"
        (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
        lines = {
            kind: [(row["batch"], row["times_real_time"]) for row in report["voices"] if row["model"] == kind]
            for kind in ("vits", "csm")
        }
        plot = line_plot(f"{limits.name}, {arguments.size} models", "lines in a batch", "times real time", lines)
        (RESULTS / f"{name}.svg").write_text(plot, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
