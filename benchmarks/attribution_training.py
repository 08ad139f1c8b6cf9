"""Trains the attribution models on annotated novels.

    python -m benchmarks.attribution_training --corpus FOLDER [--out models/attribution]

Needs ``lightgbm`` (extra ``training``). Writes ``given.npz`` (the cast is given) and ``open.npz`` (it is found): plain
arrays, no pickle. The second look learns from guesses of first looks that never saw the novel they guess for.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pdnc import AnnotatedNovel, GoldQuote, match, read_corpus
from speechagents.attribution.attribute import SpeakerModel, blend, describe_again
from speechagents.attribution.features import Candidates, gather
from speechagents.attribution.forest import MAX_LEAVES, Forest, softmax
from speechagents.attribution.novel import Novel, read_novel
from speechagents.attribution.spoken import describe_speech

INNER_FOLDS = 2
TREES = 260
TREES_SAID = 120
BINS = 24
_SETTINGS = {
    "learning_rate": 0.08,
    "num_leaves": 31,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 2.0,
    "max_bin": 127,
    "num_threads": 1,
    "deterministic": True,
    "seed": 1,
    "verbose": -1,
}


@dataclass(slots=True)
class Example:
    """A novel ready to learn from.

    Attributes:
        annotated: What people say of it.
        novel: What the product reads in it.
        candidates: Who may speak.
        right: For each row, whether it names the annotated speaker.
        gold: For each passage, the quotation that it holds.
        passage_of: For each quotation, the passage that holds it, -1 for none.
        bears: For each character, the annotated characters that its name means.
    """

    annotated: AnnotatedNovel
    novel: Novel
    candidates: Candidates
    right: NDArray[np.float64]
    gold: list[GoldQuote | None]
    passage_of: list[int]
    bears: list[frozenset[str]]


def prepare(annotated: AnnotatedNovel, *, given: bool) -> Example:
    """Read a novel, with its cast given or not."""
    novel = read_novel(annotated.text, annotated.paragraphs, annotated.characters if given else None)
    candidates = gather(novel.characters, novel.paragraphs, novel.passages)
    gold, passage_of = match(annotated, novel.passages)
    bears = [frozenset({one.name}) if given else annotated.named(one.name) for one in novel.characters]
    right = np.zeros(len(candidates.who))
    for number, quote in enumerate(gold):
        for row in range(candidates.offsets[number], candidates.offsets[number + 1]):
            right[row] = quote is not None and bool(bears[candidates.who[row]] & quote.speakers)
    return Example(annotated, novel, candidates, right, gold, passage_of, bears)


def train(examples: Sequence[Example], *, inner: int = INNER_FOLDS) -> SpeakerModel:
    """Learn from novels.

    Args:
        examples: The novels.
        inner: Parts of the novels whose guesses for the second look come from a first look that did not see them.
    """
    guesses, both = _looked_once(examples, inner)
    second = _fit(examples, both, TREES)
    # How sure is right how often: asked of novels that this second look has not seen.
    seen = [index for index in range(len(examples)) if index % inner]
    partial = _fit([examples[index] for index in seen], [both[index] for index in seen], TREES)
    found = [
        one
        for index in range(0, len(examples), inner)
        for one in _best(examples[index], _last(examples[index], guesses[index], partial.score(both[index])))
    ]
    scores, hits = [p for p, _ in found], [hit for _, hit in found]
    score, right = calibration(np.array(scores), np.array(hits))
    first = _fit(examples, [one.candidates.features() for one in examples], TREES)
    return SpeakerModel(first, second, _fit_said(examples), score, right)


def learn_looks(examples: Sequence[Example], *, inner: int = INNER_FOLDS) -> tuple[Forest, Forest]:
    """The trees of both looks, without the rest of a model; see `train`."""
    _, both = _looked_once(examples, inner)
    first = _fit(examples, [one.candidates.features() for one in examples], TREES)
    return first, _fit(examples, both, TREES)


def _looked_once(
    examples: Sequence[Example], inner: int
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """For each novel, guesses of a first look that has not seen it, and what the second goes by."""
    features = [one.candidates.features() for one in examples]
    guesses: list[NDArray[np.float32]] = [np.zeros(0, dtype=np.float32)] * len(examples)
    for part in range(inner):
        seen = [index for index in range(len(examples)) if index % inner != part]
        partial = _fit([examples[index] for index in seen], [features[index] for index in seen], TREES)
        for index in range(part, len(examples), inner):
            guesses[index] = softmax(partial.score(features[index]), examples[index].candidates.offsets)
    both = [
        np.concatenate(list(describe_again(one.novel, one.candidates, guess)))
        for one, guess in zip(examples, guesses, strict=True)
    ]
    return guesses, both


def calibration(scores: NDArray[Any], hits: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Part of right answers by score: as many in each bin, never falling."""
    order = np.argsort(scores, kind="stable")
    bins = np.array_split(order, BINS)
    score = np.array([scores[one].mean() for one in bins])
    right = np.maximum.accumulate([hits[one].mean() for one in bins])
    return score.astype(np.float32), right.astype(np.float32)


