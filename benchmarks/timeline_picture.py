"""Draws who speaks when from an exported timeline, for the README.

    python -m benchmarks.timeline_picture my-play/exports/programme.json assets/pictures/bottom-c.png

One row a role, a bar a line, its shade the style; scenes are columns. Owns the drawing alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, ROW, LEFT, TOP, MARGIN = 1600, 44, 250, 96, 24
PAPER, INK, FAINT, GRID = "#fbfaf7", "#22242a", "#7a7d86", "#e6e2d8"
COLOURS = (
    "#b5423a",
    "#2f6f8f",
    "#c98a1b",
    "#4f7d45",
    "#7a4f9a",
    "#b0577d",
    "#3f8f87",
    "#8a6a3f",
    "#56627d",
    "#a0522d",
)
DELIVERY_SHADE = {"direct": 1.0, "voice_over": 0.55, "off_screen": 0.6, "phone": 0.6, "radio": 0.6}


def draw(timeline: dict[str, Any]) -> Image.Image:
    """The picture of a timeline as `speechagents.production.timeline_json` writes it."""
    roles = [role["name"] for role in timeline["roles"]]
    picture = Image.new("RGB", (WIDTH, TOP + ROW * len(roles) + MARGIN), PAPER)
    pen = ImageDraw.Draw(picture)
    big, small = ImageFont.load_default(26), ImageFont.load_default(16)
    scale = (WIDTH - LEFT - MARGIN) / timeline["duration_s"]
    minutes, seconds = divmod(round(timeline["duration_s"]), 60)
    pen.text((MARGIN, 18), timeline["title"], INK, big)
    heading = f"{minutes}:{seconds:02} · {len(timeline['scenes'])} scenes · {len(roles)} roles"
    pen.text((WIDTH - MARGIN, 24), heading, FAINT, small, anchor="ra")
    for number, scene in enumerate(timeline["scenes"], 1):
        x = LEFT + scene["start_s"] * scale
        pen.line((x, TOP - 14, x, picture.height - MARGIN), GRID, 2)
        pen.text((x + 6, TOP - 32), str(number), FAINT, small)
    for row, role in enumerate(roles):
        y = TOP + ROW * row
        pen.text((LEFT - 14, y + ROW / 2), role.title(), INK, small, anchor="rm")
        pen.line((LEFT, y + ROW / 2, WIDTH - MARGIN, y + ROW / 2), GRID, 1)
    for scene in timeline["scenes"]:
        for line in scene["lines"]:
            row = roles.index(line["role"])
            colour = _mixed(COLOURS[row % len(COLOURS)], DELIVERY_SHADE[line["delivery"]])
            lively = 0.5 if line["style"]["tag"] == "default" else 0.85
            half = ROW * lively / 2
            middle = TOP + ROW * (row + 0.5)
            left, right = LEFT + line["start_s"] * scale, LEFT + line["end_s"] * scale
            pen.rounded_rectangle((left, middle - half, max(left + 2, right - 1), middle + half), 3, colour)
    return picture


def _mixed(colour: str, share: float) -> tuple[int, int, int]:
    """A colour thinned with paper."""
    ink, paper = (tuple(int(text[at : at + 2], 16) for at in (1, 3, 5)) for text in (colour, PAPER))
    red, green, blue = (round(share * one + (1 - share) * other) for one, other in zip(ink, paper, strict=True))
    return red, green, blue


def main() -> int:
    """Draw the timeline named first into the file named second."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    timeline = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    draw(timeline).save(sys.argv[2], optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
