"""What a turn costs: prompt tokens, seconds and memory, by the number of agents and the length of the scene.

    python -m benchmarks.agents [--write] [--real-size] [--device cuda]

Each case is a process of its own. A scene of 2, 5, 10 or 25 roles has gone on for 20, 112 or 400 messages (made by the
rehearsal planner); then one agent takes a turn, and all of them bid in one batch. Measured are

* prompt tokens of a turn (characters / 4, the usual rule of thumb for English), and of the naive order: the agent's own
  role first, then the whole stream. What the naive order costs grows with the scene, and no two agents share a prefix,
* seconds of a turn and of a bid of all agents with the rehearsal planner, and, where PyTorch and Transformers are
  installed, with a tiny model with random weights (CPU, 16 new tokens for everybody): first as a running scene has it,
  with the shared beginning kept but for the last message, then with nothing shared, then one call for each agent,
* peak memory of the process.

``--real-size`` takes a model of 3 billion random parameters instead of the tiny one: for a GPU (``--device cuda``).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import resource as system
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from speechagents.agents.memory import Memory
from speechagents.controllers.controller import AgentInput, Answer, Heard
from speechagents.controllers.language_model import LanguageModel, Prompt, Reply
from speechagents.controllers.prompted import PromptedController
from speechagents.controllers.prompts import bid_prompt, turn_prompt
from speechagents.controllers.rehearsal import make_rehearsal
from speechagents.drama import Role, SceneBrief
from speechagents.resources import resource
from speechagents.scripts.scene_file import read_scene

RESULTS = Path(__file__).parent / "results" / "agents.json"
AGENTS = (2, 5, 10, 25)
MESSAGES = (20, 112, 400)
"""The recent window moves by 16 messages: at 112 and 400 it is equally full."""
NEW_TOKENS = 16


def scene_of(agents: int) -> SceneBrief:
    """An example with so many roles: its own first, then guests as talkative in their profiles."""
    scene = read_scene(resource("assets", "examples", "scenes", "wedding-below-the-slide.yaml"))
    guest = scene.roles[0]
    guests = [Role(f"Guest {number}", guest.profile, goals=guest.goals) for number in range(1, 26)]
    return replace(scene, roles=(*scene.roles, *guests)[:agents], turns=2_000)


def asks_after(scene: SceneBrief, messages: int) -> tuple[Memory, list[AgentInput]]:
    """What every agent knows after so many messages."""
    memory, planner = Memory(), make_rehearsal()
    for number in range(messages):
        (answer,) = planner.respond([_ask(scene, memory, number % len(scene.roles), number)], seed=number)
        assert isinstance(answer, Answer)
        turn = answer.turn
        memory.add(Heard(number + 1, turn.role, turn.text, turn.deed, turn.style, turn.addresses))
    return memory, [_ask(scene, memory, number, messages) for number in range(len(scene.roles))]


def _ask(scene: SceneBrief, memory: Memory, number: int, step: int) -> AgentInput:
    role = scene.roles[number]
    heard = memory.recent(role.name)
    return AgentInput(
        scene=scene,
        present=tuple(one.name for one in scene.roles),
        facts=memory.facts,
        heard=heard,
        role=role,
        recalled=memory.recall(role.name, cue=" ".join(one.text for one in heard[-4:])),
        step=step,
    )


def naive_prompt(scene: SceneBrief, memory: Memory, role: Role) -> str:
    """The order that comes to mind first: who I am, who the others are, and all that was ever said."""
    everything = memory._entries  # noqa: SLF001 - nobody else wants all of it
    return "\n".join(
        [
            f"You are {role.name}. {role.profile}",
            *role.goals,
            scene.background,
            *(f"{one.name}: {one.profile}" for one in scene.roles),
            *(f"{entry.heard.speaker} ({entry.heard.style.tag}): {entry.heard.text}" for entry in everything),
            "Answer in JSON.",
        ]
    )


class _Short:
    """A model whose answers all have the same length, so that times can be compared."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    identity = "short"
    hears = False

    def generate(self, prompts: Sequence[Prompt], *, seed: int) -> Iterator[Reply]:
        """One reply for each prompt; what cannot be used is not asked for again."""
        short = [replace(prompt, max_tokens=NEW_TOKENS, temperature=0.0) for prompt in prompts]
        for reply in self._model.generate(short, seed=seed):
            yield replace(reply, text="", error="a benchmark wants no answer")


def short_answers(model: LanguageModel) -> LanguageModel:
    """A model that answers in as many tokens whatever it is asked."""
    return _Short(model)


