"""What each group of features is worth to attribution.

    python -m benchmarks.attribution_ablation --corpus FOLDER [--only given|open]

Trains both looks without a group at a time, on two thirds of the novels, and counts right speakers in the last third,
for quotations that the corpus annotates. One fold, so a few tenths of a percent mean nothing. What a group tells the
choice of candidates, and what a plain tag tells the blend of the looks, stays. Needs ``lightgbm`` (extra ``training``).
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.attribution_training import Example, learn_looks, prepare
from benchmarks.pdnc import read_corpus
from speechagents.attribution.attribute import kind_of, look
from speechagents.attribution.features import Block, Candidates

COLUMNS: Final = 105
_EACH_NEAR: Final = range(67, 99, 4)
GROUPS: Final[dict[str, tuple[int, ...]]] = {
    "shape of the passage and its run": tuple(range(21)),
    "speech tag": (21, 22, 23),
    "subject of the sentence beside it": (24, 25, 26, 27),
    "whom its own paragraph names": (28, 29, 30, 31),
    "names and addresses inside the quotation": (33, 34, 35),
    "how often a character is named in all": (36, 37, 38),
    "paragraphs before and behind": tuple(range(40, 50)),
    "how lately the narrator named a character": tuple(range(50, 61)),
    "how lately a character spoke or was called": tuple(range(61, 67)),
    "tags and names in the passages around": tuple(range(67, 105)),
    "gender": (22, 25, 27, 31, 32, 35, 39, 41, 43, 47, 52, *(at + 1 for at in _EACH_NEAR), 101, 102),
}
"""Columns of `features`, by what they tell; gender overlaps the rest."""
KINDS: Final = ("explicit", "anaphoric", "implicit")


def without(candidates: Candidates, columns: Sequence[int]) -> Candidates:
    """Candidates that know nothing of some columns.

    Args:
        candidates: As gathered.
        columns: Which are blanked.
    """
    blocks = []
    for block in candidates.blocks:
        rows = block.rows().copy()
        rows[:, list(columns)] = 0.0
        blocks.append(Block(block.passages, zlib.compress(rows.tobytes(), 1), block.columns))
    return replace(candidates, blocks=tuple(blocks))


def accuracy(examples: Sequence[Example], columns: Sequence[int], *, folds: int = 3) -> dict[str, float]:
    """Part of right speakers in the first fold, by kind, when both looks were trained on the others.

    Args:
        examples: The corpus.
        columns: Features that nobody sees.
        folds: Their number.
    """
    blind = [replace(one, candidates=without(one.candidates, columns)) for one in examples]
    first, second = learn_looks([one for index, one in enumerate(blind) if index % folds])
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for one in blind[::folds]:
        probabilities = look(one.novel, one.candidates, first, second)
        offsets = one.candidates.offsets
        for number, gold in enumerate(one.gold):
            if gold is None or not gold.speakers:
                continue
            own = slice(offsets[number], offsets[number + 1])
            hit = bool(len(probabilities[own])) and bool(one.right[own][np.argmax(probabilities[own])])
            for kind in (kind_of(one.novel.passages[number].tag).value, "all"):
                total[kind] += 1
                right[kind] += hit
    return {kind: 100 * right[kind] / total[kind] for kind in (*KINDS, "all")}


def main() -> int:
    """Print what is lost without each group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the annotated novels")
    parser.add_argument("--only", choices=("given", "open"), help="one of the two modes")
    arguments = parser.parse_args()
    novels = read_corpus(arguments.corpus)
    for mode in (arguments.only,) if arguments.only else ("given", "open"):
        examples = [prepare(novel, given=mode == "given") for novel in novels]
        whole = accuracy(examples, ())
        print(f"cast {mode}, by the kind that we take a passage for")
        print(f"{'':44}" + "".join(f"{kind:>11}" for kind in whole))
        print(f"{'all features':44}" + "".join(f"{value:11.1f}" for value in whole.values()), flush=True)
        for name, columns in GROUPS.items():
            lost = accuracy(examples, columns)
            row = "".join(f"{lost[kind] - whole[kind]:+11.1f}" for kind in whole)
            print(f"{'without: ' + name:44}{row}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
