"""Faulty takes are found and spoken again where their voice can; the best is kept, after every crash the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from speechagents.audio import Audio, Samples
from speechagents.drama import Line, Style
from speechagents.production.proofing.finding import FaultKind, Proofed, ProofLine
from speechagents.production.proofing.proofer import Proofer
from speechagents.production.proofing.record import ProofRecord
from speechagents.production.takes import TakeStore, recording_address, take_address
from speechagents.voices.espeak.catalogue import load_catalogue
from speechagents.voices.espeak.synthesizer import EspeakSynthesizer
from speechagents.voices.synthesizer import SpokenLine, Take

from .tone_speech import RATE_HZ, ToneListener, ToneVoices, sung, voice, words_of

TEXT = "The old lighthouse keeper never answered his brother."


def line(number: int = 1, text: str = TEXT, *, role: str = "Ada", human: bool = False, recorded: str = "") -> ProofLine:
    return ProofLine(Line(number, role, text), SpokenLine(text, voice()), recorded, human)


class House:
    """A production folder with tone voices and a listener."""

    def __init__(self, folder: Path, *, jobs_vary: bool = True) -> None:
        self.folder = folder
        vocabulary: list[str] = []
        self.voices = ToneVoices(vocabulary, takes_vary=jobs_vary)
        self.listener: ToneListener | None = ToneListener(vocabulary)
        self.takes = TakeStore(folder / "takes")

    def proof(self, lines: Sequence[ProofLine]) -> list[Proofed]:
        """What a process that starts now makes of some lines."""
        proofer = Proofer(self.takes, ProofRecord(self.folder), self.voices, self.listener, play=lines, language="en")
        return list(proofer.proof(lines))

    def address(self, one: ProofLine, attempt: int = 0) -> str:
        spoken = SpokenLine(one.spoken.text, one.spoken.voice, one.spoken.style, one.spoken.language, attempt)
        return take_address(self.voices.identity, spoken)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def kinds(proofed: Proofed) -> list[FaultKind]:
    return [fault.kind for fault in proofed.finding.faults]


def test_a_good_take_passes_and_is_asked_for_once(house: House) -> None:
    (done,) = house.proof([line()])
    assert done.good
    assert done.new
    assert (done.attempt, done.retakes, done.finding.score) == (0, 0, 1.0)
    assert done.take == house.address(line())
    assert done.finding.heard == TEXT.lower().rstrip(".")
    assert len(house.voices.asked) == 1


def clipped(samples: Samples) -> Samples:
    return np.asarray(np.clip(samples * 20.0, -1.0, 1.0), np.float32)


def clipped_and_levelled(samples: Samples) -> Samples:
    return np.asarray(np.clip(samples * 3.0, -0.5, 0.5) * 0.7, np.float32)


def silenced(samples: Samples) -> Samples:
    return samples * np.float32(1e-5)


def holed(samples: Samples) -> Samples:
    half = samples.size // 2
    return np.concatenate([samples[:half], np.zeros(3 * RATE_HZ, np.float32), samples[half:]])


def noisy(samples: Samples) -> Samples:
    return samples + np.random.default_rng(1).normal(0.0, 0.12, samples.size).astype(np.float32)


def cut_short(samples: Samples) -> Samples:
    return samples[: samples.size // 8]


def drawn_out(samples: Samples) -> Samples:
    return np.tile(samples, 9)


BAD_TAKES: list[tuple[str | Callable[[Samples], Samples], FaultKind]] = [
    ("The old lighthouse never answered his brother.", FaultKind.DROPPED),
    ("The old lighthouse keeper never answered his", FaultKind.DROPPED),
    ("The old lighthouse keeper keeper never answered his brother.", FaultKind.REPEATED),
    ("The old lighthouse keeper never never never answered his brother.", FaultKind.REPEATED),
    ("The old lighthouse keeper wandering goodness never answered his brother.", FaultKind.INVENTED),
    ("The old lighthouse keeper never answered his brother subscribe tomorrow.", FaultKind.INVENTED),
    ("Quite another sentence altogether is spoken here instead.", FaultKind.MISREAD),
    (clipped, FaultKind.CLIPPING),
    (clipped_and_levelled, FaultKind.CLIPPING),
    (silenced, FaultKind.SILENCE),
    (holed, FaultKind.SILENCE),
    (noisy, FaultKind.NOISE),
    (cut_short, FaultKind.LENGTH),
    (drawn_out, FaultKind.LENGTH),
]
"""What a voice says or does to the sound the first time, and what must be found."""


@pytest.mark.parametrize(("first", "kind"), BAD_TAKES)
def test_what_is_wrong_is_named_and_the_retake_is_kept(
    house: House, first: str | Callable[[Samples], Samples], kind: FaultKind
) -> None:
    house.voices.takes_vary = False
    house.voices.says[TEXT, 0] = first
    (bad,) = house.proof([line()])
    assert kind in kinds(bad)
    assert (bad.attempt, bad.retakes) == (0, 0)

    house.voices.takes_vary = True
    (done,) = house.proof([line()])
    assert done.good
    assert (done.attempt, done.retakes) == (1, 1)
    assert done.take == house.address(line(), 1)
    kept = house.takes.load(done.take, line().spoken)
    assert kept is not None
    assert np.allclose(kept.audio.samples, sung(words_of(TEXT), house.voices.vocabulary), atol=1e-4)


def test_words_and_place_of_a_fault_are_told(house: House) -> None:
    house.voices.takes_vary = False
    house.voices.says[TEXT, 0] = "The old lighthouse never answered his brother."
    ((fault,),) = (done.finding.faults for done in house.proof([line()]))
    assert "'keeper'" in fault.what
    assert fault.at_s == pytest.approx(sum(len(word) * 0.06 + 0.03 for word in ("the", "old", "lighthouse")), abs=0.05)


def test_after_two_retakes_the_best_is_kept_and_its_faults_are_told(house: House) -> None:
    house.voices.says[TEXT, 0] = "The old lighthouse never."
    house.voices.says[TEXT, 1] = "The old lighthouse keeper never answered his"
    house.voices.says[TEXT, 2] = "The old keeper his brother."
    (done,) = house.proof([line()])
    assert (done.attempt, done.retakes) == (1, 2)
    assert kinds(done) == [FaultKind.DROPPED]
    assert [asked.attempt for asked in house.voices.asked] == [0, 1, 2]


def test_of_equally_bad_takes_the_first_is_kept(house: House) -> None:
    for attempt in range(3):
        house.voices.says[TEXT, attempt] = "The old lighthouse keeper never answered"
    (done,) = house.proof([line()])
    assert (done.attempt, done.retakes) == (0, 2)


def test_a_take_that_cannot_be_made_is_tried_again(house: House) -> None:
    house.voices.says[TEXT, 0] = "FAILS"
    (done,) = house.proof([line()])
    assert done.good
    assert done.attempt == 1


def test_a_line_that_cannot_be_spoken_at_all_is_passed_over(house: House) -> None:
    for attempt in range(3):
        house.voices.says[TEXT, attempt] = "FAILS"
    assert [done.line.number for done in house.proof([line(1), line(2, "Good morning to you all.")])] == [2]


def test_a_voice_that_always_speaks_in_the_same_way_is_not_asked_again(house: House) -> None:
    house.voices.takes_vary = False
    house.voices.says[TEXT, 0] = "The old."
    (done,) = house.proof([line()])
    assert not done.good
    assert len(house.voices.asked) == 1


def test_a_person_is_proofed_and_never_asked_again(house: House) -> None:
    sound = Audio(sung(words_of("The old lighthouse keeper never answered."), house.voices.vocabulary), RATE_HZ)
    address = recording_address(sound)
    house.takes.save(address, Take(line().spoken, sound))
    (done,) = house.proof([line(human=True, recorded=address)])
    assert kinds(done) == [FaultKind.DROPPED]
    assert done.take == address
    assert house.voices.asked == []


def test_what_a_recording_says_counts_against_the_text_it_has_now(house: House) -> None:
    """Its address does not hold the text, so a corrected line must not be judged by what was found of the old one."""
    sound = Audio(sung(words_of("Never answered his brother."), house.voices.vocabulary), RATE_HZ)
    address = recording_address(sound)
    house.takes.save(address, Take(line().spoken, sound))
    assert not house.proof([line(human=True, recorded=address)])[0].good
    assert house.proof([line(text="Never answered his brother.", human=True, recorded=address)])[0].good


def test_a_recording_that_is_gone_is_passed_over(house: House) -> None:
    assert house.proof([line(human=True, recorded="0" * 64)]) == []


def test_nothing_is_listened_to_twice(house: House) -> None:
    lines = [line(number, f"{TEXT} {word}") for number, word in enumerate(("One.", "Two.", "Three."), 1)]
    house.voices.says[lines[1].spoken.text, 0] = "The old."
    first = house.proof(lines)
    assert house.listener is not None
    heard, asked = house.listener.heard, len(house.voices.asked)
    again = house.proof(lines)
    assert (house.listener.heard, len(house.voices.asked)) == (heard, asked)
    assert not any(done.new for done in again)
    assert [(d.take, d.attempt, d.retakes, d.finding) for d in again] == [
        (d.take, d.attempt, d.retakes, d.finding) for d in first
    ]


def test_another_listener_listens_for_itself(house: House) -> None:
    house.proof([line()])
    assert house.listener is not None
    house.listener.identity = "absolute pitch 2"
    (done,) = house.proof([line()])
    assert done.new
    assert "absolute pitch 2" in done.finding.examiner


@pytest.mark.parametrize("kept_bytes", [0, 1, 100, 500, 10_000])
def test_a_record_that_was_cut_short_costs_listening_and_changes_nothing(house: House, kept_bytes: int) -> None:
    lines = [line(number, f"{TEXT} {word}") for number, word in enumerate(("One.", "Two.", "Three.", "Four."), 1)]
    house.voices.says[lines[2].spoken.text, 0] = "The old."
    whole = house.proof(lines)
    path = house.folder / "proof.jsonl"
    path.write_bytes(path.read_bytes()[:kept_bytes])
    again = house.proof(lines)
    assert [(d.take, d.attempt, d.finding.faults) for d in again] == [
        (d.take, d.attempt, d.finding.faults) for d in whole
    ]
    assert ProofRecord(house.folder).attempt(house.address(lines[2])) == 1
    assert not any(done.new for done in house.proof(lines))


def test_the_kept_attempt_is_told_to_whoever_mixes(house: House) -> None:
    house.voices.says[TEXT, 0] = "The old."
    house.proof([line()])
    assert ProofRecord(house.folder).attempt(house.address(line())) == 1
    assert ProofRecord(house.folder).retakes(house.address(line())) == 1
    assert ProofRecord(house.folder).attempt(house.address(line(text="Another."))) == 0


def test_a_kept_retake_that_was_deleted_stays_the_kept_one(house: House) -> None:
    house.voices.says[TEXT, 0] = "The old."
    (done,) = house.proof([line()])
    house.takes.path(done.take).unlink()
    assert [again.take for again in house.proof([line()])] == [done.take]


def test_one_line_said_twice_is_spoken_and_heard_once(house: House) -> None:
    first, second = house.proof([line(1), line(2)])
    assert (first.take, first.finding) == (second.take, second.finding)
    assert len(house.voices.asked) == 1
    assert house.listener is not None
    assert house.listener.heard == 1


def test_without_ears_the_signal_alone_judges_and_says_so(house: House) -> None:
    house.listener = None
    house.voices.says[TEXT, 0] = clipped
    (done,) = house.proof([line()])
    assert done.good
    assert done.attempt == 1
    assert done.finding.heard is None
    assert "no speech recogniser" in done.finding.unheard


def test_clips_are_listened_to_in_batches_of_bounded_size(house: House) -> None:
    done = house.proof([line(number, f"{TEXT} {chr(96 + number) * 5}") for number in range(1, 41)])
    assert len(done) == 40
    assert all(one.good for one in done)
    assert house.listener is not None
    assert 2 <= house.listener.largest_batch <= 16


SPEECHES = [
    "Nobody had ever taken the trouble to count them.",
    "Every morning another letter lay upon the table.",
    "Something about the garden made her want to sing.",
    "Yesterday evening the ferry left without any passengers.",
    "Whoever opened that window must have been mistaken.",
    "Perhaps the weather will be better in the afternoon.",
]


def test_a_take_too_slow_for_its_own_voice_is_found(house: House) -> None:
    """It is within what any voice may take, so the voice's other lines alone can tell."""
    house.voices.says[TEXT, 0] = lambda _: sung(words_of(TEXT), house.voices.vocabulary, slower=2.6)
    lines = [line(number, text) for number, text in enumerate([*SPEECHES, TEXT], 1)]
    done = house.proof(lines)
    assert (done[-1].attempt, done[-1].good) == (1, True)
    assert all(one.attempt == 0 for one in done[:-1])

    house.voices.takes_vary = False
    (fault,) = house.proof(lines)[-1].finding.faults
    assert fault.kind is FaultKind.LENGTH
    assert "too slow for its voice" in fault.what


