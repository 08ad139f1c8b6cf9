"""Scenes of a folder of trajectories, to be played again: each brief once, and what good talk in them looks like.

Owns which scenes there are and what is known of them. Does not know how they are played (`rollouts`), nor what is
rewarded (`reward_scale`). Importing it needs no PyTorch.

Scenes of the train split alone are learnt from, and good talk is that of the train split: nothing of dev or test tells
a policy what is worth doing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from speechagents.benchmark.facts import Fact
from speechagents.benchmark.scene_set import shipped_scene_set
from speechagents.benchmark.script_file import ScriptLine
from speechagents.drama import Deed, SceneBrief
from speechagents.errors import TuningError
from speechagents.tuning.reward_scale import Window
from speechagents.tuning.rl_recipe import Reinforcement
from speechagents.tuning.rollouts import Staged
from speechagents.tuning.trajectory import Trajectory


def staged_scenes(trajectories: Sequence[Trajectory], rl: Reinforcement, *, seed: int) -> Sequence[Staged]:
    """The scenes of a split with as many roles as are wanted, each once, in the order of the trajectories.

    Args:
        trajectories: Of the split.
        rl: How scenes are played.
        seed: Of chance outside the policy.
    """
    found: dict[str, Staged] = {}
    for one in trajectories:
        if one.scene_id in found or len(one.ask.scene.roles) != rl.roles:
            continue
        scene = replace(one.ask.scene, turns=rl.turns, policy=rl.policy, seed=_seed(seed, one.scene_id))
        found[one.scene_id] = Staged(one.scene_id, scene, _facts(one.scene_id, scene))
    return tuple(found.values())


def good_windows(trajectories: Sequence[Trajectory], rl: Reinforcement) -> Sequence[Window]:
    """Stretches of what was said in scenes with as many roles, as long as an episode, none with a line of another.

    Args:
        trajectories: Of the train split.
        rl: How scenes are played.
    """
    takes: dict[str, list[tuple[int, Trajectory]]] = {}
    for one in trajectories:
        if len(one.ask.scene.roles) == rl.roles and one.turn.deed is Deed.SPEAK:
            take, _, turn = one.id.rpartition("/")  # turns are numbered, see `Trajectory.id`
            takes.setdefault(take, []).append((int(turn), one))
    found = []
    for moments in takes.values():
        turns = [one for _, one in sorted(moments, key=lambda moment: moment[0])]
        lines = tuple(ScriptLine(one.ask.role.name, one.turn.style.tag, one.turn.text) for one in turns)
        first = turns[0]
        facts = _facts(first.scene_id, first.ask.scene)
        found += [
            Window(first.scene_id, first.ask.scene, facts, lines[at : at + rl.turns])
            for at in range(0, len(lines) - rl.turns + 1, rl.turns)
        ]
    return found


def check_scenes(scenes: Sequence[Staged], trajectories: Sequence[Trajectory], rl: Reinforcement) -> None:
    """Refuse data without a scene to play.

    Raises:
        TuningError: There is none; the message says which numbers of roles there are.
    """
    if not scenes:
        there = sorted({len(one.ask.scene.roles) for one in trajectories})
        counts = ", ".join(map(str, there)) or "none at all"
        raise TuningError(
            f"the train split holds no scene with {rl.roles} roles, but with {counts}; write one of them, or gather "
            "others",
            field="rl.roles",
        )


def _facts(scene_id: str, scene: SceneBrief) -> tuple[Fact, ...]:
    """What can be checked in a scene of the benchmark that comes with this package; nothing of any other."""
    known = shipped_scene_set().scenes.get(scene_id)
    # Somebody else's scene may bear the same id.
    return known.facts if known is not None and known.brief.background == scene.background else ()


def _seed(seed: int, scene_id: str) -> int:
    digest = hashlib.blake2b(f"{seed}\0{scene_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 33  # scene files hold 31 bits
