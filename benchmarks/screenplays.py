"""Screenplays of any length to measure with, in Fountain: made up from a grammar, or made from a novel.

    python -m benchmarks.screenplays --pages 150 --roles 34 --seed 1 > feature.fountain
    python -m benchmarks.screenplays --from-novel ../shared/data/pdnc/Emma > emma.fountain

Owns the shape of a screenplay: cast, scenes of one to four pages, the mix of action and dialogue, and the layout
that pages are counted in. Does not own the words (`grammar`) or the novels (`novels`). What the text says is
nonsense with good manners; what matters is that its elements occur as often as in a real feature.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks import grammar
from benchmarks.grammar import Context, after_opener, capitals, expand, fill, pick

LINES_PER_PAGE = 55
"""Lines on a page of 12-point Courier in the usual screenplay layout."""
ACTION_CHARS = 60
DIALOGUE_CHARS = 35
PARENTHETICAL_CHARS = 25
ROLES_PER_PAGE = 4
"""More could not come on, be described and get a word in."""
MAX_PAGES = 2_000
MAX_ROLES = len(grammar.FIRST_NAMES) + len(grammar.OCCUPATIONS) + len(grammar.SURNAMES)


@dataclass(slots=True)
class _Manuscript:
    """Fountain text that grows, with the number of printed lines it takes."""

    paragraphs: list[str] = field(default_factory=list)
    lines: int = 0

    def add(self, text: str, width: int = ACTION_CHARS) -> None:
        """Append a paragraph of action, a heading or a transition."""
        self.paragraphs.append(text)
        self.lines += 1 + len(textwrap.wrap(text, width))

    def add_speech(self, cue: str, parenthetical: str, text: str) -> None:
        """Append a dialogue block."""
        self.paragraphs.append("\n".join(filter(None, (cue, parenthetical and f"({parenthetical})", text))))
        self.lines += 2 + len(textwrap.wrap(text, DIALOGUE_CHARS))
        self.lines += len(textwrap.wrap(parenthetical, PARENTHETICAL_CHARS))


@dataclass(frozen=True, slots=True)
class _Member:
    """A role of the cast.

    Attributes:
        cue: Name as it stands over speeches.
        spoken: What others call them to their face; empty for people known only by what they do.
        shown: What action calls them.
        weight: How often they are on, against the others.
        introduction: What the action says of them at their first entrance.
    """

    cue: str
    spoken: str
    shown: str
    weight: float
    introduction: str


def make_screenplay(*, pages: int, roles: int, seed: int) -> str:
    """Write a screenplay.

    Args:
        pages: Length in pages of `LINES_PER_PAGE` printed lines, 1 to `MAX_PAGES`; met to within a page.
        roles: Speaking roles, all of which speak; 2 to `MAX_ROLES`.
        seed: Another number gives another screenplay; the same one gives the same text.

    Raises:
        ValueError: A number is out of range, or there are more roles than the pages have room for.
    """
    if not 1 <= pages <= MAX_PAGES:
        raise ValueError(f"{pages} pages are not between 1 and {MAX_PAGES}")
    if not 2 <= roles <= min(MAX_ROLES, ROLES_PER_PAGE * pages):
        raise ValueError(f"{roles} roles are not between 2 and {min(MAX_ROLES, ROLES_PER_PAGE * pages)}")
    digest = hashlib.blake2b(f"screenplay/{pages}/{roles}/{seed}".encode(), digest_size=16).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "big"))
    cast = _make_cast(roles, rng)
    manuscript = _Manuscript()
    manuscript.add(
        f"Title: {capitals(fill('the {adjective} {noun}', rng, {})).title()}\nCredit: Made up by\n"
        f"Author: A seeded grammar\nDraft date: Seed {seed}\nLanguage: en"
    )
    manuscript.lines = 0  # the title page is not counted
    manuscript.add("> FADE IN:")
    waiting = list(cast)  # not introduced yet
    number = 0
    while manuscript.lines < pages * LINES_PER_PAGE - 4:
        number += 1
        left = pages * LINES_PER_PAGE - manuscript.lines
        length = min(left, int(rng.integers(LINES_PER_PAGE, 4 * LINES_PER_PAGE)))
        if left - length < LINES_PER_PAGE // 2:
            length = left
        # Everybody must have come on by the end: more than even shares, since the last scene takes all who wait.
        share = int(np.ceil(len(waiting) * min(1.0, 1.2 * length / left)))
        share = max(share, 2) if number == 1 else share
        new, waiting = waiting[:share], waiting[share:]
        _write_scene(manuscript, rng, cast=cast, new=new, waiting=waiting, number=number, length=length)
    manuscript.add("> FADE OUT.")
    return "\n\n".join(manuscript.paragraphs) + "\n"


def _make_cast(roles: int, rng: np.random.Generator) -> list[_Member]:
    """Leads by first name, then people known by a title or by what they do; leads are on more often."""
    leads = max(2, min(len(grammar.FIRST_NAMES), round(roles * 0.35)))
    first = [str(name) for name in rng.permutation(grammar.FIRST_NAMES)]
    titled = [f"{pick(rng, grammar.TITLES)} {name}" for name in rng.permutation(grammar.SURNAMES)]
    working = [str(name) for name in rng.permutation(grammar.OCCUPATIONS)]
    minor = [name for pair in zip(titled, working, strict=False) for name in pair]
    minor += [*titled[len(working) :], *working[len(titled) :]]
    names = [*first[:leads], *minor, *first[leads:]][:roles]
    cast = []
    for place, name in enumerate(names):
        works = name in grammar.OCCUPATIONS
        spoken = "" if works else name.title()
        shown = f"the {name.lower()}" if works else spoken
        age = 9 if name.startswith(("BOY", "GIRL")) else int(rng.integers(19, 89))
        introduction = f"{'A ' if works else ''}{name}, {age}, {pick(rng, grammar.RULES['manner'])}"
        cast.append(_Member(name, spoken, shown, 1 / (place + 1.5), introduction))
    return cast


def _write_scene(
    manuscript: _Manuscript,
    rng: np.random.Generator,
    *,
    cast: Sequence[_Member],
    new: Sequence[_Member],
    waiting: Sequence[_Member],
    number: int,
    length: int,
) -> None:
    """A scene of about ``length`` printed lines in which all of ``new`` and some of those known already speak."""
    end = manuscript.lines + length
    manuscript.add(_heading(rng, number))
    known = [member for member in cast if member not in waiting and member not in new]
    count = min(len(known), max(1 if len(new) == 1 else 0, int(rng.integers(2, 6)) - len(new)))
    weights = np.array([member.weight for member in known])
    chosen = rng.choice(len(known), count, replace=False, p=weights / weights.sum()) if count else ()
    on = [*(known[place] for place in chosen), *new]
    about = grammar.palette(rng)
    opening = [expand("weather", rng, about), *(expand("set", rng, about) for _ in range(rng.integers(2, 5)))]
    manuscript.add(" ".join(opening))
    # Nobody is introduced in a heap: a few enter at a time, just before they first speak.
    entrances = {member.cue for member in new}
    to_speak = list(on)
    last: _Member | None = None
    cut_off = False
    phone = on[int(rng.integers(len(on)))] if len(on) == 2 and rng.random() < 0.3 else None
    if rng.random() < 0.12 and on[0].cue not in entrances:
        manuscript.add_speech(f"{on[0].cue} (V.O.)", "", expand("voice_over", rng, about))
    while manuscript.lines < end - 3 or to_speak:
        speaker = _next_speaker(rng, on, to_speak, last, may_go_on=not cut_off)
        partner = last if last not in (None, speaker) else next(member for member in on if member is not speaker)
        if speaker.cue in entrances:
            entrances.discard(speaker.cue)
            manuscript.add(f"{speaker.introduction}, {pick(rng, ('comes in', 'is here', 'looks up', 'waits'))}.")
        context = {**about, "other": [partner.spoken], "name": [speaker.shown], "second": [partner.shown]}
        if not cut_off and not to_speak and rng.random() < 0.02:
            manuscript.add_speech(speaker.cue, "", expand("together", rng, context))
            manuscript.add_speech(f"{partner.cue} ^", "", expand("together", rng, context))
        else:
            # Whoever is cut off must be cut off by somebody, right away and in this scene.
            was_cut, cut_off = cut_off, not to_speak and manuscript.lines < end - 12 and rng.random() < 0.08
            manuscript.add_speech(
                speaker.cue + _extension(rng, speaker, phone=phone, again=speaker is last),
                pick(rng, grammar.PARENTHETICALS) if rng.random() < 0.12 else "",
                _speech(rng, context, named=bool(partner.spoken), cut_off=cut_off, after_cut=was_cut),
            )
        last = speaker
        if not cut_off and rng.random() < 0.5:
            manuscript.add(_action(rng, context))
    if rng.random() < 0.2:
        manuscript.add(f"> {pick(rng, grammar.TRANSITIONS)}")


def _heading(rng: np.random.Generator, number: int) -> str:
    """A scene heading with a scene number."""
    place, time = pick(rng, grammar.PLACES), pick(rng, grammar.TIMES)
    kind = rng.random()
    if kind < 0.55:
        return f"INT. {place}, {pick(rng, grammar.ROOMS)} - {time} #{number}#"
    if kind < 0.92:
        return f"EXT. {place}, {pick(rng, grammar.OUTDOORS)} - {time} #{number}#"
    return f"INT./EXT. CAR OUTSIDE THE {place} - {time} #{number}#"


def _next_speaker(
    rng: np.random.Generator,
    on: Sequence[_Member],
    to_speak: list[_Member],
    last: _Member | None,
    *,
    may_go_on: bool,
) -> _Member:
    """Mostly somebody else than the last speaker; whoever has not spoken yet comes first more often than not."""
    if to_speak and (len(to_speak) == len(on) or rng.random() < 0.6):
        return to_speak.pop(0)
    if last is not None and may_go_on and rng.random() < 0.04:
        return last
    others = [member for member in on if member is not last]
    speaker = others[int(rng.integers(len(others)))]
    if speaker in to_speak:
        to_speak.remove(speaker)
    return speaker


def _extension(rng: np.random.Generator, speaker: _Member, *, phone: _Member | None, again: bool) -> str:
    """What stands in brackets behind the name."""
    if speaker is phone:
        return " (ON PHONE)"
    if again:
        return " (CONT'D)"
    chance = rng.random()
    return " (O.S.)" if chance < 0.04 else " (V.O.)" if chance < 0.05 else ""


def _speech(rng: np.random.Generator, context: Context, *, named: bool, cut_off: bool, after_cut: bool) -> str:
    """What somebody says: one to four sentences."""
    if after_cut and not cut_off:
        return expand("cut_in", rng, context)
    if cut_off:
        return expand("cut_off", rng, context)
    kinds = ("statement", "answer", "question")
    first = kinds[int(rng.choice(3, p=(0.4, 0.35, 0.25)))]
    text = expand(first, rng, context)
    if named and rng.random() < 0.22:
        text = after_opener(expand("opener", rng, context), text)
    while rng.random() < 0.12 and len(text) < 240:
        text += " " + expand(kinds[int(rng.choice(3, p=(0.65, 0.1, 0.25)))], rng, context)
    return text


def _action(rng: np.random.Generator, context: Context) -> str:
    """A paragraph of action between speeches."""
    parts = [expand("sound" if rng.random() < 0.15 else "business", rng, context)]
    while rng.random() < 0.5 and len(parts) < 5:
        parts.append(expand("business" if rng.random() < 0.7 else "set", rng, context))
    return " ".join(parts)


def describe(fountain: str) -> str:
    """One line of figures about a screenplay as `make_screenplay` and `novels.from_novel` write it."""
    speeches: list[str] = []
    roles: set[str] = set()
    for paragraph in fountain.split("\n\n"):
        cue, _, rest = paragraph.partition("\n")
        if rest and not cue.startswith("Title:"):
            roles.add(re.sub(r"[@^]|\(.*?\)", "", cue).strip())
            speeches.append("\n".join(line for line in rest.splitlines() if not line.startswith("(")).strip())
    words = sum(len(speech.split()) for speech in speeches)
    repeated = len(speeches) - len(set(speeches))
    return (
        f"{len(roles)} roles, {len(speeches)} speeches, {words} spoken words, "
        f"{repeated} speeches repeat an earlier one ({100 * repeated / max(1, len(speeches)):.2f} %)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write a screenplay to standard output and its figures to standard error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.screenplays", description="Screenplays to measure with."
    )
    parser.add_argument("--pages", type=int, default=150, help="length in pages (150)")
    parser.add_argument("--roles", type=int, default=34, help="speaking roles (34)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another screenplay (1)")
    parser.add_argument("--from-novel", type=Path, metavar="DIR", help="make it from an annotated novel (PDNC) instead")
    options = parser.parse_args(arguments)
    try:
        if options.from_novel:
            from benchmarks.novels import from_novel

            text = from_novel(options.from_novel)
        else:
            text = make_screenplay(pages=options.pages, roles=options.roles, seed=options.seed)
    except (OSError, ValueError) as error:
        print(f"screenplays: {error}", file=sys.stderr)
        return 2
    sys.stdout.write(text)
    print(describe(text), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