def test_a_voice_with_few_lines_has_no_pace_of_its_own(house: House) -> None:
    house.voices.says[TEXT, 0] = lambda _: sung(words_of(TEXT), house.voices.vocabulary, slower=2.6)
    assert all(done.good for done in house.proof([line(1, SPEECHES[0]), line(2)]))


def test_verdicts_do_not_depend_on_which_lines_come_first(house: House, tmp_path: Path) -> None:
    other = House(tmp_path / "other")
    lines = [line(number, text) for number, text in enumerate([*SPEECHES, TEXT], 1)]
    house.voices.says[TEXT, 0] = lambda _: sung(words_of(TEXT), house.voices.vocabulary, slower=2.6)
    other.voices.says[TEXT, 0] = lambda _: sung(words_of(TEXT), other.voices.vocabulary, slower=2.6)
    ahead = house.proof(lines)
    proofer = Proofer(other.takes, ProofRecord(other.folder), other.voices, other.listener, play=lines, language="en")
    backwards = [done for one in reversed(lines) for done in proofer.proof([one])]
    assert {d.line.number: (d.attempt, d.take) for d in backwards} == {
        d.line.number: (d.attempt, d.take) for d in ahead
    }


@pytest.fixture(scope="module")
def espeak() -> Iterator[EspeakSynthesizer]:
    with EspeakSynthesizer(jobs=1) as voices:
        yield voices


