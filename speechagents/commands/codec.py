"""``speechagents codec``: teaches the codec that turns speech into units and units into speech.

Owns its arguments and what it prints. Does not know how a codec learns.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time

from speechagents.commands.options import Commands, path_here, print_json
from speechagents.errors import BackendMissing, TuningError


def add_codec_command(commands: Commands) -> None:
    """Add ``codec``."""
    codec = commands.add_parser(
        "codec",
        help="teach a codec of speech units",
        description="Teach the codec that turns speech into units and units into speech, from lines of the benchmark's "
        "train split that the embedded voices speak. With the defaults this is how models/understudy/codec was made: "
        "half an hour on one core.",
    )
    codec.add_argument("--out", type=path_here, required=True, metavar="FOLDER", help="where to; must be new")
    codec.add_argument(
        "--lines", type=int, default=2_600, metavar="N", help="lines to learn from (default: %(default)s)"
    )
    codec.add_argument("--held-back", type=int, default=150, metavar="N", help="dev lines to measure with")
    codec.add_argument("--encoder-rounds", type=int, default=12, metavar="N", help="default: %(default)s")
    codec.add_argument("--decoder-rounds", type=int, default=8, metavar="N", help="default: %(default)s")
    codec.add_argument("--seed", type=int, default=1)
    codec.add_argument("--json", action="store_true", help="print one line of JSON at the end")
    codec.set_defaults(run=_codec, stopped="nothing was written")


def _codec(arguments: argparse.Namespace) -> int:
    from speechagents.tuning.families import INSTALL

    for name, most in (
        ("lines", 1_000_000),
        ("held_back", 100_000),
        ("encoder_rounds", 1_000),
        ("decoder_rounds", 1_000),
    ):
        if not 1 <= getattr(arguments, name) <= most:
            raise TuningError(
                f"{getattr(arguments, name)} is not between 1 and {most}", field=f"--{name.replace('_', '-')}"
            )
    if arguments.out.exists() and (not arguments.out.is_dir() or any(arguments.out.iterdir())):
        raise TuningError("holds something already; name a new folder", source=str(arguments.out))
    if importlib.util.find_spec("torch") is None:
        raise BackendMissing(f"codec: torch is not installed: {INSTALL}")
    import torch

    from speechagents.benchmark.scene_set import Split
    from speechagents.tuning.codec_lines import benchmark_lines
    from speechagents.tuning.codec_speech import spoken_lines
    from speechagents.tuning.codec_training import teach_codec
    from speechagents.units.codec import save_codec
    from speechagents.voices.espeak.catalogue import load_catalogue

    def told(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    began_s = time.monotonic()
    # Sums are split among threads, and rounding with them: with one thread the same seed gives the same weights.
    torch.set_num_threads(1)
    voices = list(load_catalogue())
    learnt = benchmark_lines(Split.TRAIN, count=arguments.lines, seed=arguments.seed)
    checked = benchmark_lines(Split.DEV, count=arguments.held_back, seed=arguments.seed + 1)
    speech = list(spoken_lines(learnt, voices, seed=arguments.seed))
    held_back = list(spoken_lines(checked, voices, seed=arguments.seed + 1))
    told(f"{sum(len(one.mel) for one in speech) / 6_000:.0f} min of speech in {len(voices)} voices")
    taught = teach_codec(
        speech,
        held_back,
        encoder_rounds=arguments.encoder_rounds,
        decoder_rounds=arguments.decoder_rounds,
        seed=arguments.seed,
        told=told,
    )
    save_codec(arguments.out, taught.weights, names=taught.names, voices=taught.voices, levels_db=taught.levels_db)
    figures = {name: round(value, 4) for name, value in taught.figures.items()}
    if arguments.json:
        print_json(
            {
                "out": str(arguments.out),
                "units": len(taught.names),
                "seconds": round(time.monotonic() - began_s),
                **figures,
            }
        )
    else:
        print(f"{arguments.out}: {len(taught.names)} units, {figures}")
    return 0
