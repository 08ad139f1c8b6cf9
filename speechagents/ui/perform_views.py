"""What the Perform page shows, as HTML: examples, the head of a script, its cast, and how far a run is.

Owns wording and markup. Does not know handlers or where the values come from. Every text that comes from a script or
a visitor is escaped here.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from speechagents.resources import resource
from speechagents.scripts.breakdown import Breakdown
from speechagents.serving.run_view import RunState, RunView
from speechagents.terminal import clock
from speechagents.ui.dialogue_editing import Speech
from speechagents.ui.error_box import box, note
from speechagents.ui.theme import role_colour
from speechagents.voices.casting import Cast
from speechagents.voices.synthesizer import Voice

if TYPE_CHECKING:
    from speechagents.serving.house import House

_SHOWN_EXAMPLES: Final = ("examples/dialogue.txt", "examples/radio-play.fountain", "examples/town-meeting.fountain")
_SHOWN_WARNINGS: Final = 20
_LABEL_CHARS: Final = 70


@dataclass(frozen=True, slots=True)
class Example:
    """A script that is shipped.

    Attributes:
        name: In the manifest.
        path: Its file.
        title: As shown.
        about: In a sentence.
        facts: How long, how many.
    """

    name: str
    path: Path
    title: str
    about: str
    facts: str


@cache
def examples() -> tuple[Example, ...]:
    """The scripts that the page offers, the quickest first."""
    document = yaml.safe_load(resource("assets", "manifest.yaml").read_text("utf-8"))
    by_name = {entry["path"]: entry for entry in document["files"]}
    return tuple(_example(by_name[name]) for name in _SHOWN_EXAMPLES)


def _example(entry: dict[str, Any]) -> Example:
    minutes = float(entry["minutes"])
    length = f"{minutes:g} minute{'s' * (minutes != 1)}"
    return Example(
        name=entry["path"],
        path=resource("assets", *entry["path"].split("/")),
        title=entry["title"],
        about=" ".join(entry["about"].split()),
        facts=f"{entry['roles']} roles · {length} · {entry['kind']}",
    )


def examples_view() -> str:
    """Examples as cards; a press performs one."""
    cards = "".join(
        f'<li><button type="button" class="sa-card" data-do="example" data-id="{example.name}">'
        f"<b>{html.escape(example.title)}</b><span>{html.escape(example.about)}</span>"
        f'<span class="sa-facts">▶ {html.escape(example.facts)}</span></button></li>'
        for example in examples()
    )
    return f'<ul class="sa-cards">{cards}</ul>'


def head_view(title: str, play: Breakdown) -> str:
    """Title and facts of the script that is open."""
    lines = sum(len(scene.lines) for scene in play.scenes)
    facts = [_count(len(play.scenes), "scene"), _count(lines, "line"), _count(len(play.roles), "role"), play.language]
    by = f'<p class="sa-hint">by {html.escape(play.author)}</p>' if play.author else ""
    chips = "".join(f'<span class="sa-chip">{html.escape(fact)}</span>' for fact in facts)
    return (
        f'<p class="sa-kicker">On stage</p><h1>{html.escape(title)}</h1>{by}<p class="sa-row sa-facts-row">{chips}</p>'
    )


def cast_view(cast: Cast, voices: Sequence[Voice], house: House, *, narrates: bool) -> str:
    """The cast as a table: voice, reason, how to hear it, and another voice to choose."""
    shown = [(place, casting) for place, casting in enumerate(cast) if casting.lines or (place == 0 and narrates)]
    rows = "".join(
        f'<tr><th scope="row"><span class="sa-dot" style="background:{role_colour(place)}"></span> '
        f'{html.escape(casting.role)}<span class="sa-sub">{_count(casting.lines, "line")}, '
        f"{_count(casting.words, 'word')}</span></th>"
        f'<td><button type="button" class="sa-button" data-sa-hear="{_quoted(house.voice_link(casting.voice.id))}" '
        f'aria-pressed="false" aria-label="Hear the voice of {_quoted(casting.role)}">▶ Hear</button></td>'
        f'<td><select class="sa-select" data-do="voice" data-id="{_quoted(casting.role)}" '
        f'aria-label="Voice of {_quoted(casting.role)}">{_voice_options(voices, casting.voice.id)}</select></td>'
        f'<td class="sa-why">{html.escape(casting.why)}</td></tr>'
        for place, casting in shown
    )
    warnings = warnings_view(cast.warnings, open_=True)
    return (
        '<div class="sa-scroll"><table class="sa-table sa-cast"><thead><tr><th scope="col">Role</th>'
        '<th scope="col">Sample</th><th scope="col">Voice</th><th scope="col">Why this one</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{warnings}"
    )


def voice_label(voice: Voice) -> str:
    """A voice in one line."""
    return f"{voice.id}: {voice.gender.value} {voice.age.value}, {voice.accent}, {voice.f0_hz:.0f} Hz"


def speech_label(speech: Speech) -> str:
    """A speech in one line: the number of its first line, who speaks, and how it begins."""
    text = " ".join(speech.row.text.split())
    short = text if len(text) <= _LABEL_CHARS else text[: _LABEL_CHARS - 1] + "…"
    return f"{speech.lines[0].number} · {speech.row.speaker}: {short}"


def _voice_options(voices: Sequence[Voice], chosen: str) -> str:
    return "".join(
        f'<option value="{_quoted(voice.id)}"{" selected" if voice.id == chosen else ""}>'
        f"{html.escape(voice_label(voice))}</option>"
        for voice in voices
    )


def progress_view(view: RunView) -> str:
    """How far a run is, or how it ended."""
    warnings = warnings_view(view.warnings)
    match view.state:
        case RunState.WAITING:
            return _bar(0.0, f"Waiting for a free place: {_ordinal(view.position)} in the queue.", "")
        case RunState.FAILED:
            return box(view.error or "the performance ended early; render again", title="It could not be made")
        case RunState.STOPPED:
            text = f"Cancelled after {_count(view.lines_done, 'line')}. They are kept: Render goes on from there."
            return note(text)
        case RunState.DONE:
            return _done(view) + warnings
        case _:
            stage = view.stage or "starting"
            if view.lines and stage == "speaking":
                stage = f"speaking line {view.lines_done} of {view.lines}"
            left = "" if view.seconds_left is None else f"about {_seconds(view.seconds_left)} left"
            paused = "paused, " if view.state is RunState.PAUSED else ""
            return _bar(view.progress, f"{paused}{stage}", left) + warnings


def _done(view: RunView) -> str:
    finished = view.finished
    if finished is None:
        return note("Done.")
    failed = "".join(
        f"<li>line {failure.line.number} of {html.escape(failure.line.role)}: {html.escape(failure.reason)}</li>"
        for failure in list(finished.failed)[:_SHOWN_WARNINGS]
    )
    fault = (
        '<div class="sa-error" role="alert">'
        f"<strong>{_count(len(finished.failed), 'line')} could not be spoken</strong><ul>{failed}</ul></div>"
        if failed
        else ""
    )
    return (
        f'<div class="sa-note" role="status"><p><b>{clock(finished.duration_s)} of sound in '
        f"{_seconds(finished.seconds)}.</b> {finished.spoken} of {_count(finished.lines, 'line')} spoken anew.</p>"
        f"</div>{fault}"
    )


def failed_view(record: dict[str, Any]) -> str:
    """Lines that a production's record says could not be spoken."""
    failed = [entry for entry in record.get("failed", []) if isinstance(entry, dict)][:_SHOWN_WARNINGS]
    items = "".join(
        f"<li>line {html.escape(str(entry.get('line')))} of {html.escape(str(entry.get('role')))}: "
        f"{html.escape(str(entry.get('reason')))}</li>"
        for entry in failed
    )
    return (
        f'<div class="sa-error"><strong>Lines that could not be spoken</strong><ul>{items}</ul></div>' if items else ""
    )