def _last(example: Example, before: NDArray[np.float32], scores: NDArray[np.float64]) -> NDArray[np.float32]:
    """The last probabilities, as the product makes them."""
    return blend(example.novel, example.candidates, before, softmax(scores, example.candidates.offsets))


def _best(example: Example, probabilities: NDArray[np.float32]) -> list[tuple[float, bool]]:
    """The surest candidate of each passage whose speaker is annotated: how sure, and whether it is right."""
    offsets = example.candidates.offsets
    found = []
    for number, quote in enumerate(example.gold):
        if quote is not None and quote.speakers and offsets[number] < offsets[number + 1]:
            row = int(offsets[number] + np.argmax(probabilities[offsets[number] : offsets[number + 1]]))
            found.append((float(probabilities[row]), bool(example.right[row])))
    return found


def _fit(examples: Sequence[Example], features: Sequence[NDArray[np.float32]], trees: int) -> Forest:
    """Trees that give the annotated speaker the largest share of a passage's probability."""
    import lightgbm

    rows, labels, sizes = [], [], []
    for example, table in zip(examples, features, strict=True):
        offsets = example.candidates.offsets
        for number in range(len(example.gold)):
            part = slice(offsets[number], offsets[number + 1])
            hits = example.right[part]
            if len(hits) >= 2 and hits.any():
                rows.append(table[part])
                labels.append(hits / hits.sum())
                sizes.append(len(hits))
    label = np.concatenate(labels)
    offsets = np.concatenate([[0], np.cumsum(sizes)])

    def cross_entropy(scores: NDArray[np.float64], _: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        p = softmax(scores, offsets).astype(np.float64)
        return p - label, np.maximum(p * (1.0 - p), 1e-4)

    data = lightgbm.Dataset(np.concatenate(rows), label, params={"max_bin": _SETTINGS["max_bin"], "verbose": -1})
    return to_forest(lightgbm.train({**_SETTINGS, "objective": cross_entropy}, data, num_boost_round=trees))


def _fit_said(examples: Sequence[Example]) -> Forest:
    """Trees that tell speech from other quotations; they score log-odds."""
    import lightgbm

    rows = np.concatenate([describe_speech(one.novel) for one in examples])
    label = np.array([quote is not None for one in examples for quote in one.gold], dtype=float)
    settings = {**_SETTINGS, "objective": "binary", "num_leaves": 15, "boost_from_average": False}
    data = lightgbm.Dataset(rows, label, params={"max_bin": _SETTINGS["max_bin"], "verbose": -1})
    return to_forest(lightgbm.train(settings, data, num_boost_round=TREES_SAID))


def to_forest(booster: Any) -> Forest:
    """A forest of a LightGBM model."""
    first, feature, threshold, mask, value = [0], [], [], [], []
    for tree in booster.dump_model()["tree_info"]:
        leaves: list[float] = []
        tests: list[tuple[int, float, int, int]] = []

        def visit(node: dict[str, Any], leaves: list[float] = leaves, tests: list[Any] = tests) -> None:
            if "leaf_value" in node:
                leaves.append(float(node["leaf_value"]))
                return
            begin = len(leaves)
            visit(node["left_child"])
            # Where the test fails, the leaves on its left are out.
            tests.append((int(node["split_feature"]), float(node["threshold"]), begin, len(leaves)))
            visit(node["right_child"])

        visit(tree["tree_structure"])
        for column, limit, begin, end in tests:
            feature.append(column)
            threshold.append(_below(limit))
            mask.append(((1 << (end - begin)) - 1) << begin)
        first.append(len(feature))
        value.append(leaves + [0.0] * (MAX_LEAVES - len(leaves)))
    return Forest(
        np.array(first, dtype=np.int32),
        np.array(feature, dtype=np.uint8),
        np.array(threshold, dtype=np.float32),
        np.array(mask, dtype=np.uint32),
        np.array(value, dtype=np.float32),
    )


def _below(limit: float) -> np.float32:
    """The largest single that is not above a double: so every single compares as it did in training."""
    single = np.float32(limit)
    return np.nextafter(single, np.float32(-np.inf)) if float(single) > limit else single


def main() -> int:
    """Train and write both models."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the annotated novels")
    parser.add_argument("--only", choices=("given", "open"), help="train one of the two")
    parser.add_argument("--out", type=Path, default=Path("models/attribution"))
    arguments = parser.parse_args()
    novels = read_corpus(arguments.corpus)
    for name in (arguments.only,) if arguments.only else ("given", "open"):
        began = time.monotonic()
        model = train([prepare(novel, given=name == "given") for novel in novels])
        arrays: dict[str, Any] = model.arrays()
        np.savez_compressed(arguments.out / f"{name}.npz", **arrays)
        size_kb = (arguments.out / f"{name}.npz").stat().st_size / 1000
        print(f"{name}: {len(novels)} novels, {size_kb:.0f} kB, {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
