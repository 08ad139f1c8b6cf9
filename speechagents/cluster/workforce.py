"""The workers of one studio: who they are, how work gets to them, and the voices that they all have.

Owns that bundle and its end. Does not know what they are given: lines (`voices`), chapters (`pressing`).
"""

from __future__ import annotations

from dataclasses import dataclass

from speechagents.cluster.dispatch import Dispatcher
from speechagents.cluster.executor import Executor, Post
from speechagents.cluster.voices import DescribedVoices, SpreadSynthesizer, voice_post
from speechagents.cluster.workers import open_workers
from speechagents.preset import Preset
from speechagents.providing import load_voices


@dataclass(frozen=True, slots=True, eq=False)
class Workforce:
    """Workers that have the voices of a preset. Whoever hired them closes it.

    Attributes:
        executor: The workers.
        dispatcher: Gives them work.
        post: Has the voices.
        voices: The voices, as a synthesizer of this process.
    """

    executor: Executor
    dispatcher: Dispatcher
    post: Post
    voices: SpreadSynthesizer

    @property
    def at_once(self) -> int:
        """Tasks that are at work together when there are many."""
        return max(1, self.executor.capacity(self.post) // 2)

    def close(self) -> None:
        """End the workers, whatever they are at."""
        self.executor.close()


def hire(spec: str, preset: Preset, *, jobs: int = 0) -> Workforce:
    """Workers as ``--workers`` names them; they start when there is work.

    Voices that load in moments are loaded in this process as well, to tell what they are and can do; of all others a
    worker is asked, so that a driver without a GPU can have a GPU's voices.

    Args:
        spec: See `workers`.
        preset: Whose voices they have.
        jobs: How many there are where the specification does not say; 0 is one for each core, or for each place that a
            cluster has.

    Raises:
        SettingsError: There are no such workers.
        BackendMissing: An optional package is not installed.
        ClusterError: They cannot be reached.
        SpeechAgentsError: The voices cannot be loaded.
    """
    executor = open_workers(spec, jobs=jobs)
    try:
        return workforce_of(executor, preset)
    except BaseException:
        executor.close()
        raise


def workforce_of(executor: Executor, preset: Preset) -> Workforce:
    """The same with workers that are there already; who made them closes them.

    Raises:
        SpeechAgentsError: The voices cannot be loaded.
    """
    dispatcher, post = Dispatcher(executor), voice_post(preset)
    inner = load_voices(preset, 1) if preset.is_light else DescribedVoices(dispatcher, post)
    return Workforce(executor, dispatcher, post, SpreadSynthesizer(inner, dispatcher, post))
