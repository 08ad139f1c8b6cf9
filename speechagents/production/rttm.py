"""Who spoke when, as diarization tools read it: RTTM.

Owns the line format. Source: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan",
appendix A.
"""

from __future__ import annotations

from collections.abc import Iterator

from speechagents.production.tags import one_line
from speechagents.production.timeline import Timeline

_FILE = "programme"


def rttm(timeline: Timeline) -> Iterator[str]:
    """One ``SPEAKER`` line for each line of the script, in order of time.

    Fields are separated by white space, so that in names becomes ``_``; what remains equal is told apart.
    """
    names = _labels(timeline.roles)
    for scene in timeline.scenes:
        for placed in sorted(scene.lines, key=lambda line: line.start_s):
            yield (
                f"SPEAKER {_FILE} 1 {placed.start_s:.3f} {placed.duration_s:.3f} "
                f"<NA> <NA> {names[placed.line.role]} <NA> <NA>\n"
            )


def _labels(roles: tuple[str, ...]) -> dict[str, str]:
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for role in roles:
        plain = one_line(role).replace(" ", "_").replace("<", "(").replace(">", ")") or "_"
        label, number = plain, 2
        while label in taken:
            label, number = f"{plain}_{number}", number + 1
        taken.add(label)
        labels[role] = label
    return labels
