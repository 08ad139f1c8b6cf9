"""Who speaks when, as a picture in the page: inline SVG, and the same in words for those who do not see it.

Owns the drawing. Does not know where the timeline comes from: it takes what `production.timeline_json` writes. One row
a role, a bar a line; the height of a bar is how loud it is; where people talk at the same time a mark stands in the
row on top. Bars know their line and time, so that a page can play from there; a script of the page does that.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from speechagents.drama import role_key
from speechagents.terminal import clock
from speechagents.ui.theme import role_colour

MAX_BARS: Final = 6_000
"""Lines of a picture; a longer programme is drawn up to there, and says so."""
MAX_ROWS: Final = 40

_ROW: Final = 30
_TOP: Final = 46
_LEAST_WIDTH: Final = 860
_MOST_WIDTH: Final = 12_000
_PX_PER_S: Final = 2.2
"""By how much a longer programme widens the picture: a line of two seconds stays wide enough to be pressed."""
_FITS_S: Final = 90.0
_QUIET_DB, _LOUD_DB = -34.0, -12.0
_LEAST_HEIGHT: Final = 0.28


@dataclass(frozen=True, slots=True)
class _Bar:
    """A line in the picture."""

    role: str
    line: int
    text: str
    style: str
    start_s: float
    end_s: float
    level_db: float | None
    distant: bool


def timeline_picture(timeline: Mapping[str, Any], *, roles: Sequence[str] = ()) -> str:
    """The picture, with its table.

    Args:
        timeline: As `production.timeline_json` writes it.
        roles: All roles in the order of their colours; those of the timeline if none are given.
    """
    bars = list(_bars(timeline))
    length_s = max([float(timeline["duration_s"]), *(bar.end_s for bar in bars[-50:]), 0.1])
    left_out = len(bars) - MAX_BARS
    bars = bars[:MAX_BARS]
    spoken: dict[str, list[_Bar]] = {}
    for bar in bars:
        spoken.setdefault(role_key(bar.role), []).append(bar)
    colours = {
        role_key(name): place for place, name in enumerate(roles or [role["name"] for role in timeline["roles"]])
    }
    rows = [key for key in (role_key(role["name"]) for role in timeline["roles"]) if key in spoken][:MAX_ROWS]
    width = min(_MOST_WIDTH, _LEAST_WIDTH + round(max(0.0, length_s - _FITS_S) * _PX_PER_S))
    scale = width / length_s
    height = _TOP + _ROW * len(rows) + 8
    overlaps = list(_overlaps(bars))
    names = "".join(
        f'<li style="--c:{role_colour(colours.get(key, place))}"><span class="sa-dot"></span>'
        f"<span>{html.escape(spoken[key][0].role)}</span></li>"
        for place, key in enumerate(rows)
    )
    said = _said(timeline, spoken, overlaps, length_s)
    drawn = "".join(
        (
            *_scenes(timeline, scale, height),
            *_ticks(length_s, scale),
            *(
                f'<line class="sa-tl-row" x1="0" x2="{width}" y1="{_TOP + _ROW * (place + 0.5):.0f}" '
                f'y2="{_TOP + _ROW * (place + 0.5):.0f}"/>'
                for place in range(len(rows))
            ),
            *(
                f'<rect class="sa-tl-both" x="{start * scale:.1f}" y="{_TOP - 9}" '
                f'width="{max(2.0, (end - start) * scale):.1f}" height="5" rx="2"><title>at the same time, '
                f"{clock(start)}</title></rect>"
                for start, end in overlaps
            ),
            *(
                _drawn(bar, _TOP + _ROW * place, colours.get(key, place), scale)
                for place, key in enumerate(rows)
                for bar in spoken[key]
            ),
            f'<line class="sa-tl-head" data-sa-head="" x1="0" x2="0" y1="{_TOP - 14}" y2="{height}"/>',
        )
    )
    note = f'<p class="sa-hint">The last {left_out} lines are not drawn.</p>' if left_out > 0 else ""
    return (
        f'<figure class="sa-timeline"><div class="sa-tl-body"><ul class="sa-tl-names" aria-hidden="true">{names}</ul>'
        '<div class="sa-scroll" tabindex="0" role="region" aria-label="Timeline, scrolls sideways">'
        f'<svg role="img" aria-label="{html.escape(said, quote=True)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" data-sa-length="{length_s:.3f}">{drawn}</svg></div></div>'
        f'<figcaption class="sa-hint">{html.escape(said)} Tall bars are loud; pale ones come from off stage; marks on '
        f"top are people talking at the same time. Press a bar to hear it.</figcaption>{note}"
        f"{_table(rows, spoken, colours)}</figure>"
    )


def _bars(timeline: Mapping[str, Any]) -> Iterator[_Bar]:
    for scene in timeline["scenes"]:
        for line in scene["lines"]:
            yield _Bar(
                role=str(line["role"]),
                line=int(line["line"]),
                text=str(line["text"]),
                style=str(line["style"]["tag"]),
                start_s=float(line["start_s"]),
                end_s=float(line["end_s"]),
                level_db=None if line["level_db"] is None else float(line["level_db"]),
                distant=line["delivery"] != "direct",
            )


def _overlaps(bars: Sequence[_Bar]) -> Iterator[tuple[float, float]]:
    """Stretches in which more than one line is heard."""
    latest = 0.0
    open_from, open_to = 0.0, -1.0
    for bar in sorted(bars, key=lambda bar: bar.start_s):
        shared_to = min(latest, bar.end_s)
        if shared_to - bar.start_s > 0.02:
            if bar.start_s > open_to:
                if open_to > open_from:
                    yield open_from, open_to
                open_from = bar.start_s
            open_to = max(open_to, shared_to)
        latest = max(latest, bar.end_s)
    if open_to > open_from:
        yield open_from, open_to


def _drawn(bar: _Bar, top: float, colour: int, scale: float) -> str:
    share = 0.6
    if bar.level_db is not None:
        share = min(1.0, max(_LEAST_HEIGHT, (bar.level_db - _QUIET_DB) / (_LOUD_DB - _QUIET_DB)))
    height = (_ROW - 6) * share
    style = "" if bar.style == "default" else f" ({bar.style})"
    title = f"{clock(bar.start_s)} {bar.role}{style}: {bar.text[:160]}"
    return (
        f'<rect class="sa-tl-bar{" sa-tl-far" if bar.distant else ""}" data-sa-at="{bar.start_s:.2f}" '
        f'data-sa-line="{bar.line}" x="{bar.start_s * scale:.1f}" y="{top + (_ROW - height) / 2:.1f}" '
        f'width="{max(2.0, (bar.end_s - bar.start_s) * scale - 1):.1f}" height="{height:.1f}" rx="3" '
        f'fill="{role_colour(colour)}"><title>{html.escape(title)}</title></rect>'
    )


def _scenes(timeline: Mapping[str, Any], scale: float, height: float) -> Iterator[str]:
    free = 0.0
    for number, scene in enumerate(timeline["scenes"], 1):
        x = float(scene["start_s"]) * scale
        yield f'<line class="sa-tl-scene" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"/>'
        room = (float(scene["end_s"]) - float(scene["start_s"])) * scale
        title = f"{number} {scene['title']}" if len(timeline["scenes"]) > 1 else str(scene["title"])
        shown = title[: max(2, int(room / 7.2))]
        if x >= free:
            yield f'<text class="sa-tl-title" x="{x + 5:.1f}" y="13">{html.escape(shown)}</text>'
            free = x + 7.2 * len(shown)


def _ticks(length_s: float, scale: float) -> Iterator[str]:
    step_s = next((step for step in (5, 10, 30, 60, 300, 600, 1800) if step * scale >= 70), 3600)
    for number in range(int(length_s // step_s) + 1):
        x = number * step_s * scale
        yield f'<text class="sa-tl-time" x="{x + 5:.1f}" y="29">{clock(number * step_s)}</text>'


def _said(
    timeline: Mapping[str, Any],
    spoken: Mapping[str, Sequence[_Bar]],
    overlaps: Sequence[tuple[float, float]],
    length_s: float,
) -> str:
    """The picture in two sentences."""
    ranked = sorted(spoken.values(), key=lambda bars: -sum(bar.end_s - bar.start_s for bar in bars))
    most = ", ".join(f"{bars[0].role} {clock(sum(bar.end_s - bar.start_s for bar in bars))}" for bars in ranked[:3])
    scenes = len(timeline["scenes"])
    text = f"{clock(length_s)} in {scenes} scene{'s' * (scenes != 1)}, {len(spoken)} voices. Most time: {most}."
    if overlaps:
        together_s = sum(end - start for start, end in overlaps)
        text += f" At the same time: {together_s:.1f} s in {len(overlaps)} place{'s' * (len(overlaps) != 1)}."
    return text


def _table(rows: Sequence[str], spoken: Mapping[str, Sequence[_Bar]], colours: Mapping[str, int]) -> str:
    body = []
    for place, key in enumerate(rows):
        bars = spoken[key]
        levels = [bar.level_db for bar in bars if bar.level_db is not None]
        loud = f"{sum(levels) / len(levels):.0f} dB" if levels else "–"
        body.append(
            f'<tr><th scope="row"><span class="sa-dot" style="background:{role_colour(colours.get(key, place))}">'
            f"</span> {html.escape(bars[0].role)}</th><td>{len(bars)}</td>"
            f"<td>{clock(sum(bar.end_s - bar.start_s for bar in bars))}</td>"
            f"<td>{clock(bars[0].start_s)}</td><td>{loud}</td></tr>"
        )
    return (
        '<details><summary>The same as a table</summary><div class="sa-scroll"><table class="sa-table">'
        '<thead><tr><th scope="col">Role</th><th scope="col">Lines</th><th scope="col">Time</th>'
        '<th scope="col">First at</th><th scope="col">Mean level</th></tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div></details>"
    )
