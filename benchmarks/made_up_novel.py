"""A made-up novel of any length, for measuring what length costs.

Owns the way from made-up screenplays (`screenplays`) to prose: action becomes narration, speeches become quotations
with and without speech tags, scenes become chapters of about the same length. The same number of words and the same
seed give the same text; lines hardly repeat, so nearly every one must be spoken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.screenplays import make_screenplay
from speechagents.scripts.fountain import parse_fountain
from speechagents.scripts.inline import plain
from speechagents.scripts.script import Action, Dialogue, PartKind

CHAPTER_WORDS = 2_800
_PAGES = 60
_ROLES = 20
_VERBS = ("said", "said", "said", "said", "asked", "answered", "whispered", "replied", "cried", "murmured")
_MARKS = {".": ",", "!": "!", "?": "?"}


def make_novel(words: int, *, seed: int) -> str:
    """Write a novel as plain text.

    Args:
        words: Length; met to within a paragraph.
        seed: Another number gives another novel.
    """
    rng = np.random.default_rng([seed, words])
    paragraphs: list[str] = ["The Weighing of Everything", "by A Seeded Grammar"]
    total = in_chapter = chapter = 0
    for paragraph in _paragraphs(seed, rng):
        if total >= words:
            break
        if not chapter or in_chapter >= CHAPTER_WORDS:
            chapter, in_chapter = chapter + 1, 0
            paragraphs.append(f"\nCHAPTER {chapter}\n")
        count = len(paragraph.split())
        total, in_chapter = total + count, in_chapter + count
        paragraphs.append(paragraph)
    return "\n\n".join(paragraphs) + "\n"


def _paragraphs(seed: int, rng: np.random.Generator) -> Iterator[str]:
    part = 0
    while True:
        part += 1
        script = parse_fountain(make_screenplay(pages=_PAGES, roles=_ROLES, seed=1000 * seed + part))
        for element in script.elements:
            if isinstance(element, Action):
                yield plain(element.text).replace("\n", " ")
            elif isinstance(element, Dialogue):
                yield from _speech(element, rng)


def _speech(dialogue: Dialogue, rng: np.random.Generator) -> Iterator[str]:
    name = plain(dialogue.character).title()
    for part in dialogue.parts:
        if part.kind is not PartKind.SPEECH:
            continue
        text = " ".join(plain(part.text).split())
        if text[-1] not in _MARKS or rng.random() < 0.4:
            yield f"“{text}”"
        else:
            verb = _VERBS[int(rng.integers(len(_VERBS)))]
            yield f"“{text[:-1]}{_MARKS[text[-1]]}” {verb} {name}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a novel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--words", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    sys.stdout.write(make_novel(given.words, seed=given.seed))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
