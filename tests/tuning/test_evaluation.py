"""The same measurement of any model, before it is tuned and afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from speechagents.drama import Style, Turn
from speechagents.errors import TuningError
from speechagents.styles import STYLES
from speechagents.tuning.candidates import Likelihoods, span_nats
from speechagents.tuning.evaluation import evaluate
from speechagents.tuning.family import Part
from speechagents.tuning.held_out import HeldOut, choose_held_out
from speechagents.tuning.measures import read_evaluation, write_evaluation
from speechagents.tuning.trajectory import Split, Trajectory
from tests.tuning.letter_family import LetterFamily, ask_of, instruction, learnt, llama

FAMILY = LetterFamily()
NAMES = ("Ann", "Anna", "Ben")


def trajectory(
    scene: str, number: int, role: str, text: str, style: str, said: Sequence[tuple[str, str]]
) -> Trajectory:
    return Trajectory(
        id=f"{scene}/script/{number}",
        scene_id=scene,
        split=Split.TEST,
        ask=ask_of(NAMES, said, role, step=number),
        turn=Turn(role, text=text, style=Style(style), thoughts="I heard."),
        heard_sounds=("",) * len(said),
        sound="",
        heard_units=((),) * len(said),
        units=(1, 2, 3),
    )


TURNS = (
    trajectory("one", 1, "Ben", "No, it is not.", "angry", [("Ann", "It is mine.")]),
    trajectory("one", 2, "Anna", "Please stop.", "sad", [("Ann", "It is mine."), ("Ben", "No, it is not.")]),
    trajectory("two", 1, "Ann", "Who is there?", "afraid", [("Ben", "Hush.")]),
    trajectory("two", 2, "Ben", "It is only me", "calm", [("Ben", "Hush."), ("Ann", "Who is there?")]),
)
SUMS = (
    instruction("sum/1", "2+3", "5"),
    instruction("sum/2", "6*7", "42"),
    instruction("copy/1", "say ab", "ab", "copies"),
)
HELD_OUT = choose_held_out(TURNS, SUMS)


@pytest.fixture(scope="module")
def by_heart() -> object:
    """A model that has read the very samples that it is measured with."""
    return learnt(HELD_OUT.samples, steps=120, family=FAMILY)


class TestWhatIsMeasured:
    def test_who_has_learnt_the_samples_by_heart_gets_all_of_them_right(self, by_heart: object) -> None:
        found = evaluate(by_heart, FAMILY, HELD_OUT)

        assert found.mean("style") == 1.0
        assert found.mean("next_speaker") == 1.0
        assert found.mean("general_exact") == 1.0
        for name in ("line_nats", "unit_nats", "general_nats"):
            assert (found.mean(name) or 9.0) < 0.2, name

    def test_who_has_learnt_nothing_does_not(self) -> None:
        found = evaluate(llama(seed=1, scale=0.02), FAMILY, HELD_OUT)

        assert (found.mean("style") or 0.0) < 0.5
        assert found.mean("general_exact") == 0.0
        assert found.mean("line_nats") == pytest.approx(math.log(136), rel=0.02), "all letters are equally likely"

    def test_a_line_is_measured_by_token_by_word_and_by_character(self, by_heart: object) -> None:
        only = replace(HELD_OUT, turns=TURNS[:1], questions=(), general=())
        (spans,) = Likelihoods(by_heart, FAMILY).spans([FAMILY.example(TURNS[0])])
        nats, tokens = span_nats(spans, Part.LINE)

        found = evaluate(by_heart, FAMILY, only)

        assert tokens == len("No, it is not.")
        assert found.mean("line_nats") == pytest.approx(nats / 14, abs=1e-8)
        assert found.mean("line_word_nats") == pytest.approx(nats / 4, abs=1e-8)
        assert found.mean("line_bits") == pytest.approx(nats / 14 / math.log(2), abs=1e-8)

    def test_every_style_is_a_candidate_and_all_that_are_present(self) -> None:
        asked: list[str] = []

        class Telling(LetterFamily):
            def example(self, sample):  # type: ignore[no-untyped-def]
                asked.append(sample.turn.style.tag if isinstance(sample, Trajectory) else sample.speaker)
                return super().example(sample)

        evaluate(llama(seed=1), Telling(), replace(HELD_OUT, turns=TURNS[:1], questions=(), general=()))
        assert sorted(asked) == sorted(STYLES)

        asked.clear()
        evaluate(llama(seed=1), Telling(), replace(HELD_OUT, turns=(), general=()))
        assert sorted(asked) == sorted(NAMES * len(HELD_OUT.questions))

    def test_a_scene_has_the_weight_of_its_tokens_and_every_scene_the_same(self, by_heart: object) -> None:
        found = evaluate(by_heart, FAMILY, HELD_OUT)
        samples = found.measures["line_nats"]

        by_scene = found.by_group("line_nats")

        one = [samples[turn.id] for turn in TURNS[:2]]
        assert by_scene["one"] == pytest.approx(sum(a.value for a in one) / sum(a.weight for a in one))
        assert found.mean("line_nats") == pytest.approx((by_scene["one"] + by_scene["two"]) / 2)

    def test_general_answers_count_by_their_kind_as_well(self, by_heart: object) -> None:
        found = evaluate(by_heart, FAMILY, HELD_OUT)

        assert set(found.measures["general_exact"]) == {"sum/1", "sum/2", "copy/1"}
        assert set(found.measures["general_exact: copies"]) == {"copy/1"}

    def test_an_answer_that_goes_on_is_not_right(self) -> None:
        """Who would write 421 has not written 42."""
        long = learnt([instruction("a", "6*7", "421")], steps=60, family=FAMILY)
        short = replace(HELD_OUT, turns=(), questions=(), general=(instruction("a", "6*7", "42"),))

        assert evaluate(long, FAMILY, short).mean("general_exact") == 0.0
        asked = replace(short, general=(instruction("a", "6*7", "421"),))
        assert evaluate(long, FAMILY, asked).mean("general_exact") == 1.0


class TestHowItIsMeasured:
    def test_the_same_model_gets_the_same_and_by_either_way_to_compute_it(self, by_heart: object) -> None:
        first = evaluate(by_heart, FAMILY, HELD_OUT)

        assert evaluate(by_heart, FAMILY, HELD_OUT) == first
        other = evaluate(by_heart, FAMILY, HELD_OUT, share=False)
        assert other.measures["style"] == first.measures["style"]
        assert other.mean("line_nats") == pytest.approx(first.mean("line_nats"), abs=1e-4)

    def test_a_sample_without_room_is_left_out_and_named(self) -> None:
        long = trajectory("two", 3, "Ben", "x" * 380, "calm", [("Ann", "Well?")])

        found = evaluate(llama(seed=1), FAMILY, replace(HELD_OUT, turns=(*TURNS, long)))

        assert found.left_out == (long.id,)
        assert long.id not in found.measures["style"]

    def test_it_tells_how_far_it_is(self) -> None:
        told: list[tuple[int, int]] = []

        evaluate(llama(seed=1), FAMILY, HELD_OUT, told=lambda done, planned: told.append((done, planned)))

        assert told[-1] == (len(HELD_OUT.samples),) * 2
        assert [done for done, _ in told] == sorted(done for done, _ in told)

    def test_what_was_found_is_read_back_as_it_was(self, by_heart: object, tmp_path: Path) -> None:
        found = evaluate(by_heart, FAMILY, HELD_OUT)

        write_evaluation(tmp_path / "found.json", found)

        assert read_evaluation(tmp_path / "found.json") == found

    @pytest.mark.parametrize(
        "damage", ['{"schema": 1', '{"schema": 9}', '{"schema": 1, "measures": {"magic": {}}}', "[]"]
    )
    def test_a_damaged_file_is_refused(self, damage: str, tmp_path: Path) -> None:
        path = tmp_path / "found.json"
        path.write_text(damage)

        with pytest.raises(TuningError, match=r"found\.json.*evaluate again"):
            read_evaluation(path)


class TestHeldOut:
    def test_what_models_learn_from_is_refused(self) -> None:
        with pytest.raises(TuningError, match="one/script/1"):
            HeldOut((replace(TURNS[0], split=Split.TRAIN),), (), ())