def warnings_view(warnings: Iterable[str], *, open_: bool = False) -> str:
    """What is good to know, folded away; nothing if there is nothing."""
    told = list(warnings)
    if not told:
        return ""
    items = "".join(f"<li>{html.escape(text)}</li>" for text in told[:_SHOWN_WARNINGS])
    more = f"<li>and {len(told) - _SHOWN_WARNINGS} more</li>" if len(told) > _SHOWN_WARNINGS else ""
    return (
        f'<details class="sa-warnings"{" open" if open_ else ""}><summary>{_count(len(told), "note")} '
        f"on this script</summary><ul>{items}{more}</ul></details>"
    )


def listen_view(link: str) -> str:
    """A player for the sound while it is made."""
    return (
        '<div class="sa-listen"><h3 id="sa-listen-name">Listen while it is made</h3>'
        '<audio controls preload="none" data-sa-listen aria-labelledby="sa-listen-name" '
        f'src="{_quoted(link)}"></audio></div>'
    )


def heard_view(sound_base64: str, words: str) -> str:
    """One line as it would be spoken; it plays at once, because somebody has just asked for it."""
    return (
        f'<div class="sa-listen"><h3>{html.escape(words)}</h3><audio controls autoplay '
        f'src="data:audio/mpeg;base64,{sound_base64}"></audio></div>'
    )


def _bar(progress: float, stage: str, left: str) -> str:
    percent = round(100 * min(1.0, max(0.0, progress)))
    return (
        f'<div class="sa-progress"><p class="sa-row"><b>{percent} %</b><span>{html.escape(stage)}</span>'
        f'<span class="sa-left">{html.escape(left)}</span></p><div class="sa-bar" role="progressbar" '
        f'aria-label="Rendering" aria-valuemin="0" aria-valuemax="100" aria-valuenow="{percent}">'
        f'<i style="width:{percent}%"></i></div></div>'
    )


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 90 else clock(seconds)


def _ordinal(position: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(position, f"number {position}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _quoted(text: str) -> str:
    return html.escape(text, quote=True)