def measure(agents: int, messages: int, model: str, device: str) -> dict[str, Any]:
    """One case, in this process."""
    scene = scene_of(agents)
    memory, asks = asks_after(scene, messages)
    planner = make_rehearsal()
    found: dict[str, Any] = {
        "agents": agents,
        "messages": messages,
        "prompt_tokens": _tokens(turn_prompt(asks[0], hears=False)),
        "bid_prompt_tokens": _tokens(bid_prompt(asks[0], hears=False)),
        "naive_prompt_tokens": len(naive_prompt(scene, memory, asks[0].role)) // 4,
        "rehearsal_turn_s": _best(lambda: list(planner.respond(asks[:1], seed=1))),
        "rehearsal_bid_s": _best(lambda: list(planner.bid(asks, seed=1))),
    }
    if model:
        found |= _with_model(asks, model, device)
    found["peak_mb"] = round(system.getrusage(system.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return found


def _with_model(asks: Sequence[AgentInput], model: str, device: str) -> dict[str, Any]:
    from speechagents.controllers import sampling
    from speechagents.controllers.transformers import TransformersModel

    sampling.grammar_of = lambda *_: None
    sharing = PromptedController(_Short(TransformersModel(model=model, device=device)))
    apart = PromptedController(_Short(TransformersModel(model=model, device=device, reuse=False)))
    before = [replace(ask, heard=ask.heard[:-1]) for ask in asks]

    def running(work: Callable[[], Any]) -> float:
        """As in a running scene: all but the last message was there before."""
        times = []
        for _ in range(3):
            list(sharing.respond(before[:1], seed=1))
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
        return min(times)

    return {
        "model_turn_s": round(running(lambda: list(sharing.respond(asks[:1], seed=1))), 4),
        "model_bid_s": round(running(lambda: list(sharing.bid(asks, seed=1))), 4),
        "model_turn_unshared_s": _best(lambda: list(apart.respond(asks[:1], seed=1))),
        "model_bid_unshared_s": _best(lambda: list(apart.bid(asks, seed=1))),
        "model_bid_one_by_one_s": _best(lambda: [list(apart.bid([ask], seed=1)) for ask in asks], times=1),
    }


def _tokens(prompt: Prompt) -> int:
    return sum(len(part.text) for message in prompt.messages for part in message.parts) // 4


def _best(work: Callable[[], Any], *, times: int = 3) -> float:
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return round(best, 5)


def _build(folder: Path, *, real_size: bool) -> str:
    """A model with random weights, tiny or of a real size; empty without PyTorch and Transformers."""
    if not all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
        return ""
    from tests.controllers.tiny_models import text_model

    text_model(folder)
    if real_size:
        import torch
        from transformers import AutoConfig, Qwen2ForCausalLM

        config = AutoConfig.from_pretrained(folder)
        # The language model of a 3 B thinker.
        shape = {"hidden_size": 2048, "intermediate_size": 11_008, "num_hidden_layers": 36}
        config.update({**shape, "num_attention_heads": 16, "num_key_value_heads": 2, "initializer_range": 0.02})
        config.layer_types = ["full_attention"] * 36
        Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return str(folder)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and with ``--write`` keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} under benchmarks/results")
    parser.add_argument("--real-size", action="store_true", help="3 billion parameters instead of a tiny model")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--case", nargs=3, metavar=("AGENTS", "MESSAGES", "MODEL"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.case:
        agents, messages, model = arguments.case
        print(json.dumps(measure(int(agents), int(messages), model, arguments.device)))
        return 0
    cases = []
    with tempfile.TemporaryDirectory() as scratch:
        model = _build(Path(scratch) / "model", real_size=arguments.real_size)
        for agents in AGENTS:
            for messages in MESSAGES:
                command = [sys.executable, "-m", "benchmarks.agents", "--device", arguments.device, "--case"]
                run = subprocess.run(
                    [*command, str(agents), str(messages), model], capture_output=True, text=True, check=False
                )
                if run.returncode:
                    raise SystemExit(run.stderr[-2_000:])
                cases.append(json.loads(run.stdout.splitlines()[-1]))
                print("  ".join(f"{name} {value}" for name, value in cases[-1].items()), flush=True)
    report = {
        "machine": f"{platform.machine()}, {arguments.device}",
        "model": ("3 B random" if arguments.real_size else "tiny random") if model else "",
        "cases": cases,
        "targets": targets(cases),
    }
    print(json.dumps(report["targets"], indent=2))
    if arguments.write:
        path = RESULTS.with_name("agents-3b.json") if arguments.real_size else RESULTS
        path.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    return 0


def targets(cases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What was aimed at, and what was reached."""

    def of(agents: int, messages: int, name: str) -> float:
        value = next(case for case in cases if (case["agents"], case["messages"]) == (agents, messages)).get(name)
        return float(value) if value is not None else float("nan")

    few, many = AGENTS[0], AGENTS[-1]
    found = {
        "prompt tokens at 25 agents / at 2 (target: at most 1.2)": {
            str(messages): round(of(many, messages, "prompt_tokens") / of(few, messages, "prompt_tokens"), 3)
            for messages in MESSAGES
        },
        "prompt tokens at 400 messages / at 112 (target: flat)": {
            str(agents): round(of(agents, 400, "prompt_tokens") / of(agents, 112, "prompt_tokens"), 3)
            for agents in AGENTS
        },
        "naive prompt tokens at 400 messages / at 112": round(
            of(many, 400, "naive_prompt_tokens") / of(many, 112, "naive_prompt_tokens"), 2
        ),
    }
    if "model_turn_s" in cases[0]:
        found |= {
            "seconds of a bid of 25 / of one turn (target: at most 3)": {
                str(messages): round(of(many, messages, "model_bid_s") / of(many, messages, "model_turn_s"), 2)
                for messages in MESSAGES
            },
            "seconds of a turn at 400 messages / at 112 (target: flat)": round(
                of(many, 400, "model_turn_s") / of(many, 112, "model_turn_s"), 2
            ),
            "seconds of a bid of 25, one call each / as one batch": round(
                of(many, 400, "model_bid_one_by_one_s") / of(many, 400, "model_bid_s"), 1
            ),
        }
    return found


if __name__ == "__main__":
    sys.exit(main())