class Deaf(ToneListener):
    """A listener that must not be asked."""

    def transcribe(self, clips, *, hints=(), language=""):  # type: ignore[no-untyped-def]
        raise AssertionError("a recogniser cannot judge these voices")


def test_voices_that_speak_by_rule_are_proofed_by_their_words_alone(tmp_path: Path, espeak: EspeakSynthesizer) -> None:
    voices = [entry.voice for entry in load_catalogue()][:6]
    texts = (
        *SPEECHES,
        "No!",
        "…",
        "In 1984, on the 25th of May, Mr. O'Neil paid £20.",
        "“Well,” — said she — “don’t!”",
    )
    lines = [
        ProofLine(Line(number, "Ada", text), SpokenLine(text, voices[number % 6], Style(style), "en"))
        for number, (text, style) in enumerate(
            [(text, style) for text in texts for style in ("default", "whispering", "angry")], 1
        )
    ]
    proofer = Proofer(TakeStore(tmp_path / "takes"), ProofRecord(tmp_path), espeak, Deaf([]), play=lines, language="en")
    done = list(proofer.proof(lines))
    assert len(done) == len(lines)
    assert [(one.line.text, one.finding.faults) for one in done if not one.good] == []


def test_a_damaged_take_of_such_a_voice_is_found(tmp_path: Path, espeak: EspeakSynthesizer) -> None:
    """As when a disk, or somebody's editor, spoilt it."""
    one = ProofLine(Line(1, "Ada", SPEECHES[0]), SpokenLine(SPEECHES[0], load_catalogue()[0].voice, language="en"))
    store = TakeStore(tmp_path / "takes")
    (take,) = espeak.speak([one.spoken])
    assert isinstance(take, Take)
    address = take_address(espeak.identity, one.spoken)
    damages: list[tuple[Callable[[Samples], Samples], FaultKind]] = [
        (lambda samples: samples[: samples.size // 2], FaultKind.DROPPED),
        (clipped, FaultKind.CLIPPING),
        (lambda samples: samples * np.float32(0.0), FaultKind.SILENCE),
    ]
    for damage, kind in damages:
        store.save(address, Take(one.spoken, Audio(damage(take.audio.samples).copy(), take.audio.rate_hz), take.words))
        (tmp_path / "proof.jsonl").unlink(missing_ok=True)
        proofer = Proofer(store, ProofRecord(tmp_path), espeak, None, play=[one], language="en")
        (done,) = proofer.proof([one])
        assert kind in kinds(done), damage
        assert done.retakes == 0
