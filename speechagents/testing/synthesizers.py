"""What every `Synthesizer` must pass.

Owns those terms, each as a function that takes a synthesizer and what is particular about it. Needs no test runner and
knows no back end.
"""

# ruff: noqa: ARG001 - all checks are called alike

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from speechagents.drama import Style
from speechagents.errors import SettingsError, SynthesisError
from speechagents.styles import STYLES
from speechagents.testing.checking import STRANGE_TEXTS, at_once, broken, is_one_line, must, run_all
from speechagents.voices.abilities import Abilities, DeclaresAbilities
from speechagents.voices.checks import Doubt, doubts, unusable
from speechagents.voices.phonetic import phonetic_word
from speechagents.voices.synthesizer import (
    ChecksLanguage,
    ClonesVoices,
    FailedTake,
    SpeaksAnew,
    SpokenLine,
    StreamsSpeech,
    Synthesizer,
    Take,
)

_ID: Final = re.compile(r"[a-z0-9-]+")
_TAG: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")
_LONGEST_NOTHING_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class SynthesizerTerms:
    """What is particular about a synthesizer.

    Attributes:
        text: A sentence that it speaks, in its voices' own language.
        tolerance: How far samples of the same line may differ. 0 is what the protocol asks for; models that speak in
            batches may differ in the last bits by what else was in the batch (1e-3 is -60 dB). None for a server that
            draws and cannot be told not to.
        long_chars: Length of the longest line that is tried, in characters.
        languages: Tags that are tried, of which it may refuse any.
    """

    text: str = "Good evening, everybody."
    tolerance: float | None = 0.0
    long_chars: int = 5_000
    languages: tuple[str, ...] = ("", "en", "en-GB", "de", "cmn", "qaa")


Check = Callable[[Synthesizer, SynthesizerTerms], None]


def check_synthesizer(make: Callable[[], Synthesizer], terms: SynthesizerTerms | None = None) -> None:
    """Check a synthesizer by all `SYNTHESIZER_CHECKS`.

    Args:
        make: Makes it, once; it is closed in the end if it has a ``close``.
        terms: What is particular about it.

    Raises:
        AssertionError: It breaks the contract; the message says in what.
    """
    synthesizer = make()
    try:
        run_all(
            (functools.partial(check, synthesizer, terms or SynthesizerTerms()) for check in SYNTHESIZER_CHECKS),
            type(synthesizer).__name__,
        )
    finally:
        close = getattr(synthesizer, "close", None)
        if close is not None:
            close()


