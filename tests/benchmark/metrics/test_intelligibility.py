"""How much a listener gets wrong: which takes are listened to, and how errors are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import pytest

from speechagents.audio import Audio
from speechagents.benchmark.metrics.intelligibility import METRICS, MOST_TAKES, chosen_turns, word_errors
from speechagents.benchmark.metrics.metric import Looked
from speechagents.benchmark.played import Played
from speechagents.errors import ListenerError
from speechagents.listeners.listener import Listener, Transcript
from tests.benchmark.metrics.spoken_scenes import Said, Speaker, made_up

(WORD_ERROR_RATE,) = METRICS
VOICES = {"Anna": "alma", "Ben": "adam"}
LINES: list[Said] = [
    ("Anna", "default", "Who has the keys to the boat?"),
    ("Ben", "calm", "I gave them to Cleo at 6:30."),
    ("Anna", "angry", "Cleo isn't here!"),
]


class Parrot:
    """Hears what it is told to have heard, in turn."""

    def __init__(self, *heard: str, language: str = "en") -> None:
        self.heard = heard
        self.language = language
        self.clips: list[Audio] = []

    @property
    def identity(self) -> str:
        return "parrot"

    def check_language(self, tag: str) -> None:
        if tag != self.language:
            raise ListenerError("another language")

    def transcribe(
        self, clips: Sequence[Audio], *, hints: Sequence[str] = (), language: str = ""
    ) -> Iterator[Transcript]:
        self.clips += clips
        return (Transcript(self.heard[at % len(self.heard)]) for at in range(len(clips)))


@pytest.fixture(scope="module")
def played(speaker: Speaker) -> Played:
    return speaker.play(LINES, VOICES)


def test_what_is_heard_word_for_word_has_no_errors(played: Played) -> None:
    ears: Listener = Parrot("who has the keys to the boat", "i gave them to cleo at six thirty", "Cleo isn't here.")
    found = WORD_ERROR_RATE.measure(Looked(played, ears))
    assert found.value == 0.0
    assert found.count == 3
    assert [at for at, _ in found.by_turn] == [0, 1, 2]


def test_errors_are_those_of_all_words_together(played: Played) -> None:
    ears: Listener = Parrot("who has the keys", "i gave them to leo at six thirty", "cleo isn't here now")
    found = WORD_ERROR_RATE.measure(Looked(played, ears))
    # Three words missing of 7, one wrong of 8, one too many of 3.
    assert found.value == pytest.approx(5.0 / 18.0)
    assert [value for _, value in found.by_turn] == pytest.approx([3.0 / 7.0, 1.0 / 8.0, 1.0 / 3.0])


def test_a_listener_that_raves_is_wrong_and_no_more(played: Played) -> None:
    found = WORD_ERROR_RATE.measure(Looked(played, Parrot("and so on " * 10_000)))
    assert found.value == 1.0


def test_without_ears_or_a_common_language_there_is_no_number(played: Played) -> None:
    assert WORD_ERROR_RATE.measure(Looked(played)).value is None
    assert WORD_ERROR_RATE.measure(Looked(played, Parrot("hm", language="eo"))).value is None


@pytest.mark.parametrize(
    ("text", "heard", "errors", "words"),
    [
        ("Mr Ben, please!", "mister ben please", 0, 3),
        ("It's 1984.", "it's nineteen eighty four", 0, 4),
        ("It's 1984.", "it's one thousand nine hundred eighty four", 0, 7),
        ("Café au lait", "cafe au lait", 0, 3),
        ("One two three", "", 3, 3),
        ("One two three", "two three one", 2, 3),
        ("One two three", "one three", 1, 3),
        ("One two three", "one two two three", 1, 3),
        ("Hm", "what on earth was that", 1, 1),
        ("…", "anything", 0, 0),
    ],
)
def test_errors_are_counted_as_by_sclite(text: str, heard: str, errors: int, words: int) -> None:
    assert word_errors(text, heard, language="en") == (errors, words)


def test_numbers_of_a_language_that_nobody_writes_out_count_as_heard() -> None:
    assert word_errors("Um 7 Uhr", "um sieben uhr", language="de") == (0, 3)


def test_takes_are_spread_over_roles_and_turns() -> None:
    turns = [made_up(at, "abcd"[at % 4] if at < 40 else "a") for at in range(80)]
    chosen = chosen_turns(turns, most=8)
    assert len(chosen) == 8
    positions = [turn.position for turn in chosen]
    assert positions == sorted(positions)
    assert all(10 * stretch <= at < 10 * (stretch + 1) for stretch, at in enumerate(positions))
    assert Counter(turn.role for turn in chosen[:4]) == Counter("abcd")
    assert len(chosen_turns(turns)) == MOST_TAKES


def test_the_same_takes_are_chosen_every_time_and_all_of_a_short_scene() -> None:
    turns = [made_up(at, "ab"[at % 2]) for at in range(31)]
    assert chosen_turns(turns) == chosen_turns(turns)
    assert chosen_turns(turns[:MOST_TAKES]) == tuple(turns[:MOST_TAKES])


def test_the_embedded_ears_hear_a_clean_take_no_worse_than_one_played_backwards(
    speaker: Speaker, played: Played
) -> None:
    pytest.importorskip("pocketsphinx")
    from speechagents.listeners.pocketsphinx import PocketsphinxListener

    backwards = speaker.play(LINES, VOICES, spoil=lambda _, audio: Audio(audio.samples[::-1].copy(), audio.rate_hz))
    ears = PocketsphinxListener(decoders=1)
    try:
        forward, back = (WORD_ERROR_RATE.measure(Looked(one, ears)).value for one in (played, backwards))
    finally:
        ears.close()
    assert forward is not None
    assert back is not None
    assert forward <= back <= 1.0
