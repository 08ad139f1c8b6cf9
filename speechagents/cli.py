"""The command line: ``speechagents`` and ``python -m speechagents``.

Owns the list of commands, exit codes, and what is printed when something goes wrong. Does not know how anything is
done: each command is a module of `speechagents.commands` that calls `Studio` and shows its events. Exit codes: 0 done;
2 the input is at fault; 3 partly rendered, what failed is listed; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from speechagents import __version__
from speechagents.commands.attribute import add_attribute_command
from speechagents.commands.bench import add_bench_command
from speechagents.commands.codec import add_codec_command
from speechagents.commands.fetch import add_fetch_command
from speechagents.commands.improvise import add_improvise_command, add_replay_command
from speechagents.commands.looking import add_doctor_command, add_voices_command
from speechagents.commands.merge import add_merge_command
from speechagents.commands.options import common_options
from speechagents.commands.perform import add_export_command, add_perform_command
from speechagents.commands.proof import add_proof_command
from speechagents.commands.read import add_read_command
from speechagents.commands.serve import add_serve_command
from speechagents.commands.simulate import add_simulate_command
from speechagents.commands.talk import add_talk_command
from speechagents.commands.trajectories import add_trajectories_command
from speechagents.commands.tune import add_tune_command
from speechagents.drama import clean_name
from speechagents.errors import SpeechAgentsError

EXIT_INTERRUPTED = 130
STOPPED = "the same command goes on where it was"
"""What is said of an interrupted command, unless its defaults have another sentence as ``stopped``."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except SpeechAgentsError as error:
        # Messages quote names from scripts and cast files, which must not steer the terminal.
        print(f"speechagents: {clean_name(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"speechagents: stopped; {getattr(arguments, 'stopped', STOPPED)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`speechagents voices | head`): not an error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="speechagents", description="A stage for talking agents: text becomes full-cast audio."
    )
    parser.add_argument("--version", action="version", version=f"speechagents {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = common_options()
    add_perform_command(commands, common)
    add_read_command(commands, common)
    add_attribute_command(commands)
    add_improvise_command(commands, common)
    add_replay_command(commands)
    add_export_command(commands, common)
    add_proof_command(commands, common)
    add_voices_command(commands, common)
    add_doctor_command(commands)
    add_fetch_command(commands)
    add_bench_command(commands)
    add_codec_command(commands)
    add_simulate_command(commands)
    add_trajectories_command(commands)
    add_tune_command(commands)
    add_merge_command(commands)
    add_serve_command(commands)
    add_talk_command(commands)
    return parser
