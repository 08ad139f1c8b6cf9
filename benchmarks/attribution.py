"""How well quotations are attributed on novels that the model has not seen.

    python -m benchmarks.attribution --corpus FOLDER --scorer attribution_score.py [--write] [--folds 3]

Reads the Project Dialogism Novel Corpus (`benchmarks.pdnc`). In each fold a model is trained on the other novels alone,
and the novels of the fold are attributed by the product's own path, with the cast given and with the cast found. Each
novel's predictions are scored by the corpus's scorer, a program of its own. The second look of a fold learns from first
looks that saw neither the novel in question nor any novel of the fold. Needs ``lightgbm`` (extra ``training``).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.attribution_oracle import SKILLS, headroom
from benchmarks.attribution_training import Example, prepare, train
from benchmarks.pdnc import AnnotatedNovel, read_corpus
from speechagents.attribution.attribute import attribute, attribution_of
from speechagents.attribution.quotation import Attribution
from speechagents.commands.attribute import spans_of

RESULTS = Path(__file__).parent / "results" / "attribution.json"
KINDS = ("explicit", "anaphoric", "implicit", "all")
MODES = ("given", "open")
SUREST = (0.5, 0.7, 0.8)


@dataclass(frozen=True, slots=True)
class Scored:
    """One novel, attributed by a model that has not seen it.

    Attributes:
        novel: Its name.
        report: What the scorer says.
        answers: How sure each annotated quotation was, and whether its speaker was right.
        told: How many would be right if a language model that is right as often as the key says were asked about the
            least sure 30 %.
    """

    novel: str
    report: dict[str, Any]
    answers: list[tuple[float, bool]]
    told: dict[float, int]


def cross_validate(novels: Sequence[AnnotatedNovel], *, given: bool, folds: int, scorer: Path) -> Iterator[Scored]:
    """Attribute every novel by a model that was trained on novels of the other folds.

    Args:
        novels: The corpus.
        given: Whether the cast is given.
        folds: Their number.
        scorer: The corpus's scorer.
    """
    examples = [prepare(novel, given=given) for novel in novels]
    for fold in range(folds):
        model = train([one for index, one in enumerate(examples) if index % folds != fold])
        for example in examples[fold::folds]:
            attribution = attribution_of(example.novel, model, named=given)
            yield Scored(
                example.annotated.folder.name,
                _score(scorer, example.annotated.folder, attribution),
                _answers(example, attribution),
                {skill: headroom(example.annotated, attribution, skill=skill).after for skill in SKILLS},
            )


def _score(scorer: Path, folder: Path, attribution: Attribution) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        predictions = Path(scratch, "predictions.json")
        predictions.write_text(json.dumps(spans_of(attribution)), "utf-8")
        command = [sys.executable, str(scorer), str(folder), str(predictions)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def _answers(example: Example, attribution: Attribution) -> list[tuple[float, bool]]:
    """Each annotated quotation whose speaker is known: how sure we were, and whether we were right."""
    answers = []
    for quote, passage in zip(example.annotated.quotes, example.passage_of, strict=True):
        if quote.speakers:
            found = attribution.quotes[passage] if passage >= 0 else None
            right = found is not None and found.speaker is not None
            right = right and bool(example.annotated.named(str(found.speaker if found else "")) & quote.speakers)
            answers.append((found.confidence if found and found.speaker else 0.0, right))
    return answers


def summary(scored: Sequence[Scored]) -> dict[str, Any]:
    """Percentages over all quotations, per novel, and by how sure we were."""
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for one in scored:
        for kind, row in one.report.items():
            if isinstance(row, dict):
                total[kind] += row["n"]
                found[kind] += round(row["n"] * row["found"])
                right[kind] += round(row["n"] * row["accuracy"])
    answers = sorted((answer for one in scored for answer in one.answers), key=lambda answer: -answer[0])
    tenths = [[right for sure, right in answers if min(9, int(10 * sure)) == i] for i in range(10)]
    return {
        "quotations": total["all"],
        "found": _percent(found["all"], total["all"]),
        **{kind: _percent(right[kind], total[kind]) for kind in KINDS},
        "surest": {
            f"{share:.0%}": _percent(
                sum(hit for _, hit in answers[: round(share * len(answers))]), share * len(answers)
            )
            for share in SUREST
        },
        "with_a_model_on_the_least_sure_30%": {
            f"right {skill:.0%}": _percent(sum(one.told[skill] for one in scored), len(answers)) for skill in SKILLS
        },
        "right_by_confidence": {f"{i / 10:.1f}": _percent(sum(one), len(one)) for i, one in enumerate(tenths) if one},
        "novels": {
            one.novel: {kind: round(100 * one.report[kind]["accuracy"], 1) for kind in KINDS if kind in one.report}
            for one in sorted(scored, key=lambda one: one.novel)
        },
    }


def speed(novels: Sequence[AnnotatedNovel], *, given: bool) -> dict[str, float]:
    """CPU time of the shipped model on all novels."""
    words = sum(len(novel.text.split()) for novel in novels)
    began = time.process_time()
    for novel in novels:
        attribute(novel.text, novel.paragraphs, characters=novel.characters if given else None)
    seconds = time.process_time() - began
    return {"words": words, "cpu_s": round(seconds, 1), "million_words_a_minute": round(words / seconds * 60 / 1e6, 2)}


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _show(mode: str, result: dict[str, Any]) -> None:
    print(f"\ncast {mode}: {result['quotations']} quotations, {result['found']} % found")
    print(f"{'':28}" + "".join(f"{kind:>11}" for kind in KINDS))
    for name, row in {**result["novels"], "all novels": result}.items():
        print(f"{name:28}" + "".join(f"{row.get(kind, ''):>11}" for kind in KINDS))
    print("with a model:", result["with_a_model_on_the_least_sure_30%"])
    print("right of the surest:", ", ".join(f"{share}: {value} %" for share, value in result["surest"].items()))


def main() -> int:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of the annotated novels")
    parser.add_argument("--scorer", type=Path, required=True, help="the corpus's attribution_score.py")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--only", choices=MODES, help="one of the two modes")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    novels = read_corpus(arguments.corpus)
    for mode in (arguments.only,) if arguments.only else MODES:
        given = mode == "given"
        scored = list(cross_validate(novels, given=given, folds=arguments.folds, scorer=arguments.scorer))
        result = {"folds": arguments.folds, **summary(scored), "speed": speed(novels, given=given)}
        _show(mode, result)
        if arguments.write:
            # The other mode may have been written meanwhile, or before.
            results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
            results[mode] = result
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
