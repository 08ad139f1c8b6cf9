"""The data card of a folder of trajectories, made of its figures.

Owns its words. Does not know how anything was gathered, nor Markdown (`benchmark.report`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from speechagents.benchmark.building.duplicates import LINE_AT_LEAST
from speechagents.benchmark.document import Block, Items, Paragraph, Report, Section, Table
from speechagents.benchmark.report import markdown_of
from speechagents.benchmark.wording import counted
from speechagents.tuning.leakage import CONTEXT
from speechagents.tuning.manifest import Manifest
from speechagents.tuning.trajectory import Split

_HEARING: Final[Mapping[str, str]] = {
    "text": "Agents read: there is no sound.",
    "audio": "Agents hear: each message that makes a sound has it in audio/, as 16-bit mono FLAC named by its SHA-256.",
    "units": "Agents hear speech units: each message that makes a sound has its units in its line.",
}


def data_card(manifest: Manifest, *, style_told: int) -> str:
    """The card as Markdown.

    Args:
        manifest: The figures.
        style_told: Trajectories whose thoughts name the style of their turn.
    """
    sections = (
        Section("What it is", tuple(_what(manifest))),
        Section("How much there is", (_splits(manifest), _counted("By style", "Style", manifest.styles))),
        Section("Where it comes from", tuple(_sources(manifest))),
        Section("How it was made", (Items(tuple(_made(manifest))),)),
        Section("What it is not", (Items(tuple(_limits(manifest, style_told))),)),
    )
    return markdown_of(Report("Trajectories of role agents: data card", sections))


def _what(manifest: Manifest) -> Iterator[Block]:
    yield Paragraph(
        "What an agent of a scene knew before a turn, and what it did: its thoughts, how it spoke and what it said. "
        "One turn is one line of train.jsonl, dev.jsonl or test.jsonl, whole in itself; trajectory.schema.json of "
        "speechagents describes a line."
    )
    yield Paragraph(_HEARING[manifest.hearing])
    if manifest.sounds and manifest.hearing != "audio":
        yield Paragraph("Their sounds were kept as well, in audio/.")


def _splits(manifest: Manifest) -> Table:
    return Table(
        "By split",
        ("Split", "Trajectories", "Scenes", "Roles", "Words", "Said before", "Said elsewhere"),
        tuple(
            (
                split.value,
                *(
                    f"{number:,}"
                    for number in (
                        figures.trajectories,
                        figures.scenes,
                        figures.roles,
                        figures.words,
                        figures.repeated,
                        figures.leaked,
                    )
                ),
            )
            for split in Split
            for figures in (manifest.splits[split],)
        ),
        (
            "Said before: turns that were dropped because the split holds nearly the same already.",
            "Said elsewhere: turns that were dropped because a split that measures holds nearly the same.",
        ),
    )


def _counted(caption: str, head: str, counts: Mapping[str, int]) -> Table:
    rows = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return Table(caption, (head, "Trajectories"), tuple((name, f"{count:,}") for name, count in rows))


def _sources(manifest: Manifest) -> Iterator[Block]:
    yield Table(
        "Sources",
        ("Source", "Kind", "Licence", "Scenes", "Takes", "Messages", "Digest"),
        tuple(
            (
                one.name,
                one.kind,
                one.licence,
                f"{one.scenes:,}",
                f"{one.takes:,}",
                f"{one.messages:,}",
                one.digest,
            )
            for one in manifest.sources
        ),
        tuple(f"{one.name}: {note}." for one in manifest.sources for note in one.notes),
    )
    yield _counted("By who made them", "Made by", manifest.made_by)


def _made(manifest: Manifest) -> Iterator[tuple[str, str]]:
    yield "Thoughts", _thoughts(manifest)
    yield "Input", _INPUT.format(messages=manifest.messages)
    yield "Splits", _BY_SCENE
    yield "Repetitions", _REPETITIONS.format(context=CONTEXT, at_least=LINE_AT_LEAST)
    if manifest.voices:
        yield "Voices", f"{manifest.voices} spoke what had no sound, cast anew for each take; seed {manifest.seed}."
    if manifest.unspoken:
        yield "Unspoken", f"{counted(manifest.unspoken, 'message')} could not be spoken."
    if manifest.codec:
        yield "Speech units", manifest.codec
    if manifest.sounds:
        yield "Sound", f"{counted(manifest.sounds, 'file')}, {manifest.sound_s / 3600:.1f} hours."
    yield "Made with", f"speechagents {manifest.made_with}"


def _thoughts(manifest: Manifest) -> str:
    derived = manifest.trajectories - manifest.thought
    return (
        f"{manifest.thought:,} are the agents' own, as they were recorded. {derived:,} were derived by a rule: what "
        "was heard last, and who should be answered; they hold neither the style nor a word of the line."
    )


_INPUT: Final = (
    "At most the last {messages} messages that the agent could hear; private ones stand only with those who heard "
    "them. Turns that were not the controller's own were heard, but are not learnt."
)
_BY_SCENE: Final = (
    "By scene: all takes of a scene lie in one split. Scenes of a benchmark have the split that it gives them; others "
    "got theirs by a hash of their id, or by hand."
)
_REPETITIONS: Final = (
    "Two turns count as the same if the line with the {context} messages before it, and the line alone, resemble each "
    "other by {at_least:g} or more (estimated Jaccard coefficient of runs of four letters). Of such turns in one split "
    "the first was kept; between two splits there are none."
)


def _limits(manifest: Manifest, style_told: int) -> Iterator[tuple[str, str]]:
    yield "", "No picture of how people talk: it is drama, as its sources wrote or improvised it."
    if any(name.startswith("rehearsal") for name in manifest.made_by):
        yield "", "The rehearsal controller fills words of the scene into templates: not all that it says makes sense."
    if style_told:
        turns = counted(style_told, "turn")
        yield "", f"The thoughts of {turns} name its style: telling styles behind them is no feat."
    if manifest.voices:
        yield "", "Speech of a synthesizer is plainer than people's: what is learnt of it need not hold for recordings."
    if not (manifest.splits[Split.DEV].trajectories and manifest.splits[Split.TEST].trajectories):
        yield "", "A split is empty: gather more scenes before choosing a model by dev, or measuring one with test."
    yield "", "Whoever publishes it, or a model made of it, keeps to the licences above."
