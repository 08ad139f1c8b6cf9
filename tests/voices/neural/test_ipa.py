"""Text becomes sounds by espeak-ng, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from speechagents.errors import SynthesisError
from speechagents.voices.neural import ipa
from speechagents.voices.neural.ipa import ipa_of


def test_punctuation_stays_where_it_was() -> None:
    (sounds,) = ipa_of(["“Well — really? (Yes!)” he said; and went."], "gmw/en-US")
    assert [mark for mark in sounds if mark in ipa.PUNCTUATION] == list("“—?(!)”;.")


def test_numbers_times_and_titles_are_read_whole() -> None:
    (sounds,) = ipa_of(["Mr. Smith paid 3.5 at 10:30."], "gmw/en-US")
    assert "mˈɪstɚ smˈɪθ" in sounds
    assert "pɔɪnt" in sounds
    assert sounds.count(".") == 1


def test_sounds_of_two_letters_are_tied_on_request() -> None:
    assert ipa_of(["boat"], "gmw/en-US") == ["bˈoʊt"]
    assert ipa_of(["boat"], "gmw/en-US", tie="^") == ["bˈo^ʊt"]


def test_words_of_other_languages_leave_no_mark() -> None:
    (sounds,) = ipa_of(["Le football du weekend."], "roa/fr", tie="^")
    assert "(" not in sounds
    assert "en" not in sounds.split()


def test_texts_do_not_change_each_other() -> None:
    texts = ["The lamp went out.", "Record the record!", "1984", "Read what you have read."]
    together = ipa_of(texts, "gmw/en")
    assert together == [ipa_of([text], "gmw/en")[0] for text in texts]
    assert ipa_of(texts[::-1], "gmw/en") == together[::-1]


def test_nothing_is_nothing() -> None:
    assert ipa_of([], "gmw/en") == []
    assert ipa_of(["", "   ", "…"], "gmw/en") == ["", "", "…"]


@pytest.mark.parametrize("language", ["gmw/xx", "../lang/gmw/en", "", "gmw/en\0"])
def test_an_unknown_language_is_told(language: str) -> None:
    with pytest.raises(SynthesisError, match="espeak-ng"):
        ipa_of(["x"], language)


def test_strange_text_is_survived() -> None:
    assert len(ipa_of(["\ud800 a\0b \x1b[2J", "[[h@l'oU]]", "<speak>a</speak>", "a" * 3_000], "gmw/en")) == 4


def test_too_much_at_once_is_told() -> None:
    with pytest.raises(SynthesisError, match="split the text"):
        ipa_of(["a" * 100_001], "gmw/en")


def test_a_process_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: Any, **__: Any) -> Any:
        raise subprocess.TimeoutExpired("ipa_worker", 30)

    monkeypatch.setattr(subprocess, "run", late)
    with pytest.raises(SynthesisError, match="TimeoutExpired"):
        ipa_of(["never asked before"], "gmw/en")


def test_the_engine_is_never_in_this_process() -> None:
    code = (
        "from speechagents.voices.neural.ipa import ipa_of; ipa_of(['good'], 'gmw/en'); "
        "import sys; sys.exit(any('espeak' in line for line in open('/proc/self/maps')))"
    )
    if not sys.platform.startswith("linux"):
        pytest.skip("Linux tells what a process has loaded")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