def has_an_identity_that_stays(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """`identity` is one line of text, and the same after it has spoken."""
    before = synthesizer.identity
    must(is_one_line(before), f"identity is {before!r}; it is to be one line that names back end, version and settings")
    _spoken(synthesizer, [_line(synthesizer, terms.text)])
    must(synthesizer.identity == before, f"identity was {before!r} and is {synthesizer.identity!r} after speaking")


def has_a_catalogue_with_sources(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """Every voice has an id of its own, a licence, a source and what people need to choose it."""
    voices = list(synthesizer.voices)
    must(bool(voices), "there is no voice")
    ids = [voice.id for voice in voices]
    must(len(set(ids)) == len(ids), f"two voices have the same id: {sorted(one for one in ids if ids.count(one) > 1)}")
    for voice in voices:
        must(_ID.fullmatch(voice.id) is not None, f"the id {voice.id!r} is not made of a-z, 0-9 and -")
        for field in ("licence", "source", "description", "recipe", "sample"):
            value = getattr(voice, field)
            must(isinstance(value, str) and bool(value.strip()), f"voice {voice.id}: its {field} is empty")
        must(_TAG.fullmatch(voice.accent) is not None, f"voice {voice.id}: its accent {voice.accent!r} is no tag")
        must(voice.f0_hz >= 0.0, f"voice {voice.id}: a pitch of {voice.f0_hz} Hz cannot be")
    must([voice.id for voice in synthesizer.voices] == ids, "the catalogue is another one when it is asked for again")


def speaks_each_line_once_in_order(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """One take for each line, in order, with the line it was asked for; none for none."""
    must(list(synthesizer.speak([])) == [], "there are takes for no lines")
    voices = list(synthesizer.voices)
    lines = [
        SpokenLine(f"{terms.text} {number}." * (1 + number % 3), voices[number % len(voices)]) for number in range(7)
    ]
    results = _spoken(synthesizer, lines)
    for take in results:
        must(isinstance(take, Take), f"a plain line failed: {take}")


def makes_takes_that_can_be_kept(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """A take is mono, finite, not silent and not clipped; word times, if any, are those of its words."""
    take = _take(synthesizer, _line(synthesizer, terms.text))
    must(unusable(take) == "", f"the take cannot be kept: {unusable(take)}")
    must(take.audio.channels == 1, "the take is stereo")
    must(take.audio.peak <= 1.0, f"the take clips: its peak is {take.audio.peak:.2f}")
    if take.words:
        wrong = [one.what for one in doubts(take) if one.doubt is Doubt.WORDS]
        must(not wrong, f"its word times are wrong: {'; '.join(wrong)}")


def breathes_where_nothing_is_to_say(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """A line without words is a short take; it fails nothing."""
    for text in ("", "   ", "…", "- - -"):
        take = _take(synthesizer, _line(synthesizer, text))
        must(take.audio.frames > 0, f"the take of {text!r} has no audio; a short silence is right")
        must(take.audio.duration_s <= _LONGEST_NOTHING_S, f"{text!r} takes {take.audio.duration_s:.1f} s")


def refuses_a_voice_it_has_not(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """A line by an unknown voice fails alone, with a reason."""
    voice = synthesizer.voices[0]
    stranger = replace(voice, id="nobody-has-this-id")
    lines = [SpokenLine(terms.text, voice), SpokenLine(terms.text, stranger), SpokenLine(terms.text, voice)]
    first, failed, last = _spoken(synthesizer, lines)
    must(isinstance(failed, FailedTake), "a voice that is in no catalogue was spoken with")
    must(isinstance(first, Take) and isinstance(last, Take), "the lines beside the one with an unknown voice failed")


def refuses_languages_as_it_says(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """`check_language` and `speak` agree about every language; without the former, lines fail one by one."""
    voice = synthesizer.voices[0]
    for tag in terms.languages:
        (result,) = _spoken(synthesizer, [SpokenLine(terms.text, voice, language=tag)])
        if not isinstance(synthesizer, ChecksLanguage):
            continue
        try:
            synthesizer.check_language(tag)
        except SettingsError as error:
            must(is_one_line(str(error)), f"language {tag!r} is refused without a reason")
            must(isinstance(result, FailedTake), f"language {tag!r} is refused beforehand, and spoken all the same")
        else:
            must(isinstance(result, Take), f"language {tag!r} is accepted beforehand, and fails then: {result}")


def speaks_a_long_line(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """A line as long as a page is spoken, and is longer than a short one."""
    long = (f"{terms.text} " * (terms.long_chars // len(terms.text) + 1))[: terms.long_chars]
    take, short = (_take(synthesizer, _line(synthesizer, text)) for text in (long, terms.text))
    must(unusable(take) == "", f"the take of a long line cannot be kept: {unusable(take)}")
    must(
        take.audio.frames > short.audio.frames,
        f"{terms.long_chars} characters take {take.audio.duration_s:.1f} s, {len(terms.text)} of them "
        f"{short.audio.duration_s:.1f} s: something was left out",
    )


def survives_strange_text(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """Whatever the text is, the line has a take or a reason, and those around it are spoken."""
    texts = [*STRANGE_TEXTS, f"Say {phonetic_word('ˈkwiːni', 'Queenie')} again."]
    lines = [_line(synthesizer, text) for text in [terms.text, *texts, terms.text]]
    results = _spoken(synthesizer, lines)
    must(isinstance(results[0], Take) and isinstance(results[-1], Take), "the lines around strange ones failed")
    must(isinstance(results[-2], Take), "a line with a word by its sounds failed; `voices.phonetic.spelled` reads it")
    for line, result in zip(lines, results, strict=True):
        if isinstance(result, Take):
            must(bool(np.isfinite(result.audio.samples).all()), f"{line.text[:40]!r}: samples that are no numbers")


def speaks_the_same_line_the_same_way(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """The same line gives the same samples, whatever else is spoken, before or beside it."""
    if terms.tolerance is None:
        return
    line = _line(synthesizer, terms.text)
    alone = _take(synthesizer, line)
    others = [_line(synthesizer, f"{terms.text} {number}" * number) for number in range(1, 4)]
    among = _spoken(synthesizer, [others[0], line, others[1], others[2]])[1]
    from_threads = at_once([functools.partial(_take, synthesizer, line) for _ in range(3)])
    for number, take in enumerate([among, *from_threads]):
        where = "among others" if number == 0 else "in several threads"
        if not isinstance(take, Take):
            broken(f"the line that was spoken alone fails {where}: {take}")
        must(
            take.audio.frames == alone.audio.frames,
            f"the same line has {alone.audio.frames} frames alone and {take.audio.frames} {where}",
        )
        off = float(np.abs(take.audio.samples - alone.audio.samples).max())
        must(off <= terms.tolerance, f"the same line differs by {off:.2e} {where}; {terms.tolerance:.0e} is allowed")


def serves_several_threads(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """Callers in several threads get their own lines, each in order."""
    scripts = [[_line(synthesizer, f"{terms.text} {who} {number}.") for number in range(3)] for who in range(4)]
    for results in at_once([functools.partial(_spoken, synthesizer, lines) for lines in scripts]):
        for take in results:
            must(isinstance(take, Take), f"a plain line failed while others were speaking: {take}")


def speaks_at_the_rate_it_declares(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """All takes have one rate, spoken or silent, and it is the declared one; what is declared can be true."""
    lines = [_line(synthesizer, text) for text in (terms.text, "…", f"{terms.text} " * 40)]
    rates = {take.audio.rate_hz for take in _spoken(synthesizer, lines) if isinstance(take, Take)}
    must(len(rates) == 1, f"takes have several rates: {sorted(rates)} Hz")
    if not isinstance(synthesizer, DeclaresAbilities):
        return
    abilities = synthesizer.abilities
    must(rates == {abilities.rate_hz}, f"{abilities.rate_hz} Hz are declared, and takes have {min(rates)} Hz")
    _check_abilities(abilities, clones=isinstance(synthesizer, ClonesVoices))


def speaks_in_every_style(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """No style fails a line: one that it cannot do is spoken plainly."""
    voice = synthesizer.voices[-1]
    lines = [SpokenLine(terms.text, voice, Style(tag, strength)) for tag in STYLES for strength in (0.0, 1.0)]
    lines.append(SpokenLine(terms.text, voice, Style("angry", 2.0)))
    for line, result in zip(lines, _spoken(synthesizer, lines), strict=True):
        must(isinstance(result, Take), f"style {line.style.tag} at {line.style.strength:g} failed: {result}")


def speaks_anew_when_asked(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """Another attempt at a line is a take as well."""
    if isinstance(synthesizer, SpeaksAnew):
        _take(synthesizer, replace(_line(synthesizer, terms.text), attempt=1))


def streams_what_it_would_say(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """Where it can be heard while it speaks: pieces of one rate, about as long as the take; and it can be left."""
    if not (isinstance(synthesizer, StreamsSpeech) and synthesizer.streams):
        return
    line = _line(synthesizer, f"{terms.text} " * 3)
    pieces = list(synthesizer.stream(line))
    must(bool(pieces), "a plain line streams nothing")
    must(len({piece.rate_hz for piece in pieces}) == 1, "the pieces of a streamed line have several rates")
    for piece in pieces:
        must(piece.channels == 1 and piece.frames > 0, "a piece of a streamed line is stereo, or empty")
        must(piece.peak <= 1.0, f"a piece of a streamed line clips, or is no sound: its peak is {piece.peak:.2f}")
    streamed_s, whole_s = sum(piece.duration_s for piece in pieces), _take(synthesizer, line).audio.duration_s
    must(
        0.7 * whole_s <= streamed_s <= 1.3 * whole_s + 1.0,
        f"a line takes {whole_s:.2f} s, and {streamed_s:.2f} s when it is streamed",
    )
    for text in ("", "…"):
        silent = sum(piece.duration_s for piece in synthesizer.stream(_line(synthesizer, text)))
        must(silent <= _LONGEST_NOTHING_S, f"{text!r} streams {silent:.1f} s")
    try:
        list(synthesizer.stream(replace(line, voice=replace(line.voice, id="nobody-has-this-id"))))
    except SynthesisError as error:
        must(is_one_line(str(error)), "a voice that is in no catalogue is refused without a reason")
    else:
        broken("a voice that is in no catalogue was streamed")
    begun = synthesizer.stream(line)
    next(begun)
    begun.close()
    _take(synthesizer, line)


def can_be_left_in_the_middle(synthesizer: Synthesizer, terms: SynthesizerTerms) -> None:
    """Whoever stops listening, before the first take or after it, leaves nothing broken behind."""
    lines = [_line(synthesizer, f"{terms.text} {number}." * 3) for number in range(6)]
    iter(synthesizer.speak(lines))
    speaking = iter(synthesizer.speak(lines))
    next(speaking)
    del speaking
    _take(synthesizer, lines[-1])


def _check_abilities(abilities: Abilities, *, clones: bool) -> None:
    for tag in abilities.languages:
        must(re.fullmatch(r"[a-z]{2,8}", tag) is not None, f"{tag!r} is no primary language tag, like en")
    unknown = sorted(set(abilities.styles) - set(STYLES))
    must(not unknown, f"the declared styles {unknown} are none; there are {', '.join(STYLES)}")
    must(bool(abilities.code_licence.strip()), "no licence of the code is declared")
    must(bool(abilities.weights_licence.strip()), "no licence of the weights is declared")
    must(clones or not abilities.clones, "cloning is declared, and there is no method `clone`")


def _line(synthesizer: Synthesizer, text: str) -> SpokenLine:
    return SpokenLine(text, synthesizer.voices[0])


def _take(synthesizer: Synthesizer, line: SpokenLine) -> Take:
    (result,) = _spoken(synthesizer, [line])
    if isinstance(result, FailedTake):
        broken(f"the line {line.text[:40]!r} failed: {result.reason}")
    return result


def _spoken(synthesizer: Synthesizer, lines: Sequence[SpokenLine]) -> list[Take | FailedTake]:
    """The results for lines, of which there must be one for each, in order."""
    results = list(synthesizer.speak(lines))
    must(len(results) == len(lines), f"{len(lines)} lines gave {len(results)} takes")
    for line, result in zip(lines, results, strict=True):
        must(isinstance(result, Take | FailedTake), f"{result!r} is neither a take nor a failed one")
        must(result.line == line, f"the take in the place of {line.text[:40]!r} is of {result.line.text[:40]!r}")
        if isinstance(result, FailedTake):
            must(bool(result.reason.strip()), f"the line {line.text[:40]!r} failed without a reason")
    return results


SYNTHESIZER_CHECKS: Final[tuple[Check, ...]] = (
    has_an_identity_that_stays,
    has_a_catalogue_with_sources,
    speaks_each_line_once_in_order,
    makes_takes_that_can_be_kept,
    breathes_where_nothing_is_to_say,
    refuses_a_voice_it_has_not,
    refuses_languages_as_it_says,
    speaks_a_long_line,
    survives_strange_text,
    speaks_the_same_line_the_same_way,
    serves_several_threads,
    speaks_at_the_rate_it_declares,
    speaks_in_every_style,
    speaks_anew_when_asked,
    streams_what_it_would_say,
    can_be_left_in_the_middle,
)
"""Every term, in an order in which the first that breaks says most."""
